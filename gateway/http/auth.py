"""Sessions on the wire: the cookie, the CSRF token, and who may go on."""

from __future__ import annotations

import hmac

from aiohttp import web

from gateway.domain.people import Agent
from gateway.domain.records import SignInSession
from gateway.http.parts import HttpParts
from gateway.http.problems import ProblemError
from gateway.services.signing_in import LONGEST_MS, find_session, hash_token, is_touch_due, touch

COOKIE = "yingda_session"
CSRF_HEADER = "X-CSRF-Token"


def token_hash_of(request: web.Request) -> str | None:
    """The hash of the session token that the request carries."""
    token = request.cookies.get(COOKIE, "")
    # Ours are ASCII; headers may carry bytes that are no text at all.
    return hash_token(token) if token.isascii() and 0 < len(token) <= 200 else None


async def find_signed_in(
    request: web.Request, parts: HttpParts, now: int
) -> tuple[SignInSession, Agent] | None:
    """The session of a request and its agent, and a note that it is in use."""
    token_hash = token_hash_of(request)
    if token_hash is None:
        return None
    found = await parts.store.read(lambda uow: find_session(uow, token_hash, now=now))
    if found is not None and is_touch_due(found[0], now):
        session = found[0]
        await parts.store.write(lambda uow: touch(uow, session, now=now))
    return found


def require_password_changed(agent: Agent) -> None:
    """Lets the agent pass unless a one-time password was not replaced yet.

    Raises:
        ProblemError: it was not.
    """
    if agent.must_change_password:
        raise ProblemError(
            "password_change_required", "Choose a password of your own first (POST /me/password)."
        )


def check_csrf(request: web.Request, session: SignInSession) -> None:
    """Lets a change pass that a page of ours has made.

    Raises:
        ProblemError: the token is missing or wrong.
    """
    given = request.headers.get(CSRF_HEADER, "").encode("utf-8", "surrogateescape")
    if not hmac.compare_digest(given, session.csrf.encode()):
        raise ProblemError(
            "csrf", f"Send the csrf value of GET /me in the {CSRF_HEADER} header with each change."
        )


def set_cookie(response: web.Response, request: web.Request, parts: HttpParts, token: str) -> None:
    """Gives the browser its session."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=LONGEST_MS // 1000,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=_is_https(request, parts),
    )


def clear_cookie(response: web.Response, request: web.Request, parts: HttpParts) -> None:
    """Takes the browser's session away."""
    response.del_cookie(
        COOKIE, path="/", httponly=True, samesite="Lax", secure=_is_https(request, parts)
    )


def _is_https(request: web.Request, parts: HttpParts) -> bool:
    return request.scheme == "https" or parts.public_url.startswith("https://")
