"""The hub within one process."""

import asyncio

import pytest

from gateway.bus.hub import LocalHub
from gateway.ports.bus import HubClosedError


async def test_frames_arrive_in_order_at_every_subscriber_of_the_topic() -> None:
    hub = LocalHub()
    await hub.start()
    first, second = hub.subscribe("a", "b"), hub.subscribe("b")
    for number in range(5):
        hub.publish("b", {"n": number})
    hub.publish("a", {"n": 5})
    hub.publish("c", {"n": 6})
    assert [(await first.get())["n"] for _ in range(6)] == [0, 1, 2, 3, 4, 5]
    assert [(await second.get())["n"] for _ in range(5)] == [0, 1, 2, 3, 4]
    await hub.close()


async def test_a_waiting_reader_is_woken() -> None:
    hub = LocalHub()
    subscription = hub.subscribe("a")
    waiting = asyncio.create_task(subscription.get())
    await asyncio.sleep(0)
    hub.publish("a", {"n": 1})
    assert await asyncio.wait_for(waiting, 1) == {"n": 1}


async def test_a_slow_reader_gets_one_overflow_frame_and_then_what_came_after_it() -> None:
    hub = LocalHub(queue=3)
    subscription = hub.subscribe("a")
    for number in range(4):
        hub.publish("a", {"n": number})
    hub.publish("a", {"n": 4})
    assert await subscription.get() == {"type": "overflow"}
    assert await subscription.get() == {"n": 4}
    hub.publish("a", {"n": 5})
    assert await subscription.get() == {"n": 5}


async def test_overflowing_twice_before_reading_is_told_once() -> None:
    hub = LocalHub(queue=2)
    subscription = hub.subscribe("a")
    for number in range(9):
        hub.publish("a", {"n": number})
    frames = [await subscription.get()]
    while len(frames) < 10:
        try:
            frames.append(await asyncio.wait_for(subscription.get(), 0.02))
        except TimeoutError:
            break
    assert [frame for frame in frames if frame.get("type") == "overflow"] == frames[:1]
    assert len(frames) <= 2


async def test_wanted_is_exact() -> None:
    hub = LocalHub()
    assert not hub.wanted("a")
    first, second = hub.subscribe("a"), hub.subscribe("a", "a")
    assert hub.wanted("a")
    first.close()
    assert hub.wanted("a")
    second.close()
    second.close()
    assert not hub.wanted("a")


async def test_closing_ends_readers() -> None:
    hub = LocalHub()
    subscription = hub.subscribe("a")
    waiting = asyncio.create_task(subscription.get())
    await asyncio.sleep(0)
    await hub.close()
    with pytest.raises(HubClosedError):
        await asyncio.wait_for(waiting, 1)
    with pytest.raises(HubClosedError):
        await subscription.get()
    hub.publish("a", {"n": 1})


async def test_a_cancelled_reader_loses_nothing() -> None:
    hub = LocalHub()
    subscription = hub.subscribe("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(subscription.get(), 0.01)
    hub.publish("a", {"n": 1})
    assert await subscription.get() == {"n": 1}
