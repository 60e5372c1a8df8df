"""Tickets: opened by a hand-off or by the agent who takes a conversation over from the bot."""

from __future__ import annotations

from gateway.domain.conversation import Conversation
from gateway.domain.events import TicketChanged
from gateway.domain.records import AuditEntry
from gateway.domain.ticket import Severity, Ticket, TicketKind, TicketState
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork

SYSTEM = "system"
SUBJECT_LENGTH = 200


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
