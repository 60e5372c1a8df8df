"""What differs between two states of the catalogue; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intents.documents import CatalogueDocument, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What differs in one document; `added` and `removed` are its sentences or wordings."""

    kind: Kind
    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def change(self) -> str:
        """`added`, `removed` or `changed`."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def compare(
    before: Sequence[CatalogueDocument], after: Sequence[CatalogueDocument]
) -> list[Change]:
    """Return the differences, in the order of kinds, then of names."""
    old = {document.key: document.body for document in before}
    new = {document.key: document.body for document in after}
    order = list(Kind)
    keys = sorted({*old, *new}, key=lambda key: (order.index(Kind(key[0])), key[1]))
    return [
        _change(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)
    ]


def state_of(document: CatalogueDocument, published: Mapping[tuple[str, str], Any]) -> str:
    """`same`, `changed` or `new` against what is published."""
    if document.key not in published:
        return "new"
    return "same" if published[document.key] == document.body else "changed"


def _change(
    key: tuple[str, str], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Change:
    kind = Kind(key[0])
    had, has = list(_lines(kind, before)), list(_lines(kind, after))
    return Change(
        kind=kind,
        name=key[1],
        before=before,
        after=after,
        added=tuple(line for line in has if line not in set(had)),
        removed=tuple(line for line in had if line not in set(has)),
    )


def _lines(kind: Kind, body: Mapping[str, Any] | None) -> Iterator[str]:
    """The sentences and texts of a document, one after another."""
    if body is None:
        return
    if kind is Kind.INTENT:
        yield from (each["text"] for each in body.get("utterances", ()))
        yield from (f"✓ {each['text']}" for each in body.get("checks", ()))
    elif kind is Kind.RESPONSE:
        yield from (each["text"] for each in body.get("variants", ()))
    elif kind is Kind.RULE:
        yield from body.get("steps", ())
    else:
        yield from _words(body.get("words", body.get("patterns", ())))


def _words(values: Iterable[Any]) -> Iterator[str]:
    yield from (value for value in values if isinstance(value, str))
