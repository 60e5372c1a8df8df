"""Judges rules, forms, slots and spans: what leads nowhere, in a circle, or out of range."""

from __future__ import annotations

from collections.abc import Iterator

from intents.findings import Finding, error
from intents.flows import DEFAULT_ACTIONS
from intents.model import Catalogue, Form, Rule, Slot, Source
from intents.tree_checks import check_tree, circles, no_such_intent

_FALLBACK_INTENT = "nlu_fallback"


def check_flows(catalogue: Catalogue) -> Iterator[Finding]:
    """Yield what is wrong with what happens after an intent is recognised."""
    yield from _check_rules(catalogue)
    yield from _check_forms(catalogue)
    yield from _check_slots(catalogue)
    for tree in catalogue.trees:
        yield from check_tree(tree, catalogue)
    yield from _check_people_first(catalogue)
    yield from _check_spans(catalogue)


def _check_rules(catalogue: Catalogue) -> Iterator[Finding]:
    intents = catalogue.intent_names() | {_FALLBACK_INTENT}
    slots = {slot.name for slot in catalogue.slots}
    for rule in catalogue.rules:
        place = f"rule {rule.name}"
        if rule.intent is not None and rule.intent not in intents:
            yield error(
                place,
                f"the intent {rule.intent!r} does not exist",
                "correct it or add the intent",
                zh=f"意图 {rule.intent} 不存在；请改正或新建",
                at="/intent",
            )
        if not rule.steps:
            yield error(
                place, "it does nothing", "add a step", zh="什么也不做；请加一步", at="/steps"
            )
        for number, condition in enumerate(rule.conditions):
            if condition.slot not in slots:
                yield error(
                    place,
                    f"the slot {condition.slot!r} does not exist",
                    "correct it or add it to `slots` in domain.yml",
                    zh=f"槽位 {condition.slot} 不存在；请改正或新建",
                    at=f"/conditions/{number}/slot",
                )
        yield from _check_steps(rule, place, catalogue)


def _check_steps(rule: Rule, place: str, catalogue: Catalogue) -> Iterator[Finding]:
    forms = {form.name for form in catalogue.forms}
    if rule.loop is not None and rule.loop not in forms:
        yield error(
            place,
            f"the form {rule.loop!r} does not exist",
            "add it to `forms`",
            zh=f"表单 {rule.loop} 不存在；请新建",
            at="/loop",
        )
    for number, step in enumerate(rule.steps):
        at = f"/steps/{number}"
        if step.startswith("utter_"):
            keyed = any(name.startswith(f"{step}/") for name in catalogue.responses)
            if step not in catalogue.responses and not keyed:
                yield error(
                    place,
                    f"the response {step!r} does not exist",
                    "write its texts",
                    zh=f"回答 {step} 不存在；请写它的文字",
                    at=at,
                )
        elif step not in forms and step not in DEFAULT_ACTIONS and step not in catalogue.actions:
            yield error(
                place,
                f"the action {step!r} is not listed",
                "correct it or add it to `actions` in domain.yml",
                zh=f"动作 {step} 没有登记；请改正，或登记在总设置的动作里",
                at=at,
            )


def _check_forms(catalogue: Catalogue) -> Iterator[Finding]:
    slots = {slot.name: slot for slot in catalogue.slots}
    for form in catalogue.forms:
        place = f"form {form.name}"
        if not form.required:
            yield error(
                place,
                "it asks for nothing",
                "name `required_slots`",
                zh="什么也不问；请加要问的槽位",
                at="/required",
            )
        for number, name in enumerate(form.required):
            at = f"/required/{number}"
            if name in form.required[:number]:
                yield error(
                    place,
                    f"it asks for {name!r} twice",
                    "keep one",
                    zh=f"{name} 问了两次；请只留一次",
                    at=at,
                )
            elif name not in slots:
                yield error(
                    place,
                    f"the slot {name!r} does not exist",
                    "add it to `slots`",
                    zh=f"槽位 {name} 不存在；请新建",
                    at=at,
                )
            else:
                yield from _check_asked(form, slots[name], at, catalogue)
        yield from _check_ignored(form, catalogue)
    leads = {form.name: _led_to(form, catalogue) for form in catalogue.forms}
    for circle in circles(leads):
        yield error(
            f"form {circle[0]}",
            f"it leads back to itself: {' → '.join(circle)}",
            "let one of them end without the next",
            zh=f"它又回到自己：{' → '.join(circle)}；请让其中一个结束后不再接下一个",
        )


