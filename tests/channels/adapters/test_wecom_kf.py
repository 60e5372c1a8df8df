"""微信客服: callbacks that make it pull, windows for answers, against a platform on loopback."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from channels.adapters.wecom_kf import CHANNEL
from channels.adapters.wecom_kf.composing import compose, make_msgid, read_msgid
from channels.adapters.wecom_kf.parsing import describe, parse_item, parse_page
from channels.adapters.wecom_kf.window import OPEN
from channels.contract import Attachment, Channel, MessageState, OutboundMessage, QuickReply
from channels.errors import PermanentDeliveryError, SettingsError, TransientDeliveryError
from channels.testing import (
    INBOX,
    Bench,
    ChannelContractTests,
    PlatformAnswer,
    PushContractTests,
    WireRequest,
    make_outbound,
    make_settings,
    request_over_wire,
    serve,
)
from tests.channels.adapters.wecom_simulator import (
    AES_KEY,
    CORP,
    SECRET,
    TOKEN,
    WeComSimulator,
    callback,
    echo_request,
    post,
    sealed_callback,
)
from tests.channels.pictures import AMR, PNG

PATH = f"/channels/wecom_kf/{INBOX}"
CHOICES = (
    QuickReply(title="转人工", payload="/human"),
    QuickReply(title="开发票", payload="/ask/x"),
)


def settings(address: str = "", **more: Any) -> dict[str, Any]:
    found = {
        "corp_id": CORP,
        "secret": SECRET,
        "callback_token": TOKEN,
        "aes_key": AES_KEY,
        **more,
    }
    return {**found, "api_base": address, "allowed_networks": ("127.0.0.1",)} if address else found


def answered(code: int, said: str = "refused") -> PlatformAnswer:
    return PlatformAnswer(body=json.dumps({"errcode": code, "errmsg": said}).encode())


class TestKfContract(PushContractTests, ChannelContractTests):
    kind = "wecom_kf"
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
    def refusals(self) -> Sequence[tuple[PlatformAnswer, type[Exception]]]:
        return [
            (PlatformAnswer(status=502), TransientDeliveryError),
            (PlatformAnswer(body=b"[]"), TransientDeliveryError),
            (answered(-1), TransientDeliveryError),
            (answered(95000), PermanentDeliveryError),
            (answered(95001), PermanentDeliveryError),
            (answered(95002), PermanentDeliveryError),
            (answered(45033), TransientDeliveryError),
        ]


@asynccontextmanager
async def live(
    bench: Bench, platform: WeComSimulator | None = None, **more: Any
) -> AsyncIterator[tuple[WeComSimulator, Channel[Any], Callable[..., Any]]]:
    """The platform, the inbox, and the callback that says that there is something."""
    platform = platform or WeComSimulator()
    async with platform.running() as address:
        channel = bench.build(CHANNEL, settings(address, **more))
        async with serve(CHANNEL, channel) as served:

            async def tell(account: str = "wkA") -> None:
                notice = platform.notice(PATH, account=account)
                assert await post(served, notice) == (200, b"")

            yield platform, channel, tell


async def eventually(condition: Any, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def to_customer(text: str = "您好", **changes: Any) -> OutboundMessage:
    """An answer to the customer of the account, as `thread` names it."""
    attempt = changes.pop("attempt", 1)
    made = make_outbound(text, attempt=attempt, **changes)
    return replace(made, handle="wmC", thread="wkA")


async def test_the_address_is_verified() -> None:
    async with serve(CHANNEL, Bench().build(CHANNEL, settings())) as served:
        assert await post(served, echo_request(PATH, "123456")) == (200, b"123456")


async def test_forged_and_broken_callbacks_are_refused() -> None:
    event = {"MsgType": "event", "Event": "kf_msg_or_event", "OpenKfId": "wkA", "Token": "t"}
    bench = Bench()
    async with (
        live(bench) as (platform, _, _),
        serve(CHANNEL, bench.build(CHANNEL, settings())) as served,
    ):
        for request, status in [
            (WireRequest(path=PATH, body=callback(PATH, event).body), 401),
            (callback(PATH, event, receiver="wwother"), 401),
            (callback(PATH, event, age=7_200), 401),
            (sealed_callback(PATH, "AAAA"), 400),
            (WireRequest(path=PATH, body=b"<!DOCTYPE a><xml/>"), 400),
            (WireRequest(path=PATH, body=b"x" * 300_000), 413),
        ]:
            assert (await request_over_wire(served, request)).status == status
        answer = await request_over_wire(served, callback("/channels/wecom_kf/other", event))
        assert answer.status == 404
        assert not platform.sent("kf/sync_msg")


async def test_what_a_customer_says() -> None:
    bench = Bench()
    async with live(bench) as (platform, _, tell):
        platform.says("登录失败", menu_id="/ask/login")
        platform.says("101?", menu_id="101")
        platform.comes(
            {
                "msgtype": "location",
                "location": {"name": "外滩", "latitude": 31.2, "longitude": 121.5},
            }
        )
        platform.comes({"msgtype": "link", "link": {"title": "说明", "url": "https://a.b"}})
        platform.comes({"msgtype": "business_card", "business_card": {"userid": "u"}})
        await tell()
        await eventually(lambda: len(bench.sink.messages) == 5)
    pressed, typed, place, link, card = bench.sink.messages
    assert (pressed.text, pressed.payload) == ("登录失败", "/ask/login")
    assert (typed.text, typed.payload) == ("101?", None)
    assert place.text == "[Location] 外滩 (31.2, 121.5)"
    assert link.text == "说明\nhttps://a.b"
    assert "business_card" in card.text
    assert card.raw is not None
    assert json.loads(bench.blobs.contents[card.raw])["business_card"] == {"userid": "u"}
    assert {(m.handle, m.thread) for m in bench.sink.messages} == {("wmC", "wkA")}
    assert pressed.profile == {"name": "客户C"}
    assert len(platform.sent("kf/customer/batchget")) == 1


async def test_files_come_in() -> None:
    bench = Bench()
    async with live(bench) as (platform, _, tell):
        platform.media["P"] = (PNG, "image/png", "")
        platform.media["V"] = (AMR, "voice/amr", "a.amr")
        for kind, media_id in (("image", "P"), ("voice", "V"), ("file", "gone")):
            platform.comes({"msgtype": kind, kind: {"media_id": media_id}})
        await tell()
        await eventually(lambda: len(bench.sink.messages) == 3)
    picture, voice, gone = bench.sink.messages
    assert picture.attachments[0].mime == "image/png"
    assert voice.attachments[0].mime == "audio/amr"
    assert not gone.attachments
    assert "no longer" in gone.text


async def test_pages_are_pulled_one_at_a_time() -> None:
    """However many callbacks come, and from however many processes; each message once."""
    bench = Bench()
    platform = WeComSimulator(page=7)
    async with platform.running() as address:
        channels = [bench.build(CHANNEL, settings(address)) for _ in range(3)]
        for number in range(60):
            platform.says(f"第{number}条")
        for channel in channels:
            await channel.start()
            await asyncio.gather(*(channel._puller.told("wkA", "") for _ in range(5)))  # type: ignore[attr-defined]
        await eventually(lambda: bench.state.values.get("cursor:wkA") == "CUR60")
        for channel in channels:
            await channel.stop()
    assert [m.text for m in bench.sink.messages] == [f"第{n}条" for n in range(60)]
    assert platform.pulled_at_once == 1


async def test_a_crash_between_page_and_cursor_repeats_the_page() -> None:
    """Nothing is lost; what comes twice comes under its own id."""
    bench = Bench()
    async with live(bench) as (platform, _, tell):
        first, second = platform.says("一"), platform.says("二")
        bench.sink.full = True
        await tell()
        await eventually(lambda: platform.sent("kf/sync_msg"))
    assert "cursor:wkA" not in bench.state.values
    bench.sink.full = False
    taken: list[str] = []

    def crash(message: Any) -> None:
        taken.append(message.external_id)
        if len(taken) == 1:
            raise RuntimeError("the process dies here")

    bench.sink.on_message = crash
    async with live(bench, platform) as (_, _, tell):
        await eventually(lambda: taken)
        await tell()
        await eventually(lambda: bench.state.values.get("cursor:wkA") == "CUR2")
    assert taken == [first, first, second]


async def test_a_restart_pulls_what_came_meanwhile_without_a_callback() -> None:
    bench = Bench()
    async with live(bench) as (platform, _, tell):
        platform.says("一")
        await tell()
        await eventually(lambda: len(bench.sink.messages) == 1)
        await eventually(lambda: bench.state.values.get("cursor:wkA") == "CUR1")
    platform.says("二")
    async with live(bench, platform):
        await eventually(lambda: len(bench.sink.messages) == 2)
    assert [m.text for m in bench.sink.messages] == ["一", "二"]


async def test_an_empty_page_does_not_end_the_pull() -> None:
    bench = Bench()
    async with live(bench) as (platform, _, tell):
        platform.says("一")
        more = {"errcode": 0, "next_cursor": "CUR0", "has_more": 1, "msg_list": []}
        platform.refusals["kf/sync_msg"].append(more)
        await tell()
        await eventually(lambda: len(bench.sink.messages) == 1)


async def test_a_cursor_that_stands_still_is_no_endless_loop() -> None:
    bench = Bench()
    async with live(bench) as (platform, channel, tell):
        stuck = {"errcode": 0, "next_cursor": "CUR0", "has_more": 1, "msg_list": []}
        platform.refusals["kf/sync_msg"].extend([stuck] * 50)
        await tell()
        await eventually(lambda: "error" in bench.state.values.get("health", "error"))
        await asyncio.sleep(0.3)
        asked = sum(path == "refused kf/sync_msg" for path, _ in platform.calls)
        assert asked <= 3
        health = await channel.health()
        assert health is not None
        assert health.error is not None


async def test_a_token_that_is_refused_is_left_out() -> None:
    bench = Bench()
    async with live(bench) as (platform, _, tell):
        platform.says("一")
        platform.refuse("kf/sync_msg", 95007, "invalid msg token")
        await tell()
        await eventually(lambda: len(bench.sink.messages) == 1)
        (asked,) = platform.sent("kf/sync_msg")
        assert "token" not in asked
        await tell()
        await eventually(lambda: len(platform.sent("kf/sync_msg")) == 2)
    assert "token" in platform.sent("kf/sync_msg")[-1]


async def test_the_platform_is_down_for_a_while() -> None:
    bench = Bench()
    async with live(bench) as (platform, channel, tell):
        platform.says("一")
        platform.down = True
        await tell()
        await eventually(lambda: "error" in json.loads(bench.state.values.get("health", "{}")))
        found = await channel.health()
        assert found is not None
        assert found.error is not None
        platform.down = False
        await eventually(lambda: bench.sink.messages)
        await eventually(lambda: json.loads(bench.state.values["health"])["error"] is None)


async def test_only_the_accounts_that_are_named() -> None:
    bench = Bench()
    async with live(bench, accounts=("wkB",)) as (platform, _, tell):
        platform.says("一", account="wkA")
        platform.says("二", account="wkB")
        await tell("wkA")
        await tell("wkB")
        await eventually(lambda: bench.sink.messages)
    assert [m.thread for m in bench.sink.messages] == ["wkB"]


async def test_everything_is_pulled_again_on_demand() -> None:
    bench = Bench()
    async with live(bench) as (platform, channel, tell):
        platform.says("一")
        await tell()
        await eventually(lambda: bench.state.values.get("cursor:wkA") == "CUR1")
    async with live(bench, platform) as (_, channel, _):
        await channel.catch_up(0)
        await eventually(lambda: len(bench.sink.messages) == 2)
    assert len({m.external_id for m in bench.sink.messages}) == 1


async def test_who_opens_a_chat_is_greeted_once() -> None:
    bench = Bench()
    async with live(bench) as (platform, _, tell):
        platform.welcomes.update({"W1", "W2"})
        platform.happens("enter_session", welcome_code="W1", scene="1")
        platform.happens("enter_session", scene="1")
        platform.comes(
            {
                "msgtype": "event",
                "send_time": int(time.time()) - 30,
                "event": {"event_type": "enter_session", "welcome_code": "W2"},
            }
        )
        platform.happens("enter_session", welcome_code="expired")
        await tell()
        await eventually(lambda: bench.state.values.get("cursor:wkA") == "CUR4")
        greetings = platform.sent("kf/send_msg_on_event")
    assert [one["code"] for one in greetings] == ["W1", "expired"]
    assert greetings[0]["msgmenu"]["head_content"] == "Hello (en)"
    assert not bench.sink.messages


async def test_without_a_greeting() -> None:
    bench = Bench()
    async with live(bench, welcome=False) as (platform, _, tell):
        platform.happens("enter_session", welcome_code="W1")
        await tell()
        await eventually(lambda: bench.state.values.get("cursor:wkA") == "CUR1")
        assert not platform.sent("kf/send_msg_on_event")


async def test_a_failure_reaches_its_message() -> None:
    bench = Bench()
    message_id = "0123456789abcdef0123456789abcdef"
    async with live(bench) as (platform, _, tell):
        failed = make_msgid(message_id, 1)
        platform.happens("msg_send_fail", fail_msgid=failed, fail_type=6)
        platform.happens("msg_send_fail", fail_msgid="not ours", fail_type="x")
        await tell()
        await eventually(lambda: len(bench.sink.reports) == 2)
    ours, other = bench.sink.reports
    assert (ours.message_id, ours.state) == (message_id, MessageState.FAILED)
    assert "5 messages" in ours.reason
    assert (other.message_id, other.external_id) == (None, "not ours")


async def test_what_is_not_shown_is_counted() -> None:
    bench = Bench()
    async with live(bench) as (platform, _, tell):
        platform.comes({"msgtype": "text", "origin": 5, "text": {"content": "我来处理"}})
        platform.happens("user_recall_msg", recall_msgid="in-0")
        platform.happens("session_status_change", change_type=3)
        platform.happens("something_new")
        platform.feed.append(("wkA", {"msgtype": "text"}))
        await tell()
        await eventually(lambda: bench.state.values.get("cursor:wkA") == "CUR5")
    assert [one.reason for one in bench.sink.discards.values()] == [
        "servicer",
        "recall",
        "unreadable",
    ]
    assert not bench.sink.messages


async def test_answers_within_the_window() -> None:
    """Five messages after each of the customer's; the sixth is refused here, in plain words."""
    bench = Bench()
    async with live(bench) as (platform, channel, tell):
        platform.says("一")
        await tell()
        await eventually(lambda: bench.sink.messages)
        for number in range(5):
            receipt = await channel.send(to_customer(f"答{number}", id=f"{number:032x}"))
            assert receipt.external_id == make_msgid(f"{number:032x}", 0)
        with pytest.raises(PermanentDeliveryError, match="5 messages"):
            await channel.send(to_customer("答6", id="6" * 32))
        assert len(platform.sent("kf/send_msg")) == 5
        platform.says("二")
        bench.skew += 1000
        platform.feed[-1][1]["send_time"] += 1
        await tell()
        await eventually(lambda: len(bench.sink.messages) == 2)
        await channel.send(to_customer("答7", id="7" * 32))
        bench.skew += OPEN
        with pytest.raises(PermanentDeliveryError, match="48 hours"):
            await channel.send(to_customer("答8", id="8" * 32))
    assert len(platform.delivered) == 6


