"""HTTP between a widget and its inbox: who asks, from which site, and how errors are told."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from channels.adapters.webchat.channel import WebChat
from channels.adapters.webchat.frames import MAX_FRAME_BYTES, FrameError
from channels.adapters.webchat.tokens import Visitor, read_visitor
from channels.contract import Directory, Handler
from channels.errors import ChannelError, SignatureError, UnavailableError
from channels.receiving import parse_object, problem, read_body, refusal

PREFLIGHT_SECONDS: Final = 600
AWAY_RETRY_S: Final = 5.0
"""When to ask again for an inbox that is away: being restarted, or switched off for a while."""

_SESSION_ENDED: Final = "the session has ended: ask for a new one at /web/v1/{inbox}/sessions"


class InboxAwayError(UnavailableError):
    """The session is in order, but its inbox is not there: the widget keeps it and tries again."""

    def __init__(self) -> None:
        super().__init__("this chat is switched off", AWAY_RETRY_S)


class RefusedError(ChannelError):
    """A request that is well-formed but not allowed or not possible.

    Args:
        status: the HTTP status.
        code: what the widget acts on.
        detail: names the remedy.
    """

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def answering(action: Handler) -> Handler:
    """The action with its errors told as RFC 9457 problems, readable by the asking page.

    Reading is granted to every origin, since nothing here rests on cookies: an action checks
    the origin itself where it matters, and its refusal should reach the site's developer.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            response = await action(request)
        except ChannelError as error:
            response = _compose_problem(error)
        origin = request.headers.get("Origin")
        if origin is not None:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
        response.headers["Vary"] = "Origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return answer


async def answer_preflight(request: web.Request) -> web.Response:
    """Answers a browser's question before a request from another site (Fetch §3.2.2).

    It grants nothing: the request itself needs a token, and its origin is checked then.
    """
    return web.Response(
        status=HTTPStatus.NO_CONTENT,
        headers={
            "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            "Vary": "Origin",
        },
    )


def get_inbox(directory: Directory, inbox_id: str) -> WebChat:
    """The enabled inbox with that id.

    Raises:
        RefusedError: there is none.
    """
    channel = directory.find(inbox_id)
    if not isinstance(channel, WebChat):
        raise RefusedError(
            HTTPStatus.NOT_FOUND,
            "unknown_inbox",
            "no web chat inbox has this id, or it is switched off: check data-inbox",
        )
    return channel


def check_origin(request: web.Request, channel: WebChat) -> None:
    """Lets only pages of allowed sites on.

    Raises:
        RefusedError: the page's site is not allowed.
    """
    origin = request.headers.get("Origin")
    if not channel.admits_origin(origin, request.host):
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            "origin_refused",
            f"{str(origin)[:200]} may not carry this widget: add it to the inbox's allowed sites",
        )


def authenticate(request: web.Request, directory: Directory) -> tuple[WebChat, Visitor]:
    """The inbox and the visitor of a request with `Authorization: Bearer` (RFC 6750).

    Raises:
        SignatureError: no session token, or one that has ended.
        InboxAwayError: the inbox of the token is not there at present.
        RefusedError: the page's site is not allowed.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise SignatureError("send the session token as Authorization: Bearer")
    channel, visitor = resolve_visitor(directory, token.strip())
    check_origin(request, channel)
    return channel, visitor


def resolve_visitor(directory: Directory, token: str) -> tuple[WebChat, Visitor]:
    """The inbox and the visitor of a session token.

    Raises:
        SignatureError: forged or expired, or the inbox asks for identified visitors by now.
        InboxAwayError: the inbox of the token is not there at present.
    """
    context = get_default(directory).context
    visitor = read_visitor(context.signer, token, context.now())
    channel = directory.find(visitor.inbox_id)
    if not isinstance(channel, WebChat):
        raise InboxAwayError
    if channel.inbox.settings.identity_required and not visitor.verified:
        raise SignatureError(_SESSION_ENDED)
    return channel, visitor


def get_default(directory: Directory) -> WebChat:
    """The oldest enabled inbox, whose signer is the installation's.

    Raises:
        InboxAwayError: there is none at present.
    """
    channel = directory.default()
    if not isinstance(channel, WebChat):
        raise InboxAwayError
    return channel


async def read_object(request: web.Request) -> Mapping[str, Any]:
    """The JSON object in a request's body.

    Raises:
        MalformedPayloadError: the body is too large or not a JSON object.
    """
    return parse_object(await read_body(request, MAX_FRAME_BYTES))


def reply(body: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """A JSON answer that no cache keeps."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _compose_problem(error: ChannelError) -> web.Response:
    if isinstance(error, RefusedError):
        return problem(error.status, error.code, error.detail)
    if isinstance(error, FrameError):
        return problem(HTTPStatus.BAD_REQUEST, error.code, error.message, field=error.field)
    return refusal(error)
