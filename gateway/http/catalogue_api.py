"""The editor of the bot's catalogue: the draft's documents, collisions, the test box."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gateway.domain.catalogue import DraftDocument
from gateway.domain.errors import InvalidInputError, NotFoundError
from gateway.domain.people import Right
from gateway.http import catalogue_answers as answers
from gateway.http import catalogue_inputs as inputs
from gateway.http import catalogue_json as shown
from gateway.http import trial_answers
from gateway.http.call import Call
from gateway.http.catalogue_bodies import BODIES
from gateway.http.problems import ProblemError, explain
from gateway.http.registry import Endpoint
from gateway.http.serial import Json
from gateway.ports.store import UnitOfWork
from gateway.services import draft, pasting
from gateway.services.access import require
from gateway.services.bench import CatalogueView, Trial
from gateway.services.catalogue_figures import DAY
from intents.documents import SETTINGS, CatalogueDocument, Kind
from intents.text import normalise_text

_INTENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:/[A-Za-z0-9_]+)?")
_RESPONSE = re.compile(r"utter_[A-Za-z0-9_]+(?:/[A-Za-z0-9_]+)?")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMES: Mapping[Kind, tuple[re.Pattern[str], str]] = {
    Kind.INTENT: (_INTENT, "letters, digits and `_` (or `group/key`)"),
    Kind.RESPONSE: (_RESPONSE, "`utter_` and letters, digits and `_`"),
    Kind.FORM: (_KEY, "letters, digits and `_`"),
    Kind.TREE: (_KEY, "letters, digits and `_`"),
    Kind.SLOT: (_KEY, "letters, digits and `_`"),
    Kind.ENTITY: (_KEY, "letters, digits and `_`"),
    Kind.DIALOGUE: (re.compile(SETTINGS), f"`{SETTINGS}`"),
}
_MATCHES = 3
_HIT_DAYS = 30


def names_of(uow: UnitOfWork) -> dict[str, str]:
    """Every agent's name by id."""
    return {agent.id: agent.name for agent in uow.agents.all()}


def checked_document(kind: Kind, name: str, body: Mapping[str, Any]) -> CatalogueDocument:
    """A document as it came from outside.

    Raises:
        ProblemError: a field of the body is wrong; it names the field.
        InvalidInputError: the name is not what the kind has.
    """
    if kind in _NAMES and _NAMES[kind][0].fullmatch(name) is None:
        raise InvalidInputError(f"The name must be {_NAMES[kind][1]}.", field="/name")
    try:
        model = BODIES[kind].model_validate(body, strict=False)
    except ValidationError as error:
        problem = explain(error)
        assert problem is not None  # noqa: S101 -- validation errors are always explained
        errors = [(f"/body{place}", what) for place, what in problem.errors]
        raise ProblemError("invalid_input", f"/body{problem.detail}", errors) from error
    return CatalogueDocument(kind=kind, name=name, body=model.model_dump(mode="json"))


async def describe(call: Call, document: DraftDocument) -> Json:
    """A document of the draft, with its editor's name."""
    names = await call.read(names_of)
    view = await call.parts.bench.view()
    return shown.document_json(document, view.published, names)


async def stale(call: Call, error: draft.StaleError) -> ProblemError:
    """The conflict with what the other editor saved."""
    theirs = await describe(call, error.theirs) if error.theirs is not None else None
    return ProblemError("conflict", error.detail, extra={"theirs": theirs})


async def list_intents(call: Call) -> Json:
    """The intents of the draft; with `q` those that hold the words."""
    require(call.agent, Right.WORK)
    words = normalise_text(call.query(inputs.DocumentListQuery).q)
    view = await call.parts.bench.view()
    hits = await call.read(lambda uow: _hits(uow, call.now))
    counts = shown.finding_counts(view)
    by_name = {intent.name: intent for intent in view.catalogue.intents}
    items = []
    for own in view.documents:
        if own.kind is not Kind.INTENT:
            continue
        matches = _matching(own, view, words)
        if matches is None:
            continue
        items.append(
            shown.intent_json(
                own,
                by_name[own.name],
                view,
                counts.get((own.kind.value, own.name), {}),
                hits=hits.get(own.name, 0),
                matches=matches,
            )
        )
    return {"items": items}


