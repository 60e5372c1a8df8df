"""Reads Rasa 3 `rules:` and those `stories:` that say the same as rules.

A step list becomes exchanges: an intent with the steps that answer it, what happens within a
form, and what follows a form. A story is understood as far as the answer depends on the
intent, on slots, on the form that runs, and on the bot's last step; one that depends on more
is refused by name, for it would be followed otherwise than it was written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from intents.document import Document, Place, is_text
from intents.model import Rule, Slot, SlotCondition, Source

DEFAULT_ACTIONS = frozenset(
    {"action_listen", "action_restart", "action_default_fallback", "action_deactivate_loop"}
)
"""Rasa's own actions that steps may name."""

_STEP_KINDS = ("intent", "or", "action", "active_loop", "slot_was_set", "checkpoint")
_UNSUPPORTED = {
    "bot": "texts of the bot are for end-to-end training, which is not supported; use `action:`",
    "user": "a text without `intent:` is for end-to-end training, which is not supported",
}


@dataclass(frozen=True, slots=True)
class Sourced:
    """A rule with the place it was read from, for messages."""

    rule: Rule
    document: Document
    place: Place


@dataclass(slots=True)
class Flows:
    """Rules and stories, gathered file by file."""

    rules: list[Sourced] = field(default_factory=list)
    stories: list[Sourced] = field(default_factory=list)
    ends: dict[str, list[str | None]] = field(default_factory=dict)
    waiting: list[tuple[Document, Place, Mapping[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Slots:
    """Which slot an entity fills, and the slots of which only matters whether they are set."""

    filled: Mapping[str, str]
    only_set: frozenset[str]


@dataclass(slots=True)
class _Walk:
    """Where a walk along the steps of one rule or story stands."""

    document: Document
    place: Place
    name: str
    slots: _Slots
    is_story: bool
    loop: str | None = None
    last: str | None = None
    conditions: tuple[SlotCondition, ...] = ()
    intents: tuple[str, ...] = ()
    told: list[str] = field(default_factory=list)
    starts: bool = False
    # The form that the exchange answers within, or that has just ended.
    inside: str | None = None
    found: list[Sourced] = field(default_factory=list)


def read_rules(document: Document, value: Any, into: Flows, slots: Iterable[Slot]) -> None:
    """Add the rules of one file; `value` is what stands under its `rules:`.

    Raises:
        CatalogueError: something in the file is not in Rasa's format or not supported.
    """
    filled = _look_at(slots)
    for number, item in enumerate(document.items(value, ("rules",), "`rules`")):
        place: Place = ("rules", number)
        entry = document.mapping(item, place, "a rule")
        document.only(
            entry,
            place,
            "a rule",
            (
                "rule",
                "steps",
                "condition",
                "conversation_start",
                "wait_for_user_input",
                "metadata",
            ),
        )
        name = document.text(entry.get("rule"), (*place, "rule"), "the name after `rule:`")
        walk = _Walk(document, (*place, "steps"), name, filled, is_story=False)
        walk.starts = entry.get("conversation_start") is True
        _read_conditions(walk, (*place, "condition"), entry.get("condition", []))
        _walk(walk, entry.get("steps"), f"rule {name!r}")
        if not walk.found:
            document.refuse(
                (*place, "steps"), f"rule {name!r} must have `- intent: …`, then `- action: …`"
            )
        into.rules += walk.found


def read_stories(document: Document, value: Any, into: Flows) -> None:
    """Remember the stories of one file; `finish_flows` reads them when all are known.

    Raises:
        CatalogueError: the file is not in Rasa's format.
    """
    for number, item in enumerate(document.items(value, ("stories",), "`stories`")):
        place: Place = ("stories", number)
        entry = document.mapping(item, place, "a story")
        document.only(entry, place, "a story", ("story", "steps", "metadata"))
        document.text(entry.get("story"), (*place, "story"), "the name after `story:`")
        into.waiting.append((document, place, entry))


def finish_flows(flows: Flows, slots: Iterable[Slot]) -> tuple[Rule, ...]:
    """Return the rules, and the stories as rules.

    Raises:
        CatalogueError: a story needs more of the past than the bot's last step.
    """
    filled = _look_at(slots)
    _note_ends(flows)
    for document, place, entry in flows.waiting:
        _read_story(document, place, entry, flows, filled)
    told = {_key(each.rule): each.rule.steps for each in flows.rules}
    groups: defaultdict[tuple[Any, ...], list[Sourced]] = defaultdict(list)
    for each in flows.stories:
        groups[_key(each.rule)].append(each)
    rules = list({(_key(r.rule), r.rule.steps): r.rule for r in flows.rules}.values())
    for key, group in groups.items():
        rules += _agreed(group, told.get(key))
    return tuple(rules)


def _agreed(group: list[Sourced], ruled: tuple[str, ...] | None) -> list[Rule]:
    """The rules that stories with the same intent come to, or a refusal."""
    steps = {each.rule.steps for each in group}
    if ruled is not None:
        for each in group:
            if each.rule.steps != ruled:
                _refuse_story(each, f"a rule answers `{each.rule.intent}` otherwise")
        return []
    if len(steps) == 1:
        return [replace(group[0].rule, after=None)]
    by_past: dict[str | None, Sourced] = {}
    for each in group:
        known = by_past.setdefault(each.rule.after, each)
        if known.rule.steps != each.rule.steps:
            past = each.rule.after or "the beginning"
            _refuse_story(
                each,
                f"after {past}, `{each.rule.intent}` is answered otherwise in "
                f"{known.rule.name!r}; the bot looks back one step only",
            )
    return [each.rule for each in by_past.values()]


def _refuse_story(each: Sourced, why: str) -> None:
    each.document.refuse(
        each.place,
        f"{each.rule.name!r}: {why}; make a form, or a rule with a slot as condition, of it",
    )


def _key(rule: Rule) -> tuple[Any, ...]:
    conditions = tuple(sorted((c.slot, repr(c.value), c.any_value) for c in rule.conditions))
    if rule.intent is None and rule.loop is None:
        return (None, None, rule.after, conditions)
    return (rule.intent, rule.loop, None, conditions)


def _look_at(slots: Iterable[Slot]) -> _Slots:
    known = tuple(slots)
    return _Slots(
        filled={
            mapping.entity: slot.name
            for slot in known
            for mapping in slot.mappings
            if mapping.source is Source.ENTITY and mapping.entity is not None
        },
        only_set=frozenset(slot.name for slot in known if slot.type in {"text", "list", "any"}),
    )


def _note_ends(flows: Flows) -> None:
    """For each checkpoint the steps that may stand before it."""
    for _, _, entry in flows.waiting:
        steps = entry.get("steps")
        last: str | None = None
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, dict) and is_text(step.get("action")):
                last = step["action"]
            elif isinstance(step, dict) and is_text(step.get("checkpoint")) and last is not None:
                flows.ends.setdefault(step["checkpoint"], []).append(last)


def _read_story(
    document: Document,
    place: Place,
    entry: Mapping[str, Any],
    flows: Flows,
    filled: _Slots,
) -> None:
    name = str(entry["story"])
    steps = document.items(entry.get("steps"), (*place, "steps"), f"`steps` of story {name!r}")
    first = steps[0] if steps and isinstance(steps[0], dict) else {}
    lasts: list[str | None] = [None]
    if is_text(first.get("checkpoint")):
        lasts = flows.ends.get(first["checkpoint"], [])
        if not lasts:
            document.refuse(
                (*place, "steps", 0), f"no story ends in the checkpoint {first['checkpoint']!r}"
            )
    for last in dict.fromkeys(lasts):
        walk = _Walk(document, (*place, "steps"), name, filled, is_story=True, last=last)
        _walk(walk, steps, f"story {name!r}")
        flows.stories += walk.found


def _read_conditions(walk: _Walk, place: Place, value: Any) -> None:
    for number, item in enumerate(walk.document.items(value, place, "`condition`")):
        spot = (*place, number)
        entry = walk.document.mapping(item, spot, "a condition")
        walk.document.only(entry, spot, "a condition", ("active_loop", "slot_was_set"))
        if "active_loop" in entry:
            walk.loop = _loop_name(entry["active_loop"])
        else:
            walk.conditions += _slot_conditions(walk, spot, entry.get("slot_was_set"))


def _walk(walk: _Walk, value: Any, what: str) -> None:
    for number, item in enumerate(walk.document.items(value, walk.place, f"`steps` of {what}")):
        spot = (*walk.place, number)
        step = walk.document.mapping(item, spot, "a step")
        for key, why in _UNSUPPORTED.items():
            if key in step and "intent" not in step:
                walk.document.refuse((*spot, key), f"step {number + 1} of {what}: {why}")
        kind = next((kind for kind in _STEP_KINDS if kind in step), None)
        if kind is None or (kind == "checkpoint" and not walk.is_story):
            known = ", ".join(f"`{name}`" for name in _STEP_KINDS)
            odd = next(iter(step), "")
            walk.document.refuse(
                (*spot, odd),
                f"step {number + 1} of {what}: `{odd}` is not supported here (known: {known})",
            )
        _take(walk, spot, kind, step)
    _close(walk)


def _take(walk: _Walk, spot: Place, kind: str, step: Mapping[str, Any]) -> None:
    if kind in {"intent", "or"}:
        _close(walk)
        _take_intents(walk, spot, step)
    elif kind == "action":
        walk.document.only(step, spot, "a step", ("action",))
        name = walk.document.text(step["action"], (*spot, "action"), "the name after `action:`")
        if name.startswith("action_") and name in {"action_back", "action_session_start"}:
            walk.document.refuse(spot, f"the action `{name}` of Rasa is not supported")
        _take_action(walk, name)
    elif kind == "active_loop":
        _take_loop(walk, _loop_name(step["active_loop"]))
    elif kind == "slot_was_set":
        _take_slots(walk, spot, step["slot_was_set"])
    else:
        _close(walk)
        if "slot_was_set" in step:
            walk.conditions += _slot_conditions(walk, spot, step["slot_was_set"])


def _take_intents(walk: _Walk, spot: Place, step: Mapping[str, Any]) -> None:
    """An intent or a choice of intents opens an exchange."""
    if "or" in step:
        choices = walk.document.items(step["or"], (*spot, "or"), "`or`")
        if any(isinstance(choice, dict) and "slot_was_set" in choice for choice in choices):
            walk.document.refuse(
                (*spot, "or"), "`or` over slots is not supported; write one rule for each"
            )
    else:
        choices = [step]
    names = []
    for choice in choices:
        entry = walk.document.mapping(choice, spot, "a step")
        walk.document.only(entry, spot, "a step with `intent`", ("intent", "user", "entities"))
        names.append(walk.document.text(entry.get("intent"), spot, "the name after `intent:`"))
        if entry.get("entities") and walk.loop is None:
            walk.conditions += _entity_conditions(walk, spot, entry["entities"])
    walk.intents = tuple(names)
    walk.inside = walk.loop


def _take_action(walk: _Walk, name: str) -> None:
    if walk.loop is not None and name == walk.loop:
        return  # the form goes on, which it does by itself
    if name != "action_listen":
        walk.told.append(name)


def _take_loop(walk: _Walk, name: str | None) -> None:
    if name is not None:
        walk.loop = name
        if name in walk.told:
            walk.told = walk.told[: walk.told.index(name) + 1]
        return
    if walk.loop is not None and "action_deactivate_loop" not in walk.told:
        _close(walk)  # what follows is what the form leads to
        walk.inside = walk.loop
    walk.loop = None


def _take_slots(walk: _Walk, spot: Place, value: Any) -> None:
    """A branch after an action or a form; within a form it only tells what was filled."""
    conditions = tuple(
        c for c in _slot_conditions(walk, spot, value) if c.slot != "requested_slot"
    )
    if walk.loop is not None or not conditions:
        return
    if walk.told:
        _close(walk)
    walk.conditions += conditions


def _close(walk: _Walk) -> None:
    """End the exchange: what was told since the intent, the form or the slots is its answer."""
    if walk.told:
        loop = walk.inside
        follows = not walk.intents and loop is None
        if follows and walk.last is None:
            walk.document.refuse(
                walk.place,
                f"{walk.name!r} must have `- intent: …` before its first `- action: …`",
            )
        for intent in walk.intents or (None,):
            rule = Rule(
                name=walk.name,
                intent=intent,
                steps=tuple(walk.told),
                conditions=walk.conditions,
                loop=loop,
                after=walk.last if follows or (walk.is_story and loop is None) else None,
                starts=walk.starts,
            )
            walk.found.append(Sourced(rule, walk.document, walk.place))
        walk.last = walk.told[-1]
        walk.conditions = ()
    walk.told = []
    walk.intents = ()
    walk.inside = None


def _loop_name(value: Any) -> str | None:
    return None if value is None or value == "null" else str(value)


def _slot_conditions(walk: _Walk, place: Place, value: Any) -> tuple[SlotCondition, ...]:
    found = []
    for item in walk.document.items(value, place, "`slot_was_set`"):
        if isinstance(item, dict):
            found += [_condition(walk, str(slot), wanted) for slot, wanted in item.items()]
        else:
            name = walk.document.text(item, place, "a slot's name")
            found.append(SlotCondition(slot=name, any_value=True))
    return tuple(found)


def _condition(walk: _Walk, slot: str, wanted: Any) -> SlotCondition:
    """As Rasa compares: of a text or a list only whether it is set."""
    if wanted is not None and slot in walk.slots.only_set:
        return SlotCondition(slot=slot, any_value=True)
    return SlotCondition(slot=slot, value=wanted)


def _entity_conditions(walk: _Walk, place: Place, value: Any) -> tuple[SlotCondition, ...]:
    """Entities of an intent step, told by the slots they fill."""
    found = []
    for item in walk.document.items(value, place, "`entities`"):
        pairs = item.items() if isinstance(item, dict) else [(item, None)]
        for name, wanted in pairs:
            if name in {"role", "group"}:
                continue
            if name not in walk.slots.filled:
                walk.document.refuse(
                    place,
                    f"{walk.name!r} depends on the entity {name!r}, which fills no slot; add a "
                    "slot with `from_entity`, or leave the entity out",
                )
            slot = walk.slots.filled[name]
            found.append(
                SlotCondition(slot=slot, any_value=True)
                if wanted is None
                else _condition(walk, slot, wanted)
            )
    return tuple(found)
