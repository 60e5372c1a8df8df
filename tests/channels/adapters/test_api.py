"""API channel: signed both ways, durable before 202, guarded callbacks."""

import asyncio
import base64
import io
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from standardwebhooks.webhooks import Webhook
from typing_extensions import override

from channels.adapters.api import (
    BODY_LIMIT_WITH_FILES,
    CHANNEL,
    ApiSettings,
    compose_answer,
    parse_message,
)
from channels.contract import Attachment, QuickReply, Secret
from channels.errors import (
    MalformedPayloadError,
    PermanentDeliveryError,
    SettingsError,
    TransientDeliveryError,
)
from channels.testing import (
    INBOX,
    Bench,
    LoopbackPlatform,
    PlatformAnswer,
    PushContractTests,
    WebhookContractTests,
    WireRequest,
    make_outbound,
    request_over_wire,
    serve,
)
from channels.webhooks import parse_secret, signed_headers

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PREVIOUS = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
PATH = f"/channels/api/{INBOX}/messages"


def wire(body: Any, *, message_id: str = "m-1", secret: str = SECRET, age: int = 0) -> WireRequest:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = signed_headers(
        [parse_secret(secret)],
        message_id=message_id,
        timestamp=int(time.time()) - age,
        body=content,
    )
    return WireRequest(path=PATH, body=content, headers=headers)


def without(request: WireRequest, *names: str) -> WireRequest:
    headers = {key: value for key, value in request.headers.items() if key not in names}
    return replace(request, headers=headers)


class TestApiContract(WebhookContractTests, PushContractTests):
    kind = "api"

    @override
    def settings(self) -> Mapping[str, Any]:
        return {"signing_secret": SECRET, "previous_secret": PREVIOUS}

    @override
    def settings_for(self, address: str) -> Mapping[str, Any]:
        return {
            **self.settings(),
            "callback_url": address + "/hook",
            "allowed_networks": ("127.0.0.0/8",),
        }

    @override
    def wire(self, *, text: str, external_id: str) -> WireRequest:
        return wire({"sender": "anna", "text": text}, message_id=external_id)

    @override
    def forged(self) -> Sequence[WireRequest]:
        good = wire({"sender": "anna", "text": "hi"})
        foreign = "whsec_" + base64.b64encode(b"\x07" * 32).decode()
        return [
            without(good, "webhook-signature"),
            without(good, "webhook-id"),
            without(good, "webhook-timestamp"),
            replace(good, body=good.body + b" "),
            replace(good, headers={**good.headers, "webhook-id": "m-2"}),
            replace(good, headers={**good.headers, "webhook-signature": "v1,wröng"}),
            replace(good, headers={**good.headers, "webhook-timestamp": "soon"}),
            wire({"sender": "anna", "text": "hi"}, secret=foreign),
            wire({"sender": "anna", "text": "hi"}, age=302),
            wire({"sender": "anna", "text": "hi"}, age=-302),
        ]

    @override
    def malformed(self) -> Sequence[tuple[WireRequest, str]]:
        base = {"sender": "a", "text": "hi"}
        return [
            (wire(b"{"), "JSON"),
            (wire([]), "object"),
            (wire({"text": "hi"}), "sender"),
            (wire({"sender": "a"}), "text"),
            (wire({"sender": "a", "text": 5}), "text"),
            (wire({"sender": "a", "text": "\u200b"}), "text"),
            (wire({**base, "sendr": "x"}), "sendr"),
            (wire({**base, "sender_name": 5}), "sender_name"),
            (wire({**base, "thread": "a\x1fb"}), "thread"),
            (wire({**base, "sent_at": "yesterday"}), "sent_at"),
            (wire({**base, "sent_at": "2026-03-04T09:30:00"}), "sent_at"),
            (wire({**base, "sent_at": 12}), "sent_at"),
            (wire({**base, "language": "../zh"}), "language"),
            (wire({**base, "email": "nobody"}), "email"),
            (wire({**base, "attachments": "x"}), "attachments"),
            (wire({**base, "attachments": [{}] * 6}), "attachments"),
            (wire({**base, "attachments": ["x"]}), "/attachments/0"),
            (wire({**base, "attachments": [{"name": "a"}]}), "/attachments/0/content"),
            (wire({**base, "attachments": [{"content": "YQ=="}]}), "/attachments/0/name"),
            (wire({**base, "attachments": [{"name": "a.txt", "content": "%"}]}), "base64"),
            (wire({**base, "attachments": [{"name": "a.txt", "content": "YQ=="}]}), "settings"),
        ]

    @override
    def refusals(self) -> Sequence[tuple[PlatformAnswer, type[Exception]]]:
        return [
            *((PlatformAnswer(status=s), TransientDeliveryError) for s in (408, 409, 425, 429)),
            *((PlatformAnswer(status=s), TransientDeliveryError) for s in (500, 502, 503, 504)),
            *((PlatformAnswer(status=s), PermanentDeliveryError) for s in (400, 401, 404, 410)),
            *(
                (
                    PlatformAnswer(status=s, headers={"Location": "/elsewhere"}),
                    PermanentDeliveryError,
                )
                for s in (301, 302, 307, 308)
            ),
        ]


