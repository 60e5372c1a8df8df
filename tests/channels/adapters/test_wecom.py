"""WeCom: encrypted callbacks, answers by API, against a platform on loopback."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from channels.adapters.wecom import CHANNEL
from channels.adapters.wecom.composing import compose
from channels.adapters.wecom.parsing import make_key, parse_callback, parse_key
from channels.contract import Attachment, Channel, QuickReply
from channels.errors import (
    PermanentDeliveryError,
    SettingsError,
    TransientDeliveryError,
    UnsupportedEventError,
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
    make_settings,
    request_over_wire,
    serve,
)
from channels.wechat.codes import PlatformError
from tests.channels.adapters.wecom_simulator import (
    AES_KEY,
    AGENT,
    CORP,
    SECRET,
    TOKEN,
    WeComSimulator,
    callback,
    echo_request,
    message,
    post,
    sealed_callback,
)
from tests.channels.pictures import AMR, MP4, PNG

PATH = f"/channels/wecom/{INBOX}"
MEANING = {"errcode": 0, "errmsg": "ok"}


def settings(address: str = "", **more: Any) -> dict[str, Any]:
    found = {
        "corp_id": CORP,
        "secret": SECRET,
        "callback_token": TOKEN,
        "aes_key": AES_KEY,
        "agent_id": AGENT,
        **more,
    }
    return {**found, "api_base": address, "allowed_networks": ("127.0.0.1",)} if address else found


def answered(code: int, said: str = "refused") -> PlatformAnswer:
    return PlatformAnswer(body=json.dumps({"errcode": code, "errmsg": said}).encode())


class TestWeComContract(WebhookContractTests, PushContractTests):
    kind = "wecom"
    standing: ClassVar = {
        "/cgi-bin/gettoken": PlatformAnswer(
            body=b'{"errcode":0,"access_token":"t","expires_in":7200}'
        )
    }

    @override
    def settings(self) -> Mapping[str, Any]:
        return settings()

    @override
    def settings_for(self, address: str) -> Mapping[str, Any]:
        return settings(address)

    @override
    def wire(self, *, text: str, external_id: str) -> WireRequest:
        return callback(PATH, message(text, external_id))

    @override
    def forged(self) -> Sequence[WireRequest]:
        good = callback(PATH, message("hi", "1"))
        return [
            WireRequest(path=PATH, body=good.body),
            WireRequest(path=good.path.replace("nonce=", "nonce=0"), body=good.body),
            WireRequest(path=good.path, body=callback(PATH, message("ho", "2")).body),
            callback(PATH, message("hi", "1"), receiver="wwother"),
            sealed_callback(PATH, "AAAA", token="wrong"),
            callback(PATH, message("hi", "1"), age=7_200),
            WireRequest(method="GET", path=PATH, body=b""),
        ]

    @override
    def malformed(self) -> Sequence[tuple[WireRequest, str]]:
        bomb = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><A>&e;</A></xml>'
        return [
            (WireRequest(path=PATH, body=bomb), "xml"),
            (WireRequest(path=PATH, body=b"{}"), "xml"),
            (WireRequest(path=PATH, body=b"<xml><A>1</A></xml>"), "Encrypt"),
            (sealed_callback(PATH, "not base64"), "Encrypt"),
            (sealed_callback(PATH, "AAAA"), "Encrypt"),
            (sealed_callback(PATH, "A" * 64), "Encrypt"),
            (callback(PATH, bomb), "xml"),
            (callback(PATH, message("hi", "")), "MsgId"),
            (callback(PATH, message("hi", "1", user="")), "FromUserName"),
            (callback(PATH, message("hi", "1", MsgType="")), "MsgType"),
        ]

    @override
    def refusals(self) -> Sequence[tuple[PlatformAnswer, type[Exception]]]:
        return [
            (PlatformAnswer(status=502), TransientDeliveryError),
            (PlatformAnswer(body=b"<html>"), TransientDeliveryError),
            (answered(-1), TransientDeliveryError),
            (answered(60111), PermanentDeliveryError),
            (answered(40056), PermanentDeliveryError),
            (answered(987654), PermanentDeliveryError),
            (
                PlatformAnswer(body=b'{"errcode":0,"errmsg":"ok","invaliduser":"customer-1"}'),
                PermanentDeliveryError,
            ),
            (answered(45009), TransientDeliveryError),
        ]

    @override
    async def test_each_attempt_carries_the_same_id(
        self, channel_kind: Any, bench: Bench, platform: LoopbackPlatform
    ) -> None:
        """The platform knows no ids: it compares contents, once there was an attempt before."""
        async with platform.running() as address:
            channel = bench.build(channel_kind, self.settings_for(address))
            for attempt in (1, 2):
                await channel.send(make_outbound(attempt=attempt, created_at=bench.now() - 40_000))
            await channel.stop()
        first, second = (json.loads(request.body) for request in platform.requests)
        assert "enable_duplicate_check" not in first
        assert second["enable_duplicate_check"] == 1
        assert 40 <= second["duplicate_check_interval"] <= 45


@asynccontextmanager
async def live(
    bench: Bench, **more: Any
) -> AsyncIterator[tuple[WeComSimulator, Channel[Any], str]]:
    """The platform, the inbox and its address."""
    platform = WeComSimulator()
    async with platform.running() as address:
        channel = bench.build(CHANNEL, settings(address, **more))
        async with serve(CHANNEL, channel) as served:
            yield platform, channel, served


async def eventually(condition: Any, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("escaped", [True, False])
async def test_the_address_is_verified(escaped: bool) -> None:
    """The answer is the text and nothing else, with `+` in the query either way."""
    async with live(Bench()) as (_, _, served):
        for _ in range(20):
            request = echo_request(PATH, "8123456789012345678", escaped=escaped)
            assert await post(served, request) == (200, b"8123456789012345678")


async def test_the_answer_is_empty() -> None:
    async with live(Bench()) as (_, _, served):
        assert await post(served, callback(PATH, message("hi", "1"))) == (200, b"")


async def test_kinds_of_messages() -> None:
    bench = Bench()
    async with live(bench) as (_, _, served):
        for index, fields in enumerate(
            [
                {
                    "MsgType": "location",
                    "Location_X": "31.2",
                    "Location_Y": "121.5",
                    "Label": "外滩",
                },
                {
                    "MsgType": "link",
                    "Title": "说明",
                    "Description": "如何登录",
                    "Url": "https://a.b",
                },
                {"MsgType": "hologram"},
            ]
        ):
            await post(served, callback(PATH, message("", str(index), **fields)))
        place, link, unknown = bench.sink.messages
    assert place.text == "[Location] 外滩 (31.2, 121.5)"
    assert link.text == "说明\n如何登录\nhttps://a.b"
    assert unknown.text == "[A message that cannot be shown here: hologram]"
    assert unknown.raw is not None
    assert b"hologram" in bench.blobs.contents[unknown.raw]
    assert place.verified
    assert place.sent_at is not None


async def test_events() -> None:
    """Menus and buttons speak; the others are taken and say nothing."""
    bench = Bench()
    async with live(bench) as (_, _, served):
        for event, key in [
            ("enter_agent", ""),
            ("subscribe", ""),
            ("LOCATION", ""),
            ("change_contact", ""),
            ("no_such_event", "x"),
            ("click", "/human"),
            ("click", "发票"),
            ("template_card_event", make_key("/ask/invoice", "开发票")),
        ]:
            fields = message("", "", MsgType="event", Event=event, EventKey=key)
            del fields["MsgId"]
            request = callback(PATH, fields)
            assert await post(served, request) == (200, b"")
            await post(served, request)
    said = [(m.text, m.payload) for m in bench.sink.messages]
    assert (
        said[::2]
        == said[1::2]
        == [
            ("/human", "/human"),
            ("发票", None),
            ("开发票", "/ask/invoice"),
        ]
    )
    assert len({m.external_id for m in bench.sink.messages}) == 3


@pytest.mark.parametrize(
    ("kind", "content", "mime"),
    [
        ("image", PNG, "image/png"),
        ("voice", AMR, "audio/amr"),
        ("video", MP4, "video/mp4"),
        ("file", b"%PDF-1.7 x", "application/pdf"),
    ],
)
async def test_files_come_in(kind: str, content: bytes, mime: str) -> None:
    bench = Bench()
    async with live(bench) as (platform, _, served):
        platform.media["M1"] = (
            content,
            "application/octet-stream",
            "账单.pdf" if kind == "file" else "",
        )
        await post(served, callback(PATH, message("", "1", MsgType=kind, MediaId="M1")))
        await eventually(lambda: bench.sink.messages)
    (file,) = bench.sink.messages[0].attachments
    assert (file.mime, file.size) == (mime, len(content))
    assert bench.blobs.contents[file.blob] == content
    if kind == "file":
        assert file.name == "账单.pdf"


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no longer"), (b"MZ\x90\x00" + bytes(300), "taken"), (bytes(20_000_001), "20 MB")],
    ids=["gone", "program", "large"],
)
async def test_files_that_do_not_come(content: bytes | None, words: str) -> None:
    """The message is shown with the reason, and kept raw."""
    bench = Bench()
    async with live(bench) as (platform, _, served):
        if content is not None:
            platform.media["M1"] = (content, "image/png", "a.png")
        await post(served, callback(PATH, message("", "1", MsgType="image", MediaId="M1")))
        await eventually(lambda: bench.sink.messages)
    (shown,) = bench.sink.messages
    assert words in shown.text
    assert shown.raw is not None
    assert not shown.attachments


async def test_a_file_survives_the_platforms_absence_and_a_restart() -> None:
    """The callback is answered at once; the next process fetches what the first could not."""
    bench = Bench()
    platform = WeComSimulator(media={"M1": (PNG, "image/png", "")})
    async with platform.running() as address:
        platform.down = True
        first = bench.build(CHANNEL, settings(address))
        async with serve(CHANNEL, first) as served:
            request = callback(PATH, message("", "1", MsgType="image", MediaId="M1"))
            for _ in range(3):  # the platform repeats what it thinks unanswered
                assert (await post(served, request))[0] == 200
        assert not bench.sink.messages
        platform.down = False
        second = bench.build(CHANNEL, settings(address))
        await second.start()
        await eventually(lambda: bench.sink.messages)
        await second.stop()
    (found,) = bench.sink.messages
    assert found.attachments[0].mime == "image/png"
    assert json.loads(bench.state.values["waiting"]) == []


async def test_texts_are_split_and_a_repeat_goes_on() -> None:
    """Nothing is cut inside a character; what went out does not go out again."""
    bench = Bench()
    text = "请您先登录系统，然后点击设置。😀" * 120
    async with live(bench) as (platform, channel, _):
        platform.refusals["message/send"].extend(
            [dict(MEANING), {"errcode": -1, "errmsg": "busy"}]
        )
        with pytest.raises(TransientDeliveryError):
            await channel.send(make_outbound(text))
        refused = len(platform.sent())
        await channel.send(make_outbound(text, attempt=2))
        pieces = [payload["text"]["content"] for payload in platform.sent()]
    assert refused == 0
    assert len(pieces) == 2  # the first of three was taken by the first attempt
    assert text.endswith("".join(pieces))
    assert json.loads(bench.state.values["unfinished"]) == {}


async def test_an_expired_token_is_renewed_and_the_call_repeated() -> None:
    bench = Bench()
    async with live(bench) as (platform, channel, _):
        await channel.send(make_outbound("一", id="m1"))
        platform.expire_tokens()
        await asyncio.gather(*(channel.send(make_outbound("二", id=f"n{n}")) for n in range(8)))
        assert platform.tokens_given == 2
        assert len(platform.sent()) == 9


async def test_a_wrong_secret_asks_once_and_says_so() -> None:
    bench = Bench()
    async with live(bench, secret="wrong") as (platform, channel, _):
        for _ in range(5):
            with pytest.raises(TransientDeliveryError, match="secret"):
                await channel.send(make_outbound())
        assert platform.tokens_given == 1


async def test_a_frequency_limit_rests_the_app() -> None:
    bench = Bench()
    async with live(bench) as (platform, channel, _):
        platform.refuse("message/send", 45009, "api freq out of limit")
        for _ in range(3):
            with pytest.raises(TransientDeliveryError) as caught:
                await channel.send(make_outbound())
            assert caught.value.retry_after == 60
        assert not caught.value.attempted, "the platform was not asked again"
        assert len(platform.calls) == 1
        bench.skew += 61_000
        await channel.send(make_outbound())


async def test_one_member_gets_thirty_a_minute() -> None:
    """The platform would drop more without a word."""
    bench = Bench()
    async with live(bench) as (platform, channel, _):
        for number in range(30):
            await channel.send(make_outbound(id=f"m{number}"))
        with pytest.raises(TransientDeliveryError) as caught:
            await channel.send(make_outbound())
        assert len(platform.sent()) == 30
        assert caught.value.retry_after is not None
        assert not caught.value.attempted
        assert 1 <= caught.value.retry_after <= 3


async def test_files_go_out() -> None:
    bench = Bench()
    files = (
        await stored(bench, "图.png", "image/png", PNG),
        await stored(bench, "a.gif", "image/gif", b"GIF89a" + bytes(20)),
        await stored(bench, 'b"\r\n.pdf', "application/pdf", b"%PDF-1.7 x"),
        await stored(bench, "c.mp4", "video/mp4", MP4),
    )
    async with live(bench) as (platform, channel, _):
        await channel.send(make_outbound("见附件", attachments=files))
        kinds = [payload["msgtype"] for payload in platform.sent()]
        uploads = platform.uploads
    assert kinds == ["text", "image", "file", "file", "video"]
    assert uploads[0] == ("image", "图.png", PNG)
    assert uploads[2][1] == "b___.pdf"


async def stored(bench: Bench, name: str, mime: str, content: bytes) -> Attachment:
    return Attachment(blob=await bench.blobs.put(content), name=name, mime=mime, size=len(content))


async def test_files_that_cannot_go_out() -> None:
    bench = Bench()
    tiny = await stored(bench, "a.txt", "text/plain", b"abc")
    gone = Attachment(blob="0" * 64, name="a.png", mime="image/png", size=100)
    async with live(bench) as (_, channel, _):
        for file in (tiny, gone):
            with pytest.raises(PermanentDeliveryError):
                await channel.send(make_outbound("", attachments=(file,)))
        with pytest.raises(PermanentDeliveryError, match="empty"):
            await channel.send(make_outbound(""))


CHOICES = (
    QuickReply(title="转人工", payload="/human"),
    QuickReply(title="开发票", payload="/ask/x"),
)


async def test_choices_become_buttons_and_a_press_comes_back() -> None:
    bench = Bench()
    async with live(bench) as (platform, channel, served):
        await channel.send(make_outbound("还需要什么帮助?", choices=CHOICES))
        (payload,) = platform.sent()
        card = payload["template_card"]
        assert card["main_title"]["title"] == "还需要什么帮助?"
        assert [button["text"] for button in card["button_list"]] == ["转人工", "开发票"]
        pressed = message(
            "",
            "",
            MsgType="event",
            Event="template_card_event",
            EventKey=card["button_list"][0]["key"],
            TaskId=card["task_id"],
        )
        await post(served, callback(PATH, pressed))
    (press,) = bench.sink.messages
    assert (press.text, press.payload) == ("转人工", "/human")


def test_long_texts_go_ahead_of_their_card() -> None:
    text = "说明。" * 200
    parts = compose(
        make_outbound(text, choices=CHOICES).message,
        cards=True,
        markdown=False,
        language="zh-Hans",
    )
    assert [part.kind for part in parts] == ["text", "template_card"]
    assert parts[0].body["content"] == text
    assert parts[1].body["main_title"] == {"title": "请选择"}
    middle = compose(
        make_outbound("说明。" * 20, choices=CHOICES).message,
        cards=True,
        markdown=True,
        language="zh-Hans",
    )
    assert [part.kind for part in middle] == ["template_card"]
    assert middle[0].body["sub_title_text"] == "说明。" * 20
    assert "main_title" not in middle[0].body


@pytest.mark.parametrize(
    ("cards", "choices"),
    [
        (False, CHOICES),
        (True, CHOICES * 4),
        (True, (QuickReply(title="x" * 61, payload="/a"),)),
        (True, (QuickReply(title="x", payload="/" + "a" * 1024),)),
    ],
)
def test_choices_that_fit_no_card_are_lines(cards: bool, choices: tuple[QuickReply, ...]) -> None:
    (part,) = compose(
        make_outbound("选", choices=choices).message, cards=cards, markdown=True, language="en"
    )
    assert part.kind == "markdown"
    lines = part.body["content"].split("\n")
    assert lines == ["选", *(f"· {choice.title}" for choice in choices)]


@pytest.mark.parametrize(
    "key", ["[1,2]", "[]", '["/a"]', "{}", "[" * 900, '[null,"x"]', "/a", "é"]
)
def test_keys_of_others(key: str) -> None:
    payload, title = parse_key(key)
    assert payload is None or payload == key == "/a"
    assert title


def test_a_time_in_the_future_is_now() -> None:
    fields = {name: str(value) for name, value in message("hi", "1").items()}
    now = int(time.time() * 1000)
    for stamp in ("9" * 12, "", "soon", "-5", "9" * 30):
        found = parse_callback({**fields, "CreateTime": stamp}, language="en", now=now)
        assert found.sent_at <= now
    with pytest.raises(UnsupportedEventError):
        parse_callback({"MsgType": "event", "FromUserName": "a"}, language="en", now=now)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("corp_id", ""),
        ("corp_id", "ww 1"),
        ("secret", ""),
        ("callback_token", ""),
        ("aes_key", "short"),
        ("agent_id", 0),
        ("api_base", "http://10.0.0.1"),
        ("api_base", "https://127.0.0.1"),
        ("api_base", "wecom"),
        ("allowed_networks", ("not a network!",)),
    ],
)
def test_wrong_settings_are_named(name: str, value: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        make_settings(CHANNEL, {**settings(), name: value})
    assert caught.value.field == name
    assert all(caught.value.words)


async def test_reasons_are_in_the_inboxs_language() -> None:
    error = PlatformError(60111, "userid not found, hint: [7]")
    assert "可见范围" in error.for_delivery("zh-Hans").reason
    assert "可見範圍" in error.for_delivery("zh-TW").reason
    assert "visible range" in error.for_delivery("en").reason
    assert "60111" in error.for_delivery("fr").reason
    assert "hint: [7]" in error.for_delivery("en").reason


async def test_settings_are_tried_out() -> None:
    platform = WeComSimulator()
    assert CHANNEL.test is not None
    async with platform.running() as address:
        good = await CHANNEL.test(make_settings(CHANNEL, settings(address)))
        bad = await CHANNEL.test(make_settings(CHANNEL, settings(address, secret="wrong")))
        other = await CHANNEL.test(make_settings(CHANNEL, settings(address, agent_id=7)))
    gone = await CHANNEL.test(make_settings(CHANNEL, settings(address)))
    assert [step.ok for step in good] == [True, True]
    assert [step.ok for step in bad] == [False]
    assert [step.ok for step in other] == [True, False]
    assert [step.ok for step in gone] == [False]
    assert bad[0].detail is not None
    assert "Secret" in bad[0].detail.zh_hans
    assert not platform.sent()


async def test_health() -> None:
    bench = Bench()
    async with live(bench) as (_, channel, served):
        before = await channel.health()
        assert before is not None
        assert before.heard_at is None
        await post(served, callback(PATH, message("hi", "1")))
        after = await channel.health()
        assert after is not None
        assert after.message_at == after.heard_at is not None


async def test_the_bus_is_full_while_a_file_waits() -> None:
    bench = Bench()
    async with live(bench) as (platform, _, served):
        platform.media["M1"] = (PNG, "image/png", "")
        bench.sink.full = True
        request = callback(PATH, message("", "1", MsgType="image", MediaId="M1"))
        assert (await request_over_wire(served, request)).status == 200
        await eventually(lambda: any(path == "media/get" for path, _ in platform.calls))
        bench.sink.full = False
        await eventually(lambda: bench.sink.messages)
