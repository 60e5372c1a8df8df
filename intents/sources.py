"""One document of a catalogue as the YAML that Rasa has for it, and back.

This is the experts' way: what they write is read by the same code as files, and refused with
the line and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from intents.document import Document
from intents.documents import CatalogueDocument, Kind, from_documents, to_documents
from intents.errors import CatalogueError
from intents.flow_writing import write_rule
from intents.flows import Flows, finish_flows, read_rules
from intents.model import Catalogue
from intents.responses import Responses, read_responses
from intents.slots import read_forms, read_optional, read_slots
from intents.training import Training, read_training
from intents.trees import read_trees
from intents.writing import as_yaml, write_lists, write_optional, write_section

_TOPS: Mapping[Kind, str] = {
    Kind.RESPONSE: "responses",
    Kind.RULE: "rules",
    Kind.FORM: "forms",
    Kind.TREE: "trees",
    Kind.SLOT: "slots",
    Kind.SYNONYM: "nlu",
    Kind.REGEX: "nlu",
    Kind.LOOKUP: "nlu",
}
_OPTIONAL = "optional_slots"
_Top = Mapping[str, Any]
SOURCE_KINDS = tuple(_TOPS)
"""The kinds that have a source."""


def write_source(document: CatalogueDocument, catalogue: Catalogue) -> str:
    """Return the YAML of a document.

    Args:
        document: of one of the `SOURCE_KINDS`.
        catalogue: what it belongs to; rules name its forms.

    Raises:
        CatalogueError: the body is not what its kind has, or a rule depends on the bot's last
            step, which takes a story of Rasa's.
    """
    one = from_documents([document])
    top = _TOPS[document.kind]
    if document.kind is Kind.RULE:
        (rule,) = one.rules
        if rule.after is not None:
            message = (
                "depends on the bot's last step, which takes a story of Rasa's; "
                "edit it in the form, or import stories"
            )
            raise CatalogueError(message, file=_name(document))
        return as_yaml({top: [write_rule(rule, catalogue)]})
    content = {top: write_lists(one) if top == "nlu" else write_section(one, top)}
    if optional := write_optional(one):
        content[_OPTIONAL] = optional
    return as_yaml(content)


def read_source(kind: Kind, name: str, text: str, catalogue: Catalogue) -> CatalogueDocument:
    """Return the document that a source describes.

    Args:
        kind: one of the `SOURCE_KINDS`.
        name: of the document; the source must have the same.
        text: the YAML.
        catalogue: what it belongs to; slots name its entities, rules its slots.

    Raises:
        CatalogueError: it is not YAML, or not one document of that kind and name.
    """
    top = _TOPS[kind]
    source = Document(text, f"{kind.value} {name}")
    values = source.top((top, _OPTIONAL) if kind is Kind.FORM else (top,))
    if top not in values:
        source.refuse((), f"holds no `{top}:`; begin with it")
    found = [
        each
        for each in to_documents(_READERS[top](source, values, catalogue))
        if each.kind is not Kind.DIALOGUE
    ]
    for each in found:
        if each.kind is not kind or each.name != name:
            source.refuse(
                (top,),
                f"describes {each.kind.value} {each.name!r} here; "
                f"only {kind.value} {name!r} belongs here, under its name",
            )
    if len(found) != 1:
        source.refuse((top,), f"must describe {kind.value} {name!r} once")
    return found[0]


def _name(document: CatalogueDocument) -> str:
    return f"{document.kind.value} {document.name}"


_EMPTY = Catalogue(version="", intents=())


def _responses(source: Document, top: _Top, _: Catalogue) -> Catalogue:
    found: Responses = {}
    read_responses(source, top["responses"], found, "en")
    return replace(_EMPTY, responses=found)


def _rules(source: Document, top: _Top, catalogue: Catalogue) -> Catalogue:
    flows = Flows()
    read_rules(source, top["rules"], flows, catalogue.slots)
    return replace(_EMPTY, rules=finish_flows(flows, catalogue.slots))


def _forms(source: Document, top: _Top, _: Catalogue) -> Catalogue:
    forms = read_forms(source, top["forms"])
    if _OPTIONAL in top:
        forms = read_optional(source, top[_OPTIONAL], forms)
    return replace(_EMPTY, forms=tuple(forms))


def _trees(source: Document, top: _Top, _: Catalogue) -> Catalogue:
    return replace(_EMPTY, trees=tuple(read_trees(source, top["trees"])))


def _slots(source: Document, top: _Top, catalogue: Catalogue) -> Catalogue:
    return replace(_EMPTY, slots=tuple(read_slots(source, top["slots"], list(catalogue.entities))))


def _lists(source: Document, top: _Top, _: Catalogue) -> Catalogue:
    found = Training()
    read_training(source, top["nlu"], None, found)
    if found.utterances:
        intent = next(iter(found.utterances))
        source.refuse(found.places[intent][1], f"the intent {intent!r} is edited as sentences")
    return replace(_EMPTY, synonyms=found.synonyms, regexes=found.regexes, lookups=found.lookups)


_READERS: Mapping[str, Callable[[Document, _Top, Catalogue], Catalogue]] = {
    "responses": _responses,
    "rules": _rules,
    "forms": _forms,
    "trees": _trees,
    "slots": _slots,
    "nlu": _lists,
}
