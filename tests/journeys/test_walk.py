"""The whole walk in Chromium: a visitor asks, the bot answers, an agent takes over and back.

Screenshots go into the test's folder, and into `docs/` with `YINGDA_DOCS=1` in the environment.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.journeys.gateway import ADMIN, PASSWORD, ROOT, Administrator, GatewayProcess

pytestmark = pytest.mark.browser

CONSOLE = ROOT / "gateway" / "console" / "dist" / "index.html"
PATIENCE = 15_000  # ms, on a busy machine


@dataclass(frozen=True)
class Words:
    """What is said in one language."""

    tag: str
    locale: str
    question: str
    source: str
    wish: str
    holding: str
    answer: str
    thanks: str
    later: str


CHINESE = Words(
    tag="zh-Hans",
    locale="zh-CN",
    question="怎么开电子发票?",
    source="来源",
    wish="转人工",
    holding="同事",
    answer="您好,我是林晓,马上帮您查。",
    thanks="谢谢你",
    later="印章Key的保修期多久?",
)
ENGLISH = Words(
    tag="en",
    locale="en-GB",
    question="How do I reset my password?",
    source="Source",
    wish="I want to talk to a human",
    holding="colleague",
    answer="Hello, this is Lin. I am looking into it.",
    thanks="thank you so much",
    later="How long is the e-seal key under warranty?",
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A running gateway with the built console."""
    if not CONSOLE.exists():
        reason = "the console is not built (make console; it needs npm)"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    process = GatewayProcess(tmp_path_factory.mktemp("walk")).start()
    yield process
    assert process.terminate() == 0
    process.close()


class Visitor:
    """The widget on the demo page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def arrive(self, url: str, words: Words) -> None:
        await self.page.goto(f"{url}/demo?lang={words.tag}")
        await self.page.locator(".launcher").click()
        await expect(self.page.locator(".panel")).to_be_visible()

    async def say(self, text: str) -> None:
        box = self.page.locator("textarea")
        await box.fill(text)
        await box.press("Enter")

    def bubbles(self, text: str) -> Locator:
        return self.page.locator(".bubble", has_text=text)


class Desk:
    """The console."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def part(self, name: str) -> Locator:
        return self.page.get_by_test_id(name)

    async def sign_in(self, url: str, email: str = ADMIN, one_time: str = "") -> None:
        await self.page.goto(f"{url}/console/")
        await self.part("sign-in-email").fill(email)
        await self.part("sign-in-password").fill(one_time or PASSWORD)
        await self.part("sign-in-submit").click()
        if one_time:
            await self.part("first-name").fill("Lin Xiao")
            await self.part("new-password").fill(PASSWORD)
            await self.part("new-password-again").fill(PASSWORD)
            await self.part("new-password-submit").click()
        await expect(self.part("view-unassigned")).to_be_visible()

    async def open_first(self, view: str, text: str) -> None:
        await self.part(f"view-{view}").click()
        item = self.part("conversation-item").filter(has_text=text).first
        await item.click()
        await expect(self.part("message").first).to_be_visible()

    def messages(self, kind: str, text: str) -> Locator:
        return self.page.locator(f'[data-testid="message"][data-kind="{kind}"]', has_text=text)

    async def reply(self, text: str) -> None:
        await self.part("composer").fill(text)
        await self.part("send").click()


async def open_page(
    chromium: Browser, words: Words, *, width: int = 1280, bypass_csp: bool = False
) -> Page:
    context = await chromium.new_context(
        bypass_csp=bypass_csp,
        locale=words.locale,
        timezone_id="Asia/Shanghai",
        viewport={"width": width, "height": 860},
    )
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    return page


async def shoot(page: Page, folder: Path, name: str) -> None:
    """A screenshot for people; the README's when asked for."""
    path = folder / f"{name}.png"
    await page.screenshot(path=path, animations="disabled")
    if os.environ.get("YINGDA_DOCS"):
        (ROOT / "docs").mkdir(exist_ok=True)
        shutil.copy(path, ROOT / "docs" / path.name)


