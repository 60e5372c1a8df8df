"""The embedded bus on PostgreSQL: one process at a time, wherever it runs.

On SQLite the lock on the data folder says so; a database in the network can be reached from
anywhere, so the process holds a lease in it.
"""

from __future__ import annotations

import asyncio
import logging

from gateway.ports.clock import Clock
from gateway.ports.store import Store, StoreUnavailableError
from gateway.wiring.data_dir import StartError

log = logging.getLogger(__name__)

NAME = "embedded-bus"
LEASE = 30_000  # ms
RENEW_SECONDS = 5.0
WAIT_SECONDS = 40.0  # longer than the lease of a process that was killed


class LeaseLostError(Exception):
    """Another process took the embedded bus: this one must not go on."""


class BusLease:
    """Held from before the bus starts until after it is closed."""

    def __init__(self, store: Store, holder: str, clock: Clock) -> None:
        self._store = store
        self._holder = holder
        self._clock = clock

    async def acquire(self) -> None:
        """Waits for a process that was killed to lose its lease.

        Raises:
            StartError: another process holds it and lives.
        """
        for _ in range(round(WAIT_SECONDS)):
            if await self._take():
                return
            log.info("waiting for another process to give up the embedded bus")
            await asyncio.sleep(1)
        raise StartError(
            "YINGDA_REDIS_URL: another yingda process uses the embedded bus in this database. "
            "Stop it, or set YINGDA_REDIS_URL in all processes to run several."
        )

    async def keep(self) -> None:
        """Renews it until cancelled.

        Raises:
            LeaseLostError: another process has it.
        """
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                if not await self._take():
                    raise LeaseLostError
            except StoreUnavailableError as error:
                log.warning("the lease of the embedded bus is not renewed: %s", error)

    async def release(self) -> None:
        """Gives it up, so that the next process need not wait."""
        await self._store.write(lambda uow: uow.leases.release(NAME, self._holder))

    async def _take(self) -> bool:
        now = self._clock()
        return await self._store.write(
            lambda uow: uow.leases.take(NAME, self._holder, now=now, until=now + LEASE)
        )
