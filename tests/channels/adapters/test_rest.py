"""REST channel: Rasa's request and answer, and nothing shown twice or lost."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from channels.adapters.rest import CHANNEL, RestChannel, RestSettings, parse_message
from channels.contract import (
    Attachment,
    InboundMessage,
    MessageKind,
    MessageState,
    QuickReply,
    Secret,
)
from channels.errors import (
    MalformedPayloadError,
    PermanentDeliveryError,
    RateLimitedError,
    SettingsError,
)
from channels.testing import (
    INBOX,
    Bench,
    MemoryDirectory,
    MemorySubscription,
    WebhookContractTests,
    WireRequest,
    make_outbound,
    request_over_wire,
    serve,
    serve_application,
)

TOKEN = "token-of-sixteen-characters"
PATH = f"/webhooks/rest/{INBOX}/webhook"


def wire(body: Any, *, token: str | None = TOKEN) -> WireRequest:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return WireRequest(path=PATH, body=content, headers=headers)


class TestRestContract(WebhookContractTests):
    kind = "rest"

    @override
    def settings(self) -> Mapping[str, Any]:
        return {"token": TOKEN, "wait_seconds": 5}

    @override
    def wire(self, *, text: str, external_id: str) -> WireRequest:
        return wire({"sender": "anna", "message": text, "message_id": external_id})

    @override
    def forged(self) -> Sequence[WireRequest]:
        body = {"sender": "anna", "message": "hi"}
        return [
            wire(body, token=None),
            wire(body, token="wrong"),
            wire(body, token="wröng"),
            wire(body, token=""),
            WireRequest(path=PATH + "?token=wrong", body=json.dumps(body).encode()),
        ]

    @override
    def malformed(self) -> Sequence[tuple[WireRequest, str]]:
        return [
            (wire(b"{"), "JSON"),
            (wire(b'{"sender": "\xff", "message": "hi"}'), "JSON"),
            (wire(b"[" * 5000), "JSON"),
            (wire([]), "object"),
            (wire({"message": "hi"}), "sender"),
            (wire({"sender": None, "message": "hi"}), "sender"),
            (wire({"sender": 7, "message": "hi"}), "sender"),
            (wire({"sender": "  ", "message": "hi"}), "sender"),
            (wire({"sender": "a\u202eb", "message": "hi"}), "sender"),
            (wire({"sender": "a\x1fb", "message": "hi"}), "sender"),
            (wire({"sender": "s" * 256, "message": "hi"}), "sender"),
            (wire({"sender": "a", "message": ["hi"]}), "message"),
            (wire({"sender": "a", "message": "x" * 10_001}), "message"),
            (wire({"sender": "a", "message": "hi", "message_id": 1}), "message_id"),
            (wire({"sender": "a", "message": "hi", "metadata": "x"}), "metadata"),
            (wire({"sender": "a", "message": "hi", "metadata": {"email": "x"}}), "email"),
            (wire({"sender": "a", "message": "hi", "metadata": {"language": "!"}}), "language"),
        ]


class Rest:
    """A served inbox without a token, and a caller."""

    def __init__(self, bench: Bench, channel: RestChannel, address: str) -> None:
        self.bench = bench
        self.channel = channel
        self.address = address

    async def post(self, body: Any, *, path: str = "/webhooks/rest/webhook") -> Any:
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.address + path, json=body) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.json(content_type=None)

    async def get(self, path: str) -> tuple[int, Any]:
        async with aiohttp.ClientSession() as http, http.get(self.address + path) as answer:
            return answer.status, await answer.json(content_type=None)

    async def settled(self) -> None:
        await self.channel.stop()

    def states(self) -> list[MessageState]:
        mailbox = self.bench.mailbox
        return [
            message.state
            for messages in mailbox._messages.values()
            for message in messages
            if message.kind is not MessageKind.CUSTOMER
        ]


@pytest.fixture
async def rest() -> AsyncIterator[Rest]:
    bench = Bench()
    channel = bench.build(CHANNEL, {"wait_seconds": 1, "open_mailbox": True})
    assert isinstance(channel, RestChannel)
    async with serve(CHANNEL, channel) as address:
        yield Rest(bench, channel, address)
    assert bench.mailbox.open_subscriptions == 0
    assert not channel._readers


async def test_answers_have_rasas_form(rest: Rest) -> None:
    rest.bench.answer_with(
        "密码可在账户中心重置。", choices=(QuickReply(title="转人工", payload="/human"),)
    )
    (item,) = await rest.post({"sender": "anna", "message": "忘记密码"})
    custom = item.pop("custom")
    assert item == {
        "recipient_id": "anna",
        "text": "密码可在账户中心重置。",
        "buttons": [{"title": "转人工", "payload": "/human"}],
    }
    assert set(custom) == {"message_id", "article", "kind", "seq"}
    assert custom["kind"] == "bot"
    await rest.settled()
    assert rest.states() == [MessageState.DELIVERED]


async def test_health_answers_like_rasa(rest: Rest) -> None:
    assert await rest.get("/webhooks/rest/") == (200, {"status": "ok"})


@pytest.mark.parametrize("body", [{"sender": "a"}, {"sender": "a", "message": " \u200b\n"}])
async def test_no_message_gets_no_answer(rest: Rest, body: dict[str, str]) -> None:
    assert await rest.post(body) == []
    assert not rest.bench.sink.messages


async def test_token_in_the_address_is_taken_too() -> None:
    bench = Bench()
    body = json.dumps({"sender": "a", "message": "hi"}).encode()
    request = WireRequest(path=f"{PATH}?token={TOKEN}", body=body)
    async with serve(CHANNEL, bench.build(CHANNEL, {"token": TOKEN})) as address:
        assert (await request_over_wire(address, request)).status == 200


async def test_a_late_answer_comes_with_the_next_request(rest: Rest) -> None:
    rest.bench.sink.on_message = lambda message: None
    assert await rest.post({"sender": "anna", "message": "first"}) == []
    rest.bench.mailbox.say(INBOX, "anna", "late")
    rest.bench.answer_with("second answer")
    texts = [item["text"] for item in await rest.post({"sender": "anna", "message": "second"})]
    assert texts == ["late", "second answer"]


async def test_frames_of_other_messages_do_not_end_the_wait(rest: Rest) -> None:
    def answer(message: InboundMessage) -> None:
        mailbox = rest.bench.mailbox
        mailbox.push(INBOX, "anna", {"type": "typing", "author": "Lin"})
        mailbox.push(INBOX, "anna", {"type": "turn_done", "external_id": "other"})
        mailbox.say(INBOX, "anna", "mine")
        mailbox.finish_turn(message)

    rest.bench.sink.on_message = answer
    assert [i["text"] for i in await rest.post({"sender": "anna", "message": "hi"})] == ["mine"]


async def test_a_quick_next_request_sees_nothing_twice(rest: Rest) -> None:
    """The store learns late that the first answer was written."""
    mailbox = rest.bench.mailbox
    mark = mailbox.mark
    release = asyncio.Event()

    async def slow_mark(*address: str, **options: Any) -> None:
        await release.wait()
        await mark(*address, **options)

    mailbox.mark = slow_mark  # type: ignore[method-assign]
    rest.bench.answer_with("answer")
    first = await rest.post({"sender": "anna", "message": "one"})
    second = await rest.post({"sender": "anna", "message": "two"})
    assert len(first) == len(second) == 1
    assert first[0]["custom"]["message_id"] != second[0]["custom"]["message_id"]
    release.set()
    await rest.settled()
    assert rest.states() == [MessageState.DELIVERED] * 2


async def test_a_failed_mark_brings_the_message_again(
    rest: Rest, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = rest.bench.mailbox
    mark = mailbox.mark

    async def broken_mark(*address: str, **options: Any) -> None:
        raise OSError("the database is locked")

    mailbox.mark = broken_mark  # type: ignore[method-assign]
    rest.bench.answer_with("answer")
    await rest.post({"sender": "anna", "message": "one"})
    await rest.settled()
    assert "marking as delivered failed" in caplog.text
    mailbox.mark = mark  # type: ignore[method-assign]
    status, items = await rest.get(f"/webhooks/rest/{INBOX}/messages?sender=anna")
    assert (status, [item["text"] for item in items]) == (200, ["answer"])


async def test_an_overflow_makes_it_read_the_mailbox(rest: Rest) -> None:
    def flood(message: InboundMessage) -> None:
        rest.bench.mailbox.say(INBOX, "anna", "found")
        for _ in range(MemorySubscription.LIMIT + 1):
            rest.bench.mailbox.push(INBOX, "anna", {"type": "typing", "author": "Lin"})

    rest.bench.sink.on_message = flood
    assert [i["text"] for i in await rest.post({"sender": "anna", "message": "hi"})] == ["found"]


async def test_an_overflow_without_messages_waits_on(rest: Rest) -> None:
    def flood(message: InboundMessage) -> None:
        rest.bench.mailbox.push(INBOX, "anna", {"type": "overflow"})
        rest.bench.mailbox.finish_turn(message)

    rest.bench.sink.on_message = flood
    assert await rest.post({"sender": "anna", "message": "hi"}) == []


async def test_a_caller_who_left_leaves_the_message_undelivered(rest: Rest) -> None:
    arrived: asyncio.Queue[InboundMessage] = asyncio.Queue()
    rest.bench.sink.on_message = arrived.put_nowait
    calling = asyncio.create_task(rest.post({"sender": "anna", "message": "hi"}))
    message = await arrived.get()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    await asyncio.sleep(0.05)
    rest.bench.mailbox.say(INBOX, "anna", "answer")
    rest.bench.mailbox.finish_turn(message)
    await asyncio.sleep(0.05)
    await rest.settled()
    assert rest.bench.mailbox.open_subscriptions == 0
    assert rest.states() == [MessageState.SENT]


async def test_streaming_writes_one_object_per_line(rest: Rest) -> None:
    def answer(message: InboundMessage) -> None:
        rest.bench.mailbox.say(INBOX, "anna", "mine", kind=MessageKind.CUSTOMER)
        rest.bench.mailbox.say(INBOX, "anna", "one")
        rest.bench.mailbox.say(INBOX, "anna", "two")
        rest.bench.mailbox.finish_turn(message)

    rest.bench.sink.on_message = answer
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            rest.address + "/webhooks/rest/webhook?stream=true",
            json={"sender": "anna", "message": "hi"},
        ) as response,
    ):
        assert response.content_type == "text/event-stream"
        lines = (await response.text()).splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["one", "two"]
    await rest.settled()
    assert rest.states() == [MessageState.DELIVERED] * 2


async def test_streaming_shows_the_first_answer_before_the_turn_ends(rest: Rest) -> None:
    arrived: asyncio.Queue[InboundMessage] = asyncio.Queue()
    rest.bench.sink.on_message = arrived.put_nowait
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            rest.address + "/webhooks/rest/webhook?stream=true",
            json={"sender": "anna", "message": "hi"},
        ) as response,
    ):
        message = await arrived.get()
        rest.bench.mailbox.say(INBOX, "anna", "soon")
        assert json.loads(await response.content.readline())["text"] == "soon"
        rest.bench.mailbox.finish_turn(message)
        assert await response.content.readline() == b""


async def test_streaming_ends_when_nothing_comes(rest: Rest) -> None:
    rest.bench.sink.on_message = lambda message: None
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            rest.address + "/webhooks/rest/webhook?stream=true",
            json={"sender": "anna", "message": "hi"},
        ) as response,
    ):
        assert (response.status, await response.text()) == (200, "")


async def test_agents_answers_can_be_fetched(rest: Rest) -> None:
    rest.bench.mailbox.say(INBOX, "anna", "我是林工", kind=MessageKind.AGENT, author="Lin")
    path = f"/webhooks/rest/{INBOX}/messages?sender=anna"
    status, items = await rest.get(path)
    assert (status, [item["text"] for item in items]) == (200, ["我是林工"])
    await rest.settled()
    assert await rest.get(path) == (200, [])
    status, body = await rest.get(f"/webhooks/rest/{INBOX}/messages")
    assert (status, body["errors"][0]["pointer"]) == (400, "/sender")


@pytest.mark.parametrize(("settings", "expected"), [({}, 403), ({"token": TOKEN}, 200)])
async def test_fetching_needs_a_token_or_the_setting(
    settings: dict[str, str], expected: int
) -> None:
    bench = Bench()
    async with serve(CHANNEL, bench.build(CHANNEL, settings)) as address:
        request = WireRequest(
            method="GET",
            path=f"/webhooks/rest/{INBOX}/messages?sender=a",
            body=b"",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        assert (await request_over_wire(address, request)).status == expected


@pytest.fixture
async def open_rest() -> AsyncIterator[Rest]:
    """An inbox as it comes: anyone may call it."""
    bench = Bench()
    channel = bench.build(CHANNEL, {"wait_seconds": 1})
    assert isinstance(channel, RestChannel)
    async with serve(CHANNEL, channel) as address:
        yield Rest(bench, channel, address)
    assert not channel._readers


async def test_naming_a_sender_does_not_open_the_senders_mailbox(open_rest: Rest) -> None:
    bench = open_rest.bench
    bench.mailbox.say(INBOX, "anna", "your invoice", kind=MessageKind.AGENT, author="Lin")
    bench.mailbox.say(INBOX, "anna", "late answer", in_reply_to="another request")
    bench.answer_with("answer")
    items = await open_rest.post({"sender": "anna", "message": "hi"})
    assert [item["text"] for item in items] == ["answer"]
    await open_rest.settled()
    assert open_rest.states() == [MessageState.SENT, MessageState.SENT, MessageState.DELIVERED]


async def test_naming_a_sender_does_not_open_the_stream_either(open_rest: Rest) -> None:
    def answer(message: InboundMessage) -> None:
        mailbox = open_rest.bench.mailbox
        mailbox.say(INBOX, "anna", "your invoice", kind=MessageKind.AGENT, author="Lin")
        mailbox.say(INBOX, "anna", "answer", in_reply_to=message.external_id)
        mailbox.finish_turn(message)

    open_rest.bench.sink.on_message = answer
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            open_rest.address + "/webhooks/rest/webhook?stream=true",
            json={"sender": "anna", "message": "hi"},
        ) as response,
    ):
        lines = (await response.text()).splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["answer"]
    await open_rest.settled()
    assert open_rest.states() == [MessageState.SENT, MessageState.DELIVERED]


async def test_a_repeated_request_finds_its_answer_in_the_store(open_rest: Rest) -> None:
    """The turn is over, so nothing is said any more: what was not fetched is still there."""
    mailbox = open_rest.bench.mailbox

    def over(message: InboundMessage) -> None:
        mailbox.finish_turn(message)

    open_rest.bench.sink.on_message = over
    asked = {"sender": "anna", "message": "hi", "message_id": "m-1"}
    assert await open_rest.post(asked) == []
    (message,) = {m.external_id: m for m in open_rest.bench.sink.messages}.values()
    mailbox.say(INBOX, "anna", "answer", in_reply_to=message.external_id)
    mailbox.say(INBOX, "anna", "to something else", in_reply_to="other")
    assert [item["text"] for item in await open_rest.post(asked)] == ["answer"]


async def test_a_trusted_stream_begins_with_what_was_not_fetched(rest: Rest) -> None:
    rest.bench.mailbox.say(INBOX, "anna", "said before")
    rest.bench.answer_with("answer")
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            rest.address + "/webhooks/rest/webhook?stream=true",
            json={"sender": "anna", "message": "hi"},
        ) as response,
    ):
        lines = (await response.text()).splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["said before", "answer"]
    await rest.settled()
    assert rest.states() == [MessageState.DELIVERED, MessageState.DELIVERED]


class Street:
    """Callers at addresses of their own, as a trusted proxy would tell them."""

    def __init__(self, **settings: Any) -> None:
        self.bench = Bench()
        self.bench.answer_with("answer")
        self.channel = self.bench.build(CHANNEL, {"wait_seconds": 5, **settings})
        self.headers: dict[str, str] = {}

    @web.middleware
    async def _tell(self, request: web.Request, handler: Any) -> web.StreamResponse:
        caller = request.headers["Caller"]
        response: web.StreamResponse = await handler(request.clone(remote=caller))
        return response

    async def statuses(self, *callers: tuple[str, str]) -> list[int]:
        """The answers' statuses to messages, each with its address and sender."""
        application = web.Application(middlewares=[self._tell])
        assert CHANNEL.routes is not None
        application.add_routes(CHANNEL.routes(MemoryDirectory((self.channel,))))
        statuses = []
        async with serve_application(application) as server, aiohttp.ClientSession() as http:
            for address, sender in callers:
                async with http.post(
                    f"{server}/webhooks/rest/webhook",
                    json={"sender": sender, "message": "hi"},
                    headers={"Caller": address, **self.headers},
                ) as answer:
                    statuses.append(answer.status)
                    if answer.status == 429:
                        assert int(answer.headers["Retry-After"]) > 0
                        assert (await answer.json(content_type=None))["code"] == "rate"
        await self.channel.stop()
        return statuses


