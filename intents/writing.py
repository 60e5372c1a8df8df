"""Writes a catalogue as Rasa 3 YAML files, in our layout, so that reading them gives the same."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from intents.errors import CatalogueError
from intents.flow_writing import write_rules, write_stories
from intents.model import (
    Catalogue,
    EntitySpan,
    Form,
    Intent,
    ResponseVariant,
    Slot,
    SlotMapping,
    Tree,
    TreeNode,
    Utterance,
)
from intents.training import ANNOTATION

LANGUAGES = ("zh", "en")


def write_catalogue(catalogue: Catalogue) -> dict[str, str]:
    """Return the files of a catalogue: names relative to its folder, and their texts.

    Articles are not among them. Of the files, `trees/` and `dialogue.yml` hold the product's
    own keys; the rest is Rasa's.

    Raises:
        CatalogueError: an utterance cannot be written in Rasa's notation.
    """
    files = {
        "domain.yml": as_yaml(_domain(catalogue)),
        "rules.yml": as_yaml({"rules": write_rules(catalogue)}),
        "responses/responses.yml": as_yaml({"responses": _responses(catalogue)}),
    }
    if stories := write_stories(catalogue):
        files["data/stories.yml"] = as_yaml({"stories": stories})
    for language in LANGUAGES:
        if entries := _nlu(catalogue, language):
            files[f"nlu/{language}/{language}.yml"] = as_yaml({"nlu": entries})
        checks = _examples(((i, i.checks) for i in catalogue.intents), language)
        if checks:
            files[f"checks/{language}.yml"] = as_yaml({"nlu": checks})
    if catalogue.trees:
        files["trees/trees.yml"] = as_yaml({"trees": write_section(catalogue, "trees")})
    dialogue: dict[str, Any] = {"people_first": _people_first(catalogue)}
    if optional := write_optional(catalogue):
        dialogue["optional_slots"] = optional
    files["dialogue.yml"] = as_yaml(dialogue)
    return files


def annotate(utterance: Utterance) -> str:
    """The sentence in Rasa's notation: `[text](entity)` or with JSON.

    Raises:
        CatalogueError: the bare text would be read as an annotation, or spans overlap.
    """
    pieces: list[str] = []
    end = 0
    spans: dict[tuple[int, int], list[EntitySpan]] = {}
    for span in utterance.entities:
        spans.setdefault((span.start, span.end), []).append(span)
    for (start, stop), found in sorted(spans.items()):
        if start < end or stop > len(utterance.text):
            message = f"the spans of {utterance.text!r} overlap or lie outside; mark them again"
            raise CatalogueError(message)
        pieces += [utterance.text[end:start], _marked(utterance.text[start:stop], found)]
        end = stop
    bare = "".join(pieces[::2]) + utterance.text[end:]
    if ANNOTATION.search(bare) or "\n" in utterance.text:
        message = (
            f"{utterance.text!r} cannot be written: it holds `[…](…)` or a line break that is "
            "no annotation; reword it"
        )
        raise CatalogueError(message)
    return "".join(pieces) + utterance.text[end:]


def _marked(said: str, spans: list[EntitySpan]) -> str:
    """Words with what they are."""
    details = [
        {
            key: value
            for key, value in (
                ("entity", span.entity),
                ("role", span.role),
                ("group", span.group),
                ("value", span.value if span.value != said else None),
            )
            if value is not None
        }
        for span in spans
    ]
    if len(details) == 1 and list(details[0]) == ["entity"]:
        return f"[{said}]({details[0]['entity']})"
    written = json.dumps(details[0] if len(details) == 1 else details, ensure_ascii=False)
    return f"[{said}]{written}"


def write_section(catalogue: Catalogue, top: str) -> Any:
    """What stands under `responses`, `forms`, `slots` or `trees` in the files of a catalogue."""
    if top == "responses":
        return _responses(catalogue)
    if top == "forms":
        return {form.name: _form(form) for form in catalogue.forms}
    if top == "slots":
        return {slot.name: _slot(slot) for slot in catalogue.slots}
    return [_tree(tree) for tree in catalogue.trees]


def as_yaml(content: Mapping[str, Any]) -> str:
    """The text of a file that holds this, with the version of Rasa's format at its top."""
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=2, offset=0)
    out = io.StringIO()
    yaml.dump({"version": DoubleQuotedScalarString("3.1"), **content}, out)
    return out.getvalue()


def _block(lines: Iterable[str]) -> Any:
    from ruamel.yaml.scalarstring import LiteralScalarString

    return LiteralScalarString("".join(f"- {line}\n" for line in lines))


def _domain(catalogue: Catalogue) -> dict[str, Any]:
    groups = dict.fromkeys(intent.name.partition("/")[0] for intent in catalogue.intents)
    content: dict[str, Any] = {"intents": list(groups)}
    if catalogue.entities:
        content["entities"] = [_entity(name, catalogue) for name in catalogue.entities]
    if catalogue.slots:
        content["slots"] = write_section(catalogue, "slots")
    if catalogue.forms:
        content["forms"] = write_section(catalogue, "forms")
    if catalogue.actions:
        content["actions"] = list(catalogue.actions)
    content["session_config"] = {
        "session_expiration_time": catalogue.session_minutes,
        "carry_over_slots_to_new_session": False,
    }
    return content


