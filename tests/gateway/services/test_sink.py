"""The sink: a message is on the bus, or its sender is told to come again."""

from __future__ import annotations

import pytest

from channels.errors import SinkFullError
from gateway.bus.embedded import EmbeddedBus
from gateway.ports.bus import BusUnavailableError
from gateway.services.sink import RETRY_AFTER, BusSink
from gateway.services.wire import decode_inbound
from gateway.wiring.ids import clock
from tests.gateway.bus.grounds import Wire
from tests.gateway.services.desk import Desk, inbound


async def test_a_message_is_on_the_bus_when_deliver_returns(desk: Desk) -> None:
    bus = EmbeddedBus(desk.store, clock=clock)
    await bus.start()
    message = inbound(1, "您好")
    await BusSink(bus, desk.store, clock).deliver(message)
    entries = await bus.take(10)
    assert [decode_inbound(entry.payload) for entry in entries] == [message]
    assert [entry.key for entry in entries] == [message.conversation_key]
    await bus.close()


async def test_a_full_bus_names_a_time(desk: Desk) -> None:
    bus = EmbeddedBus(desk.store, clock=clock, max_depth=1)
    await bus.start()
    sink = BusSink(bus, desk.store, clock)
    await sink.deliver(inbound(1))
    with pytest.raises(SinkFullError) as error:
        await sink.deliver(inbound(2))
    assert error.value.retry_after > 0
    await bus.close()


async def test_a_bus_out_of_reach_names_a_time(desk: Desk) -> None:
    wire = Wire(desk.store)
    bus = EmbeddedBus(wire, clock=clock)
    await bus.start()
    wire.whole = False
    with pytest.raises(SinkFullError) as error:
        await BusSink(bus, desk.store, clock).deliver(inbound(1))
    assert error.value.retry_after == RETRY_AFTER
    assert isinstance(error.value.__cause__, BusUnavailableError)
    await bus.close()


async def test_a_closed_sink_takes_nothing(desk: Desk) -> None:
    bus = EmbeddedBus(desk.store, clock=clock)
    await bus.start()
    sink = BusSink(bus, desk.store, clock)
    sink.close()
    with pytest.raises(SinkFullError):
        await sink.deliver(inbound(1))
    assert (await bus.lag()).depth == 0
    await bus.close()
