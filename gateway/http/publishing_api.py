"""Evaluating, publishing, restoring, importing and exporting the bot's catalogue."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aiohttp import web

from channels.files import download_headers
from gateway.domain.catalogue import Job, JobKind
from gateway.domain.errors import InvalidInputError, NotFoundError
from gateway.domain.gate import GateSettings
from gateway.domain.people import Agent, Right
from gateway.http import catalogue_answers as answers
from gateway.http import catalogue_inputs as inputs
from gateway.http import catalogue_json as shown
from gateway.http.bodies import UPLOAD_SECONDS, read_bytes
from gateway.http.call import Call, json_response
from gateway.http.catalogue_api import names_of
from gateway.http.registry import Endpoint
from gateway.http.serial import Json
from gateway.ports.store import UnitOfWork
from gateway.services import releasing
from gateway.services.access import require
from gateway.services.auditing import note
from gateway.services.changes import compare
from gateway.services.draft import content_of
from intents.documents import from_documents
from intents.errors import CatalogueError
from intents.exchange import export_catalogue
from intents.files import MOST_BYTES
from intents.findings import Severity

_ENDINGS = (".zip", ".csv", ".xlsx")
_VERSIONS = 200
_JOBS = 50


async def queue(call: Call, kind: JobKind, task: Mapping[str, Any]) -> web.Response:
    """Queues long work and answers with the job, whose progress is at `/catalogue/jobs`."""

    def work(uow: UnitOfWork) -> Json:
        job = releasing.ask_for(uow, call.agent, kind, task, now=call.now, new_id=call.new_id)
        return shown.job_json(job, names_of(uow))

    answer = json_response(await call.write(work), status=202)
    call.parts.wake_jobs()
    return answer


async def read_catalogue(call: Call) -> Json:
    """How the draft stands."""
    require(call.agent, Right.WORK)
    view = await call.parts.bench.view()
    told = await call.read(lambda uow: _status(uow, call.agent))
    changed = {own.document.key: own.body for own in view.documents}
    differing = {
        key for key in (*changed, *view.published) if changed.get(key) != view.published.get(key)
    }
    return {
        **told,
        "revision": view.revision,
        "hash": view.hash,
        "trained": await call.parts.bench.is_trained(),
        "changes": len(differing),
        "errors": sum(f.severity is Severity.ERROR for f in view.findings),
        "warnings": sum(f.severity is Severity.WARNING for f in view.findings),
        "serving": call.parts.catalogue_version(),
    }


def _status(uow: UnitOfWork, actor: Agent) -> Json:
    require(actor, Right.WORK)
    names = names_of(uow)
    published = uow.versions.published()
    if published is None:
        raise NotFoundError("There is no catalogue yet; start the server once.")
    jobs = [job for job in uow.jobs.newest(20) if not job.state.ended]
    return {
        "published": shown.version_json(published, names, published.number),
        "offer": uow.catalogue_state.get("offer") or None,
        "gate": asdict(releasing.gate_settings(uow)),
        "job": shown.job_json(jobs[-1], names) if jobs else None,
    }


async def check_draft(call: Call) -> web.Response:
    """Evaluates the draft: held-out checks, cross-validation, saved conversations."""
    return await queue(call, JobKind.CHECK, {"folds": call.body(inputs.CheckInput).folds})


async def publish_draft(call: Call) -> web.Response:
    """Evaluates the draft and publishes it when the gate lets it pass."""
    body = call.body(inputs.PublishInput)
    task = {"reason": body.reason, "override": body.override}
    return await queue(call, JobKind.PUBLISH, task)


async def restore_version(call: Call) -> web.Response:
    """Publishes an old version again, through the same gate."""
    body = call.body(inputs.PublishInput)
    task = {
        "version": _number(call),
        "reason": body.reason,
        "override": body.override,
    }
    return await queue(call, JobKind.RESTORE, task)


def _number(call: Call) -> int:
    text = call.path("number")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFoundError("There is no such version.")
    return int(text)


async def list_versions(call: Call) -> Json:
    """Published versions, newest first."""
    require(call.agent, Right.WORK)

    def work(uow: UnitOfWork) -> list[Json]:
        names, found = names_of(uow), uow.versions.newest(_VERSIONS)
        return [shown.version_json(each, names, found[0].number) for each in found]

    return {"items": await call.read(work)}


async def list_changes(call: Call) -> Json:
    """What differs between two states of the catalogue."""
    require(call.agent, Right.WORK)
    query = call.query(inputs.ChangesQuery)
    before, after = await call.read(
        lambda uow: (content_of(uow, query.before), content_of(uow, query.after))
    )
    changes = await asyncio.to_thread(compare, before, after)
    return {"items": [shown.change_json(change) for change in changes]}


async def list_jobs(call: Call) -> Json:
    """Long work on the catalogue, newest first."""
    require(call.agent, Right.WORK)

    def work(uow: UnitOfWork) -> list[Json]:
        names = names_of(uow)
        return [shown.job_json(job, names, whole=False) for job in uow.jobs.newest(_JOBS)]

    return {"items": await call.read(work)}


async def read_job(call: Call) -> Json:
    """Long work with what came of it."""
    require(call.agent, Right.WORK)

    def work(uow: UnitOfWork) -> tuple[Job, dict[str, str]]:
        return uow.jobs.get(call.path("id")), names_of(uow)

    return shown.job_json(*await call.read(work))


async def cancel_job(call: Call) -> Json:
    """Ends long work."""

    def work(uow: UnitOfWork) -> Json:
        job = releasing.cancel(uow, call.agent, call.path("id"), now=call.now)
        return shown.job_json(job, names_of(uow))

    return await call.write(work)


async def change_gate(call: Call) -> Json:
    """Changes the margins of the gate."""
    wanted = GateSettings(**call.body(inputs.GateInput).model_dump())
    return asdict(
        await call.write(lambda uow: releasing.set_gate(uow, call.agent, wanted, now=call.now))
    )


async def import_file(call: Call) -> web.Response:
    """Imports a Rasa project (ZIP) or a table (CSV, XLSX) into the draft, whole or not at all."""
    require(call.agent, Right.EDIT_CATALOGUE)
    name = call.query(inputs.CatalogueImportQuery).name
    if Path(name).suffix.casefold() not in _ENDINGS:
        raise InvalidInputError(
            f"{name}: the file must be one of {', '.join(_ENDINGS)}.", field="/name"
        )
    content = await read_bytes(call.request, MOST_BYTES, UPLOAD_SECONDS)
    if not content:
        raise InvalidInputError("The file is empty.", field="/name")
    blob = await call.parts.blobs.put(content)
    return await queue(call, JobKind.IMPORT, {"blob": blob, "name": Path(name).name})


async def import_folder(call: Call) -> web.Response:
    """Imports the catalogue folder, which changed since it was read, into the draft."""
    require(call.agent, Right.EDIT_CATALOGUE)
    offer = await call.read(lambda uow: uow.catalogue_state.get("offer"))
    if not offer:
        raise NotFoundError("The catalogue folder has not changed.")
    return await queue(call, JobKind.IMPORT, {"folder": dict(offer)})


async def decline_folder(call: Call) -> None:
    """Leaves the catalogue folder's change aside until it changes again."""
    require(call.agent, Right.EDIT_CATALOGUE)

    def work(uow: UnitOfWork) -> None:
        offer = uow.catalogue_state.get("offer")
        if not offer:
            raise NotFoundError("The catalogue folder has not changed.")
        uow.catalogue_state.put(releasing.FOLDER, {"version": offer["version"]})
        uow.catalogue_state.put("offer", {})
        note(
            uow,
            call.agent.id,
            "catalogue.folder_declined",
            ("catalogue", "folder"),
            after=dict(offer),
            now=call.now,
        )

    await call.write(work)


