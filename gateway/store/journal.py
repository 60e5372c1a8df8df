"""The embedded bus's tables: what was accepted and is not handled yet, and the dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects import postgresql

from gateway.domain.records import DeadLetter, JournalEntry
from gateway.store.rows import NO_OFFSET, insert_into, pick, select_by, update_by
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import bus_journal, counters, dead_letters

_COLUMNS = ("id", "key", "payload", "attempts", "appended_at")
_DEAD_COLUMNS = ("id", "key", "payload", "reason", "attempts", "died_at")

RANGE = 2**32
"""Ids that a process may give before they could meet the next one's."""

_NEW: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _COLUMNS}
_NEW_NAMES = tuple(f"new_{name}" for name in _COLUMNS)
# What stands there already stays: two may write the same entry, the bus and whoever handles it.
# (SQLite reads the clause as PostgreSQL writes it.)
_INSERT = Statement(
    postgresql.insert(bus_journal).values(_NEW).on_conflict_do_nothing(), *_NEW_NAMES
)
_DELETE = Statement(delete(bus_journal).where(bus_journal.c.id == bindparam("key")), "key")
_OUTSTANDING = Statement(
    select(*pick(bus_journal, _COLUMNS))
    .where(bus_journal.c.id > bindparam("after"))
    .order_by(bus_journal.c.id)
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "after",
    "most",
)
_HIGHEST = Statement(select(func.max(bus_journal.c.id)))
_BEGUN = select_by(counters, ("value",), "name")
_BEGIN = update_by(counters, ("value",), "name")
_NOTE_ATTEMPT = update_by(bus_journal, ("attempts",), "id")
_INSERT_DEAD = insert_into(dead_letters, _DEAD_COLUMNS)
_DEAD = Statement(
    select(*pick(dead_letters, _DEAD_COLUMNS))
    .order_by(dead_letters.c.died_at.desc(), dead_letters.c.id.desc())
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "most",
)
_DEAD_COUNT = Statement(select(func.count()).select_from(dead_letters))
_TAKE_DEAD = Statement(
    delete(dead_letters)
    .where(dead_letters.c.id == bindparam("key"))
    .returning(*pick(dead_letters, _DEAD_COLUMNS)),
    "key",
)


def _to_letter(row: Row) -> DeadLetter:
    return DeadLetter(
        id=row[0],
        key=row[1],
        payload=bytes(row[2]),
        reason=row[3],
        attempts=row[4],
        died_at=row[5],
    )


class SqlJournal:
    """`gateway.ports.store.Journal`.

    The one process with the embedded bus gives the ids.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Inserts those that are not there yet."""
        values = [(e.id, e.key, e.payload, e.attempts, e.appended_at) for e in entries]
        self._session.run_many(_INSERT, values)

    def remove(self, entry_ids: Sequence[int]) -> None:
        """Deletes what was handled."""
        self._session.run_many(_DELETE, [(item,) for item in entry_ids])

    def outstanding(self, *, after: int, limit: int) -> list[JournalEntry]:
        """Entries not handled yet, in order."""
        return [
            JournalEntry(
                id=row[0],
                key=row[1],
                payload=bytes(row[2]),
                attempts=row[3],
                appended_at=row[4],
            )
            for row in self._session.rows(_OUTSTANDING, (after, limit))
        ]

    def last_id(self) -> int:
        """The highest id in the journal, 0 when it is empty."""
        return int(self._session.rows(_HIGHEST)[0][0] or 0)

    def begin(self) -> int:
        """The id after which the caller may give its own; every call takes a range of its own.

        Not every entry comes into the journal, so what is there does not tell which ids were
        given.
        """
        begun = int(self._session.rows(_BEGUN, ("journal",))[0][0]) + RANGE
        self._session.run(_BEGIN, (begun, "journal"))
        return max(begun, self.last_id())

    def note_attempt(self, entry_id: int, attempts: int) -> None:
        """Remembers a failed try."""
        self._session.run(_NOTE_ATTEMPT, (attempts, entry_id))

    def bury(self, letter: DeadLetter, entry_id: int) -> None:
        """Moves an entry to the dead letters."""
        values = tuple(getattr(letter, name) for name in _DEAD_COLUMNS)
        self._session.run(_INSERT_DEAD, values)
        self.remove([entry_id])

    def dead(self, limit: int) -> list[DeadLetter]:
        """Dead letters, newest first."""
        return [_to_letter(row) for row in self._session.rows(_DEAD, (limit,))]

    def dead_count(self) -> int:
        """How many there are."""
        return int(self._session.rows(_DEAD_COUNT)[0][0])

    def take_dead(self, letter_id: str) -> DeadLetter | None:
        """Removes a dead letter and returns it."""
        row = self._session.row(_TAKE_DEAD, (letter_id,))
        return None if row is None else _to_letter(row)
