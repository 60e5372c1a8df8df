"""Decides a turn in the middle of a form or a diagnosis; pure.

The state of a flow is JSON: `kind` (`form` or `tree`), `name`, `tries` (answers in vain to the
present question), and for a form `slot` (asked for), `done` (filled, in order) and `skipped`,
for a diagnosis `node` and `answers` (question and answer).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.handoff import REASONS, Signal
from bot.phrases import asks_help, cancels, corrected, is_question, skips
from bot.plans import Answer, BotSettings, Facts, HandOver, Move, Plan, Thank
from bot.playbook import AFFIRM, DENY, Playbook, group
from bot.slots import Heard, fill_slots
from bot.texts import CANCELLED, CORRECTED, FITS_NOT, HELP, SOLVED
from bot.trees import TREE_PAYLOAD, answer_node
from bot.values.times import DATE
from intents.model import Form, Outcome, Tree

FORM, TREE = "form", "tree"
SKIP_PAYLOAD = "/skip"
_INTERRUPTS = 0.8

Flow = Mapping[str, Any]
Elsewhere = Callable[[Facts], Plan | None]


def start_form(form: Form, facts: Facts, playbook: Playbook) -> Move:
    """Begin a form; what the message told already is not asked for."""
    heard = replace(facts.heard, intent=facts.understanding.intent)
    given, _ = fill_slots(playbook.slots, heard, loop=form.name, starts=True)
    wanted = {name: value for name, value in given.items() if name in form.required}
    return go_on(form, {"done": list(wanted)}, wanted, facts, playbook)


def start_tree(tree: Tree, facts: Facts, playbook: Playbook) -> Move | HandOver:
    """Begin a diagnosis at its first question."""
    return _arrive(tree, tree.start, [], facts)


def decide_flow(
    facts: Facts, playbook: Playbook, settings: BotSettings, elsewhere: Elsewhere
) -> Move | HandOver | None:
    """Return what the message means to the flow that runs; None when none does.

    Args:
        facts: what is known about the turn.
        playbook: what the catalogue prescribes.
        settings: limits.
        elsewhere: what the message comes to outside of the flow.
    """
    flow = facts.state.flow
    if flow is None or flow.get("name") not in {**playbook.forms, **playbook.trees}:
        return None
    ruled = _rule_within(flow, facts, playbook, settings) is not None
    if not ruled and cancels(facts.text) and facts.payload is None:
        return Move(flow=None, say=(CANCELLED,), name=flow["name"])
    if asks_help(facts.text) and facts.payload is None:
        return Move(
            flow=flow, say=(f"{HELP}{flow.get('slot') or flow['name']}",), name=flow["name"]
        )
    if flow["kind"] == TREE:
        return _in_tree(playbook.trees[flow["name"]], flow, facts, settings, elsewhere)
    return _in_form(playbook.forms[flow["name"]], flow, facts, playbook, settings, elsewhere)


def beside_flow(plan: Thank, facts: Facts, playbook: Playbook) -> Thank | Move:
    """What answers beside the flow that runs: the flow asks its question again afterwards."""
    flow = facts.state.flow
    if flow is None:
        return plan
    tree = playbook.trees.get(flow["name"])
    asks = flow["name"] in playbook.forms if tree is None else flow.get("node") in tree.nodes
    return Move(flow=flow, inner=plan, name=flow["name"]) if asks else plan


def _rule_within(
    flow: Flow, facts: Facts, playbook: Playbook, settings: BotSettings
) -> tuple[str, ...] | None:
    """The steps of the catalogue's own rule for this intent in this form."""
    intent = facts.understanding.intent
    if intent is None or flow["kind"] != FORM or not _sure(facts, settings):
        return None
    return playbook.within(flow["name"], intent, facts.slots)


def _in_tree(
    tree: Tree, flow: Flow, facts: Facts, settings: BotSettings, elsewhere: Elsewhere
) -> Move | HandOver | None:
    node = tree.nodes.get(flow["node"])
    if node is None:
        return None  # the catalogue has changed meanwhile
    foreign = facts.payload is not None and not facts.payload.startswith(
        f"{TREE_PAYLOAD}{tree.name}/"
    )
    step = (
        None
        if foreign
        else answer_node(
            tree,
            node,
            text=facts.text,
            payload=facts.payload,
            language=facts.language,
            dates=tuple(each.value for each in facts.heard.found if each.entity == DATE),
            today=facts.today,
        )
    )
    if step is None:
        return _aside(flow, facts, settings, elsewhere)
    answers = [*flow.get("answers", ()), [node.text[facts.language], step.answer]]
    if step.target is None:
        if node.outcome is Outcome.FIX and step.answer == "no":
            return _ticket(tree, node.id, answers, facts)
        return Move(flow=None, say=(SOLVED,), name=tree.name)
    return _arrive(tree, step.target, answers, facts)


def _arrive(tree: Tree, name: str, answers: list[Any], facts: Facts) -> Move | HandOver:
    """Stand at a node: ask, or end."""
    node = tree.nodes[name]
    if node.outcome is Outcome.TICKET:
        return _ticket(tree, name, answers, facts)
    flow = {"kind": TREE, "name": tree.name, "node": name, "answers": answers, "tries": 0}
    if node.outcome is Outcome.REPLY:
        return Move(flow=None, node=name, name=tree.name)
    return Move(flow=flow, name=tree.name)


def _ticket(tree: Tree, name: str, answers: list[Any], facts: Facts) -> HandOver:
    """A ticket that carries every answer given (H1.6)."""
    node = tree.nodes[name]
    text = node.text if node.outcome is Outcome.TICKET else {}
    return HandOver(
        reason=REASONS[Signal.TICKET],
        kind=node.kind if node.outcome is Outcome.TICKET else "fault",
        severity=node.severity,
        text=text.get(facts.language, ""),
        answers=tuple((str(question), str(answer)) for question, answer in answers),
        topic=tree.name,
    )


