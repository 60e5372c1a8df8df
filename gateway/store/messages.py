"""Messages of conversations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import orjson
from sqlalchemy import ColumnElement, bindparam, func, literal_column, select, update

from channels.contract import Attachment, MessageKind, MessageState, QuickReply
from gateway.domain.conversation import OUTGOING_KINDS, PUBLIC_KINDS, Message
from gateway.domain.errors import NotFoundError
from gateway.domain.records import Mark, PastLine, Raised, StateUpdate
from gateway.ports.conversations import Unindexed
from gateway.store import search
from gateway.store.rows import (
    NO_OFFSET,
    dump,
    dump_map,
    insert_into,
    load_map,
    pick,
    select_by,
    update_by,
)
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import conversations, messages

COLUMNS = (
    "id",
    "conversation_id",
    "inbox_id",
    "seq",
    "kind",
    "state",
    "text",
    "created_at",
    "author_id",
    "author_name",
    "payload",
    "choices",
    "attachments",
    "article",
    "external_id",
    "in_reply_to",
    "failure",
    "sent_at",
    "details",
)
# What is not the customer's word lies beside it as a note.
_RECEIVED_KINDS = frozenset({MessageKind.CUSTOMER, MessageKind.NOTE})
_SEARCHED_KINDS = PUBLIC_KINDS | {MessageKind.NOTE}
# Letters to third parties are notes, those by which a chat goes on are activities.
_SENT_OUT_KINDS = OUTGOING_KINDS | {MessageKind.NOTE, MessageKind.ACTIVITY}
_ON_THE_WAY = frozenset({MessageState.SENT, MessageState.DELIVERED, MessageState.READ})


def _is(column: str, *values: str) -> Any:
    """A condition with the values in the text, so that partial indexes are found."""
    listed: list[ColumnElement[str]] = [literal_column(f"'{value}'") for value in sorted(values)]
    return messages.c[column] == listed[0] if len(listed) == 1 else messages.c[column].in_(listed)


_PICKED = pick(messages, COLUMNS)
_BY_ID = select_by(messages, COLUMNS, "id")
_INSERT = insert_into(messages, COLUMNS)
_UPDATE = update_by(messages, COLUMNS[1:], "id")
_SAID_BY_BOT = Statement(
    select(messages.c.id)
    .join(conversations, conversations.c.id == messages.c.conversation_id)
    .where(
        conversations.c.contact_id == bindparam("contact_id"),
        conversations.c.last_message_at >= bindparam("since"),
        _is("kind", MessageKind.BOT),
        messages.c.created_at >= bindparam("since_too"),
    )
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "contact_id",
    "since",
    "since_too",
    "most",
)
_KNOWN = Statement(
    select(*_PICKED).where(
        messages.c.inbox_id == bindparam("inbox_id"),
        messages.c.external_id == bindparam("external_id"),
        _is("kind", *_RECEIVED_KINDS),
    ),
    "inbox_id",
    "external_id",
)
_RECENT = Statement(
    select(
        messages.c.seq,
        messages.c.kind,
        messages.c.text,
        messages.c.payload.is_not(None),
    )
    .where(messages.c.conversation_id == bindparam("conversation_id"), _is("kind", *PUBLIC_KINDS))
    .order_by(messages.c.seq.desc())
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "conversation_id",
    "most",
)
_UNFETCHED = Statement(
    select(*_PICKED)
    .where(
        messages.c.conversation_id == bindparam("conversation_id"),
        _is("state", MessageState.SENT),
        _is("kind", *OUTGOING_KINDS),
    )
    .order_by(messages.c.seq)
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "conversation_id",
    "most",
)
_MOST_UNFETCHED = 100
_SENT_AS = Statement(
    select(*_PICKED)
    .where(
        messages.c.inbox_id == bindparam("inbox_id"),
        messages.c.external_id == bindparam("external_id"),
        _is("kind", *_SENT_OUT_KINDS),
    )
    .order_by(messages.c.created_at.desc())
    .limit(literal_column("1"))
    .offset(NO_OFFSET),
    "inbox_id",
    "external_id",
)
_ENDING = Statement(
    select(*_PICKED)
    .where(
        messages.c.conversation_id == bindparam("conversation_id"),
        messages.c.id.like(bindparam("pattern")),
    )
    .limit(literal_column("1"))
    .offset(NO_OFFSET),
    "conversation_id",
    "pattern",
)
_FAILED = Statement(
    select(*_PICKED)
    .where(_is("state", MessageState.FAILED))
    .order_by(messages.c.created_at.desc(), messages.c.id.desc())
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "most",
)
_SENT_AT = func.coalesce(messages.c.sent_at, bindparam("sent_at"))
_SET_STATE = Statement(
    update(messages)
    .where(messages.c.id == bindparam("key"))
    .values(state=bindparam("new_state"), failure=bindparam("new_failure"), sent_at=_SENT_AT),
    "new_state",
    "new_failure",
    "sent_at",
    "key",
)
_BELOW = {
    MessageState.DELIVERED: (MessageState.SENT,),
    MessageState.READ: (MessageState.SENT, MessageState.DELIVERED),
}


def _raise(below: MessageState, *, answering: bool) -> Statement:
    """Moves a conversation's outgoing messages on; the state in the text names the index."""
    conversation = select(conversations.c.id).where(conversations.c.key == bindparam("key"))
    change = (
        update(messages)
        .where(
            messages.c.conversation_id == conversation.scalar_subquery(),
            _is("state", below),
            _is("kind", *OUTGOING_KINDS),
            messages.c.seq <= bindparam("up_to"),
        )
        .values(state=bindparam("new_state"), sent_at=_SENT_AT)
        .returning(messages.c.id, messages.c.conversation_id, messages.c.created_at)
    )
    names = ["new_state", "sent_at", "key", "up_to"]
    if answering:
        change = change.where(messages.c.in_reply_to == bindparam("asked"))
        names.append("asked")
    return Statement(change, *names)


