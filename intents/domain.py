"""Reads Rasa 3 domain files: intents, entities, slots, forms, actions, session settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intents.document import Document, Place
from intents.model import Form, Note, Slot
from intents.slots import read_forms, read_slots

PARTS = ("intents", "entities", "actions", "slots", "forms", "session_config", "config")
_SESSION = ("session_expiration_time", "carry_over_slots_to_new_session")


@dataclass(slots=True)
class Domain:
    """What the domain files hold, gathered file by file.

    `places` remembers where a name was listed first, so that two files do not contradict.
    """

    intents: list[str] = field(default_factory=list)
    entities: list[str] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    session_minutes: int = 60
    notes: list[Note] = field(default_factory=list)
    deferred: list[tuple[Document, Any]] = field(default_factory=list)

    def note(self, document: Document, place: Place, message: str) -> None:
        """Remember that something has no effect here."""
        where = document.name
        line = document.line_of(place)
        self.notes.append(Note(place=f"{where}:{line}" if line else where, message=message))


def read_domain(document: Document, top: Mapping[str, Any], into: Domain) -> None:
    """Add what one file lists; slots wait until all entities are known (`finish_domain`).

    Raises:
        CatalogueError: something in the file is not in Rasa's format or not supported.
    """
    _names(document, top, "intents", into.intents, into)
    _names(document, top, "actions", into.actions, into)
    _entities(document, top, into.entities)
    if "slots" in top:
        into.deferred.append((document, top["slots"]))
    if "forms" in top:
        for form in read_forms(document, top["forms"]):
            if any(known.name == form.name for known in into.forms):
                document.refuse(("forms", form.name), f"the form {form.name!r} stands twice")
            into.forms.append(form)
    if "session_config" in top:
        into.session_minutes = _session_minutes(document, top, into)
    if "config" in top:
        into.note(document, ("config",), "`config` of Rasa 2 has no effect")


def finish_domain(domain: Domain) -> None:
    """Read the slots, now that every file has told its entities.

    Raises:
        CatalogueError: a slot is wrong, stands twice, or a form asks for one that is missing.
    """
    for document, value in domain.deferred:
        for slot in read_slots(document, value, domain.entities):
            if any(known.name == slot.name for known in domain.slots):
                document.refuse(("slots", slot.name), f"the slot {slot.name!r} stands twice")
            domain.slots.append(slot)
    domain.deferred.clear()


def _names(
    document: Document, top: Mapping[str, Any], part: str, into: list[str], domain: Domain
) -> None:
    """Names in a list; what Rasa allows under a name steers its own policies only."""
    allowed = ("use_entities", "ignore_entities") if part == "intents" else ("send_domain",)
    known = set(into)
    for number, item in enumerate(document.items(top.get(part, []), (part,), f"`{part}`")):
        place: Place = (part, number)
        name = item
        if isinstance(item, dict) and len(item) == 1:
            ((name, value),) = item.items()
            options = document.mapping(value, (*place, name), f"{name!r} in `{part}`")
            document.only(options, (*place, name), f"{name!r} in `{part}`", allowed)
            domain.note(document, place, f"the settings under {name!r} have no effect")
        name = document.text(name, place, f"a name in `{part}`")
        if name in known:
            document.refuse(place, f"{name!r} stands twice in `{part}`; remove one")
        known.add(name)
        into.append(name)


def _entities(document: Document, top: Mapping[str, Any], into: list[str]) -> None:
    """Names of entities; `roles` and `groups` under a name are Rasa's way to list them."""
    items = document.items(top.get("entities", []), ("entities",), "`entities`")
    for number, item in enumerate(items):
        place: Place = ("entities", number)
        found = [document.text(item, place, "a name")] if not isinstance(item, dict) else []
        if isinstance(item, dict):
            for name, value in document.mapping(item, place, "an entity").items():
                what = f"the entity {name!r}"
                options = document.mapping(value, (*place, name), what)
                document.only(
                    options, (*place, name), what, ("roles", "groups", "influence_conversation")
                )
                found.append(name)
        into.extend(name for name in found if name not in into)


def _session_minutes(document: Document, top: Mapping[str, Any], domain: Domain) -> int:
    place: Place = ("session_config",)
    entry = document.mapping(top["session_config"], place, "`session_config`")
    document.only(entry, place, "`session_config`", _SESSION)
    minutes = entry.get("session_expiration_time", domain.session_minutes)
    if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes < 0:
        document.refuse(
            (*place, "session_expiration_time"),
            "`session_expiration_time` must be whole minutes, 0 or more",
        )
    if entry.get("carry_over_slots_to_new_session") is True:
        domain.note(
            document,
            (*place, "carry_over_slots_to_new_session"),
            "`carry_over_slots_to_new_session: true` has no effect: slots end with the session",
        )
    return minutes