async def test_more_parts_than_are_left_are_refused_before_the_first() -> None:
    bench = Bench()
    file = Attachment(
        blob=await bench.blobs.put(PNG), name="a.png", mime="image/png", size=len(PNG)
    )
    async with live(bench) as (platform, channel, tell):
        platform.says("一")
        await tell()
        await eventually(lambda: bench.sink.messages)
        await channel.send(to_customer("一", id="1" * 32))
        with pytest.raises(PermanentDeliveryError, match=r"needs 5 messages .* only 4"):
            await channel.send(to_customer("四", id="2" * 32, attachments=(file,) * 4))
        assert len(platform.delivered) == 1
        await channel.send(to_customer("三", id="3" * 32, attachments=(file,) * 3))
    assert [one["msgtype"] for one in platform.delivered] == ["text", "text", *["image"] * 3]


async def test_a_repeat_of_what_went_out_is_no_failure() -> None:
    """The answer was lost on its way; the platform knows the id."""
    bench = Bench()
    async with live(bench) as (platform, channel, _):
        platform.customers["wkA", "wmC"].wrote_at = time.time()
        await channel.send(to_customer("一", id="1" * 32))
        receipt = await channel.send(to_customer("一", id="1" * 32, attempt=2))
    assert receipt.external_id == make_msgid("1" * 32, 0)
    assert len(platform.delivered) == 1


