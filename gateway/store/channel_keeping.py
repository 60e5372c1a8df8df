"""What is kept for inboxes beside conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, Table, bindparam, func, literal_column, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.expression import ColumnElement, Label

from channels.contract import Discard, MessageKind
from channels.keeping import Thread
from gateway.domain.letters import Balance, Discarded
from gateway.ports.store import SecretBox
from gateway.store.channel_tables import channel_state, channel_threads, discards
from gateway.store.letter_tables import holds
from gateway.store.rows import insert_into, pick
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import messages

_DAY: ColumnElement[int] = literal_column("86400000")


def _of_inbox(table: Table, columns: Sequence[str], key: str, *, lock: bool = False) -> Statement:
    """A select of what one inbox has under a key."""
    found = select(*pick(table, columns)).where(
        table.c.inbox_id == bindparam("inbox"), table.c[key] == bindparam("key")
    )
    return Statement(found.with_for_update() if lock else found, "inbox", "key")


def _insert_new(table: Table, *columns: str) -> Statement:
    """An insert that leaves what is there; SQLite understands PostgreSQL's words for it."""
    names = [f"new_{name}" for name in columns]
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    return Statement(
        postgresql.insert(table).inline().values(values).on_conflict_do_nothing(), *names
    )


_VALUE = _of_inbox(channel_state, ("value",), "name")
_VALUE_LOCKED = _of_inbox(channel_state, ("value",), "name", lock=True)
_ADD_VALUE = insert_into(channel_state, ("inbox_id", "name", "value"))
_SET_VALUE = Statement(
    update(channel_state)
    .where(
        channel_state.c.inbox_id == bindparam("inbox"), channel_state.c.name == bindparam("key")
    )
    .values(value=bindparam("new_value")),
    "new_value",
    "inbox",
    "key",
)
_THREAD = _of_inbox(channel_threads, ("leads_to", "handle", "thread"), "ref")
_ADD_THREAD = _insert_new(
    channel_threads, "inbox_id", "ref", "leads_to", "handle", "thread", "created_at"
)
_MOVE_THREAD = Statement(
    update(channel_threads)
    .where(
        channel_threads.c.inbox_id == bindparam("inbox"), channel_threads.c.ref == bindparam("key")
    )
    .values(
        leads_to=bindparam("new_leads_to"),
        handle=bindparam("new_handle"),
        thread=bindparam("new_thread"),
    ),
    "new_leads_to",
    "new_handle",
    "new_thread",
    "inbox",
    "key",
)
_DISCARD = _insert_new(discards, "inbox_id", "external_id", "reason", "raw", "at")


class SqlChannelStates:
    """`gateway.ports.channels.ChannelStates`.

    Args:
        session: runs the statements.
        secrets: encrypts the values: among them are tokens.
    """

    def __init__(self, session: Session, secrets: SecretBox) -> None:
        self._session = session
        self._secrets = secrets

    def get(self, inbox_id: str, name: str, *, lock: bool = False) -> str | None:
        """The value; with `lock` nobody else changes it until the commit."""
        row = self._session.row(_VALUE_LOCKED if lock else _VALUE, (inbox_id, name))
        return None if row is None else self._secrets.open(row[0])

    def put(self, inbox_id: str, name: str, value: str) -> None:
        """Inserts or replaces.

        Of two processes that put a new value at once one is turned away by the key.
        """
        sealed = self._secrets.seal(value)
        if not self._session.run(_SET_VALUE, (sealed, inbox_id, name)):
            self._session.run(_ADD_VALUE, (inbox_id, name, sealed))


