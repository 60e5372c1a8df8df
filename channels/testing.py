"""What the tests of every channel share: the contract suites and small real services.

An adapter's test class inherits `ChannelContractTests`, with routes `WebhookContractTests`, and
with a `send` that reaches a platform `PushContractTests`. The services keep everything in memory
and hold the same promises as the gateway's.
"""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import importlib
import io
import json
import secrets
import time
import typing
import uuid
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import aiohttp
import pytest
from aiohttp import web

from channels.contract import (
    Attachment,
    Channel,
    ChannelContext,
    ChannelKind,
    DeliveryReceipt,
    DeliveryReport,
    Discard,
    InboundMessage,
    InboxConfig,
    MessageKind,
    MessageState,
    OutboundMessage,
    PublicGreeting,
    PublicMessage,
    QuickReply,
    Secret,
)
from channels.errors import (
    PermanentDeliveryError,
    SignatureError,
    SinkFullError,
    TransientDeliveryError,
)
from channels.memory import MemoryLeases, MemoryState, MemoryThreads

INBOX: Final = "inbox-1"
LANGUAGES: Final = frozenset({"en", "zh-Hans", "zh-Hant"})
Address = tuple[str, str]


class MemorySink:
    """Keeps what is delivered; `full` makes it refuse. `on_message` sees each kept message.

    Of what is reported it keeps what `is_ours` knows.
    """

    def __init__(self) -> None:
        self.messages: list[InboundMessage] = []
        self.reports: list[DeliveryReport] = []
        self.discards: dict[str, Discard] = {}
        self.is_ours: Callable[[DeliveryReport], bool] = lambda report: True
        self.full = False
        self.on_message: Callable[[InboundMessage], None] = lambda message: None

    async def deliver(self, message: InboundMessage) -> None:
        """Keeps the message, or refuses it as a full bus does."""
        if self.full:
            raise SinkFullError(retry_after=2.0)
        self.messages.append(message)
        self.on_message(message)

    async def report(self, report: DeliveryReport) -> bool:
        """Keeps the report once, if the message is one of ours."""
        if not self.is_ours(report):
            return False
        if report not in self.reports:
            self.reports.append(report)
        return True

    async def discard(self, discard: Discard) -> None:
        """Keeps the first word on a message."""
        self.discards.setdefault(discard.external_id, discard)


class MemorySubscription:
    """Frames for one handle; a reader who falls behind by `LIMIT` frames loses them."""

    LIMIT: ClassVar[int] = 100

    def __init__(self, close: Callable[[MemorySubscription], None]) -> None:
        self._frames: deque[Mapping[str, Any]] = deque()
        self._ready = asyncio.Event()
        self._close = close

    def push(self, frame: Mapping[str, Any]) -> None:
        """Queues a frame, or replaces a full queue by one `overflow` frame."""
        if len(self._frames) >= self.LIMIT:
            self._frames.clear()
            frame = {"type": "overflow"}
        self._frames.append(frame)
        self._ready.set()

    async def get(self) -> Mapping[str, Any]:
        """The next frame; waits for one."""
        while not self._frames:
            self._ready.clear()
            await self._ready.wait()
        return self._frames.popleft()

    def close(self) -> None:
        """Ends the subscription; closing twice does nothing."""
        self._close(self)


