"""Wording: language, script, channel, placeholders, sources."""

from dataclasses import replace

import pytest

from bot.contract import Choice, HandoffReason
from bot.knowledge import ArticleIndex
from bot.replies import Replies, fill
from intents.model import Button, Catalogue, Language, ResponseVariant, SlotCondition
from tests.bot.conftest import both

HANS, HANT, EN = Language.ZH_HANS, Language.ZH_HANT, Language.EN


def replies(catalogue: Catalogue, **responses: tuple[ResponseVariant, ...]) -> Replies:
    full = replace(catalogue, responses={**catalogue.responses, **responses})
    return Replies(full, ArticleIndex(full.articles))


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("reason", list(HandoffReason))
def test_every_reason_has_a_holding_reply_without_a_catalogue(
    reason: HandoffReason, language: Language
) -> None:
    empty = Catalogue(version="e", intents=())
    text = Replies(empty, ArticleIndex([])).holding(reason, language).text
    assert text
    assert "{" not in text
    assert any("㐀" <= c <= "鿿" for c in text) is (language is not EN)


def test_traditional_is_converted(catalogue: Catalogue) -> None:
    own = replies(catalogue)
    message = own.response("utter_refund", HANT, values={"days": 7})
    assert message is not None
    assert message.text == "退款在7天內到帳。請在訂單頁申請。"
    assert own.title("/article/printers", HANT) == "印表機卡紙"
    assert own.greeting(HANT).text == "您好，請直接輸入您的問題。"


def test_buttons_come_along(catalogue: Catalogue) -> None:
    message = replies(catalogue).response("utter_refund", EN, values={"days": 7})
    assert message is not None
    assert message.choices == (Choice(title="OK", payload="/greet"),)


def test_a_missing_value_drops_its_sentence(catalogue: Catalogue) -> None:
    own = replies(
        catalogue,
        utter_only=both("{x}天。", "{x} days."),
        utter_pick=(
            ResponseVariant(text="{x} left", language="en"),
            ResponseVariant(text="Nothing needed", language="en"),
        ),
        utter_buttons=both("好", "ok", Button(title="{x}", payload="/greet")),
    )
    message = own.response("utter_refund", EN)
    assert message is not None
    assert message.text == "Ask on the order page."
    assert own.response("utter_only", EN) is None
    assert own.response("utter_nowhere", EN) is None
    pick = own.response("utter_pick", EN)
    assert pick is not None
    assert pick.text == "Nothing needed"
    buttons = own.response("utter_buttons", EN)
    assert buttons is not None
    assert buttons.choices == ()


def test_a_built_in_text_steps_in_for_one_that_cannot_be_filled(catalogue: Catalogue) -> None:
    own = replies(catalogue, utter_greeting=both("{name}，您好", "Hello {name}"))
    assert own.greeting(EN).text == "Hello, please type your question."


def test_variants_by_channel_language_and_turn(catalogue: Catalogue) -> None:
    own = replies(
        catalogue,
        utter_x=(
            ResponseVariant(text="a", language="en"),
            ResponseVariant(text="b", language="en"),
            ResponseVariant(text="m", language="en", channel="email"),
        ),
    )

    def said(**more: object) -> str:
        message = own.response("utter_x", EN, **more)  # type: ignore[arg-type]
        assert message is not None
        return message.text

    assert [said(turn=turn) for turn in range(3)] == ["a", "b", "a"]
    assert said(channel="email") == "m"
    only_en = own.response("utter_x", HANT)
    assert only_en is not None
    assert only_en.text == "a"


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("no placeholder", {}, "no placeholder"),
        ("{a} and {a}", {"a": 1}, "1 and 1"),
        ("{a}", {"a": "{b}", "b": "no"}, "b"),
        ("One. Two {a}! Three", {}, "One. Three"),
        ("一。二{a}。三", {"a": ""}, "一。三"),
        ("{a.b} x", {"a.b": "v"}, "v x"),
        ("{0} {} { a }", {}, "{0} {} { a }"),
        ("{a}", {"a": "x" * 500}, "x" * 200),
        ("{a}", {"a": "two\n lines"}, "two lines"),
    ],
)
def test_fill(text: str, values: dict[str, object], filled: str) -> None:
    assert fill(text, values) == filled


def test_format_tricks_in_texts_reach_nothing() -> None:
    assert fill("{a.__class__}", {"a": "v"}) == ""


def test_article_answers_name_their_source(catalogue: Catalogue) -> None:
    own = replies(catalogue)
    message = own.article("refunds", "钱多少天退回", HANT)
    assert message is not None
    assert message.text == "錢在 7 天內原路退回。\n\n來源：如何申請退款"
    assert message.article == "refunds"
    assert [(choice.title, choice.payload) for choice in message.choices] == [
        ("有幫助", "/helped/refunds"),
        ("沒有幫助", "/not_helped/refunds"),
    ]
    assert own.article("staff-notes", "x", HANS) is None
    assert own.sourced(message, "gone", HANS) == message


def test_titles_are_never_empty(catalogue: Catalogue) -> None:
    own = replies(catalogue)
    assert own.title("/refund", EN) == "Ask for a refund"
    assert own.title("/no_title_here", EN) == "no title here"
    assert own.title("/article/gone", EN) == "gone"
    assert own.title("/none_of_these", HANT) == "都不是"
    assert own.title("/human_handoff", EN) == "Talk to a person"


def test_not_understood_always_shows_the_way_to_a_person(catalogue: Catalogue) -> None:
    for language in Language:
        choices = replies(catalogue).not_understood(language).choices
        assert [choice.payload for choice in choices] == ["/human_handoff"]


def test_conditions_choose_the_variant_and_pictures_come_along(catalogue: Catalogue) -> None:
    known = (SlotCondition(slot="vip", value=True),)
    own = replies(
        catalogue,
        utter_x=(
            ResponseVariant(text="Dear guest", language="en"),
            ResponseVariant(
                text="Dear friend",
                language="en",
                conditions=known,
                image="https://pictures.example/p.png",
            ),
        ),
    )
    for values, text in (
        ({}, "Dear guest"),
        ({"vip": False}, "Dear guest"),
        ({"vip": True}, "Dear friend\nhttps://pictures.example/p.png"),
    ):
        found = own.response("utter_x", EN, values=values)
        assert found is not None
        assert found.text == text