class SqlChannelThreads:
    """`gateway.ports.channels.ChannelThreads`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, inbox_id: str, refs: Sequence[str]) -> dict[str, Thread]:
        """Those that are known to the inbox, by reference."""
        wanted = list(dict.fromkeys(refs))
        found = self._session.each(_THREAD, [(inbox_id, ref) for ref in wanted])
        return {
            ref: Thread(inbox_id=rows[0][0], handle=rows[0][1], thread=rows[0][2])
            for ref, rows in zip(wanted, found, strict=True)
            if rows
        }

    def add(self, inbox_id: str, refs: Sequence[str], thread: Thread, *, now: int) -> None:
        """Inserts those that are not there; the others stay as they are."""
        leads_to = (thread.inbox_id, thread.handle, thread.thread)
        rows = [(inbox_id, ref, *leads_to, now) for ref in sorted(set(refs))]
        self._session.run_many(_ADD_THREAD, rows)

    def move(self, inbox_id: str, ref: str, thread: Thread) -> None:
        """Ties a known reference to another thread."""
        leads_to = (thread.inbox_id, thread.handle, thread.thread)
        self._session.run(_MOVE_THREAD, (*leads_to, inbox_id, ref))


class SqlDiscards:
    """`gateway.ports.channels.Discards`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, discard: Discard, *, now: int) -> None:
        """Inserts, unless it is there."""
        row = (discard.inbox_id, discard.external_id, discard.reason, discard.raw, now)
        self._session.run(_DISCARD, row)

    def find(self, inbox_id: str, external_id: str) -> Discarded | None:
        """The one of that id."""
        found = self._session.select(
            _DISCARDED.where(
                discards.c.inbox_id == inbox_id, discards.c.external_id == external_id
            )
        )
        return _discarded(found[0]) if found else None

    def newest(self, inbox_id: str | None, *, limit: int) -> list[Discarded]:
        """Those of an inbox, or of all, newest first."""
        found = _DISCARDED.order_by(discards.c.at.desc(), discards.c.external_id).limit(limit)
        if inbox_id is not None:
            found = found.where(discards.c.inbox_id == inbox_id)
        return [_discarded(row) for row in self._session.select(found)]

    def balance(self, inbox_ids: Sequence[str], *, since: int, offset: int) -> list[Balance]:
        """What became of what these inboxes received since then, by inbox and day."""
        days: dict[tuple[int, str], Balance] = {}
        for inbox_id, day, came, held in self._session.select(_came(inbox_ids, since, offset)):
            days[-day, inbox_id] = Balance(
                inbox_id=inbox_id, day=day, shown=came - held, held=held
            )
        for inbox_id, day, count in self._session.select(_lost(inbox_ids, since, offset)):
            known = days.get((-day, inbox_id), Balance(inbox_id=inbox_id, day=day))
            days[-day, inbox_id] = replace(known, discarded=count)
        return [days[key] for key in sorted(days)]


_DISCARDED = select(
    *(discards.c[name] for name in ("inbox_id", "external_id", "reason", "raw", "at"))
)


def _discarded(row: Row) -> Discarded:
    inbox_id, external_id, reason, raw, at = row
    discard = Discard(inbox_id=inbox_id, external_id=external_id, reason=reason, raw=raw)
    return Discarded(discard=discard, at=at)


def _day(at: ColumnElement[int], offset: int) -> Label[int]:
    return ((at + offset) // _DAY).label("day")


def _came(inbox_ids: Sequence[str], since: int, offset: int) -> Select[Any]:
    """By inbox and day: how many messages were stored, and how many of them wait."""
    each = (
        select(messages.c.inbox_id, _day(messages.c.created_at, offset), holds.c.message_id)
        .outerjoin(holds, holds.c.message_id == messages.c.id)
        .where(
            messages.c.inbox_id.in_(inbox_ids),
            messages.c.kind.in_([MessageKind.CUSTOMER.value, MessageKind.NOTE.value]),
            messages.c.external_id.is_not(None),
            messages.c.created_at >= since,
        )
        .subquery()
    )
    return select(
        each.c.inbox_id, each.c.day, func.count(), func.count(each.c.message_id)
    ).group_by(each.c.inbox_id, each.c.day)


def _lost(inbox_ids: Sequence[str], since: int, offset: int) -> Select[Any]:
    """By inbox and day: how many messages were put aside."""
    each = (
        select(discards.c.inbox_id, _day(discards.c.at, offset))
        .where(discards.c.inbox_id.in_(inbox_ids), discards.c.at >= since)
        .subquery()
    )
    return select(each.c.inbox_id, each.c.day, func.count()).group_by(each.c.inbox_id, each.c.day)
