"""Tickets and the activity lines that tell what happened to a conversation.

Consoles say an activity in the agent's language from its `details`; its `text` is what is left
without a console.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from channels.contract import MessageKind, MessageState
from gateway.domain.conversation import Conversation, Message, append_internal
from gateway.domain.events import MessageAdded, TicketChanged
from gateway.domain.people import Agent
from gateway.domain.records import AuditEntry
from gateway.domain.ticket import Severity, Ticket, TicketKind, TicketState
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork

SYSTEM = "system"
SUBJECT_LENGTH = 200


class Activity(StrEnum):
    """What can happen to a conversation beside messages."""

    HANDED_OFF = "handed_off"
    CLAIMED = "claimed"
    TAKEN_OVER = "taken_over"
    RELEASED = "released"
    HANDED_BACK = "handed_back"
    ASSIGNED = "assigned"
    TEAM_CHANGED = "team_changed"
    SEVERITY_CHANGED = "severity_changed"
    KIND_CHANGED = "kind_changed"
    SOLVED = "solved"
    REOPENED = "reopened"
    PENDING = "pending"
    CLOSED = "closed"


_TEXTS: Mapping[Activity, str] = {
    Activity.HANDED_OFF: "The bot handed the conversation over",
    Activity.CLAIMED: "{actor} took the conversation",
    Activity.TAKEN_OVER: "{actor} took the conversation over from {from}",
    Activity.RELEASED: "{actor} put the conversation back into the queue",
    Activity.HANDED_BACK: "{actor} gave the conversation back to the bot",
    Activity.ASSIGNED: "{actor} assigned the conversation to {agent}",
    Activity.TEAM_CHANGED: "{actor} moved the conversation to {team}",
    Activity.SEVERITY_CHANGED: "{actor} changed the severity from {from} to {to}",
    Activity.KIND_CHANGED: "{actor} changed the kind from {from} to {to}",
    Activity.SOLVED: "{actor} solved the ticket",
    Activity.REOPENED: "{actor} reopened the ticket",
    Activity.PENDING: "{actor} waits for the customer",
    Activity.CLOSED: "{actor} closed the ticket",
}


class _Words(dict[str, str]):
    """Values for a text; one that is missing reads as a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def add_activity(  # noqa: PLR0917 -- a sentence: who did what to which
    uow: UnitOfWork,
    conversation: Conversation,
    activity: str,
    values: Mapping[str, str | int | None],
    actor: Agent | None,
    now: int,
    new_id: NewId,
) -> Conversation:
    """Writes an activity into a conversation that was read under lock.

    Args:
        uow: the transaction.
        conversation: as it is to be stored; the caller writes what this returns.
        activity: what happened, an `Activity`.
        values: names and values that the line shows, such as `agent`, `from` and `to`.
        actor: who did it; None for the system.
        now: ms since the epoch.
        new_id: gives the message's id.

    Returns:
        The conversation with its next `seq` taken.
    """
    after = append_internal(conversation)
    name = actor.name if actor is not None else ""
    shown = {key: str(value) for key, value in values.items() if value}
    words = _Words({"actor": name or "The system", **shown})
    message = Message(
        id=new_id(),
        conversation_id=after.id,
        inbox_id=after.inbox_id,
        seq=after.last_seq,
        kind=MessageKind.ACTIVITY,
        state=MessageState.DELIVERED,
        text=_TEXTS[Activity(activity)].format_map(words),
        created_at=now,
        author_id=actor.id if actor is not None else None,
        author_name=name,
        details={"activity": str(activity), "values": {"actor": name, **values}},
    )
    uow.messages.add([message])
    uow.emit(MessageAdded(conversation=after, message=message))
    return after


def open_ticket(
    uow: UnitOfWork,
    conversation: Conversation,
    *,
    kind: TicketKind,
    severity: Severity,
    subject: str,
    summary: str,
    reason: str,
    team_id: str | None,
    now: int,
    new_id: NewId,
    agent_id: str | None = None,
) -> Ticket:
    """Opens the next ticket for a conversation that was read under lock (H2.1, H2.2).

    The conversation is not changed: the caller puts the ticket's id into it and writes it.

    Args:
        uow: the transaction.
        conversation: what the ticket is about.
        kind: kind of request.
        severity: by urgency, impact and complexity.
        subject: one line; a longer one is cut.
        summary: what was asked, tried and collected.
        reason: why the bot handed over, or "" when an agent took the conversation.
        team_id: whose queue it waits in.
        now: ms since the epoch.
        new_id: gives the ticket's id.
        agent_id: who works on it already; the ticket is then open rather than new.
    """
    ticket = Ticket(
        id=new_id(),
        number=uow.tickets.next_number(),
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        team_id=team_id,
        agent_id=agent_id,
        kind=kind,
        severity=severity,
        state=TicketState.NEW if agent_id is None else TicketState.OPEN,
        subject=" ".join(subject.split())[:SUBJECT_LENGTH],
        summary=summary,
        reason=reason,
        created_at=now,
        updated_at=now,
    )
    uow.tickets.add(ticket)
    uow.audit.add(
        AuditEntry(
            at=now,
            actor_id=agent_id or SYSTEM,
            action="ticket.opened",
            object_type="ticket",
            object_id=ticket.id,
            before={},
            after={"number": ticket.number, "kind": kind.value, "severity": severity.value},
        )
    )
    uow.emit(TicketChanged(ticket=ticket, opened=True))
    return ticket
