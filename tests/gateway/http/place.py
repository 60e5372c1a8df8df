"""A gateway's HTTP side over a real store, bus and hub, and consoles that speak to it.

Every answer that a console gets is held against what the OpenAPI document promises.
"""

import asyncio
import itertools
import re
import secrets
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from json import loads
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientResponse, ClientSession, ClientWebSocketResponse, CookieJar
from aiohttp.test_utils import TestServer
from playwright.async_api import Page
from prometheus_client import CollectorRegistry

from bot.knowledge import ArticleIndex
from channels.contract import Attachment, InboundMessage, MessageState
from channels.registry import kind_names, load_kind
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.hub import LocalHub
from gateway.domain.conversation import Conversation, hand_off
from gateway.domain.events import ConversationChanged
from gateway.domain.inbox import Inbox, RecogniserKind
from gateway.domain.people import Agent, Availability, Role, Team
from gateway.domain.records import SignInSession, StateUpdate
from gateway.domain.ticket import Severity, TicketKind
from gateway.http.answers import Problem
from gateway.http.app import ENDPOINTS, build_app
from gateway.http.auth import COOKIE
from gateway.http.parts import HttpParts
from gateway.http.registry import Endpoint
from gateway.http.serial import PREFIX
from gateway.ports.store import Store, UnitOfWork
from gateway.services.accepting import Incoming, accept_batch
from gateway.services.intake import IntakeContext
from gateway.services.publishing import Publisher
from gateway.services.signing_in import IDLE_MS, Passwords, hash_token
from gateway.services.tickets import open_ticket
from gateway.store import open_store
from gateway.store.blobs import DirectoryBlobs
from gateway.store.keys import load_keys
from gateway.store.migrations import migrate
from intents.model import Article
from tests.gateway.workbench import Workbench, make_workbench

REFUNDS = Article(
    slug="refunds",
    language="en",
    title="Refunds",
    category="billing",
    body="## How\n\n1. Ask.",
    questions=("How do I get my money back?",),
)

PASSWORD = "sunlit-harbour-7"
START = 1_790_000_000_000

TEAMS = (Team(id="first", name="First line"), Team(id="second", name="Second line"))


def person(name: str, role: Role, *teams: str, **changes: Any) -> Agent:
    agent = Agent(
        id=name,
        email=f"{name}@qingchuan.example",
        name=name.title(),
        role=role,
        active=True,
        language="en",
        availability=Availability.ONLINE,
        must_change_password=False,
        created_at=START,
        team_ids=teams,
    )
    return replace(agent, **changes)


AGENTS = (
    person("ada", Role.ADMINISTRATOR),
    person("lee", Role.LEADER, "first"),
    person("ann", Role.AGENT, "first"),
    person("bob", Role.AGENT, "first"),
    person("cai", Role.AGENT, "second"),
    person("new", Role.AGENT, "first", must_change_password=True),
    person("off", Role.AGENT, "first", active=False),
)


def inbox(inbox_id: str, kind: str, **changes: Any) -> Inbox:
    made = Inbox(
        id=inbox_id,
        kind=kind,
        name=f"The {inbox_id}",
        settings={},
        secrets={},
        language="en",
        team_id="first",
        bot=True,
        enabled=True,
        created_at=START,
    )
    return replace(made, **changes)


INBOXES = (
    inbox("site", "webchat"),
    inbox("shop", "api", secrets={}),
    inbox("desk", "webchat", bot=False),
)