HERE, THERE = "203.0.113.5", "203.0.113.6"


async def test_an_address_makes_so_many_requests() -> None:
    street = Street(requests_per_minute=2)
    callers = [(HERE, "a"), (HERE, "a"), (HERE, "a"), (THERE, "a")]
    assert await street.statuses(*callers) == [200, 200, 429, 200]
    assert len(street.bench.sink.messages) == 3


async def test_an_address_brings_so_many_new_senders() -> None:
    street = Street(new_senders_per_minute=2)
    callers = [(HERE, "a"), (HERE, "b"), (HERE, "c"), (HERE, "a"), (HERE, "c"), (THERE, "c")]
    assert await street.statuses(*callers) == [200, 200, 429, 200, 429, 200]


async def test_a_sender_writes_so_many_messages() -> None:
    street = Street(messages_per_minute=2)
    callers = [(HERE, "a"), (THERE, "a"), (HERE, "a"), (HERE, "b")]
    assert await street.statuses(*callers) == [200, 200, 429, 200]


async def test_a_line_of_ipv6_is_one_address() -> None:
    street = Street(requests_per_minute=1)
    callers = [("2001:db8::1", "a"), ("2001:db8::2", "b"), ("2001:db8:0:1::1", "c")]
    assert await street.statuses(*callers) == [200, 429, 200]


