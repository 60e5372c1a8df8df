"""The widget in Chromium, against a server that can go away and come back."""

import asyncio
import hmac
import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, ConsoleMessage, FilePayload, Locator, Page, expect

from channels.adapters.webchat.frames import FrameError
from channels.contract import InboundMessage, MessageKind, MessageState, QuickReply
from channels.testing import INBOX
from tests.accessibility import AXE, find_faults
from tests.channels.adapters.webchat.shop import SECRET, Shop, store_picture


class Widget:
    """The widget on a page, as a visitor sees it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator("#yingda-widget .root")
        self.launcher = page.locator(".launcher")
        self.panel = page.locator(".panel")
        self.input = page.locator("textarea")
        self.bubbles = page.locator(".bubble")
        self.own = page.locator(".own .bubble")
        self.status = page.locator(".status")
        self.notice = page.locator(".panel .notice")
        self.choices = page.locator(".is-newest .choices button")
        self.badge = page.locator(".badge")

    async def open(self) -> None:
        await self.launcher.click()
        await expect(self.panel).to_be_visible()

    async def say(self, text: str) -> None:
        await self.input.fill(text)
        await self.input.press("Enter")

    def bubble(self, text: str) -> Locator:
        return self.page.locator(".bubble", has_text=text)

    def row(self, text: str) -> Locator:
        return self.page.locator(".row", has=self.bubble(text))

    async def ready(self) -> None:
        """Waits until a session and a connection stand."""
        await self.page.wait_for_function(
            "Object.keys(localStorage).some((key) => key.endsWith('session'))"
        )
        await expect(self.notice).to_be_hidden()


OpenPage = Callable[..., Awaitable[Widget]]


@pytest.fixture
async def visit(chromium: Browser, shop: Shop) -> AsyncIterator[OpenPage]:
    """Opens pages with the widget; what a page complains about fails the test."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load" not in message.text:
            complaints.append(message.text)

    async def visit(
        path: str = "/demo?lang=en", *, beside: Widget | None = None, **options: Any
    ) -> Widget:
        if beside is None:
            context = await chromium.new_context(
                **{
                    "locale": "en-GB",
                    "timezone_id": "Asia/Shanghai",
                    "reduced_motion": "reduce",
                    **options,
                }
            )
        else:
            context = beside.page.context
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(shop.url + path)
        widget = Widget(page)
        await expect(widget.launcher).to_be_visible()
        return widget

    yield visit
    assert [text for text in complaints if "WebSocket connection" not in text] == []


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_visitor_is_greeted_asks_and_is_answered(visit: OpenPage, shop: Shop) -> None:
    widget = await visit("/demo?lang=zh-Hans")
    await widget.open()
    await expect(widget.bubbles).to_have_text(
        ["您好，我是晴川科技的智能助手，请问有什么可以帮您？"]
    )
    await expect(widget.choices).to_have_text(["重置密码", "开具发票", "宽带上不了网"])
    assert not shop.kept
    await widget.choices.nth(1).click()
    await expect(widget.bubbles).to_have_text(
        ["您好，我是晴川科技的智能助手，请问有什么可以帮您？", "开具发票", "Answer to: 开具发票"]
    )
    await expect(widget.choices).to_have_count(0)
    (message,) = shop.kept.values()
    assert (message.text, message.payload) == ("开具发票", "/faq_1")
    assert message.profile == {"language": "zh-Hans"}
    await expect(widget.row("开具发票").first.locator(".meta")).to_contain_text("已送达")
    shop.say(
        "还需要别的吗？", choices=(QuickReply(title="不用了", payload="/bye"),), article="invoice"
    )
    await expect(widget.choices).to_have_text(["不用了"])
    await expect(widget.page.locator(".source")).to_have_attribute(
        "href", f"{shop.url}/help/invoice"
    )
    await until(lambda: all(m.state is MessageState.READ for m in outgoing(shop)))


def outgoing(shop: Shop) -> list[Any]:
    messages = shop.bench.mailbox._messages[INBOX, shop.handle]
    return [message for message in messages if message.kind is not MessageKind.CUSTOMER]


