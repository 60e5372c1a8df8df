"""What agents write in the console is not lost, in Chromium over a real server."""

import asyncio
from typing import Any

from playwright.async_api import Dialog, Locator, Page, Route, expect

from gateway.domain.conversation import Conversation
from tests.gateway.http.place import OpenConsole, Place

MESSAGES = "**/api/v1/conversations/*/messages"


async def write(page: Page, text: str) -> None:
    await page.get_by_test_id("composer").fill(text)
    await page.keyboard.press("Control+Enter")


async def refuse(page: Page, status: int = 0) -> None:
    """From now on answers do not get through, or are refused with that status."""

    async def handle(route: Route) -> None:
        if route.request.method != "POST":
            await route.fallback()
        elif status:
            body = '{"code": "unavailable", "detail": "busy"}'
            await route.fulfill(status=status, body=body, content_type="application/problem+json")
        else:
            await route.abort()

    await page.route(MESSAGES, handle)


def outgoing(page: Page) -> Locator:
    return page.get_by_test_id("outgoing")


async def answers(place: Place, conversation: Conversation) -> list[str]:
    found = await place.store.read(lambda uow: uow.messages.page(conversation.id, limit=50))
    return [message.text for message in found if message.kind.value == "agent"]


async def test_an_answer_that_was_outrun_is_kept_and_can_be_edited(
    desk: Place, sign_in: OpenConsole
) -> None:
    waiting = await desk.queued()
    page = await sign_in("ann", f"inbox/all/{waiting.id}")
    await refuse(page)
    await write(page, "Your parcel left today")
    await expect(outgoing(page)).to_contain_text("The server cannot be reached.")
    await desk.customer_writes("Cancel it!")
    await expect(page.get_by_test_id("message").last).to_contain_text("Cancel it!")
    await page.unroute(MESSAGES)
    await page.get_by_test_id("outgoing-retry").click()
    await expect(outgoing(page)).to_contain_text("The customer wrote since.")
    await expect(outgoing(page)).to_contain_text("Your parcel left today")
    await page.get_by_test_id("composer").fill("or did it?")
    await page.get_by_test_id("outgoing-edit").click()
    box = page.get_by_test_id("composer")
    await expect(box).to_have_value("Your parcel left today\nor did it?")
    await expect(box).to_be_focused()
    await expect(outgoing(page)).to_have_count(0)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator('[data-kind="agent"]')).to_contain_text("or did it?")
    assert await answers(desk, waiting) == ["Your parcel left today\nor did it?"]


async def test_an_outrun_answer_is_sent_anyway_once(desk: Place, sign_in: OpenConsole) -> None:
    waiting = await desk.queued()
    page = await sign_in("ann", f"inbox/all/{waiting.id}")
    await refuse(page)
    await write(page, "It left today")
    await expect(page.get_by_test_id("outgoing-retry")).to_have_text("Try again")
    await desk.customer_writes("When?")
    await expect(page.get_by_test_id("message").last).to_contain_text("When?")
    await page.unroute(MESSAGES)
    await page.get_by_test_id("outgoing-retry").click()
    await expect(page.get_by_test_id("outgoing-retry")).to_have_text("Send anyway")
    await page.get_by_test_id("outgoing-retry").click()
    await expect(outgoing(page)).to_have_count(0)
    assert await answers(desk, waiting) == ["It left today"]


async def test_what_fails_while_looking_elsewhere_is_told_and_kept(
    desk: Place, sign_in: OpenConsole
) -> None:
    first = await desk.queued("first matter", handle="one")
    second = await desk.queued("second matter", handle="two")
    page = await sign_in("ann", f"inbox/all/{first.id}")
    arrived, going_on = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        if route.request.method != "POST":
            await route.fallback()
            return
        arrived.set()
        await going_on.wait()
        await route.fulfill(status=503, json={"code": "unavailable", "detail": "busy"})

    await page.route(MESSAGES, hold)
    await write(page, "Written with care")
    await arrived.wait()
    await page.locator(f'[data-id="{second.id}"]').click()
    await expect(page.get_by_test_id("message").first).to_contain_text("second matter")
    going_on.set()
    row = page.locator(f'[data-id="{first.id}"]')
    await expect(row.get_by_test_id("unsent")).to_have_text("Not sent")
    await expect(page.get_by_test_id("unsent-elsewhere")).to_contain_text("was not sent")

    asked: list[str] = []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.evaluate("setTimeout(() => location.reload(), 0)")
    await page.get_by_test_id("unsent-elsewhere").get_by_role("link").click()
    await expect(outgoing(page)).to_contain_text("Written with care")
    assert asked == ["beforeunload"]
    await page.unroute(MESSAGES)
    await page.get_by_test_id("outgoing-retry").click()
    await expect(page.locator('[data-kind="agent"]')).to_contain_text("Written with care")
    await expect(page.get_by_test_id("unsent")).to_have_count(0)
    assert await answers(desk, first) == ["Written with care"]


