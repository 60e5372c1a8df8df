"""What happened to messages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.store.rows import NO_OFFSET, insert_into, pick
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import messages, trail

_COLUMNS = ("message_id", "hop", "outcome", "reason", "ms", "at")

_INSERT = insert_into(trail, _COLUMNS)
_OF_MESSAGE = Statement(
    select(*pick(trail, _COLUMNS))
    .where(trail.c.message_id == bindparam("message_id"))
    .order_by(trail.c.id),
    "message_id",
)
_newest = (
    select(messages.c.id, messages.c.seq)
    .where(messages.c.conversation_id == bindparam("conversation_id"))
    .order_by(messages.c.seq.desc())
    .limit(bindparam("most"))
    .offset(NO_OFFSET)
    .subquery()
)
_OF_CONVERSATION = Statement(
    select(*pick(trail, _COLUMNS))
    .join(_newest, _newest.c.id == trail.c.message_id)
    .order_by(_newest.c.seq, trail.c.id),
    "conversation_id",
    "most",
)


def _to_entry(row: Row) -> TrailEntry:
    return TrailEntry(
        message_id=row[0],
        hop=Hop(row[1]),
        outcome=Outcome(row[2]),
        reason=row[3],
        ms=row[4],
        at=row[5],
    )


class SqlTrail:
    """`gateway.ports.conversations.Trail`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, entries: Sequence[TrailEntry]) -> None:
        """Inserts; the messages must be there."""
        values = [
            (e.message_id, e.hop.value, e.outcome.value, e.reason, e.ms, e.at) for e in entries
        ]
        self._session.run_many(_INSERT, values)

    def of_message(self, message_id: str) -> list[TrailEntry]:
        """The hops of one message, in order."""
        return [_to_entry(row) for row in self._session.rows(_OF_MESSAGE, (message_id,))]

    def of_messages(self, message_ids: Sequence[str]) -> dict[str, list[TrailEntry]]:
        """The hops of several messages, each in order, by message id."""
        wanted = list(dict.fromkeys(message_ids))
        found = self._session.each(_OF_MESSAGE, [(item,) for item in wanted])
        return {
            message_id: [_to_entry(row) for row in rows]
            for message_id, rows in zip(wanted, found, strict=True)
            if rows
        }

    def of_conversation(self, conversation_id: str, limit: int) -> dict[str, list[TrailEntry]]:
        """The hops of a conversation's newest messages, by message id."""
        hops: dict[str, list[TrailEntry]] = {}
        for row in self._session.rows(_OF_CONVERSATION, (conversation_id, limit)):
            hops.setdefault(row[0], []).append(_to_entry(row))
        return hops
