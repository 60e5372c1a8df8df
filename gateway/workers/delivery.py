"""Takes deliveries from the outbox and hands them to their channels."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from channels.contract import Channel
from channels.errors import PermanentDeliveryError, TransientDeliveryError
from gateway.metrics import Metrics
from gateway.ports.bus import Hub
from gateway.ports.clock import Clock
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.delivery import (
    Attempt,
    Ready,
    Result,
    claim_deliveries,
    finish_deliveries,
    seconds_for_files,
)
from gateway.services.publishing import DELIVERIES
from gateway.workers.finishing import finish

log = logging.getLogger(__name__)

SWEEP = 1.0  # seconds between looks at the outbox when nothing pokes
SEND_LIMIT = 60.0  # seconds one try may take, and more for what its files weigh
LEASE = 90_000  # ms; as much longer, so that nobody else sends meanwhile
AT_ONCE = 32  # sends of one inbox
AT_ONCE_IN_ALL = 256


class LiveChannels(Protocol):
    """The channels that run in this process."""

    def find_channel(self, inbox_id: str) -> Channel[Any] | None:
        """The enabled inbox's channel."""
        ...

    def letter_inboxes(self) -> frozenset[str]:
        """The enabled inboxes whose messages are letters."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryParts:
    """What delivering needs. `worker` names this process towards others."""

    store: Store
    hub: Hub
    channels: LiveChannels
    clock: Clock
    metrics: Metrics
    worker: str


class DeliveryWorker:
    """One process's deliveries."""

    def __init__(self, parts: DeliveryParts) -> None:
        self._parts = parts
        self._running: dict[asyncio.Task[None], str] = {}  # and the inbox of each

    async def run(self) -> None:
        """Works until cancelled; what is in hand then is finished by `drain`."""
        subscription = self._parts.hub.subscribe(DELIVERIES)
        try:
            while True:
                if not await self._take():
                    await _poke_or_sweep(subscription.get())
                    subscription.clear()  # one look answers all pokes
        finally:
            subscription.close()

    async def drain(self, limit: float) -> None:
        """Waits until nothing is in hand; after `limit` seconds leaves the rest to its lease."""
        await finish(self._running.keys(), limit)

    async def _take(self) -> bool:
        """Claims and starts what is due; false when there was nothing, or no room for it."""
        if len(self._running) >= AT_ONCE_IN_ALL:
            return False  # the end of each send pokes
        try:
            ready = await self._parts.store.write(
                partial(
                    claim_deliveries,
                    worker=self._parts.worker,
                    now=self._parts.clock(),
                    lease=LEASE,
                    limit=AT_ONCE,
                    busy=Counter(self._running.values()),
                    letters=self._parts.channels.letter_inboxes(),
                )
            )
        except StoreUnavailableError as error:
            log.warning("the outbox is out of reach: %s", error, extra={"action": "store_down"})
            return False
        for item in ready:
            task = asyncio.create_task(self._deliver(item))
            self._running[task] = item.outbound.inbox_id
            task.add_done_callback(self._running.pop)
        return bool(ready)

    async def _deliver(self, ready: Ready) -> None:
        channel = self._parts.channels.find_channel(ready.outbound.inbox_id)
        started = time.perf_counter()
        attempt = await _try_to_send(channel, ready)
        spent = round((time.perf_counter() - started) * 1000)
        self._parts.metrics.deliveries.labels(_kind(channel), attempt.result.value).inc()
        await self._finish([_with_time(attempt, spent)])

    async def _finish(self, attempts: Sequence[Attempt]) -> None:
        """Writes the end of a try; keeps at it while the database is away (the lease guards)."""
        give_up_at = time.monotonic() + LEASE / 1000 - SEND_LIMIT
        while True:
            try:
                await self._parts.store.write(
                    partial(finish_deliveries, attempts=attempts, now=self._parts.clock())
                )
            except StoreUnavailableError:
                if time.monotonic() > give_up_at:
                    return  # tried again after the lease; the message's id shows the repeat
                await asyncio.sleep(0.5)
            except Exception:  # a fault of our own: the schedule's next try, not one each lease
                log.exception("a try's end was not written", extra={"action": "finish_failed"})
                await self._put_back(attempts)
                return
            else:
                return

    async def _put_back(self, attempts: Sequence[Attempt]) -> None:
        def work(uow: UnitOfWork) -> None:
            for attempt in attempts:
                delivery = attempt.ready.delivery
                uow.outbox.postpone(
                    delivery.id,
                    attempts=delivery.attempts + 1,
                    available_at=self._parts.clock() + LEASE,
                )

        await self._parts.store.write(work)


def _kind(channel: Channel[Any] | None) -> str:
    """The kind of channel, from where its adapter lives: `channels.adapters.KIND`."""
    if channel is None:
        return "none"
    home = type(channel).__module__.removeprefix("channels.adapters.")
    return home.partition(".")[0]


async def _poke_or_sweep(poke: Any) -> None:
    try:
        async with asyncio.timeout(SWEEP):
            await poke
    except TimeoutError:
        return


def _with_time(attempt: Attempt, ms: int) -> Attempt:
    return replace(attempt, ms=ms)


async def _try_to_send(channel: Channel[Any] | None, ready: Ready) -> Attempt:
    if channel is None:
        return Attempt(ready=ready, result=Result.RETRY, reason="The inbox is switched off.")
    try:
        async with asyncio.timeout(SEND_LIMIT + seconds_for_files(ready.outbound.message)):
            receipt = await channel.send(ready.outbound)
    except PermanentDeliveryError as error:
        return Attempt(ready=ready, result=Result.FAILED, reason=error.reason)
    except TransientDeliveryError as error:
        return Attempt(
            ready=ready,
            result=Result.RETRY,
            reason=error.reason,
            retry_after=error.retry_after,
            attempted=error.attempted,
        )
    except TimeoutError:
        return Attempt(ready=ready, result=Result.RETRY, reason="The platform did not answer.")
    except Exception as error:  # an adapter's fault must not stop other deliveries
        log.exception("an adapter failed to send", extra={"action": "send_failed"})
        reason = f"The channel failed: {type(error).__name__}."
        return Attempt(ready=ready, result=Result.RETRY, reason=reason)
    return Attempt(ready=ready, result=Result.SENT, external_id=receipt.external_id)