def _check_asked(form: Form, slot: Slot, at: str, catalogue: Catalogue) -> Iterator[Finding]:
    """A slot of a form must be asked for, and something must be able to fill it."""
    place = f"form {form.name}"
    validator = f"validate_{form.name}"
    custom = all(mapping.source is Source.CUSTOM for mapping in slot.mappings)
    if custom and validator not in catalogue.actions:
        yield error(
            place,
            f"nothing fills the slot {slot.name!r}",
            f"give it a mapping, or list the action {validator}",
            zh=f"没有东西会填槽位 {slot.name}；请给它一种来源，或登记动作 {validator}",
            at=at,
        )
    if not _asks(form, slot.name, catalogue):
        yield error(
            place,
            f"nothing asks for the slot {slot.name!r}",
            f"write the response utter_ask_{slot.name}",
            zh=f"没有问 {slot.name} 的话；请写回答 utter_ask_{slot.name}",
            at=at,
        )


def _check_ignored(form: Form, catalogue: Catalogue) -> Iterator[Finding]:
    for number, slot in enumerate(form.optional):
        if slot not in form.required:
            yield error(
                f"form {form.name}",
                f"{slot!r} may be skipped, but is not asked for",
                "ask for it, or leave it out",
                zh=f"{slot} 可以跳过，却没有问它；请加上这一问，或去掉",
                at=f"/optional/{number}",
            )
    for number, intent in enumerate(form.ignored_intents):
        if intent not in catalogue.intent_names():
            yield no_such_intent(f"form {form.name}", intent, f"/ignored_intents/{number}")


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


def _check_slots(catalogue: Catalogue) -> Iterator[Finding]:
    forms = {form.name for form in catalogue.forms}
    for slot in catalogue.slots:
        place = f"slot {slot.name}"
        if (slot.type == "categorical") is not bool(slot.values):
            yield error(
                place,
                "values belong to a categorical slot, which must have some",
                "name the values, or choose another type",
                zh="取值属于“选项”类型，而它必须有取值；请写取值，或换一种类型",
                at="/values",
            )
        for number, mapping in enumerate(slot.mappings):
            at = f"/mappings/{number}"
            if mapping.source is Source.ENTITY and mapping.entity not in catalogue.entities:
                yield error(
                    place,
                    f"the entity {mapping.entity!r} does not exist",
                    "correct it or add the entity",
                    zh=f"实体 {mapping.entity or ''} 不存在；请改正或新建",
                    at=f"{at}/entity",
                )
            for key in ("intents", "not_intents"):
                for intent in getattr(mapping, key):
                    if intent not in catalogue.intent_names():
                        yield no_such_intent(place, intent, f"{at}/{key}")
            for count, (form, _) in enumerate(mapping.loops):
                if form is not None and form not in forms:
                    yield error(
                        place,
                        f"the form {form!r} does not exist",
                        "correct it",
                        zh=f"表单 {form} 不存在；请改正",
                        at=f"{at}/loops/{count}",
                    )


def _check_people_first(catalogue: Catalogue) -> Iterator[Finding]:
    for intent in catalogue.people_first.intents:
        if intent not in catalogue.intent_names():
            yield no_such_intent("people_first", intent, "/people_first/intents")


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
                        zh=f"“{utterance.text}”里 {span.entity} 的标注出了句子；请重新标注",
                        at="/utterances",
                    )
                elif span.entity not in catalogue.entities:
                    yield error(
                        place,
                        f"the entity {span.entity!r} of {utterance.text!r} is not listed",
                        "add it to `entities` in domain.yml, or remove the mark",
                        zh=f"“{utterance.text}”标注的实体 {span.entity} 没有登记；"
                        "请新建，或去掉标注",
                        at="/utterances",
                    )
            spans = {(span.start, span.end) for span in utterance.entities}
            for start, end in spans:
                if any(a < end and start < b for a, b in spans if (a, b) != (start, end)):
                    yield error(
                        place,
                        f"spans overlap in {utterance.text!r}",
                        "mark the words again",
                        zh=f"“{utterance.text}”里的标注重叠了；请重新标注",
                        at="/utterances",
                    )
                    break
