"""The draft of the bot's catalogue: saved document by document, and nobody's work is lost.

Whoever saves tells the revision that they saw; when another editor was faster they get the
other's content instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.domain.catalogue import DraftDocument
from gateway.domain.errors import ConflictError, InvalidInputError, NotFoundError
from gateway.domain.people import Agent, Right
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.auditing import note
from intents.documents import CatalogueDocument, Kind, check_document, unpack
from intents.errors import CatalogueError

_TITLE = "utter_title_"
_SHOWN = 20


class StaleError(ConflictError):
    """The document is not as it was seen; `theirs` is what it is now, None when it is gone."""

    def __init__(self, theirs: DraftDocument | None, *, new: bool = False) -> None:
        told = "Somebody changed it meanwhile; compare, then save again."
        if theirs is None:
            told = "Somebody removed it meanwhile."
        elif new:
            told = f"There is one named {theirs.name} already; choose another name."
        super().__init__(told)
        self.theirs = theirs


def save(
    uow: UnitOfWork, actor: Agent, document: CatalogueDocument, *, seen: int | None, now: int
) -> DraftDocument:
    """Inserts or replaces a document.

    Entities and synonyms that its sentences use are added where the draft lacks them, as
    Rasa's files need them.

    Args:
        uow: the transaction.
        actor: who saves.
        document: as it shall be.
        seen: the revision that the editor saw; None for a new one.
        now: ms since the epoch.

    Raises:
        NotAllowedError: the role does not permit it.
        StaleError: it is at another revision.
        InvalidInputError: the body is not what the kind has.
    """
    require(actor, Right.EDIT_CATALOGUE)
    _check(document)
    before = uow.draft.find(document.kind, document.name)
    saved = uow.draft.put(document, expected=seen, editor=actor.id, now=now)
    if saved is None:
        raise StaleError(before, new=seen is None)
    _complete(uow, actor, document, now)
    _note(uow, actor, "catalogue.saved", document.key, before=before, after=saved, now=now)
    return saved


def remove(uow: UnitOfWork, actor: Agent, kind: Kind, name: str, *, seen: int, now: int) -> None:
    """Deletes a document.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is none.
        StaleError: it is at another revision.
    """
    require(actor, Right.EDIT_CATALOGUE)
    before = _get(uow, kind, name)
    if not uow.draft.remove(kind, name, expected=seen):
        raise StaleError(before)
    _note(uow, actor, "catalogue.removed", (kind.value, name), before=before, now=now)


def revert(
    uow: UnitOfWork, actor: Agent, kind: Kind, name: str, *, seen: int | None, now: int
) -> DraftDocument | None:
    """Makes a document as it is published; None when it is not published at all.

    Raises:
        NotAllowedError: the role does not permit it.
        StaleError: it is at another revision.
    """
    require(actor, Right.EDIT_CATALOGUE)
    published = {document.key: document for document in published_documents(uow)}
    old = published.get((kind.value, name))
    if old is not None:
        return save(uow, actor, old, seen=seen, now=now)
    if seen is not None:
        remove(uow, actor, kind, name, seen=seen, now=now)
    return None


def reset(uow: UnitOfWork, actor: Agent, *, now: int) -> None:
    """Makes the whole draft as it is published.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.PUBLISH_CATALOGUE)
    uow.draft.replace_all(published_documents(uow), editor=actor.id, now=now)
    _note(uow, actor, "catalogue.reset", ("draft", "draft"), now=now)


def rename(
    uow: UnitOfWork, actor: Agent, name: str, new: str, *, seen: int, now: int
) -> DraftDocument:
    """Gives an intent another name, in everything that names it.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is no such intent.
        ConflictError: the new name is taken.
        StaleError: the intent is at another revision.
    """
    require(actor, Right.EDIT_CATALOGUE)
    before = _get(uow, Kind.INTENT, name)
    if before.revision != seen:
        raise StaleError(before)
    taken = {own.name for own in uow.draft.all() if own.kind is Kind.INTENT}
    if new in taken:
        raise ConflictError(f"There is an intent {new} already.", field="/new_name")
    documents = [_renamed(own.document, name, new) for own in uow.draft.all()]
    uow.draft.replace_all(documents, editor=actor.id, now=now)
    after = _get(uow, Kind.INTENT, new)
    _note(uow, actor, "catalogue.renamed", ("intent", name), before=before, after=after, now=now)
    return after


def published_documents(uow: UnitOfWork) -> list[CatalogueDocument]:
    """What the newest version holds."""
    version = uow.versions.published()
    return unpack(uow.versions.content(version.number)) if version is not None else []


