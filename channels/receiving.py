"""The way in over HTTP, as every webhook needs it: capped bodies, tamed JSON, clear refusals.

Route handlers of adapters are wrapped in `guarded`, read with `read_body`, and take single
values with the `take_…` functions, which name the field and the remedy when one is wrong.
"""

from __future__ import annotations

import asyncio
import functools
import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from channels.contract import Handler
from channels.errors import (
    ChannelError,
    MalformedPayloadError,
    OversizePayloadError,
    RateLimitedError,
    SignatureError,
    SinkFullError,
    UnavailableError,
    UnsupportedEventError,
)

BODY_SECONDS: Final = 30
"""Time that a sender has for a whole body."""

TEXT_LIMIT: Final = 10_000
"""Longest text of one message, in characters."""

IDENTIFIER_LIMIT: Final = 255

_LINE_BREAKS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Control, bidirectional, zero-width, blank and tag characters; joiners stay, emoji need them.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e0fff\ud800-\udfff]"
)
_OUTER: Final = (
    " \t\n\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + ("\u200c\u200d\u202f\u205f\u3000")
)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_EMAIL: Final = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,253}\.[^\s@<>.]{2,63}")


def guarded(handler: Handler) -> Handler:
    """The handler with every `ChannelError` turned into its answer (see `refusal`)."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ChannelError as error:
            return refusal(error)

    return answer


def refusal(error: ChannelError) -> web.Response:
    """The HTTP answer that an error stands for.

    Raises:
        ChannelError: the same error, when it is not one that a sender can cause.
    """
    match error:
        case OversizePayloadError():
            # Closed, or the rest of the body would have to be read to find the next request.
            return problem(413, "too_large", error.message, headers={"Connection": "close"})
        case SignatureError():
            return problem(401, "bad_signature", str(error))
        case MalformedPayloadError():
            return problem(400, "malformed", error.message, field=error.field)
        case UnsupportedEventError():
            return web.json_response({"accepted": False, "reason": str(error)})
        case RateLimitedError():
            return problem(429, "rate", str(error), headers=_retry_after(error.retry_after))
        case SinkFullError():
            return problem(503, "busy", str(error), headers=_retry_after(error.retry_after))
        case UnavailableError():
            return problem(503, "unavailable", str(error), headers=_retry_after(error.retry_after))
        case _:
            raise error


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An error answer as RFC 9457 has it; `code` is stable and meant for programs."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if field is not None:
        body["errors"] = [{"pointer": field, "detail": detail}]
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/problem+json",
        headers=headers,
    )


def unknown_inbox() -> web.Response:
    """The answer when the address names no enabled inbox of the kind."""
    return problem(404, "unknown_inbox", "no enabled inbox has this address; check the inbox id")


async def read_body(request: web.Request, limit: int) -> bytes:
    """The whole body, unpacked; stops reading as soon as it exceeds the limit.

    Raises:
        OversizePayloadError: more than `limit` bytes.
        MalformedPayloadError: the body did not come within `BODY_SECONDS`.
    """
    length = request.content_length
    if length is not None and length > limit:
        raise OversizePayloadError(limit)
    content = request.content
    if content.is_eof():
        body = content.read_nowait()
        if len(body) > limit:
            raise OversizePayloadError(limit)
        return body
    return await _read_slowly(request, limit)


async def _read_slowly(request: web.Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    raise OversizePayloadError(limit)
                chunks.append(chunk)
    except TimeoutError as error:
        raise MalformedPayloadError(
            f"the body did not arrive within {BODY_SECONDS} s; send it again"
        ) from error
    return b"".join(chunks)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        MalformedPayloadError: not UTF-8, not JSON, nested too deep, or no object.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedPayloadError(f"the body is not valid JSON ({error}); send an object") from (
            error
        )
    if not isinstance(value, dict):
        raise MalformedPayloadError('the body must be a JSON object: {"sender": …}')
    return value


def clean_text(text: str) -> str:
    """The text without characters that hide or reorder what is read; line breaks as line feeds."""
    text = _LINE_BREAKS.sub("\n", text) if not text.isprintable() else text
    return _INVISIBLE.sub("", text).strip(_OUTER)


def take_text(fields: Mapping[str, Any], name: str, *, limit: int = TEXT_LIMIT) -> str:
    """A text of the customer, cleaned; "" when it is absent or null.

    Raises:
        MalformedPayloadError: not a string, or longer than `limit` characters.
    """
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(name, "must be a string")
    if len(value) > limit:
        raise _wrong(name, f"must have at most {limit:,} characters; shorten it")
    return clean_text(value)


def take_line(fields: Mapping[str, Any], name: str, *, limit: int) -> str:
    """Like `take_text`, on one line."""
    return " ".join(take_text(fields, name, limit=limit).split())


def take_identifier(
    fields: Mapping[str, Any], name: str, *, limit: int = IDENTIFIER_LIMIT
) -> str | None:
    """An id that the sender chose, exactly as it came; None when it is absent or null.

    It is refused rather than cleaned: cleaning would let two ids become one.

    Raises:
        MalformedPayloadError: not a string, blank, too long, or with invisible characters.
    """
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > limit:
        raise _wrong(name, f"must be a string of 1 to {limit} characters")
    if "\n" in value or "\t" in value or _INVISIBLE.search(value) or _LINE_BREAKS.search(value):
        raise _wrong(name, "may hold no control or invisible characters")
    return value


def take_language(fields: Mapping[str, Any], name: str = "language") -> str:
    """A language tag such as `zh-Hans` (BCP 47); "" when absent.

    Raises:
        MalformedPayloadError: no such tag.
    """
    value = take_line(fields, name, limit=35)
    if value and not _LANGUAGE.fullmatch(value):
        raise _wrong(name, "must be a language tag such as zh-Hans, zh-Hant or en")
    return value


def take_email(fields: Mapping[str, Any], name: str = "email") -> str:
    """An e-mail address; "" when absent.

    Raises:
        MalformedPayloadError: not in the form name@host.
    """
    value = take_line(fields, name, limit=254)
    if value and not _EMAIL.fullmatch(value):
        raise _wrong(name, "must be an e-mail address such as li.wei@example.com")
    return value


def _wrong(name: str, remedy: str) -> MalformedPayloadError:
    return MalformedPayloadError(f"{name}: {remedy}", field=f"/{name}")
