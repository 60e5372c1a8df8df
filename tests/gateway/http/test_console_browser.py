"""The built console in Chromium over a real server: what no other test drives by hand."""

import pytest
from playwright.async_api import FilePayload, expect

from channels.contract import InboundMessage
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
