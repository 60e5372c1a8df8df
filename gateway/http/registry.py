"""The API's routes: one declaration each, from which requests are checked and documented."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.domain.people import Right
from gateway.http.answers import Problem
from gateway.http.problems import STATUS, WITH_RETRY_AFTER
from gateway.http.serial import PREFIX

if TYPE_CHECKING:
    from gateway.http.call import Call

Answer = dict[str, Any] | web.StreamResponse | None
Handler = Callable[["Call"], Awaitable[Answer]]
_PARAMETER = re.compile(r"\{(\w+)\}")
_RETRY_AFTER = {
    "description": "Seconds after which to try again, where the code is one that passes.",
    "schema": {"type": "integer", "minimum": 1},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    `body` and `query` validate the request; `answer` documents what comes back (None: nothing,
    or bytes where `binary` is set). `right` is what the agent needs; the services check it.
    `errors` are codes beyond those that every endpoint of its sort may give. `creates` takes an
    idempotency key. `public` needs no session; `free` works while the password must be changed;
    `raw` takes bytes instead of JSON. `limit` is the longest JSON body in bytes.
    """

    method: str
    path: str
    handler: Handler
    tag: str
    summary: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    right: Right | None = None
    errors: Sequence[str] = ()
    creates: bool = False
    public: bool = False
    free: bool = False
    raw: bool = False
    binary: bool = False
    limit: int = 1_000_000

    @property
    def changes(self) -> bool:
        """Whether it needs the CSRF token."""
        return self.method != "GET"

    @property
    def parameters(self) -> list[str]:
        """Names in its path."""
        return _PARAMETER.findall(self.path)

    def codes(self) -> list[str]:
        """Every error code it may give, as documented."""
        found = {"unavailable", *self.errors}
        if not self.public:
            found |= {"not_signed_in", "password_change_required"}
            found -= {"password_change_required"} if self.free else set()
        if self.changes and not self.public:
            found.add("csrf")
        if self.body is not None:
            found |= {"bad_json", "too_large", "too_slow", "unsupported_type", "invalid_input"}
        if self.query is not None:
            found.add("invalid_input")
        if self.right is not None:
            found.add("not_allowed")
        if self.parameters:
            found.add("not_found")
        if self.creates:
            found |= {"conflict", "in_progress"}
        return sorted(found)


def describe(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the endpoints."""
    listed = list(endpoints)
    schemas = _schemas(listed)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in listed:
        operation = _operation(endpoint)
        paths.setdefault(PREFIX + endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Yingda",
            "version": version,
            "description": "The one API that the console and integrators use. Sign in with "
            "`POST /sign-in`; send the `csrf` of `GET /me` as `X-CSRF-Token` with each change. "
            "Errors are RFC 9457 problems with a stable `code`.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "yingda_session"}
            },
        },
        "security": [{"session": []}],
    }


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    inputs = {e.body for e in endpoints if e.body} | {e.query for e in endpoints if e.query}
    outputs = {e.answer for e in endpoints if e.answer} | {Problem}
    _, definitions = models_json_schema(
        [
            *((model, "validation") for model in sorted(inputs, key=lambda m: m.__name__)),
            *((model, "serialization") for model in sorted(outputs, key=lambda m: m.__name__)),
        ],
        by_alias=True,
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = definitions["$defs"]
    for query in {e.query.__name__ for e in endpoints if e.query}:
        del schemas[query]
    return schemas


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": _responses(endpoint),
    }
    if endpoint.creates:
        operation["parameters"].append(_header("Idempotency-Key", required=False, limit=200))
    if endpoint.changes and not endpoint.public:
        operation["parameters"].append(_header("X-CSRF-Token", required=True, limit=100))
    if endpoint.right is not None:
        operation["description"] = f"Needs the right `{endpoint.right.value}`."
    if endpoint.public:
        operation["security"] = []
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": _reference(endpoint.body)},
        }
    elif endpoint.raw:
        operation["requestBody"] = {"required": True, "content": {"*/*": {}}}
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in endpoint.parameters
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema(ref_template="#/components/schemas/{model}")
    needed = schema.get("required", [])
    defined = schema.get("$defs", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": name in needed,
            "schema": _resolve(part, defined),
        }
        for name, part in schema["properties"].items()
    ]


def _resolve(part: Any, defined: dict[str, Any]) -> Any:
    """The schema with what it refers to written out, and null left away: queries know none."""
    if isinstance(part, list):
        return [_resolve(item, defined) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        part = {**defined[name], **{k: v for k, v in part.items() if k != "$ref"}}
    options = [o for o in part.get("anyOf", []) if o != {"type": "null"}]
    if len(options) == 1:
        rest = {k: v for k, v in part.items() if k not in {"anyOf", "default"}}
        return _resolve({**options[0], **rest}, defined)
    return {key: _resolve(value, defined) for key, value in part.items()}


def _header(name: str, *, required: bool, limit: int) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": limit}
    return {"name": name, "in": "header", "required": required, "schema": schema}


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if endpoint.answer is not None:
        success["content"] = {"application/json": _reference(endpoint.answer)}
    elif endpoint.binary:
        success["content"] = {"application/octet-stream": {}}
    responses: dict[str, Any] = {str(endpoint.status): success}
    by_status: dict[int, list[str]] = {}
    for code in endpoint.codes():
        by_status.setdefault(STATUS[code][0], []).append(code)
    for status, codes in sorted(by_status.items()):
        response: dict[str, Any] = {
            "description": ", ".join(f"{STATUS[code][1]} (`{code}`)" for code in codes),
            "content": {"application/problem+json": _reference(Problem)},
        }
        if WITH_RETRY_AFTER.intersection(codes):
            response["headers"] = {"Retry-After": _RETRY_AFTER}
        responses[str(status)] = response
    return responses
