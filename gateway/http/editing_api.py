"""Documents under work, before they are saved: mistakes, their source, the use of entities."""

from __future__ import annotations

import asyncio

from gateway.domain.people import Right
from gateway.http import catalogue_answers as answers
from gateway.http import catalogue_inputs as inputs
from gateway.http import catalogue_json as shown
from gateway.http.call import Call
from gateway.http.catalogue_api import checked_document
from gateway.http.problems import ProblemError
from gateway.http.registry import Endpoint
from gateway.http.serial import Json
from gateway.services.access import require
from intents.entity_use import entity_uses
from intents.errors import CatalogueError
from intents.sources import read_source, write_source


async def examine_document(call: Call) -> Json:
    """What would be wrong if a document were saved as it stands."""
    require(call.agent, Right.EDIT_CATALOGUE)
    body = call.body(inputs.ContentInput)
    document = checked_document(body.kind, body.name, body.body)
    found = await call.parts.bench.examine(document)
    return {"items": [shown.finding_json(finding) for finding in found]}


async def write_document_source(call: Call) -> Json:
    """The Rasa YAML of a document as it stands."""
    require(call.agent, Right.EDIT_CATALOGUE)
    body = call.body(inputs.SourcedContentInput)
    document = checked_document(body.kind, body.name, body.body)
    view = await call.parts.bench.view()
    try:
        text = await asyncio.to_thread(write_source, document, view.catalogue)
    except CatalogueError as error:
        raise _refused(error) from error
    return {"text": text}


async def read_document_source(call: Call) -> Json:
    """The body that a document's YAML comes to; nothing is saved."""
    require(call.agent, Right.EDIT_CATALOGUE)
    body = call.body(inputs.SourceInput)
    view = await call.parts.bench.view()
    try:
        found = await asyncio.to_thread(
            read_source, body.kind, body.name, body.text, view.catalogue
        )
    except CatalogueError as error:
        raise _refused(error) from error
    return {"body": checked_document(found.kind, found.name, found.body).body}


def _refused(error: CatalogueError) -> ProblemError:
    """Tells file, line and remedy."""
    return ProblemError(
        "invalid_input", str(error), [("/text", error.message)], {"line": error.line}
    )


async def list_entities(call: Call) -> Json:
    """The draft's entities, and where each is used."""
    require(call.agent, Right.WORK)
    view = await call.parts.bench.view()
    return {"items": [shown.entity_json(use) for use in entity_uses(view.catalogue)]}


_TAG = "Catalogue"
_LONGEST = 200_000  # bytes; 2 MB of YAML hold a thread for 20 s

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/catalogue/examine",
        handler=examine_document,
        tag=_TAG,
        summary="What would be wrong with a document, by field",
        body=inputs.ContentInput,
        answer=answers.FindingList,
        right=Right.EDIT_CATALOGUE,
        limit=_LONGEST,
    ),
    Endpoint(
        method="POST",
        path="/catalogue/source/write",
        handler=write_document_source,
        tag=_TAG,
        summary="A document as Rasa YAML",
        body=inputs.SourcedContentInput,
        answer=answers.DocumentSource,
        right=Right.EDIT_CATALOGUE,
        limit=_LONGEST,
    ),
    Endpoint(
        method="POST",
        path="/catalogue/source/read",
        handler=read_document_source,
        tag=_TAG,
        summary="What a document's Rasa YAML comes to; refused with the line and the remedy",
        body=inputs.SourceInput,
        answer=answers.DocumentContent,
        right=Right.EDIT_CATALOGUE,
        limit=_LONGEST,
    ),
    Endpoint(
        method="GET",
        path="/catalogue/entities",
        handler=list_entities,
        tag=_TAG,
        summary="Entities with their roles and groups, and where they are used",
        answer=answers.EntityUseList,
        right=Right.WORK,
    ),
)