async def test_a_lost_connection_loses_and_doubles_nothing(visit: OpenPage, shop: Shop) -> None:
    shop.bot = False
    widget = await visit()
    await widget.open()
    await widget.say("before")
    await until(lambda: shop.texts == ["before"])
    await shop.stop()
    await expect(widget.notice).to_contain_text("No connection")
    for at in range(3):
        await widget.say(f"offline {at}")
    await expect(widget.row("offline 2").locator(".meta")).to_contain_text(
        "Waiting for connection"
    )
    shop.bench.mailbox.say(
        INBOX, shop.handle, "said meanwhile", kind=MessageKind.AGENT, author="Lin"
    )
    await shop.start()
    await until(lambda: len(shop.kept) == 4, 40)
    await expect(widget.notice).to_be_hidden()
    assert shop.texts == ["before", "offline 0", "offline 1", "offline 2"]
    await expect(widget.bubble("said meanwhile")).to_have_count(1)
    await expect(widget.own).to_have_text(["before", "offline 0", "offline 1", "offline 2"])
    assert (
        await widget.page.evaluate(
            "Object.keys(localStorage).filter((key) => key.includes(':q:')).length"
        )
        == 0
    )


async def test_a_lost_acknowledgement_is_no_second_message(visit: OpenPage, shop: Shop) -> None:
    deliver = shop.bench.sink.deliver
    attempts = []

    async def deliver_and_break(message: InboundMessage) -> None:
        attempts.append(message.external_id)
        await deliver(message)
        if len(attempts) < 3:
            raise ConnectionResetError

    shop.bench.sink.deliver = deliver_and_break  # type: ignore[method-assign]
    widget = await visit()
    await widget.open()
    await widget.say("only once")
    await until(lambda: len(attempts) >= 1)
    await expect(widget.bubble("Answer to: only once")).to_have_count(1)
    await asyncio.sleep(0.5)
    assert len(set(attempts)) == 1
    assert shop.texts == ["only once"]
    await expect(widget.own).to_have_text(["only once"])


async def test_unsent_messages_survive_a_reload(visit: OpenPage, shop: Shop) -> None:
    widget = await visit()
    await widget.open()
    await widget.ready()
    shop.api_down = True
    await shop.channel.stop()
    await widget.say("written before the reload")
    await widget.page.reload()
    await asyncio.sleep(0.3)
    shop.api_down = False
    await shop.channel.start()
    await until(lambda: shop.texts == ["written before the reload"], 30)
    await expect(widget.launcher).to_be_visible()
    await expect(widget.badge).to_have_text("1")
    await widget.open()
    await expect(widget.own).to_have_text(["written before the reload"])


async def test_an_inbox_switched_off_and_on_keeps_its_visitors(
    visit: OpenPage, shop: Shop
) -> None:
    widget = await visit()
    await widget.open()
    await widget.say("before")
    await expect(widget.bubble("Answer to: before")).to_have_count(1)
    channels, shop.directory.channels = shop.directory.channels, ()
    await shop.channel.stop()
    await expect(widget.notice).to_be_visible()
    await widget.say("meanwhile")
    await asyncio.sleep(3)  # it tries to come back, and is told to wait
    shop.directory.channels = channels
    await shop.channel.start()
    await until(lambda: shop.texts == ["before", "meanwhile"], 30)
    assert len({message.handle for message in shop.kept.values()}) == 1
    await expect(widget.bubble("Answer to: before")).to_have_count(1)


async def test_the_conversation_is_there_on_return(visit: OpenPage, shop: Shop) -> None:
    widget = await visit()
    await widget.open()
    await widget.say("remember me")
    await expect(widget.bubbles).to_have_count(3)
    await until(lambda: all(m.state is MessageState.READ for m in outgoing(shop)))
    await widget.page.reload()
    await expect(widget.launcher).to_be_visible()
    await expect(widget.badge).to_be_hidden()
    await widget.open()
    await expect(widget.bubbles).to_have_text(["remember me", "Answer to: remember me"])
    assert len({message.handle for message in shop.kept.values()}) == 1


async def test_two_tabs_stay_in_step(visit: OpenPage, shop: Shop) -> None:
    first = await visit()
    await first.open()
    await first.ready()
    second = await visit(beside=first)
    await second.open()
    await first.say("from the first")
    await expect(second.bubble("Answer to: from the first")).to_have_count(1)
    await second.say("from the second")
    await expect(first.bubble("Answer to: from the second")).to_have_count(1)
    await expect(first.own).to_have_text(["from the first", "from the second"])
    await expect(second.own).to_have_text(["from the first", "from the second"])
    assert shop.texts == ["from the first", "from the second"]


