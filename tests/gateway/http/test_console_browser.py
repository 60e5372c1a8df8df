"""The built console in Chromium over a real server: what no other test drives by hand."""

import asyncio
import io
import re
from dataclasses import replace

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Route, expect

from channels.contract import Attachment, InboundMessage
from gateway.services.wire import encode_inbound
from tests.accessibility import find_faults
from tests.gateway.http.place import OpenConsole, Place

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


async def test_a_dead_letter_is_read_and_queued_again(desk: Place, sign_in: OpenConsole) -> None:
    bus = desk.parts.bus
    payload = encode_inbound(
        InboundMessage(
            inbox_id="site", handle="v", external_id="1", text="lost words", received_at=1
        )
    )
    await bus.append("site\x1fv\x1f", payload)
    (entry,) = await bus.take(1)
    await bus.bury(entry, "the inbox is gone")
    page = await sign_in("ada", "operations")

    letter = page.get_by_test_id("dead-letter")
    await expect(letter).to_contain_text("lost words")
    await expect(letter).to_contain_text("the inbox is gone")
    await letter.get_by_test_id("requeue").click()
    await expect(page.get_by_text("No dead letters")).to_be_visible()
    (again,) = await bus.take(1)
    assert again.payload == payload


@pytest.mark.parametrize("place_of_work", ["conversation", "operations"])
async def test_a_failed_answer_is_sent_again(
    desk: Place, sign_in: OpenConsole, place_of_work: str
) -> None:
    conversation = await desk.customer_writes("hello", inbox_id="shop")
    ada = await desk.console("ada")
    sent = await ada.post(f"/conversations/{conversation.id}/messages", {"text": "Good morning"})
    await desk.fail(sent.json["id"], "the address is unknown")
    path = "operations" if place_of_work == "operations" else f"inbox/all/{conversation.id}"
    page = await sign_in("ada", path)
    shown = page.locator(
        '[data-testid="failed-message"], [data-testid="message"][data-state="failed"]'
    )
    await expect(shown).to_contain_text("the address is unknown")
    await shown.get_by_test_id("resend").click()
    await expect(shown).to_have_count(0)
    message = await desk.store.read(lambda uow: uow.messages.get(sent.json["id"]))
    assert message.state.value == "pending"


async def test_attention_is_called_to_what_comes_while_looking_elsewhere(
    desk: Place, sign_in: OpenConsole
) -> None:
    page = await sign_in("ann")
    await page.context.grant_permissions(["notifications"])
    await page.evaluate(
        """() => {
          localStorage.setItem('yingda.notify', 'on');
          sessionStorage.clear();
        }"""
    )
    await page.add_init_script(
        """(() => {
          window.shown = []; window.tones = 0;
          const Real = window.Notification;
          window.Notification = class extends Real {
            constructor(title, options) { super(title, options); shown.push([title, options.body, this]); }
          };
          const start = OscillatorNode.prototype.start;
          OscillatorNode.prototype.start = function (at) { window.tones += 1; start.call(this, at); };
        })()"""  # noqa: E501
    )
    await page.reload()
    await expect(page.get_by_test_id("view-unassigned")).to_be_visible()
    await page.get_by_test_id("view-mine").click()  # no sound before a touch
    waiting = await desk.queued("My seal is broken")
    await expect(page).to_have_title("(1) Yingda")
    await page.wait_for_function("shown.length === 1")
    title, body = await page.evaluate("shown[0].slice(0, 2)")
    assert title.startswith("New ticket #")
    assert "My seal is broken" in body
    await expect(page.locator('[aria-live="polite"]', has_text="New ticket #")).to_have_count(1)
    assert await page.evaluate("tones") == 2
    await page.evaluate("shown[0][2].onclick()")
    await expect(page.get_by_test_id("message").first).to_be_visible()
    assert waiting.id in page.url