class MemoryMailbox:
    """Messages and frames of all handles. Tests speak as bot or agent with `say`."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._seq = 0
        self._messages: dict[Address, list[PublicMessage]] = defaultdict(list)
        self._readers: dict[Address, list[MemorySubscription]] = defaultdict(list)
        self.typed: list[Address] = []
        self.controllers: dict[Address, tuple[str, str]] = {}

    @property
    def open_subscriptions(self) -> int:
        """Subscriptions that nobody closed."""
        return sum(len(readers) for readers in self._readers.values())

    def say(
        self,
        inbox_id: str,
        handle: str,
        text: str,
        *,
        kind: MessageKind = MessageKind.BOT,
        author: str = "",
        choices: tuple[QuickReply, ...] = (),
        attachments: tuple[Attachment, ...] = (),
        article: str | None = None,
        external_id: str | None = None,
        in_reply_to: str | None = None,
    ) -> PublicMessage:
        """Stores a message and pushes its frame; outgoing ones wait in state `sent`."""
        self._seq += 1
        of_customer = kind is MessageKind.CUSTOMER
        message = PublicMessage(
            id=uuid.uuid4().hex,
            conversation_id=f"conversation-{handle}",
            seq=self._seq,
            kind=kind,
            author=author,
            text=text,
            state=MessageState.DELIVERED if of_customer else MessageState.SENT,
            created_at=self._now(),
            choices=choices,
            attachments=attachments,
            article=article,
            external_id=external_id,
            in_reply_to=in_reply_to,
        )
        self._messages[inbox_id, handle].append(message)
        self.push(inbox_id, handle, {"type": "message", "message": message})
        return message

    def push(self, inbox_id: str, handle: str, frame: Mapping[str, Any]) -> None:
        """Sends a frame to the handle's open subscriptions."""
        for reader in self._readers[inbox_id, handle]:
            reader.push(frame)

    async def controller(self, inbox_id: str, handle: str) -> tuple[str, str]:
        """Who answers now; the bot unless a test says otherwise."""
        return self.controllers.get((inbox_id, handle), ("bot", ""))

    def finish_turn(self, message: InboundMessage) -> None:
        """Pushes the `turn_done` frame of an inbound message."""
        frame = {"type": "turn_done", "external_id": message.external_id}
        self.push(message.inbox_id, message.handle, frame)

    def subscribe(self, inbox_id: str, handle: str) -> MemorySubscription:
        """Frames from now on."""
        readers = self._readers[inbox_id, handle]

        def close(subscription: MemorySubscription) -> None:
            if subscription in readers:
                readers.remove(subscription)

        readers.append(subscription := MemorySubscription(close))
        return subscription

    async def history(
        self, inbox_id: str, handle: str, *, after: int = 0, limit: int = 100
    ) -> Sequence[PublicMessage]:
        """Messages after a seq; with 0 the newest."""
        found = [m for m in self._messages[inbox_id, handle] if m.seq > after]
        return found[:limit] if after else found[-limit:]

    async def undelivered(self, inbox_id: str, handle: str) -> Sequence[PublicMessage]:
        """Outgoing messages in state `sent`."""
        return [m for m in self._messages[inbox_id, handle] if m.state is MessageState.SENT]

    async def mark(
        self,
        inbox_id: str,
        handle: str,
        *,
        up_to: int,
        state: MessageState,
        in_reply_to: str | None = None,
    ) -> None:
        """Moves outgoing messages up to that seq on, never back."""
        order = list(MessageState)
        messages = self._messages[inbox_id, handle]
        changed = []
        for index, message in enumerate(messages):
            outgoing = message.kind is not MessageKind.CUSTOMER
            if (
                outgoing
                and message.seq <= up_to
                and in_reply_to in {None, message.in_reply_to}
                and order.index(message.state) < order.index(state)
            ):
                messages[index] = dataclasses.replace(message, state=state)
                changed.append(message.id)
        if changed:
            self.push(inbox_id, handle, {"type": "state", "ids": changed, "state": state})

    async def typing(self, inbox_id: str, handle: str) -> None:
        """Remembers who typed."""
        self.typed.append((inbox_id, handle))


