"""Writes rules back as Rasa 3 `rules:` and `stories:`; the counterpart of `intents.flows`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from intents.model import Catalogue, Rule, SlotCondition

Step = dict[str, Any]


def write_rules(catalogue: Catalogue) -> list[dict[str, Any]]:
    """The rules that need nothing of the past but what goes on in the same turn."""
    forms = {form.name for form in catalogue.forms}
    stories = set(_with_past(catalogue))
    return [
        _rule(rule, catalogue, forms)
        for number, rule in enumerate(catalogue.rules)
        if number not in stories
    ]


def write_rule(rule: Rule, catalogue: Catalogue) -> dict[str, Any]:
    """A rule that needs nothing of the past, as one of Rasa's."""
    return _rule(rule, catalogue, {form.name for form in catalogue.forms})


def write_stories(catalogue: Catalogue) -> list[dict[str, Any]]:
    """The rules that look back one step, each behind an exchange that ends in that step."""
    forms = {form.name for form in catalogue.forms}
    stories = []
    for number in _with_past(catalogue):
        rule = catalogue.rules[number]
        steps: list[Step] = []
        if rule.after is not None:
            steps += _exchange(_leading_to(rule.after, catalogue), forms)
        steps += _exchange(rule, forms)
        stories.append({"story": rule.name, "steps": steps})
    return stories


def _with_past(catalogue: Catalogue) -> Iterator[int]:
    """Positions of the rules that belong to a group of which one looks back."""
    looking = {
        (rule.intent, rule.conditions)
        for rule in catalogue.rules
        if rule.intent is not None and rule.after is not None
    }
    for number, rule in enumerate(catalogue.rules):
        if rule.loop is None and (rule.intent, rule.conditions) in looking:
            yield number


def _leading_to(step: str, catalogue: Catalogue) -> Rule:
    """An exchange after which `step` was the last; there is one, or the rule were idle."""
    found = [
        rule
        for rule in catalogue.rules
        if rule.steps[-1] == step and (rule.intent is not None or rule.loop is not None)
    ]
    return min(found, key=lambda rule: (rule.after is not None, rule.loop is not None))


def _rule(rule: Rule, catalogue: Catalogue, forms: set[str]) -> dict[str, Any]:
    content: dict[str, Any] = {"rule": rule.name}
    if rule.starts:
        content["conversation_start"] = True
    opening = rule
    goes_on = rule.intent is None and rule.loop is None
    if goes_on and rule.after is not None:
        opening = _leading_to(rule.after, catalogue)
    condition: list[Step] = [{"active_loop": opening.loop}] if opening.loop is not None else []
    if opening.intent is not None and opening.conditions:
        condition.append({"slot_was_set": _slots(opening.conditions)})
    if condition:
        content["condition"] = condition
    content["steps"] = _steps(opening, forms)
    if goes_on:
        content["steps"].append({"slot_was_set": _slots(rule.conditions)})
        content["steps"] += _actions(rule.steps, forms)
        content["wait_for_user_input"] = False
    return content


def _exchange(rule: Rule, forms: set[str]) -> list[Step]:
    """A rule as a part of a story, where slots stand between the steps."""
    told: list[Step] = [{"slot_was_set": _slots(rule.conditions)}] if rule.conditions else []
    return told + _steps(rule, forms)


def _steps(rule: Rule, forms: set[str]) -> list[Step]:
    if rule.loop is None:
        return [{"intent": rule.intent}, *_actions(rule.steps, forms)]
    if rule.intent is not None:
        steps: list[Step] = [{"intent": rule.intent}, *_actions(rule.steps, forms)]
        if "action_deactivate_loop" not in rule.steps:
            steps += [{"action": rule.loop}, {"active_loop": rule.loop}]
        return steps
    ended: list[Step] = [
        {"action": rule.loop},
        {"active_loop": None},
        {"slot_was_set": [{"requested_slot": None}]},
    ]
    if rule.conditions:
        ended.append({"slot_was_set": _slots(rule.conditions)})
    return ended + _actions(rule.steps, forms)


def _actions(names: tuple[str, ...], forms: set[str]) -> list[Step]:
    steps: list[Step] = []
    for name in names:
        steps.append({"action": name})
        if name in forms:
            steps.append({"active_loop": name})
        elif name == "action_deactivate_loop":
            steps.append({"active_loop": None})
    return steps


def _slots(conditions: tuple[SlotCondition, ...]) -> list[Any]:
    return [c.slot if c.any_value else {c.slot: c.value} for c in conditions]
