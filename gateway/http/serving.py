"""From a declared endpoint to a route: check, call, answer; and what surrounds every answer."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from gateway.http.auth import check_csrf, find_signed_in, require_password_changed
from gateway.http.bodies import parse_body, parse_query, read_bytes
from gateway.http.call import Call, Desk, json_response
from gateway.http.problems import ProblemError, explain, respond
from gateway.http.registry import Endpoint
from gateway.ports.clock import NewId

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
REQUEST_ID = "X-Request-Id"
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def make_routes(endpoints: Sequence[Endpoint], desk: Desk) -> list[web.RouteDef]:
    """The endpoints as routes."""
    return [web.route(e.method, e.path, _route(e, desk)) for e in endpoints]


def _route(endpoint: Endpoint, desk: Desk) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        call = await _admit(endpoint, desk, request)
        if endpoint.query is not None:
            call.parsed_query = parse_query(request, endpoint.query)
        if endpoint.body is not None:
            call.raw_body = await read_bytes(request, endpoint.limit)
            call.parsed_body = parse_body(request, call.raw_body, endpoint.body)
        answer = await endpoint.handler(call)
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=204)
        return json_response(answer, status=endpoint.status)

    return handle


async def _admit(endpoint: Endpoint, desk: Desk, request: web.Request) -> Call:
    """The call of a request that may go on.

    Raises:
        ProblemError: nobody is signed in, the CSRF token is wrong, or a one-time password was
            not replaced yet.
    """
    call = Call(request=request, desk=desk, now=desk.parts.clock())
    if endpoint.public:
        return call
    found = await find_signed_in(request, desk.parts, call.now)
    if found is None:
        raise ProblemError("not_signed_in", "Sign in first.")
    call.session, call.signed_in = found
    if endpoint.changes:
        check_csrf(request, call.session)
    if not endpoint.free:
        require_password_changed(call.signed_in)
    return call


def surround(new_id: NewId) -> Callable[..., Awaitable[web.StreamResponse]]:
    """The API's middleware: request ids, errors as problems, security headers."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(REQUEST_ID, "")
        request_id = given if _SAFE_ID.fullmatch(given) else new_id()
        try:
            response = await handler(request)
        except Exception as error:  # whatever happens, the answer is a problem
            response = _tell(error, request, request_id)
        if not response.prepared:
            _dress(response, request_id)
        return response

    return middleware


def _tell(error: Exception, request: web.Request, request_id: str) -> web.Response:
    problem = explain(error)
    if problem is None:
        log.error(
            "request %s failed: %s %s",
            request_id,
            request.method,
            request.match_info.route.resource.canonical
            if request.match_info.route.resource
            else "?",
            exc_info=error,
            extra={"action": "request_failed"},
        )
        problem = ProblemError(
            "internal", f"Something went wrong; quote {request_id} to your operator."
        )
    elif problem.code == "unavailable":
        log.warning("request %s: %s", request_id, error, extra={"action": "unavailable"})
    return respond(problem, request_id)


def _dress(response: web.StreamResponse, request_id: str) -> None:
    response.headers[REQUEST_ID] = request_id
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", API_POLICY)