@pytest.mark.parametrize(
    ("address", "settings"),
    [
        ("127.0.0.1", {}),
        ("::1", {}),
        (HERE, {"token": TOKEN}),
        (
            HERE,
            {"requests_per_minute": 0, "new_senders_per_minute": 0, "messages_per_minute": 0},
        ),
    ],
)
async def test_who_has_no_limit(address: str, settings: dict[str, Any]) -> None:
    few = {"requests_per_minute": 1, "new_senders_per_minute": 1, "messages_per_minute": 1}
    street = Street(**{**few, **settings})
    street.headers = {"Authorization": f"Bearer {TOKEN}"}
    callers = [(address, sender) for sender in "aabb"]
    assert await street.statuses(*callers) == [200] * 4


async def test_fetching_is_limited_too() -> None:
    bench = Bench()
    channel = bench.build(CHANNEL, {"open_mailbox": True, "requests_per_minute": 1})
    assert isinstance(channel, RestChannel)
    request = make_mocked_request("GET", "/?sender=anna").clone(remote=HERE)
    channel._admit(request)
    with pytest.raises(RateLimitedError):
        await channel.fetch(request)


async def test_attachments_have_an_address_that_expires(rest: Rest) -> None:
    blob = await rest.bench.blobs.put(b"%PDF-1.7")
    attachment = Attachment(blob=blob, name="账单.pdf", mime="application/pdf", size=8)
    rest.bench.mailbox.say(INBOX, "anna", "", attachments=(attachment,))
    (item,) = await rest.post({"sender": "anna", "message": "hi"})
    assert item["attachment"]["name"] == "账单.pdf"
    url = rest.address + item["attachment"]["url"]
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as answer:
            assert await answer.read() == b"%PDF-1.7"
            assert answer.headers["Content-Disposition"].startswith("attachment;")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        async with http.get(url + "x") as answer:
            assert answer.status == 401
        del rest.bench.blobs.contents[blob]
        async with http.get(url) as answer:
            assert answer.status == 404
        rest.bench.skew = 86_400_001
        async with http.get(url) as answer:
            assert answer.status == 401


