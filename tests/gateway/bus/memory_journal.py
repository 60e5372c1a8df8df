"""A store that keeps only the journal, in memory; it outlives the buses built over it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from gateway.domain.events import Event
from gateway.domain.records import DeadLetter, JournalEntry
from gateway.ports.store import StoreUnavailableError, UnitOfWork

T = TypeVar("T")


class MemoryJournal:
    """The journal's rows and dead letters."""

    def __init__(self) -> None:
        self.rows: dict[int, JournalEntry] = {}
        self.letters: dict[str, DeadLetter] = {}
        self.highest = 0

    def append(self, entries: Sequence[JournalEntry]) -> None:
        for entry in entries:
            self.rows.setdefault(entry.id, entry)
            self.highest = max(self.highest, entry.id)

    def remove(self, entry_ids: Sequence[int]) -> None:
        for entry_id in entry_ids:
            self.rows.pop(entry_id, None)

    def outstanding(self, *, after: int, limit: int) -> list[JournalEntry]:
        return [self.rows[key] for key in sorted(self.rows) if key > after][:limit]

    def last_id(self) -> int:
        return max(self.rows, default=0)

    def begin(self) -> int:
        self.highest += 1_000
        return self.highest

    def note_attempt(self, entry_id: int, attempts: int) -> None:
        if entry_id in self.rows:
            self.rows[entry_id] = replace(self.rows[entry_id], attempts=attempts)

    def bury(self, letter: DeadLetter, entry_id: int) -> None:
        assert letter.id not in self.letters
        self.rows.pop(entry_id, None)
        self.letters[letter.id] = letter

    def dead(self, limit: int) -> list[DeadLetter]:
        return list(reversed(self.letters.values()))[:limit]

    def dead_count(self) -> int:
        return len(self.letters)

    def take_dead(self, letter_id: str) -> DeadLetter | None:
        return self.letters.pop(letter_id, None)


class MemoryStore:
    """Runs units of work over one `MemoryJournal`, each after a short wait as a commit takes.

    `available` false makes it refuse, `loses_answers` true makes it write and then fail; `writes`
    counts the units of work that were committed.
    """

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.available = True
        self.loses_answers = False
        self.writes = 0
        self.commit_seconds = 0.0005
        self._turn = asyncio.Lock()

    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        async with self._turn:
            await asyncio.sleep(self.commit_seconds)
            self._check()
            self.writes += 1
            result = work(cast("UnitOfWork", self))
            if self.loses_answers:
                raise StoreUnavailableError("the answer was lost")
            return result

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        await asyncio.sleep(0)
        self._check()
        return work(cast("UnitOfWork", self))

    def listen(self, listener: Callable[[Sequence[Event]], Any]) -> None:
        raise AssertionError("the bus does not listen to events")

    async def check(self) -> None:
        self._check()

    async def close(self) -> None:
        self.available = False

    def _check(self) -> None:
        if not self.available:
            raise StoreUnavailableError("the store was switched off")