@dataclass(slots=True)
class Place:
    """One process's HTTP side, and what a test does behind its back."""

    parts: HttpParts
    server: TestServer
    time: list[int]
    reloads: list[int]
    workbench: Workbench
    consoles: list["Console"] = field(default_factory=list)
    _counter: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def store(self) -> Store:
        return self.parts.store

    def now(self) -> int:
        return self.parts.clock()

    def pass_time(self, milliseconds: int) -> None:
        self.time[0] += milliseconds

    async def console(self, name: str | None = None) -> "Console":
        """A browser; signed in when a name is given."""
        console = Console(self, ClientSession(cookie_jar=CookieJar(unsafe=True)))
        self.consoles.append(console)
        if name is not None:
            await console.enter(name)
        return console

    async def customer_writes(
        self, text: str, *, handle: str = "visitor", inbox_id: str = "site", **more: Any
    ) -> Conversation:
        """A customer's message, through the real intake."""
        inbound = InboundMessage(
            inbox_id=inbox_id,
            handle=handle,
            external_id=f"{handle}-{next(self._counter)}",
            text=text,
            received_at=self.now(),
            **more,
        )
        context = IntakeContext(
            inboxes={item.id: item for item in INBOXES},
            is_mailbox=lambda kind: self.parts.capabilities_of(kind).mailbox,
            has_letters=lambda kind: self.parts.capabilities_of(kind).letters,
            new_id=self.parts.new_id,
            now=self.now(),
        )
        batch = [Incoming(inbound)]
        ((accepted, _),) = await self.store.write(lambda uow: accept_batch(uow, batch, context))
        self.pass_time(1)
        return accepted.conversation

    async def queued(
        self, text: str = "I want a person", *, team: str | None = "first", handle: str = "visitor"
    ) -> Conversation:
        """A conversation that the bot has handed over."""
        conversation = await self.customer_writes(text, handle=handle)

        def work(uow: UnitOfWork) -> Conversation:
            current = uow.conversations.get(conversation.id, lock=True)
            ticket = open_ticket(
                uow,
                current,
                kind=TicketKind.CONSULTATION,
                severity=Severity.GENERAL,
                subject=text,
                summary=text,
                reason="wish",
                team_id=team,
                now=self.now(),
                new_id=self.parts.new_id,
            )
            handed = hand_off(current, ticket_id=ticket.id, team_id=team)
            uow.conversations.update([handed])
            uow.emit(ConversationChanged(conversation=handed))
            return handed

        return await self.store.write(work)

    async def fail(self, message_id: str, reason: str) -> None:
        """A message could not be delivered."""
        update = StateUpdate(
            message_id=message_id, state=MessageState.FAILED, at=self.now(), failure=reason
        )
        await self.store.write(lambda uow: uow.messages.set_states([update]))

    async def conversation(self, conversation_id: str) -> Conversation:
        return await self.store.read(lambda uow: uow.conversations.get(conversation_id))

    async def actions(self) -> list[str]:
        """What the audit says, newest first."""
        rows = await self.store.read(lambda uow: uow.audit.page(before=None, limit=50))
        return [entry.action for _, entry in rows]

    async def store_file(self, content: bytes, mime: str, name: str) -> Attachment:
        blob = await self.parts.blobs.put(content)
        return Attachment(blob=blob, name=name, mime=mime, size=len(content))


_PATTERNS = [
    (endpoint, re.compile(re.sub(r"\{\w+\}", "[^/]+", endpoint.path) + "$"))
    for endpoint in ENDPOINTS
]
# What the edge may say wherever the request is wrong in itself.
_ANYWHERE = {"not_found", "method_not_allowed", "bad_request"}


def endpoint_of(method: str, path: str) -> Endpoint | None:
    plain = path.partition("?")[0]
    found = [e for e, pattern in _PATTERNS if e.method == method and pattern.match(plain)]
    exact = [e for e in found if e.path == plain]
    return next(iter([*exact, *found]), None)


@dataclass(slots=True, frozen=True)
class Answer:
    """A response that kept its promises."""

    status: int
    headers: Any
    body: bytes
    json: Any

    @property
    def code(self) -> str:
        return str(self.json["code"])