def _entity(name: str, catalogue: Catalogue) -> Any:
    """A name, with the roles and groups that examples and slots give it."""
    spans = [
        span
        for intent in catalogue.intents
        for utterance in intent.utterances
        for span in utterance.entities
        if span.entity == name
    ]
    mappings = [m for slot in catalogue.slots for m in slot.mappings if m.entity == name]
    found = [(x.role, x.group) for x in spans] + [(x.role, x.group) for x in mappings]
    options = {
        "roles": sorted({role for role, _ in found if role is not None}),
        "groups": sorted({own for _, own in found if own is not None}),
    }
    told = {key: names for key, names in options.items() if names}
    return {name: told} if told else name


def _form(form: Form) -> dict[str, Any]:
    content: dict[str, Any] = {"required_slots": list(form.required)}
    if form.ignored_intents:
        content["ignored_intents"] = list(form.ignored_intents)
    return content


def _slot(slot: Slot) -> dict[str, Any]:
    content: dict[str, Any] = {"type": slot.type}
    if slot.type != "any":
        content["influence_conversation"] = slot.influences
    if slot.initial_value is not None:
        content["initial_value"] = slot.initial_value
    if slot.values:
        content["values"] = list(slot.values)
    bounds = {"min_value": slot.lowest, "max_value": slot.highest}
    content |= {key: bound for key, bound in bounds.items() if bound is not None}
    return content | {"mappings": [_mapping(mapping) for mapping in slot.mappings]}


def _mapping(mapping: SlotMapping) -> dict[str, Any]:
    content: dict[str, Any] = {"type": mapping.source.value}
    for key in ("entity", "role", "group", "value", "action"):
        if (value := getattr(mapping, key)) is not None:
            content[key] = value
    for key, names in (("intent", mapping.intents), ("not_intent", mapping.not_intents)):
        if names:
            content[key] = list(names)
    if mapping.loops:
        content["conditions"] = [
            {"active_loop": loop} | ({"requested_slot": asked} if asked else {})
            for loop, asked in mapping.loops
        ]
    return content


def _responses(catalogue: Catalogue) -> dict[str, Any]:
    return {
        name: [_variant(variant) for variant in variants]
        for name, variants in catalogue.responses.items()
    }


def _variant(variant: ResponseVariant) -> dict[str, Any]:
    content: dict[str, Any] = {"text": variant.text}
    if variant.conditions:
        content["condition"] = [
            {"type": "slot", "name": condition.slot, "value": condition.value}
            for condition in variant.conditions
        ]
    if variant.channel is not None:
        content["channel"] = variant.channel
    if variant.image is not None:
        content["image"] = variant.image
    if variant.custom is not None:
        content["custom"] = dict(variant.custom)
    content["metadata"] = {"language": variant.language}
    if variant.buttons:
        content["buttons"] = [
            {"title": button.title, "payload": button.payload} for button in variant.buttons
        ]
    return content


def _nlu(catalogue: Catalogue, language: str) -> list[dict[str, Any]]:
    """Examples of a language; what has no language goes with English."""
    entries = _examples(((i, i.utterances) for i in catalogue.intents), language)
    return entries if language != LANGUAGES[-1] else entries + write_lists(catalogue)


def write_lists(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Synonyms, regexes and lookup tables, as entries of `nlu`."""
    meant: dict[str, list[str]] = {}
    for said, value in catalogue.synonyms.items():
        meant.setdefault(value, []).append(said)
    entries: list[dict[str, Any]] = [
        {"synonym": value, "examples": _block(said)} for value, said in meant.items()
    ]
    for kind, lists in (("regex", catalogue.regexes), ("lookup", catalogue.lookups)):
        entries += [{kind: name, "examples": _block(lines)} for name, lines in lists.items()]
    return entries


def _examples(
    found: Iterable[tuple[Intent, tuple[Utterance, ...]]], language: str
) -> list[dict[str, Any]]:
    return [
        {"intent": intent.name, "examples": _block(map(annotate, own))}
        for intent, utterances in found
        if (own := [u for u in utterances if u.language == language])
    ]


def _tree(tree: Tree) -> dict[str, Any]:
    return {
        "tree": tree.name,
        "title": dict(tree.title),
        "intents": list(tree.intents),
        "start": tree.start,
        "nodes": {node.id: _node(node) for node in tree.nodes.values()},
    }


def _node(node: TreeNode) -> dict[str, Any]:
    content: dict[str, Any] = {node.outcome.value if node.outcome else "ask": dict(node.text)}
    if node.choices:
        content["choices"] = [
            {
                "title": dict(choice.title),
                **(
                    {"words": {k: list(v) for k, v in choice.words.items()}}
                    if choice.words
                    else {}
                ),
                "to": choice.to,
            }
            for choice in node.choices
        ]
    if node.years is not None:
        content["date"] = {"years": node.years, "within": node.within, "beyond": node.beyond}
    for key in ("otherwise", "article"):
        if (value := getattr(node, key)) is not None:
            content[key] = value
    if node.outcome is not None:
        content |= {"kind": node.kind, "severity": node.severity}
    return content


def write_optional(catalogue: Catalogue) -> dict[str, list[str]]:
    """The slots that may be skipped, by form: the product's own key beside Rasa's `forms`."""
    return {form.name: list(form.optional) for form in catalogue.forms if form.optional}


def _people_first(catalogue: Catalogue) -> dict[str, Any]:
    first = catalogue.people_first
    return {
        "intents": list(first.intents),
        "key_customers": first.key_customers,
        "angry": first.angry,
        "anger": {language: list(words) for language, words in first.anger.items()},
    }