def _hits(uow: UnitOfWork, now: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for _, counts in uow.figures.intents(since=now - _HIT_DAYS * DAY, until=now + 1):
        if counts.intent is not None:
            found[counts.intent] = found.get(counts.intent, 0) + counts.hits
    return found


def _matching(document: DraftDocument, view: CatalogueView, words: str) -> list[str] | None:
    """Sentences with the words; None when the document has them nowhere."""
    if not words:
        return []
    body = document.body
    sentences = [
        each["text"]
        for shelf in ("utterances", "checks")
        for each in body.get(shelf, ())
        if words in normalise_text(each["text"])
    ]
    told = (document.name, body.get("group", ""), body.get("description", ""))
    named = any(words in normalise_text(text) for text in (*told, view.title(document.name)))
    return sentences[:_MATCHES] if sentences or named else None


async def list_documents(call: Call) -> Json:
    """Documents of the draft without their bodies."""
    require(call.agent, Right.WORK)
    query = call.query(inputs.DocumentListQuery)
    words = normalise_text(query.q)
    view = await call.parts.bench.view()
    counts = shown.finding_counts(view)
    return {
        "items": [
            shown.row_json(own, view, counts.get((own.kind.value, own.name), {}))
            for own in view.documents
            if (query.kind is None or own.kind is query.kind)
            and (not words or words in normalise_text(own.name + str(own.body)))
        ]
    }


async def read_document(call: Call) -> Json:
    """One document of the draft."""
    require(call.agent, Right.WORK)
    query = call.query(inputs.DocumentQuery)
    found = await call.read(lambda uow: uow.draft.find(query.kind, query.name))
    if found is None:
        raise NotFoundError("There is no such document in the draft.")
    return await describe(call, found)


async def save_document(call: Call) -> Json:
    """Inserts or replaces a document of the draft."""
    require(call.agent, Right.EDIT_CATALOGUE)
    body = call.body(inputs.DocumentInput)
    document = checked_document(body.kind, body.name, body.body)
    try:
        saved = await call.write(
            lambda uow: draft.save(uow, call.agent, document, seen=body.revision, now=call.now)
        )
    except draft.StaleError as error:
        raise await stale(call, error) from error
    return await describe(call, saved)


async def remove_document(call: Call) -> None:
    """Removes a document from the draft."""
    query = call.query(inputs.RemoveQuery)
    try:
        await call.write(
            lambda uow: draft.remove(
                uow, call.agent, query.kind, query.name, seen=query.revision, now=call.now
            )
        )
    except draft.StaleError as error:
        raise await stale(call, error) from error


async def revert_document(call: Call) -> Json:
    """Makes a document as it is published; one that is not published is removed."""
    body = call.body(inputs.RevertInput)
    try:
        found = await call.write(
            lambda uow: draft.revert(
                uow, call.agent, body.kind, body.name, seen=body.revision, now=call.now
            )
        )
    except draft.StaleError as error:
        raise await stale(call, error) from error
    return {"document": await describe(call, found) if found is not None else None}


async def reset_draft(call: Call) -> None:
    """Makes the whole draft as it is published."""
    await call.write(lambda uow: draft.reset(uow, call.agent, now=call.now))


async def rename_intent(call: Call) -> Json:
    """Gives an intent another name, in everything that names it."""
    body = call.body(inputs.RenameInput)
    try:
        found = await call.write(
            lambda uow: draft.rename(
                uow, call.agent, body.name, body.new_name, seen=body.revision, now=call.now
            )
        )
    except draft.StaleError as error:
        raise await stale(call, error) from error
    return await describe(call, found)


async def paste_sentences(call: Call) -> Json:
    """Adds many sentences to an intent, one a line."""
    body = call.body(inputs.PasteInput)

    def work(uow: UnitOfWork) -> pasting.Pasted:
        return pasting.paste(
            uow,
            call.agent,
            body.intent,
            body.text,
            language=body.language,
            check=body.check,
            seen=body.revision,
            dry_run=body.dry_run,
            now=call.now,
        )

    try:
        found = await call.write(work)
    except draft.StaleError as error:
        raise await stale(call, error) from error
    names = await call.read(names_of)
    view = await call.parts.bench.view()
    return shown.pasted_json(
        found, lambda document: shown.document_json(document, view.published, names)
    )


async def list_findings(call: Call) -> Json:
    """What is wrong in the draft, errors first."""
    require(call.agent, Right.WORK)
    view = await call.parts.bench.view()
    return {"items": [shown.finding_json(finding) for finding in view.findings]}


async def find_collisions(call: Call) -> Json:
    """Sentences of other intents that a sentence under work is like."""
    require(call.agent, Right.WORK)
    body = call.body(inputs.CollisionInput)
    return shown.collisions_json(await call.parts.bench.collisions(body.text, body.intent))


async def try_turn(call: Call) -> Json:
    """A whole turn as the customer would see it; nothing is written."""
    require(call.agent, Right.WORK)
    body = call.body(inputs.TrialInput)
    trial = Trial(
        text=body.text,
        language=body.language,
        channel=body.channel,
        draft=body.source == "draft",
        earlier=tuple(body.earlier),
    )
    return shown.tried_json(await call.parts.bench.try_out(trial, now=call.now))


_TAG = "Catalogue"
_EDIT = Right.EDIT_CATALOGUE

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/catalogue/intents",
        handler=list_intents,
        tag=_TAG,
        summary="Intents of the draft, with sample and use counts",
        query=inputs.DocumentListQuery,
        answer=answers.IntentRows,
        right=Right.WORK,
    ),
    Endpoint(
        method="GET",
        path="/catalogue/documents",
        handler=list_documents,
        tag=_TAG,
        summary="Documents of the draft",
        query=inputs.DocumentListQuery,
        answer=answers.DocumentRows,
        right=Right.WORK,
    ),
    Endpoint(
        method="GET",
        path="/catalogue/document",
        handler=read_document,
        tag=_TAG,
        summary="One document of the draft",
        query=inputs.DocumentQuery,
        answer=answers.CatalogueDocument,
        right=Right.WORK,
        errors=("not_found",),
    ),
    Endpoint(
        method="PUT",
        path="/catalogue/document",
        handler=save_document,
        tag=_TAG,
        summary="Save a document; a conflict carries the other editor's as `theirs`",
        body=inputs.DocumentInput,
        answer=answers.CatalogueDocument,
        right=_EDIT,
        errors=("conflict",),
        limit=10_000_000,
    ),
    Endpoint(
        method="DELETE",
        path="/catalogue/document",
        handler=remove_document,
        tag=_TAG,
        summary="Remove a document from the draft",
        query=inputs.RemoveQuery,
        status=204,
        right=_EDIT,
        errors=("conflict", "not_found"),
    ),
    Endpoint(
        method="POST",
        path="/catalogue/document/revert",
        handler=revert_document,
        tag=_TAG,
        summary="Make a document as it is published",
        body=inputs.RevertInput,
        answer=answers.Reverted,
        right=_EDIT,
        errors=("conflict", "not_found"),
    ),
    Endpoint(
        method="POST",
        path="/catalogue/reset",
        handler=reset_draft,
        tag=_TAG,
        summary="Make the whole draft as it is published",
        body=inputs.Nothing,
        status=204,
        right=Right.PUBLISH_CATALOGUE,
    ),
    Endpoint(
        method="POST",
        path="/catalogue/intents/rename",
        handler=rename_intent,
        tag=_TAG,
        summary="Rename an intent everywhere",
        body=inputs.RenameInput,
        answer=answers.CatalogueDocument,
        right=_EDIT,
        errors=("conflict", "not_found"),
    ),
    Endpoint(
        method="POST",
        path="/catalogue/paste",
        handler=paste_sentences,
        tag=_TAG,
        summary="Add many sentences, one a line",
        body=inputs.PasteInput,
        answer=answers.PasteResult,
        right=_EDIT,
        errors=("conflict", "not_found"),
        limit=2_000_000,
    ),
    Endpoint(
        method="GET",
        path="/catalogue/findings",
        handler=list_findings,
        tag=_TAG,
        summary="Mistakes in the draft, with place and remedy",
        answer=answers.FindingList,
        right=Right.WORK,
    ),
    Endpoint(
        method="POST",
        path="/catalogue/collisions",
        handler=find_collisions,
        tag=_TAG,
        summary="Sentences of other intents that a sentence is like",
        body=inputs.CollisionInput,
        answer=answers.CollisionList,
        right=Right.WORK,
    ),
    Endpoint(
        method="POST",
        path="/catalogue/try",
        handler=try_turn,
        tag=_TAG,
        summary="Try a turn as a customer would see it",
        body=inputs.TrialInput,
        answer=trial_answers.TrialResult,
        right=Right.WORK,
    ),
)
