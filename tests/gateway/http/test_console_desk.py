"""The console in Chromium: a team's hours, key customers, who understands an inbox."""

from playwright.async_api import expect

from tests.accessibility import find_faults
from tests.gateway.http.place import OpenConsole, Place


async def test_hours_are_typed_refused_and_kept(desk: Place, sign_in: OpenConsole) -> None:
    page = await sign_in("ada", "administration/teams")
    await page.get_by_role("row", name="First line").get_by_role("button").click()
    monday = page.get_by_test_id("hours-day-0")
    await expect(monday).to_have_value("09:00–18:00")
    await monday.fill("9 to 5")
    await expect(page.get_by_text("Write it like 09:00–18:00")).to_be_visible()
    await monday.fill("13:00-12:00")
    await page.get_by_test_id("team-save").click()
    await expect(page.get_by_text("A stretch must end after it begins")).to_be_visible()
    await monday.fill("9:00-12:00, 13:00-18:00")
    await page.get_by_test_id("hours-add").click()
    await page.get_by_test_id("hours-date-0").fill("2026-10-01")
    assert await find_faults(page) == []
    await page.get_by_test_id("team-save").click()
    await expect(monday).to_be_hidden()

    ada = await desk.console("ada")
    hours = (await ada.get("/teams")).json["items"][0]["hours"]
    assert [each["start"] for each in hours["week"][0]] == ["09:00", "13:00"]
    assert hours["days"] == [{"date": "2026-10-01", "ranges": []}]
    await page.goto(page.url.replace("teams", "audit"))
    await expect(page.get_by_text("Mon 09:00–12:00, 13:00–18:00;").first).to_be_visible()
    await expect(page.get_by_text("2026-10-01 closed").first).to_be_visible()


async def test_a_leader_marks_a_key_customer(desk: Place, sign_in: OpenConsole) -> None:
    conversation = await desk.queued()
    page = await sign_in("lee", f"inbox/all/{conversation.id}")
    await page.get_by_test_id("contact-key").click()
    await expect(page.locator(".card .key")).to_have_text("Key customer")
    ann = await sign_in("ann", f"inbox/all/{conversation.id}")
    await expect(ann.locator(".card .key")).to_have_text("Key customer")
    await expect(ann.get_by_test_id("contact-key")).to_have_count(0)


async def test_a_recogniser_without_an_address_says_what_to_do(
    desk: Place, sign_in: OpenConsole
) -> None:
    page = await sign_in("ada", "administration/inboxes")
    await page.get_by_role("row", name="The site").get_by_test_id("inbox-edit").click()
    await page.get_by_test_id("inbox-recogniser").click()
    await page.get_by_role("option", name="Rasa server").click()
    await page.get_by_test_id("inbox-save").click()
    await expect(page.get_by_text("set YINGDA_RASA_URL")).to_be_visible()