@pytest.mark.parametrize(
    ("state", "words"), [(2, "pool"), (3, "LinXiao serves"), (4, "session is over")]
)
async def test_who_has_the_session(state: int, words: str) -> None:
    bench = Bench()
    async with live(bench) as (platform, channel, _):
        customer = platform.customers["wkA", "wmC"]
        customer.wrote_at, customer.state, customer.servicer = time.time(), state, "LinXiao"
        with pytest.raises(PermanentDeliveryError, match=words):
            await channel.send(to_customer())
        assert len(platform.sent("kf/send_msg")) == 1


async def test_an_expired_token_in_the_middle() -> None:
    bench = Bench()
    async with live(bench) as (platform, channel, tell):
        platform.says("一")
        await tell()
        await eventually(lambda: bench.sink.messages)
        platform.expire_tokens()
        platform.says("二")
        await asyncio.gather(tell(), channel.send(to_customer()))
        await eventually(lambda: len(bench.sink.messages) == 2)
    assert platform.tokens_given == 2
    assert len(platform.delivered) == 1


def test_choices_become_a_menu() -> None:
    (menu,) = compose(make_outbound("选", choices=CHOICES).message)
    assert menu.body["head_content"] == "选"
    assert menu.body["list"][0] == {
        "type": "click",
        "click": {"id": "/human", "content": "转人工"},
    }
    long = compose(make_outbound("说明。" * 150, choices=CHOICES).message)
    assert [part.kind for part in long] == ["text", "msgmenu"]
    (lines,) = compose(make_outbound("选", choices=CHOICES * 6).message)
    assert lines.body["content"].count("· 转人工") == 6
    wide = (QuickReply(title="登" * 43, payload="/a"),)
    assert compose(make_outbound("选", choices=wide).message)[0].kind == "text"