async def work_day_and_night(url: str) -> None:
    """Out of hours a wish for a person is met with the offer of a call-back."""
    week = [[{"start": "00:00", "end": "24:00"}]] * 7
    async with Administrator(url) as administrator:
        for team in (await administrator.call("GET", "/teams"))["items"]:
            change = {"hours": {"zone": "UTC", "week": week}}
            await administrator.call("PATCH", f"/teams/{team['id']}", change)


@pytest.mark.parametrize("words", [CHINESE, ENGLISH], ids=["zh-Hans", "en"])
async def test_from_the_visitor_to_an_agent_and_back(
    words: Words, gateway: GatewayProcess, chromium: Browser, tmp_path: Path
) -> None:
    expect.set_options(timeout=PATIENCE)
    await work_day_and_night(gateway.url)
    visitor = Visitor(await open_page(chromium, words))
    desk = Desk(await open_page(chromium, words, width=1440))
    await visitor.arrive(gateway.url, words)
    await visitor.say(words.question)
    await expect(visitor.bubbles(words.source)).to_have_count(1)
    await visitor.say(words.wish)
    await expect(visitor.bubbles(words.holding).last).to_be_visible()

    await desk.sign_in(gateway.url)
    await desk.open_first("unassigned", "")
    await expect(desk.messages("customer", words.question)).to_be_visible()
    await expect(desk.messages("bot", words.source).first).to_be_visible()
    await desk.part("claim").click()
    await expect(desk.part("hand-back")).to_be_visible()
    await desk.reply(words.answer)
    await expect(visitor.bubbles(words.answer)).to_have_count(1)
    await expect(desk.messages("agent", words.answer)).to_have_count(1)

    # While a person has it, the bot is silent, even to what it could answer.
    await visitor.say(words.later)
    await expect(desk.messages("customer", words.later)).to_be_visible()
    await visitor.say(words.thanks)
    await expect(desk.messages("customer", words.thanks)).to_be_visible()
    await expect(visitor.bubbles(words.source)).to_have_count(1)
    name = "console" if words is CHINESE else f"console-{words.tag}"
    await shoot(desk.page, tmp_path, name)
    await shoot(visitor.page, tmp_path, "widget" if words is CHINESE else f"widget-{words.tag}")

    # Handed back, it answers again; solved, the next message opens the work anew.
    await desk.part("hand-back").click()
    await expect(desk.part("claim")).to_be_visible()
    await visitor.say(words.later)
    await expect(visitor.bubbles(words.source)).to_have_count(2)
    await desk.part("claim").click()
    await expect(desk.part("solve")).to_be_enabled()
    await desk.part("solve").click()
    await expect(desk.part("reopen")).to_be_visible()

    # On return the visitor finds the whole conversation.
    await visitor.page.reload()
    await visitor.page.locator(".launcher").click()
    await expect(visitor.bubbles(words.answer)).to_have_count(1)
    await expect(visitor.bubbles(words.source)).to_have_count(2)


async def test_two_agents_see_one_ticket_and_one_gets_it(
    gateway: GatewayProcess, chromium: Browser
) -> None:
    expect.set_options(timeout=PATIENCE)
    async with Administrator(gateway.url) as administrator:
        teams = await administrator.call("GET", "/teams")
        added = await administrator.call(
            "POST",
            "/agents",
            {
                "email": "lin@example.com",
                "name": "Lin Xiao",
                "role": "agent",
                "language": "en",
                "team_ids": [team["id"] for team in teams["items"]],
            },
        )
    visitor = Visitor(await open_page(chromium, ENGLISH))
    await visitor.arrive(gateway.url, ENGLISH)
    await visitor.say(ENGLISH.wish)
    await expect(visitor.bubbles(ENGLISH.holding).last).to_be_visible()
    lin = Desk(await open_page(chromium, ENGLISH, width=1440))
    await lin.sign_in(gateway.url, "lin@example.com", added["one_time_password"])
    other = Desk(await open_page(chromium, ENGLISH, width=1440))
    await other.sign_in(gateway.url)
    for desk in (lin, other):
        await desk.open_first("unassigned", "")
    await lin.part("claim").click()
    await expect(lin.part("hand-back")).to_be_visible()
    # The other screen learns who has it without a reload.
    await expect(other.part("controller")).to_contain_text("Lin Xiao")
    await other.part("shortcuts-help").click()
    await expect(other.part("shortcuts-sheet")).to_be_visible()
