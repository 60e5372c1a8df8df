"""How customers' words bring work to people: tickets reopened, and opened without the bot."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.conversation import Controller, Conversation, Message, begin_anew
from gateway.domain.events import ConversationChanged, TicketChanged
from gateway.domain.ticket import Severity, TicketKind, reopen
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.tickets import add_activity, open_ticket


def reopen_ticket(
    uow: UnitOfWork, conversation: Conversation, ticket_id: str, *, now: int, new_id: NewId
) -> Conversation:
    """The conversation after its customer wrote on a ticket that rested.

    A closed ticket is history: the conversation is the bot's again.
    """
    ticket = uow.tickets.get(ticket_id, lock=True)
    reopened = reopen(ticket, now)
    if reopened is ticket:  # closed for good: a new hand-off opens a new ticket
        return replace(
            begin_anew(conversation), ticket_id=None, controller=Controller.BOT, agent_id=None
        )
    uow.tickets.update(reopened)
    uow.emit(TicketChanged(ticket=reopened))
    return add_activity(
        uow, conversation, "reopened", {"number": ticket.number}, None, now, new_id
    )


def to_queue(
    uow: UnitOfWork,
    conversation: Conversation,
    message: Message,
    *,
    reason: str,
    team_id: str | None,
    now: int,
    new_id: NewId,
) -> Conversation:
    """From the bot straight to a team's queue, with a ticket about the message.

    The caller writes the conversation.
    """
    conversation = replace(
        conversation,
        controller=Controller.QUEUE,
        team_id=team_id,
        version=conversation.version + 1,
    )
    ticket = open_ticket(
        uow,
        conversation,
        kind=TicketKind.CONSULTATION,
        severity=Severity.GENERAL,
        subject=conversation.subject or conversation.preview,
        summary=message.text,
        reason=reason,
        team_id=team_id,
        now=now,
        new_id=new_id,
    )
    conversation = replace(conversation, ticket_id=ticket.id)
    uow.emit(ConversationChanged(conversation=conversation))
    return conversation
