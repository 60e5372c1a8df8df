"""Reads bodies and queries: bounded, in the declared type, and only then as values."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.http.problems import ProblemError

UPLOAD_LIMIT = 25_000_000
BODY_SECONDS = 30.0
UPLOAD_SECONDS = 600.0
DEPTH_LIMIT = 32


async def read_bytes(request: web.Request, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """The body.

    Args:
        request: whose body.
        limit: the most bytes it may have.
        seconds: within which it must be there.

    Raises:
        ProblemError: it is longer than the limit, where reading stops, or it comes too slowly.
    """
    refusal = ProblemError("too_large", f"The body may have at most {limit:,} bytes.")
    if request.content_length is not None and request.content_length > limit:
        raise refusal
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    raise refusal
                chunks.append(chunk)
    except TimeoutError as error:
        raise ProblemError(
            "too_slow", f"The body did not come within {seconds:.0f} seconds; send it again."
        ) from error
    return b"".join(chunks)


def parse_body(request: web.Request, content: bytes, model: type[BaseModel]) -> BaseModel:
    """The body as the endpoint declares it; an empty one counts as an empty object.

    Raises:
        ProblemError: another content type, not JSON in UTF-8, or nested too deep.
        ValidationError: a field is wrong, missing or unknown.
    """
    if not content:
        return model.model_validate_json(b"{}")
    if request.content_type != "application/json":
        raise ProblemError("unsupported_type", "Send the body as Content-Type: application/json.")
    _check_json(content)
    return model.model_validate_json(content)


def _check_json(content: bytes) -> None:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ProblemError("bad_json", f"The body is not JSON in UTF-8: {error}.") from error
    level: list[Any] = [value]
    for _ in range(DEPTH_LIMIT + 1):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise ProblemError("bad_json", f"The JSON is nested deeper than {DEPTH_LIMIT} levels.")


def parse_query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    """The query as the endpoint declares it.

    Raises:
        ProblemError: a value is wrong, missing or unknown.
    """
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        details = [
            (str(item["loc"][0])[:60], str(item["msg"]))
            for item in error.errors(include_url=False, include_context=False)
        ]
        name, what = details[0]
        raise ProblemError("invalid_input", f"{name}: {what}", details) from error
