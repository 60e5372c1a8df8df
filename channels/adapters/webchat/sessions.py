"""Sessions: a widget says who its visitor is and learns what it may do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from channels.adapters.webchat.channel import WebChat
from channels.adapters.webchat.exchange import (
    RefusedError,
    check_origin,
    get_inbox,
    read_object,
    reply,
)
from channels.adapters.webchat.frames import (
    MAX_ATTACHMENTS,
    MAX_TEXT_CHARACTERS,
    MAX_TOKEN_CHARACTERS,
    FrameError,
)
from channels.adapters.webchat.identity import Identity, check_hmac, check_jwt
from channels.adapters.webchat.texts import LANGUAGES, choose_language
from channels.adapters.webchat.tokens import Visitor, read_visitor, sign_visitor
from channels.contract import Directory
from channels.errors import SignatureError
from channels.files import accepted_types

HANDLE_BYTES = 18


async def open_session(directory: Directory, request: web.Request) -> web.Response:
    """`POST /web/v1/{inbox}/sessions`: a session token, limits and the greeting.

    The body may hold `identity` (`{"identifier", "hmac"}` or `{"jwt"}`), the `session_token`
    of an earlier anonymous visit, and `language`.
    """
    channel = get_inbox(directory, request.match_info["inbox"])
    check_origin(request, channel)
    fields = await read_object(request)
    visitor = _find_visitor(channel, fields, request.remote or "")
    context = channel.context
    token, expires_at = sign_visitor(context.signer, visitor, context.now())
    newest = await context.mailbox.history(channel.inbox.id, visitor.handle, limit=1)
    return reply(
        {
            "session_token": token,
            "expires_at": expires_at,
            "visitor": visitor.handle,
            "verified": visitor.verified,
            "seq": newest[-1].seq if newest else 0,
            **_describe(channel, _language(fields, request, channel)),
        },
        HTTPStatus.CREATED,
    )


async def show_config(directory: Directory, request: web.Request) -> web.Response:
    """`GET /web/v1/{inbox}/config?lang=`: looks, limits and greeting, before any session."""
    channel = get_inbox(directory, request.match_info["inbox"])
    check_origin(request, channel)
    language = choose_language(
        request.query.get("lang"),
        request.headers.get("Accept-Language", ""),
        channel.inbox.language,
    )
    return reply(_describe(channel, language))


def _find_visitor(channel: WebChat, fields: Mapping[str, Any], address: str) -> Visitor:
    """The identified, returning or new visitor.

    Only a valid signature leads to an identified customer's conversation; a wrong one is
    refused and never taken for an anonymous visit.
    """
    identity = fields.get("identity")
    if identity is not None:
        found = _check_identity(channel, identity, address)
        return Visitor(
            inbox_id=channel.inbox.id,
            handle=f"id:{found.identifier}",
            verified=True,
            profile=found.profile,
        )
    if channel.inbox.settings.identity_required:
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            "identity_required",
            "this chat is for signed-in customers: set data-identifier and data-hmac, or "
            "data-token",
        )
    returning = _find_returning(channel, fields.get("session_token"))
    if returning is not None:
        return returning
    channel.admit_newcomer(address)
    return Visitor(inbox_id=channel.inbox.id, handle=f"v:{secrets.token_urlsafe(HANDLE_BYTES)}")


def _find_returning(channel: WebChat, token: object) -> Visitor | None:
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARACTERS:
        return None
    try:
        visitor = read_visitor(channel.context.signer, token, channel.context.now())
    except SignatureError:
        return None
    if visitor.inbox_id != channel.inbox.id or visitor.verified:
        return None
    return visitor


def _check_identity(channel: WebChat, value: object, address: str) -> Identity:
    secret = channel.inbox.settings.identity_secret
    if not secret:
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            "identity_off",
            "this inbox has no identity secret, so it cannot tell customers: set one, or leave "
            "the identity out",
        )
    if not isinstance(value, dict):
        raise _malformed_identity()
    try:
        return _verify(channel, value, secret)
    except SignatureError as error:
        channel.admit_newcomer(address)
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "identity", str(error)) from error


def _verify(channel: WebChat, value: Mapping[str, Any], secret: str) -> Identity:
    jwt, identifier, signature = (value.get(name) for name in ("jwt", "identifier", "hmac"))
    if isinstance(jwt, str):
        audience = f"web:{channel.inbox.id}"
        return check_jwt(jwt, secret, audience=audience, now=channel.context.now())
    if isinstance(identifier, str) and isinstance(signature, str):
        return check_hmac(identifier, signature, secret)
    raise _malformed_identity()


def _malformed_identity() -> FrameError:
    return FrameError(
        "malformed",
        'identity: send {"identifier", "hmac"} or {"jwt"}, all strings',
        field="/identity",
    )


def _language(fields: Mapping[str, Any], request: web.Request, channel: WebChat) -> str:
    asked = fields.get("language")
    return choose_language(
        asked[:35] if isinstance(asked, str) else None,
        request.headers.get("Accept-Language", ""),
        channel.inbox.language,
    )


def _describe(channel: WebChat, language: str) -> dict[str, Any]:
    settings = channel.inbox.settings
    greeting = channel.context.greeting(language) if settings.greeting else None
    return {
        "inbox": channel.inbox.id,
        "server_time": channel.context.now(),
        "language": language,
        "languages": LANGUAGES,
        "titles": dict(settings.titles),
        "accent": settings.accent,
        "greeting": greeting
        and {
            "text": greeting.text,
            "choices": [
                {"title": choice.title, "payload": choice.payload} for choice in greeting.choices
            ],
        },
        "limits": {
            "text": MAX_TEXT_CHARACTERS,
            "attachments": MAX_ATTACHMENTS if settings.attachments else 0,
            "attachment_bytes": settings.max_attachment_bytes,
            "attachment_types": accepted_types(),
        },
    }
