"""The conversation bus inside the process, with the store's journal as its truth.

For a single process: the composition root holds a lock on the data directory. An entry goes into
the lanes at once, and its sender waits until it is durable. Mostly a worker has dealt with
it within milliseconds: then what the worker stored is the proof, and the journal never hears of
it. Everything else is journaled, in groups, each with one unit of work. The journal is
read at the start, and when more waits than is kept in memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from gateway.bus.flushing import Flusher
from gateway.bus.keys import check_key
from gateway.bus.lanes import Dispenser
from gateway.domain.records import DeadLetter, JournalEntry
from gateway.ports.bus import BusEntry, BusFullError, BusLag, BusUnavailableError
from gateway.ports.clock import Clock
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork

WRITTEN_WITHIN = 0.05
"""Seconds after which entries that no worker has dealt with, and acknowledgements, are written."""
BURY_PAUSE = 1.0
"""Seconds after which an entry that could not be buried is given out again."""
FULL_PAUSE = 2.0
"""Seconds after which a sender that found the bus full is to try again."""
PAGE = 1_000
"""Entries read from the journal at a time."""
REFILL_PAUSE = 0.5
"""Seconds before the journal is read again after the store failed."""

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class _Fresh:
    """An entry that the journal does not hold yet.

    `sent` is what its sender waits for; `given` says that it is in the lanes, `kept` that it came
    into the journal by another way than the bus's own.
    """

    entry: JournalEntry
    sent: asyncio.Future[None]
    given: bool
    kept: bool = False


class EmbeddedBus:
    """The bus on the store's journal; see `gateway.ports.bus.Bus` for what it promises.

    An acknowledgement is written a moment after it was given. A crash in between means that the
    entry comes again, which its handling has to bear anyway.

    Args:
        store: holds the journal and the dead letters.
        clock: ms since the epoch.
        max_depth: entries not acknowledged at which `append` refuses more.
        window: entries kept in memory; what is beyond stays in the journal for the time being.
    """

    def __init__(
        self, store: Store, *, clock: Clock, max_depth: int = 50_000, window: int = 10_000
    ) -> None:
        self._store = store
        self._clock = clock
        self._max_depth = max_depth
        self._window = window
        self._dispenser = Dispenser()
        self._flusher = Flusher(self._flush, linger=WRITTEN_WITHIN)
        self._writing = asyncio.Lock()
        self._fresh: dict[int, _Fresh] = {}
        self._flushing: dict[int, _Fresh] = {}
        self._orphans: dict[int, _Fresh] = {}  # in hand, and the journal could not be written
        self._handled: list[int] = []
        self._tries: dict[int, int] = {}
        self._refilling: asyncio.Task[None] | None = None
        self._last_id = 0  # highest id given
        self._written = 0  # highest id known to be in the journal
        self._read = 0  # highest id that has been put into the lanes
        self._skipped = 0  # entries that wait for the journal because the lanes were full
        self._depth = 0
        self._dead = 0

    async def start(self) -> None:
        """Reads what an earlier process left.

        Raises:
            BusUnavailableError: the store does not answer.
        """
        try:
            last_id, dead = await self._store.write(
                lambda uow: (uow.journal.begin(), uow.journal.dead_count())
            )
            self._last_id = self._written = last_id
            self._dead = dead
            await self._read_all()
        except StoreUnavailableError as error:
            raise BusUnavailableError(str(error)) from error

    async def append(self, key: str, payload: bytes) -> None:
        """Returns when the entry is dealt with or in the journal, whichever comes first.

        Raises:
            BusFullError: as many entries wait as may; nothing was kept.
            BusUnavailableError: the store did not write it.
            ValueError: the key is no text that a database could keep.
        """
        check_key(key)
        if self._depth >= self._max_depth:
            raise BusFullError(FULL_PAUSE)
        self._depth += 1
        in_step = self._in_step()
        self._last_id += 1
        entry = JournalEntry(
            id=self._last_id, key=key, payload=payload, attempts=0, appended_at=self._clock()
        )
        fresh = _Fresh(entry, asyncio.get_running_loop().create_future(), in_step)
        self._fresh[entry.id] = fresh
        if in_step and self._dispenser.attended:
            self._flusher.later()
        else:
            self._flusher.soon()
        if in_step:
            self._put([entry])
        else:
            self._skipped += 1
        await fresh.sent

    def _in_step(self) -> bool:
        """Whether a new entry may go straight into the lanes: none before it is left out."""
        caught_up = self._read >= self._written and not self._skipped
        return caught_up and len(self._dispenser.lanes) < self._window

    async def take(self, limit: int) -> list[BusEntry]:
        """Waits for entries of keys that nobody holds; empty when the bus was closed."""
        return await self._dispenser.take(limit)

    def unkept(self, entries: Sequence[BusEntry]) -> dict[str, JournalEntry]:
        """Those that the journal does not hold yet, as its rows, by entry id."""
        found = {}
        for entry in entries:
            number = int(entry.id)
            fresh = self._fresh.get(number) or self._flushing.get(number)
            if fresh is not None:
                found[entry.id] = fresh.entry
        return found

    def keep(self, entry_ids: Iterable[str]) -> None:
        """Whoever works on them has put them into the journal."""
        for number in map(int, entry_ids):
            fresh = self._fresh.pop(number, None) or self._flushing.get(number)
            if fresh is None and (fresh := self._orphans.pop(number, None)):
                self._handled = [other for other in self._handled if other != number]
            if fresh is not None:
                fresh.kept = True
                self._keep([fresh])

    async def acknowledge(self, entries: Sequence[BusEntry]) -> None:
        """Lets their keys go on, and their senders; the journal forgets them a moment later."""
        for entry in entries:
            if self._dispenser.release(entry):
                self._forget(int(entry.id))
        self._flusher.later()

    async def retry(
        self, entry: BusEntry, *, delay: float, reason: str, counts: bool = True
    ) -> None:
        """Gives it out again after `delay` seconds; the attempt is written a moment later."""
        if self._give_back(entry, reason):
            return
        log.info("retry entry=%s delay=%.1f reason=%s", entry.id, delay, reason)
        again = replace(entry, attempts=entry.attempts + 1) if counts else entry
        if self._dispenser.delay(again, delay) and counts:
            self._tries[int(entry.id)] = again.attempts
            self._flusher.later()

    async def bury(self, entry: BusEntry, reason: str) -> None:
        """Moves it to the dead letters; when that fails it is given out again."""
        if not self._dispenser.lanes.holds(entry.id):
            return
        letter = DeadLetter(
            id=entry.id,
            key=entry.key,
            payload=entry.payload,
            reason=reason,
            attempts=entry.attempts + 1,
            died_at=self._clock(),
        )

        def work(uow: UnitOfWork) -> None:
            uow.journal.take_dead(letter.id)  # of a try whose answer was lost
            uow.journal.bury(letter, int(letter.id))

        try:
            async with self._writing:
                await self._write(work)
        except BusUnavailableError as error:
            await self.retry(entry, delay=BURY_PAUSE, reason=str(error))
            return
        if self._dispenser.release(entry):
            self._dead += 1
            self._forget(int(entry.id))

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Newest first.

        Raises:
            BusUnavailableError: the store does not answer.
        """
        try:
            return await self._store.read(lambda uow: uow.journal.dead(limit))
        except StoreUnavailableError as error:
            raise BusUnavailableError(str(error)) from error

    async def requeue(self, letter_id: str) -> bool:
        """Moves a dead letter to the end of its key's entries; false when there is none.

        Raises:
            BusUnavailableError: the store did not write it.
        """
        async with self._writing:
            entry_id = self._last_id = self._last_id + 1
            self._skipped += 1  # later ones wait for this one
            try:
                if not await self._write(self._move_back(letter_id, entry_id)):
                    return False
            finally:
                self._skipped -= 1
            self._dead -= 1
            self._depth += 1
            self._written = max(self._written, entry_id)
            self._refill()
        return True

    def _move_back(self, letter_id: str, entry_id: int) -> Callable[[UnitOfWork], bool]:
        now = self._clock()

        def work(uow: UnitOfWork) -> bool:
            letter = uow.journal.take_dead(letter_id)
            if letter is None:
                return False
            entry = JournalEntry(
                id=entry_id,
                key=letter.key,
                payload=letter.payload,
                attempts=0,
                appended_at=now,
            )
            uow.journal.append([entry])
            return True

        return work

    async def lag(self) -> BusLag:
        """Figures of this process, which is the only one."""
        oldest = self._dispenser.lanes.oldest()
        return BusLag(
            depth=self._depth,
            oldest_age=0 if oldest is None else max(0, self._clock() - oldest),
            in_flight=self._dispenser.lanes.in_hand,
            dead=self._dead,
        )

    async def check(self) -> None:
        """Writes a little.

        Raises:
            BusUnavailableError: the store does not answer.
        """
        try:
            await self._store.check()
        except StoreUnavailableError as error:
            raise BusUnavailableError(str(error)) from error

    async def close(self) -> None:
        """Stops giving out and writes the acknowledgements given so far."""
        self._dispenser.close()
        if self._refilling is not None:
            self._refilling.cancel()
        await self._flusher.finish()
        self._flusher.stop()

    async def _flush(self) -> bool:
        async with self._writing:
            fresh, self._fresh = self._fresh, {}
            handled, self._handled = self._handled, []
            tries, self._tries = self._tries, {}
            if not (fresh or handled or tries):
                return True
            entries = [one.entry for one in fresh.values()]

            def work(uow: UnitOfWork) -> None:
                if entries:
                    uow.journal.append(entries)
                for entry_id, attempts in tries.items():
                    uow.journal.note_attempt(entry_id, attempts)
                if handled:
                    uow.journal.remove(handled)

            self._flushing = fresh
            try:
                await self._write(work)
            except BusUnavailableError as error:
                lost = {number: one for number, one in fresh.items() if not one.kept}
                # Perhaps it was written and only the answer was lost: what its sender believes
                # not kept must not come up after the next start.
                self._handled = [*handled, *lost, *self._handled]
                self._tries = tries | self._tries
                # Who came meanwhile would only find out later and wait as long again.
                self._refuse(lost | self._fresh, str(error))
                self._fresh = {}
                return False
            finally:
                self._flushing = {}
            self._keep(one for one in fresh.values() if not one.kept)
        return True

    def _keep(self, fresh: Iterable[_Fresh]) -> None:
        """The journal holds them now."""
        for one in fresh:
            self._written = max(self._written, one.entry.id)
            self._skipped -= not one.given
            _resolve(one)
        self._refill()

    async def _write(self, work: Callable[[UnitOfWork], T]) -> T:
        try:
            return await self._store.write(work)
        except StoreUnavailableError as error:
            raise BusUnavailableError(str(error)) from error
        except Exception as error:
            log.exception("the journal could not be written")
            raise BusUnavailableError(f"the journal could not be written: {error}") from error

    def _refuse(self, fresh: Mapping[int, _Fresh], reason: str) -> None:
        """Tells the senders that their entries were not kept, and forgets the entries.

        Those in hand are still being worked on: how that ends decides what their senders hear.
        """
        given = [str(number) for number, one in fresh.items() if one.given]
        withdrawn = self._dispenser.lanes.withdraw(given)
        for number, one in fresh.items():
            if self._dispenser.lanes.holds(str(number)):
                self._orphans[number] = one
                continue
            if one.given and str(number) not in withdrawn:  # a worker has dealt with it meanwhile
                _resolve(one)
                continue
            self._skipped -= not one.given
            self._depth -= 1
            _resolve(one, BusUnavailableError(reason))

    def _give_back(self, entry: BusEntry, reason: str) -> bool:
        """Whether the entry was never kept and could not be handled: its sender has it still."""
        orphan = self._orphans.pop(int(entry.id), None)
        if orphan is None:
            return False
        if self._dispenser.release(entry):
            self._depth -= 1
            self._refill()
        _resolve(orphan, BusUnavailableError(reason))
        return True

    def _forget(self, entry_id: int) -> None:
        """It is dealt with, so it is durable in another form."""
        fresh = self._fresh.pop(entry_id, None)
        if fresh is None:
            self._handled.append(entry_id)
            fresh = self._orphans.pop(entry_id, None)
        if fresh is not None:
            _resolve(fresh)
        self._tries.pop(entry_id, None)
        self._depth -= 1
        self._refill()

    def _put(self, entries: Sequence[JournalEntry]) -> None:
        if entries:
            self._read = entries[-1].id
            self._dispenser.add(map(_in_hands, entries))

    def _refill(self) -> None:
        behind = self._read < self._written
        if behind and self._refilling is None and self._room() > self._window // 2:
            self._refilling = asyncio.get_running_loop().create_task(self._read_on())

    def _room(self) -> int:
        return self._window - len(self._dispenser.lanes)

    async def _read_on(self) -> None:
        try:
            while self._read < self._written and self._room() > 0:
                try:
                    await self._read_page()
                except StoreUnavailableError:
                    await asyncio.sleep(REFILL_PAUSE)
        finally:
            self._refilling = None

    async def _read_page(self) -> None:
        after, written = self._read, self._written
        limit = max(1, min(PAGE, self._room()))
        rows = await self._store.read(
            lambda uow: uow.journal.outstanding(after=after, limit=limit)
        )
        self._put(rows)
        if len(rows) < limit:
            self._read = max(self._read, written)

    async def _read_all(self) -> None:
        """Counts what is outstanding, and keeps as much of it as the window permits."""
        seen = 0
        while True:
            rows = await self._store.read(_page_after(seen))
            self._depth += len(rows)
            if self._read == seen:
                self._put(rows[: max(0, self._room())])
            if len(rows) < PAGE:
                break
            seen = rows[-1].id
        if self._depth == len(self._dispenser.lanes):
            self._read = self._written


def _resolve(fresh: _Fresh, error: Exception | None = None) -> None:
    """Lets the sender go on, if it still waits."""
    if fresh.sent.done():
        return
    if error is None:
        fresh.sent.set_result(None)
    else:
        fresh.sent.set_exception(error)


def _page_after(seen: int) -> Callable[[UnitOfWork], list[JournalEntry]]:
    return lambda uow: uow.journal.outstanding(after=seen, limit=PAGE)


def _in_hands(entry: JournalEntry) -> BusEntry:
    return BusEntry(
        id=str(entry.id),
        key=entry.key,
        payload=entry.payload,
        attempts=entry.attempts,
        appended_at=entry.appended_at,
    )
