"""The socket: acknowledged when durable, resumed without loss or doubles, and never a burden."""

import asyncio
import base64
import json
import os
import socket as sockets

import aiohttp
import pytest

from channels.adapters.webchat import socket as serving
from channels.adapters.webchat.channel import MAX_LINES_PER_VISITOR
from channels.adapters.webchat.tokens import Visitor, sign_visitor
from channels.contract import InboundMessage, MessageKind, MessageState, QuickReply
from channels.errors import UnavailableError
from channels.testing import INBOX
from tests.channels.adapters.webchat.shop import Caller, Line, Shop


async def test_a_message_is_acknowledged_and_answered(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    welcome = await line.get()
    assert welcome["type"] == "welcome"
    assert (welcome["seq"], welcome["heartbeat"]) == (0, 25)
    await line.say("message-1", "你好", language="zh-CN", payload="/greet")
    frames = [await line.get() for _ in range(3)]
    assert {"type": "ack", "client_msg_id": "message-1"} in frames
    events = [frame for frame in frames if frame["type"] == "message"]
    assert [event["data"]["text"] for event in events] == ["你好", "Answer to: 你好"]
    assert events[0]["data"]["client_msg_id"] == "message-1"
    assert events[0]["seq"] < events[1]["seq"]
    (message,) = shop.bench.sink.messages
    assert message.handle == caller.visitor
    assert message.external_id == f"{caller.visitor}:message-1"
    assert message.payload == "/greet"
    assert message.profile == {"language": "zh-Hans"}
    assert not message.verified


async def test_nothing_is_acknowledged_before_it_is_durable(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    await line.get("welcome")
    durable = asyncio.Event()
    deliver = shop.bench.sink.deliver

    async def deliver_late(message: InboundMessage) -> None:
        await durable.wait()
        await deliver(message)

    shop.bench.sink.deliver = deliver_late  # type: ignore[method-assign]
    await line.say("message-1", "hi")
    with pytest.raises(asyncio.TimeoutError):
        await line.socket.receive(timeout=0.2)
    durable.set()
    assert (await line.get("ack"))["client_msg_id"] == "message-1"


async def test_a_resend_is_one_message(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    for _ in range(3):
        await line.say("message-1", "once")
        await line.get("ack")
    again = await caller.connect()
    await again.say("message-1", "once")
    await again.get("ack")
    assert {m.external_id for m in shop.bench.sink.messages} == {f"{caller.visitor}:message-1"}
    assert shop.texts == ["once"]


async def test_a_full_bus_is_told_and_nothing_is_lost(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    shop.bench.sink.full = True
    await line.say("message-1", "hi")
    nack = await line.get("nack")
    assert nack == {
        "type": "nack",
        "client_msg_id": "message-1",
        "code": "full",
        "retry_after": 2,
    }
    shop.bench.sink.full = False
    await line.say("message-1", "hi")
    await line.get("ack")


async def test_a_fast_writer_is_slowed_down(http: aiohttp.ClientSession) -> None:
    async with Shop(messages_per_minute=2) as shop:
        caller = Caller(http, shop)
        await caller.open()
        line = await caller.connect()
        for at in range(3):
            await line.say(f"message-{at}", "hi")
        nack = await line.get("nack")
        assert (nack["client_msg_id"], nack["code"]) == ("message-2", "rate")
        assert 0 < nack["retry_after"] <= 30
        other = Caller(http, shop)
        await other.open()
        theirs = await other.connect()
        await theirs.say("message-9", "hi")
        await theirs.get("ack")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": "x" * 4001}, "too_long"),
        ({"text": " "}, "empty"),
        ({"text": "a", "attachments": ["forged"]}, "file_expired"),
        ({"text": ["a"]}, "malformed"),
    ],
)
async def test_what_can_never_be_taken_is_told_for_good(
    caller: Caller, shop: Shop, fields: dict[str, object], code: str
) -> None:
    line = await caller.connect()
    await line.send(type="msg", client_msg_id="message-1", **fields)
    nack = await line.get("nack")
    assert (nack["client_msg_id"], nack["code"]) == ("message-1", code)
    assert "retry_after" not in nack
    assert not shop.bench.sink.messages


async def test_bad_frames_do_not_end_the_conversation(caller: Caller) -> None:
    line = await caller.connect()
    await line.get("welcome")
    for raw in ("nonsense", "[]", '{"type":"dance"}', "[" * 3000):
        await line.socket.send_str(raw)
        error = await line.get()
        assert (error["type"], error["code"]) == ("error", "malformed")
    await line.socket.send_bytes(b"\x00")
    assert (await line.get())["type"] == "error"
    await line.send(type="hello", token=caller.token)
    assert (await line.get())["type"] == "error"
    await line.send(type="ping")
    assert (await line.get())["type"] == "pong"


async def test_a_frame_is_bounded(caller: Caller) -> None:
    line = await caller.connect()
    await line.socket.send_str("x" * 70_000)
    assert await line.closed() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_resume_brings_what_was_missed_and_no_more(caller: Caller, shop: Shop) -> None:
    shop.bot = False
    line = await caller.connect()
    await line.get("welcome")
    for at in range(3):
        shop.say(f"before {at}", to=caller.visitor)
    known = [await line.get("message") for _ in range(3)][-1]["seq"]
    await line.socket.close()
    for at in range(250):
        shop.say(f"missed {at}", to=caller.visitor)
    again = await caller.connect(resume_from=known)
    assert (await again.get("welcome"))["seq"] == known + 250
    assert await again.texts(250) == [f"missed {at}" for at in range(250)]
    shop.say("live", to=caller.visitor)
    assert await again.texts(1) == ["live"]


async def test_a_first_connection_gets_the_newest(caller: Caller, shop: Shop) -> None:
    for at in range(130):
        shop.say(str(at), to=caller.visitor)
    line = await caller.connect()
    assert await line.texts(100) == [str(at) for at in range(30, 130)]


async def test_who_missed_too_much_fetches_anew(caller: Caller, shop: Shop) -> None:
    for at in range(700):
        shop.say(str(at), to=caller.visitor)
    line = await caller.connect(resume_from=1)
    assert len(await line.texts(500)) == 500
    assert (await line.get())["type"] == "resync"
    _, page = await caller.call("GET", "messages")
    assert [event["data"]["text"] for event in page["events"]][-1] == "699"


async def test_who_claims_to_know_the_future_starts_anew(caller: Caller, shop: Shop) -> None:
    shop.say("hello", to=caller.visitor)
    line = await caller.connect(resume_from=10_000)
    assert (await line.get())["seq"] == 1
    assert (await line.get())["type"] == "resync"
    assert await line.texts(1) == ["hello"]


async def test_what_comes_during_the_replay_is_shown_once(caller: Caller, shop: Shop) -> None:
    history = shop.bench.mailbox.history

    async def history_with_news(*args: object, **options: object) -> object:
        if options.get("limit") == 100 and not said:
            said.append(shop.say("in between", to=caller.visitor))
        return await history(*args, **options)  # type: ignore[arg-type]

    said: list[object] = []
    shop.bench.mailbox.history = history_with_news  # type: ignore[assignment,method-assign]
    line = await caller.connect()
    assert await line.texts(1) == ["in between"]
    shop.say("after", to=caller.visitor)
    assert await line.texts(1) == ["after"]


async def test_what_a_replay_brought_never_comes_again(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    await line.get("welcome")
    shop.push({"type": "overflow"}, to=caller.visitor)
    said = shop.say("once", to=caller.visitor)
    assert await line.texts(1) == ["once"]
    for _ in range(2):
        shop.push({"type": "message", "message": said}, to=caller.visitor)
    shop.say("after", to=caller.visitor)
    assert await line.texts(1) == ["after"]


async def test_frames_out_of_order_are_all_shown(caller: Caller, shop: Shop) -> None:
    """Two processes publish what they stored each on its own way."""
    line = await caller.connect()
    await line.get("welcome")
    mailbox = shop.bench.mailbox
    push, frames = mailbox.push, []
    mailbox.push = lambda *frame: frames.append(frame)  # type: ignore[method-assign]
    shop.say("earlier", to=caller.visitor)
    shop.say("later", to=caller.visitor)
    for frame in reversed(frames):
        push(*frame)
    assert await line.texts(2) == ["later", "earlier"]


async def test_two_tabs_stay_in_step(caller: Caller) -> None:
    one, other = await caller.connect(), await caller.connect()
    await one.get("welcome")
    await other.get("welcome")
    await one.say("message-1", "from the first tab")
    assert await other.texts(2) == ["from the first tab", "Answer to: from the first tab"]
    await other.say("message-2", "from the second tab")
    texts = await one.texts(4)
    assert texts[2:] == ["from the second tab", "Answer to: from the second tab"]


async def test_signals_reach_the_visitor(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    await line.get("welcome")
    to = caller.visitor
    shop.push({"type": "controller", "controller": "agent", "agent": "Li Wei"}, to=to)
    shop.push({"type": "typing", "author": "Li Wei"}, to=to)
    shop.say(
        "Hello",
        to=to,
        kind=MessageKind.AGENT,
        author="Li Wei",
        choices=(QuickReply(title="Yes", payload="/yes"),),
        article="a",
    )
    assert (await line.get())["data"] == {"controller": "agent", "agent": "Li Wei"}
    assert (await line.get())["data"] == {"author": "Li Wei"}
    data = (await line.get())["data"]
    assert (data["kind"], data["author"]) == ("agent", "Li Wei")
    assert data["choices"] == [{"title": "Yes", "payload": "/yes"}]
    assert data["article"] == {"slug": "a", "url": "/help/a"}


async def test_receipts_move_the_state(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    shop.say("one", to=caller.visitor)
    event = await line.get("message")
    await line.send(type="seen", seq=event["seq"], state="delivered")
    assert (await line.get("state"))["data"]["state"] == "delivered"
    await line.send(type="seen", seq=event["seq"])
    assert (await line.get("state"))["data"] == {"ids": [event["data"]["id"]], "state": "read"}
    (message,) = await shop.bench.mailbox.history(INBOX, caller.visitor)
    assert message.state is MessageState.READ


async def test_typing_is_passed_on_sparingly(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    for _ in range(5):
        await line.send(type="typing")
    await line.send(type="ping")
    await line.get("pong")
    assert shop.bench.mailbox.typed == [(INBOX, caller.visitor)]


async def close_code(
    shop: Shop, http: aiohttp.ClientSession, frame: object, origin: str | None = None
) -> int | None:
    """How a socket ends that begins with this frame."""
    line = Line(await http.ws_connect(f"{shop.url}/web/v1/ws", origin=origin))
    await line.socket.send_str(json.dumps(frame))
    return await line.closed()


async def test_a_session_whose_inbox_is_away_is_kept(
    caller: Caller, shop: Shop, http: aiohttp.ClientSession
) -> None:
    away = Visitor(inbox_id="away", handle="v:1")
    token, _ = sign_visitor(shop.bench.signer, away, shop.bench.now())
    assert await close_code(shop, http, {"type": "hello", "token": token}) == 4013
    shop.directory.channels = ()
    assert await close_code(shop, http, {"type": "hello", "token": caller.token}) == 4013


async def test_a_socket_needs_a_session(
    caller: Caller, shop: Shop, http: aiohttp.ClientSession
) -> None:
    frames: tuple[object, ...] = (
        {"type": "hello", "token": "forged"},
        {"type": "hello"},
        {"type": "msg", "client_msg_id": "message-1", "text": "hi"},
        [],
    )
    for frame in frames:
        assert await close_code(shop, http, frame) == 4001
    assert not shop.bench.sink.messages


async def test_a_session_ends(caller: Caller, shop: Shop, http: aiohttp.ClientSession) -> None:
    shop.bench.skew = 31 * 86_400_000
    assert await close_code(shop, http, {"type": "hello", "token": caller.token}) == 4001


async def test_a_socket_of_another_site_is_refused(
    caller: Caller, shop: Shop, http: aiohttp.ClientSession
) -> None:
    hello = {"type": "hello", "token": caller.token}
    assert await close_code(shop, http, hello, origin="https://evil.example") == 4003


async def test_who_says_nothing_is_closed(
    shop: Shop, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HELLO_S", 0.1)
    line = Line(await http.ws_connect(f"{shop.url}/web/v1/ws"))
    assert await line.closed() == 4001


async def test_a_flood_is_closed(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    await line.get("welcome")

    async def flood() -> None:
        for _ in range(1000):
            await line.send(type="typing")

    task = asyncio.create_task(flood())
    assert await line.closed() == 4029
    await asyncio.gather(task, return_exceptions=True)
    again = await caller.connect()
    await again.say("message-1", "calm again")
    await again.get("ack")


async def test_one_visitor_holds_few_sockets(caller: Caller) -> None:
    lines = [await caller.connect() for _ in range(MAX_LINES_PER_VISITOR)]
    for line in lines:
        await line.get("welcome")
    assert await (await caller.connect()).closed() == 4029
    await lines[0].socket.close()
    await asyncio.sleep(0.05)
    await (await caller.connect()).get("welcome")


class DeafReader:
    """A socket that says hello and then does not read."""

    def __init__(self, shop: Shop, token: str) -> None:
        self._shop = shop
        self._token = token
        self.socket = sockets.socket()
        self.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        self.socket.setblocking(False)
        await loop.sock_connect(self.socket, ("127.0.0.1", self._shop.port))
        key = base64.b64encode(os.urandom(16)).decode()
        await loop.sock_sendall(
            self.socket,
            (
                "GET /web/v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n"
            ).encode(),
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += await loop.sock_recv(self.socket, 1024)
        payload = json.dumps({"type": "hello", "token": self._token}).encode()
        length = bytes([0x81, 0x80 | 126]) + len(payload).to_bytes(2, "big")
        await loop.sock_sendall(self.socket, length + b"\0\0\0\0" + payload)

    async def read_all(self) -> bytes:
        loop = asyncio.get_running_loop()
        received = b""
        while chunk := await asyncio.wait_for(loop.sock_recv(self.socket, 65_536), 5):
            received += chunk
        return received


async def fill(shop: Shop, visitor: str) -> None:
    for _ in range(2000):
        shop.say("x" * 4000, to=visitor)
        await asyncio.sleep(0)


async def test_a_socket_that_never_reads_is_closed(
    caller: Caller, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "SEND_S", 0.3)
    monkeypatch.setattr(serving, "CLOSE_S", 2.0)
    deaf = DeafReader(shop, caller.token)
    await deaf.connect()
    attentive = await caller.connect()
    await attentive.get("welcome")
    reading = asyncio.create_task(attentive.get("ack"))
    await fill(shop, caller.visitor)
    await asyncio.sleep(0.8)
    received = await deaf.read_all()
    assert (4008).to_bytes(2, "big") + b"the widget does not read" in received
    deaf.socket.close()
    assert shop.bench.mailbox.open_subscriptions == 1, "the one who reads is still served"
    await attentive.say("message-1", "I do read")
    assert (await reading)["client_msg_id"] == "message-1"


async def test_a_socket_that_reads_nothing_at_all_is_cut_off(
    caller: Caller, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "SEND_S", 0.2)
    monkeypatch.setattr(serving, "CLOSE_S", 0.2)
    deaf = DeafReader(shop, caller.token)
    await deaf.connect()
    while not shop.bench.mailbox.open_subscriptions:
        await asyncio.sleep(0.01)
    await fill(shop, caller.visitor)
    async with asyncio.timeout(5):
        while shop.bench.mailbox.open_subscriptions:
            await asyncio.sleep(0.05)
    deaf.socket.close()


async def test_a_reader_who_lost_frames_gets_them_after_all(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    shop.say("first", to=caller.visitor)
    assert await line.texts(1) == ["first"]
    for at in range(150):
        shop.say(str(at), to=caller.visitor)
    assert await line.texts(150) == [str(at) for at in range(150)]


async def test_a_failing_store_closes_and_is_told_to_operators(
    caller: Caller, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("database is locked")

    shop.bench.mailbox.history = fail  # type: ignore[assignment,method-assign]
    line = await caller.connect()
    assert await line.closed() == aiohttp.WSCloseCode.INTERNAL_ERROR
    assert "a web chat socket failed" in caplog.text


async def test_a_database_that_is_away_asks_to_come_again(caller: Caller, shop: Shop) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise UnavailableError("the conversation cannot be read", 5)

    shop.bench.mailbox.history = fail  # type: ignore[assignment,method-assign]
    line = await caller.connect()
    assert await line.closed() == aiohttp.WSCloseCode.TRY_AGAIN_LATER


async def test_typing_that_cannot_be_told_ends_nothing(caller: Caller, shop: Shop) -> None:
    async def fail(*_: object) -> None:
        raise UnavailableError("the conversation cannot be read", 5)

    line = await caller.connect()
    await line.get("welcome")
    shop.bench.mailbox.typing = fail  # type: ignore[assignment,method-assign]
    await line.send(type="typing")
    await line.say("message-1", "hi")
    await line.get("ack")


async def test_a_stop_sends_everybody_home(caller: Caller, shop: Shop) -> None:
    line = await caller.connect()
    await line.get("welcome")
    closing = asyncio.create_task(line.closed())
    await shop.stop()
    assert await closing == aiohttp.WSCloseCode.SERVICE_RESTART
    assert shop.bench.mailbox.open_subscriptions == 0


async def test_the_visitors_clock_is_not_trusted(caller: Caller, shop: Shop) -> None:
    now = shop.bench.now()
    line = await caller.connect()
    times = {"ago": now - 60_000, "years": now - 10**11, "future": now + 10**8}
    for name, sent_at in times.items():
        await line.say(f"message-{name}", name, sent_at=sent_at)
        await line.get("ack")
    sent = {message.text: message.sent_at for message in shop.bench.sink.messages}
    assert sent == {"ago": now - 60_000, "years": None, "future": None}
