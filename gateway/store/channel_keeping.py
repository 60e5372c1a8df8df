"""What is kept for inboxes beside conversations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.dialects import postgresql

from channels.contract import Discard
from channels.keeping import Thread
from gateway.ports.store import SecretBox
from gateway.store.channel_tables import channel_state, channel_threads, discards
from gateway.store.rows import insert_into, pick
from gateway.store.session import Session, Statement


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
