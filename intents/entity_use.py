"""Where a catalogue uses its entities: sentences, roles, groups, slots, lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from intents.model import Catalogue

_EXAMPLES = 3


@dataclass(slots=True, kw_only=True)
class EntityUse:
    """One entity; `roles` and `groups` tell how many marks have each."""

    name: str
    marks: int = 0
    roles: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    slots: list[str] = field(default_factory=list)
    patterns: int = 0
    words: int = 0


def entity_uses(catalogue: Catalogue) -> list[EntityUse]:
    """Return the listed entities and where they are used, in the order of the list."""
    found = {
        name: EntityUse(
            name=name,
            patterns=len(catalogue.regexes.get(name, ())),
            words=len(catalogue.lookups.get(name, ())),
        )
        for name in catalogue.entities
    }
    _count_marks(catalogue, found)
    for slot in catalogue.slots:
        for mapping in slot.mappings:
            use = found.get(mapping.entity or "")
            if use is None:
                continue
            if slot.name not in use.slots:
                use.slots.append(slot.name)
            _note(use, mapping.role, mapping.group, 0)
    return list(found.values())


def _count_marks(catalogue: Catalogue, found: Mapping[str, EntityUse]) -> None:
    for intent in catalogue.intents:
        for utterance in intent.utterances:
            for span in utterance.entities:
                use = found.get(span.entity)
                if use is None:
                    continue
                use.marks += 1
                _note(use, span.role, span.group, 1)
                if len(use.examples) < _EXAMPLES and utterance.text not in use.examples:
                    use.examples.append(utterance.text)


def _note(use: EntityUse, role: str | None, group: str | None, count: int) -> None:
    """A role or group that only slots name counts 0 marks."""
    if role is not None:
        use.roles[role] += count
    if group is not None:
        use.groups[group] += count
