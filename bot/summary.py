"""The summary card for the agent: what was asked, tried and collected (H2.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.contract import Card, Customer, HandoffReason, Mood, Speaker, Turn
from bot.mood import worst_mood
from bot.passages import shorten
from bot.plans import HandOver
from bot.replies import is_feedback_press
from bot.texts import MOODS, SUMMARY
from intents.model import Language
from intents.text import to_traditional

_LINES = 6
_LINE_LENGTH = 160
_OWN = "_"
# These messages say themselves what it is about.
_TELLING = frozenset(
    {
        HandoffReason.COMPLAINT,
        HandoffReason.ANGER,
        HandoffReason.KEY_CUSTOMER,
        HandoffReason.TOPIC,
    }
)


def make_card(
    turn: Turn,
    plan: HandOver,
    *,
    language: Language,
    slots: Mapping[str, Any],
    topic: str | None,
    anger: Mapping[str, Sequence[str]],
) -> Card:
    """Gather what the agent should know.

    Args:
        turn: the turn that ends at people.
        plan: why.
        language: the customer's.
        slots: what was collected; names that start with `_` are the bot's own.
        topic: what it is about, in words.
        anger: further words of anger, by language.
    """
    lines = turn.lines[-2 * _LINES :]
    asked = _typed(turn)
    if turn.payload is None and asked[-1:] != [turn.text]:
        asked.append(turn.text)
    tried = [line.text for line in lines if line.speaker is Speaker.BOT]
    return Card(
        topic=topic,
        asked=_shortened(asked),
        tried=_shortened(tried),
        collected={
            name: str(value)
            for name, value in sorted(slots.items())
            if value is not None and not name.startswith(_OWN)
        },
        answers=plan.answers,
        mood=worst_mood(asked[-3:], anger),
        language=language,
        customer=turn.customer,
        call_back=plan.call_back,
    )


def subject_of(turn: Turn, reason: HandoffReason, *, topic: str | None) -> str:
    """What the hand-off is about, on one line.

    The last question that was understood, in the customer's words, however much nonsense or
    impatience followed it; else the first thing they typed; else the topic of the buttons that
    they pressed. A complaint tells itself.

    Args:
        turn: the turn that ends at people.
        reason: why.
        topic: what it is about, in the bot's words.
    """
    typed = _typed(turn)
    if reason in _TELLING and turn.payload is None:
        return turn.text
    if turn.state.question is not None:
        return turn.state.question
    return typed[0] if typed else topic or turn.text


def _typed(turn: Turn) -> list[str]:
    """What the customer said before in their own words; titles of buttons are ours."""
    return [
        line.text
        for line in turn.lines
        if line.speaker is Speaker.CUSTOMER
        and not line.pressed
        and not is_feedback_press(line.text)
    ]


def _shortened(texts: Sequence[str]) -> tuple[str, ...]:
    flat = [shorten(" ".join(text.split()), _LINE_LENGTH) for text in texts]
    return tuple([text for text in flat if text][-_LINES:])


def card_text(card: Card) -> str:
    """The card in words, in the customer's language."""
    words = dict(SUMMARY[card.language.training])
    moods = dict(MOODS[card.language.training])
    if card.language is Language.ZH_HANT:
        words = {name: to_traditional(word) for name, word in words.items()}
        moods = {name: to_traditional(word) for name, word in moods.items()}
    between = words["between"]
    parts = []
    if card.topic is not None:
        parts.append(words["topic"].format(card.topic))
    parts += [
        words["asked"].format(between.join(card.asked) or words["nothing"]),
        words["tried"].format(between.join(card.tried) or words["nothing"]),
    ]
    collected = [f"{name} = {value}" for name, value in card.collected.items()]
    parts.append(words["collected"].format(between.join(collected) or words["nothing"]))
    if card.answers:
        told = [f"{question} → {answer}" for question, answer in card.answers]
        parts.append(words["answers"].format("".join(f"\n- {line}" for line in told)))
    if card.call_back is not None:
        parts.append(words["call_back"].format(card.call_back))
    if card.mood is not Mood.CALM:
        parts.append(words["mood"].format(moods[card.mood.value]))
    if card.customer is not None:
        parts.append(words["customer"].format(_about(card.customer, words)))
    return "\n".join(parts)


def _about(customer: Customer, words: Mapping[str, str]) -> str:
    told = [customer.name] if customer.name else []
    told += [words["verified"]] if customer.verified else []
    told += [words["key"]] if customer.key else []
    told.append(words["tickets"].format(customer.tickets))
    if customer.open_tickets:
        told.append(words["open"].format(words["and"].join(customer.open_tickets)))
    return words["between"].join(told)
