"""One request on its way to a handler: its agent, its checked body, its answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel

from gateway.domain.people import Agent
from gateway.domain.records import SignInSession, StoredAnswer
from gateway.http.console_feed import ConsoleFeed
from gateway.http.limiting import AttemptLimiter, SignInLimiter
from gateway.http.parts import HttpParts
from gateway.http.problems import ProblemError
from gateway.http.serial import Json
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.presence import Presence

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Creation = Callable[[UnitOfWork], Json]
KEY_LIMIT = 200
REPEAT_SECONDS = 1


class Desk:
    """What the handlers share: the parts, who is present, and requests that are running."""

    def __init__(self, parts: HttpParts) -> None:
        self.parts = parts
        self.limiter = AttemptLimiter(limit=10, window=5 * 60_000)
        self.sign_ins = SignInLimiter()
        self.presence = Presence(parts.hub, parts.clock)
        self.feed = ConsoleFeed(parts, self.presence)
        self.running: set[str] = set()
        self._jobs: set[asyncio.Task[Any]] = set()

    def spawn(self, job: Coroutine[Any, Any, Any]) -> None:
        """Runs a job that outlives its request."""
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def finish(self) -> None:
        """Waits for jobs that are under way; the server stops."""
        await asyncio.gather(*self._jobs, return_exceptions=True)


@dataclass(slots=True, kw_only=True)
class Call:
    """A request as its handler sees it. `now` in ms since the epoch."""

    request: web.Request
    desk: Desk
    now: int
    session: SignInSession | None = None
    signed_in: Agent | None = None
    parsed_body: BaseModel | None = None
    parsed_query: BaseModel | None = None
    raw_body: bytes = b""

    @property
    def parts(self) -> HttpParts:
        """What the composition root gave."""
        return self.desk.parts

    @property
    def new_id(self) -> NewId:
        """Gives ids."""
        return self.desk.parts.new_id

    @property
    def agent(self) -> Agent:
        """Who asks; only on endpoints that need a session."""
        if self.signed_in is None:
            raise ProblemError("not_signed_in", "Sign in first.")
        return self.signed_in

    def path(self, name: str) -> str:
        """A part of the path; longer than any id there is when it is none."""
        return self.request.match_info[name][:65]

    def body(self, model: type[M]) -> M:
        """The body, which the endpoint declares to be of that model."""
        if not isinstance(self.parsed_body, model):
            raise TypeError(f"the endpoint does not declare {model.__name__}")
        return self.parsed_body

    def query(self, model: type[M]) -> M:
        """The query, which the endpoint declares to be of that model."""
        if not isinstance(self.parsed_query, model):
            raise TypeError(f"the endpoint does not declare {model.__name__}")
        return self.parsed_query

    def changes(self) -> dict[str, Any]:
        """The fields of the body that were sent."""
        if self.parsed_body is None:
            raise TypeError("the endpoint declares no body")
        return {
            name: getattr(self.parsed_body, name) for name in self.parsed_body.model_fields_set
        }

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Reads from the store."""
        return await self.parts.store.read(work)

    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        """Writes to the store."""
        return await self.parts.store.write(work)

    async def create(self, work: Creation) -> web.Response:
        """Writes once for each idempotency key and answers 201.

        The answer is stored in the same transaction, so that a repeat gets it word for word
        even when the first answer was lost on its way.

        Raises:
            ProblemError: the key came with another body, or its first request still runs.
        """
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return _created(orjson.dumps(await self.write(work)))
        if not (0 < len(key) <= KEY_LIMIT and key.isascii()):
            raise ProblemError(
                "invalid_input", f"Idempotency-Key: must have 1 to {KEY_LIMIT} ASCII characters."
            )
        scoped = self._scoped(key)
        if scoped in self.desk.running:
            raise ProblemError(
                "in_progress",
                "The first request with this key is still running; repeat it to get its answer.",
                headers={"Retry-After": str(REPEAT_SECONDS)},
            )
        self.desk.running.add(scoped)
        try:
            answer = await self.write(lambda uow: self._once(uow, scoped, work))
        finally:
            self.desk.running.discard(scoped)
        return _created(answer.body)

    def _scoped(self, key: str) -> str:
        parts = (self.agent.id, self.request.method, self.request.path, key)
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()

    def _once(self, uow: UnitOfWork, key: str, work: Creation) -> StoredAnswer:
        fingerprint = hashlib.sha256(self.raw_body).hexdigest()
        found = uow.answers.find(key)
        if found is None:
            body = orjson.dumps(work(uow))
            found = StoredAnswer(
                key=key, fingerprint=fingerprint, status=201, body=body, created_at=self.now
            )
            uow.answers.add(found)
        elif found.fingerprint != fingerprint:
            raise ProblemError(
                "invalid_input", "Idempotency-Key: it was used with another body; take a new key."
            )
        return found


def json_response(body: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """An answer in JSON, never kept by caches."""
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _created(body: bytes) -> web.Response:
    return web.Response(
        status=201,
        body=body,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
