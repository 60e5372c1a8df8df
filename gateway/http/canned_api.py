"""Canned responses."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.people import Right
from gateway.domain.records import CannedResponse
from gateway.http import answers, inputs
from gateway.http.call import Call
from gateway.http.registry import Endpoint
from gateway.http.serial import Json, canned_json
from gateway.services import canned


async def list_canned(call: Call) -> Json:
    """The canned responses that the agent may use."""
    found = await call.read(lambda uow: canned.list_canned(uow, call.agent))
    return {"items": [canned_json(item) for item in found]}


def _canned_of(call: Call, canned_id: str) -> CannedResponse:
    body = call.body(inputs.CannedInput)
    return CannedResponse(
        id=canned_id,
        shortcut=body.shortcut,
        title=body.title,
        text=body.text,
        language=body.language,
        team_id=body.team_id,
        updated_at=call.now,
    )


async def add_canned(call: Call) -> web.Response:
    """Adds a canned response."""
    wanted = _canned_of(call, call.new_id())
    return await call.create(lambda uow: canned_json(canned.add_canned(uow, call.agent, wanted)))


async def change_canned(call: Call) -> Json:
    """Replaces a canned response."""
    wanted = _canned_of(call, call.path("id"))
    return canned_json(await call.write(lambda uow: canned.change_canned(uow, call.agent, wanted)))


async def remove_canned(call: Call) -> None:
    """Removes a canned response."""
    await call.write(
        lambda uow: canned.remove_canned(uow, call.agent, call.path("id"), now=call.now)
    )


_TAG = "Canned responses"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/canned-responses",
        handler=list_canned,
        tag=_TAG,
        summary="Canned responses for everyone and for your teams",
        answer=answers.CannedList,
        right=Right.WORK,
    ),
    Endpoint(
        method="POST",
        path="/canned-responses",
        handler=add_canned,
        tag=_TAG,
        summary="Add a canned response",
        body=inputs.CannedInput,
        answer=answers.Canned,
        status=201,
        right=Right.EDIT_CANNED,
        creates=True,
    ),
    Endpoint(
        method="PUT",
        path="/canned-responses/{id}",
        handler=change_canned,
        tag=_TAG,
        summary="Replace a canned response",
        body=inputs.CannedInput,
        answer=answers.Canned,
        right=Right.EDIT_CANNED,
        errors=("conflict",),
    ),
    Endpoint(
        method="DELETE",
        path="/canned-responses/{id}",
        handler=remove_canned,
        tag=_TAG,
        summary="Remove a canned response",
        status=204,
        right=Right.EDIT_CANNED,
    ),
)
