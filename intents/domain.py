"""Reads Rasa 3 domain files (intents, entities, slots, actions, responses) and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intents.document import Document, Place, is_text
from intents.model import Button, ResponseVariant, Rule, Slot

_SLOT_TYPES = {"text", "bool", "float", "list", "any"}
_LANGUAGES = ("zh", "en")
_PARTS = ("intents", "entities", "slots", "actions", "responses", "session_config")

Responses = dict[str, tuple[ResponseVariant, ...]]


@dataclass(slots=True)
class Domain:
    """What the domain files hold, gathered file by file."""

    intents: list[str] = field(default_factory=list)
    entities: list[str] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    responses: Responses = field(default_factory=dict)
    session_minutes: int = 60


def read_domain(document: Document) -> Domain:
    """Return what `domain.yml` lists.

    Raises:
        CatalogueError: something in the file is not in Rasa's format or not supported.
    """
    top = document.top(_PARTS)
    domain = Domain(
        intents=_names(document, top, "intents"),
        entities=_entities(document, top),
        actions=_names(document, top, "actions"),
    )
    domain.slots = _slots(document, top, domain.entities)
    _add_responses(document, top, domain.responses)
    domain.session_minutes = _session_minutes(document, top)
    return domain


def read_responses(document: Document, into: Responses) -> None:
    """Add the responses of one file of `responses/` to `into`.

    Raises:
        CatalogueError: something in the file is not in Rasa's format or not supported.
    """
    top = document.top(("responses",))
    if "responses" not in top:
        document.refuse((), "must hold `responses:`; add it or remove the file")
    _add_responses(document, top, into)


def read_rules(document: Document) -> tuple[Rule, ...]:
    """Return the rules of `rules.yml`.

    Raises:
        CatalogueError: something in the file is not in Rasa's format or not supported.
    """
    top = document.top(("rules",))
    rules = []
    for number, item in enumerate(document.items(top.get("rules"), ("rules",), "`rules`")):
        place: Place = ("rules", number)
        entry = document.mapping(item, place, "a rule")
        document.only(entry, place, "a rule", ("rule", "steps"))
        name = document.text(entry.get("rule"), (*place, "rule"), "the name after `rule:`")
        rules.append(_rule(document, place, name, entry.get("steps")))
    return tuple(rules)


def _rule(document: Document, place: Place, name: str, value: Any) -> Rule:
    here = (*place, "steps")
    steps = document.items(value, here, f"`steps` of rule {name!r}")
    intent: str | None = None
    actions: list[str] = []
    for number, item in enumerate(steps):
        spot = (*here, number)
        step = document.mapping(item, spot, "a step")
        wanted = "intent" if number == 0 else "action"
        document.only(step, spot, f"step {number + 1} of rule {name!r}", (wanted,))
        said = document.text(step.get(wanted), spot, f"the name after `{wanted}:`")
        if number == 0:
            intent = said
        else:
            actions.append(said)
    if intent is None or not actions:
        document.refuse(here, f"rule {name!r} must have `- intent: …`, then `- action: …`")
    return Rule(name=name, intent=intent, steps=tuple(actions))


def _names(document: Document, top: Mapping[str, Any], part: str) -> list[str]:
    names: list[str] = []
    if part not in top:
        return names
    for number, item in enumerate(document.items(top[part], (part,), f"`{part}`")):
        place: Place = (part, number)
        if isinstance(item, dict):
            document.refuse(
                place, f"settings under a name in `{part}` are not supported; write `- name`"
            )
        name = document.text(item, place, f"a name in `{part}`")
        if name in names:
            document.refuse(place, f"{name!r} stands twice in `{part}`; remove one")
        names.append(name)
    return names


def _entities(document: Document, top: Mapping[str, Any]) -> list[str]:
    """Names of entities; `roles` and `groups` under a name are Rasa's way to list them."""
    names: list[str] = []
    if "entities" not in top:
        return names
    for number, item in enumerate(document.items(top["entities"], ("entities",), "`entities`")):
        place: Place = ("entities", number)
        if not isinstance(item, dict):
            names.append(document.text(item, place, "a name in `entities`"))
            continue
        for name, value in document.mapping(item, place, "an entity").items():
            options = document.mapping(value, (*place, name), f"the entity {name!r}")
            document.only(options, (*place, name), f"the entity {name!r}", ("roles", "groups"))
            names.append(name)
    return names