class Console:
    """A browser with its cookies and CSRF token."""

    def __init__(self, place: Place, session: ClientSession) -> None:
        self.place = place
        self.session = session
        self.csrf: str | None = None

    async def enter(self, name: str) -> None:
        """A session without the tens of milliseconds that checking a password takes."""
        now, token = self.place.now(), secrets.token_urlsafe(8)
        session = SignInSession(
            token_hash=hash_token(token),
            agent_id=name,
            csrf=secrets.token_urlsafe(8),
            created_at=now,
            seen_at=now,
            expires_at=now + IDLE_MS,
            address="127.0.0.1",
            browser="",
        )
        await self.place.store.write(lambda uow: uow.agents.add_session(session))
        self.session.cookie_jar.update_cookies({COOKIE: token}, self.place.server.make_url("/"))
        self.csrf = session.csrf

    async def sign_in(self, name: str, password: str = PASSWORD) -> Answer:
        body = {"email": f"{name}@qingchuan.example", "password": password}
        answer = await self.post("/sign-in", body)
        if answer.status == 200:
            self.csrf = answer.json["csrf"]
        return answer

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.ask("POST", path, json={} if body is None else body, **options)

    async def patch(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.ask("PATCH", path, json=body, **options)

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        if self.csrf and method != "GET":
            headers.setdefault("X-CSRF-Token", self.csrf)
        url = self.place.server.make_url("/")
        async with self.session.request(
            method, f"{url}{PREFIX[1:]}{path}", headers=headers, **options
        ) as response:
            return _held_to_promise(method, path, response, await response.read())

    async def events(self, **headers: str) -> "Events":
        host = self.place.server.make_url("/")
        origin = {"Origin": f"http://{host.host}:{host.port}", **headers}
        socket = await self.session.ws_connect(f"{host}api/v1/events", headers=origin)
        return Events(socket)

    async def close(self) -> None:
        await self.session.close()


def _held_to_promise(method: str, path: str, response: ClientResponse, body: bytes) -> Answer:
    is_json = "json" in response.content_type
    json: Any = loads(body) if is_json and body else None
    endpoint = endpoint_of(method, path)
    if response.status >= 400:
        Problem.model_validate(json)
        assert response.content_type == "application/problem+json"
        assert json["status"] == response.status
        if endpoint is not None:
            assert json["code"] in {*endpoint.codes(), *_ANYWHERE}, json
    elif endpoint is not None:
        assert response.status == endpoint.status, body
        if endpoint.answer is not None:
            endpoint.answer.model_validate(json)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Request-Id"]
    return Answer(response.status, response.headers, body, json)


class Events:
    """An open event socket."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self, kind: str, *, seconds: float = 3.0) -> dict[str, Any]:
        """The next frame of that type; others are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                frame: dict[str, Any] = await self.socket.receive_json()
                if frame["type"] == kind:
                    return frame

    async def rest(self, *, seconds: float = 0.25) -> list[dict[str, Any]]:
        """Every frame that comes within a while."""
        frames: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    frames.append(await self.socket.receive_json())
        except TimeoutError:
            return frames

    async def say(self, **frame: Any) -> None:
        await self.socket.send_json(frame)

    async def end(self) -> int | None:
        """Waits until the server closes it; the close code."""
        async with asyncio.timeout(3):
            while not self.socket.closed:
                await self.socket.receive()
        return self.socket.close_code

    async def __aenter__(self) -> Self:
        await self.next("hello")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()


def migrated_template(folder: Path) -> Path:
    """An empty database of the present schema, to be copied."""
    path = folder / "template.db"
    migrate(f"sqlite:///{path}")
    return path


async def plant(store: Store, password_hash: str) -> None:
    def work(uow: UnitOfWork) -> None:
        for team in TEAMS:
            uow.agents.add_team(team)
        for agent in AGENTS:
            uow.agents.add(agent, password_hash)
        for item in INBOXES:
            uow.inboxes.add(item)

    await store.write(work)


def make_parts(
    folder: Path,
    url: str,
    passwords: Passwords,
    time: list[int],
    *,
    hub: LocalHub | None = None,
    **changes: Any,
) -> HttpParts:
    """Real parts over a database; the clock is the test's."""
    keys = load_keys(folder / "key")
    store = open_store(url, secrets=keys.box)
    hub = hub or LocalHub()
    store.listen(Publisher(hub).publish)
    counter = itertools.count(1)

    def clock() -> int:
        return time[0]

    bus = EmbeddedBus(store, clock=clock)

    async def fine() -> None:
        return None

    parts: dict[str, Any] = {
        "store": store,
        "bench": make_workbench(store, folder, None, clock).bench,
        "wake_jobs": lambda: None,
        "bus": bus,
        "hub": hub,
        "blobs": DirectoryBlobs(folder / "blobs"),
        "signer": keys.signer,
        "passwords": passwords,
        "clock": clock,
        "new_id": lambda: f"{next(counter):032x}",
        "channel_routes": (),
        "kinds": kind_names(),
        "load_kind": load_kind,
        "recognisers": {RecogniserKind.BUILT_IN},
        "reload_inboxes": fine,
        "find_channel": lambda _: None,
        "article_title": lambda slug, _: {"refunds": "Refunds"}.get(slug),
        "articles": ArticleIndex([REFUNDS]),
        "catalogue_version": lambda: "v1",
        "checks": {"database": store.check, "bus": bus.check},
        "is_draining": lambda: False,
        "registry": CollectorRegistry(),
        "console": folder / "console",
        "version": "9.9.9",
        "roles": ("http", "worker"),
    }
    return HttpParts(**{**parts, **changes})


def copy_database(template: Path, folder: Path) -> str:
    target = folder / "test.db"
    shutil.copy(template, target)
    return f"sqlite:///{target}"


async def open_place(
    parts: HttpParts, time: list[int], reloads: list[int], folder: Path, models: Path | None
) -> Place:
    workbench = make_workbench(parts.store, folder, models, parts.clock)
    parts = replace(parts, bench=workbench.bench)
    server = TestServer(build_app(parts))
    await server.start_server()
    return Place(parts=parts, server=server, time=time, reloads=reloads, workbench=workbench)


async def close_place(place: Place) -> None:
    for console in place.consoles:
        await console.close()
    await place.server.close()
    await place.parts.bus.close()
    await place.parts.store.close()


Opener = Callable[..., Awaitable[Place]]
OpenConsole = Callable[..., Awaitable[Page]]
