"""Reads Rasa 3 `nlu:` files: example sentences with annotations, synonyms, regexes, lookups."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from intents.document import Document, Place
from intents.model import EntitySpan, Language, Note, Utterance
from intents.text import detect_language

ANNOTATION = re.compile(
    r"\[(?P<text>[^\[\]]+)\](?:\((?P<entity>[^()]+)\)|(?P<json>\{[^{}]*\})|(?P<many>\[\s*\{.*?\}\s*\]))"
)
_INTENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:/[A-Za-z0-9_]+)?")
_KINDS = ("intent", "synonym", "regex", "lookup")
_ENTITY_KEYS = {"entity", "role", "group", "value"}


@dataclass(slots=True)
class Training:
    """What the `nlu:` files of a folder hold, gathered file by file.

    `places` remembers where each intent was first seen, for messages.
    """

    utterances: dict[str, list[Utterance]] = field(default_factory=dict)
    places: dict[str, tuple[Document, Place]] = field(default_factory=dict)
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def read_training(
    document: Document,
    value: Any,
    language: str | None,
    into: Training,
    *,
    held_out: bool = False,
) -> None:
    """Add one `nlu:` list to `into`.

    Args:
        document: the parsed file.
        value: what stands under its `nlu:`.
        language: `zh` or `en`, in which every example of the file is; None: as each reads.
        into: what earlier files gave.
        held_out: the file holds checks, where only intents have a meaning.

    Raises:
        CatalogueError: something in the file is not in Rasa's format or not supported.
    """
    kinds = _KINDS[:1] if held_out else _KINDS
    for number, item in enumerate(document.items(value, ("nlu",), "`nlu`")):
        place: Place = ("nlu", number)
        entry = document.mapping(item, place, "an entry of `nlu`")
        kind = next((kind for kind in kinds if kind in entry), None)
        if kind is None:
            document.refuse(place, f"an entry of `nlu` here must be one of: {', '.join(kinds)}")
        extra = ("metadata",) if kind == "intent" else ()
        document.only(entry, place, f"`{kind}`", (kind, "examples", *extra))
        if "metadata" in entry:
            _note(document, place, into)
        name = document.text(entry[kind], (*place, kind), f"the name after `{kind}:`")
        reader = _EntryReader(document, place, name, into)
        if kind == "intent" and isinstance(entry.get("examples"), list):
            lines = _listed_examples(document, entry["examples"], place, into)
        else:
            lines = list(document.examples(entry, place))
        if kind == "intent":
            reader.read_intent(lines, language)
        elif kind == "synonym":
            reader.read_synonym(lines)
        elif kind == "regex":
            reader.read_regex(lines)
        else:
            reader.read_lookup(lines)


def _listed_examples(
    document: Document, value: list[Any], place: Place, into: Training
) -> list[tuple[int, str]]:
    """Rasa's other form of examples: `- text: …` with `metadata`."""
    lines = []
    for number, item in enumerate(value):
        spot = (*place, "examples", number)
        entry = document.mapping(item, spot, "an example")
        document.only(entry, spot, "an example", ("text", "metadata"))
        if "metadata" in entry:
            _note(document, spot, into)
        text = document.text(entry.get("text"), spot, "`text` of an example").strip()
        lines.append((number, text.removeprefix("- ")))
    return lines


def _note(document: Document, place: Place, into: Training) -> None:
    line = document.line_of(place)
    into.notes.append(
        Note(place=f"{document.name}:{line}", message="`metadata` of examples has no effect")
    )


def _language_of(text: str) -> str:
    return detect_language(text, Language.EN).training


_Lines = list[tuple[int, str]]


