"""The whole bot: each reason for a hand-off, languages, sources, state; and any text at all."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from bot.contract import (
    ArticleFeedback,
    BotState,
    Decision,
    Handoff,
    HandoffReason,
    Line,
    Reply,
    Speaker,
)
from bot.engine import CatalogueBot
from bot.errors import BotError, ModelMissingError
from bot.plans import BotSettings
from bot.recognise import Recogniser
from intents.model import Catalogue, Language, Rule
from intents.text import to_traditional
from tests.bot.conftest import Tickets, turn, with_version

PLACEHOLDER = re.compile(r"\{[A-Za-z_][\w.-]*\}", re.A)
HANS, HANT, EN = Language.ZH_HANS, Language.ZH_HANT, Language.EN


def reply(decision: Decision) -> Reply:
    assert isinstance(decision, Reply), decision
    return decision


def handoff(decision: Decision) -> Handoff:
    assert isinstance(decision, Handoff), decision
    return decision


def titles(decision: Decision) -> list[str]:
    return [choice.title for message in decision.messages for choice in message.choices]


async def test_an_answer_with_its_source(bot: CatalogueBot) -> None:
    made = reply(await bot.respond(turn("怎么退款")))
    assert made.messages[0].text == "退款在7天内到账。请在订单页申请。\n\n来源：如何申请退款"
    assert made.messages[0].article == "refunds"
    assert made.language is HANS
    assert made.catalogue_version == bot.catalogue_version == "small"
    assert made.understanding.intent == "refund"
    assert made.state == BotState(
        turns=1,
        topic="refund",
        slots={"days": 7},
        offered=("/greet", "/helped/refunds", "/not_helped/refunds"),
        last="utter_refund",
        said="refund",
        question="怎么退款",
    )


async def test_feedback_on_an_answer_is_told_and_answered(bot: CatalogueBot) -> None:
    glad = reply(await bot.respond(turn("有帮助", payload="/helped/refunds", language=HANS)))
    assert glad.feedback == ArticleFeedback(slug="refunds", helped=True)
    assert glad.state.misses == 0
    assert titles(glad) == []
    sorry = reply(await bot.respond(turn("-", payload="/not_helped/refunds", language=EN)))
    assert sorry.feedback == ArticleFeedback(slug="refunds", helped=False)
    assert sorry.state.misses == 1
    assert titles(sorry) == ["Talk to a person"]
    inside = reply(await bot.respond(turn("-", payload="/helped/staff-notes", language=EN)))
    assert inside.feedback is None


async def test_traditional_and_english_answers(bot: CatalogueBot) -> None:
    hant = reply(await bot.respond(turn("請問怎麼退錢呢，我要退錢")))
    assert hant.language is HANT
    assert hant.messages[0].text == "退款在7天內到帳。請在訂單頁申請。\n\n來源：如何申請退款"
    english = reply(await bot.respond(turn("how do I get a refund", language=HANS)))
    assert english.language is EN
    assert english.messages[0].text.endswith("Source: Asking for a refund")


@pytest.mark.parametrize(
    ("text", "known", "lines", "expected"),
    [
        ("10023", HANT, (), HANT),
        ("10023", None, ("I need help",), EN),
        ("10023", None, ("請問一下",), HANT),
        ("10023", None, (), HANS),
        ("你好", HANT, (), HANT),
        ("hello there", HANT, (), EN),
        ("asdf qwerq", HANT, (), HANT),
        ("asdf qwerq", EN, (), EN),
        ("asdf qwerq", None, ("你好",), HANS),
        ("router bust", HANS, (), HANS),
        ("my order", HANS, (), EN),
    ],
)
async def test_language_of_the_answer(
    bot: CatalogueBot,
    text: str,
    known: Language | None,
    lines: tuple[str, ...],
    expected: Language,
) -> None:
    earlier = tuple(Line(speaker=Speaker.CUSTOMER, text=line) for line in lines)
    assert (await bot.respond(turn(text, language=known, lines=earlier))).language is expected


async def test_a_button_keeps_the_language(bot: CatalogueBot) -> None:
    made = await bot.respond(turn("Refund", payload="/refund", language=HANT))
    assert made.language is HANT
    assert made.understanding.intent == "refund"
    assert made.understanding.confidence == 1.0


async def test_hand_off_by_wish_tells_everything(bot: CatalogueBot) -> None:
    lines = (
        Line(speaker=Speaker.CUSTOMER, text="怎么退款"),
        Line(speaker=Speaker.BOT, text="退款在7天内到账。"),
        Line(speaker=Speaker.CUSTOMER, text="没收到\n钱"),
    )
    state = BotState(turns=2, misses=1, topic="refund", slots={"phone": "13800138000"})
    made = handoff(await bot.respond(turn("转人工", lines=lines, state=state)))
    assert made.reason is HandoffReason.WISH
    assert (made.kind, made.severity) == ("order", "general")
    assert made.summary == (
        "话题：申请退款\n"
        "客户问：怎么退款；没收到 钱；转人工\n"
        "机器人已回复：退款在7天内到账。\n"
        "已收集：days = 7；phone = 13800138000"
    )
    assert made.state == BotState(topic="refund", slots={"days": 7, "phone": "13800138000"})
    assert made.messages[0].text.startswith("好的")


async def test_summary_in_the_customers_language(bot: CatalogueBot) -> None:
    english = handoff(await bot.respond(turn("talk to a person")))
    assert english.summary.splitlines() == [
        "Asked: talk to a person",
        "The bot answered: nothing",
        "Collected: days = 7",
    ]
    hant = handoff(await bot.respond(turn("轉人工")))
    assert hant.summary.splitlines()[0] == "客戶問：轉人工"
    assert "機器人已回覆：無" in hant.summary


async def test_hand_off_by_complaint(bot: CatalogueBot) -> None:
    made = handoff(await bot.respond(turn("太差了我要投诉")))
    assert made.reason is HandoffReason.COMPLAINT
    assert (made.kind, made.severity) == ("complaint", "important")


async def test_hand_off_at_the_turn_cap(bot: CatalogueBot) -> None:
    assert reply(await bot.respond(turn("怎么退款", state=BotState(turns=11)))).state.turns == 12
    made = handoff(await bot.respond(turn("怎么退款", state=BotState(turns=12))))
    assert made.reason is HandoffReason.TURN_CAP
    assert made.state.turns == 0


async def test_hand_off_after_two_misses(bot: CatalogueBot) -> None:
    first = reply(await bot.respond(turn("zzz qqq")))
    assert first.state.misses == 1
    assert first.messages[0].text
    made = handoff(await bot.respond(turn("zzz qqq", state=first.state)))
    assert made.reason is HandoffReason.LOW_CONFIDENCE
    understood = reply(await bot.respond(turn("怎么退款", state=first.state)))
    assert understood.state.misses == 0
    courtesy = reply(await bot.respond(turn("你好", state=first.state)))
    assert courtesy.state.misses == 0
    assert courtesy.state.topic is None


@pytest.mark.parametrize(
    ("seconds", "last", "handed_over"),
    [
        (60, Speaker.BOT, True),
        (1200, Speaker.BOT, False),
        (60, Speaker.AGENT, False),
    ],
)
async def test_only_a_fresh_miss_counts(
    bot: CatalogueBot, seconds: int, last: Speaker, handed_over: bool
) -> None:
    first = reply(await bot.respond(replace(turn("zzz qqq"), now=1_000_000)))
    assert first.state.missed_at == 1_000_000
    again = replace(
        turn("qqq zzz", state=first.state, lines=(Line(speaker=last, text="?"),)),
        now=1_000_000 + seconds * 1000,
    )
    made = await bot.respond(again)
    assert isinstance(made, Handoff) is handed_over
    assert made.state.misses == (0 if handed_over else 1)


@pytest.mark.parametrize("text", ["不要转人工", "do not connect me to a human"])
async def test_who_wants_no_person_keeps_the_bot(bot: CatalogueBot, text: str) -> None:
    made = reply(await bot.respond(turn(text)))
    assert made.messages[0].text
    assert made.state.misses == 0
    more = reply(await bot.respond(turn("don't transfer me to an agent, I want a refund")))
    assert more.understanding.intent == "refund"


async def test_did_you_mean_then_a_typed_choice(
    catalogue: Catalogue, recogniser: Recogniser
) -> None:
    careful = BotSettings(accept=1.0, suggest=0.05, article_accept=1.0)
    bot = CatalogueBot(catalogue, recogniser, Tickets(), careful)
    asked = reply(await bot.respond(turn("退款什么时候能退到")))
    assert asked.state.misses == 1
    assert titles(asked)[-2:] == ["都不是", "转人工"]
    assert "申请退款" in titles(asked)
    number = titles(asked).index("申请退款") + 1
    made = reply(await bot.respond(turn(str(number), state=asked.state)))
    assert made.messages[0].article == "refunds"
    assert made.state.misses == 0


async def test_an_article_answers_when_the_recogniser_does_not(bot: CatalogueBot) -> None:
    made = reply(await bot.respond(turn("打印机卡纸怎么办")))
    assert made.messages[0].article == "printers"
    assert made.messages[0].text == "打开后盖，取出纸张。\n\n来源：打印机卡纸"
    assert made.state.misses == 0


async def test_ticket_status_asks_then_tells(bot: CatalogueBot) -> None:
    asked = reply(await bot.respond(turn("check my ticket")))
    assert asked.messages[0].text == "Please give me the ticket number (for example T-10023)."
    told = reply(await bot.respond(turn("T-10023", state=asked.state, language=EN)))
    assert told.messages[0].text == (
        'Ticket 10023 "Router drops out" is now: being worked on. '
        "Last change: 2026-11-02 16:00 (UTC+8)."
    )
    assert told.state.slots["ticket_number"] == "10023"
    lost = reply(await bot.respond(turn("工单T-99999", state=asked.state)))
    assert lost.messages[0].text == "在您名下没有找到这个工单，请核对编号。"
    assert "ticket_number" not in lost.state.slots


class BrokenTickets(Tickets):
    @override
    async def find_ticket(self, *, conversation_id: str, number: str) -> Mapping[str, str] | None:
        raise OSError("no store")


class SlowTickets(Tickets):
    @override
    async def find_ticket(self, *, conversation_id: str, number: str) -> Mapping[str, str] | None:
        await asyncio.sleep(30)
        return None


@pytest.mark.parametrize("context", [BrokenTickets(), SlowTickets()])
async def test_hand_off_when_an_action_fails_or_hangs(
    catalogue: Catalogue, recogniser: Recogniser, context: Tickets
) -> None:
    bot = CatalogueBot(catalogue, recogniser, context, BotSettings(action_seconds=0.2))
    await bot.warm()
    made = handoff(await bot.respond(turn("T-10023", language=EN)))
    assert made.reason is HandoffReason.ACTION
    assert "ticket_number = 10023" in made.summary
    assert made.messages[0].text


async def test_an_action_may_hand_over_after_words(
    catalogue: Catalogue, recogniser: Recogniser
) -> None:
    rules = (Rule(name="r", intent="refund", steps=("utter_refund", "action_handoff")),)
    bot = CatalogueBot(replace(catalogue, rules=rules), recogniser, Tickets())
    made = handoff(await bot.respond(turn("怎么退款")))
    assert made.reason is HandoffReason.WISH
    assert len(made.messages) == 2
    assert made.messages[0].article == "refunds"
    assert made.kind == "order"


@pytest.mark.parametrize("steps", [("action_nowhere",), ("utter_nowhere",)])
async def test_hand_off_when_the_catalogue_is_wrong(
    catalogue: Catalogue, recogniser: Recogniser, steps: tuple[str, ...]
) -> None:
    rules = (Rule(name="r", intent="refund", steps=steps),)
    bot = CatalogueBot(replace(catalogue, rules=rules), recogniser, Tickets())
    assert handoff(await bot.respond(turn("怎么退款"))).reason is HandoffReason.ACTION


async def test_what_breaks_is_a_bot_error(bot: CatalogueBot) -> None:
    with pytest.raises(BotError, match="could not be decided"):
        await bot.respond(turn("x", state=None, lines=(None,)))  # type: ignore[arg-type]


def test_a_model_of_another_catalogue_is_refused(
    catalogue: Catalogue, recogniser: Recogniser
) -> None:
    with pytest.raises(ModelMissingError, match="of catalogue small, not of other"):
        CatalogueBot(with_version(catalogue, "other"), recogniser, Tickets())


def test_greeting_and_holding_in_all_languages(shipped_bot: CatalogueBot) -> None:
    for language in Language:
        greeting = shipped_bot.greeting(language)
        assert greeting.text
        assert len(greeting.choices) >= 3
        for reason in HandoffReason:
            for letter in (False, True):
                asked = replace(turn("?", language=language), letter=letter)
                assert shipped_bot.holding_reply(reason, asked).text
    assert shipped_bot.greeting(HANT).text == to_traditional(shipped_bot.greeting(HANS).text)


async def test_every_answer_of_the_shipped_catalogue_in_every_language(
    shipped: Catalogue, shipped_bot: CatalogueBot
) -> None:
    sourced = 0
    for intent in shipped.intents:
        for language in Language:
            made = await shipped_bot.respond(
                turn("x", payload=f"/{intent.name}", language=language)
            )
            assert made.language is language
            texts = [m.text for m in made.messages] + titles(made)
            assert all(texts)
            assert not any(PLACEHOLDER.search(text) for text in texts)
            if language is HANT:
                assert all(text == to_traditional(text) for text in titles(made))
            sourced += any(message.article for message in made.messages)
    assert sourced >= 30 * len(Language)


async def test_every_button_of_the_shipped_catalogue_leads_somewhere(
    shipped: Catalogue, shipped_bot: CatalogueBot
) -> None:
    payloads = {
        button.payload
        for variants in shipped.responses.values()
        for variant in variants
        for button in variant.buttons
    }
    for payload in payloads:
        made = await shipped_bot.respond(turn("zzz", payload=payload, language=HANS))
        assert isinstance(made, Handoff) or made.state.misses == 0, payload


async def test_traditional_customers_are_understood_as_well(
    shipped: Catalogue, shipped_bot: CatalogueBot
) -> None:
    alike = total = 0
    start = time.perf_counter()
    for intent in shipped.intents:
        for check in intent.checks:
            if check.language == "zh":
                simplified = await shipped_bot.respond(turn(check.text))
                traditional = await shipped_bot.respond(turn(to_traditional(check.text)))
                total += 1
                alike += type(simplified) is type(traditional) and (
                    simplified.understanding.intent == traditional.understanding.intent
                )
    print(f"{total * 2} turns, {(time.perf_counter() - start) / total * 500:.3f} ms each")
    print(f"{alike} of {total} alike")
    assert alike / total >= 0.97


FRAGMENTS = (
    "转人工 退款 {name} T-10023 发票 no yes 1 human 。 { } 投诉 宽带 密码 password 👍 "
    "\u200b 13800138000 \n"
)
texts = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(FRAGMENTS.split(" ")),
        max_size=8,
    ).map("".join),
)
payloads = st.one_of(
    st.none(),
    st.sampled_from(["/refund_request", "/none_of_these", "/article/refunds", "/", "/x{", ""]),
    st.text(max_size=20),
)
states = st.builds(
    BotState,
    misses=st.integers(0, 3),
    turns=st.integers(0, 20),
    topic=st.one_of(st.none(), st.sampled_from(["refund_request", "gone", "ticket_status"])),
    slots=st.dictionaries(
        st.sampled_from(["ticket_number", "phone", "x"]), st.text(max_size=20), max_size=3
    ),
    offered=st.lists(
        st.sampled_from(["/refund_request", "/none_of_these", "/article/gone", "/human_handoff"]),
        max_size=4,
    ).map(tuple),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=texts,
    payload=payloads,
    state=states,
    language=st.one_of(st.none(), st.sampled_from(list(Language))),
    lines=st.lists(
        st.builds(Line, speaker=st.sampled_from(list(Speaker)), text=st.text(max_size=30)),
        max_size=4,
    ),
)
def test_any_turn_gets_a_decent_decision(
    shipped_bot: CatalogueBot,
    text: str,
    payload: str | None,
    state: BotState,
    language: Language | None,
    lines: list[Line],
) -> None:
    made = asyncio.run(
        shipped_bot.respond(
            turn(text, payload=payload, state=state, language=language, lines=tuple(lines))
        )
    )
    assert made.messages
    for message in made.messages:
        assert message.text.strip()
        assert not PLACEHOLDER.search(message.text)
        assert all(choice.title and choice.payload for choice in message.choices)
    if isinstance(made, Reply):
        assert made.state.turns == state.turns + 1 <= 12
        assert made.state.misses in {0, 1, state.misses + 1}
        assert made.state.misses < 2
    else:
        assert (made.state.turns, made.state.misses, made.state.offered) == (0, 0, ())
        assert made.summary
        assert made.kind
    assert 0 <= made.understanding.confidence <= 1


async def test_a_huge_message_costs_no_more(shipped_bot: CatalogueBot) -> None:
    start = time.perf_counter()
    for text in ("a" * 200_000, "退款" * 100_000, "转人" * 50_000, "1" * 100_000, "- " * 50_000):
        assert (await shipped_bot.respond(turn(text))).messages
    assert time.perf_counter() - start < 2
