"""Errors as RFC 9457 problems: one table from code to status, one place that writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from gateway.domain.errors import GatewayError, InvalidInputError, RateLimitedError
from gateway.ports.bus import BusFullError, BusUnavailableError
from gateway.ports.store import StoreUnavailableError

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 5

STATUS: Mapping[str, tuple[int, str]] = {
    "not_found": (404, "Not found"),
    "not_allowed": (403, "Not allowed"),
    "not_signed_in": (401, "Not signed in"),
    "conflict": (409, "Conflict"),
    "already_claimed": (409, "Already claimed"),
    "in_progress": (409, "Still in progress"),
    "invalid_input": (422, "Invalid input"),
    "rate_limited": (429, "Too many requests"),
    "unavailable": (503, "Unavailable"),
    "bad_json": (400, "Not JSON"),
    "invalid_cursor": (400, "Invalid cursor"),
    "bad_request": (400, "Bad request"),
    "too_slow": (408, "Too slow"),
    "too_large": (413, "Too large"),
    "unsupported_type": (415, "Unsupported content type"),
    "method_not_allowed": (405, "Method not allowed"),
    "csrf": (403, "Missing or wrong CSRF token"),
    "password_change_required": (403, "Password change required"),
    "internal": (500, "Internal error"),
}
WITH_RETRY_AFTER = frozenset({"in_progress", "rate_limited", "unavailable"})
"""Codes whose answers say in `Retry-After` after how many seconds to ask again."""
_BY_STATUS: Mapping[int, str] = {
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    400: "bad_request",
}


@dataclass(slots=True, eq=False)
class ProblemError(Exception):
    """A request that is refused at the edge.

    `errors` are pairs of JSON pointer and detail; `words` is the first one's detail by language.
    """

    code: str
    detail: str
    errors: Sequence[tuple[str, str]] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


def explain(error: Exception) -> ProblemError | None:
    """The problem that tells the error; None when it is nobody's business."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, GatewayError):
        return _of_service(error)
    if isinstance(error, ValidationError):
        return _of_validation(error)
    if isinstance(error, StoreUnavailableError | BusUnavailableError):
        return _unavailable(RETRY_SECONDS)
    if isinstance(error, BusFullError):
        return _unavailable(error.retry_after)
    if isinstance(error, web.HTTPException) and error.status in _BY_STATUS:
        return _of_http(error)
    return None


def _unavailable(seconds: float) -> ProblemError:
    return ProblemError(
        "unavailable",
        "The server cannot do this at present; nothing was changed. Try again in a few seconds.",
        headers={"Retry-After": str(max(1, math.ceil(seconds)))},
    )


def _of_service(error: GatewayError) -> ProblemError:
    headers = {}
    if isinstance(error, RateLimitedError):
        headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    elif error.code.value == "unavailable":
        headers = {"Retry-After": str(RETRY_SECONDS)}
    errors = [(error.field, error.detail)] if error.field else []
    words = error.words if isinstance(error, InvalidInputError) else {}
    return ProblemError(error.code.value, error.detail, errors, error.extra, headers, words)


def _of_validation(error: ValidationError) -> ProblemError:
    errors = [
        (pointer(item["loc"]), _words(str(item["msg"])))
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    first, detail = errors[0]
    return ProblemError("invalid_input", f"{first or 'The body'}: {detail}", errors[:50])


def _words(message: str) -> str:
    """The library's message, without the prefix that names its exception."""
    return message.removeprefix("Value error, ")


def pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join(
        "/" + str(part).replace("~", "~0").replace("/", "~1")[:60] for part in path[:10]
    )


def _of_http(error: web.HTTPException) -> ProblemError:
    code = _BY_STATUS[error.status]
    details = {
        "not_found": "There is nothing at this address.",
        "method_not_allowed": "This address does not take that method.",
        "too_large": "The body is too large.",
        "bad_request": "The request cannot be understood.",
    }
    allow = error.headers.get("Allow")
    return ProblemError(code, details[code], headers={"Allow": allow} if allow else {})


def respond(problem: ProblemError, request_id: str) -> web.Response:
    """The problem as a response (RFC 9457 §3)."""
    status, title = STATUS[problem.code]
    body: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": title,
        "status": status,
        "detail": problem.detail,
        "code": problem.code,
        "instance": f"/requests/{request_id}",
        **problem.extra,
    }
    if problem.errors:
        body["errors"] = [{"pointer": at, "detail": what} for at, what in problem.errors]
        if problem.words:
            body["errors"][0]["words"] = dict(problem.words)
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type=CONTENT_TYPE,
        headers=problem.headers,
    )