def content_of(uow: UnitOfWork, state: str) -> list[CatalogueDocument]:
    """The documents of a version by its number, or of the `draft`.

    Raises:
        NotFoundError: there is no such version.
    """
    if state == "draft":
        return [own.document for own in uow.draft.all()]
    return unpack(uow.versions.content(int(state)))


def _get(uow: UnitOfWork, kind: Kind, name: str) -> DraftDocument:
    found = uow.draft.find(kind, name)
    if found is None:
        raise NotFoundError("There is no such document in the draft.")
    return found


def _check(document: CatalogueDocument) -> None:
    try:
        check_document(document)
    except CatalogueError as error:
        raise InvalidInputError(str(error), field="/body") from error


def _complete(uow: UnitOfWork, actor: Agent, document: CatalogueDocument, now: int) -> None:
    if document.kind is not Kind.INTENT:
        return
    spans = [
        (utterance["text"][span["start"] : span["end"]], span)
        for utterance in document.body.get("utterances", ())
        for span in utterance.get("entities", ())
    ]
    for name in dict.fromkeys(span["entity"] for _, span in spans):
        if uow.draft.find(Kind.ENTITY, name) is None:
            own = CatalogueDocument(kind=Kind.ENTITY, name=name, body={})
            uow.draft.put(own, expected=None, editor=actor.id, now=now)
    for said, span in spans:
        if said != span["value"]:
            _mean(uow, actor, said, span["value"], now)


def _mean(uow: UnitOfWork, actor: Agent, said: str, value: str, now: int) -> None:
    """`said` stands for `value` from now on.

    Raises:
        InvalidInputError: it stands for something else already.
    """
    for own in uow.draft.all():
        if own.kind is Kind.SYNONYM and said in own.body["words"]:
            if own.name == value:
                return
            raise InvalidInputError(
                f"{said!r} already stands for {own.name!r}; it cannot stand for {value!r} too.",
                field="/body/utterances",
            )
    found = uow.draft.find(Kind.SYNONYM, value)
    words = [*(found.body["words"] if found is not None else ()), said]
    document = CatalogueDocument(kind=Kind.SYNONYM, name=value, body={"words": words})
    seen = found.revision if found is not None else None
    uow.draft.put(document, expected=seen, editor=actor.id, now=now)


def _renamed(document: CatalogueDocument, name: str, new: str) -> CatalogueDocument:
    body = dict(document.body)
    if document.kind is Kind.INTENT and document.name == name:
        return replace(document, name=new)
    if document.kind is Kind.RESPONSE:
        own = f"{_TITLE}{new}" if document.name == f"{_TITLE}{name}" else document.name
        body["variants"] = [_readdressed(each, name, new) for each in body["variants"]]
        return replace(document, name=own, body=body)
    if document.kind is Kind.RULE and body["intent"] == name:
        body["intent"] = new
    if document.kind is Kind.FORM:
        body["ignored_intents"] = _swapped(body["ignored_intents"], name, new)
    if document.kind is Kind.TREE:
        body["intents"] = _swapped(body["intents"], name, new)
    if document.kind is Kind.SLOT:
        body["mappings"] = [
            {**each, **{key: _swapped(each[key], name, new) for key in ("intents", "not_intents")}}
            for each in body["mappings"]
        ]
    if document.kind is Kind.DIALOGUE:
        first = body["people_first"]
        body["people_first"] = {**first, "intents": _swapped(first["intents"], name, new)}
    return replace(document, body=body)


def _swapped(names: Sequence[str], name: str, new: str) -> list[str]:
    return [new if each == name else each for each in names]


def _readdressed(variant: Mapping[str, Any], name: str, new: str) -> dict[str, Any]:
    buttons = []
    for button in variant["buttons"]:
        target, brace, rest = button["payload"].partition("{")
        if target == f"/{name}":
            button = {**button, "payload": f"/{new}{brace}{rest}"}  # noqa: PLW2901
        buttons.append(button)
    return {**variant, "buttons": buttons}


def _told(document: DraftDocument | None) -> dict[str, Any] | None:
    """A document for the audit: long lists of sentences by their number and their ends."""
    if document is None:
        return None
    told = {"name": document.name, "revision": document.revision}
    return {**told, **{key: _cut(value) for key, value in document.body.items()}}


def _cut(value: Any) -> Any:
    if isinstance(value, list) and len(value) > _SHOWN:
        return {"count": len(value), "last": value[-3:]}
    return value


def _note(
    uow: UnitOfWork,
    actor: Agent,
    action: str,
    key: tuple[str, str],
    *,
    now: int,
    before: DraftDocument | None = None,
    after: DraftDocument | None = None,
) -> None:
    thing = (f"catalogue_{key[0]}", key[1])
    note(uow, actor.id, action, thing, before=_told(before), after=_told(after), now=now)