class _EntryReader:
    """Reads one entry of `nlu:` into the gathered training data.

    Args:
        document: the file.
        place: where the entry stands in it.
        name: the name of the intent, synonym, regex or lookup.
        into: the gathered training data.
    """

    def __init__(self, document: Document, place: Place, name: str, into: Training) -> None:
        self._document = document
        self._place = place
        self._name = name
        self._into = into

    def read_intent(self, lines: _Lines, language: str | None) -> None:
        """Strip the annotations from each example and keep them as spans."""
        if _INTENT_NAME.fullmatch(self._name) is None:
            self._document.refuse(
                (*self._place, "intent"),
                f"the intent name {self._name!r} must be letters, digits and `_` (or `group/key`)",
            )
        self._into.places.setdefault(self._name, (self._document, self._place))
        found = self._into.utterances.setdefault(self._name, [])
        for number, line in lines:
            utterance = self._example(number, line, language)
            found.append(utterance)
            for span in utterance.entities:
                said = utterance.text[span.start : span.end]
                if said != span.value:
                    self._add_synonym(number, said, span.value)

    def read_synonym(self, lines: _Lines) -> None:
        """Every line stands for the entry's name."""
        for number, line in lines:
            self._add_synonym(number, line, self._name)

    def read_regex(self, lines: _Lines) -> None:
        """Every line is a pattern of Python's `re`."""
        for number, line in lines:
            try:
                re.compile(line)
            except re.error as error:
                self._refuse(number, f"the pattern `{line}` is not a regular expression: {error}")
        _join(self._into.regexes, self._name, lines)

    def read_lookup(self, lines: _Lines) -> None:
        """Every line is a word of the list."""
        _join(self._into.lookups, self._name, lines)

    def _example(self, number: int, line: str, language: str | None) -> Utterance:
        text = ""
        spans: list[EntitySpan] = []
        end = 0
        for match in ANNOTATION.finditer(line):
            text += line[end : match.start()]
            said = match["text"]
            spans += [
                EntitySpan(
                    entity=details["entity"],
                    start=len(text),
                    end=len(text) + len(said),
                    value=details.get("value", said),
                    role=details.get("role"),
                    group=details.get("group"),
                )
                for details in self._annotations(number, match)
            ]
            text += said
            end = match.end()
        text += line[end:]
        return Utterance(text=text, language=language or _language_of(text), entities=tuple(spans))

    def _annotations(self, number: int, match: re.Match[str]) -> list[dict[str, str]]:
        """The entity of a span, or several (`[text][{…}, {…}]`)."""
        if match["entity"] is not None:
            name = match["entity"].strip()
            if ":" in name:
                self._refuse(
                    number,
                    f"`({name})` is the old form; write "
                    '`[text]{"entity": "name", "value": "value"}` instead',
                )
            return [{"entity": name}]
        written = match["json"] or match["many"]
        details = _json_details(written)
        if details is None:
            self._refuse(
                number,
                f"the annotation `{written}` must be JSON with `entity` and, if wanted, "
                "`role`, `group`, `value`, each text in double quotes",
            )
        return details

    def _add_synonym(self, number: int, said: str, value: str) -> None:
        known = self._into.synonyms.setdefault(said, value)
        if known != value:
            self._refuse(
                number,
                f"{said!r} already stands for {known!r}; it cannot stand for {value!r} as well",
            )

    def _refuse(self, number: int, message: str) -> NoReturn:
        self._document.refuse((*self._place, "examples"), message, inside=number)


def _json_details(written: str) -> list[dict[str, str]] | None:
    """The parts of a JSON annotation, or None when it is not a sound one."""
    try:
        found = json.loads(written)
    except ValueError:
        return None
    listed = found if isinstance(found, list) else [found]
    for details in listed:
        if not isinstance(details, dict) or "entity" not in details:
            return None
        if not details.keys() <= _ENTITY_KEYS:
            return None
        if not all(isinstance(value, str) and value for value in details.values()):
            return None
    return listed


def _join(lists: dict[str, tuple[str, ...]], name: str, lines: _Lines) -> None:
    """Add lines to a named list, each once: several files may hold parts of it."""
    known = lists.get(name, ())
    lists[name] = tuple(dict.fromkeys((*known, *(line for _, line in lines))))
