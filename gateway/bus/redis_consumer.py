"""The reading half of the Redis bus: which partitions are ours, and what stands in them.

Each partition has one consumer at a time, under a lease that is extended as long as the process
lives. A new holder first takes over what was given out before, in order, and then reads on, so
the order of a key holds across processes. Nothing is claimed before the first `take`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.bus.keys import partition_of
from gateway.bus.lanes import Dispenser
from gateway.bus.redis_link import Link
from gateway.bus.redis_names import RedisNames
from gateway.bus.redis_scripts import (
    BALANCE,
    CLAIM,
    COUNT_TRIES,
    GIVE_UP,
    GROUP,
    LEAVE,
    READ,
    READER,
)
from gateway.ports.bus import BusEntry, BusUnavailableError

BLOCK = 0.2
"""Seconds for which a read waits in Redis; newly won partitions are read at the latest then."""
PAGE = 200
"""Entries of one partition read at a time."""
PAUSES = (0.05, 0.1, 0.2, 0.5)
"""Seconds between attempts while Redis is away; the last one repeats."""
FIRST = "0-0"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Partition:
    """A partition that this consumer holds.

    Attributes:
        claim_from: where to go on taking over what was given out before; None when through.
        new_holder: whether what is taken over was someone else's, or ours in another time.
        read_to: the last entry known to be given out.
        leaving: another consumer is to have it once nothing of it is in hand.
        unread: entries put back before they were given to a worker.
    """

    number: int
    claim_from: str | None = FIRST
    new_holder: bool = True
    read_to: str = FIRST
    leaving: bool = False
    unread: list[BusEntry] = field(default_factory=list)


class RedisConsumer:
    """Holds partitions, reads them and gives their entries out.

    Args:
        url: where Redis is.
        names: the keys there.
        consumer: a name that no other process has, and no earlier one had.
        lease_ms: how long a dead consumer's partitions wait for the next one.
        window: entries kept in memory.
        unsettled: the ids of entries whose acknowledgement is still on its way.
    """

    def __init__(
        self,
        url: str,
        names: RedisNames,
        *,
        consumer: str,
        lease_ms: int,
        window: int,
        unsettled: Callable[[], Iterable[str]],
    ) -> None:
        self.dispenser = Dispenser(self._drop_when_expired)
        self._names = names
        self._consumer = consumer
        self._lease_ms = lease_ms
        self._window = window
        self._unsettled = unsettled
        self._leases = Link(url)
        self._reader = Link(url)
        self._held: dict[int, Partition] = {}
        self._held_until = 0.0
        self._share = 0
        self._touched: set[str] = set()  # acknowledged or put back while a claim is under way
        self._claiming: Partition | None = None
        self._tries: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._rebalance = asyncio.Event()
        self._readable = asyncio.Event()

    async def take(self, limit: int) -> list[BusEntry]:
        """Waits for entries; the first call makes this process a consumer."""
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [
                loop.create_task(self._keep(self._balance_once, "hold partitions")),
                loop.create_task(self._keep(self._read_once, "read")),
            ]
        return await self.dispenser.take(limit)

    def release(self, entry: BusEntry) -> None:
        """The entry is dealt with; its key goes on."""
        self.dispenser.release(entry)
        self._tries.pop(entry.id, None)
        self._touch(entry)
        self._look_again()

    def delay(self, entry: BusEntry, seconds: float, *, counts: bool = True) -> None:
        """Gives it out again later, with one attempt more when it counts."""
        again = replace(entry, attempts=entry.attempts + 1) if counts else entry
        if not self.dispenser.delay(again, seconds):
            return
        self._tries[entry.id] = again.attempts
        self._touch(entry)
        partition = self._held.get(_partition_number(entry.id))
        if partition is None or partition.leaving:
            self._put_back(_partition_number(entry.id))
        self._look_again()

    async def close(self) -> None:
        """Gives up all partitions; what is in hand comes to the next holder as tried."""
        self.dispenser.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            try:
                await self._leave()
            except BusUnavailableError:
                log.warning("Redis is away; the partitions become free when their lease ends")
        await self._leases.close()
        await self._reader.close()

    def _touch(self, entry: BusEntry) -> None:
        if self._claiming is not None:
            self._touched.add(entry.id)

    def _look_again(self) -> None:
        if len(self.dispenser.lanes) <= self._window // 2:
            self._readable.set()
        if any(partition.leaving for partition in self._held.values()):
            self._rebalance.set()

    async def _keep(self, step: Callable[[], Awaitable[None]], purpose: str) -> None:
        failures = 0
        while True:
            try:
                await step()
            except BusUnavailableError as error:
                if not failures:
                    log.warning("cannot %s: %s", purpose, error)
                await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1
            except Exception:
                log.exception("cannot %s", purpose)
                await asyncio.sleep(PAUSES[-1])
            else:
                if failures:
                    log.info("can %s again", purpose)
                failures = 0

    # Which partitions

    async def _balance_once(self) -> None:
        await self._extend()
        await self._note_tries()
        for partition in list(self._held.values()):
            if partition.leaving:
                await self._give_up_when_idle(partition)
        self._rebalance.clear()
        seconds = self._lease_ms / 10_000
        # A consumer that waits for others to leave it something asks more often.
        pause = seconds if len(self._held) >= self._share else seconds / 5
        try:
            async with asyncio.timeout(pause):
                await self._rebalance.wait()
        except TimeoutError:
            return

    async def _extend(self) -> None:
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        names = self._names
        answer = await self._leases.run(
            BALANCE,
            [names.consumers, names.hands, *names.leases],
            [self._consumer, self._lease_ms, self.dispenser.lanes.in_hand],
        )
        self._drop_when_expired()
        self._held_until = asked_at + self._lease_ms / 1000
        self._share, held = answer
        for number in [number for number in self._held if number not in held]:
            self._lose(number)
        for number in held:
            if number not in self._held:
                self._held[number] = Partition(number)
                self._readable.set()
        self._leave_surplus()

    def _leave_surplus(self) -> None:
        staying = [partition for partition in self._held.values() if not partition.leaving]
        surplus = len(staying) - self._share
        if surplus <= 0:
            return
        busy = self._in_hand()
        staying.sort(key=lambda partition: busy[partition.number])
        for partition in staying[:surplus]:
            partition.leaving = True
            self._put_back(partition.number)

    async def _give_up_when_idle(self, partition: Partition) -> None:
        number = partition.number
        waiting = any(_partition_number(entry_id) == number for entry_id in self._unsettled())
        if waiting or self._in_hand()[number]:
            return
        await self._give_up(partition)

    async def _give_up(self, partition: Partition) -> None:
        number = partition.number
        tries = [word for entry in partition.unread for word in (_sid(entry.id), entry.attempts)]
        await self._leases.run(
            GIVE_UP,
            [self._names.lease(number), self._names.stream(number)],
            [self._consumer, GROUP, READER, *tries],
        )
        self._held.pop(number, None)

    async def _note_tries(self) -> None:
        if not self._tries:
            return
        tries, self._tries = self._tries, {}
        args: list[str | int] = [GROUP, READER]
        for entry_id, attempts in tries.items():
            args += [_partition_number(entry_id) + 1, _sid(entry_id), attempts + 1]
        try:
            await self._leases.run(COUNT_TRIES, self._names.streams, args)
        except BusUnavailableError:
            self._tries = tries | self._tries
            raise

    async def _leave(self) -> None:
        await self._note_tries()
        for partition in list(self._held.values()):
            self._put_back(partition.number)
            await self._give_up(partition)
        names = self._names
        await self._leases.run(LEAVE, [names.consumers, names.hands], [self._consumer])

    def _drop_when_expired(self) -> None:
        """Forgets partitions whose lease may have ended: others may read them by now."""
        if self._held and asyncio.get_running_loop().time() >= self._held_until:
            log.warning("the leases of %d partitions ended", len(self._held))
            for number in list(self._held):
                self._lose(number)

    def _lose(self, number: int) -> None:
        self._put_back(number)
        self._held.pop(number, None)

    def _put_back(self, number: int) -> None:
        """Takes what waits in a partition's lanes out of them."""
        dropped = self.dispenser.lanes.drop(lambda key: self._number_of(key) == number)
        if partition := self._held.get(number):
            partition.unread.extend(dropped)

    def _in_hand(self) -> Counter[int]:
        return Counter(map(self._number_of, self.dispenser.lanes.keys_in_hand()))

    def _number_of(self, key: str) -> int:
        return partition_of(key.encode(), self._names.partitions)

    # What stands in them

    async def _read_once(self) -> None:
        partitions = [one for one in self._held.values() if not one.leaving]
        room = self._window - len(self.dispenser.lanes)
        if not partitions or room <= 0:
            self._readable.clear()
            await self._readable.wait()
            return
        try:
            for partition in partitions:
                if partition.claim_from is not None:
                    await self._claim(partition)
                    return
            await self._read(await self._with_news(partitions), room)
        except BusUnavailableError:
            # An answer may be lost whose entries count as given out: take them over again.
            for partition in partitions:
                self._start_over(partition)
            raise

    def _start_over(self, partition: Partition) -> None:
        if partition.claim_from is None:
            partition.new_holder = False
        partition.claim_from = FIRST

    async def _claim(self, partition: Partition) -> None:
        """Takes over a page of what was given out before and is not acknowledged."""
        if partition.claim_from == FIRST or self._claiming is not partition:
            self._begin_claim(partition)
        answer = await self._reader.run(
            CLAIM,
            [self._names.lease(partition.number), self._names.stream(partition.number)],
            [
                self._consumer,
                GROUP,
                READER,
                partition.claim_from or FIRST,
                PAGE,
                int(partition.new_holder),
            ],
        )
        if answer == 0:
            self._lose(partition.number)
            return
        following, found, times = answer
        entries = [
            self._entry(partition, raw, int(given) - 1)
            for raw, given in zip(found, times, strict=True)
        ]
        if entries:
            partition.read_to = _sid(entries[-1].id)
        partition.claim_from = None if following == b"0-0" else following.decode()
        known = self._touched
        holds = self.dispenser.lanes.holds
        self._put(partition, [one for one in entries if one.id not in known and not holds(one.id)])
        if partition.claim_from is None:
            self._claiming = None

    def _begin_claim(self, partition: Partition) -> None:
        """From here on, what comes back from Redis may be known here already.

        What waits here is forgotten, since all of it comes again; what is in hand is recognised;
        what is acknowledged or put back between the question and the answer is remembered.
        """
        partition.claim_from = partition.read_to = FIRST
        self._put_back(partition.number)
        partition.unread.clear()
        self._claiming = partition
        self._touched = set(self._unsettled())

    async def _with_news(self, partitions: list[Partition]) -> list[Partition]:
        """Waits in Redis until one of the partitions has an entry that nobody was given."""
        answer = await self._reader.call(
            "XREAD",
            "COUNT",
            1,
            "BLOCK",
            int(BLOCK * 1000),
            "STREAMS",
            *(self._names.stream(partition.number) for partition in partitions),
            *(partition.read_to for partition in partitions),
            wait=BLOCK,
        )
        news = {name.decode(): entries[-1][0].decode() for name, entries in answer or ()}
        found = []
        for partition in partitions:
            if (seen := news.get(self._names.stream(partition.number))) is not None:
                partition.read_to = seen  # whoever was given it, it is no news any more
                found.append(partition)
        return found

    async def _read(self, partitions: list[Partition], room: int) -> None:
        if not partitions:
            return
        keys = []
        for partition in partitions:
            keys += [self._names.lease(partition.number), self._names.stream(partition.number)]
        number = max(1, min(PAGE, room // len(partitions)))
        answer = await self._reader.run(READ, keys, [self._consumer, GROUP, READER, number])
        for partition, found in zip(partitions, answer, strict=True):
            if found == 0:
                self._lose(partition.number)
            elif found:
                entries = [self._entry(partition, raw, 0) for raw in found]
                partition.read_to = _sid(entries[-1].id)
                self._put(partition, entries)

    def _entry(self, partition: Partition, raw: list[Any], attempts: int) -> BusEntry:
        sid = raw[0].decode()
        fields = raw[1]
        return BusEntry(
            id=f"{partition.number}/{sid}",
            key=fields[1].decode(),
            payload=fields[3],
            attempts=attempts,
            appended_at=int(sid.partition("-")[0]),
        )

    def _put(self, partition: Partition, entries: list[BusEntry]) -> None:
        if self._held.get(partition.number) is not partition:
            return  # lost while the answer was on its way: the next holder takes them over
        if partition.leaving:
            partition.unread.extend(entries)
        else:
            self.dispenser.add(entries)


def _partition_number(entry_id: str) -> int:
    return int(entry_id.partition("/")[0])


def _sid(entry_id: str) -> str:
    """The entry's id in its stream."""
    return entry_id.partition("/")[2]
