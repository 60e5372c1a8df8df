"""Judges rules, forms, trees and spans: what leads nowhere, in a circle, or out of range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intents.findings import Finding, error, warning
from intents.flows import DEFAULT_ACTIONS
from intents.model import Catalogue, Form, Outcome, Rule, Source, Tree

_FALLBACK_INTENT = "nlu_fallback"


def check_flows(catalogue: Catalogue) -> Iterator[Finding]:
    """Yield what is wrong with what happens after an intent is recognised."""
    yield from _check_rules(catalogue)
    yield from _check_forms(catalogue)
    for tree in catalogue.trees:
        yield from _check_tree(tree, catalogue)
    yield from _check_people_first(catalogue)
    yield from _check_spans(catalogue)


def _check_rules(catalogue: Catalogue) -> Iterator[Finding]:
    intents = catalogue.intent_names() | {_FALLBACK_INTENT}
    slots = {slot.name for slot in catalogue.slots}
    for rule in catalogue.rules:
        place = f"rule {rule.name}"
        if rule.intent is not None and rule.intent not in intents:
            yield error(
                place, f"the intent {rule.intent!r} does not exist", "correct it or add the intent"
            )
        for condition in rule.conditions:
            if condition.slot not in slots:
                yield error(
                    place,
                    f"the slot {condition.slot!r} does not exist",
                    "correct it or add it to `slots` in domain.yml",
                )
        yield from _check_steps(rule, place, catalogue)


def _check_steps(rule: Rule, place: str, catalogue: Catalogue) -> Iterator[Finding]:
    forms = {form.name for form in catalogue.forms}
    if rule.loop is not None and rule.loop not in forms:
        yield error(place, f"the form {rule.loop!r} does not exist", "add it to `forms`")
    for step in rule.steps:
        if step.startswith("utter_"):
            keyed = any(name.startswith(f"{step}/") for name in catalogue.responses)
            if step not in catalogue.responses and not keyed:
                yield error(place, f"the response {step!r} does not exist", "write its texts")
        elif step not in forms and step not in DEFAULT_ACTIONS and step not in catalogue.actions:
            yield error(
                place,
                f"the action {step!r} is not listed",
                "correct it or add it to `actions` in domain.yml",
            )


def _check_forms(catalogue: Catalogue) -> Iterator[Finding]:
    slots = {slot.name: slot for slot in catalogue.slots}
    for form in catalogue.forms:
        place = f"form {form.name}"
        if not form.required:
            yield error(place, "it asks for nothing", "name `required_slots`")
        for name in form.required:
            if name not in slots:
                yield error(place, f"the slot {name!r} does not exist", "add it to `slots`")
                continue
            if all(mapping.source is Source.CUSTOM for mapping in slots[name].mappings):
                validator = f"validate_{form.name}"
                if validator not in catalogue.actions:
                    yield error(
                        place,
                        f"nothing fills the slot {name!r}",
                        f"give it a mapping, or list the action {validator}",
                    )
            if not _asks(form, name, catalogue):
                yield error(
                    place,
                    f"nothing asks for the slot {name!r}",
                    f"write the response utter_ask_{name}",
                )
    leads = {form.name: _led_to(form, catalogue) for form in catalogue.forms}
    for circle in _circles(leads):
        yield error(
            f"form {circle[0]}",
            f"it leads back to itself: {' → '.join(circle)}",
            "let one of them end without the next",
        )


def _asks(form: Form, slot: str, catalogue: Catalogue) -> bool:
    names = (f"ask_{form.name}_{slot}", f"ask_{slot}")
    return any(
        f"utter_{name}" in catalogue.responses or f"action_{name}" in catalogue.actions
        for name in names
    )


def _led_to(form: Form, catalogue: Catalogue) -> set[str]:
    """The forms that begin when this one is filled."""
    forms = {each.name for each in catalogue.forms}
    return {
        step
        for rule in catalogue.rules
        if rule.loop == form.name and rule.intent is None
        for step in rule.steps
        if step in forms
    }


def _check_tree(tree: Tree, catalogue: Catalogue) -> Iterator[Finding]:
    place = f"tree {tree.name}"
    for intent in tree.intents:
        if intent not in catalogue.intent_names():
            yield error(place, f"the intent {intent!r} does not exist", "correct it")
    leads = {node.id: set(node.targets()) for node in tree.nodes.values()}
    for circle in _circles(leads):
        yield error(
            place,
            f"it leads in a circle: {' → '.join(circle)}",
            "let one of these nodes end in a fix, a ticket or a reply",
        )
    reached = _reached(tree.start, leads)
    for name in tree.nodes:
        if name not in reached:
            yield warning(place, f"node {name!r} cannot be reached", "lead to it or remove it")
    slugs = {article.slug for article in catalogue.articles}
    for node in tree.nodes.values():
        if node.article is not None and node.article not in slugs:
            yield error(place, f"the article {node.article!r} does not exist", "correct it")
        if node.outcome is None and node.years is None and not node.choices:
            yield error(place, f"node {node.id!r} offers no choice", "add choices")
        for language in ("zh", "en"):
            titles = [choice.title.get(language) for choice in node.choices]
            if len(set(titles)) < len(titles):
                yield error(
                    place, f"two choices of node {node.id!r} read alike", "word them differently"
                )
    if not any(node.outcome is Outcome.TICKET for node in tree.nodes.values()):
        yield warning(place, "no path ends in a ticket", "add one for who is not helped")


def _check_people_first(catalogue: Catalogue) -> Iterator[Finding]:
    for intent in catalogue.people_first.intents:
        if intent not in catalogue.intent_names():
            yield error("people_first", f"the intent {intent!r} does not exist", "correct it")


def _check_spans(catalogue: Catalogue) -> Iterator[Finding]:
    for intent in catalogue.intents:
        for utterance in intent.utterances + intent.checks:
            place = f"intent {intent.name}"
            for span in utterance.entities:
                if not 0 <= span.start < span.end <= len(utterance.text):
                    yield error(
                        place,
                        f"the span {span.start}–{span.end} of {span.entity!r} lies outside "
                        f"{utterance.text!r}",
                        "mark the words again",
                    )
            spans = {(span.start, span.end) for span in utterance.entities}
            for start, end in spans:
                if any(a < end and start < b for a, b in spans if (a, b) != (start, end)):
                    yield error(
                        place, f"spans overlap in {utterance.text!r}", "mark the words again"
                    )
                    break


def _reached(start: str, leads: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += leads.get(name, ())
    return found


def _circles(leads: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Circles in a graph, each once, as the names along it, the first repeated at the end."""
    done: set[str] = set()
    for start in leads:
        path: list[str] = []
        branches = [iter([start])]
        while branches:
            name = next(branches[-1], None)
            if name is None:
                branches.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                yield [*path[path.index(name) :], name]
            elif name not in done:
                path.append(name)
                branches.append(iter(sorted(leads.get(name, ()))))