async def test_concurrent_requests_of_many_senders_get_their_own(rest: Rest) -> None:
    def answer(message: InboundMessage) -> None:
        rest.bench.mailbox.say(message.inbox_id, message.handle, f"to {message.handle}")
        rest.bench.mailbox.finish_turn(message)

    rest.bench.sink.on_message = answer
    answers = await asyncio.gather(
        *(rest.post({"sender": f"s{n}", "message": "hi"}) for n in range(20))
    )
    assert [[item["text"] for item in items] for items in answers] == [
        [f"to s{n}"] for n in range(20)
    ]


async def test_nothing_is_pushed(rest: Rest) -> None:
    with pytest.raises(PermanentDeliveryError):
        await rest.channel.send(make_outbound())


async def test_an_endless_body_is_cut(rest: Rest) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 60_000

    async with aiohttp.ClientSession() as http:
        try:
            async with http.post(
                rest.address + "/webhooks/rest/webhook", data=endless()
            ) as answer:
                assert answer.status == 413
        except aiohttp.ClientError:
            pass  # the server may close before the caller reads the answer
    assert not rest.bench.sink.messages


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"token": Secret("short")}, "token"),
        ({"wait_seconds": 0}, "wait_seconds"),
        ({"wait_seconds": 61}, "wait_seconds"),
        ({"requests_per_minute": -1}, "requests_per_minute"),
        ({"new_senders_per_minute": 1_000_001}, "new_senders_per_minute"),
        ({"messages_per_minute": -1}, "messages_per_minute"),
    ],
)
def test_settings_out_of_bounds_are_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        RestSettings(**values)
    assert caught.value.field == field


