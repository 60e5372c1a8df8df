"""Decides what a turn comes to; pure, so that every branch is a row in a table of tests.

The order is: the wish for a person, a pressed button or typed choice, a complaint, who goes to
people first, the form or diagnosis that runs, the turn cap, then what the recogniser and the
articles make of the text (H1.4, H1.5). The customer is never stranded: every way that does not
answer asks back or hands over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.contract import HandoffReason, Mood
from bot.flows import beside_flow, decide_flow, start_form, start_tree
from bot.handoff import REASONS, Signal, miss_signal, repeat_signal
from bot.phrases import complains, is_nod, wants_person
from bot.plans import (
    Answer,
    BotSettings,
    Facts,
    FromArticle,
    HandOver,
    Move,
    NotUnderstood,
    Offer,
    Plan,
    Say,
    Thank,
)
from bot.playbook import (
    AFFIRM,
    ARTICLE_PAYLOAD,
    COMPLAINT_INTENTS,
    DENY,
    FALLBACK_INTENT,
    HANDOFF_INTENTS,
    HANDOFF_PAYLOAD,
    HELPED_PAYLOAD,
    NONE_PAYLOAD,
    TREE_STEP,
    UNHELPED_PAYLOAD,
    Playbook,
    group,
    ticket_kind,
)
from bot.recognise import OUT_OF_SCOPE
from bot.texts import DESK_CLOSED, STAYING
from bot.trees import TREE_PAYLOAD
from bot.values.contacts import TICKET_NUMBER
from intents.text import normalise_text

CALL_BACK_FORM = "call_back_form"
TICKET_INTENT = "ticket_status"
MAX_CHOICES = 3

_ORDINAL = re.compile(r"(?:第|选|選|no\.? ?|#|\()?([1-9一二三])(?:个|個|项|項|条|[.)、。）])?")
_HAN_DIGITS = {"一": 1, "二": 2, "三": 3}
_MARKED_NUMBER = re.compile(r"(?:\bT-?|#)\d{5,}|工[单單]|ticket", re.I)
_WORD = re.compile(r"[^\W\d_]")


def decide_turn(facts: Facts, playbook: Playbook, settings: BotSettings) -> Plan:
    """Return what the turn comes to."""
    payload = chosen_payload(facts)
    if payload is None and facts.declined and not facts.text:
        return Say(response=STAYING)
    if payload is None and wants_person(facts.text):
        return _hand_over(Signal.WISH, facts)
    if facts.payload is not None and (word := _word_on_article(facts.payload, playbook)):
        return beside_flow(word, facts, playbook)
    flow = decide_flow(facts, playbook, settings, lambda f: _elsewhere(f, playbook, settings))
    in_flow = facts.state.flow is not None and payload is not None and flow is not None
    if payload is not None and not in_flow:
        pressed = _follow(payload, facts, playbook, settings)
        if pressed is not None:
            return _unless_repeated(pressed, facts, playbook, settings)
    if (leaving := _leaving(facts, playbook, settings)) is not None:
        return leaving
    if flow is not None:
        return _capped(flow, facts, settings)
    if facts.state.turns >= settings.turn_cap:
        return _hand_over(Signal.TURN_CAP, facts)
    plan = _understood(facts, playbook, settings) or _unsure(facts, playbook, settings)
    return _unless_repeated(plan, facts, playbook, settings)


def answer_letter(
    facts: Facts, playbook: Playbook, settings: BotSettings
) -> Answer | FromArticle | None:
    """What answers a sentence of a letter: words that stand for themselves, or an article.

    Forms, diagnoses and questions back are no business of letters, nor are courtesies.
    """
    plan = _understood(facts, playbook, replace(settings, accept=settings.letter_accept))
    if isinstance(plan, FromArticle):
        return plan
    if not isinstance(plan, Answer) or plan.missed or playbook.is_small_talk(plan.intent):
        return None
    return plan if all(step.startswith("utter_") for step in plan.steps) else None


def topic_of(facts: Facts, playbook: Playbook, settings: BotSettings) -> str | None:
    """What a sentence of a letter is surely about; None where it is nothing that is known."""
    intent = facts.understanding.intent
    sure = facts.understanding.confidence >= settings.letter_accept
    return intent if intent is not None and sure and playbook.is_topic(intent) else None


def letter_to_people(
    whole: Facts, parts: Sequence[Facts], playbook: Playbook, settings: BotSettings
) -> HandOver | None:
    """Why a letter goes to people whatever it asks: a wish, a complaint, who goes there first.

    Args:
        whole: of all that the letter says.
        parts: of its sentences.
        playbook: what the catalogue prescribes.
        settings: limits of the dialogue.
    """
    if wants_person(whole.text):
        return _hand_over(Signal.WISH, whole)
    if complains(whole.text):
        return _hand_over(Signal.COMPLAINT, whole)
    found = (_leaving(facts, playbook, settings) for facts in (whole, *parts))
    return next((plan for plan in found if plan is not None), None)


def letter_not_answered(facts: Facts, *, again: bool) -> HandOver:
    """People answer: the bot is not sure, or its answer was not enough."""
    return _hand_over(Signal.WISH if again else Signal.LAST_MISS, facts)


def when_closed(plan: Plan, facts: Facts, playbook: Playbook) -> Plan:
    """The wish for a person out of hours: a call-back is offered first, if there is a form for it.

    Who asks again while the form runs gets the queue; it always works.
    """
    closed = facts.desk is not None and not facts.desk.open
    wish = isinstance(plan, HandOver) and plan.reason is HandoffReason.WISH
    form = playbook.forms.get(CALL_BACK_FORM)
    if not (closed and wish) or form is None or facts.state.flow is not None:
        return plan
    move = start_form(form, facts, playbook)
    return replace(move, say=(DESK_CLOSED, *move.say)) if move.flow is not None else plan


def _elsewhere(facts: Facts, playbook: Playbook, settings: BotSettings) -> Plan | None:
    """What a message in the middle of a flow comes to outside of it."""
    payload = chosen_payload(facts)
    if payload is not None:
        return _follow(payload, facts, playbook, settings)
    return _understood(facts, playbook, settings)


def _capped(plan: Move | HandOver, facts: Facts, settings: BotSettings) -> Plan:
    """Answers in vain and asides count as turns in a flow, too."""
    aside = isinstance(plan, Move) and (plan.failed or plan.inner is not None)
    if aside and facts.state.turns >= settings.turn_cap:
        return _hand_over(Signal.TURN_CAP, facts)
    return plan


def _unless_repeated(plan: Plan, facts: Facts, playbook: Playbook, settings: BotSettings) -> Plan:
    """The loop breaker: the same answer for the third time in a row is none."""
    said = answer_name(plan, playbook)
    if said is None or said != facts.state.said:
        return plan
    signal = repeat_signal(facts.state.repeats, settings.repeat_limit)
    return _hand_over(signal, facts) if signal is Signal.LOOP else plan


def answer_name(plan: Plan, playbook: Playbook) -> str | None:
    """What an answer is called, to tell whether it was given before; None for courtesies."""
    if isinstance(plan, FromArticle):
        return f"{ARTICLE_PAYLOAD}{plan.slug}"
    if isinstance(plan, Answer) and not playbook.is_small_talk(plan.intent):
        acts = any(step.startswith("action_") for step in plan.steps)
        return None if acts or plan.missed else plan.intent
    return None


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
    if (word := _word_on_article(payload, playbook)) is not None:
        return word
    if name in HANDOFF_INTENTS:
        return _hand_over(Signal.WISH, facts)
    if group(name) in COMPLAINT_INTENTS:
        return _hand_over(Signal.COMPLAINT, facts)
    tree = playbook.trees.get(payload.removeprefix(TREE_PAYLOAD).partition("/")[0])
    begins = tree is not None and payload.startswith(TREE_PAYLOAD)
    steps = playbook.steps_for(name, facts.slots, facts.state.last, first=_is_first(facts))
    known = (
        payload == NONE_PAYLOAD
        or begins
        or steps is not None
        or payload.removeprefix(ARTICLE_PAYLOAD) in playbook.slugs
    )
    if known and facts.state.turns >= settings.turn_cap:
        return _hand_over(Signal.TURN_CAP, facts)
    if payload == NONE_PAYLOAD:
        return _missed(NotUnderstood(), facts, settings)
    if tree is not None and begins:
        return start_tree(tree, facts, playbook)
    if payload.startswith(ARTICLE_PAYLOAD):
        slug = payload.removeprefix(ARTICLE_PAYLOAD)
        return FromArticle(slug=slug) if slug in playbook.slugs else None
    return _answer(name, facts, playbook) if steps is not None else None


def _word_on_article(payload: str, playbook: Playbook) -> Thank | None:
    for start, helped in ((HELPED_PAYLOAD, True), (UNHELPED_PAYLOAD, False)):
        if payload.startswith(start) and (slug := payload.removeprefix(start)) in playbook.slugs:
            return Thank(slug=slug, helped=helped)
    return None


def _is_first(facts: Facts) -> bool:
    return facts.state.turns == 0


def _leaving(facts: Facts, playbook: Playbook, settings: BotSettings) -> HandOver | None:
    """A wish or a complaint that the recogniser is sure of, and who goes to people first."""
    intent = facts.understanding.intent
    sure = intent is not None and facts.understanding.confidence >= settings.accept
    if intent is not None and sure and group(intent) in HANDOFF_INTENTS:
        return _hand_over(Signal.WISH, facts)
    if intent is not None and sure and group(intent) in COMPLAINT_INTENTS:
        return _hand_over(Signal.COMPLAINT, facts)
    first = playbook.people_first
    if first.angry and facts.mood is Mood.ANGRY:
        return _hand_over(Signal.ANGER, facts)
    if playbook.is_small_talk(intent) or facts.state.flow is not None:
        return None
    if first.key_customers and facts.customer is not None and facts.customer.key:
        return _hand_over(Signal.KEY_CUSTOMER, facts)
    if sure and intent is not None and {intent, group(intent)} & set(first.intents):
        return replace(_hand_over(Signal.TOPIC, facts), kind=ticket_kind(intent))
    return None


def _understood(facts: Facts, playbook: Playbook, settings: BotSettings) -> Plan | None:
    """The answer when the recogniser or the articles are sure."""
    seen = facts.understanding
    sure = _can_answer(seen.intent, facts, playbook) and seen.confidence >= settings.accept
    if is_nod(facts.text) and (thanks := playbook.thanks()) is not None:
        return _answer(thanks, facts, playbook)
    if _gives_ticket(facts, sure=sure) and TICKET_INTENT in playbook.steps:
        return _answer(TICKET_INTENT, facts, playbook)
    if sure and seen.intent is not None and seen.intent != OUT_OF_SCOPE:
        return _answer_to_offer(seen.intent, facts, playbook, settings) or _answer(
            seen.intent, facts, playbook
        )
    if (
        facts.hits
        and facts.hits[0].score >= settings.article_accept
        and _agrees(facts.hits[0].slug, facts, playbook)
    ):
        return FromArticle(slug=facts.hits[0].slug)
    if sure:
        return _missed(_answer(OUT_OF_SCOPE, facts, playbook, missed=True), facts, settings)
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
    return _answer_to_offer(intent, facts, playbook, settings) or _answer(intent, facts, playbook)


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
        return _missed(_answer(OUT_OF_SCOPE, facts, playbook, missed=True), facts, settings)
    if FALLBACK_INTENT in playbook.steps:
        return _missed(_answer(FALLBACK_INTENT, facts, playbook, missed=True), facts, settings)
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


def _can_answer(intent: str | None, facts: Facts, playbook: Playbook) -> bool:
    return intent is not None and (
        playbook.steps_for(intent, facts.slots, facts.state.last, first=_is_first(facts))
        is not None
    )


def _answer(
    intent: str, facts: Facts, playbook: Playbook, *, missed: bool = False
) -> Answer | Move | HandOver:
    """Do an intent's steps; a form or diagnosis that they lead to begins."""
    steps = playbook.steps_for(intent, facts.slots, facts.state.last, first=_is_first(facts)) or ()
    if len(steps) == 1 and steps[0].startswith(TREE_STEP):
        return start_tree(playbook.trees[steps[0].removeprefix(TREE_STEP)], facts, playbook)
    forms = [step for step in steps if step in playbook.forms]
    if forms:
        move = start_form(playbook.forms[forms[0]], facts, playbook)
        before = steps[: steps.index(forms[0])]
        return replace(move, steps=(*before, *move.steps))
    return Answer(
        intent=intent,
        steps=steps,
        article=playbook.articles.get(intent),
        missed=missed,
    )


def _missed(plan: Plan, facts: Facts, settings: BotSettings) -> Plan:
    """The plan of a turn that failed; the last that may fail in a row goes to a person."""
    signal = miss_signal(facts.state.misses, settings.miss_limit)
    return _hand_over(signal, facts) if signal is Signal.LAST_MISS else plan


_SERIOUS: Mapping[Signal, str] = {Signal.COMPLAINT: "important", Signal.ANGER: "important"}


def _hand_over(signal: Signal, facts: Facts) -> HandOver:
    reason = REASONS[signal]
    complaint = reason is HandoffReason.COMPLAINT
    return HandOver(
        reason=reason,
        kind="complaint" if complaint else ticket_kind(facts.state.topic),
        severity=_SERIOUS.get(signal, "general"),
    )


def missed(plan: Plan) -> bool:
    """Whether the turn counts as not understood."""
    if isinstance(plan, Answer):
        return plan.missed
    if isinstance(plan, Thank):
        return not plan.helped
    return isinstance(plan, Offer | NotUnderstood)
