"""The conversation bus on Redis Streams, for several processes or machines.

Keys are spread over partitions, each a stream with one consumer group. What arrives while a
write is under way goes with the next one, acknowledgements included. Handled entries are
deleted, so a stream holds what is outstanding and nothing else. As durable as Redis is set up
to be: see `RedisBus.durability`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Iterable, Sequence

from gateway.bus.flushing import Flusher
from gateway.bus.keys import check_key, partition_of
from gateway.bus.redis_consumer import RedisConsumer
from gateway.bus.redis_link import Link, Word
from gateway.bus.redis_names import RedisNames
from gateway.bus.redis_scripts import BURY, FIGURES, GROUP, REQUEUE, WRITE
from gateway.domain.records import DeadLetter, JournalEntry
from gateway.ports.bus import BusEntry, BusFullError, BusLag, BusUnavailableError

ACKNOWLEDGED_WITHIN = 0.005
"""Seconds in which acknowledgements are written when no new entry takes them along."""
BURY_PAUSE = 1.0
"""Seconds after which an entry that could not be buried is given out again."""
BATCH = 500
"""Entries, and acknowledgements, written at a time."""
DEPTH_KNOWN_FOR = 1.0
"""Seconds after which the depth is asked for again."""
FULL_PAUSE = 2.0
"""Seconds after which a sender that found the bus full is to try again."""
LETTER_ID = re.compile(r"\d{1,20}-\d{1,20}")

Append = tuple[int, bytes, bytes, asyncio.Future[None]]
"""Partition, key, payload, and the future that its sender waits for."""

log = logging.getLogger(__name__)


class RedisBus:
    """The bus on Redis Streams; see `gateway.ports.bus.Bus` for what it promises.

    A process that never calls `take` only appends. `attempts` counts how often an entry was given
    to a process that did not acknowledge it, so an entry that kills its worker is noticed. When
    an entry that waits for its retry moves to another process, it is given out at once.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        consumer: names this process in Redis; made unique here.
        partitions: how many processes can share the work; the same for all of them, for good.
        prefix: of all keys in Redis.
        max_depth: entries not acknowledged at which `append` refuses more.
        lease_ms: how long the partitions of a dead process wait for the next one.
        window: entries kept in memory; what is beyond stays in Redis for the time being.
    """

    def __init__(
        self,
        url: str,
        *,
        consumer: str,
        partitions: int = 16,
        prefix: str = "yingda:bus",
        max_depth: int = 50_000,
        lease_ms: int = 10_000,
        window: int = 2_000,
    ) -> None:
        self._names = RedisNames(prefix, partitions)
        self._max_depth = max_depth
        self._link = Link(url)
        self._writer = Link(url)
        self._flusher = Flusher(self._flush, linger=ACKNOWLEDGED_WITHIN)
        self._appends: list[Append] = []
        self._handled: dict[str, None] = {}  # ids whose acknowledgement is not written yet
        self._depth = 0
        self._depth_asked_at = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._consumer_id = f"{consumer}:{secrets.token_hex(8)}"
        self._consumer = RedisConsumer(
            url,
            self._names,
            consumer=self._consumer_id,
            lease_ms=lease_ms,
            window=window,
            unsettled=lambda: self._handled,
        )

    async def start(self) -> None:
        """Connects.

        Raises:
            BusUnavailableError: Redis does not answer.
            ValueError: the entries in Redis are spread over another number of partitions.
        """
        count = self._names.partitions
        await self._link.call("SETNX", self._names.count, count)
        kept = int(await self._link.call("GET", self._names.count))
        if kept != count:
            raise ValueError(
                f"the bus in Redis has {kept} partitions, this process is set to {count}: "
                "set all processes to the same number"
            )
        self._depth = (await self.lag()).depth
        self._depth_asked_at = asyncio.get_running_loop().time()

    async def append(self, key: str, payload: bytes) -> None:
        """Writes the entry with all that arrive while Redis is busy.

        Raises:
            BusFullError: as many entries wait as may; nothing was kept.
            BusUnavailableError: Redis did not confirm it in time.
            ValueError: the key is no text that a database could keep.
        """
        name = check_key(key)
        loop = asyncio.get_running_loop()
        if loop.time() >= self._depth_asked_at + DEPTH_KNOWN_FOR and self._asking is None:
            self._asking = loop.create_task(self._ask_depth())
        if self._depth >= self._max_depth:
            raise BusFullError(FULL_PAUSE)
        written = loop.create_future()
        self._depth += 1
        self._appends.append((partition_of(name, self._names.partitions), name, payload, written))
        self._flusher.soon()
        await written

    async def take(self, limit: int) -> list[BusEntry]:
        """Waits for entries of keys that nobody holds; empty when the bus was closed."""
        return await self._consumer.take(limit)

    def unkept(self, entries: Sequence[BusEntry]) -> dict[str, JournalEntry]:
        """None: entries are given out when Redis has them."""
        return {}

    def keep(self, entry_ids: Iterable[str]) -> None:
        """Nothing to do: Redis has them."""

    async def acknowledge(self, entries: Sequence[BusEntry]) -> None:
        """Lets their keys go on; Redis forgets them within milliseconds, or when it is back."""
        for entry in entries:
            self._handled[entry.id] = None
            self._consumer.release(entry)
        self._flusher.later()

    async def retry(
        self, entry: BusEntry, *, delay: float, reason: str, counts: bool = True
    ) -> None:
        """Gives it out again after `delay` seconds."""
        log.info("retry entry=%s delay=%.1f reason=%s", entry.id, delay, reason)
        self._consumer.delay(entry, delay, counts=counts)

    async def bury(self, entry: BusEntry, reason: str) -> None:
        """Moves it to the dead letters; when that fails it is given out again."""
        number, _, sid = entry.id.partition("/")
        try:
            moved = await self._link.run(
                BURY,
                [self._names.stream(int(number)), self._names.dead],
                [GROUP, sid, entry.key, entry.payload, reason, entry.attempts + 1],
            )
        except BusUnavailableError as error:
            await self.retry(entry, delay=BURY_PAUSE, reason=str(error))
            return
        self._depth -= int(moved)
        self._consumer.release(entry)

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Newest first.

        Raises:
            BusUnavailableError: Redis does not answer.
        """
        answer = await self._link.call("XREVRANGE", self._names.dead, "+", "-", "COUNT", limit)
        return [_letter(raw) for raw in answer]

    async def requeue(self, letter_id: str) -> bool:
        """Moves a dead letter to the end of its key's entries; false when there is none.

        Raises:
            BusUnavailableError: Redis did not confirm it in time.
        """
        if not LETTER_ID.fullmatch(letter_id):
            return False
        found = await self._link.call("XRANGE", self._names.dead, letter_id, letter_id)
        if not found:
            return False
        letter = _letter(found[0])
        number = partition_of(letter.key.encode(), self._names.partitions)
        moved = await self._link.run(
            REQUEUE,
            [self._names.dead, self._names.stream(number)],
            [letter_id, letter.key, letter.payload],
        )
        return bool(moved)

    async def lag(self) -> BusLag:
        """Figures of all processes; what others have in hand is up to a second old.

        Raises:
            BusUnavailableError: Redis does not answer.
        """
        names = self._names
        depth, oldest, dead, hands = await self._link.run(
            FIGURES, [names.dead, names.hands, *names.streams], []
        )
        by_consumer = dict(zip(hands[::2], map(int, hands[1::2]), strict=True))
        by_consumer[self._consumer_id.encode()] = self._consumer.dispenser.lanes.in_hand
        return BusLag(
            depth=depth, oldest_age=oldest, in_flight=sum(by_consumer.values()), dead=dead
        )

    async def check(self) -> None:
        """Asks Redis whether it is there.

        Raises:
            BusUnavailableError: Redis does not answer.
        """
        await self._link.call("PING")

    async def durability(self) -> list[str]:
        """What in the settings of Redis may lose an entry that was acknowledged, in words.

        Raises:
            BusUnavailableError: Redis does not answer, or does not show its settings.
        """
        settings: dict[str, str] = {}
        for name in ("appendonly", "appendfsync", "maxmemory", "maxmemory-policy"):
            answer = await self._link.call("CONFIG", "GET", name)
            settings |= {answer[0].decode(): answer[1].decode()} if answer else {}
        warnings = []
        if settings.get("appendonly") != "yes":
            warnings.append(
                "Redis keeps no append-only file: a restart loses messages. Set appendonly yes."
            )
        elif settings.get("appendfsync") != "always":
            warnings.append(
                "Redis writes its file to the disk only once a second or less: a power cut loses "
                "what came since. Set appendfsync always."
            )
        limited = settings.get("maxmemory", "0") != "0"
        if limited and settings.get("maxmemory-policy") != "noeviction":
            warnings.append(
                "Redis may drop messages when its memory is full. Set maxmemory-policy noeviction."
            )
        return warnings

    async def close(self) -> None:
        """Stops giving out, writes the acknowledgements and leaves the partitions to others."""
        self._consumer.dispenser.close()
        await self._flusher.finish()
        self._flusher.stop()
        if self._asking is not None:
            self._asking.cancel()
        await self._consumer.close()
        await self._link.close()
        await self._writer.close()

    async def _flush(self) -> bool:
        appends, self._appends = self._appends[:BATCH], self._appends[BATCH:]
        handled = list(self._handled)[:BATCH]
        if not (appends or handled):
            return True
        try:
            await self._writer.run(WRITE, self._names.streams, _write_args(appends, handled))
        except BusUnavailableError as error:
            # Who came meanwhile would only find out later and wait as long again.
            self._refuse(appends + self._appends, str(error))
            self._appends = []
            return False
        for entry_id in handled:
            del self._handled[entry_id]
        self._depth = max(0, self._depth - len(handled))
        for *_, written in appends:
            if not written.done():
                written.set_result(None)
        if self._appends or len(self._handled) >= BATCH:
            self._flusher.soon()
        return True

    def _refuse(self, appends: list[Append], reason: str) -> None:
        self._depth -= len(appends)
        for *_, written in appends:
            if not written.done():
                written.set_exception(BusUnavailableError(reason))

    async def _ask_depth(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._depth = (await self.lag()).depth
        except BusUnavailableError:
            log.debug("the depth is not known: Redis is away")
        finally:
            self._depth_asked_at = loop.time()
            self._asking = None


def _write_args(appends: list[Append], handled: list[str]) -> list[Word]:
    args: list[Word] = [GROUP, len(appends)]
    for partition, key, payload, _ in appends:
        args += (partition + 1, key, payload)
    by_partition: dict[str, list[str]] = {}
    for entry_id in handled:
        number, _, sid = entry_id.partition("/")
        by_partition.setdefault(number, []).append(sid)
    for number, sids in by_partition.items():
        args += [int(number) + 1, len(sids), *sids]
    return args


def _letter(raw: tuple[bytes, list[bytes]]) -> DeadLetter:
    fields = raw[1]
    letter_id = raw[0].decode()
    return DeadLetter(
        id=letter_id,
        key=fields[1].decode(),
        payload=fields[3],
        reason=fields[5].decode(),
        attempts=int(fields[7]),
        died_at=int(letter_id.partition("-")[0]),
    )