async def accepted(bench: Bench, settings: Mapping[str, Any], request: WireRequest) -> Any:
    async with serve(CHANNEL, bench.build(CHANNEL, settings)) as address:
        answer = await request_over_wire(address, request)
    return answer.status, json.loads(answer.body)


SETTINGS: Mapping[str, Any] = {"signing_secret": SECRET}


async def test_every_field_arrives() -> None:
    bench = Bench()
    body = {
        "sender": "客户-1",
        "text": "登录失败",
        "sender_name": "王\n芳",
        "thread": "order-7",
        "sent_at": "2026-03-04T09:30:00+08:00",
        "payload": "/human",
        "language": "zh-Hant",
        "email": "wang@qingchuan.example",
    }
    status, answer = await accepted(bench, SETTINGS, wire(body, message_id="evt-9"))
    assert (status, answer) == (202, {"accepted": True, "id": "evt-9"})
    (message,) = bench.sink.messages
    assert message.handle == "客户-1"
    assert message.external_id == "evt-9"
    assert message.thread == "order-7"
    assert message.payload == "/human"
    assert message.sent_at == 1_772_587_800_000
    assert message.verified
    assert message.profile == {
        "name": "王 芳",
        "email": "wang@qingchuan.example",
        "language": "zh-Hant",
    }


async def test_a_fast_clock_does_not_send_from_the_future() -> None:
    bench = Bench()
    body = {"sender": "a", "text": "hi", "sent_at": "2999-01-01T00:00:00Z"}
    await accepted(bench, SETTINGS, wire(body))
    (message,) = bench.sink.messages
    assert message.sent_at == message.received_at


@pytest.mark.parametrize("secret", [SECRET, PREVIOUS])
async def test_both_secrets_are_valid_during_rotation(secret: str) -> None:
    settings = {"signing_secret": SECRET, "previous_secret": PREVIOUS}
    status, _ = await accepted(
        Bench(), settings, wire({"sender": "a", "text": "x"}, secret=secret)
    )
    assert status == 202


async def test_the_public_library_can_sign_for_us() -> None:
    body = json.dumps({"sender": "a", "text": "你好"})
    now = datetime.now(tz=UTC)
    headers = {
        "webhook-id": "lib-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("lib-1", now, body),
    }
    bench = Bench()
    status, _ = await accepted(
        bench, SETTINGS, WireRequest(path=PATH, body=body.encode(), headers=headers)
    )
    assert (status, bench.sink.messages[0].text) == (202, "你好")


async def test_an_id_stands_for_one_body() -> None:
    bench = Bench()
    async with serve(CHANNEL, bench.build(CHANNEL, SETTINGS)) as address:
        first = wire({"sender": "a", "text": "one"}, message_id="m-1")
        other = wire({"sender": "a", "text": "two"}, message_id="m-1")
        statuses = [
            (await request_over_wire(address, request)).status for request in (first, first, other)
        ]
    assert statuses == [202, 202, 422]
    assert [message.text for message in bench.sink.messages] == ["one", "one"]


