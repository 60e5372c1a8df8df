"""Deliveries that wait, in order within each conversation."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, literal_column, select, update

from gateway.domain.records import Delivery, NewDelivery
from gateway.store.rows import NO_OFFSET, insert_into, pick, update_by
from gateway.store.session import Session, Statement
from gateway.store.tables import outbox

_COLUMNS = ("id", "conversation_id", "message_id", "attempts", "available_at", "created_at")
_NEW = (
    "inbox_id",
    "conversation_id",
    "head",
    "message_id",
    "attempts",
    "available_at",
    "created_at",
    "leased_until",
)
_HEAD = outbox.c.head == literal_column("true")
_DUE_INBOXES = Statement(
    select(outbox.c.inbox_id)
    .where(
        _HEAD,
        outbox.c.available_at <= bindparam("now"),
        outbox.c.leased_until <= bindparam("now"),
    )
    .distinct(),
    "now",
    "now",
)
_DUE = Statement(
    select(*pick(outbox, _COLUMNS))
    .where(
        _HEAD,
        outbox.c.inbox_id == bindparam("inbox_id"),
        outbox.c.available_at <= bindparam("now"),
        outbox.c.leased_until <= bindparam("now"),
    )
    .order_by(outbox.c.id)
    .limit(bindparam("most"))
    .offset(NO_OFFSET)
    .with_for_update(skip_locked=True, of=outbox),
    "inbox_id",
    "now",
    "now",
    "most",
)
_WAITS = Statement(
    select(outbox.c.id)
    .where(outbox.c.conversation_id == bindparam("conversation_id"))
    .limit(literal_column("1"))
    .offset(NO_OFFSET),
    "conversation_id",
)
_HOLDS = Statement(
    select(outbox.c.id).where(
        outbox.c.conversation_id == bindparam("conversation_id"),
        outbox.c.message_id == bindparam("message_id"),
    ),
    "conversation_id",
    "message_id",
)
_INSERT = insert_into(outbox, _NEW)
_LEASE = update_by(outbox, ("worker", "leased_until"), "id")
_POSTPONE = update_by(outbox, ("attempts", "available_at", "worker", "leased_until"), "id")
_DELETE = Statement(
    delete(outbox).where(outbox.c.id == bindparam("key")).returning(outbox.c.conversation_id),
    "key",
)
_next = outbox.alias("next")
_PROMOTE = Statement(
    update(outbox)
    .where(
        outbox.c.id
        == select(func.min(_next.c.id))
        .where(_next.c.conversation_id == bindparam("conversation_id"))
        .scalar_subquery()
    )
    .values(head=literal_column("true")),
    "conversation_id",
)
_DEPTH = Statement(select(func.count()).select_from(outbox))


class SqlOutbox:
    """`gateway.ports.conversations.Outbox`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, deliveries: Sequence[NewDelivery]) -> None:
        """Inserts, each behind what waits in its conversation, which is locked."""
        conversations = list(dict.fromkeys(item.conversation_id for item in deliveries))
        found = self._session.each(_WAITS, [(item,) for item in conversations])
        busy = {item for item, rows in zip(conversations, found, strict=True) if rows}
        values = []
        for item in deliveries:
            head = item.conversation_id not in busy
            busy.add(item.conversation_id)
            values.append(
                (
                    item.inbox_id,
                    item.conversation_id,
                    head,
                    item.message_id,
                    0,
                    item.created_at,
                    item.created_at,
                    0,
                )
            )
        self._session.run_many(_INSERT, values)

    def holds(self, conversation_id: str, message_id: str) -> bool:
        """Whether the message waits."""
        return self._session.row(_HOLDS, (conversation_id, message_id)) is not None

    def due_inboxes(self, now: int) -> list[str]:
        """Inboxes with deliveries whose time has come and that nobody holds."""
        return [row[0] for row in self._session.rows(_DUE_INBOXES, (now, now))]

    def claim(
        self, worker: str, *, inbox_id: str, now: int, leased_until: int, limit: int
    ) -> list[Delivery]:
        """Takes due heads: the oldest delivery of a conversation, when nobody else holds it."""
        rows = self._session.rows(_DUE, (inbox_id, now, now, limit))
        self._session.run_many(_LEASE, [(worker, leased_until, row[0]) for row in rows])
        return [
            Delivery(
                id=row[0],
                conversation_id=row[1],
                message_id=row[2],
                attempts=row[3],
                available_at=row[4],
                created_at=row[5],
            )
            for row in rows
        ]

    def hold(self, delivery_id: int, worker: str, *, leased_until: int) -> None:
        """Leaves a claimed delivery to its worker for another time than it was claimed for."""
        self._session.run(_LEASE, (worker, leased_until, delivery_id))

    def remove(self, delivery_ids: Sequence[int]) -> None:
        """Deletes what is done with; the next of each conversation, which is locked, may go."""
        removed = self._session.each(_DELETE, [(item,) for item in delivery_ids])
        conversations = dict.fromkeys(row[0] for rows in removed for row in rows)
        self._session.run_many(_PROMOTE, [(item,) for item in conversations])

    def postpone(self, delivery_id: int, *, attempts: int, available_at: int) -> None:
        """Gives a delivery back for a later try."""
        self._session.run(_POSTPONE, (attempts, available_at, None, 0, delivery_id))

    def depth(self) -> int:
        """How many deliveries wait."""
        row = self._session.row(_DEPTH)
        return 0 if row is None else int(row[0])
