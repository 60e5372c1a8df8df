"""Where a bus keeps its truth, which outlives the buses opened over it and their crashes."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from typing_extensions import override

from gateway.bus.embedded import EmbeddedBus
from gateway.bus.redis_streams import RedisBus
from gateway.ports.bus import Bus
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork

T = TypeVar("T")
LEASE_MS = 600


def now() -> int:
    return int(time.time() * 1000)


class Ground(ABC):
    """Opens buses, one after the other, over what the earlier ones left."""

    def __init__(self) -> None:
        self._open: list[Bus] = []

    async def open(self, *, max_depth: int = 50_000, window: int = 2_000) -> Bus:
        """A bus that was started."""
        bus = self.build(max_depth, window)
        await bus.start()
        self._open.append(bus)
        return bus

    async def crash(self, bus: Bus) -> None:
        """Ends a bus as the death of its process would: nothing more of it reaches the truth."""
        self._open.remove(bus)
        await self.cut(bus)

    async def leave(self, bus: Bus) -> None:
        """Ends a bus in order."""
        self._open.remove(bus)
        await bus.close()

    async def close(self) -> None:
        while self._open:
            await self._open.pop().close()

    @abstractmethod
    def build(self, max_depth: int, window: int) -> Bus: ...

    @abstractmethod
    async def cut(self, bus: Bus) -> None: ...


class Wire:
    """A store that one bus sees, and that can be cut off from it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.whole = True

    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        self._check()
        return await self._store.write(work)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        self._check()
        return await self._store.read(work)

    async def check(self) -> None:
        self._check()
        await self._store.check()

    async def close(self) -> None:
        raise AssertionError("the bus does not own its store")

    def listen(self, listener: object) -> None:
        raise AssertionError("the bus does not listen to events")

    def _check(self) -> None:
        if not self.whole:
            raise StoreUnavailableError("cut off")


class EmbeddedGround(Ground):
    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.wires: dict[int, Wire] = {}

    @override
    def build(self, max_depth: int, window: int) -> Bus:
        wire = Wire(self.store)
        bus = EmbeddedBus(wire, clock=now, max_depth=max_depth, window=window)
        self.wires[id(bus)] = wire
        return bus

    @override
    async def cut(self, bus: Bus) -> None:
        self.wires[id(bus)].whole = False
        await bus.close()


class RedisGround(Ground):
    """A dead process keeps its leases until they end, which takes `LEASE_MS` here."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    @override
    def build(self, max_depth: int, window: int) -> Bus:
        return RedisBus(
            self.url, consumer="test", lease_ms=LEASE_MS, max_depth=max_depth, window=window
        )

    @override
    async def cut(self, bus: Bus) -> None:
        assert isinstance(bus, RedisBus)
        bus._flusher.stop()
        consumer = bus._consumer
        consumer.dispenser.close()
        for task in consumer._tasks:
            task.cancel()
        await asyncio.gather(*consumer._tasks, return_exceptions=True)
        for link in (bus._link, bus._writer, consumer._leases, consumer._reader):
            await link.close()
