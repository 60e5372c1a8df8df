"""A conversation as columns of its table, and back."""

from __future__ import annotations

from gateway.domain.conversation import Controller, Conversation, ConversationStatus
from gateway.store.rows import dump_map, load_map
from gateway.store.session import Row

# What a conversation is; written once.
IDENTITY = ("id", "key", "inbox_id", "contact_id", "handle", "thread")
# How it stands; indexes over nothing else are left alone by an update.
STANDING = (
    "controller",
    "status",
    "agent_id",
    "team_id",
    "ticket_id",
    "language",
    "subject",
    "last_seq",
    "last_message_at",
    "preview",
    "unread",
    "waiting_since",
    "bot_state",
    "version",
    "turned_seq",
    "bot_since",
)
COLUMNS = (*IDENTITY, *STANDING, "created_at")

_CONTROLLERS = {item.value: item for item in Controller}
_STATUSES = {item.value: item for item in ConversationStatus}


def to_conversation(row: Row) -> Conversation:
    """The conversation of a row of `COLUMNS`."""
    return Conversation(
        id=row[0],
        key=row[1],
        inbox_id=row[2],
        contact_id=row[3],
        handle=row[4],
        thread=row[5],
        controller=_CONTROLLERS[row[6]],
        status=_STATUSES[row[7]],
        agent_id=row[8],
        team_id=row[9],
        ticket_id=row[10],
        language=row[11],
        subject=row[12],
        last_seq=row[13],
        last_message_at=row[14],
        preview=row[15],
        unread=row[16],
        waiting_since=row[17],
        bot_state=load_map(row[18]),
        version=row[19],
        turned_seq=row[20],
        bot_since=row[21],
        created_at=row[22],
    )


def standing(item: Conversation) -> Row:
    """The values of `STANDING`."""
    return (
        item.controller.value,
        item.status.value,
        item.agent_id,
        item.team_id,
        item.ticket_id,
        item.language,
        item.subject,
        item.last_seq,
        item.last_message_at,
        item.preview,
        item.unread,
        item.waiting_since,
        dump_map(item.bot_state),
        item.version,
        item.turned_seq,
        item.bot_since,
    )


def identity(item: Conversation) -> Row:
    """The values of `IDENTITY`."""
    return (item.id, item.key, item.inbox_id, item.contact_id, item.handle, item.thread)


def shelf(item: Conversation) -> str:
    """Where the lists find it."""
    if item.status is ConversationStatus.SOLVED:
        return "solved"
    return item.controller.value