_RAISE = {
    (below, answering): _raise(below, answering=answering)
    for below in (MessageState.SENT, MessageState.DELIVERED)
    for answering in (False, True)
}
_SET_EXTERNAL_ID = update_by(messages, ("external_id",), "id")

_KINDS = {item.value: item for item in MessageKind}
_STATES = {item.value: item for item in MessageState}


def to_message(row: Row) -> Message:
    """The message of a row of `COLUMNS`."""
    return Message(
        id=row[0],
        conversation_id=row[1],
        inbox_id=row[2],
        seq=row[3],
        kind=_KINDS[row[4]],
        state=_STATES[row[5]],
        text=row[6],
        created_at=row[7],
        author_id=row[8],
        author_name=row[9],
        payload=row[10],
        choices=_choices(row[11]),
        attachments=_attachments(row[12]),
        article=row[13],
        external_id=row[14],
        in_reply_to=row[15],
        failure=row[16],
        sent_at=row[17],
        details=load_map(row[18]),
    )


def _choices(text: str) -> tuple[QuickReply, ...]:
    if text == "[]":
        return ()
    return tuple(QuickReply(**item) for item in _load_list(text))


def _attachments(text: str) -> tuple[Attachment, ...]:
    if text == "[]":
        return ()
    return tuple(Attachment(**item) for item in _load_list(text))


def _load_list(text: str) -> Iterable[Mapping[str, Any]]:
    return cast("Iterable[Mapping[str, Any]]", orjson.loads(text))


def _values(item: Message) -> Row:
    return (
        item.id,
        item.conversation_id,
        item.inbox_id,
        item.seq,
        item.kind.value,
        item.state.value,
        item.text,
        item.created_at,
        item.author_id,
        item.author_name,
        item.payload,
        dump(item.choices),
        dump(item.attachments),
        item.article,
        item.external_id,
        item.in_reply_to,
        item.failure,
        item.sent_at,
        dump_map(item.details),
    )


def _marked(mark: Mark, at: int) -> Row:
    asked = () if mark.in_reply_to is None else (mark.in_reply_to,)
    return (mark.state.value, at, mark.key, mark.up_to, *asked)


