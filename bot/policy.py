"""Decides what a turn comes to; pure, so that every branch is a row in a table of tests.

The order is: the wish for a person, a pressed button or typed choice, a complaint, the turn
cap, then what the recogniser and the articles make of the text (H1.4, H1.5). The customer is
never stranded: every way that does not answer asks back or hands over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.contract import BotState, HandoffReason, Understanding
from bot.knowledge import Hit
from bot.phrases import is_nod, wants_person
from bot.playbook import (
    AFFIRM,
    ARTICLE_PAYLOAD,
    COMPLAINT_INTENTS,
    DENY,
    HANDOFF_INTENTS,
    HANDOFF_PAYLOAD,
    NONE_PAYLOAD,
    Playbook,
    group,
    ticket_kind,
)
from bot.recognise import OUT_OF_SCOPE
from bot.texts import STAYING
from bot.times import DEFAULT_ZONE
from bot.values.contacts import TICKET_NUMBER
from intents.text import normalise_text

TICKET_INTENT = "ticket_status"
MAX_CHOICES = 3

_ORDINAL = re.compile(r"(?:第|选|選|no\.? ?|#|\()?([1-9一二三])(?:个|個|项|項|条|[.)、。）])?")
_HAN_DIGITS = {"一": 1, "二": 2, "三": 3}
_MARKED_NUMBER = re.compile(r"(?:\bT-?|#)\d{5,}|工[单單]|ticket", re.I)
_WORD = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """Limits of the dialogue; an administrator may change each.

    `accept` and `suggest` are confidences from 0 to 1 from which an intent is answered, or
    offered as a choice; `article_accept` and `article_suggest` the same for articles.
    `turn_cap` is the number of bot turns after which a person takes over, `miss_limit` the
    number of turns in a row that may fail, the last of them ending at a person.
    `action_seconds` is how long an action may take. `time_zone` is the zone (IANA) in which
    customers are told times.
    """

    accept: float = 0.5
    suggest: float = 0.2
    article_accept: float = 0.75
    article_suggest: float = 0.35
    turn_cap: int = 12
    miss_limit: int = 2
    action_seconds: float = 8.0
    time_zone: str = DEFAULT_ZONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a turn.

    `titles` are the texts of the choices in `state.offered`, in the same order. `declined` says
    that the customer wants no person; `text` is then what else was said, or "".
    """

    text: str
    payload: str | None
    state: BotState
    understanding: Understanding
    hits: Sequence[Hit] = ()
    titles: Sequence[str] = ()
    declined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Do an intent's steps; `article` is the slug of the article that stands behind it.

    `missed` is true when the bot says that it cannot help with that.
    """

    intent: str
    steps: tuple[str, ...]
    article: str | None = None
    missed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FromArticle:
    """Answer with an article's passage."""

    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Ask which of these payloads was meant."""

    payloads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUnderstood:
    """Ask the customer to say it in other words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Say one of the bot's own texts, by the name of its response."""

    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Give the conversation to people."""

    reason: HandoffReason
    kind: str
    severity: str = "general"


Plan = Answer | FromArticle | Offer | NotUnderstood | Say | HandOver


def decide_turn(facts: Facts, playbook: Playbook, settings: BotSettings) -> Plan:
    """Return what the turn comes to."""
    payload = chosen_payload(facts)
    if payload is None and facts.declined and not facts.text:
        return Say(response=STAYING)
    if payload is None and wants_person(facts.text):
        return _hand_over(HandoffReason.WISH, facts)
    if payload is not None:
        pressed = _follow(payload, facts, playbook, settings)
        if pressed is not None:
            return pressed
    if (leaving := _leaving(facts, settings)) is not None:
        return leaving
    if facts.state.turns >= settings.turn_cap:
        return _hand_over(HandoffReason.TURN_CAP, facts)
    return _understood(facts, playbook, settings) or _unsure(facts, playbook, settings)


def chosen_payload(facts: Facts) -> str | None:
    """The payload of the button, or of the offered choice that was typed: number or title.

    Buttons of a catalogue may carry values (`/intent{"slot": "value"}`); they are cut off.
    """
    if facts.payload is not None:
        return facts.payload.partition("{")[0].strip()
    said = normalise_text(facts.text)
    for title, payload in zip(facts.titles, facts.state.offered, strict=False):
        if title and said == normalise_text(title):
            return payload
    number = _ORDINAL.fullmatch(said)
    if number is not None:
        place = _HAN_DIGITS.get(number[1]) or int(number[1])
        if place <= len(facts.state.offered):
            return facts.state.offered[place - 1]
    return None


def _follow(payload: str, facts: Facts, playbook: Playbook, settings: BotSettings) -> Plan | None:
    """What a button means; None when it means nothing in this catalogue."""
    name = payload.removeprefix("/")
    if name in HANDOFF_INTENTS:
        return _hand_over(HandoffReason.WISH, facts)
    if group(name) in COMPLAINT_INTENTS:
        return _hand_over(HandoffReason.COMPLAINT, facts)
    known = (
        payload == NONE_PAYLOAD
        or name in playbook.steps
        or payload.removeprefix(ARTICLE_PAYLOAD) in playbook.slugs
    )
    if known and facts.state.turns >= settings.turn_cap:
        return _hand_over(HandoffReason.TURN_CAP, facts)
    if payload == NONE_PAYLOAD:
        return _missed(NotUnderstood(), facts, settings)
    if payload.startswith(ARTICLE_PAYLOAD):
        slug = payload.removeprefix(ARTICLE_PAYLOAD)
        return FromArticle(slug=slug) if slug in playbook.slugs else None
    return _answer(name, playbook) if name in playbook.steps else None


def _leaving(facts: Facts, settings: BotSettings) -> HandOver | None:
    """A wish or a complaint that the recogniser is sure of."""
    intent = facts.understanding.intent
    if intent is None or facts.understanding.confidence < settings.accept:
        return None
    if group(intent) in HANDOFF_INTENTS:
        return _hand_over(HandoffReason.WISH, facts)
    if group(intent) in COMPLAINT_INTENTS:
        return _hand_over(HandoffReason.COMPLAINT, facts)
    return None


def _understood(facts: Facts, playbook: Playbook, settings: BotSettings) -> Plan | None:
    """The answer when the recogniser or the articles are sure."""
    seen = facts.understanding
    sure = seen.intent in playbook.steps and seen.confidence >= settings.accept
    if is_nod(facts.text) and (thanks := playbook.thanks()) is not None:
        return _answer(thanks, playbook)
    if _gives_ticket(facts, sure=sure) and TICKET_INTENT in playbook.steps:
        return _answer(TICKET_INTENT, playbook)
    if sure and seen.intent is not None and seen.intent != OUT_OF_SCOPE:
        return _answer_to_offer(seen.intent, facts, playbook, settings) or _answer(
            seen.intent, playbook
        )
    if (
        facts.hits
        and facts.hits[0].score >= settings.article_accept
        and _agrees(facts.hits[0].slug, facts, playbook)
    ):
        return FromArticle(slug=facts.hits[0].slug)
    if sure:
        return _missed(_answer(OUT_OF_SCOPE, playbook, missed=True), facts, settings)
    if playbook.is_small_talk(seen.intent) and seen.confidence >= settings.suggest:
        return _small_talk(facts, playbook, settings)
    return None


def _agrees(slug: str, facts: Facts, playbook: Playbook) -> bool:
    """Whether the recogniser holds the article for possible: it ranks one of its intents."""
    linked = {intent for intent, own in playbook.articles.items() if own == slug}
    return not linked or any(intent in linked for intent, _ in facts.understanding.ranking)


def _small_talk(facts: Facts, playbook: Playbook, settings: BotSettings) -> Plan | None:
    """A courtesy that is likely and has no rival among the topics."""
    intent = facts.understanding.intent
    rivals = [
        share
        for name, share in facts.understanding.ranking[1:]
        if playbook.is_topic(name) and share >= settings.suggest
    ]
    if intent is None or intent not in playbook.steps or rivals:
        return None
    if facts.hits and facts.hits[0].score >= settings.article_suggest:
        return None
    return _answer_to_offer(intent, facts, playbook, settings) or _answer(intent, playbook)


def _answer_to_offer(
    intent: str, facts: Facts, playbook: Playbook, settings: BotSettings
) -> Plan | None:
    """What yes or no means after the bot has asked `did you mean`."""
    if NONE_PAYLOAD not in facts.state.offered:
        return None
    offered = [p for p in facts.state.offered if p not in {NONE_PAYLOAD, HANDOFF_PAYLOAD}]
    if group(intent) == DENY:
        return _missed(NotUnderstood(), facts, settings)
    if group(intent) == AFFIRM and len(offered) == 1:
        return _follow(offered[0], facts, playbook, settings)
    return None


def _gives_ticket(facts: Facts, *, sure: bool) -> bool:
    """Whether the message gives a ticket number and asks nothing else."""
    number = facts.understanding.entities.get(TICKET_NUMBER)
    if number is None or sure:
        return False
    if facts.state.topic == TICKET_INTENT or _MARKED_NUMBER.search(facts.text):
        return True
    return len(_WORD.findall(facts.text.replace(number, ""))) <= 4


def _unsure(facts: Facts, playbook: Playbook, settings: BotSettings) -> Plan:
    """Offer what it may be; ask again when nothing comes to mind."""
    payloads = _candidates(facts, playbook, settings)
    if payloads:
        choices = (*payloads, NONE_PAYLOAD, HANDOFF_PAYLOAD)
        return _missed(Offer(payloads=choices), facts, settings)
    if facts.understanding.intent == OUT_OF_SCOPE and OUT_OF_SCOPE in playbook.steps:
        return _missed(_answer(OUT_OF_SCOPE, playbook, missed=True), facts, settings)
    return _missed(NotUnderstood(), facts, settings)


def _candidates(facts: Facts, playbook: Playbook, settings: BotSettings) -> tuple[str, ...]:
    """Payloads of the likeliest topics and articles, best first, at most three.

    An article whose intent is offered already is left out.
    """
    found: list[tuple[float, str]] = []
    slugs = set()
    seen = facts.understanding
    floor = settings.suggest / 4 if seen.confidence >= settings.suggest else settings.suggest
    for intent, confidence in seen.ranking:
        if playbook.is_topic(intent) and confidence >= floor:
            found.append((confidence, f"/{intent}"))
            slugs.add(playbook.articles.get(intent))
    found += [
        (hit.score, f"{ARTICLE_PAYLOAD}{hit.slug}")
        for hit in facts.hits
        if hit.score >= settings.article_suggest and hit.slug not in slugs
    ]
    found.sort(key=lambda item: -item[0])
    return tuple(payload for _, payload in found[:MAX_CHOICES])


def _answer(intent: str, playbook: Playbook, *, missed: bool = False) -> Answer:
    return Answer(
        intent=intent,
        steps=playbook.steps[intent],
        article=playbook.articles.get(intent),
        missed=missed,
    )


def _missed(plan: Plan, facts: Facts, settings: BotSettings) -> Plan:
    """The plan of a turn that failed; the last that may fail in a row goes to a person."""
    if facts.state.misses + 1 >= settings.miss_limit:
        return _hand_over(HandoffReason.LOW_CONFIDENCE, facts)
    return plan


def _hand_over(reason: HandoffReason, facts: Facts) -> HandOver:
    if reason is HandoffReason.COMPLAINT:
        return HandOver(reason=reason, kind="complaint", severity="important")
    return HandOver(reason=reason, kind=ticket_kind(facts.state.topic))


def missed(plan: Plan) -> bool:
    """Whether the turn counts as not understood."""
    if isinstance(plan, Answer):
        return plan.missed
    return isinstance(plan, Offer | NotUnderstood)
