"""Where every channel's messages end: on the bus."""

from __future__ import annotations

from channels.contract import InboundMessage
from channels.errors import SinkFullError
from gateway.ports.bus import Bus, BusFullError, BusUnavailableError
from gateway.services.wire import encode_inbound

RETRY_AFTER = 2.0  # seconds, while the bus is out of reach


class BusSink:
    """Implements `channels.contract.Sink` over the conversation bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
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
