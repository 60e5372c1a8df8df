"""One running process: which parts it has is a matter of its roles."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterable
from enum import StrEnum
from functools import partial
from typing import Any

from gateway.ports.bus import BusUnavailableError
from gateway.ports.store import StoreUnavailableError
from gateway.services.desk_view import DeskView
from gateway.wiring.bot import TOPIC, follow_catalogue, start_bot, work_on_catalogue
from gateway.wiring.bus_lease import BusLease
from gateway.wiring.parts import Parts
from gateway.workers.delivery import DeliveryParts, DeliveryWorker
from gateway.workers.housekeeping import Housekeeper, HousekeepingParts
from gateway.workers.indexing import index_for_search
from gateway.workers.intake import IntakeParts, IntakeWorker
from gateway.workers.mailing import ChatMailer
from gateway.workers.workshop import Workshop, WorkshopParts

log = logging.getLogger(__name__)

RELOAD_PAUSE = 1.0  # seconds before the inboxes are read again after the database failed


class RoleName(StrEnum):
    """What a process does; one process does all by default."""

    HTTP = "http"
    WORKER = "worker"
    RECEIVER = "receiver"
    TIMER = "timer"


ALL_ROLES = frozenset(RoleName)
BACKLOG_SECONDS = 5.0
DRAIN_SECONDS = 8.0


class Workers:
    """The loops of a process, started and drained together."""

    def __init__(
        self, parts: Parts, roles: frozenset[RoleName], lease: BusLease | None = None
    ) -> None:
        self.parts = parts
        self.roles = roles
        self._lease = lease
        self.intake: IntakeWorker | None = None
        self.delivery: DeliveryWorker | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to work."""
        if self._lease is not None:
            self._spawn("embedded bus lease", self._lease.keep())
        if RoleName.WORKER in self.roles:
            desks = DeskView(self.parts.store, self.parts.hub, self.parts.clock)
            self.intake = IntakeWorker(self._intake_parts(desks))
            self.delivery = DeliveryWorker(self._delivery_parts())
            self._spawn("desks", desks.run())
            self._spawn("customers", self.intake.follow_customers(self.parts.hub))
            self._spawn("intake", self.intake.run())
            self._spawn("delivery", self.delivery.run())
            self._spawn("indexing", index_for_search(self.parts.store))
            workshop = Workshop(self._workshop_parts())
            self._spawn("workshop", work_on_catalogue(workshop, self.parts.hub))
        own = self.parts
        take_over = partial(start_bot, own.bot, own.store, own.maker, own.clock)
        self._spawn("catalogue", follow_catalogue(own.hub, take_over))
        self._spawn("housekeeping", Housekeeper(self._housekeeping_parts()).run())
        if RoleName.TIMER in self.roles:
            parts = self.parts
            mailer = ChatMailer(parts.store, parts.clock, parts.new_id, parts.name)
            self._spawn("mailing", mailer.run())
        self._spawn("inboxes", self._follow_inboxes())
        self._spawn("articles", self.parts.articles.follow(self.parts.hub))

    async def stop(self) -> None:
        """Takes nothing more and finishes what is in hand."""
        if self.roles == ALL_ROLES:
            await self._finish_backlog()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.intake is not None:
            await self.intake.drain(DRAIN_SECONDS)
        if self.delivery is not None:
            await self.delivery.drain(DRAIN_SECONDS)

    async def _finish_backlog(self) -> None:
        """Nothing comes in any more: answer those who wait, within reason."""
        with contextlib.suppress(TimeoutError, BusUnavailableError):
            async with asyncio.timeout(BACKLOG_SECONDS):
                while (await self.parts.bus.lag()).depth:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)

    def _spawn(self, name: str, loop: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(loop, name=name)
        task.add_done_callback(_report_end)
        self._tasks.append(task)

    async def _follow_inboxes(self) -> None:
        """Another process may have changed an inbox."""
        subscription = self.parts.hub.subscribe("inboxes")
        try:
            while True:
                await subscription.get()
                await self._reload_inboxes()
        finally:
            subscription.close()

    async def _reload_inboxes(self) -> None:
        """Tries until the database answers: nobody tells a second time."""
        while True:
            try:
                return await self.parts.channels.reload()
            except StoreUnavailableError as error:
                log.warning("the inboxes stay as they were: %s", error)
                await asyncio.sleep(RELOAD_PAUSE)

    def _intake_parts(self, desks: DeskView) -> IntakeParts:
        parts = self.parts
        return IntakeParts(
            bus=parts.bus,
            store=parts.store,
            bot=parts.bot,
            inboxes=parts.inboxes,
            desks=desks,
            is_mailbox=parts.is_mailbox,
            has_letters=parts.has_letters,
            clock=parts.clock,
            new_id=parts.new_id,
            metrics=parts.metrics,
            turn_limit=parts.settings.turn_seconds,
        )

    def _delivery_parts(self) -> DeliveryParts:
        parts = self.parts
        return DeliveryParts(
            store=parts.store,
            hub=parts.hub,
            channels=parts.channels,
            clock=parts.clock,
            metrics=parts.metrics,
            worker=parts.name,
        )

    def _workshop_parts(self) -> WorkshopParts:
        parts = self.parts

        async def published() -> None:
            parts.hub.publish(TOPIC, {"type": "published"})
            await parts.bot.refresh()

        return WorkshopParts(
            store=parts.store,
            blobs=parts.storage.blobs,
            maker=parts.maker,
            clock=parts.clock,
            holder=parts.name,
            published=published,
        )

    def _housekeeping_parts(self) -> HousekeepingParts:
        parts = self.parts
        return HousekeepingParts(
            store=parts.store,
            bus=parts.bus,
            clock=parts.clock,
            metrics=parts.metrics,
            holder=parts.name,
            files=parts.maker.files,
            forgets=RoleName.TIMER in self.roles,
        )


def _report_end(task: asyncio.Task[None]) -> None:
    """A loop that ends by itself is a fault, and must not end unseen."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical(
            "the %s loop ended: %r", task.get_name(), error, extra={"action": "loop_ended"}
        )
        asyncio.get_running_loop().call_soon(_stop_process)


def _stop_process() -> None:
    """Half a process would look healthy: better to stop, so that it is started anew."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGTERM)


def parse_roles(names: Iterable[str]) -> frozenset[RoleName]:
    """Roles by name.

    Raises:
        ValueError: there is no such role.
    """
    wanted = [name.strip() for name in names if name.strip()]
    return frozenset(RoleName(name) for name in wanted) or ALL_ROLES
