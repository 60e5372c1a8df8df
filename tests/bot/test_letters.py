"""Letters: the questions in them, and when the bot answers."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contract import BotState, Customer, Decision, Desk, Handoff, HandoffReason, Reply
from bot.engine import CatalogueBot
from bot.letters import MOST, questions_of
from bot.phrases import is_thanks
from bot.plans import BotSettings
from bot.recognise import Recogniser
from intents.model import Catalogue, Language
from tests.bot.conftest import TICKET, Tickets, turn

DUE = 1_795_600_000_000  # 2026-11-25 17:46 in Shanghai
LONG = "我从 2019 年起就是贵公司的客户，一直很满意。" * 15


@pytest.fixture(scope="module")
def clerk(shipped: Catalogue, shipped_recogniser: Recogniser) -> CatalogueBot:
    settings = BotSettings(help_url="https://help.example/help/{slug}")
    return CatalogueBot(shipped, shipped_recogniser, Tickets(TICKET), settings)


async def answer(
    clerk: CatalogueBot,
    text: str,
    subject: str = "",
    *,
    name: str = "",
    state: BotState | None = None,
) -> Decision:
    asked = replace(
        turn(text, channel="mail", state=state),
        letter=True,
        subject=subject,
        customer=Customer(name=name),
        desk=Desk(open=True, due={"general": DUE, "important": DUE}),
    )
    return await clerk.respond(asked)


@pytest.mark.parametrize(
    ("text", "subject", "first"),
    [
        ("您好！\n请问怎么开发票？\n谢谢！\n此致\n敬礼", "", "请问怎么开发票？"),
        ("Dear team,\n\nHow do I pay?\n\nBest regards,\nMary", "Hi", "How do I pay?"),
        ("如题", "怎么修改绑定手机", "如题"),
        ("", "How do I pay by card?", "How do I pay by card?"),
    ],
)
def test_the_question_is_found(text: str, subject: str, first: str) -> None:
    assert questions_of(subject, text)[0] == first


def test_a_long_letter_is_asked_by_its_questions() -> None:
    found = questions_of("发票", f"{LONG}\n请问怎么开发票？")
    assert found[0] == "请问怎么开发票？"
    assert "发票 请问怎么开发票？" in found


@pytest.mark.parametrize("subject", ["问题", "Help!", "hi", ""])
def test_an_empty_subject_asks_nothing(subject: str) -> None:
    assert questions_of(subject, "谢谢") == ()


@given(st.text(max_size=3000), st.text(max_size=300))
def test_any_letter_is_read_in_bounds(text: str, subject: str) -> None:
    found = questions_of(subject, text)
    assert len(found) <= MOST
    assert all(0 < len(one) <= 500 for one in found)


def test_hostile_letters_cost_what_their_length_costs() -> None:
    began = time.perf_counter()
    for text in ("您好，" * 2000, "dear " * 2000, "a. A" * 2000, "谢谢 " * 3000, "? " * 5000):
        questions_of(text, text)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("text", "thanks"),
    [
        ("谢谢！", True),
        ("好的，谢谢您的帮助。", True),
        ("非常感謝", True),
        ("Thank you for your help.\nBest regards", True),
        ("👍", True),
        ("谢谢，但是还是不行", False),
        ("thanks but it does not work", False),
        ("没有收到", False),
        ("best", False),
        ("", False),
    ],
)
def test_thanks_are_told_from_what_asks_on(text: str, *, thanks: bool) -> None:
    assert is_thanks(text) is thanks


async def test_a_known_question_is_answered_in_full(clerk: CatalogueBot) -> None:
    said = await answer(clerk, f"您好：\n{LONG}\n我忘记了登录密码，请问怎么重置？", name="王芳")
    assert isinstance(said, Reply)
    (letter,) = said.messages
    greeting, *_, footer = letter.text.split("\n\n")
    assert greeting == "王芳，您好："
    assert "https://help.example/help/reset-password" in letter.text
    assert "直接回复本邮件" in footer
    assert letter.choices == ()
    assert letter.article == "reset-password"
    assert said.state.turns == 1
    assert said.state.offered == ()


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("請問忘記登入密碼怎麼重設？", Language.ZH_HANT, "直接回"),
        ("How do I reset my password?", Language.EN, "just reply to this mail"),
    ],
)
async def test_letters_are_in_the_customers_language(
    clerk: CatalogueBot, text: str, language: Language, words: str
) -> None:
    said = await answer(clerk, text)
    assert isinstance(said, Reply)
    assert said.language is language
    assert words in said.messages[0].text


@pytest.mark.parametrize(
    ("text", "subject", "reason"),
    [
        ("我们想与贵司谈谈广告合作。", "合作", HandoffReason.LOW_CONFIDENCE),
        ("1. 怎么修改手机号？\n2. 怎么开发票？", "", HandoffReason.LOW_CONFIDENCE),
        ("你们的服务太差了，我要投诉！", "", HandoffReason.COMPLAINT),
        ("请问怎么开发票？不要机器人，转人工", "", HandoffReason.WISH),
        ("我的工单 10023 处理得怎么样了？", "", HandoffReason.LOW_CONFIDENCE),
        ("你好", "", HandoffReason.LOW_CONFIDENCE),
    ],
)
async def test_the_rest_is_acknowledged_with_a_time(
    clerk: CatalogueBot, text: str, subject: str, reason: HandoffReason
) -> None:
    said = await answer(clerk, text, subject)
    assert isinstance(said, Handoff)
    assert said.reason is reason
    (letter,) = said.messages
    assert letter.text.startswith("您好：\n\n")
    assert "2026-11-25 17:46 (UTC+8)" in letter.text
    assert letter.choices == ()
    assert said.subject == subject or not subject


async def test_without_hours_no_time_is_promised(clerk: CatalogueBot) -> None:
    asked = replace(turn("我们想谈谈广告合作"), letter=True)
    said = await clerk.respond(asked)
    assert "前答复" not in said.messages[0].text
    assert "已收到" in said.messages[0].text


async def test_an_answer_to_the_bots_letter_goes_to_people(clerk: CatalogueBot) -> None:
    first = await answer(clerk, "请问怎么开发票？")
    assert isinstance(first, Reply)
    again = await answer(clerk, "请问怎么开发票？我没有看懂", state=first.state)
    assert isinstance(again, Handoff)
    assert again.reason is HandoffReason.WISH


async def test_thanks_for_the_bots_letter_need_no_answer(clerk: CatalogueBot) -> None:
    first = await answer(clerk, "请问怎么开发票？")
    thanks = await answer(clerk, "好的，谢谢！", state=first.state)
    assert isinstance(thanks, Reply)
    assert thanks.messages == ()
    assert thanks.state == first.state


@pytest.mark.parametrize(
    "name", ["http://evil.example", "Buy now: cheap!", "<b>x</b>", "a@b.example", "王" * 300]
)
async def test_a_name_that_is_none_is_not_repeated(clerk: CatalogueBot, name: str) -> None:
    said = await answer(clerk, "请问怎么开发票？", name=name)
    assert name not in said.messages[0].text
