"""Activities: the lines in a conversation that tell what happened to it.

Consoles say them in the agent's language from `details`; `text` is what remains without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from channels.contract import MessageKind, MessageState
from gateway.domain.conversation import Conversation, Message, append_internal
from gateway.domain.events import MessageAdded
from gateway.domain.people import Agent
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork


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


def add_activity(
    uow: UnitOfWork,
    conversation: Conversation,
    activity: Activity,
    values: Mapping[str, str],
    *,
    actor: Agent | None,
    now: int,
    new_id: NewId,
) -> Conversation:
    """Writes an activity into a conversation that was read under lock.

    Args:
        uow: the transaction.
        conversation: as it is to be stored; the caller writes what this returns.
        activity: what happened.
        values: names and values that the line shows, such as `agent`, `from` and `to`.
        actor: who did it; None for the system.
        now: ms since the epoch.
        new_id: gives the message's id.

    Returns:
        The conversation with its next `seq` taken.
    """
    after = append_internal(conversation)
    name = actor.name if actor is not None else ""
    words = _Words({"actor": name or "The system", **{k: v for k, v in values.items() if v}})
    message = Message(
        id=new_id(),
        conversation_id=after.id,
        inbox_id=after.inbox_id,
        seq=after.last_seq,
        kind=MessageKind.ACTIVITY,
        state=MessageState.DELIVERED,
        text=_TEXTS[activity].format_map(words),
        created_at=now,
        author_id=actor.id if actor is not None else None,
        author_name=name,
        details={"activity": activity.value, "values": {"actor": name, **values}},
    )
    uow.messages.add([message])
    uow.emit(MessageAdded(conversation=after, message=message))
    return after
