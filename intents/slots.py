"""Reads Rasa 3 `slots:` and `forms:`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from intents.document import Document, Place
from intents.model import Form, Slot, SlotMapping, Source

_TYPES = ("text", "bool", "categorical", "float", "list", "any")
_SLOT_KEYS = (
    "type",
    "mappings",
    "initial_value",
    "influence_conversation",
    "values",
    "min_value",
    "max_value",
)
_MAPPING_KEYS = {
    Source.ENTITY: ("entity", "role", "group"),
    Source.TEXT: (),
    Source.INTENT: ("value",),
    Source.TRIGGER_INTENT: ("value",),
    Source.CUSTOM: ("action",),
}


def read_slots(document: Document, value: Any, entities: list[str]) -> list[Slot]:
    """Return the slots of a file.

    Args:
        document: the parsed file.
        value: what stands under its `slots:`.
        entities: the entities that the domain lists; mappings may name no others.

    Raises:
        CatalogueError: something in it is not in Rasa's format or not supported.
    """
    return [
        _slot(document, ("slots", name), name, item, entities)
        for name, item in document.mapping(value, ("slots",), "`slots`").items()
    ]


def _slot(document: Document, place: Place, name: str, value: Any, entities: list[str]) -> Slot:
    entry = document.mapping(value, place, f"slot {name!r}")
    document.only(entry, place, f"slot {name!r}", _SLOT_KEYS)
    kind = entry.get("type")
    if kind not in _TYPES:
        document.refuse(
            (*place, "type"), f"slot {name!r}: `type` must be one of {', '.join(_TYPES)}"
        )
    influences = entry.get("influence_conversation", kind != "any")
    if not isinstance(influences, bool):
        document.refuse(
            (*place, "influence_conversation"),
            f"slot {name!r}: `influence_conversation` must be true or false",
        )
    values = document.items(entry.get("values", []), (*place, "values"), f"`values` of {name!r}")
    if (kind == "categorical") is not bool(values):
        document.refuse(
            place, f"slot {name!r}: `values` belong to `type: categorical`, which must have some"
        )
    return Slot(
        name=name,
        type=str(kind),
        mappings=_mappings(document, place, name, entry.get("mappings"), entities),
        initial_value=entry.get("initial_value"),
        influences=influences,
        values=tuple(values),
        lowest=_bound(document, place, name, entry, "min_value"),
        highest=_bound(document, place, name, entry, "max_value"),
    )


def _bound(
    document: Document, place: Place, name: str, entry: Mapping[str, Any], key: str
) -> float | None:
    if key not in entry:
        return None
    value = entry[key]
    if entry["type"] != "float" or isinstance(value, bool) or not isinstance(value, int | float):
        document.refuse((*place, key), f"slot {name!r}: `{key}` is a number of a float slot")
    return float(value)


def _mappings(
    document: Document, place: Place, name: str, value: Any, entities: list[str]
) -> tuple[SlotMapping, ...]:
    here = (*place, "mappings")
    return tuple(
        _mapping(document, (*here, number), name, item, entities)
        for number, item in enumerate(document.items(value, here, f"`mappings` of slot {name!r}"))
    )


def _mapping(
    document: Document, spot: Place, name: str, value: Any, entities: list[str]
) -> SlotMapping:
    what = f"a mapping of slot {name!r}"
    entry = document.mapping(value, spot, what)
    known = {source.value: source for source in Source}
    source = known.get(str(entry.get("type")))
    if source is None:
        document.refuse(spot, f"{what}: `type` must be one of {', '.join(known)}")
    own = _MAPPING_KEYS[source]
    document.only(entry, spot, what, ("type", *own, "intent", "not_intent", "conditions"))
    entity = None
    if source is Source.ENTITY:
        entity = document.text(entry.get("entity"), spot, f"`entity` of slot {name!r}")
        if entity not in entities:
            document.refuse(spot, f"slot {name!r}: add {entity!r} to `entities` first")
    if "value" in own and "value" not in entry:
        document.refuse(spot, f"{what} must say which `value:` the intent sets")
    return SlotMapping(
        source=source,
        entity=entity,
        role=entry.get("role"),
        group=entry.get("group"),
        value=entry.get("value"),
        action=entry.get("action"),
        intents=names(document, (*spot, "intent"), entry.get("intent")),
        not_intents=names(document, (*spot, "not_intent"), entry.get("not_intent")),
        loops=_loops(document, (*spot, "conditions"), what, entry.get("conditions", [])),
    )


def _loops(
    document: Document, place: Place, what: str, value: Any
) -> tuple[tuple[str | None, str | None], ...]:
    found = []
    for number, item in enumerate(document.items(value, place, f"`conditions` of {what}")):
        spot = (*place, number)
        entry = document.mapping(item, spot, f"a condition of {what}")
        document.only(entry, spot, f"a condition of {what}", ("active_loop", "requested_slot"))
        if "active_loop" not in entry:
            document.refuse(spot, f"a condition of {what} must say `active_loop:`")
        loop = entry["active_loop"]
        found.append((None if loop in {None, "null"} else str(loop), entry.get("requested_slot")))
    return tuple(found)


def names(document: Document, place: Place, value: Any) -> tuple[str, ...]:
    """One name or a list of names; none when nothing is said."""
    if value is None:
        return ()
    listed = value if isinstance(value, list) else [value]
    return tuple(document.text(item, place, "a name") for item in listed)


def read_optional(document: Document, value: Any, forms: list[Form]) -> list[Form]:
    """Return the forms with the slots that may be skipped.

    Args:
        document: the parsed file.
        value: what stands under its `optional_slots:`, the product's own key.
        forms: those of the catalogue.

    Raises:
        CatalogueError: it names a form that there is not, or a slot that the form does not ask.
    """
    place: Place = ("optional_slots",)
    entry = document.mapping(value, place, "`optional_slots`")
    known = {form.name: form for form in forms}
    for name, listed in entry.items():
        if name not in known:
            document.refuse((*place, name), f"the form {name!r} does not exist; correct it")
        optional = names(document, (*place, name), listed)
        for slot in optional:
            if slot not in known[name].required:
                document.refuse(
                    (*place, name), f"form {name!r} does not ask for {slot!r}; correct it"
                )
        known[name] = replace(known[name], optional=optional)
    return list(known.values())


def read_forms(document: Document, value: Any) -> list[Form]:
    """Return the forms of a file; `value` is what stands under its `forms:`.

    Raises:
        CatalogueError: something in it is not in Rasa's format or not supported.
    """
    forms = []
    for name, item in document.mapping(value, ("forms",), "`forms`").items():
        place: Place = ("forms", name)
        entry = document.mapping(item, place, f"form {name!r}")
        document.only(entry, place, f"form {name!r}", ("required_slots", "ignored_intents"))
        if isinstance(entry.get("required_slots"), dict):
            document.refuse(
                (*place, "required_slots"),
                f"form {name!r}: `required_slots` must be a list of slots; mappings belong under "
                "`slots` since Rasa 3",
            )
        required = document.items(
            entry.get("required_slots"),
            (*place, "required_slots"),
            f"`required_slots` of {name!r}",
        )
        forms.append(
            Form(
                name=name,
                required=tuple(
                    document.text(slot, (*place, "required_slots", number), "a slot's name")
                    for number, slot in enumerate(required)
                ),
                ignored_intents=names(
                    document, (*place, "ignored_intents"), entry.get("ignored_intents")
                ),
            )
        )
    return forms
