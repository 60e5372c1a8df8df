"""Saved conversations, played to a bot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine import CatalogueBot
from bot.replay import Step, redact, replay


async def test_a_conversation_that_goes_as_expected(bot: CatalogueBot) -> None:
    steps = [
        Step(text="hello", intent="greet"),
        Step(text="how do I get a refund", intent="refund", article="refunds"),
        Step(text="talk to a person", intent="human_handoff", decision="handoff"),
    ]
    played = await replay(bot, steps, language="en", channel="webchat")
    assert played.differences == ()
    assert played.texts[0][0].startswith("Hello!")
    assert len(played.texts) == 3


async def test_differences_name_step_and_field(bot: CatalogueBot) -> None:
    steps = [Step(text="hello", intent="greet"), Step(text="hello", intent="refund")]
    (found,) = (await replay(bot, steps, language="", channel="webchat")).differences
    assert (found.step, found.field, found.expected, found.found) == (
        1,
        "intent",
        "refund",
        "greet",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to li.na@example.org now", "write to customer@example.com now"),
        ("我的电话是13912345678，谢谢", "我的电话是13800000000，谢谢"),
        ("call +44 20 7946 0958", "call 13800000000"),
        ("ticket 10023 please", "ticket 10023 please"),
    ],
)
def test_personal_data_is_replaced(text: str, expected: str) -> None:
    assert redact(text) == expected


@given(st.text(max_size=40))
def test_replacing_is_done_once_and_for_all(text: str) -> None:
    assert redact(redact(text)) == redact(text)
