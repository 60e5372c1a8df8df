"""The console in Chromium: drafts from conversations, a message for review, the model's page."""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.accessibility import find_faults
from tests.chat_server import chat_server
from tests.gateway.http.conftest import DIST
from tests.gateway.http.place import OpenConsole, Opener, Place
from tests.gateway.http.test_language_model import with_model
from tests.gateway.http.test_review import asked, solved


@pytest.fixture
async def desk(open_at: Opener, shop_models: Path) -> Place:
    """A place that serves the built console and the shop's catalogue."""
    if not (DIST / "index.html").exists():
        assert not os.environ.get("CI"), "the console is not built"
        pytest.skip("the console is not built (make console; it needs npm)")
    opened = await open_at(console=DIST, models=shop_models)
    await opened.workbench.plant()
    return opened


async def test_what_agents_answered_becomes_a_draft(desk: Place, sign_in: OpenConsole) -> None:
    for handle in ("a", "b"):
        await solved(desk, "is the shop open on sunday", "Sundays we open from 10 to 16.", handle)
    await solved(desk, "can I park a caravan", "Behind the house.", "c")
    page = await sign_in("lee", "bot/review")
    await page.get_by_text("Suggested articles").click()
    cards = page.get_by_test_id("suggestion")
    await expect(cards).to_have_count(2)
    await expect(cards.first).to_contain_text("× 2")
    assert await find_faults(page) == []
    await cards.last.get_by_test_id("dismiss-suggestion").click()
    await expect(cards).to_have_count(1)
    await cards.first.get_by_test_id("draft-suggestion").click()
    await expect(page.get_by_test_id("title-en")).to_have_value("is the shop open on sunday")
    await expect(page.get_by_text("Conversation 2")).to_be_visible()
    await page.get_by_text("Conversation 1", exact=True).click()
    await expect(page.get_by_test_id("message").first).to_contain_text("open on sunday")
    await page.goto(page.url.partition("/inbox")[0] + "/bot/review")
    await page.get_by_text("Suggested articles").click()
    await expect(page.get_by_text("No suggestions yet")).to_be_visible()


async def test_an_agent_sends_a_message_to_the_review(desk: Place, sign_in: OpenConsole) -> None:
    message_id = await asked(desk, "refund my order", confidence=0.99)
    message = await desk.store.read(lambda uow: uow.messages.get(message_id))
    lee = await sign_in("lee", f"inbox/all/{message.conversation_id}")
    await lee.get_by_test_id("file-message").click()
    await lee.get_by_placeholder("For example: wrong answer").fill("answers another question")
    await lee.get_by_role("dialog").get_by_role("button", name="Send").click()
    await expect(lee.get_by_text("Sent to the review")).to_be_visible()
    await lee.goto(lee.url.partition("/inbox")[0] + "/bot/review")
    cluster = lee.get_by_test_id("cluster")
    await expect(cluster).to_contain_text("answers another question")
    await cluster.get_by_test_id("draft-article").click()
    await expect(lee.get_by_test_id("title-en")).to_have_value("refund my order")


async def test_an_administrator_tries_the_language_model(
    desk: Place, sign_in: OpenConsole
) -> None:
    page = await sign_in("ada", "administration/language-model")
    await expect(page.get_by_test_id("model-off")).to_contain_text("YINGDA_LLM_ANSWERS")
    async with chat_server() as server:
        with_model(desk, server)
        await page.reload()
        await page.get_by_test_id("model-try").click()
        await expect(page.get_by_test_id("model-tried")).to_contain_text("Answered")
        server.says("A refund arrives within 3 days [1].")
        await page.get_by_test_id("model-try").click()
        await expect(page.get_by_test_id("model-tried")).to_contain_text("the figure 3 day")
    rows = page.get_by_test_id("exchange")
    await expect(rows).to_have_count(2)
    await rows.first.get_by_role("button").click()
    await expect(rows.first).to_contain_text("[1] Refunds · A refund arrives within 7 days.")
    assert await find_faults(page) == []