def _in_form(  # noqa: PLR0917 -- a form, and all that may be said in it
    form: Form,
    flow: Flow,
    facts: Facts,
    playbook: Playbook,
    settings: BotSettings,
    elsewhere: Elsewhere,
) -> Move | HandOver:
    intent = facts.understanding.intent if _sure(facts, settings) else None
    steps = _rule_within(flow, facts, playbook, settings)
    if intent is not None and steps is not None:
        if "action_deactivate_loop" in steps:
            rest = tuple(step for step in steps if step != "action_deactivate_loop")
            return Move(flow=None, steps=rest, name=form.name)
        return Move(flow=flow, inner=Answer(intent=intent, steps=steps), name=form.name)
    meant = corrected(facts.text) if facts.payload is None else None
    move = None if meant is None else _correct(form, flow, meant, facts, playbook)
    if move is not None:
        return move
    if intent in form.ignored_intents:
        return _aside(flow, facts, settings, elsewhere)
    if flow["slot"] in form.optional and _skipped(flow["slot"], facts, playbook):
        skipping = {**flow, "skipped": [*flow.get("skipped", ()), flow["slot"]]}
        return go_on(form, skipping, {}, facts, playbook)
    heard = replace(facts.heard, intent=intent)
    given, wrong = fill_slots(playbook.slots, heard, loop=form.name, asked=flow["slot"])
    wanted = {name: value for name, value in given.items() if name in form.required}
    # A value that was found answers; of a mere text it must be asked whether it does.
    found = {each.value for each in facts.heard.found}
    told = wanted.get(flow["slot"])
    if told == facts.text.strip() and told not in found and _is_question(facts, settings):
        return _aside(flow, facts, settings, elsewhere)
    if flow["slot"] not in wanted:
        return _aside(flow, facts, settings, elsewhere, wrong=flow["slot"] in wrong)
    return go_on(form, flow, wanted, facts, playbook)


def _skipped(slot: str, facts: Facts, playbook: Playbook) -> bool:
    """Whether the question is left out; to one of yes and no, "no" is an answer."""
    if facts.payload is not None:
        return facts.payload == SKIP_PAYLOAD
    known = next((each for each in playbook.slots if each.name == slot), None)
    return (known is None or known.type != "bool") and skips(facts.text)


def _correct(form: Form, flow: Flow, meant: str, facts: Facts, playbook: Playbook) -> Move | None:
    """`No, I meant …`: what fits a slot filled before replaces it, the last one first."""
    done = [name for name in reversed(flow.get("done", ())) if name in form.required]
    shift = len(facts.text) - len(meant)
    found = [each for each in facts.heard.found if each.start >= shift]
    for name in (*done, flow["slot"]):
        heard = Heard(text=meant, intent=None, found=found)
        given, _ = fill_slots(playbook.slots, heard, loop=form.name, asked=name)
        if name in given:
            move = go_on(form, flow, {name: given[name]}, facts, playbook)
            return replace(move, say=(CORRECTED, *move.say))
    return None


def go_on(
    form: Form, flow: Flow, given: Mapping[str, Any], facts: Facts, playbook: Playbook
) -> Move:
    """Ask for the next slot, or end; `given` are the slots just filled, None where in vain."""
    slots = {**facts.slots, **given}
    filled = [name for name, value in given.items() if value is not None]
    done = list(dict.fromkeys((*flow.get("done", ()), *filled)))
    skipped = list(flow.get("skipped", ()))
    wanted = (name for name in form.required if name not in skipped)
    missing = next((name for name in wanted if slots.get(name) is None), None)
    if missing is None:
        return Move(
            flow=None,
            slots=given,
            steps=playbook.when_filled(form.name, slots),
            name=form.name,
        )
    after = {"kind": FORM, "name": form.name, "slot": missing, "done": done, "tries": 0}
    if skipped:
        after["skipped"] = skipped
    return Move(flow=after, slots=given, name=form.name)


def _aside(
    flow: Flow,
    facts: Facts,
    settings: BotSettings,
    elsewhere: Elsewhere,
    *,
    wrong: bool = False,
) -> Move | HandOver:
    """No answer to the question: a question of the customer's, or an answer that does not fit."""
    inner = None if wrong else elsewhere(facts)
    if isinstance(inner, HandOver | Move):
        return inner
    if inner is not None and (facts.payload is not None or _is_question(facts, settings)):
        return Move(flow=flow, inner=inner, name=flow["name"])
    tries = flow.get("tries", 0) + 1
    if tries >= settings.flow_tries:
        return HandOver(
            reason=REASONS[Signal.LAST_MISS],
            kind="consultation",
            answers=tuple((str(q), str(a)) for q, a in flow.get("answers", ())),
        )
    say = (f"{FITS_NOT}{flow.get('slot') or flow['name']}",)
    return Move(flow={**flow, "tries": tries}, say=say, name=flow["name"], failed=True)


def _sure(facts: Facts, settings: BotSettings) -> bool:
    return facts.understanding.confidence >= settings.accept


def _is_question(facts: Facts, settings: BotSettings) -> bool:
    """Whether the message asks something else: by its form, or because it is well known."""
    intent = facts.understanding.intent
    if intent is None or group(intent) in {AFFIRM, DENY}:
        return False
    if facts.understanding.confidence >= max(_INTERRUPTS, settings.accept):
        return True
    article = bool(facts.hits) and facts.hits[0].score >= settings.article_accept
    return is_question(facts.text) and (_sure(facts, settings) or article)