def _slots(document: Document, top: Mapping[str, Any], entities: list[str]) -> list[Slot]:
    slots: list[Slot] = []
    if "slots" not in top:
        return slots
    for name, value in document.mapping(top["slots"], ("slots",), "`slots`").items():
        place: Place = ("slots", name)
        entry = document.mapping(value, place, f"slot {name!r}")
        document.only(
            entry,
            place,
            f"slot {name!r}",
            ("type", "mappings", "initial_value", "influence_conversation"),
        )
        kind = entry.get("type")
        if kind not in _SLOT_TYPES:
            document.refuse(
                (*place, "type"),
                f"slot {name!r}: `type` must be one of {', '.join(sorted(_SLOT_TYPES))}",
            )
        if entry.get("influence_conversation") is not False:
            document.refuse(
                (*place, "influence_conversation"),
                f"slot {name!r} must say `influence_conversation: false`; rules decide",
            )
        initial = entry.get("initial_value")
        if not isinstance(initial, str | bool | int | float | None):
            document.refuse(
                (*place, "initial_value"),
                f"slot {name!r}: `initial_value` must be one plain value",
            )
        filled = _mappings(document, place, name, entry.get("mappings"), entities)
        slots.append(Slot(name=name, type=kind, entities=filled, initial_value=initial))
    return slots


def _mappings(
    document: Document, place: Place, name: str, value: Any, entities: list[str]
) -> tuple[str, ...]:
    here = (*place, "mappings")
    filled: list[str] = []
    for number, item in enumerate(document.items(value, here, f"`mappings` of slot {name!r}")):
        spot = (*here, number)
        mapping = document.mapping(item, spot, f"a mapping of slot {name!r}")
        kind = mapping.get("type")
        if kind == "custom":
            document.only(mapping, spot, f"a mapping of slot {name!r}", ("type",))
            continue
        if kind != "from_entity":
            document.refuse(
                spot, f"slot {name!r}: a mapping must be `type: from_entity` or `type: custom`"
            )
        document.only(mapping, spot, f"a mapping of slot {name!r}", ("type", "entity"))
        entity = document.text(mapping.get("entity"), spot, f"`entity` of slot {name!r}")
        if entity not in entities:
            document.refuse(spot, f"slot {name!r}: add {entity!r} to `entities` first")
        filled.append(entity)
    return tuple(filled)


def _session_minutes(document: Document, top: Mapping[str, Any]) -> int:
    if "session_config" not in top:
        return Domain().session_minutes
    place: Place = ("session_config",)
    entry = document.mapping(top["session_config"], place, "`session_config`")
    document.only(
        entry,
        place,
        "`session_config`",
        ("session_expiration_time", "carry_over_slots_to_new_session"),
    )
    minutes = entry.get("session_expiration_time", Domain().session_minutes)
    if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes < 0:
        document.refuse(
            (*place, "session_expiration_time"),
            "`session_expiration_time` must be whole minutes, 0 or more",
        )
    if entry.get("carry_over_slots_to_new_session") is True:
        document.refuse(
            (*place, "carry_over_slots_to_new_session"),
            "slots are not carried over; write `carry_over_slots_to_new_session: false`",
        )
    return minutes


def _add_responses(document: Document, top: Mapping[str, Any], into: Responses) -> None:
    if "responses" not in top:
        return
    for name, value in document.mapping(top["responses"], ("responses",), "`responses`").items():
        place: Place = ("responses", name)
        if not name.startswith("utter_"):
            document.refuse(place, f"the response {name!r} must be named `utter_…`")
        variants = document.items(value, place, f"the response {name!r}")
        if not variants:
            document.refuse(place, f"the response {name!r} has no text; write one per language")
        added = tuple(
            _variant(document, (*place, number), name, item)
            for number, item in enumerate(variants)
        )
        into[name] = into.get(name, ()) + added


def _variant(document: Document, place: Place, name: str, value: Any) -> ResponseVariant:
    what = f"a text of {name!r}"
    entry = document.mapping(value, place, what)
    document.only(entry, place, what, ("text", "buttons", "channel", "metadata"))
    text = document.text(entry.get("text"), place, f"`text` of {name!r}").strip()
    metadata = document.mapping(entry.get("metadata"), place, f"`metadata` of {name!r}")
    document.only(metadata, (*place, "metadata"), f"`metadata` of {name!r}", ("language",))
    language = metadata.get("language")
    if language not in _LANGUAGES:
        document.refuse(
            (*place, "metadata"), f"{name!r} must say `metadata: {{language: zh}}` or `en`"
        )
    channel = entry.get("channel")
    if channel is not None and not is_text(channel):
        document.refuse((*place, "channel"), f"`channel` of {name!r} must be a channel's name")
    buttons = _buttons(document, (*place, "buttons"), name, entry.get("buttons", []))
    return ResponseVariant(text=text, language=language, buttons=buttons, channel=channel)


def _buttons(document: Document, place: Place, name: str, value: Any) -> tuple[Button, ...]:
    buttons = []
    for number, item in enumerate(document.items(value, place, f"`buttons` of {name!r}")):
        spot = (*place, number)
        entry = document.mapping(item, spot, f"a button of {name!r}")
        document.only(entry, spot, f"a button of {name!r}", ("title", "payload"))
        title = document.text(entry.get("title"), spot, f"`title` of a button of {name!r}")
        payload = document.text(entry.get("payload"), spot, f"`payload` of a button of {name!r}")
        if not payload.startswith("/"):
            document.refuse(spot, f"`payload` of a button of {name!r} must be like `/intent`")
        buttons.append(Button(title=title, payload=payload))
    return tuple(buttons)
