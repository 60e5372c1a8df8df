"""Both hubs: within one process by one suite, and across processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gateway.bus.hub import LocalHub
from gateway.bus.redis_hub import RedisHub
from gateway.ports.bus import BusUnavailableError, Frame, Hub, HubClosedError, HubSubscription
from tests.servers import RedisServer

MakeHub = Callable[..., Hub]


def encode(frame: Frame) -> bytes:
    return json.dumps(frame).encode()


def decode(data: bytes) -> Frame:
    frame: dict[str, Any] = json.loads(data)
    return frame


def redis_hub(url: str, **options: int) -> RedisHub:
    return RedisHub(url, encode=encode, decode=decode, **options)  # type: ignore[arg-type]


@pytest.fixture(params=["local", "redis"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[MakeHub]:
    """Builds a hub of each kind; started by the test, closed here."""
    hubs: list[Hub] = []
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""

    def build(**options: int) -> Hub:
        hubs.append(redis_hub(url, **options) if url else LocalHub(**options))
        return hubs[-1]

    yield build
    for hub in hubs:
        await hub.close()


async def frames_of(subscription: HubSubscription, seconds: float = 0.2) -> list[Frame]:
    """All that comes until nothing comes for that long."""
    frames = []
    while True:
        try:
            frames.append(await asyncio.wait_for(subscription.get(), seconds))
        except TimeoutError:
            return frames


async def test_frames_arrive_in_order_at_every_subscriber_of_the_topic(make: MakeHub) -> None:
    hub = make()
    await hub.start()
    first, second = hub.subscribe("a", "b"), hub.subscribe("b")
    for number in range(5):
        hub.publish("b", {"n": number})
    hub.publish("a", {"n": 5})
    hub.publish("c", {"n": 6})
    assert [(await first.get())["n"] for _ in range(6)] == [0, 1, 2, 3, 4, 5]
    assert [(await second.get())["n"] for _ in range(5)] == [0, 1, 2, 3, 4]


async def test_a_waiting_reader_is_woken(make: MakeHub) -> None:
    hub = make()
    await hub.start()
    subscription = hub.subscribe("a")
    waiting = asyncio.create_task(subscription.get())
    await asyncio.sleep(0)
    hub.publish("a", {"n": 1})
    assert await asyncio.wait_for(waiting, 1) == {"n": 1}


async def test_a_slow_reader_gets_one_overflow_frame_and_then_what_came_after_it(
    make: MakeHub,
) -> None:
    hub = make(queue=3)
    await hub.start()
    subscription = hub.subscribe("a")
    for number in range(4):
        hub.publish("a", {"n": number})
    hub.publish("a", {"n": 4})
    assert await subscription.get() == {"type": "overflow"}
    assert await subscription.get() == {"n": 4}
    hub.publish("a", {"n": 5})
    assert await subscription.get() == {"n": 5}


async def test_overflowing_twice_before_reading_is_told_once(make: MakeHub) -> None:
    hub = make(queue=2)
    await hub.start()
    subscription = hub.subscribe("a")
    for number in range(9):
        hub.publish("a", {"n": number})
    frames = await frames_of(subscription)
    assert [frame for frame in frames if frame.get("type") == "overflow"] == frames[:1]
    assert len(frames) <= 2


async def test_wanted_is_exact_in_one_process() -> None:
    hub = LocalHub()
    assert not hub.wanted("a")
    first, second = hub.subscribe("a"), hub.subscribe("a", "a")
    assert hub.wanted("a")
    first.close()
    assert hub.wanted("a")
    second.close()
    second.close()
    assert not hub.wanted("a")


async def test_closing_ends_readers(make: MakeHub) -> None:
    hub = make()
    await hub.start()
    subscription = hub.subscribe("a")
    waiting = asyncio.create_task(subscription.get())
    await asyncio.sleep(0)
    await hub.close()
    with pytest.raises(HubClosedError):
        await asyncio.wait_for(waiting, 1)
    with pytest.raises(HubClosedError):
        await subscription.get()
    hub.publish("a", {"n": 1})


async def test_a_cancelled_reader_loses_nothing(make: MakeHub) -> None:
    hub = make()
    await hub.start()
    subscription = hub.subscribe("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(subscription.get(), 0.01)
    hub.publish("a", {"n": 1})
    assert await subscription.get() == {"n": 1}


@pytest.fixture
async def pair(redis_url: str) -> AsyncIterator[tuple[RedisHub, RedisHub]]:
    """Two processes' hubs, as far as Redis can tell."""
    hubs = redis_hub(redis_url), redis_hub(redis_url)
    for hub in hubs:
        await hub.start()
    yield hubs
    for hub in hubs:
        await hub.close()