async def test_two_equal_answers_on_their_way_are_two(desk: Place, sign_in: OpenConsole) -> None:
    waiting = await desk.queued()
    page = await sign_in("ann", f"inbox/all/{waiting.id}")
    posts: list[Route] = []

    async def hold(route: Route) -> None:
        """Lets requests through, and the answers to them wait."""
        if route.request.method == "POST":
            posts.append(route)
        else:
            await route.fallback()

    await page.route(MESSAGES, hold)
    await write(page, "好")
    await write(page, "好")
    await expect(outgoing(page)).to_have_count(2)
    while len(posts) < 2:
        await asyncio.sleep(0.01)
    second = await posts[1].fetch()
    frames = page.get_by_test_id("conversation-item").filter(has_text="好")
    await expect(frames).to_have_count(1)  # the socket told of it
    await expect(outgoing(page)).to_have_count(2)
    await expect(page.locator('[data-kind="agent"]')).to_have_count(0)
    await posts[0].abort()
    await expect(page.get_by_test_id("outgoing-retry")).to_have_count(1)
    await posts[1].fulfill(response=second)
    await expect(outgoing(page)).to_have_count(1)
    await expect(page.locator('[data-kind="agent"]')).to_have_count(1)
    await page.unroute(MESSAGES)
    await page.get_by_test_id("outgoing-retry").click()
    await expect(page.locator('[data-kind="agent"]')).to_have_count(2)
    await expect(outgoing(page)).to_have_count(0)
    assert await answers(desk, waiting) == ["好", "好"]


async def test_a_reply_taken_back_does_not_take_a_note_along(
    desk: Place, sign_in: OpenConsole
) -> None:
    waiting = await desk.queued()
    page = await sign_in("ann", f"inbox/all/{waiting.id}")
    await refuse(page, 503)
    await write(page, "Dear customer")
    await expect(page.get_by_test_id("outgoing-edit")).to_be_visible()
    await page.get_by_test_id("note-toggle").click()
    await page.get_by_test_id("composer").fill("he is difficult")
    await page.get_by_test_id("outgoing-edit").click()
    await expect(page.get_by_test_id("composer")).to_have_value("Dear customer\nhe is difficult")
    await expect(page.get_by_test_id("note-toggle")).to_have_attribute("aria-selected", "true")


async def test_drafts_with_files_wait_for_their_writer(desk: Place, sign_in: OpenConsole) -> None:
    waiting = await desk.queued()
    path = f"inbox/all/{waiting.id}"
    page = await sign_in("ann", path)
    file: Any = {"name": "terms.txt", "mimeType": "text/plain", "buffer": b"the terms"}
    await page.set_input_files("input[type=file]", files=file)
    await expect(page.get_by_test_id("send")).to_be_enabled()
    await page.get_by_test_id("composer").fill("Between us")
    await page.reload()
    await expect(page.get_by_test_id("composer")).to_have_value("Between us")
    await expect(page.get_by_test_id("file")).to_contain_text("terms.txt")

    await page.get_by_test_id("profile").click()
    await page.get_by_test_id("sign-out").click()
    question = page.get_by_role("dialog", name="Sign out")
    await expect(question).to_contain_text("Drafts: 1")
    await question.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_test_id("composer")).to_have_value("Between us")
    await page.get_by_test_id("profile").click()
    await page.get_by_test_id("sign-out").click()
    await question.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_test_id("sign-in-email")).to_be_visible()
    kept = await page.evaluate("JSON.stringify(localStorage)")
    assert "Between us" not in kept


async def test_a_full_storage_does_not_break_the_composer(
    desk: Place, sign_in: OpenConsole
) -> None:
    first = await desk.queued("first matter", handle="one")
    second = await desk.queued("second matter", handle="two")
    page = await sign_in("ann", f"inbox/all/{first.id}")
    await page.evaluate(
        """() => {
          Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); };
        }"""
    )
    box = page.get_by_test_id("composer")
    await box.fill("Half a sentence")
    await page.locator(f'[data-id="{second.id}"]').click()
    await expect(box).to_have_value("")
    await write(page, "Good morning")
    await expect(page.locator('[data-kind="agent"]')).to_contain_text("Good morning")
    await page.locator(f'[data-id="{first.id}"]').click()
    await expect(box).to_have_value("Half a sentence")
