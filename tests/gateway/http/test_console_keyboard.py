"""The console without a pointer and without sight: focus, dialogs, announcements, tables."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.gateway.http.place import PASSWORD, OpenConsole, Place

HERE = """() => {
  const { dataset, className, role } = document.activeElement;
  return dataset.testid || role || String(className) || document.activeElement.tagName;
}"""


async def tab_to(page: Page, test_id: str, most: int = 40) -> list[str]:
    """Presses Tab until the element has the focus; what had it on the way."""
    way: list[str] = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        way.append(str(await page.evaluate(HERE)))
        if way[-1] == test_id:
            return way
    raise AssertionError(f"{test_id} is not reached: {way}")


async def test_from_signing_in_to_sending_by_keyboard(desk: Place, sign_in: OpenConsole) -> None:
    talks = [await desk.queued(f"matter {i}", handle=f"visitor {i}") for i in range(12)]
    page = await sign_in("ann")
    await page.context.clear_cookies()
    await page.goto(str(desk.server.make_url("/console/inbox/unassigned")))
    await expect(page.get_by_test_id("sign-in-email")).to_be_visible()
    await page.get_by_test_id("sign-in-email").blur()
    await tab_to(page, "sign-in-email", 6)
    await page.keyboard.type("ann@qingchuan.example")
    await tab_to(page, "sign-in-password", 3)
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("conversation-item")).to_have_count(12)

    way = await tab_to(page, "conversation-item")
    assert "skip" in way[0]
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(
        f"{desk.server.make_url('/console/inbox/unassigned/')}{talks[9].id}"
    )
    await expect(page.get_by_test_id("composer")).to_be_visible()
    way = await tab_to(page, "composer")
    assert "conversation-item" not in way  # one stop in the list, not twelve
    assert way.index("log") > way.index("claim")
    await page.keyboard.type("Good morning")
    way = await tab_to(page, "send", 6)
    await page.keyboard.press("Enter")
    await expect(page.locator('[data-kind="agent"]')).to_contain_text("Good morning")
    await expect(page.get_by_test_id("composer")).to_be_focused()


ADMINISTRATION = "administration/"
DIALOGS = {
    # What it is called: where it is, and which element or key opens it.
    "Search": ("inbox/all", "search", ""),
    "Keyboard shortcuts": ("inbox/all", "shortcuts-help", ""),
    "Search by key": ("inbox/all", "view-mine", "Control+k"),
    "Assign": ("CONVERSATION", "claim", "a"),
    "New agent": (ADMINISTRATION + "agents", "agent-add", ""),
    "New team": (ADMINISTRATION + "teams", "team-add", ""),
    "New inbox": (ADMINISTRATION + "inboxes", "inbox-add", ""),
    "New response": ("canned", "canned-add", ""),
    "Reset password": (ADMINISTRATION + "agents", "agent-reset", ""),
}


@pytest.mark.parametrize("name", DIALOGS)
async def test_a_dialog_keeps_the_focus_and_gives_it_back(
    desk: Place, sign_in: OpenConsole, name: str
) -> None:
    waiting = await desk.queued()
    path, opener, key = DIALOGS[name]
    page = await sign_in("ada", path.replace("CONVERSATION", f"inbox/all/{waiting.id}"))
    before = page.get_by_test_id(opener).first
    await before.focus()
    await page.keyboard.press(key or "Enter")
    dialog = page.locator('[role="dialog"][aria-modal="true"]:visible')
    await expect(dialog).to_have_count(1)
    await expect(dialog).to_have_accessible_name(re.compile(r"\S"))
    inside = "document.activeElement.closest('[role=dialog]') !== null"
    await page.wait_for_function(inside)
    await expect(dialog).to_be_in_viewport(ratio=0.9)
    for press in ["Tab"] * 25 + ["Shift+Tab"] * 30:
        await page.keyboard.press(press)
        assert await page.evaluate(inside), press
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(before).to_be_focused()


async def test_the_phones_menu_keeps_the_focus_and_gives_it_back(
    sign_in: OpenConsole,
) -> None:
    page = await sign_in("ada", viewport={"width": 390, "height": 844})
    before = page.get_by_test_id("tab-menu")
    await before.focus()
    await page.keyboard.press("Enter")
    inside = "document.activeElement.closest('[role=dialog]') !== null"
    await page.wait_for_function(inside)
    for _ in range(30):
        await page.keyboard.press("Tab")
        assert await page.evaluate(inside)
    await page.keyboard.press("Escape")
    await expect(page.locator('[role="dialog"]:visible')).to_have_count(0)
    await expect(before).to_be_focused()


async def test_every_message_is_announced_and_ones_own_are_not(
    desk: Place, sign_in: OpenConsole
) -> None:
    waiting = await desk.queued()
    page = await sign_in("ann", f"inbox/all/{waiting.id}")
    await expect(page.get_by_test_id("message")).to_have_count(1)
    await page.evaluate(
        """() => {
          window.heard = [];
          const region = document.querySelector('.shell > [aria-live=polite]');
          new MutationObserver((changes) => {
            for (const change of changes) {
              for (const node of change.addedNodes) heard.push(node.textContent);
            }
          }).observe(region, { childList: true, subtree: true, characterData: true });
        }"""
    )
    await desk.customer_writes("hello?")
    await desk.customer_writes("hello?")
    await page.get_by_test_id("composer").fill("I am here")
    await page.get_by_test_id("send").click()
    await expect(page.locator('[data-kind="agent"]')).to_have_count(1)
    lee = await desk.console("lee")
    await lee.post(f"/conversations/{waiting.id}/notes", {"text": "be kind"})
    await page.wait_for_function("heard.length >= 3")
    first, second, third = await page.evaluate("heard")
    assert first == second
    assert first.endswith(": hello?")
    assert third == "Private note, Lee: be kind"


async def test_tables_stay_tables_as_cards_on_a_phone(desk: Place, sign_in: OpenConsole) -> None:
    await desk.queued("My line is down")
    ada = await desk.console("ada")
    await ada.patch("/teams/first", {"name": "Front"})
    page = await sign_in("ada", viewport={"width": 390, "height": 844})
    session = await page.context.new_cdp_session(page)
    for path in ("tickets", *(f"administration/{name}" for name in ("agents", "teams", "audit"))):
        await page.goto(str(desk.server.make_url(f"/console/{path}")))
        await expect(page.locator("table")).to_be_visible()
        tree = await session.send("Accessibility.getFullAXTree")
        roles = [
            node["role"]["value"]
            for node in tree["nodes"]
            if not node.get("ignored") and "role" in node
        ]
        assert roles.count("table") == 1, path
        for part, role in (("tr", "row"), ("th", "columnheader"), ("td", "cell")):
            assert roles.count(role) == await page.locator(f"table {part}").count(), (path, role)
        declared = await page.locator("table :is(thead, tbody, tr, th, td)").evaluate_all(
            "(parts) => parts.every((part) => part.role)"
        )
        assert declared, path  # other browsers than this one need to be told
