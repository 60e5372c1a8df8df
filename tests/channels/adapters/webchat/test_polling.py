"""Plain HTTP instead of the socket: same ids, same events, no message lost between two polls."""

import asyncio
from typing import Any

import aiohttp
import pytest

from channels.adapters.webchat.channel import MAX_LINES_PER_VISITOR, MINUTE_MS
from channels.limits import RateLimiter
from channels.testing import INBOX
from tests.channels.adapters.webchat.shop import Caller, Shop


async def post(caller: Caller, client_msg_id: str, text: str) -> int:
    body = {"client_msg_id": client_msg_id, "text": text}
    status, _ = await caller.call("POST", "messages", json=body)
    return status


def texts(page: dict[str, object]) -> list[str]:
    events = page["events"]
    assert isinstance(events, list)
    return [event["data"]["text"] for event in events if event["type"] == "message"]


async def test_a_message_is_taken_and_answered(caller: Caller, shop: Shop) -> None:
    assert await post(caller, "message-1", "hi") == 202
    _, page = await caller.call("GET", "events?after=0&wait=5")
    while len(texts(page)) < 2:
        _, page = await caller.call("GET", "events?after=0&wait=5")
    assert texts(page) == ["hi", "Answer to: hi"]
    assert page["events"][0]["data"]["client_msg_id"] == "message-1"
    assert page["seq"] == 2
    _, later = await caller.call("GET", f"messages?after={page['seq']}")
    assert later == {"events": [], "seq": 2}


async def test_a_resend_is_one_message(caller: Caller, shop: Shop) -> None:
    for _ in range(2):
        assert await post(caller, "message-1", "once") == 202
    line = await caller.connect()
    await line.say("message-1", "once")
    await line.get("ack")
    assert shop.texts == ["once"]


async def test_a_poll_waits_for_the_first_news(caller: Caller, shop: Shop) -> None:
    poll = asyncio.create_task(caller.call("GET", "events?after=0&wait=10"))
    while not shop.bench.mailbox.open_subscriptions:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    shop.push({"type": "typing", "author": "Li Wei"}, to=caller.visitor)
    shop.say("one", to=caller.visitor)
    shop.say("two", to=caller.visitor)
    async with asyncio.timeout(2):
        status, page = await poll
    assert status == 200
    assert [event["type"] for event in page["events"]] == ["typing", "message", "message"]
    assert page["seq"] == 2
    assert shop.bench.mailbox.open_subscriptions == 0


async def test_nothing_falls_between_two_polls(caller: Caller, shop: Shop) -> None:
    shop.say("between", to=caller.visitor)
    async with asyncio.timeout(2):
        _, page = await caller.call("GET", "events?after=0&wait=20")
    assert texts(page) == ["between"]


async def test_a_poll_ends_empty_when_its_time_is_over(caller: Caller) -> None:
    _, page = await caller.call("GET", "events?after=5&wait=0")
    assert page == {"events": [], "seq": 5}
    _, page = await caller.call("GET", "events?after=5&wait=1")
    assert page == {"events": [], "seq": 5}


async def test_a_poll_that_lost_frames_reads_the_history(caller: Caller, shop: Shop) -> None:
    poll = asyncio.create_task(caller.call("GET", "events?after=0&wait=10"))
    while not shop.bench.mailbox.open_subscriptions:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    for at in range(150):
        shop.say(str(at), to=caller.visitor)
    _, page = await poll
    assert texts(page) == [str(at) for at in range(50, 150)]


async def test_a_poll_ends_when_the_inbox_stops(caller: Caller, shop: Shop) -> None:
    poll = asyncio.create_task(caller.call("GET", "events?after=0&wait=25"))
    while not shop.bench.mailbox.open_subscriptions:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(2):
        await shop.stop()
        status, page = await poll
    assert (status, page["events"]) == (200, [])


async def test_one_visitor_holds_few_polls(caller: Caller, shop: Shop) -> None:
    polls = [
        asyncio.create_task(caller.call("GET", "events?wait=1"))
        for _ in range(MAX_LINES_PER_VISITOR)
    ]
    while shop.bench.mailbox.open_subscriptions < MAX_LINES_PER_VISITOR:
        await asyncio.sleep(0.01)
    status, body = await caller.call("GET", "events?wait=1")
    assert (status, body["code"]) == (429, "rate")
    await asyncio.gather(*polls)


