"""A catalogue as documents: one for each thing that an editor opens, saves and compares.

A document has a kind, a name and a body of JSON values. What a catalogue holds and what its
documents hold is the same, but for the group and the description of an intent, which are for
editors alone. Articles are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from intents.errors import CatalogueError
from intents.model import (
    Article,
    Catalogue,
    Form,
    Intent,
    PeopleFirst,
    ResponseVariant,
    Rule,
    Slot,
    Tree,
    Utterance,
)

SETTINGS = "settings"
"""The name of the only document of kind `dialogue`."""


class Kind(StrEnum):
    """What a document describes, in the order in which exports and lists have them."""

    INTENT = "intent"
    RESPONSE = "response"
    RULE = "rule"
    FORM = "form"
    TREE = "tree"
    SLOT = "slot"
    ENTITY = "entity"
    SYNONYM = "synonym"
    REGEX = "regex"
    LOOKUP = "lookup"
    DIALOGUE = "dialogue"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueDocument:
    """One thing of a catalogue; `body` holds JSON values only."""

    kind: Kind
    name: str
    body: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """What makes it unique."""
        return (self.kind.value, self.name)


_LISTED: Mapping[Kind, tuple[str, Any]] = {
    Kind.RESPONSE: ("variants", tuple[ResponseVariant, ...]),
    Kind.SYNONYM: ("words", tuple[str, ...]),
    Kind.REGEX: ("patterns", tuple[str, ...]),
    Kind.LOOKUP: ("words", tuple[str, ...]),
}
_NAMED: Mapping[Kind, Any] = {
    Kind.RULE: Rule,
    Kind.FORM: Form,
    Kind.TREE: Tree,
    Kind.SLOT: Slot,
}


def to_documents(catalogue: Catalogue) -> list[CatalogueDocument]:
    """Return the documents of a catalogue, in its order; equal catalogues give equal ones."""
    found = [
        *(_intent_document(intent) for intent in catalogue.intents),
        *_from_map(Kind.RESPONSE, catalogue.responses),
        *_from_named(Kind.RULE, catalogue.rules),
        *_from_named(Kind.FORM, catalogue.forms),
        *_from_named(Kind.TREE, catalogue.trees),
        *_from_named(Kind.SLOT, catalogue.slots),
        *(CatalogueDocument(kind=Kind.ENTITY, name=n, body={}) for n in catalogue.entities),
        *_from_map(Kind.SYNONYM, _meanings(catalogue.synonyms)),
        *_from_map(Kind.REGEX, catalogue.regexes),
        *_from_map(Kind.LOOKUP, catalogue.lookups),
    ]
    dialogue = {
        "actions": list(catalogue.actions),
        "session_minutes": catalogue.session_minutes,
        "people_first": _plain(PeopleFirst, catalogue.people_first),
    }
    found.append(CatalogueDocument(kind=Kind.DIALOGUE, name=SETTINGS, body=dialogue))
    return found


def from_documents(
    documents: Iterable[CatalogueDocument], articles: Sequence[Article] = ()
) -> Catalogue:
    """Return the catalogue of some documents; its version is their `content_hash`.

    Args:
        documents: at most one of each kind and name.
        articles: what the bot may quote; they do not count for the version.

    Raises:
        CatalogueError: a body is not what its kind has; it names document and field.
    """
    listed = list(documents)
    shelves: dict[Kind, list[CatalogueDocument]] = {kind: [] for kind in Kind}
    for document in listed:
        shelves[document.kind].append(document)
    dialogue = next(iter(shelves[Kind.DIALOGUE]), None)
    settings: Mapping[str, Any] = dialogue.body if dialogue is not None else {}
    return Catalogue(
        version=content_hash(listed),
        intents=tuple(_intent(document) for document in shelves[Kind.INTENT]),
        responses=_to_map(shelves[Kind.RESPONSE]),
        rules=_to_named(shelves[Kind.RULE]),
        actions=tuple(settings.get("actions", ())),
        articles=tuple(articles),
        synonyms={
            word: name for name, words in _to_map(shelves[Kind.SYNONYM]).items() for word in words
        },
        regexes=_to_map(shelves[Kind.REGEX]),
        lookups=_to_map(shelves[Kind.LOOKUP]),
        entities=tuple(document.name for document in shelves[Kind.ENTITY]),
        slots=_to_named(shelves[Kind.SLOT]),
        forms=_to_named(shelves[Kind.FORM]),
        trees=_to_named(shelves[Kind.TREE]),
        people_first=_read(PeopleFirst, settings.get("people_first", {}), "dialogue settings"),
        session_minutes=int(settings.get("session_minutes", 60)),
    )


def with_document(catalogue: Catalogue, document: CatalogueDocument) -> Catalogue:
    """Return the catalogue with a document in place of its own of that kind and name.

    Raises:
        CatalogueError: the body is not what its kind has.
    """
    others = [own for own in to_documents(catalogue) if own.key != document.key]
    return from_documents([*others, document], catalogue.articles)


def check_document(document: CatalogueDocument) -> None:
    """Let a document pass whose body is what its kind has.

    Raises:
        CatalogueError: it is not; it names the field.
    """
    from_documents([document])


def content_hash(documents: Iterable[CatalogueDocument]) -> str:
    """First 12 hex digits of SHA-256 over the documents; their order within a kind counts."""
    return _hash(
        [
            (document.kind.value, document.name, document.body)
            for document in sorted(documents, key=lambda d: list(Kind).index(d.kind))
        ]
    )


def lesson_hash(catalogue: Catalogue) -> str:
    """What a model depends on: equal examples give equal models, whatever else differs."""
    return _hash(
        [
            (
                intent.name,
                [(utterance.text, utterance.language) for utterance in intent.utterances],
            )
            for intent in catalogue.intents
        ]
    )


def pack(documents: Iterable[CatalogueDocument]) -> str:
    """Documents as JSON text; `unpack` reads it."""
    rows = [[document.kind.value, document.name, document.body] for document in documents]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def unpack(text: str) -> list[CatalogueDocument]:
    """Documents from what `pack` wrote."""
    return [
        CatalogueDocument(kind=Kind(kind), name=name, body=body)
        for kind, name, body in json.loads(text)
    ]


def _hash(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


@cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)


def _plain(form: Any, value: Any) -> Any:
    """A value as JSON values."""
    return _adapter(form).dump_python(value, mode="json")


def _read(form: Any, value: Any, place: str) -> Any:
    try:
        return _adapter(form).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = "/".join(str(part) for part in first["loc"])
        message = f"{where or 'its body'}: {first['msg']}"
        raise CatalogueError(message, file=place) from error


def _intent_document(intent: Intent) -> CatalogueDocument:
    body = {
        "group": "",
        "description": "",
        "utterances": _plain(tuple[Utterance, ...], intent.utterances),
        "checks": _plain(tuple[Utterance, ...], intent.checks),
    }
    return CatalogueDocument(kind=Kind.INTENT, name=intent.name, body=body)


def _intent(document: CatalogueDocument) -> Intent:
    place = f"intent {document.name}"
    form = tuple[Utterance, ...]
    return Intent(
        name=document.name,
        utterances=_read(form, document.body.get("utterances", ()), f"{place}: utterances"),
        checks=_read(form, document.body.get("checks", ()), f"{place}: checks"),
    )


def _meanings(synonyms: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word, value in synonyms.items():
        found.setdefault(value, []).append(word)
    return {value: tuple(words) for value, words in found.items()}


def _from_map(kind: Kind, values: Mapping[str, Any]) -> Iterator[CatalogueDocument]:
    field, form = _LISTED[kind]
    for name, value in values.items():
        yield CatalogueDocument(kind=kind, name=name, body={field: _plain(form, value)})


def _to_map(documents: Iterable[CatalogueDocument]) -> dict[str, Any]:
    found = {}
    for document in documents:
        field, form = _LISTED[document.kind]
        place = f"{document.kind.value} {document.name}"
        found[document.name] = _read(form, document.body.get(field, ()), f"{place}: {field}")
    return found


def _from_named(kind: Kind, values: Iterable[Any]) -> Iterator[CatalogueDocument]:
    """Rules of one name are told apart by a number."""
    seen: dict[str, int] = {}
    for value in values:
        body = _plain(_NAMED[kind], value)
        name = body.pop("name")
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name = f"{name} ({seen[name]})"
        yield CatalogueDocument(kind=kind, name=name, body=body)


def _to_named(documents: Iterable[CatalogueDocument]) -> tuple[Any, ...]:
    return tuple(
        _read(
            _NAMED[document.kind],
            {**document.body, "name": document.name},
            f"{document.kind.value} {document.name}",
        )
        for document in documents
    )