def parse(fields: Any) -> InboundMessage:
    message = parse_message(
        json.dumps(fields).encode(), inbox_id=INBOX, new_id="new", received_at=5
    )
    assert message is not None
    return message


def test_buttons_of_rasas_front_ends_become_payloads() -> None:
    assert parse({"sender": "a", "message": "/reset_password"}).payload == "/reset_password"
    assert parse({"sender": "a", "message": "/article/e-seal"}).payload == "/article/e-seal"
    assert parse({"sender": "a", "message": "/ what?"}).payload is None
    assert parse({"sender": "a", "message": "and/or"}).payload is None


def test_metadata_become_the_profile() -> None:
    metadata = {"name": "李\n雷", "email": "li@qingchuan.example", "level": 3, "nested": {"a": 1}}
    assert parse({"sender": "a", "message": "hi", "metadata": metadata}).profile == {
        "name": "李 雷",
        "email": "li@qingchuan.example",
        "level": "3",
    }


def test_message_ids_of_two_senders_do_not_collide() -> None:
    one = parse({"sender": "a", "message": "hi", "message_id": "1"})
    two = parse({"sender": "b", "message": "hi", "message_id": "1"})
    assert one.external_id != two.external_id
    assert parse({"sender": "a", "message": "hi"}).external_id == "new"


def test_tricks_in_text_are_taken_out() -> None:
    message = parse({"sender": "a", "message": "pay\u202e gpj.exe\u200b\x00\r\nnow 👩‍💻"})
    assert message.text == "pay gpj.exe\nnow 👩‍💻"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["sender", "message", "message_id", "metadata", "other"]), JSON_VALUES
    )
)
def test_any_object_is_a_message_or_named_wrong(fields: dict[str, Any]) -> None:
    with suppress(MalformedPayloadError):
        message = parse_message(
            json.dumps(fields).encode(), inbox_id=INBOX, new_id="new", received_at=5
        )
        if message is not None:
            assert message.text.strip()
            assert "\x1f" not in message.handle
            assert all(len(value) <= 500 for value in message.profile.values())


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    with suppress(MalformedPayloadError):
        message = parse_message(body, inbox_id=INBOX, new_id="new", received_at=5)
        assert message is None or message.handle


async def test_an_empty_message_still_shows(rest: Rest) -> None:
    """Otherwise its delivery could never be settled by a caller who counts items."""
    rest.bench.answer_with("")
    assert [i["text"] for i in await rest.post({"sender": "anna", "message": "hi"})] == [""]