async def test_an_id_of_a_refused_message_is_free_again() -> None:
    """A body that was never accepted must not block its corrected version."""
    bench = Bench()
    async with serve(CHANNEL, bench.build(CHANNEL, SETTINGS)) as address:
        bad = wire({"sender": "a", "txt": "one"}, message_id="m-1")
        good = wire({"sender": "a", "text": "one"}, message_id="m-1")
        statuses = [(await request_over_wire(address, r)).status for r in (bad, good)]
    assert statuses == [400, 202]


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 320), "red").save(buffer, "PNG")
    return buffer.getvalue()


async def test_files_are_stored() -> None:
    bench = Bench()
    content = picture()
    files = [
        {"name": "../a.png", "mime": "image/png", "content": base64.b64encode(content).decode()},
        {"name": "note.txt", "content": base64.b64encode("备注".encode()).decode()},
    ]
    body = {"sender": "a", "attachments": files}
    status, _ = await accepted(bench, {**SETTINGS, "attachments": True}, wire(body))
    assert status == 202
    first, second = bench.sink.messages[0].attachments
    assert (first.name, first.mime, first.width, first.height) == ("a.png", "image/png", 640, 320)
    assert bench.blobs.contents[first.blob] == content
    assert (second.name, second.mime) == ("note.txt", "text/plain")


async def test_a_bad_file_is_named_by_its_place() -> None:
    bench = Bench()
    files = [
        {"name": "a.txt", "content": "YQ=="},
        {"name": "b.exe", "content": base64.b64encode(b"MZ" + bytes(100)).decode()},
    ]
    status, answer = await accepted(
        bench, {**SETTINGS, "attachments": True}, wire({"sender": "a", "attachments": files})
    )
    assert (status, answer["errors"][0]["pointer"]) == (400, "/attachments/1/content")
    assert not bench.sink.messages


@pytest.mark.parametrize(
    ("size", "expected"), [(BODY_LIMIT_WITH_FILES, 401), (BODY_LIMIT_WITH_FILES + 1, 413)]
)
async def test_files_raise_the_limit_of_the_body(size: int, expected: int) -> None:
    request = WireRequest(path=PATH, body=b" " * size)
    status, _ = await accepted(Bench(), {**SETTINGS, "attachments": True}, request)
    assert status == expected


async def send(bench: Bench, settings: Mapping[str, Any], **changes: Any) -> None:
    channel = bench.build(CHANNEL, settings)
    try:
        await channel.send(make_outbound(**changes))
    finally:
        await channel.stop()


def callback(address: str, **changes: Any) -> dict[str, Any]:
    return {
        "signing_secret": SECRET,
        "callback_url": address + "/hook",
        "allowed_networks": ("127.0.0.0/8",),
        **changes,
    }


async def test_answers_verify_with_the_public_library() -> None:
    platform = LoopbackPlatform()
    bench = Bench()
    async with platform.running() as address:
        await send(
            bench,
            callback(address, previous_secret=PREVIOUS),
            text="您的工单已重开",
            choices=(QuickReply(title="好", payload="/ok"),),
            article="reset-password",
        )
    (request,) = platform.requests
    for secret in (SECRET, PREVIOUS):
        body = Webhook(secret).verify(request.body, dict(request.headers))
    assert request.headers["webhook-id"] == "message-1"
    assert request.headers["Content-Type"] == "application/json"
    assert body == {
        "type": "message.created",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "data": {
            "id": "message-1",
            "inbox": INBOX,
            "sender": "customer-1",
            "thread": "",
            "conversation": "conversation-1",
            "seq": 7,
            "kind": "agent",
            "author": "Lin",
            "text": "您的工单已重开",
            "choices": [{"title": "好", "payload": "/ok"}],
            "attachments": [],
            "article": "reset-password",
        },
    }