async def test_plain_http_serves_where_sockets_are_blocked(visit: OpenPage, shop: Shop) -> None:
    shop.sockets_blocked = True
    widget = await visit()
    await widget.open()
    await widget.say("through a strict proxy")
    await expect(widget.bubble("Answer to: through a strict proxy")).to_have_count(
        1, timeout=20_000
    )
    shop.say("and back", kind=MessageKind.AGENT, author="Lin")
    await expect(widget.bubble("and back")).to_have_count(1)
    await until(lambda: all(m.state is MessageState.READ for m in outgoing(shop)))
    assert shop.texts == ["through a strict proxy"]
    await shop.stop()
    await widget.say("while it was away")
    await shop.start()
    await until(lambda: shop.texts[-1] == "while it was away", 40)
    await expect(widget.own).to_have_text(["through a strict proxy", "while it was away"])


async def test_a_person_is_always_in_reach(visit: OpenPage, shop: Shop) -> None:
    widget = await visit()
    await widget.open()
    human = widget.page.get_by_role("button", name="Talk to a person", exact=True)
    await human.click()
    await until(lambda: shop.texts == ["Talk to a person"])
    shop.hand_over("queue")
    await expect(widget.status).to_have_text("Finding a person for you…")
    await expect(human).to_be_hidden()
    shop.hand_over("agent", "Lin Xiao")
    shop.push({"type": "typing", "author": "Lin Xiao"})
    await expect(widget.status).to_have_text("Lin Xiao is with you")
    await expect(widget.page.locator(".typing")).to_be_visible()
    shop.say("Hello, this is Lin Xiao.", kind=MessageKind.AGENT, author="Lin Xiao")
    await expect(widget.page.locator(".typing")).to_be_hidden()
    await widget.input.press_sequentially("typing…")
    await until(lambda: shop.bench.mailbox.typed == [(INBOX, shop.handle)])
    shop.push({"type": "typing", "author": "Lin Xiao"})
    await expect(widget.page.locator(".typing")).to_be_visible()
    shop.hand_over("bot")
    await expect(human).to_be_visible()
    await expect(widget.page.locator(".typing")).to_be_hidden()


async def test_unread_messages_are_counted_until_they_are_seen(
    visit: OpenPage, shop: Shop
) -> None:
    widget = await visit()
    await widget.open()
    await widget.say("hi")
    await expect(widget.bubble("Answer to: hi")).to_have_count(1)
    await widget.page.keyboard.press("Escape")
    await expect(widget.panel).to_be_hidden()
    shop.say("one")
    shop.say("two")
    await expect(widget.badge).to_have_text("2")
    await expect(widget.launcher).to_have_attribute("aria-label", "Open chat · 2 unread")
    assert [m.state for m in outgoing(shop)[1:]] != [MessageState.READ] * 2
    await widget.open()
    await until(lambda: all(m.state is MessageState.READ for m in outgoing(shop)))
    await widget.page.keyboard.press("Escape")
    await expect(widget.badge).to_be_hidden()