async def test_the_composer_holds_answers_to_the_channels_limits(
    desk: Place, sign_in: OpenConsole
) -> None:
    conversation = await desk.customer_writes("hello", inbox_id="site")
    page = await sign_in("ann", f"inbox/all/{conversation.id}")
    box, count = page.get_by_test_id("composer"), page.get_by_test_id("text-count")
    await box.fill("好" * 3000)
    await expect(count).to_have_count(0)
    await box.fill("好" * 4000)
    await expect(count).to_have_text("4,000 / 4,000")
    await expect(page.get_by_test_id("send")).to_be_enabled()
    await box.fill("好" * 4001)
    await expect(page.get_by_test_id("too-long")).to_contain_text("4,000 characters: 1 too many")
    await expect(page.get_by_test_id("send")).to_be_disabled()
    program: FilePayload = {
        "name": "setup.exe",
        "mimeType": "application/x-msdownload",
        "buffer": b"MZ",
    }
    await page.set_input_files("input[type=file]", files=program)
    await expect(page.get_by_test_id("file-refusal")).to_contain_text("setup.exe: This kind")
    await expect(page.get_by_test_id("file")).to_have_count(0)
    await box.fill("short")
    await expect(page.get_by_test_id("send")).to_be_enabled()


async def test_the_end_of_the_log_stays_in_sight_while_pictures_come(
    desk: Place, sign_in: OpenConsole
) -> None:
    for number in range(25):
        await desk.customer_writes(f"line {number}")
    known = await _picture(desk, width=400, height=400)
    unknown = await _picture(desk, width=None, height=None)
    held = await desk.customer_writes("look", attachments=(known, unknown))
    page = await sign_in("ann")
    come = asyncio.Event()

    async def hold(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await page.route(re.compile("/attachments/"), hold)
    await page.get_by_test_id("view-bot").click()
    await page.get_by_test_id("conversation-item").first.click()
    pictures = page.locator(".picture img")
    await expect(pictures).to_have_count(2)
    assert await pictures.first.evaluate("(e) => e.offsetHeight") == 220
    assert await page.locator(".picture").first.evaluate("(e) => e.offsetWidth") == 222
    at_end = "(e) => e.scrollHeight - e.scrollTop - e.clientHeight < 2"
    log = page.locator(".log")
    assert await log.evaluate(at_end)
    come.set()
    await page.wait_for_function(
        "[...document.querySelectorAll('.picture img')].every((i) => i.naturalWidth > 0)"
    )
    await page.wait_for_function(f"({at_end})(document.querySelector('.log'))")
    await desk.customer_writes("and here is more")
    newest = page.get_by_test_id("message").last
    await expect(newest).to_contain_text("and here is more")
    await expect(newest).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollHeight === innerHeight")
    await page.evaluate("scrollTo(0, 3000)")
    await expect(page.get_by_test_id("composer")).to_be_in_viewport()
    assert held.id in page.url


async def _picture(desk: Place, *, width: int | None, height: int | None) -> Attachment:
    content = io.BytesIO()
    Image.new("RGB", (400, 400), "teal").save(content, "PNG")
    blob = await desk.parts.blobs.put(content.getvalue())
    return Attachment(
        blob=blob,
        name="meter.png",
        mime="image/png",
        size=len(content.getvalue()),
        width=width,
        height=height,
        thumbnail=blob,
    )


async def test_one_note_follows_another_until_the_tab_is_changed(
    desk: Place, sign_in: OpenConsole
) -> None:
    conversation = await desk.queued("hello")
    page = await sign_in("ann", f"inbox/all/{conversation.id}")
    note = page.get_by_test_id("note-toggle")
    await note.click()
    for text in ("ask the plant", "they call back at four"):
        await page.get_by_test_id("composer").fill(text)
        await page.get_by_test_id("send").click()
        await expect(page.locator('[data-kind="note"]').last).to_contain_text(text)
    await expect(note).to_have_attribute("aria-selected", "true")
    await expect(page.locator('[data-kind="agent"]')).to_have_count(0)


async def test_a_channel_of_ones_own_is_set_up_in_chinese(
    desk: Place, sign_in: OpenConsole
) -> None:
    ada = await desk.console("ada")
    await ada.patch("/me", {"language": "zh-Hans"})
    page = await sign_in("ada", "administration/inboxes")
    await page.get_by_test_id("inbox-add").click()
    await page.get_by_test_id("inbox-name").fill("ERP")
    await page.get_by_test_id("inbox-kind").click()
    await page.get_by_role("option", name="API").click()
    await page.get_by_test_id("setting-callback_url").fill("http://erp.example/in")
    await page.get_by_test_id("inbox-save").click()
    await expect(page.locator(".el-form-item__error")).to_have_text("此项必填")
    await page.get_by_test_id("generate-signing_secret").click()
    made = (
        await page.get_by_test_id("made-signing_secret").get_by_test_id("secret-text").inner_text()
    )
    await page.get_by_test_id("inbox-save").click()
    await expect(page.locator(".el-form-item__error")).to_contain_text("请使用 https")
    await page.get_by_test_id("setting-callback_url").fill("https://erp.example/in")
    await page.get_by_test_id("inbox-save").click()
    address = page.get_by_test_id("address").get_by_test_id("secret-text")
    await expect(address).to_contain_text("/channels/api/")
    inbox_id = await page.get_by_test_id("inbox-id").get_by_test_id("secret-text").inner_text()
    stored = await desk.store.read(lambda uow: uow.inboxes.get(inbox_id))
    assert stored.secrets == {"signing_secret": made}
    await page.goto(str(desk.server.make_url("/console/administration/audit")))
    row = page.locator("tr", has=page.get_by_text("新增收件箱"))
    await expect(row).to_contain_text("接收答复的回调地址")
    await expect(row).not_to_contain_text("callback_url")


async def test_the_panel_shows_the_bots_card_and_one_state_of_the_ticket(
    desk: Place, sign_in: OpenConsole
) -> None:
    conversation = await desk.queued("我要退款")
    card = {
        "topic": "退款",
        "asked": ["我要退款"],
        "tried": [],
        "collected": {"order": "A-17"},
        "answers": [],
        "mood": "annoyed",
        "call_back": None,
        "customer": None,
    }
    ticket_id = str(conversation.ticket_id)
    await desk.store.write(
        lambda uow: uow.tickets.update(replace(uow.tickets.get(ticket_id), card=card))
    )
    page = await sign_in("ann", f"inbox/all/{conversation.id}")
    panel = page.get_by_role("complementary")
    for words in ("Topic", "Asked", "order: A-17", "Mood", "annoyed"):
        await expect(panel).to_contain_text(words)
    await page.get_by_test_id("solve").click()
    listed = panel.locator(".links").first
    await expect(listed).to_contain_text("Solved")
    await desk.customer_writes("still broken")
    await expect(listed).to_contain_text("Open")
    await expect(panel.locator("header").first).to_contain_text("Open")


async def test_a_phone_shows_one_thing_at_a_time(desk: Place, sign_in: OpenConsole) -> None:
    await desk.queued("My line is down")
    page = await sign_in("ada", **PHONE)
    await page.get_by_test_id("tab-unassigned").tap()
    await page.get_by_test_id("conversation-item").tap()
    await expect(page.get_by_test_id("phone-bar")).to_have_count(0)
    await page.get_by_test_id("panel-toggle").tap()
    await expect(page.get_by_role("complementary")).to_be_in_viewport()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("complementary")).to_have_count(0)
    await page.get_by_test_id("composer").fill("On my way")
    await page.get_by_test_id("send").tap()
    await expect(page.locator('[data-kind="agent"]')).to_contain_text("On my way")
    await page.get_by_test_id("back").tap()
    for tap in ("tab-menu", "nav-settings"):
        await page.get_by_test_id(tap).focus()
        await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("admin-audit")).to_be_visible()
    for path in ("inbox/all", "tickets", "canned", "operations", "administration/agents"):
        await page.goto(str(desk.server.make_url(f"/console/{path}")))
        await expect(page.locator("h1").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert await page.evaluate(
            "[...document.querySelectorAll('main *')].every((e) => e.closest('.tabs') ||"
            " e.getBoundingClientRect().right <= innerWidth + 1)"
        ), path


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_console_is_accessible(desk: Place, sign_in: OpenConsole, scheme: str) -> None:
    waiting = await desk.queued("My line is down")
    faults: list[str] = []
    page = await sign_in("ada", color_scheme=scheme)
    for path in (
        f"inbox/unassigned/{waiting.id}",
        "tickets",
        "canned",
        "operations",
        "administration/agents",
        "administration/inboxes",
        "administration/audit",
    ):
        await page.goto(str(desk.server.make_url(f"/console/{path}")))
        await page.wait_for_load_state("networkidle")
        faults += [f"{path}: {fault}" for fault in await find_faults(page)]
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_test_id("tab-menu").click()
    await expect(page.get_by_test_id("sign-out")).to_have_count(0)
    faults += [f"menu: {fault}" for fault in await find_faults(page)]
    await page.get_by_test_id("profile").click()
    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_test_id("sign-in-email")).to_be_visible()
    faults += [f"sign-in: {fault}" for fault in await find_faults(page)]
    assert not faults, "\n".join(faults)
