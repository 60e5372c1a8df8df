"""Many sentences at once: each line is added, or told why it is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.domain.catalogue import DraftDocument
from gateway.domain.errors import NotFoundError
from gateway.domain.people import Agent, Right
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.draft import StaleError, save
from intents.document import Document
from intents.documents import Kind
from intents.errors import CatalogueError
from intents.model import EntitySpan, Utterance
from intents.text import normalise_text
from intents.training import Training, read_training

LONGEST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class PastedLine:
    """A line of the paste; `intent` is the other intent that has the sentence."""

    line: int
    text: str
    intent: str | None = None
    message: str = ""


@dataclass(slots=True)
class Pasted:
    """What became of the lines."""

    added: list[PastedLine] = field(default_factory=list)
    duplicates: list[PastedLine] = field(default_factory=list)
    clashes: list[PastedLine] = field(default_factory=list)
    wrong: list[PastedLine] = field(default_factory=list)
    document: DraftDocument | None = None


def paste(
    uow: UnitOfWork,
    actor: Agent,
    intent: str,
    text: str,
    *,
    language: str | None,
    check: bool,
    seen: int,
    dry_run: bool,
    now: int,
) -> Pasted:
    """Adds the lines of a text to an intent's utterances, or to its checks.

    Lines that another intent or the other list has already are left out and told; so are
    those that are not in Rasa's notation.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is no such intent.
        StaleError: the intent is at another revision.
    """
    require(actor, Right.EDIT_CATALOGUE)
    own = uow.draft.find(Kind.INTENT, intent)
    if own is None:
        raise NotFoundError("There is no such intent in the draft.")
    if own.revision != seen:
        raise StaleError(own)
    result, fresh = Pasted(), list[dict[str, Any]]()
    known = _known(uow.draft.all())
    for number, line in enumerate(text.splitlines(), start=1):
        said = line.strip().removeprefix("- ").strip()
        if not said:
            continue
        try:
            utterance = _read(said, language)
        except CatalogueError as error:
            result.wrong.append(PastedLine(line=number, text=said, message=error.message))
            continue
        bare = normalise_text(utterance.text)
        told = PastedLine(line=number, text=utterance.text, intent=known.get(bare))
        if told.intent is None:
            known[bare] = intent
            fresh.append(as_body(utterance))
            result.added.append(told)
        elif told.intent == intent:
            result.duplicates.append(told)
        else:
            result.clashes.append(told)
    if fresh and not dry_run:
        result.document = add_sentences(uow, actor, own, fresh, check=check, now=now)
    return result


def add_sentences(
    uow: UnitOfWork,
    actor: Agent,
    intent: DraftDocument,
    sentences: list[dict[str, Any]],
    *,
    check: bool,
    now: int,
) -> DraftDocument:
    """Appends sentences to an intent's utterances or checks."""
    shelf = "checks" if check else "utterances"
    body = {**intent.body, shelf: [*intent.body.get(shelf, ()), *sentences]}
    document = replace(intent.document, body=body)
    return save(uow, actor, document, seen=intent.revision, now=now)


def as_body(utterance: Utterance) -> dict[str, Any]:
    """A sentence as documents have it."""
    return {
        "text": utterance.text,
        "language": utterance.language,
        "entities": [_span(span) for span in utterance.entities],
    }


def _span(span: EntitySpan) -> dict[str, Any]:
    return {
        "entity": span.entity,
        "start": span.start,
        "end": span.end,
        "value": span.value,
        "role": span.role,
        "group": span.group,
    }


def _known(documents: Iterable[DraftDocument]) -> dict[str, str]:
    """Every sentence of the draft with its intent."""
    return {
        normalise_text(each["text"]): document.name
        for document in documents
        if document.kind is Kind.INTENT
        for shelf in ("utterances", "checks")
        for each in document.body.get(shelf, ())
    }


def _read(line: str, language: str | None) -> Utterance:
    if len(line) > LONGEST:
        message = f"has {len(line):,} characters; a sentence has at most {LONGEST:,}"
        raise CatalogueError(message)
    own = Training()
    entry = {"intent": "pasted", "examples": [{"text": line}]}
    read_training(Document("{}", "paste"), [entry], language, own)
    return own.utterances["pasted"][0]