async def test_the_keyboard_is_enough(visit: OpenPage, shop: Shop) -> None:
    widget = await visit("/site")
    page = widget.page
    await page.locator("#before").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(widget.panel).to_be_visible()
    await expect(widget.input).to_be_focused()
    await page.keyboard.type("first line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("second line")
    assert not shop.kept
    await widget.input.evaluate(
        """(input) => input.dispatchEvent(new KeyboardEvent('keydown',
        { key: 'Enter', isComposing: true, bubbles: true, composed: true }))"""
    )
    await asyncio.sleep(0.1)
    assert not shop.kept, "Enter chooses a candidate while an input method composes"
    await page.keyboard.press("Enter")
    await until(lambda: shop.texts == ["first line\nsecond line"])
    await expect(widget.input).to_be_focused()
    await page.get_by_role("button", name="Language").press("Enter")
    await expect(page.get_by_role("menuitemradio", name="English")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitemradio", name="简体中文")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="晴川在线客服")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(widget.panel).to_be_hidden()
    await expect(widget.launcher).to_be_focused()
    await expect(widget.launcher).to_have_attribute("aria-expanded", "false")


async def test_what_a_screen_reader_is_told(visit: OpenPage, shop: Shop) -> None:
    widget = await visit()
    await widget.open()
    page = widget.page
    await expect(page.get_by_role("dialog", name="Qingchuan service")).to_be_visible()
    log = page.get_by_role("log", name="Conversation")
    await expect(log).to_have_attribute("aria-live", "polite")
    await expect(page.get_by_role("textbox", name="Write a message…")).to_be_visible()
    for name in ("Send", "Attach a file", "Language", "Talk to a person"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    await widget.say("hi")
    await expect(widget.bubble("Answer to: hi")).to_have_count(1)
    nodes = await log.evaluate(
        "(log) => { window.rows = Array.from(log.children); return window.rows.length; }"
    )
    shop.say("news")
    await expect(widget.bubble("news")).to_have_count(1)
    assert await log.evaluate(
        "(log) => window.rows.every((row, at) => log.children[at] === row)"
    ), "what was read out once must not be built anew"
    assert nodes == 4


async def test_a_phone_shows_it_on_the_whole_screen(visit: OpenPage, shop: Shop) -> None:
    widget = await visit(
        "/site",
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
    )
    await widget.launcher.tap()
    box = await widget.panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    await expect(widget.launcher).to_be_hidden()
    await expect(widget.panel).to_have_attribute("aria-modal", "true")
    await expect(widget.panel).to_be_focused()
    page = widget.page
    assert await page.evaluate("document.documentElement.style.overflow") == "hidden"
    for key in ["Tab"] * 12 + ["Shift+Tab"] * 12:
        await page.keyboard.press(key)
        assert await page.evaluate("document.activeElement.id") == "yingda-widget"
    assert await widget.input.evaluate("(input) => getComputedStyle(input).fontSize") == "16px"
    for tool in await page.locator(".panel button:visible").all():
        size = await tool.bounding_box()
        assert size is not None
        assert size["height"] >= 35
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.get_by_role("button", name="Close chat").tap()
    await expect(widget.panel).to_be_hidden()
    assert await page.evaluate("document.documentElement.style.overflow") == ""


CONTRASTS = """() => {
  const root = document.querySelector('#yingda-widget').shadowRoot;
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const over = (top, below) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
  };
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      layers.push(parse(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const channel = (value) => {
    const part = value / 255;
    return part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map(channel);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const says = (node) => Array.from(node.childNodes).some(
    (child) => child.nodeType === 3 && child.textContent.trim());
  const found = [];
  for (const node of root.querySelectorAll('.panel *')) {
    if (!says(node) || !node.offsetParent || node.closest('.sr')) continue;
    const below = ground(node);
    const text = over(parse(getComputedStyle(node).color), below);
    const [low, high] = [light(text), light(below)].sort((a, b) => a - b);
    const name = node.className || node.tagName;
    found.push([name, node.textContent.trim().slice(0, 30), (high + .05) / (low + .05)]);
  }
  return found;
}"""


@pytest.mark.parametrize("accent", ["#2457d6", "#ffd400", "#f4f4f4"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_word_can_be_read(chromium: Browser, accent: str, scheme: Any) -> None:
    async with Shop(accent=accent) as shop:
        page = await chromium.new_page(color_scheme=scheme)
        await page.goto(f"{shop.url}/site")
        widget = Widget(page)
        await widget.open()
        await widget.say("see https://qingchuan.example")
        await expect(widget.bubbles).to_have_count(3)
        shop.say("ok", choices=(QuickReply(title="Yes", payload="/y"),), article="a")
        await expect(widget.choices).to_have_count(1)
        await shop.stop()
        await widget.say("waiting")
        await expect(widget.notice).to_be_visible()
        dark = "(root) => root.classList.contains('dark')"
        assert await widget.root.evaluate(dark) == (scheme == "dark")
        contrasts = await page.evaluate(CONTRASTS)
    assert len(contrasts) > 12
    too_faint = [entry for entry in contrasts if entry[2] < 4.5]
    assert too_faint == []


async def test_the_theme_can_be_fixed(visit: OpenPage) -> None:
    widget = await visit("/site?theme=dark", color_scheme="light")
    await expect(widget.root).to_have_class("root dark")
    widget = await visit("/site?theme=light", color_scheme="dark")
    await expect(widget.root).to_have_class("root")
    widget = await visit("/site", color_scheme="light")
    await widget.page.emulate_media(color_scheme="dark")
    await expect(widget.root).to_have_class("root dark")


async def test_hostile_text_is_text(visit: OpenPage, shop: Shop) -> None:
    widget = await visit()
    await widget.open()
    hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>{{7*7}}'
    await widget.say(hostile)
    await expect(widget.own).to_have_text([hostile])
    shop.say(
        "javascript:alert(1) https://ok.example/a?b=1&c=<d> 见https://中文.example/路径。 "
        "http://x.example/(y) data:text/html,x " + "long" * 500,
        kind=MessageKind.AGENT,
        author='<b onclick="x">Lin</b>',
        choices=(QuickReply(title="<i>Yes</i>", payload="/y"),),
        article="../../<x>",
    )
    await expect(widget.choices).to_have_text(["<i>Yes</i>"])
    links = await widget.page.locator(".bubble a").evaluate_all(
        "(links) => links.map((a) => [a.textContent, a.href, a.rel, a.target])"
    )
    assert [link[0] for link in links] == [
        "https://ok.example/a?b=1&c=",
        "https://中文.example/路径",
        "http://x.example/(y)",
    ]
    assert all(link[1].startswith(("https://", "http://")) for link in links)
    assert {(link[2], link[3]) for link in links} == {("noopener noreferrer nofollow", "_blank")}
    assert await widget.page.evaluate("window.hacked") is None
    assert (
        await widget.page.locator("#yingda-widget .log").evaluate(
            "(log) => log.querySelectorAll('img, script, b, i').length"
        )
        == 0
    )
    assert await widget.page.locator(".scroller").evaluate(
        "(box) => box.scrollWidth <= box.clientWidth"
    )


async def test_files_go_up_with_a_message(visit: OpenPage, shop: Shop, tmp_path: Path) -> None:
    widget = await visit()
    await widget.open()
    buffer = io.BytesIO()
    Image.new("RGB", (600, 400), "navy").save(buffer, "PNG")
    page = widget.page
    files: list[FilePayload] = [
        {"name": "photo.png", "mimeType": "image/png", "buffer": buffer.getvalue()},
        {"name": "setup.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"},
        {"name": "fake.pdf", "mimeType": "application/pdf", "buffer": b"MZ\x90 no PDF"},
        {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""},
    ]
    await page.set_input_files("input[type=file]", files=files)
    drafts = page.locator(".draft")
    # What is refused is told and leaves no card that would have to be removed.
    hint = page.locator(".hint")
    for words in ("setup.exe: This kind", "fake.pdf: This kind", "empty.txt: The file is empty"):
        await expect(hint).to_contain_text(words)
    await expect(drafts).to_have_count(1)
    await expect(drafts).not_to_have_class("draft is-failed")
    await expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    await widget.say("with a photo")
    await until(lambda: len(shop.kept) == 1)
    (message,) = shop.kept.values()
    assert [file.name for file in message.attachments] == ["photo.png"]
    picture = page.locator(".own .picture img")
    await expect(picture).to_have_count(1)
    await expect(picture).to_have_js_property("naturalWidth", 320)
    await expect(drafts).to_have_count(0)
    shop.say(
        "look", kind=MessageKind.AGENT, author="Lin", attachments=(await store_picture(shop),)
    )
    await page.get_by_role("button", name="View key-light.png").click()
    large = page.locator(".viewer img")
    await expect(large).to_have_js_property("naturalWidth", 900)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == "key-light.png"
    await page.keyboard.press("Escape")
    await expect(large).to_have_count(0)
    await expect(widget.panel).to_be_visible()
    shop.say("below the pictures")
    await page.reload()
    await widget.open()
    await expect(page.locator(".picture img")).to_have_count(2)
    await expect(widget.bubble("below the pictures")).to_be_in_viewport()


async def test_a_full_gateway_is_waited_for(visit: OpenPage, shop: Shop) -> None:
    shop.bench.sink.full = True
    widget = await visit()
    await widget.open()
    await widget.say("patience")
    await expect(widget.notice).to_contain_text("Very busy")
    shop.bench.sink.full = False
    await expect(widget.bubble("Answer to: patience")).to_have_count(1)
    await expect(widget.notice).to_be_hidden()


async def test_a_refused_message_can_be_tried_again_or_removed(
    visit: OpenPage, shop: Shop
) -> None:
    accept = shop.channel.accept

    async def refuse(visitor: object, frame: Any) -> None:
        raise FrameError(
            "file_expired", "upload it again", field="/x", client_msg_id=frame.client_msg_id
        )

    shop.channel.accept = refuse  # type: ignore[method-assign]
    widget = await visit()
    await widget.open()
    await widget.say("one")
    await widget.say("two")
    await expect(widget.page.locator(".own.is-failed")).to_have_count(2)
    await expect(widget.row("one").locator(".meta")).to_contain_text("please attach it again")
    await widget.row("one").get_by_role("button", name="Remove").click()
    await expect(widget.own).to_have_text(["two"])
    shop.channel.accept = accept  # type: ignore[method-assign]
    await widget.row("two").get_by_role("button", name="Try again").click()
    await expect(widget.bubble("Answer to: two")).to_have_count(1)
    assert shop.texts == ["two"]


async def test_a_customer_is_known_by_the_sites_word(visit: OpenPage, shop: Shop) -> None:
    signature = hmac.digest(SECRET.encode(), b"customer-42", "sha256").hex()
    anonymous = await visit("/site")
    await anonymous.open()
    await anonymous.say("who am I?")
    await expect(anonymous.bubble("Answer to: who am I?")).to_have_count(1)
    await anonymous.page.goto(f"{shop.url}/site?identifier=customer-42&hmac={signature}")
    known = Widget(anonymous.page)
    await known.open()
    await known.say("it is me")
    await expect(known.bubble("Answer to: it is me")).to_have_count(1)
    assert [message.verified for message in shop.kept.values()] == [False, True]
    await expect(known.own).to_have_text(["it is me"])
    stored = await known.page.evaluate("JSON.stringify(localStorage)")
    assert "id:customer-42:session" not in stored, "a shared computer keeps no key to a customer"
    await known.page.evaluate("Yingda.identify(null)")
    await expect(known.own).to_have_text(["who am I?"])
    elsewhere = await visit(f"/site?identifier=customer-42&hmac={signature}")
    await elsewhere.open()
    await expect(elsewhere.own).to_have_text(["it is me"])
    forged = await visit(f"/site?identifier=customer-43&hmac={signature}")
    await forged.open()
    await expect(forged.notice).to_contain_text("could not be confirmed")


async def test_the_page_can_open_close_and_translate(visit: OpenPage) -> None:
    widget = await visit()
    await widget.page.get_by_role("button", name="How do I get a refund?").click()
    await expect(widget.input).to_have_value("How do I get a refund?")
    await widget.page.evaluate("Yingda.setLanguage('zh-TW')")
    await expect(widget.page.get_by_role("heading", name="晴川線上客服")).to_be_visible()
    await expect(widget.bubbles).to_have_text(
        ["您好，我是晴川科技的智慧助理，請問有什麼可以幫您？"]
    )
    await expect(widget.input).to_have_attribute("placeholder", "輸入您的問題…")
    await expect(widget.root).to_have_attribute("lang", "zh-Hant")
    await widget.page.evaluate("Yingda.close()")
    await expect(widget.panel).to_be_hidden()
    await widget.page.reload()
    await expect(widget.launcher).to_have_attribute("aria-label", "開啟線上客服")


async def test_reading_back_is_not_disturbed(visit: OpenPage, shop: Shop) -> None:
    widget = await visit()
    await widget.open()
    await widget.say("start")
    await expect(widget.bubble("Answer to: start")).to_have_count(1)
    for at in range(30):
        shop.say(f"line {at}")
    await expect(widget.bubble("line 29")).to_be_in_viewport()
    scroller = widget.page.locator(".scroller")
    await scroller.evaluate("(box) => { box.scrollTop = 0; }")
    await asyncio.sleep(0.2)
    shop.say("news at the end")
    jump = widget.page.get_by_role("button", name="New messages")
    await expect(jump).to_be_visible()
    assert await scroller.evaluate("(box) => box.scrollTop") == 0
    assert outgoing(shop)[-1].state is not MessageState.READ
    await jump.click()
    await expect(widget.bubble("news at the end")).to_be_in_viewport()
    await until(lambda: outgoing(shop)[-1].state is MessageState.READ)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_and_the_widget_are_accessible(
    visit: OpenPage, shop: Shop, scheme: str
) -> None:
    if not AXE.exists():
        reason = "axe-core is not installed (make console; it needs npm)"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    widget = await visit("/demo?lang=en", color_scheme=scheme, bypass_csp=True)
    faults = [f"closed: {fault}" for fault in await find_faults(widget.page)]
    await widget.open()
    await widget.say("hi")
    await expect(widget.bubble("Answer to: hi")).to_have_count(1)
    shop.say("Look", choices=(QuickReply(title="Yes", payload="/yes"),), article="invoice")
    await expect(widget.choices).to_have_text(["Yes"])
    faults += [f"open: {fault}" for fault in await find_faults(widget.page)]
    await widget.page.get_by_role("button", name="Language").click()
    faults += [f"menu: {fault}" for fault in await find_faults(widget.page)]
    assert not faults, "\n".join(faults)
