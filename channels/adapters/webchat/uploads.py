"""Files: a visitor's uploads, and downloads of what its conversation holds."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from channels.adapters.webchat.channel import WebChat
from channels.adapters.webchat.exchange import (
    RefusedError,
    authenticate,
    get_default,
    get_inbox,
    reply,
)
from channels.adapters.webchat.frames import FrameError
from channels.adapters.webchat.tokens import read_file, sign_upload
from channels.contract import Directory
from channels.errors import OversizePayloadError
from channels.files import accept_file, download_headers
from channels.receiving import read_body

CACHE_S: Final = 3600
UPLOAD_S: Final = 120
"""Time that a visitor has for a whole file, on a slow line too."""


async def upload(directory: Directory, request: web.Request) -> web.Response:
    """`POST /web/v1/uploads`: stores a file and returns the token that a message carries.

    The body is `multipart/form-data` with a part `file`, or the file itself with its type as
    `Content-Type` and its name as `?name=`.
    """
    channel, visitor = authenticate(request, directory)
    settings = channel.inbox.settings
    if not settings.attachments:
        raise RefusedError(
            HTTPStatus.FORBIDDEN, "files_off", "this chat takes no files: describe it in words"
        )
    channel.admit_upload(visitor)
    name, mime, content = await _read_file(request, settings.max_attachment_bytes)
    context = channel.context
    attachment = await accept_file(
        context.blobs,
        name=name,
        declared_mime=mime,
        content=content,
        limit=settings.max_attachment_bytes,
    )
    thumbnail = attachment.thumbnail
    return reply(
        {
            "token": sign_upload(context.signer, visitor, attachment, context.now()),
            "name": attachment.name,
            "mime": attachment.mime,
            "size": attachment.size,
            "width": attachment.width,
            "height": attachment.height,
            "url": channel.link(attachment, attachment.blob),
            "thumb": None if thumbnail is None else channel.link(attachment, thumbnail),
        },
        HTTPStatus.CREATED,
    )


async def download(directory: Directory, request: web.Request) -> web.Response:
    """`GET /web/v1/files/{token}`: the file that the token names, and no other.

    It is served so that it cannot run as a page of this site.
    """
    context = get_default(directory).context
    file = read_file(context.signer, request.match_info["token"], context.now())
    channel = get_inbox(directory, file.inbox_id)
    content = await _fetch(channel, file.blob)
    return web.Response(
        body=content,
        headers={
            **download_headers(file.name, file.mime),
            "Cache-Control": f"private, max-age={CACHE_S}, immutable",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Referrer-Policy": "no-referrer",
        },
    )


async def _fetch(channel: WebChat, blob: str) -> bytes:
    try:
        return await channel.context.blobs.get(blob)
    except KeyError as error:
        raise RefusedError(
            HTTPStatus.NOT_FOUND, "unknown_file", "the file is no longer kept"
        ) from error


async def _read_file(request: web.Request, limit: int) -> tuple[str, str, bytes]:
    """Name, declared type and content."""
    if request.content_type != "multipart/form-data":
        content = await read_body(request, limit)
        return request.query.get("name", ""), request.content_type, content
    try:
        async with asyncio.timeout(UPLOAD_S):
            return await _read_form(request, limit)
    except TimeoutError as error:
        reason = f"the file did not arrive within {UPLOAD_S} s; send it again"
        raise FrameError("malformed", reason, field="file") from error
    except (ValueError, HttpProcessingError) as error:
        reason = "the multipart body is broken; send it as browsers do"
        raise FrameError("malformed", reason, field="") from error


async def _read_form(request: web.Request, limit: int) -> tuple[str, str, bytes]:
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "file":
            mime = part.headers.get("Content-Type", "")
            return part.filename or "", mime, await _read_part(part, limit)
    raise FrameError("malformed", "file: send the file in a part of this name", field="file")


async def _read_part(part: BodyPartReader, limit: int) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(65_536):
        content += chunk
        if len(content) > limit:
            raise OversizePayloadError(limit)
    return bytes(content)
