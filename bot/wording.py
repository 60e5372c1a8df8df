"""Where a language model may word an answer, and the port through which it is asked.

The model never decides what a turn comes to: it words what an article would have answered, or
goes on about the article that was answered from last. When it does not, or its answer does not
hold, the turn goes on as it would have without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.contract import HandoffReason, Line
from bot.grounding import Grounded
from bot.passages import Source
from bot.phrases import follow_up, is_question
from bot.plans import Facts, FromArticle, HandOver, NotUnderstood, Offer, Plan
from bot.playbook import ARTICLE_PAYLOAD, Playbook
from bot.policy import answer_name, chosen_payload
from intents.model import Language

_MOST_ARTICLES = 3
_LIKELY = 0.2  # the chance of being right from which another article's passages go along


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a model is asked: `sources` are numbered from 1, `name` is the customer's."""

    conversation_id: str
    text: str
    language: Language
    sources: tuple[Source, ...]
    lines: tuple[Line, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """What came of it: `note` tells the trail, `answer` is None when there is none to be shown."""

    note: str
    answer: Grounded | None = None


class Wording(Protocol):
    """Words answers; implemented by the gateway, which keeps account of each."""

    async def answer(self, asked: Asked) -> Worded:
        """Word an answer from the sources; never raises for what the model does wrong."""
        ...


def articles_for(plan: Plan, facts: Facts, playbook: Playbook) -> tuple[str, ...]:
    """Slugs of the articles from which a model may answer instead of `plan`; most often none.

    A follow-up that would get no answer, or the last one again, is about the article of that one.
    """
    if chosen_payload(facts) is not None or not facts.text:
        return ()
    likely = [hit.slug for hit in facts.hits if hit.score >= _LIKELY]
    if isinstance(plan, FromArticle):
        return tuple(dict.fromkeys((plan.slug, *likely)))[:_MOST_ARTICLES]
    said = facts.state.said or ""
    last = said.removeprefix(ARTICLE_PAYLOAD) if said.startswith(ARTICLE_PAYLOAD) else None
    last = last or playbook.articles.get(said)
    unanswered = isinstance(plan, Offer | NotUnderstood) or (
        isinstance(plan, HandOver) and plan.reason is HandoffReason.LOW_CONFIDENCE
    )
    parrots = bool(said) and answer_name(plan, playbook) == said
    asks = follow_up(facts.text) is not None or is_question(facts.text)
    if last is None or not asks or not (unanswered or parrots) or facts.state.flow is not None:
        return ()
    return tuple(dict.fromkeys((last, *likely)))[:_MOST_ARTICLES]


def whole_question(plan: Plan, facts: Facts) -> str:
    """The question that passages are chosen by: a follow-up with what it follows."""
    if isinstance(plan, FromArticle) or not facts.state.question:
        return facts.text
    return f"{facts.state.question} {facts.text}"
