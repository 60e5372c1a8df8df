"""Who holds a conversation: what taking and letting go do to it and to its ticket.

The services that agents call come here after they checked rights; each function writes the
ticket, an activity line and an audit row, and returns the conversation for its caller to write.
"""

from __future__ import annotations

from dataclasses import replace

from channels.contract import MessageKind
from gateway.domain.conversation import Controller, Conversation, ConversationStatus, preview_of
from gateway.domain.conversation import claim as claim_conversation
from gateway.domain.conversation import release as release_conversation
from gateway.domain.errors import ConflictError
from gateway.domain.events import ConversationChanged, TicketChanged
from gateway.domain.people import Agent
from gateway.domain.ticket import Severity, Ticket, TicketKind, TicketState, move
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import holder_name
from gateway.services.auditing import note
from gateway.services.tickets import Activity, add_activity, open_ticket

LINES_FOR_SUMMARY = 6


def is_held_by(conversation: Conversation, agent: Agent) -> bool:
    """Whether the conversation is in that agent's hands."""
    return conversation.controller is Controller.AGENT and conversation.agent_id == agent.id


def take(
    uow: UnitOfWork,
    actor: Agent,
    conversation: Conversation,
    *,
    force: bool,
    now: int,
    new_id: NewId,
    version: int | None = None,
) -> Conversation:
    """Puts the conversation and its ticket into the agent's own hands.

    Raises:
        AlreadyClaimedError: another agent holds it and `force` is not set.
        ConflictError: `version` is given and not the present one.
    """
    holder = holder_name(uow, conversation)
    taken = claim_conversation(conversation, actor.id, holder=holder, force=force)
    if version is not None and version != conversation.version:
        raise ConflictError(
            "The conversation changed since you looked; look again and decide.",
            version=str(conversation.version),
        )
    if taken is conversation:  # one's own, solved or pending: taken up again
        taken = replace(
            conversation, status=ConversationStatus.OPEN, version=conversation.version + 1
        )
    taken = put_ticket_under(uow, taken, actor.id, now=now, new_id=new_id)
    was_held = conversation.agent_id not in {None, actor.id}
    activity = Activity.TAKEN_OVER if was_held else Activity.CLAIMED
    values = {"agent": actor.name, "from": holder} if was_held else {"agent": actor.name}
    taken = add_activity(uow, taken, activity, values, actor, now, new_id)
    note_change(uow, actor, f"conversation.{activity.value}", conversation, taken, now=now)
    return taken


def let_go(
    uow: UnitOfWork, actor: Agent, conversation: Conversation, *, now: int, new_id: NewId
) -> Conversation:
    """Puts the conversation and its ticket back into the queue."""
    released = release_conversation(conversation)
    ticket = present_ticket(uow, conversation)
    if ticket is not None:
        write_ticket(uow, replace(ticket, agent_id=None, updated_at=now))
    released = add_activity(uow, released, Activity.RELEASED, {}, actor, now, new_id)
    note_change(uow, actor, "conversation.released", conversation, released, now=now)
    return released


def present_ticket(uow: UnitOfWork, conversation: Conversation) -> Ticket | None:
    """The ticket that people work on now; a closed one is history."""
    if conversation.ticket_id is None:
        return None
    ticket = uow.tickets.get(conversation.ticket_id, lock=True)
    return None if ticket.state is TicketState.CLOSED else ticket


def put_ticket_under(
    uow: UnitOfWork, conversation: Conversation, agent_id: str, *, now: int, new_id: NewId
) -> Conversation:
    """Opens the conversation's ticket in the agent's name; makes one where there is none."""
    ticket = present_ticket(uow, conversation)
    if ticket is None:
        if conversation.team_id is None:
            team_id = uow.inboxes.get(conversation.inbox_id).team_id
            conversation = replace(conversation, team_id=team_id)
        opened = open_for(uow, conversation, agent_id, now=now, new_id=new_id)
        return replace(conversation, ticket_id=opened.id)
    moved = move(ticket, TicketState.OPEN, now)
    write_ticket(
        uow,
        replace(
            moved, agent_id=agent_id, team_id=conversation.team_id, solved_at=None, updated_at=now
        ),
    )
    return conversation


def open_for(
    uow: UnitOfWork, conversation: Conversation, agent_id: str | None, *, now: int, new_id: NewId
) -> Ticket:
    """A ticket for work that people begin on their own; it carries what was asked last."""
    lines = uow.messages.recent([conversation.id], LINES_FOR_SUMMARY).get(conversation.id, [])
    asked = [line.text for line in lines if line.kind is MessageKind.CUSTOMER and line.text]
    return open_ticket(
        uow,
        conversation,
        kind=TicketKind.CONSULTATION,
        severity=Severity.GENERAL,
        subject=conversation.subject or preview_of(asked[-1] if asked else conversation.preview),
        summary="\n".join(f"• {text}" for text in asked),
        reason="",
        team_id=conversation.team_id,
        now=now,
        new_id=new_id,
        agent_id=agent_id,
    )


def write_ticket(uow: UnitOfWork, ticket: Ticket) -> None:
    """Writes a ticket and tells of it."""
    uow.tickets.update(ticket)
    uow.emit(TicketChanged(ticket=ticket))


def note_change(
    uow: UnitOfWork,
    actor: Agent,
    action: str,
    before: Conversation,
    after: Conversation,
    *,
    now: int,
) -> None:
    """Audits what changed about who holds a conversation and how it stands."""
    fields = ("controller", "status", "agent_id", "team_id", "ticket_id")
    old = {f: _plain(getattr(before, f)) for f in fields}
    new = {f: _plain(getattr(after, f)) for f in fields}
    changed = [f for f in fields if old[f] != new[f]]
    note(
        uow,
        actor.id,
        action,
        ("conversation", after.id),
        before={f: old[f] for f in changed},
        after={f: new[f] for f in changed},
        now=now,
    )


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def tell(uow: UnitOfWork, conversation: Conversation) -> Conversation:
    """Tells of a conversation's change; returns it."""
    uow.emit(
        ConversationChanged(conversation=conversation, agent_name=holder_name(uow, conversation))
    )
    return conversation


def store(uow: UnitOfWork, conversation: Conversation) -> Conversation:
    """Writes a conversation that was read under lock and tells of it; returns it."""
    uow.conversations.update([conversation])
    return tell(uow, conversation)