async def export_file(call: Call) -> web.Response:
    """The draft or a version as a Rasa project (ZIP) or a table (CSV, XLSX)."""
    require(call.agent, Right.EDIT_CATALOGUE)
    query = call.query(inputs.ExportQuery)
    documents = await call.read(lambda uow: content_of(uow, query.version))
    name = f"catalogue-{query.version}.{query.format}"

    def build() -> bytes:
        with tempfile.TemporaryDirectory() as place:
            target = Path(place) / name
            export_catalogue(from_documents(documents), target)
            return target.read_bytes()

    try:
        content = await asyncio.to_thread(build)
    except CatalogueError as error:
        raise InvalidInputError(str(error)) from error
    headers = {**download_headers(name, "application/octet-stream"), "Cache-Control": "no-store"}
    return web.Response(body=content, headers=headers)


_TAG = "Catalogue"
_PUBLISH = Right.PUBLISH_CATALOGUE

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/catalogue",
        handler=read_catalogue,
        tag=_TAG,
        summary="How the draft stands",
        answer=answers.CatalogueStatus,
        right=Right.WORK,
    ),
    Endpoint(
        method="POST",
        path="/catalogue/check",
        handler=check_draft,
        tag=_TAG,
        summary="Evaluate the draft",
        body=inputs.CheckInput,
        answer=answers.CatalogueJob,
        status=202,
        right=Right.EDIT_CATALOGUE,
        errors=("conflict",),
    ),
    Endpoint(
        method="POST",
        path="/catalogue/publish",
        handler=publish_draft,
        tag=_TAG,
        summary="Publish the draft when the gate lets it pass",
        body=inputs.PublishInput,
        answer=answers.CatalogueJob,
        status=202,
        right=_PUBLISH,
        errors=("conflict",),
    ),
    Endpoint(
        method="GET",
        path="/catalogue/versions",
        handler=list_versions,
        tag=_TAG,
        summary="Published versions",
        answer=answers.VersionList,
        right=Right.WORK,
    ),
    Endpoint(
        method="POST",
        path="/catalogue/versions/{number}/restore",
        handler=restore_version,
        tag=_TAG,
        summary="Publish an old version again",
        body=inputs.PublishInput,
        answer=answers.CatalogueJob,
        status=202,
        right=_PUBLISH,
        errors=("conflict",),
    ),
    Endpoint(
        method="GET",
        path="/catalogue/changes",
        handler=list_changes,
        tag=_TAG,
        summary="What differs between two states",
        query=inputs.ChangesQuery,
        answer=answers.ChangeList,
        right=Right.WORK,
        errors=("not_found",),
    ),
    Endpoint(
        method="GET",
        path="/catalogue/jobs",
        handler=list_jobs,
        tag=_TAG,
        summary="Long work on the catalogue",
        answer=answers.JobList,
        right=Right.WORK,
    ),
    Endpoint(
        method="GET",
        path="/catalogue/jobs/{id}",
        handler=read_job,
        tag=_TAG,
        summary="Long work: how far it is, and what came of it",
        answer=answers.CatalogueJob,
        right=Right.WORK,
    ),
    Endpoint(
        method="POST",
        path="/catalogue/jobs/{id}/cancel",
        handler=cancel_job,
        tag=_TAG,
        summary="End long work",
        body=inputs.Nothing,
        answer=answers.CatalogueJob,
        right=Right.EDIT_CATALOGUE,
        errors=("conflict",),
    ),
    Endpoint(
        method="PUT",
        path="/catalogue/gate",
        handler=change_gate,
        tag=_TAG,
        summary="Change how far figures may fall",
        body=inputs.GateInput,
        answer=answers.GateMargins,
        right=_PUBLISH,
    ),
    Endpoint(
        method="POST",
        path="/catalogue/import",
        handler=import_file,
        tag=_TAG,
        summary="Import a file into the draft",
        query=inputs.CatalogueImportQuery,
        answer=answers.CatalogueJob,
        status=202,
        raw=True,
        right=Right.EDIT_CATALOGUE,
        errors=("conflict", "too_large", "too_slow"),
    ),
    Endpoint(
        method="POST",
        path="/catalogue/offer",
        handler=import_folder,
        tag=_TAG,
        summary="Import the changed catalogue folder into the draft",
        body=inputs.Nothing,
        answer=answers.CatalogueJob,
        status=202,
        right=Right.EDIT_CATALOGUE,
        errors=("conflict", "not_found"),
    ),
    Endpoint(
        method="DELETE",
        path="/catalogue/offer",
        handler=decline_folder,
        tag=_TAG,
        summary="Leave the changed catalogue folder aside",
        status=204,
        right=Right.EDIT_CATALOGUE,
        errors=("not_found",),
    ),
    Endpoint(
        method="GET",
        path="/catalogue/export",
        handler=export_file,
        tag=_TAG,
        summary="Export the draft or a version",
        query=inputs.ExportQuery,
        binary=True,
        right=Right.EDIT_CATALOGUE,
        errors=("not_found",),
    ),
)
