"""Kinds of channel and inboxes."""

from __future__ import annotations

import asyncio

from aiohttp import web

from channels.files import accepted_types
from channels.registry import settings_schema
from gateway.domain.inbox import Inbox
from gateway.domain.people import Right, may
from gateway.http import admin_answers, inputs
from gateway.http.bodies import UPLOAD_LIMIT
from gateway.http.call import Call
from gateway.http.letter_inputs import FILES_LIMIT
from gateway.http.registry import Endpoint
from gateway.http.serial import Json, inbox_json
from gateway.services import inboxes
from gateway.services.access import require


async def list_channel_kinds(call: Call) -> Json:
    """Every kind of channel with its settings, from which consoles draw forms."""
    require(call.agent, Right.CONFIGURE)
    # Importing a kind's module may take seconds.
    return {"items": await asyncio.to_thread(_describe_kinds, call)}


def _describe_kinds(call: Call) -> list[Json]:
    described = []
    for name in call.parts.kinds:
        schema = settings_schema(call.parts.load_kind(name))
        settings = schema.pop("fields")
        described.append({**schema, "settings": settings})
    return described


async def list_inboxes(call: Call) -> Json:
    """Every inbox; settings are shown to those who configure."""
    found = await call.read(lambda uow: inboxes.list_inboxes(uow, call.agent))
    with_settings = may(call.agent, Right.CONFIGURE)
    return {
        "items": [
            inbox_json(inbox, _limits(call, inbox.kind), with_settings=with_settings)
            for inbox in found
        ]
    }


def _limits(call: Call, kind: str) -> Json:
    """What an answer through that kind of channel may carry."""
    capabilities = call.parts.capabilities_of(kind)
    return {
        "letters": capabilities.letters,
        "max_text": capabilities.max_text,
        "files": capabilities.attachments,
        "max_files": FILES_LIMIT,
        "max_file_bytes": min(UPLOAD_LIMIT, capabilities.max_files_bytes),
        "max_files_bytes": capabilities.max_files_bytes,
        "file_types": list(accepted_types()),
    }


async def add_inbox(call: Call) -> web.Response:
    """Configures a channel."""
    body = call.body(inputs.InboxInput)
    new = inboxes.NewInbox(
        kind=body.kind,
        name=body.name,
        language=body.language,
        team_id=body.team_id,
        bot=body.bot,
        enabled=body.enabled,
        settings=body.settings,
        secrets=body.secrets,
        recogniser=body.recogniser,
        mail_inbox_id=body.mail_inbox_id,
    )
    response = await call.create(
        lambda uow: inbox_json(
            inboxes.add_inbox(
                uow,
                call.agent,
                new,
                load_kind=call.parts.load_kind,
                recognisers=call.parts.recognisers,
                now=call.now,
                new_id=call.new_id,
            ),
            _limits(call, body.kind),
            with_settings=True,
        )
    )
    await call.parts.reload_inboxes()
    return response


async def change_inbox(call: Call) -> Json:
    """Changes an inbox; settings not named stay, a null secret is removed."""
    changes = call.changes()
    changed: Inbox = await call.write(
        lambda uow: inboxes.change_inbox(
            uow,
            call.agent,
            call.path("id"),
            changes,
            load_kind=call.parts.load_kind,
            recognisers=call.parts.recognisers,
            now=call.now,
        )
    )
    await call.parts.reload_inboxes()
    return inbox_json(changed, _limits(call, changed.kind), with_settings=True)


_TAG = "Inboxes"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/channel-kinds",
        handler=list_channel_kinds,
        tag=_TAG,
        summary="Kinds of channel with their settings",
        answer=admin_answers.ChannelKindList,
        right=Right.CONFIGURE,
    ),
    Endpoint(
        method="GET",
        path="/inboxes",
        handler=list_inboxes,
        tag=_TAG,
        summary="Every inbox; settings are shown to those who configure",
        answer=admin_answers.InboxList,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="POST",
        path="/inboxes",
        handler=add_inbox,
        tag=_TAG,
        summary="Configure a channel",
        body=inputs.InboxInput,
        answer=admin_answers.Inbox,
        status=201,
        right=Right.CONFIGURE,
        creates=True,
    ),
    Endpoint(
        method="PATCH",
        path="/inboxes/{id}",
        handler=change_inbox,
        tag=_TAG,
        summary="Change an inbox; settings not named stay, a null secret is removed",
        body=inputs.InboxChange,
        answer=admin_answers.Inbox,
        right=Right.CONFIGURE,
    ),
)
