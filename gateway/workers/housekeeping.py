"""Timers: forgets what has expired and measures how far behind the bus is."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from gateway.metrics import Metrics
from gateway.ports.bus import Bus, BusUnavailableError
from gateway.ports.clock import Clock
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.model_files import ModelFiles

log = logging.getLogger(__name__)

TICK = 5.0  # seconds between measurements
FORGET_EVERY = 600_000  # ms between clean-ups
KEEP_ANSWERS = 86_400_000  # ms that answers to idempotent requests are kept
KEEP_JOBS = 30 * 86_400_000  # ms that ended work on the catalogue is kept
KEEP_EXCHANGES = 90 * 86_400_000  # ms that exchanges with a language model are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class HousekeepingParts:
    """What the timers need; `holder` names this process in leases."""

    store: Store
    bus: Bus
    clock: Clock
    metrics: Metrics
    holder: str
    files: ModelFiles
    forgets: bool


class Housekeeper:
    """One process's timers; only the holder of the lease cleans up the store."""

    def __init__(self, parts: HousekeepingParts) -> None:
        self._parts = parts
        self._forgot_at = 0

    async def run(self) -> None:
        """Works until cancelled."""
        while True:
            try:
                await self.measure()
                if self._due():
                    if self._parts.forgets:
                        await self._parts.store.write(self._forget)
                    await self._parts.files.sweep()
                    self._forgot_at = self._parts.clock()
            except (StoreUnavailableError, BusUnavailableError) as error:
                log.warning("housekeeping waits: %s", error, extra={"action": "store_down"})
            await asyncio.sleep(TICK)

    async def measure(self) -> None:
        """Sets the gauges.

        Raises:
            BusUnavailableError: the bus does not answer.
            StoreUnavailableError: the database does not answer.
        """
        lag = await self._parts.bus.lag()
        metrics = self._parts.metrics
        metrics.bus_depth.set(lag.depth)
        metrics.bus_oldest_seconds.set(lag.oldest_age / 1000)
        metrics.dead_letters.set(lag.dead)
        metrics.outbox_depth.set(await self._parts.store.read(lambda uow: uow.outbox.depth()))

    def _due(self) -> bool:
        return self._parts.clock() - self._forgot_at >= FORGET_EVERY

    def _forget(self, uow: UnitOfWork) -> None:
        now = self._parts.clock()
        if uow.leases.take("housekeeping", self._parts.holder, now=now, until=now + FORGET_EVERY):
            uow.agents.remove_expired_sessions(now)
            uow.answers.remove_older(now - KEEP_ANSWERS)
            uow.jobs.remove_older(now - KEEP_JOBS)
            uow.exchanges.remove_older(now - KEEP_EXCHANGES)
