"""Where channels bring what came: messages to the bus, reports about ours to the store."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from channels.contract import DeliveryReport, Discard, InboundMessage
from channels.errors import SinkFullError, UnavailableError
from gateway.ports.bus import Bus, BusFullError, BusUnavailableError
from gateway.ports.clock import Clock
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.reports import note_report
from gateway.services.wire import encode_inbound

T = TypeVar("T")

RETRY_AFTER = 2.0  # seconds, while the bus or the store is out of reach


class BusSink:
    """Implements `channels.contract.Sink` over the conversation bus and the store."""

    def __init__(self, bus: Bus, store: Store, clock: Clock) -> None:
        self._bus = bus
        self._store = store
        self._clock = clock
        self._open = True

    def close(self) -> None:
        """Takes no more: the process is about to stop, another one will."""
        self._open = False

    async def deliver(self, message: InboundMessage) -> None:
        """Returns when the message is durable.

        Raises:
            SinkFullError: nothing was kept; the sender is to try again.
        """
        if not self._open:
            raise SinkFullError(RETRY_AFTER)
        try:
            await self._bus.append(message.conversation_key, encode_inbound(message))
        except BusFullError as error:
            raise SinkFullError(error.retry_after) from error
        except BusUnavailableError as error:
            raise SinkFullError(RETRY_AFTER) from error

    async def report(self, report: DeliveryReport) -> bool:
        """Notes what became of one of our messages; whether it is one of ours.

        Raises:
            UnavailableError: the store does not answer; nothing was kept.
        """
        return await self._write(partial(note_report, report=report, now=self._clock()))

    async def discard(self, discard: Discard) -> None:
        """Counts a message that is not shown.

        Raises:
            UnavailableError: the store does not answer; nothing was kept.
        """
        await self._write(lambda uow: uow.discards.add(discard, now=self._clock()))

    async def _write(self, work: Callable[[UnitOfWork], T]) -> T:
        try:
            return await self._store.write(work)
        except StoreUnavailableError as error:
            raise UnavailableError("what was reported cannot be kept", RETRY_AFTER) from error
