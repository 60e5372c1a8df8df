"""The console's page for mail that waits for a decision, in a browser."""

from playwright.async_api import expect

from channels.contract import Discard
from channels.letters import Author, Doubt
from tests.accessibility import find_faults
from tests.gateway.http.place import OpenConsole, Place

STRANGER = Author(address="zhao@elsewhere.example", name="赵六", stranger=True)


async def test_what_comes_is_counted_by_push_and_decided_on_the_page(
    desk: Place, sign_in: OpenConsole
) -> None:
    page = await sign_in("ada", "held")
    await expect(page.get_by_test_id("held-count")).to_have_count(0)
    await desk.customer_writes("忘了")
    await desk.customer_writes("我是她的同事", author=STRANGER, subject="Re: 登录")
    await desk.customer_writes("", handle="x@y.example", doubt=Doubt.UNREADABLE)
    await expect(page.get_by_test_id("held-count")).to_have_text("2")
    rows = page.get_by_test_id("held-item")
    await expect(rows).to_have_count(2)
    stranger = rows.filter(has_text="赵六")
    await expect(stranger).to_contain_text("我是她的同事")
    assert await find_faults(page) == []
    await stranger.get_by_test_id("held-join").click()
    await expect(rows).to_have_count(1)
    await rows.get_by_test_id("held-discard").click()
    await rows.get_by_test_id("discard-reason").fill("spam")
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(0)
    await expect(page.get_by_test_id("held-count")).to_have_count(0)


async def test_an_operator_sees_what_is_not_shown_and_the_balance(
    desk: Place, sign_in: OpenConsole
) -> None:
    lost = Discard(inbox_id="site", external_id="<a@x> 1", reason="loop", raw="ab")
    await desk.store.write(lambda uow: uow.discards.add(lost, now=desk.now()))
    page = await sign_in("ada", "held")
    await page.get_by_test_id("held-tab-discarded").click()
    await expect(page.get_by_test_id("discarded-row")).to_contain_text("Loop")
    assert await find_faults(page) == []
    await page.get_by_test_id("held-tab-balance").click()
    await expect(page.get_by_role("button", name="Balance")).to_have_attribute(
        "aria-pressed", "true"
    )