class SqlMessages:
    """`gateway.ports.conversations.Messages`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def known(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Message]:
        """What came before, by (inbox id, external id)."""
        wanted = list(dict.fromkeys(pairs))
        found = self._session.each(_KNOWN, wanted)
        return {
            pair: to_message(rows[0]) for pair, rows in zip(wanted, found, strict=True) if rows
        }

    def add(self, messages: Sequence[Message]) -> None:
        """Inserts, and queues for the search index what has words."""
        self._session.run_many(_INSERT, [_values(item) for item in messages])
        searched = [m.id for m in messages if m.text and m.kind in _SEARCHED_KINDS]
        search.enqueue(self._session, "message", searched)

    def update(self, message: Message) -> None:
        """Writes all columns, and indexes it anew."""
        self._session.run(_UPDATE, (*_values(message)[1:], message.id))
        if message.text and message.kind in _SEARCHED_KINDS:
            search.enqueue(self._session, "message", [message.id])

    def said_by_bot(self, contact_id: str, *, since: int, limit: int) -> int:
        """How many messages the bot sent a contact since then (ms), counted up to a limit."""
        return len(self._session.rows(_SAID_BY_BOT, (contact_id, since, since, limit)))

    def said_to_handles(self, inbox_id: str, ending: str, *, since: int, limit: int) -> int:
        """The same for all in an inbox whose handles end so."""
        found = (
            select(messages.c.id)
            .join(conversations, conversations.c.id == messages.c.conversation_id)
            .where(
                conversations.c.inbox_id == inbox_id,
                conversations.c.handle.endswith(ending, autoescape=True),
                conversations.c.last_message_at >= since,
                _is("kind", MessageKind.BOT),
                messages.c.created_at >= since,
            )
            .limit(limit)
        )
        return len(self._session.select(found))

    def index_pending(self, limit: int) -> int:
        """Indexes for search what waits, oldest first; returns how much that was."""
        return search.index_pending(self._session, limit)

    def unindexed(self, limit: int) -> list[Unindexed]:
        """What waits for the search index, oldest first."""
        return search.waiting(self._session, limit)

    def index_one(self, number: int) -> None:
        """Indexes what waits under that number; nothing when it waits no more."""
        search.index_one(self._session, number)

    def leave_unindexed(self, number: int) -> None:
        """Gives up what waits under that number."""
        search.give_up(self._session, number)

    def get(self, message_id: str) -> Message:
        """One message."""
        row = self._session.row(_BY_ID, (message_id,))
        if row is None:
            raise NotFoundError("There is no such message.")
        return to_message(row)

    def by_ids(self, message_ids: Sequence[str]) -> dict[str, Message]:
        """Those that exist, by id."""
        found = self._session.each(_BY_ID, [(item,) for item in dict.fromkeys(message_ids)])
        return {rows[0][0]: to_message(rows[0]) for rows in found if rows}

    def sent_as(self, inbox_id: str, external_id: str) -> Message | None:
        """What went out and the platform knows by that id; the newest."""
        row = self._session.row(_SENT_AS, (inbox_id, external_id))
        return None if row is None else to_message(row)

    def ending(self, conversation_id: str, end: str) -> Message | None:
        """The conversation's message whose id has that end."""
        row = self._session.row(_ENDING, (conversation_id, f"%{end}"))
        return None if row is None else to_message(row)

    def page(
        self,
        conversation_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int,
        kinds: frozenset[MessageKind] | None = None,
    ) -> list[Message]:
        """Messages in order of `seq`: after one, before one (the nearest), or the newest."""
        seq = messages.c.seq
        query = select(*_PICKED).where(messages.c.conversation_id == conversation_id)
        if after is not None:
            query = query.where(seq > after)
        if before is not None:
            query = query.where(seq < before)
        if kinds is not None:
            query = query.where(messages.c.kind.in_(sorted(kind.value for kind in kinds)))
        forwards = after is not None
        rows = self._session.select(query.order_by(seq if forwards else seq.desc()).limit(limit))
        found = [to_message(row) for row in rows]
        return found if forwards else found[::-1]

    def recent(self, conversation_ids: Sequence[str], limit: int) -> dict[str, list[PastLine]]:
        """The newest public messages of each conversation, oldest first."""
        wanted = list(dict.fromkeys(conversation_ids))
        found = self._session.each(_RECENT, [(item, limit) for item in wanted])
        return {
            conversation_id: [
                PastLine(seq, _KINDS[kind], text, bool(pressed))
                for seq, kind, text, pressed in reversed(rows)
            ]
            for conversation_id, rows in zip(wanted, found, strict=True)
        }

    def unfetched(self, conversation_id: str) -> list[Message]:
        """Bots' and agents' messages in state `sent`, the oldest 100."""
        rows = self._session.rows(_UNFETCHED, (conversation_id, _MOST_UNFETCHED))
        return [to_message(row) for row in rows]

    def set_states(self, updates: Sequence[StateUpdate]) -> None:
        """Notes how far outgoing messages got.

        The first time out is `sent_at`; an external id stays when an update brings none; the
        reason of a failure goes when an update brings none.
        """
        states = [
            (u.state.value, u.failure, u.at if u.state in _ON_THE_WAY else None, u.message_id)
            for u in updates
        ]
        self._session.run_many(_SET_STATE, states)
        ids = [(u.external_id, u.message_id) for u in updates if u.external_id is not None]
        self._session.run_many(_SET_EXTERNAL_ID, ids)

    def raise_states(self, marks: Sequence[Mark], at: int) -> list[list[Raised]]:
        """Moves outgoing messages on to what the marks say, never back; a list for each mark."""
        raised: list[list[Raised]] = [[] for _ in marks]
        for (below, answering), statement in _RAISE.items():
            chosen = [
                number
                for number, mark in enumerate(marks)
                if below in _BELOW[mark.state] and (mark.in_reply_to is not None) is answering
            ]
            found = self._session.each(statement, [_marked(marks[n], at) for n in chosen])
            for number, rows in zip(chosen, found, strict=True):
                raised[number] += [Raised(*row) for row in rows]
        return raised

    def failed(self, limit: int) -> list[Message]:
        """Messages in state failed, newest first."""
        return [to_message(row) for row in self._session.rows(_FAILED, (limit,))]
