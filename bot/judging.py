"""What a letter comes to: answered when it asks one thing that is surely known, else people's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.contract import BotState, Turn
from bot.letters import questions_of
from bot.phrases import is_thanks
from bot.plans import Answer, BotSettings, FromArticle, HandOver
from bot.playbook import Playbook
from bot.policy import (
    answer_letter,
    answer_name,
    letter_not_answered,
    letter_to_people,
    topic_of,
)
from bot.reading import Reader, View


@dataclass(frozen=True, slots=True)
class Judged:
    """What is done about a letter, and how it was read; None: it needs no answer."""

    plan: Answer | FromArticle | HandOver | None
    view: View


async def judge_letter(
    turn: Turn, reader: Reader, playbook: Playbook, settings: BotSettings
) -> Judged:
    """Judge a letter by its sentences.

    An answer to the bot's own letter goes to people, unless it but thanks.

    Args:
        turn: the letter.
        reader: reads sentences.
        playbook: what the catalogue prescribes.
        settings: limits of the dialogue.
    """
    again = turn.state.turns > 0
    whole = await reader.read(replace(turn, state=BotState()))
    if again and is_thanks(turn.text):
        return Judged(None, whole)
    asked = [] if again else await _read_sentences(turn, whole, reader)
    leaving = letter_to_people(whole.facts, [v.facts for v in asked], playbook, settings)
    if leaving is not None:
        return Judged(leaving, whole)
    found = _answers(asked, playbook, settings)
    if len(found) == 1:
        return Judged(*found[0])
    return Judged(letter_not_answered(whole.facts, again=again), whole)


async def _read_sentences(turn: Turn, whole: View, reader: Reader) -> list[View]:
    """The letter's questions; another recogniser than the built-in one is asked but once."""
    questions = questions_of(turn.subject, turn.text)
    if turn.recogniser:
        questions = questions[:1]
    return [
        await reader.read(replace(turn, text=text, state=BotState()), whole.language)
        for text in questions
    ]


def _answers(
    asked: Sequence[View], playbook: Playbook, settings: BotSettings
) -> list[tuple[Answer | FromArticle, View]]:
    """The answers to a letter's sentences, one of each; none when it asks beside them."""
    found: dict[str, tuple[Answer | FromArticle, View]] = {}
    topics = set()
    for one in asked:
        topics.add(topic_of(one.facts, playbook, settings))
        plan = answer_letter(one.facts, playbook, settings)
        if plan is not None:
            slug = plan.slug if isinstance(plan, FromArticle) else plan.article
            found.setdefault(slug or str(answer_name(plan, playbook)), (plan, one))
    answered = {plan.intent for plan, _ in found.values() if isinstance(plan, Answer)}
    linked = {intent for intent, slug in playbook.articles.items() if slug in found}
    beside = topics - answered - linked - {None}
    return [] if beside else list(found.values())