async def test_pages_of_history(caller: Caller, shop: Shop) -> None:
    for at in range(10):
        shop.say(str(at), to=caller.visitor)
    _, newest = await caller.call("GET", "messages?limit=3")
    assert texts(newest) == ["7", "8", "9"]
    _, page = await caller.call("GET", "messages?after=2&limit=3")
    assert texts(page) == ["2", "3", "4"]
    _, page = await caller.call("GET", "messages?limit=0")
    assert texts(page) == ["9"]


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=1.5", "after=" + "9" * 20, "limit=٣"]
)
async def test_numbers_that_are_none(caller: Caller, query: str) -> None:
    status, body = await caller.call("GET", f"messages?{query}")
    assert (status, body["code"]) == (400, "malformed")
    assert body["errors"][0]["pointer"] == query.partition("=")[0]


async def test_signals_are_taken(caller: Caller, shop: Shop) -> None:
    shop.say("one", to=caller.visitor)
    status, _ = await caller.call("POST", "signals", json={"type": "seen", "seq": 1})
    assert status == 202
    (message,) = await shop.bench.mailbox.history(INBOX, caller.visitor)
    assert message.state == "read"
    await caller.call("POST", "signals", json={"type": "typing"})
    assert shop.bench.mailbox.typed == [(INBOX, caller.visitor)]
    status, body = await caller.call("POST", "signals", json={"type": "ping"})
    assert (status, body["code"]) == (400, "malformed")


async def test_fast_writers_and_full_buses(http: aiohttp.ClientSession) -> None:
    async with Shop(messages_per_minute=2) as shop:
        caller = Caller(http, shop)
        await caller.open()
        shop.bench.sink.full = True
        async with http.post(
            f"{shop.url}/web/v1/messages",
            json={"client_msg_id": "message-1", "text": "hi"},
            headers={"Authorization": f"Bearer {caller.token}"},
        ) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "2"
        shop.bench.sink.full = False
        assert await post(caller, "message-1", "hi") == 202
        assert await post(caller, "message-2", "hi") == 429


@pytest.mark.parametrize("path", ["messages", "events?wait=0", "signals", "uploads"])
async def test_every_address_wants_a_session(caller: Caller, path: str) -> None:
    method = "GET" if path.startswith(("messages", "events")) else "POST"
    for token in ("", "forged"):
        status, _ = await caller.call(method, path, token=token)
        assert status == 401
    status, _ = await caller.call(method, path, headers={"Authorization": f"Basic {caller.token}"})
    assert status == 401


async def test_visitors_do_not_see_one_another(
    caller: Caller, shop: Shop, http: aiohttp.ClientSession
) -> None:
    shop.say("secret", to=caller.visitor)
    other = Caller(http, shop)
    await other.open()
    _, page = await other.call("GET", "messages")
    assert page["events"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "signals"), ("GET", "messages"), ("GET", "events?after=1&wait=0")],
)
async def test_polls_and_signals_are_limited(
    caller: Caller, http: aiohttp.ClientSession, shop: Shop, method: str, path: str
) -> None:
    body: dict[str, Any] = {"json": {"type": "seen", "seq": 1}} if method == "POST" else {}
    shop.channel._requests = RateLimiter(3, MINUTE_MS)
    answers = [await caller.call(method, path, **body) for _ in range(4)]
    assert [status // 100 for status, _ in answers] == [2, 2, 2, 4]
    assert (answers[-1][0], answers[-1][1]["code"]) == (429, "rate")
    other = Caller(http, shop)
    await other.open()
    assert (await other.call(method, path, **body))[0] < 300


async def test_typing_is_passed_on_sparingly(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    await line.get("welcome")
    for _ in range(5):
        assert (await caller.call("POST", "signals", json={"type": "typing"}))[0] == 202
    await line.send(type="typing")
    await line.send(type="ping")
    await line.get("pong")
    assert shop.bench.mailbox.typed == [(INBOX, caller.visitor)]