async def test_frames_reach_other_processes_in_order_and_their_own_once(
    pair: tuple[RedisHub, RedisHub],
) -> None:
    here, there = pair
    near, far, other = here.subscribe("a"), there.subscribe("a"), there.subscribe("b")
    for number in range(300):
        here.publish("a", {"n": number, "text": "您好"})
        if number % 50 == 0:
            await asyncio.sleep(0.002)
    expected = [{"n": number, "text": "您好"} for number in range(300)]
    assert await frames_of(near) == expected
    assert await frames_of(far) == expected
    assert await frames_of(other, 0.05) == []


async def test_a_frame_is_there_before_anything_is_awaited(
    pair: tuple[RedisHub, RedisHub],
) -> None:
    here, _ = pair
    subscription = here.subscribe("a")
    here.publish("a", {"n": 1})
    assert await asyncio.wait_for(subscription.get(), 0.001) == {"n": 1}


async def test_frames_go_in_batches(
    pair: tuple[RedisHub, RedisHub], redis_server: RedisServer
) -> None:
    here, there = pair
    far = there.subscribe("a")
    redis_server.ask("CONFIG", "RESETSTAT")
    for number in range(200):
        here.publish("a", {"n": number})
    assert len(await frames_of(far)) == 200
    with socket.create_connection(("127.0.0.1", redis_server.port), timeout=5) as connection:
        connection.sendall(b"INFO commandstats\r\n")
        text = b""
        while not (text.endswith(b"\r\n") and b"cmdstat_publish" in text):
            text += connection.recv(65536)
    assert b"cmdstat_publish:calls=1," in text


async def test_others_may_want_what_nobody_here_wants(pair: tuple[RedisHub, RedisHub]) -> None:
    assert pair[0].wanted("a")


async def test_what_cannot_be_read_costs_an_overflow_and_nothing_more(
    pair: tuple[RedisHub, RedisHub], redis_server: RedisServer
) -> None:
    here, there = pair
    far = there.subscribe("a")
    for rubbish in ("", "x", "x" * 9 + "\x00\x05\x00\x00\x00\x09abc"):
        redis_server.ask("PUBLISH", "yingda:hub", rubbish)
    here.publish("a", {"n": 1})
    frames = await frames_of(far)
    assert frames[-1] == {"n": 1}
    assert {frame.get("type") for frame in frames[:-1]} == {"overflow"}


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_after_an_outage_everyone_is_told_and_frames_flow_again(
    own_redis: Callable[[], RedisServer], end: str
) -> None:
    server = own_redis()
    here, there = redis_hub(server.url()), redis_hub(server.url())
    await here.start()
    await there.start()
    near, far = here.subscribe("a"), there.subscribe("a")
    getattr(server, end)()
    here.publish("a", {"n": 1})
    assert await asyncio.wait_for(near.get(), 1) == {"n": 1}
    await asyncio.sleep(0.3)
    server.start()
    assert await asyncio.wait_for(near.get(), 5) == {"type": "overflow"}
    assert await asyncio.wait_for(far.get(), 5) == {"type": "overflow"}
    await frames_of(far, 1.0)  # the sender may have more lost frames to tell of
    here.publish("a", {"n": 2})
    assert await asyncio.wait_for(far.get(), 5) == {"n": 2}
    assert await asyncio.wait_for(near.get(), 5) == {"n": 2}
    await here.close()
    await there.close()


async def test_lost_frames_are_told_even_where_the_subscription_held(
    pair: tuple[RedisHub, RedisHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = pair
    far = there.subscribe("a")
    call = here._link.call

    async def lost(*words: Any) -> Any:
        raise BusUnavailableError("cut off")

    monkeypatch.setattr(here._link, "call", lost)
    here.publish("a", {"n": 1})
    await asyncio.sleep(0.05)
    monkeypatch.setattr(here._link, "call", call)
    assert await asyncio.wait_for(far.get(), 5) == {"type": "overflow"}
    here.publish("a", {"n": 2})
    assert await asyncio.wait_for(far.get(), 5) == {"n": 2}


async def test_a_silent_redis_is_noticed(
    own_redis: Callable[[], RedisServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.bus.redis_hub.PING_EVERY", 0.1)
    monkeypatch.setattr("gateway.bus.redis_hub.SILENT_FOR", 0.5)
    server = own_redis()
    hub = redis_hub(server.url())
    await hub.start()
    subscription = hub.subscribe("a")
    assert await frames_of(subscription, 1.0) == []  # answers to its questions keep it content
    os.kill(server.pid, signal.SIGSTOP)
    await asyncio.sleep(0.8)
    os.kill(server.pid, signal.SIGCONT)
    assert await asyncio.wait_for(subscription.get(), 5) == {"type": "overflow"}
    await hub.close()


async def test_it_does_not_start_without_redis(own_redis: Callable[[], RedisServer]) -> None:
    server = own_redis()
    server.stop()
    hub = redis_hub(server.url())
    with pytest.raises(BusUnavailableError):
        await hub.start()
    await hub.close()
