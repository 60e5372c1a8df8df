"""Where a language model words an answer, and what becomes of the turn when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from typing_extensions import override

from bot.contract import BotState, Decision, Handoff, Line, Reply, Speaker
from bot.engine import CatalogueBot
from bot.grounding import Grounded
from bot.recognise import Recogniser
from bot.wording import Asked, Worded
from intents.model import Catalogue, Language
from tests.bot.conftest import Tickets, turn

SAID = Grounded(text="纸卡住时打开后盖，取出纸张。", slugs=("printers",))
# No intent of the small catalogue is about printers, an article is.
JAM = "打印机卡纸怎么办"


class Scripted:
    """Words what the test says."""

    def __init__(self, answer: Grounded | None, note: str = "language model: answered") -> None:
        self.worded = Worded(note=note, answer=answer)
        self.asked: list[Asked] = []

    async def answer(self, asked: Asked) -> Worded:
        self.asked.append(asked)
        return self.worded


Making = Callable[[Scripted], CatalogueBot]


@pytest.fixture
def make(catalogue: Catalogue, recogniser: Recogniser) -> Making:
    return lambda wording: CatalogueBot(catalogue, recogniser, Tickets(), wording=wording)


def reply(decision: Decision) -> Reply:
    assert isinstance(decision, Reply)
    return decision


async def test_an_article_is_answered_in_the_models_words_with_its_source(make: Making) -> None:
    wording = Scripted(SAID)
    said = reply(await make(wording).respond(turn(JAM)))
    (message,) = said.messages
    assert message.text == (
        "纸卡住时打开后盖，取出纸张。\n\n来源：打印机卡纸\n（由语言模型根据上面的文章整理）"
    )
    assert (message.article, message.worded) == ("printers", True)
    assert [choice.payload for choice in message.choices] == [
        "/helped/printers",
        "/not_helped/printers",
    ]
    assert said.understanding.note == "language model: answered"
    assert said.state.said == "/article/printers"
    (asked,) = wording.asked
    assert (asked.text, asked.language) == (JAM, Language.ZH_HANS)
    assert {source.slug for source in asked.sources} == {"printers"}
    assert "打开后盖" in asked.sources[0].text


async def test_without_an_answer_that_holds_the_passage_answers(make: Making) -> None:
    wording = Scripted(None, "language model: no answer within 6 s")
    said = reply(await make(wording).respond(turn(JAM)))
    plain = reply(await make(Scripted(None)).respond(turn(JAM)))
    assert said.messages == plain.messages
    assert said.messages[0].text.startswith("打开后盖，取出纸张。")
    assert not said.messages[0].worded
    assert "within 6 s" in said.understanding.note


@pytest.mark.parametrize("text", ["怎么退款", "你好", "转人工", "今天天气怎么样", "查工单进度"])
async def test_nothing_else_is_sent_to_a_model(make: Making, text: str) -> None:
    wording = Scripted(SAID)
    await make(wording).respond(turn(text))
    assert wording.asked == []


async def test_a_pressed_article_answers_as_it_stands(make: Making) -> None:
    wording = Scripted(SAID)
    pressed = turn("打印机卡纸", payload="/article/printers", language=Language.ZH_HANS)
    await make(wording).respond(pressed)
    assert wording.asked == []


async def test_a_follow_up_goes_on_about_the_article(make: Making) -> None:
    wording = Scripted(SAID)
    bot = make(wording)
    first = reply(await bot.respond(turn(JAM)))
    lines = (
        Line(speaker=Speaker.CUSTOMER, text=JAM),
        Line(speaker=Speaker.BOT, text=first.messages[0].text),
    )
    wording.worded = Worded(note="", answer=Grounded(text="取出纸张即可。", slugs=("printers",)))
    after = turn("那之后要做什么呢", state=first.state, lines=lines)
    said = reply(await bot.respond(after))
    assert said.messages[0].text.startswith("取出纸张即可。")
    assert (said.state.said, said.state.repeats, said.state.misses) == ("/article/printers", 0, 0)
    assert wording.asked[-1].lines == lines
    # The same words again are a repeat, of which the third goes to a person.
    again = Line(speaker=Speaker.BOT, text=said.messages[0].text)
    repeated = turn("那之后要做什么呢", state=said.state, lines=(*lines, again))
    assert reply(await bot.respond(repeated)).state.repeats == 1


async def test_a_follow_up_goes_on_about_the_article_behind_an_intents_answer(
    make: Making,
) -> None:
    wording = Scripted(Grounded(text="七天内退回。", slugs=("refunds",)))
    state = BotState(said="refund", topic="refund", question="怎么退款", turns=1)
    said = reply(await make(wording).respond(turn("那手续费谁出呢", state=state)))
    assert said.messages[0].article == "refunds"
    assert wording.asked[0].sources[0].slug == "refunds"


async def test_a_follow_up_that_nothing_supports_goes_its_usual_way(make: Making) -> None:
    state = BotState(said="/article/printers", misses=1, missed_at=0, question=JAM, turns=2)
    asked = turn("那之后要做什么呢", state=state)
    plain = await make(Scripted(None, "")).respond(asked)
    assert isinstance(plain, Handoff)
    worded = reply(await make(Scripted(SAID)).respond(asked))
    assert worded.state.misses == 0


async def test_no_article_no_question(make: Making, catalogue: Catalogue) -> None:
    wording = Scripted(SAID)
    lost = turn("那之后要做什么呢", state=BotState(said="/article/gone", turns=1))
    await make(wording).respond(lost)
    english = turn("how do I clear a jam in the printer", language=Language.EN)
    await make(wording).respond(english)
    assert wording.asked == []


async def test_several_sources_are_listed_with_their_numbers(make: Making) -> None:
    both = Grounded(text="打开后盖[1]。点“申请退款”[2]。", slugs=("printers", "refunds"))
    said = reply(await make(Scripted(both)).respond(turn(JAM)))
    assert "\n[1] 来源：打印机卡纸\n[2] 来源：如何申请退款\n" in said.messages[0].text


async def test_traditional_readers_get_traditional_sources(make: Making) -> None:
    shown = replace(SAID, text="打開後蓋，取出紙張。")
    hant = turn("印表機卡紙怎麼辦", language=Language.ZH_HANT)
    said = reply(await make(Scripted(shown)).respond(hant))
    assert said.messages[0].text.endswith("（由語言模型根據上面的文章整理）")


async def test_a_turn_whose_time_is_up_ends_the_wording(make: Making) -> None:
    class Slow(Scripted):
        @override
        async def answer(self, asked: Asked) -> Worded:
            await asyncio.sleep(30)
            return self.worded

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await make(Slow(SAID)).respond(turn(JAM))