async def test_files_go_out_with_the_answer() -> None:
    platform = LoopbackPlatform()
    bench = Bench()
    content = b"%PDF-" + bytes(2_000_000)
    blob = await bench.blobs.put(content)
    attachment = Attachment(blob=blob, name="a.pdf", mime="application/pdf", size=len(content))
    async with platform.running() as address:
        await send(bench, callback(address), attachments=(attachment,))
        (entry,) = json.loads(platform.requests[0].body)["data"]["attachments"]
        assert base64.b64decode(entry["content"]) == content
        with pytest.raises(PermanentDeliveryError, match="10 MB"):
            await send(
                bench, callback(address), attachments=(replace(attachment, size=10_000_001),)
            )
        bench.blobs.contents.clear()
        with pytest.raises(PermanentDeliveryError, match="no longer stored"):
            await send(bench, callback(address), attachments=(attachment,))
    assert len(platform.requests) == 1


async def test_the_callbacks_wish_to_wait_is_honoured() -> None:
    platform = LoopbackPlatform()
    platform.script.append(PlatformAnswer(status=429, headers={"Retry-After": "37"}))
    async with platform.running() as address:
        with pytest.raises(TransientDeliveryError) as caught:
            await send(Bench(), callback(address))
    assert caught.value.retry_after == 37.0


async def test_redirects_are_not_followed() -> None:
    platform = LoopbackPlatform()
    platform.script.append(PlatformAnswer(status=307, headers={"Location": "/elsewhere"}))
    async with platform.running() as address:
        with pytest.raises(PermanentDeliveryError, match="redirects"):
            await send(Bench(), callback(address))
    assert [request.path for request in platform.requests] == ["/hook"]


async def test_a_callback_in_our_own_network_is_refused() -> None:
    platform = LoopbackPlatform()
    async with platform.running() as address:
        port = address.rpartition(":")[2]
        settings = callback(
            f"http://localhost:{port}", allowed_networks=("10.0.0.0/8", "localhost.example")
        )
        with pytest.raises(SettingsError) as caught:
            Bench().build(CHANNEL, settings)
        assert caught.value.field == "callback_url"
        settings = callback(f"https://localhost:{port}", allowed_networks=())
        with pytest.raises(PermanentDeliveryError, match="not a public address"):
            await send(Bench(), settings)
    assert not platform.requests


async def test_without_a_callback_an_agent_is_told() -> None:
    with pytest.raises(PermanentDeliveryError, match="no callback address"):
        await send(Bench(), SETTINGS)


async def test_two_messages_share_one_connection() -> None:
    platform = LoopbackPlatform()
    async with platform.running() as address:
        channel = Bench().build(CHANNEL, callback(address))
        await asyncio.gather(*(channel.send(make_outbound(str(n))) for n in range(5)))
        await channel.stop()
        await channel.send(make_outbound("after a stop, a new connection is opened"))
        await channel.stop()
    assert len(platform.requests) == 6


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "signing_secret"),
        ({"signing_secret": Secret("whsec_short")}, "signing_secret"),
        ({"signing_secret": Secret("密钥")}, "signing_secret"),
        ({"signing_secret": Secret(SECRET), "previous_secret": Secret("x")}, "previous_secret"),
        ({"signing_secret": Secret(SECRET), "allowed_networks": ("1/2/3",)}, "allowed_networks"),
        ({"signing_secret": Secret(SECRET), "callback_url": "shop.example"}, "callback_url"),
        ({"signing_secret": Secret(SECRET), "callback_url": "http://a.example"}, "callback_url"),
    ],
)
def test_unusable_settings_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ApiSettings(**values)
    assert caught.value.field == field


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["sender", "text", "thread", "sent_at", "payload", "attachments", "email", "other"]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES))
def test_any_object_is_a_message_or_named_wrong(fields: dict[str, Any]) -> None:
    with suppress(MalformedPayloadError):
        message, files = parse_message(
            json.dumps(fields).encode(),
            inbox_id=INBOX,
            external_id="m",
            received_at=5,
        )
        assert message.handle
        assert "\x1f" not in message.handle + message.thread
        assert message.text or message.payload or files


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50))
def test_any_text_survives_the_way_out(text: str) -> None:
    body = json.loads(compose_answer(make_outbound(text), []))
    assert body["data"]["text"] == text
