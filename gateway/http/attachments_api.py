"""Files: agents' uploads and the downloads of what came in or went out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from aiohttp import web

from channels.contract import Attachment
from channels.errors import MalformedPayloadError, SignatureError
from channels.files import accept_file, download_headers
from gateway.domain.errors import InvalidInputError, NotFoundError
from gateway.domain.people import Right
from gateway.http import answers, inputs
from gateway.http.bodies import UPLOAD_LIMIT, UPLOAD_SECONDS, read_bytes
from gateway.http.call import Call, json_response
from gateway.http.problems import ProblemError
from gateway.http.registry import Endpoint
from gateway.http.serial import PREFIX
from gateway.services.access import get_message, require

UPLOAD_LIFETIME_MS: Final = 24 * 3_600_000
THUMBNAIL_MIME: Final = "image/webp"
# What browsers decode without running anything in it.
_INLINE: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def _purpose(agent_id: str) -> str:
    return f"upload/{agent_id}"


def read_upload(call: Call, token: str, index: int) -> Attachment:
    """The file that the agent uploaded before.

    Raises:
        InvalidInputError: it is not this agent's, or a day has passed.
    """
    try:
        value = call.parts.signer.verify(_purpose(call.agent.id), token, now=call.now)
    except SignatureError as error:
        raise InvalidInputError(
            "This file is no longer there; upload it again.", field=f"/attachments/{index}"
        ) from error
    return Attachment(**orjson.loads(value))


def read_uploads(call: Call, tokens: Sequence[str]) -> tuple[Attachment, ...]:
    """The files that the agent uploaded before.

    Raises:
        InvalidInputError: one is not this agent's, or a day has passed.
    """
    return tuple(read_upload(call, token, index) for index, token in enumerate(tokens))


async def upload_file(call: Call) -> web.Response:
    """Takes a file for an answer; its reference carries all that is known of it."""
    require(call.agent, Right.WORK)
    name = call.query(inputs.UploadQuery).name
    content = await read_bytes(call.request, UPLOAD_LIMIT, UPLOAD_SECONDS)
    declared = call.request.headers.get("Content-Type", "")
    try:
        accepted = await accept_file(
            call.parts.blobs,
            name=name,
            declared_mime=declared,
            content=content,
            limit=UPLOAD_LIMIT,
        )
    except MalformedPayloadError as error:
        where = f"/{error.field}" if error.field else None
        raise InvalidInputError(error.message, field=where) from error
    token = call.parts.signer.sign(
        _purpose(call.agent.id),
        orjson.dumps(accepted).decode(),
        expires_at=call.now + UPLOAD_LIFETIME_MS,
    )
    return json_response(
        {
            "upload_id": token,
            "name": accepted.name,
            "mime": accepted.mime,
            "size": accepted.size,
            "thumbnail_url": f"{PREFIX}/uploads/{token}/thumbnail" if accepted.thumbnail else None,
        },
        status=201,
    )


async def read_upload_thumbnail(call: Call) -> web.Response:
    """The small picture of a file that waits to be sent."""
    try:
        upload = read_upload(call, call.request.match_info["id"], 0)
    except InvalidInputError as error:
        raise NotFoundError("There is no such file.") from error
    if upload.thumbnail is None:
        raise NotFoundError("This file has no small picture.")
    return await _send(call, upload.thumbnail, upload.name, THUMBNAIL_MIME)


async def read_attachment(call: Call) -> web.Response:
    """A message's file, or its small picture."""
    is_small = call.query(inputs.AttachmentQuery).thumbnail
    message, _ = await call.read(lambda uow: get_message(uow, call.agent, call.path("message_id")))
    index = call.path("index")
    if not (index.isascii() and index.isdigit() and int(index) < len(message.attachments)):
        raise NotFoundError("This message has no such file.")
    item = message.attachments[int(index)]
    if not is_small:
        return await _send(call, item.blob, item.name, item.mime)
    if item.thumbnail is None:
        raise NotFoundError("This file has no small picture.")
    return await _send(call, item.thumbnail, item.name, THUMBNAIL_MIME)


async def _send(call: Call, blob: str, name: str, mime: str) -> web.Response:
    try:
        content = await call.parts.blobs.get(blob)
    except KeyError as error:
        raise ProblemError("not_found", "The file's content is no longer there.") from error
    headers = download_headers(name, mime)
    if mime in _INLINE:
        disposition = headers["Content-Disposition"].replace("attachment", "inline", 1)
        headers["Content-Disposition"] = disposition
    headers["Cache-Control"] = "private, max-age=3600"
    return web.Response(body=content, headers=headers)


_TAG = "Files"

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/uploads",
        handler=upload_file,
        tag=_TAG,
        summary="Upload a file for an answer; at most 25 MB",
        query=inputs.UploadQuery,
        answer=answers.Upload,
        status=201,
        right=Right.WORK,
        errors=("too_large", "too_slow", "invalid_input"),
        raw=True,
    ),
    Endpoint(
        method="GET",
        path="/uploads/{id}/thumbnail",
        handler=read_upload_thumbnail,
        tag=_TAG,
        summary="The small picture of an uploaded file",
        binary=True,
    ),
    Endpoint(
        method="GET",
        path="/attachments/{message_id}/{index}",
        handler=read_attachment,
        tag=_TAG,
        summary="A message's file; with thumbnail=1 its small picture",
        query=inputs.AttachmentQuery,
        binary=True,
        right=Right.SEE_TEAM,
    ),
)
