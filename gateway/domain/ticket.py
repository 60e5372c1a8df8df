"""Tickets: the units of human work (H2.1, H2.2, H4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from gateway.domain.errors import ConflictError

FIRST_NUMBER = 10001


class TicketState(StrEnum):
    """Where the work stands; `pending` waits for the customer."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"
    CLOSED = "closed"


class Severity(StrEnum):
    """By urgency, impact and complexity (H2.1)."""

    GENERAL = "general"
    IMPORTANT = "important"
    URGENT = "urgent"
    CRITICAL = "critical"


class TicketKind(StrEnum):
    """Kinds of request (H2.2)."""

    CONSULTATION = "consultation"
    FAULT = "fault"
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"
    SERVICE = "service"
    ORDER = "order"
    BUG = "bug"


# From each state, the states that may follow; a customer's reply reopens by `reopen`.
_NEXT: dict[TicketState, frozenset[TicketState]] = {
    TicketState.NEW: frozenset({TicketState.OPEN, TicketState.PENDING, TicketState.SOLVED}),
    TicketState.OPEN: frozenset({TicketState.PENDING, TicketState.SOLVED}),
    TicketState.PENDING: frozenset({TicketState.OPEN, TicketState.SOLVED}),
    TicketState.SOLVED: frozenset({TicketState.OPEN, TicketState.CLOSED}),
    TicketState.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A numbered piece of work in a team's queue.

    `summary` tells what was asked, tried and collected; `card` says the same as data (JSON values)
    where the bot handed over, and is empty otherwise. `reason` is why the bot handed over.
    """

    id: str
    number: int
    conversation_id: str
    contact_id: str
    team_id: str | None
    agent_id: str | None
    kind: TicketKind
    severity: Severity
    state: TicketState
    subject: str
    summary: str
    reason: str
    created_at: int
    updated_at: int
    card: Mapping[str, Any] = field(default_factory=dict)
    solved_at: int | None = None
    closed_at: int | None = None


def move(ticket: Ticket, state: TicketState, now: int) -> Ticket:
    """The ticket in its next state.

    Raises:
        ConflictError: that state cannot follow.
    """
    if state is ticket.state:
        return ticket
    if state not in _NEXT[ticket.state]:
        raise ConflictError(
            f"A {ticket.state.value} ticket cannot become {state.value}.", state=ticket.state.value
        )
    return replace(
        ticket,
        state=state,
        updated_at=now,
        solved_at=now if state is TicketState.SOLVED else ticket.solved_at,
        closed_at=now if state is TicketState.CLOSED else ticket.closed_at,
    )


def reopen(ticket: Ticket, now: int) -> Ticket:
    """The ticket after its customer wrote again: pending or solved becomes open."""
    if ticket.state in {TicketState.PENDING, TicketState.SOLVED}:
        return replace(ticket, state=TicketState.OPEN, updated_at=now, solved_at=None)
    return ticket