@given(st.one_of(st.text(max_size=60), st.uuids().map(lambda u: u.hex)), st.integers(0, 99))
def test_ids_of_parts(message_id: str, place: int) -> None:
    msgid = make_msgid(message_id, place)
    assert len(msgid) <= 32
    assert set(msgid) <= set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")
    if len(message_id) == 32:
        assert read_msgid(msgid) == message_id


@given(st.text(max_size=40))
def test_ids_of_others(msgid: str) -> None:
    found = read_msgid(msgid)
    assert found is None or len(found) == 32


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
ITEM = st.fixed_dictionaries(
    {
        "msgid": JSON | st.just("m"),
        "msgtype": st.sampled_from(["text", "image", "event", "location", "link", "note"]) | JSON,
        "origin": JSON | st.just(3),
        "send_time": JSON | st.just(1_700_000_000),
        "external_userid": JSON,
        "text": JSON | st.fixed_dictionaries({"content": JSON, "menu_id": JSON}),
        "location": JSON | st.fixed_dictionaries({"latitude": JSON, "name": JSON}),
        "link": JSON | st.fixed_dictionaries({"title": JSON, "url": JSON}),
        "event": JSON,
    }
)


@given(st.dictionaries(st.sampled_from(["msg_list", "next_cursor", "has_more"]), JSON), ITEM)
def test_any_page_is_read(page: dict[str, Any], item: dict[str, Any]) -> None:
    now = 1_800_000_000_000
    parsed = parse_page(page)
    for one in [*parsed.items, item]:
        found = parse_item(one, account="wkA", now=now)
        if found is not None:
            assert 0 <= found.sent_at <= now
            text, _ = describe(found, "zh-Hans")
            assert "\x00" not in text


async def test_settings() -> None:
    for name, value in (("poll_seconds", 5), ("accounts", ("客服",)), ("corp_id", "")):
        with pytest.raises(SettingsError) as caught:
            make_settings(CHANNEL, {**settings(), name: value})
        assert caught.value.field == name
    platform = WeComSimulator()
    assert CHANNEL.test is not None
    async with platform.running() as address:
        steps = await CHANNEL.test(make_settings(CHANNEL, settings(address)))
        platform.refuse("kf/account/list", 48002, "api forbidden")
        refused = await CHANNEL.test(make_settings(CHANNEL, settings(address)))
    assert [step.ok for step in steps] == [True, True]
    assert [step.ok for step in refused] == [True, False]
    assert refused[1].detail is not None
    assert "授权" in refused[1].detail.zh_hans
