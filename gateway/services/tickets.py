"""Tickets and the activity lines that tell what happened to a conversation.

Consoles say an activity in the agent's language from its `details`; its `text` is what is left
without a console.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.phrases import complains
from channels.contract import MessageKind, MessageState
from gateway.domain.conversation import (
    Conversation,
    ConversationStatus,
    Message,
    append_internal,
)
from gateway.domain.conversation import solve as solve_conversation
from gateway.domain.errors import ConflictError
from gateway.domain.events import ConversationChanged, MessageAdded, TicketChanged
from gateway.domain.people import Agent, Right
from gateway.domain.ticket import Severity, Ticket, TicketKind, TicketState, move
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import get_ticket, holder_name, require, require_free_hand
from gateway.services.auditing import note

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
    JOINED = "joined"
    ADMITTED = "admitted"
    SEPARATED = "separated"
    MAILED = "mailed"


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
    Activity.JOINED: "{actor} let {author} join the conversation",
    Activity.ADMITTED: "{actor} released a message that was held",
    Activity.SEPARATED: "{actor} made a conversation of its own of what {author} wrote",
    Activity.MAILED: "The conversation goes on by mail to {address}",
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
    card: Mapping[str, Any] | None = None,
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
        card: the summary as JSON values, when the bot hands over.
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
        card=card or {},
        reason=reason,
        created_at=now,
        updated_at=now,
    )
    uow.tickets.add(ticket)
    note(
        uow,
        agent_id,
        "ticket.opened",
        ("ticket", ticket.id),
        after={"number": ticket.number, "kind": kind.value, "severity": severity.value},
        now=now,
    )
    uow.emit(TicketChanged(ticket=ticket, opened=True))
    return ticket


def mark_complaint(
    uow: UnitOfWork, conversation: Conversation, text: str, *, now: int, new_id: NewId
) -> Conversation:
    """Makes a waiting ticket a complaint, important at least, when its customer complains (H5.1).

    Args:
        uow: the transaction.
        conversation: read under lock; it waits in the queue or is an agent's.
        text: what the customer has just written.
        now: ms since the epoch.
        new_id: gives the ids of activity messages.

    Returns:
        The conversation with the lines that tell the change; the caller writes it.
    """
    if conversation.ticket_id is None or not complains(text):
        return conversation
    ticket = uow.tickets.get(conversation.ticket_id, lock=True)
    severity = Severity.IMPORTANT if ticket.severity is Severity.GENERAL else ticket.severity
    changed = replace(ticket, kind=TicketKind.COMPLAINT, severity=severity)
    if changed == ticket or ticket.state in {TicketState.SOLVED, TicketState.CLOSED}:
        return conversation
    return _write_change(uow, None, conversation, ticket, changed, now, new_id)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketChanges:
    """What is to change about a ticket; None leaves as it is."""

    severity: Severity | None = None
    kind: TicketKind | None = None
    state: TicketState | None = None
    subject: str | None = None


def change(
    uow: UnitOfWork, actor: Agent, name: str, changes: TicketChanges, *, now: int, new_id: NewId
) -> Ticket:
    """Changes a ticket, and the state of its conversation with it.

    Args:
        uow: the transaction.
        actor: who asks.
        name: the ticket's id or number.
        changes: what is to change.
        now: ms since the epoch.
        new_id: gives the ids of activity messages.

    Raises:
        NotFoundError: there is no such ticket in the agent's scope.
        NotAllowedError: the agent may not work.
        AlreadyClaimedError: the state is to change while another agent holds the conversation.
        ConflictError: that state cannot follow.
    """
    require(actor, Right.WORK)
    found = get_ticket(uow, actor, name)
    conversation = uow.conversations.get(found.conversation_id, lock=True)
    ticket = uow.tickets.get(found.id, lock=True)
    conversation, ticket = _describe(uow, actor, conversation, ticket, changes, now, new_id)
    if changes.state is not None and changes.state is not ticket.state:
        require_free_hand(uow, actor, conversation)
        conversation, ticket = set_state(
            uow, actor, conversation, ticket, changes.state, now=now, new_id=new_id
        )
    uow.conversations.update([conversation])
    uow.emit(
        ConversationChanged(conversation=conversation, agent_name=holder_name(uow, conversation))
    )
    return ticket


def _describe(  # noqa: PLR0917 -- the arguments of `change`, one by one
    uow: UnitOfWork,
    actor: Agent,
    conversation: Conversation,
    ticket: Ticket,
    changes: TicketChanges,
    now: int,
    new_id: NewId,
) -> tuple[Conversation, Ticket]:
    """Severity, kind and subject; people see the first two change."""
    changed = replace(
        ticket,
        severity=changes.severity or ticket.severity,
        kind=changes.kind or ticket.kind,
        subject=changes.subject if changes.subject is not None else ticket.subject,
    )
    if changed == ticket:
        return conversation, ticket
    return _write_change(uow, actor, conversation, ticket, changed, now, new_id)


def _write_change(  # noqa: PLR0917 -- what `_describe` and `mark_complaint` have in common
    uow: UnitOfWork,
    actor: Agent | None,
    conversation: Conversation,
    ticket: Ticket,
    changed: Ticket,
    now: int,
    new_id: NewId,
) -> tuple[Conversation, Ticket]:
    changed = replace(changed, updated_at=now)
    for activity, before, after in (
        (Activity.SEVERITY_CHANGED, ticket.severity, changed.severity),
        (Activity.KIND_CHANGED, ticket.kind, changed.kind),
    ):
        if before != after:
            values = {"from": str(before), "to": str(after)}
            conversation = add_activity(uow, conversation, activity, values, actor, now, new_id)
    fields = ("severity", "kind", "subject")
    note(
        uow,
        actor.id if actor is not None else None,
        "ticket.changed",
        ("ticket", ticket.id),
        before={f: str(getattr(ticket, f)) for f in fields},
        after={f: str(getattr(changed, f)) for f in fields},
        now=now,
    )
    uow.tickets.update(changed)
    uow.emit(TicketChanged(ticket=changed))
    return conversation, changed


_ACTIVITIES: Mapping[TicketState, Activity] = {
    TicketState.OPEN: Activity.REOPENED,
    TicketState.PENDING: Activity.PENDING,
    TicketState.SOLVED: Activity.SOLVED,
    TicketState.CLOSED: Activity.CLOSED,
}


def set_state(
    uow: UnitOfWork,
    actor: Agent,
    conversation: Conversation,
    ticket: Ticket,
    state: TicketState,
    *,
    now: int,
    new_id: NewId,
) -> tuple[Conversation, Ticket]:
    """Moves a ticket and writes it; the caller writes the conversation that this returns.

    Raises:
        ConflictError: that state cannot follow, or the ticket is not the conversation's
            present one and would come to life beside it.
    """
    is_present = conversation.ticket_id == ticket.id
    if not is_present and state is not TicketState.CLOSED:
        raise ConflictError(
            "This ticket is history: its conversation went on without it. "
            "Take the conversation to open a new one."
        )
    moved = move(ticket, state, now)
    if moved is ticket:
        return conversation, ticket
    if state is TicketState.OPEN:
        moved = replace(moved, solved_at=None)
    uow.tickets.update(moved)
    uow.emit(TicketChanged(ticket=moved))
    note(
        uow,
        actor.id,
        f"ticket.{'reopened' if state is TicketState.OPEN else state.value}",
        ("ticket", ticket.id),
        before={"state": ticket.state.value},
        after={"state": state.value},
        now=now,
    )
    values = {"number": moved.number}
    activity = _ACTIVITIES[state]
    if not (state is TicketState.OPEN and ticket.state is TicketState.NEW):
        conversation = add_activity(uow, conversation, activity, values, actor, now, new_id)
    return (_follow(conversation, state) if is_present else conversation), moved


def _follow(conversation: Conversation, state: TicketState) -> Conversation:
    """The conversation in the status that goes with its ticket's state."""
    if state is TicketState.SOLVED:
        return solve_conversation(conversation)
    if state is TicketState.CLOSED:
        return conversation
    status = (
        ConversationStatus.PENDING if state is TicketState.PENDING else ConversationStatus.OPEN
    )
    return replace(conversation, status=status, version=conversation.version + 1)
