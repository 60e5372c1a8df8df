"""Who may go next: one lane for each key, in memory, without input or output.

A lane gives out one entry at a time; lanes
that have something take turns, so a busy conversation does not hold up a quiet one. `Lanes` is
pure (time is an argument); `Dispenser` adds waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from heapq import heapify, heappop, heappush
from itertools import count

from gateway.ports.bus import BusEntry


class Lanes:
    """Entries by key: first in, first out, and at most one of a key in hand.

    Each operation costs the same however many entries wait, except `drop`, `withdraw`
    and `oldest`, which walk over the keys.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[BusEntry]] = {}
        self._ready: deque[str] = deque()
        self._in_hand: dict[str, BusEntry] = {}
        self._blocked: set[str] = set()
        self._delays: list[tuple[float, int, str]] = []
        self._order = count()
        self._size = 0

    def __len__(self) -> int:
        """Entries that wait or are in hand."""
        return self._size

    @property
    def in_hand(self) -> int:
        """Entries given out and not yet released or delayed."""
        return len(self._in_hand)

    @property
    def ready(self) -> bool:
        """Whether `take` would give something, delays that just ended apart."""
        return bool(self._ready)

    def holds(self, entry_id: str) -> bool:
        """Whether the entry is in someone's hands."""
        return entry_id in self._in_hand

    def keys_in_hand(self) -> list[str]:
        """The keys of the entries in hand."""
        return [entry.key for entry in self._in_hand.values()]

    def add(self, entry: BusEntry) -> None:
        """Puts an entry at the end of its key's lane."""
        self._size += 1
        lane = self._waiting.get(entry.key)
        if lane is not None:
            lane.append(entry)
            return
        self._waiting[entry.key] = deque((entry,))
        if entry.key not in self._blocked:
            self._ready.append(entry.key)

    def take(self, limit: int, now: float) -> list[BusEntry]:
        """Gives out up to `limit` entries of different keys, longest waiting keys first."""
        self._end_delays(now)
        taken: list[BusEntry] = []
        while self._ready and len(taken) < limit:
            key = self._ready.popleft()
            lane = self._waiting[key]
            entry = lane.popleft()
            if not lane:
                del self._waiting[key]
            self._blocked.add(key)
            self._in_hand[entry.id] = entry
            taken.append(entry)
        return taken

    def release(self, entry_id: str) -> bool:
        """Forgets an entry in hand, so that its key goes on; false when it was not in hand."""
        entry = self._in_hand.pop(entry_id, None)
        if entry is None:
            return False
        self._size -= 1
        self._unblock(entry.key)
        return True

    def delay(self, entry: BusEntry, until: float) -> bool:
        """Puts an entry in hand back at the head of its lane; its key rests until then.

        Args:
            entry: what to give out next time, with the same id and key.
            until: on the clock that `take` is given.
        """
        if self._in_hand.pop(entry.id, None) is None:
            return False
        self._waiting.setdefault(entry.key, deque()).appendleft(entry)
        heappush(self._delays, (until, next(self._order), entry.key))
        return True

    def drop(self, doomed: Callable[[str], bool]) -> list[BusEntry]:
        """Forgets what waits in the lanes of these keys and returns it.

        What is in hand stays there, and its key stays blocked until it is released.
        """
        dropped: list[BusEntry] = []
        for key in [key for key in self._waiting if doomed(key)]:
            dropped.extend(self._waiting.pop(key))
        self._size -= len(dropped)
        self._ready = deque(key for key in self._ready if key in self._waiting)
        ended = {key for _, _, key in self._delays if doomed(key)}
        self._blocked -= ended
        self._delays = [delay for delay in self._delays if delay[2] not in ended]
        heapify(self._delays)
        return dropped

    def withdraw(self, entry_ids: Iterable[str]) -> set[str]:
        """Forgets those of the entries that wait; returns their ids. What is in hand stays."""
        doomed = set(entry_ids)
        withdrawn: set[str] = set()
        for key, lane in list(self._waiting.items()):
            found = {entry.id for entry in lane if entry.id in doomed}
            if found:
                withdrawn |= found
                self._waiting[key] = deque(entry for entry in lane if entry.id not in found)
                if not self._waiting[key]:
                    del self._waiting[key]
        self._size -= len(withdrawn)
        self._ready = deque(key for key in self._ready if key in self._waiting)
        return withdrawn

    def oldest(self) -> int | None:
        """When the oldest entry here was appended, in ms since the epoch; None when empty."""
        heads = (lane[0].appended_at for lane in self._waiting.values())
        hands = (entry.appended_at for entry in self._in_hand.values())
        return min((*heads, *hands), default=None)

    def _end_delays(self, now: float) -> None:
        while self._delays and self._delays[0][0] <= now:
            self._unblock(heappop(self._delays)[2])

    def _unblock(self, key: str) -> None:
        self._blocked.discard(key)
        if key in self._waiting:
            self._ready.append(key)


class Dispenser:
    """Lanes with a counter in front where workers wait for entries.

    Args:
        before_giving: called just before entries are given out; may drop some.
    """

    def __init__(self, before_giving: Callable[[], None] | None = None) -> None:
        self.lanes = Lanes()
        self._before_giving = before_giving
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._closed = False

    async def take(self, limit: int) -> list[BusEntry]:
        """Waits until there is something to give; an empty list means that it closed."""
        loop = asyncio.get_running_loop()
        while not self._closed:
            if self._before_giving:
                self._before_giving()
            if entries := self.lanes.take(limit, loop.time()):
                if self.lanes.ready:
                    self._wake_one()
                return entries
            await self._wait(loop.create_future())
        return []

    def add(self, entries: Iterable[BusEntry]) -> None:
        """Puts entries into their lanes, in the order given."""
        for entry in entries:
            self.lanes.add(entry)
        self.wake()

    def release(self, entry: BusEntry) -> bool:
        """The entry is dealt with; false when it was not in hand."""
        released = self.lanes.release(entry.id)
        self.wake()
        return released

    def delay(self, entry: BusEntry, seconds: float) -> bool:
        """Gives the entry out again after that time; false when it was not in hand."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if not self.lanes.delay(entry, until):
            return False
        loop.call_at(until, self._wake_one)
        return True

    @property
    def attended(self) -> bool:
        """Whether workers are there: one waits, or has something in hand."""
        return bool(self._waiters) or self.lanes.in_hand > 0

    def wake(self) -> None:
        """Lets a waiting worker look again when there is something."""
        if self.lanes.ready:
            self._wake_one()

    def close(self) -> None:
        """Gives out nothing any more."""
        self._closed = True
        while self._waiters:
            self._wake_one()

    async def _wait(self, waiter: asyncio.Future[None]) -> None:
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                with suppress(ValueError):  # whoever calls the next one skips it
                    self._waiters.remove(waiter)
            else:
                self._wake_one()  # this one was called but goes away: call the next
            raise

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