class MemoryBlobs:
    """Blobs by the SHA-256 of their content."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    async def put(self, content: bytes) -> str:
        """Keeps the content; returns its hash."""
        blob = hashlib.sha256(content).hexdigest()
        self.contents[blob] = content
        return blob

    async def get(self, blob: str) -> bytes:
        """The content; KeyError when there is none."""
        return self.contents[blob]


class MemorySigner:
    """Signs with a random key of its own."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def sign(self, purpose: str, value: str, *, expires_at: int) -> str:
        """A URL-safe token that holds the value in clear and its proof."""
        payload = json.dumps([purpose, value, expires_at]).encode()
        return f"{_base64(payload)}.{_base64(self._proof(payload))}"

    def verify(self, purpose: str, token: str, *, now: int) -> str:
        """The value; SignatureError when forged, expired or made for another purpose."""
        encoded, _, proof = token.partition(".")
        try:
            payload = base64.urlsafe_b64decode(encoded + "==")
        except ValueError as error:
            raise SignatureError("the token is damaged") from error
        if not hmac.compare_digest(_base64(self._proof(payload)).encode(), proof.encode()):
            raise SignatureError("the token is forged")
        signed_purpose, value, expires_at = json.loads(payload)
        if signed_purpose != purpose or now >= expires_at:
            raise SignatureError("the token has expired or serves another purpose")
        return str(value)

    def _proof(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Bench:
    """Services for one or more channels under test, and the means to build those.

    Each delivered message is followed by its `turn_done` frame at once; a test that wants an
    answer in between replaces `sink.on_message`. `skew` is added to the real time, in ms.
    """

    def __init__(self) -> None:
        self.skew = 0
        self.sink = MemorySink()
        self.mailbox = MemoryMailbox(self.now)
        self.blobs = MemoryBlobs()
        self.signer = MemorySigner()
        self.state = MemoryState()
        self.leases = MemoryLeases()
        self.threads = MemoryThreads()
        self.sink.on_message = self.mailbox.finish_turn
        self.context = ChannelContext(
            sink=self.sink,
            mailbox=self.mailbox,
            blobs=self.blobs,
            signer=self.signer,
            now=self.now,
            new_id=lambda: uuid.uuid4().hex,
            greeting=_greet,
            state=self.state,
            leases=self.leases,
            threads=self.threads,
        )

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000 + self.skew

    def answer_with(self, *texts: str, choices: tuple[QuickReply, ...] = ()) -> None:
        """Makes every message be answered by these texts before its turn is done."""

        def answer(message: InboundMessage) -> None:
            for text in texts:
                self.mailbox.say(
                    message.inbox_id,
                    message.handle,
                    text,
                    choices=choices,
                    in_reply_to=message.external_id,
                )
            self.mailbox.finish_turn(message)

        self.sink.on_message = answer

    def build(
        self, kind: ChannelKind[Any], settings: Mapping[str, Any], *, inbox_id: str = INBOX
    ) -> Channel[Any]:
        """A channel with these settings; strings become `Secret` where one is declared."""
        inbox = InboxConfig(
            id=inbox_id, name="Test", language="en", settings=make_settings(kind, settings)
        )
        return kind.build(inbox, self.context)


def _greet(language: str) -> PublicGreeting:
    return PublicGreeting(
        text=f"Hello ({language})", choices=(QuickReply(title="Human", payload="/human"),)
    )


def make_settings(kind: ChannelKind[Any], values: Mapping[str, Any]) -> Any:
    """The kind's settings from plain values."""
    types = typing.get_type_hints(kind.settings)
    return kind.settings(
        **{
            name: Secret(value) if types.get(name) is Secret else value
            for name, value in values.items()
        }
    )


@dataclass(slots=True)
class MemoryDirectory:
    """The live inboxes of one kind, the first one being the default; a test may change them."""

    channels: tuple[Channel[Any], ...]

    def find(self, inbox_id: str) -> Channel[Any] | None:
        """The inbox with that id."""
        return next((c for c in self.channels if c.inbox.id == inbox_id), None)

    def default(self) -> Channel[Any] | None:
        """The first inbox."""
        return self.channels[0] if self.channels else None


@asynccontextmanager
async def serve_application(application: web.Application) -> AsyncIterator[str]:
    """Serves on a free loopback port; gives the address without a trailing slash."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serve(kind: ChannelKind[Any], *channels: Channel[Any]) -> AsyncIterator[str]:
    """Starts the channels and serves their kind's routes; gives the server's address."""
    application = web.Application()
    if kind.routes is not None:
        application.add_routes(kind.routes(MemoryDirectory(channels)))
    for channel in channels:
        await channel.start()
    try:
        async with serve_application(application) as address:
            yield address
    finally:
        for channel in channels:
            await channel.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A request as it goes over the wire."""

    path: str
    body: bytes
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireAnswer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def request_over_wire(address: str, request: WireRequest) -> WireAnswer:
    """Sends the request to a served channel."""
    async with (
        aiohttp.ClientSession() as http,
        http.request(
            request.method,
            address + request.path,
            data=io.BytesIO(request.body),
            headers=request.headers,
        ) as answer,
    ):
        return WireAnswer(
            status=answer.status, headers=answer.headers.copy(), body=await answer.read()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformAnswer:
    """How a platform answers one request; `delay` in seconds."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    delay: float = 0.0


class LoopbackPlatform:
    """A platform's server on loopback: records requests, answers by script, then with 200.

    Requests whose path begins as one of `standing` does (a token, say) are always answered so,
    and neither recorded nor scripted.
    """

    def __init__(self, standing: Mapping[str, PlatformAnswer] | None = None) -> None:
        self.standing = standing or {}
        self.script: deque[PlatformAnswer] = deque()
        self.requests: list[WireRequest] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serves; gives the address."""
        application = web.Application(client_max_size=50_000_000)
        application.router.add_route("*", "/{tail:.*}", self._answer)
        async with serve_application(application) as address:
            yield address

    async def _answer(self, request: web.Request) -> web.Response:
        for start, answer in self.standing.items():
            if request.path.startswith(start):
                return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        self.requests.append(
            WireRequest(
                method=request.method,
                path=request.path_qs,
                body=await request.read(),
                headers=request.headers.copy(),
            )
        )
        scripted = self.script.popleft() if self.script else PlatformAnswer()
        await asyncio.sleep(scripted.delay)
        return web.Response(status=scripted.status, headers=scripted.headers, body=scripted.body)


def make_outbound(text: str = "您好", *, attempt: int = 1, **changes: Any) -> OutboundMessage:
    """An agent's message on its way out; `changes` go to its `PublicMessage`."""
    message = PublicMessage(
        **{
            "id": "message-1",
            "conversation_id": "conversation-1",
            "seq": 7,
            "kind": MessageKind.AGENT,
            "author": "Lin",
            "text": text,
            "state": MessageState.PENDING,
            "created_at": 1_700_000_000_000,
            **changes,
        }
    )
    return OutboundMessage(
        inbox_id=INBOX, handle="customer-1", thread="", message=message, attempt=attempt
    )


class ChannelContractTests(ABC):
    """What holds for every kind of channel. Subclasses name the module in `kind`."""

    kind: ClassVar[str]

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Plain values of valid settings, with a value for every secret."""

    @pytest.fixture
    def channel_kind(self) -> ChannelKind[Any]:
        """What the adapter module exports."""
        found = importlib.import_module(f"channels.adapters.{self.kind}").CHANNEL
        assert isinstance(found, ChannelKind)
        return found

    @pytest.fixture
    def bench(self) -> Bench:
        """Fresh services."""
        return Bench()

    def test_kind_is_the_modules_name(self, channel_kind: ChannelKind[Any]) -> None:
        """The registry finds kinds by their module."""
        assert channel_kind.kind == self.kind

    def test_settings_can_be_drawn_as_a_form(self, channel_kind: ChannelKind[Any]) -> None:
        """Frozen, with a default, a known type and three labels for each field."""
        settings = channel_kind.settings
        assert dataclasses.is_dataclass(settings)
        types = typing.get_type_hints(settings)
        for entry in dataclasses.fields(settings):
            assert entry.default is not dataclasses.MISSING, f"{entry.name} has no default"
            assert types[entry.name] in {str, int, bool, Secret, tuple[str, ...]}, entry.name
            labels = entry.metadata.get("label", {})
            assert set(labels) == LANGUAGES, f"{entry.name} lacks labels"
            assert all(labels.values()), f"{entry.name} has an empty label"
        values = make_settings(channel_kind, self.settings())
        for entry in dataclasses.fields(settings):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(values, entry.name, entry.default)

    def test_secrets_are_never_shown(self, channel_kind: ChannelKind[Any], bench: Bench) -> None:
        """Neither by repr nor by a dump of the settings or the inbox."""
        channel = bench.build(channel_kind, self.settings())
        values = channel.inbox.settings
        types = typing.get_type_hints(channel_kind.settings)
        for name in (name for name, kind in types.items() if kind is Secret):
            secret = getattr(values, name)
            assert isinstance(secret, Secret), f"{name} is no Secret"
            assert secret, f"give {name} a value in settings()"
            for shown in (repr(values), repr(dataclasses.asdict(values)), repr(channel.inbox)):
                assert str(secret) not in shown

    async def test_starts_and_stops(self, channel_kind: ChannelKind[Any], bench: Bench) -> None:
        """Stopping ends every task that the channel began; a second stop does nothing."""
        before = asyncio.all_tasks()
        channel = bench.build(channel_kind, self.settings())
        await channel.start()
        await channel.stop()
        await channel.stop()
        assert asyncio.all_tasks() == before


class WebhookContractTests(ChannelContractTests):
    """What holds for channels that are called over HTTP."""

    oversize_text: ClassVar[int] = 3_000_000

    @abstractmethod
    def wire(self, *, text: str, external_id: str) -> WireRequest:
        """A message as the platform sends it, correctly signed."""

    @abstractmethod
    def forged(self) -> Sequence[WireRequest]:
        """Requests whose signature or token is wrong, missing or stale."""

    @abstractmethod
    def malformed(self) -> Sequence[tuple[WireRequest, str]]:
        """Correctly signed requests that cannot be read, each with the word that is to blame."""

    @pytest.fixture
    async def address(self, channel_kind: ChannelKind[Any], bench: Bench) -> AsyncIterator[str]:
        """The served inbox."""
        async with serve(channel_kind, bench.build(channel_kind, self.settings())) as address:
            yield address

    async def test_a_message_is_delivered(self, address: str, bench: Bench) -> None:
        """Text, sender and id arrive; the answer is 2xx."""
        answer = await request_over_wire(address, self.wire(text="你好 🙂", external_id="m-1"))
        assert 200 <= answer.status < 300, answer.body
        (message,) = bench.sink.messages
        assert message.text == "你好 🙂"
        assert message.inbox_id == INBOX
        assert message.handle
        assert message.external_id
        assert abs(message.received_at - bench.now()) < 60_000

    async def test_redelivery_has_the_same_id(self, address: str, bench: Bench) -> None:
        """So that the store recognises it; another message has another id."""
        for external_id in ("m-1", "m-1", "m-2"):
            await request_over_wire(address, self.wire(text="hi", external_id=external_id))
        first, again, other = bench.sink.messages
        assert first.external_id == again.external_id != other.external_id
        assert first.conversation_key == again.conversation_key == other.conversation_key

    async def test_bad_signatures_are_refused(self, address: str, bench: Bench) -> None:
        """Forged requests are answered 401 and leave no trace."""
        requests = self.forged()
        assert requests
        for request in requests:
            answer = await request_over_wire(address, request)
            assert answer.status == 401, (request, answer)
        assert not bench.sink.messages

    async def test_oversize_bodies_are_refused(self, address: str, bench: Bench) -> None:
        """413, whatever the body holds."""
        request = self.wire(text="x" * self.oversize_text, external_id="m-1")
        answer = await request_over_wire(address, request)
        assert answer.status == 413
        assert not bench.sink.messages

    async def test_malformed_payloads_are_refused(self, address: str, bench: Bench) -> None:
        """4xx naming what is wrong; nothing is delivered."""
        cases = self.malformed()
        assert cases
        for request, word in cases:
            answer = await request_over_wire(address, request)
            assert 400 <= answer.status < 500, (request, answer)
            assert word in answer.body.decode(), (request, answer)
        assert not bench.sink.messages

    async def test_a_full_bus_is_told(self, address: str, bench: Bench) -> None:
        """503 with Retry-After; the same request succeeds when there is room again."""
        request = self.wire(text="hi", external_id="m-1")
        bench.sink.full = True
        refused = await request_over_wire(address, request)
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) >= 1
        bench.sink.full = False
        accepted = await request_over_wire(address, request)
        assert 200 <= accepted.status < 300
        assert len(bench.sink.messages) == 1

    async def test_unknown_inboxes_are_refused(self, channel_kind: ChannelKind[Any]) -> None:
        """404 where no inbox is enabled."""
        async with serve(channel_kind) as address:
            answer = await request_over_wire(address, self.wire(text="hi", external_id="m-1"))
        assert answer.status == 404


class PushContractTests(ChannelContractTests):
    """What holds for channels whose `send` calls a platform.

    `standing` is what the platform always answers, such as a token, by the beginning of the path.
    """

    standing: ClassVar[Mapping[str, PlatformAnswer]] = {}

    @abstractmethod
    def settings_for(self, address: str) -> Mapping[str, Any]:
        """Settings that send to a platform at this loopback address."""

    @abstractmethod
    def refusals(self) -> Sequence[tuple[PlatformAnswer, type[Exception]]]:
        """Answers of the platform that mean failure, each with the error to raise."""

    def outbound(self, text: str = "您好", *, attempt: int = 1) -> OutboundMessage:
        """A message that the channel can send."""
        return make_outbound(text, attempt=attempt)

    @pytest.fixture
    async def platform(self) -> LoopbackPlatform:
        """The platform, not yet serving."""
        return LoopbackPlatform(self.standing)

    async def test_accepted_messages_get_a_receipt(
        self, channel_kind: ChannelKind[Any], bench: Bench, platform: LoopbackPlatform
    ) -> None:
        """The text reaches the platform."""
        async with platform.running() as address:
            channel = bench.build(channel_kind, self.settings_for(address))
            try:
                receipt = await channel.send(self.outbound("票据已重开"))
            finally:
                await channel.stop()
        assert isinstance(receipt, DeliveryReceipt)
        assert any("票据已重开" in request.body.decode() for request in platform.requests)

    async def test_refusals_are_told_apart(
        self, channel_kind: ChannelKind[Any], bench: Bench, platform: LoopbackPlatform
    ) -> None:
        """Each failing answer raises its error, with a reason in words."""
        cases = self.refusals()
        assert {error for _, error in cases} == {TransientDeliveryError, PermanentDeliveryError}
        async with platform.running() as address:
            channel = bench.build(channel_kind, self.settings_for(address))
            try:
                for answer, expected in cases:
                    platform.script.append(answer)
                    with pytest.raises(expected) as caught:
                        await channel.send(self.outbound())
                    assert str(caught.value).strip(), answer
            finally:
                await channel.stop()

    async def test_an_unreachable_platform_is_transient(
        self, channel_kind: ChannelKind[Any], bench: Bench, platform: LoopbackPlatform
    ) -> None:
        """Nobody listens: try again later."""
        async with platform.running() as address:
            pass
        channel = bench.build(channel_kind, self.settings_for(address))
        try:
            with pytest.raises(TransientDeliveryError):
                await channel.send(self.outbound())
        finally:
            await channel.stop()

    async def test_each_attempt_carries_the_same_id(
        self, channel_kind: ChannelKind[Any], bench: Bench, platform: LoopbackPlatform
    ) -> None:
        """The receiving side can recognise a repeat by the message's id."""
        async with platform.running() as address:
            channel = bench.build(channel_kind, self.settings_for(address))
            try:
                for attempt in (1, 2):
                    await channel.send(self.outbound(attempt=attempt))
            finally:
                await channel.stop()
        assert len(platform.requests) == 2
        for request in platform.requests:
            sent = request.body.decode() + "".join(request.headers.values())
            assert "message-1" in sent
