"""REST: the request and the answer of Rasa's REST channel, so that its front ends fit.

`POST /webhooks/rest/webhook` goes to the default inbox, `POST /webhooks/rest/{inbox}/webhook` to a
named one. The answer holds everything that the sender has not fetched yet: what the bot says to
this message, and what agents said since. Where anyone may call, it holds only what the bot says to
this very message: a sender's id is no proof. It counts as delivered once it was written.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import web
from typing_extensions import override

from channels.contract import (
    Attachment,
    Capabilities,
    Channel,
    ChannelContext,
    ChannelKind,
    DeliveryReceipt,
    Directory,
    InboundMessage,
    InboxConfig,
    MessageKind,
    MessageState,
    OutboundMessage,
    PublicMessage,
    Secret,
    Subscription,
)
from channels.errors import (
    MalformedPayloadError,
    PermanentDeliveryError,
    SettingsError,
    SignatureError,
    UnavailableError,
    Words,
    check_range,
)
from channels.files import download_headers
from channels.limits import RateLimiter, RecentKeys, is_own_host, network_of
from channels.receiving import (
    guarded,
    parse_object,
    problem,
    read_body,
    take_email,
    take_identifier,
    take_language,
    take_line,
    take_text,
    unknown_inbox,
)

BODY_LIMIT: Final = 131_072
"""Largest request in bytes: the longest text, escaped, and metadata."""

FILE_SECONDS: Final = 86_400
"""How long the address of an attachment works."""

MINUTE_MS: Final = 60_000
MOST_PER_MINUTE: Final = 1_000_000

_MESSAGE_ID_LIMIT: Final = 128
_ATTRIBUTES: Final = 20
_PAYLOAD: Final = re.compile(r"/[\w./-]{1,200}")
_FILE_PURPOSE: Final = "rest-file"
_OUTGOING: Final = frozenset({MessageKind.BOT, MessageKind.AGENT})
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestSettings:
    """Settings of one REST inbox.

    `token` is asked of every caller where it is set. `wait_seconds` is how long a request waits
    for its answer. `open_mailbox` hands a sender's messages to anyone who knows the sender's
    id; without it and without a token a caller gets only the bot's answers to its own messages.
    `requests_per_minute` and `new_senders_per_minute` limit a network address,
    `messages_per_minute` a sender, where there is no token; 0 sets no limit. Callers on the
    same host have none.

    Raises:
        SettingsError: a value is out of bounds.
    """

    token: Secret = field(
        default=Secret(""),
        metadata={
            "generate": "token",
            "label": {
                "en": "Access token (empty: anyone may call)",
                "zh-Hans": "访问令牌(留空则不校验)",
                "zh-Hant": "存取權杖(留空則不驗證)",
            },
        },
    )
    wait_seconds: int = field(
        default=25,
        metadata={
            "label": {
                "en": "Seconds to wait for the answer",
                "zh-Hans": "等待答复的秒数",
                "zh-Hant": "等待答覆的秒數",
            }
        },
    )
    open_mailbox: bool = field(
        default=False,
        metadata={
            "label": {
                "en": "Let callers without a token fetch messages",
                "zh-Hans": "允许无令牌调用方读取消息",
                "zh-Hant": "允許無權杖呼叫方讀取訊息",
            }
        },
    )

    requests_per_minute: int = field(
        default=6_000,
        metadata={
            "label": {
                "en": "Requests per address and minute without a token (0: no limit)",
                "zh-Hans": "无令牌时每地址每分钟请求数(0 为不限)",
                "zh-Hant": "無權杖時每位址每分鐘請求數(0 為不限)",
            }
        },
    )
    new_senders_per_minute: int = field(
        default=1_200,
        metadata={
            "label": {
                "en": "New senders per address and minute without a token (0: no limit)",
                "zh-Hans": "无令牌时每地址每分钟新发送者数(0 为不限)",
                "zh-Hant": "無權杖時每位址每分鐘新傳送者數(0 為不限)",
            }
        },
    )
    messages_per_minute: int = field(
        default=120,
        metadata={
            "label": {
                "en": "Messages per sender and minute without a token (0: no limit)",
                "zh-Hans": "无令牌时每发送者每分钟消息数(0 为不限)",
                "zh-Hant": "無權杖時每傳送者每分鐘訊息數(0 為不限)",
            }
        },
    )

    def __post_init__(self) -> None:
        if self.token and not 16 <= len(self.token) <= 256:
            raise SettingsError(
                "token",
                Words(
                    "use 16 to 256 random characters",
                    "请用 16 到 256 个随机字符",
                    "請用 16 到 256 個隨機字元",
                ),
            )
        check_range("wait_seconds", self.wait_seconds, 1, 60)
        for name in ("requests_per_minute", "new_senders_per_minute", "messages_per_minute"):
            check_range(name, getattr(self, name), 0, MOST_PER_MINUTE)


class _Reader:
    """What one sender was given by requests that are not settled yet.

    `seen` is the seq up to which a response was written while the store may not know it
    yet: without it, a quick next request would be given the same messages again.
    """

    __slots__ = ("requests", "seen")

    def __init__(self) -> None:
        self.requests = 0
        self.seen = 0


@dataclass(frozen=True, slots=True)
class _View:
    """What one request may be given: the sender's messages, or the answers to one message.

    `answers_to` is the external id of that message; None where the caller is trusted.
    """

    handle: str
    reader: _Reader
    answers_to: str | None

    def shows(self, message: PublicMessage) -> bool:
        """Whether the message is for this request, and was not written by an earlier one."""
        if self.answers_to is None:
            return message.seq > self.reader.seen
        return message.in_reply_to == self.answers_to


class _Gate:
    """How much callers whom no token vouches for may ask of an inbox."""

    def __init__(self, settings: RestSettings) -> None:
        self._requests = RateLimiter(settings.requests_per_minute, MINUTE_MS)
        self._newcomers = RateLimiter(settings.new_senders_per_minute, MINUTE_MS)
        self._messages = RateLimiter(settings.messages_per_minute, MINUTE_MS)
        self._known = RecentKeys()

    def admit_request(self, address: str, now: int) -> None:
        """Counts a request from a network address.

        Raises:
            RateLimitedError: too many within the minute.
        """
        if not is_own_host(address):
            self._requests.check(network_of(address), now, "requests from this address")

    def admit_message(self, address: str, sender: str, now: int) -> None:
        """Counts a message; a sender who was not seen of late counts as new.

        Raises:
            RateLimitedError: too many within the minute.
        """
        if is_own_host(address):
            return
        self._messages.check(sender, now, "messages of this sender")
        if sender not in self._known:
            self._newcomers.check(network_of(address), now, "new senders from this address")
        self._known.add(sender)


class RestChannel(Channel[RestSettings]):
    """One REST inbox. The customer's side fetches its messages, so nothing is ever sent."""

    def __init__(self, inbox: InboxConfig[RestSettings], context: ChannelContext) -> None:
        super().__init__(inbox, context)
        self._token = inbox.settings.token.encode()
        self._is_private = bool(self._token) or inbox.settings.open_mailbox
        self._gate = None if self._token else _Gate(inbox.settings)
        self._readers: dict[str, _Reader] = {}
        self._settling: set[asyncio.Task[None]] = set()

    @override
    async def stop(self) -> None:
        """Returns when every written answer is marked as delivered."""
        await asyncio.gather(*self._settling, return_exceptions=True)

    @override
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Refuses: senders of this channel fetch their messages.

        Raises:
            PermanentDeliveryError: always.
        """
        raise PermanentDeliveryError("REST senders fetch their messages; nothing can be pushed")

    def check_token(self, request: web.Request) -> None:
        """Compares the caller's token with the inbox's, where it has one.

        Raises:
            SignatureError: missing or wrong.
        """
        if self._token and not hmac.compare_digest(_given_token(request), self._token):
            raise SignatureError(
                "the access token is missing or wrong; send Authorization: Bearer … or ?token=…"
            )

    def _admit(self, request: web.Request) -> None:
        self.check_token(request)
        if self._gate is not None:
            self._gate.admit_request(request.remote or "", self.context.now())

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Delivers the message of a request and answers with what the sender has not fetched.

        Callers whom nothing vouches for get the answers to this message only.

        Raises:
            SignatureError: missing or wrong token.
            MalformedPayloadError: the body cannot be read.
            RateLimitedError: the caller has no token, and asks too much.
            SinkFullError: the message was not kept.
        """
        self._admit(request)
        body = await read_body(request, BODY_LIMIT)
        context = self.context
        message = parse_message(
            body, inbox_id=self.inbox.id, new_id=context.new_id(), received_at=context.now()
        )
        if message is None:
            return web.json_response([])
        if self._gate is not None:
            self._gate.admit_message(request.remote or "", message.handle, message.received_at)
        with self._reading(message.handle) as reader:
            subscription = context.mailbox.subscribe(self.inbox.id, message.handle)
            view = _View(message.handle, reader, None if self._is_private else message.external_id)
            try:
                await context.sink.deliver(message)
                if request.query.get("stream") == "true":
                    return await self._stream(request, message, subscription, view)
                answers = await self._wait(message, subscription, view)
            finally:
                subscription.close()
            return await self._write(request, answers, view)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        """Answers with what the sender has not fetched.

        Raises:
            SignatureError: missing or wrong token.
            MalformedPayloadError: no usable sender.
            RateLimitedError: the caller has no token, and asks too much.
            UnavailableError: the store does not answer.
        """
        self._admit(request)
        if not self._is_private:
            return problem(
                403,
                "mailbox_closed",
                "messages can be fetched only where the inbox has a token, or is set to let "
                "callers without a token fetch them",
            )
        handle = _take_sender(request.query)
        with self._reading(handle) as reader:
            waiting = await self.context.mailbox.undelivered(self.inbox.id, handle)
            view = _View(handle, reader, None)
            fresh = [message for message in waiting if view.shows(message)]
            return await self._write(request, fresh, view)

    async def download(self, token: str) -> web.Response:
        """The attachment that a signed address stands for.

        Raises:
            SignatureError: forged or expired.
            UnavailableError: the disk does not answer.
        """
        context = self.context
        value = context.signer.verify(_FILE_PURPOSE, token, now=context.now())
        inbox_id, blob, name, mime = orjson.loads(value)
        if inbox_id != self.inbox.id:
            raise SignatureError("the address belongs to another inbox")
        try:
            content = await context.blobs.get(blob)
        except KeyError:
            return problem(404, "gone", "the file is no longer stored; ask for it again")
        return web.Response(body=content, headers=download_headers(name, mime))

    async def _wait(
        self, message: InboundMessage, subscription: Subscription, view: _View
    ) -> Sequence[PublicMessage]:
        """The messages for the request once the turn is done, or when it takes too long."""
        said: dict[str, PublicMessage] = {}
        answers: Sequence[PublicMessage] | None = None
        with suppress(TimeoutError):  # then there is no more than what was said so far
            async with asyncio.timeout(self.inbox.settings.wait_seconds):
                while answers is None:
                    frame = await subscription.get()
                    if view.answers_to is not None:
                        said |= {m.id: m for m in _said(frame) if view.shows(m)}
                    answers = await self._turn_end(message, frame, view, list(said.values()))
        return list(said.values()) if answers is None else answers

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self.inbox.settings.wait_seconds

    async def _turn_end(
        self,
        message: InboundMessage,
        frame: Mapping[str, Any],
        view: _View,
        said: Sequence[PublicMessage],
    ) -> Sequence[PublicMessage] | None:
        """What the request is to get, when this frame ends the turn.

        Whoever may fetch everything gets what was not fetched before too; others get what was
        said to this message, which a repeated request finds in the store.
        """
        done = frame["type"] == "turn_done" and frame["external_id"] == message.external_id
        if done and said:
            return said
        if not done and frame["type"] != "overflow":
            return None
        waiting = await self._unfetched(message.handle, view)
        # After an overflow the frame that ends the turn may be among the lost ones.
        return waiting if done or waiting else None

    async def _unfetched(self, handle: str, view: _View) -> Sequence[PublicMessage]:
        """What the store holds for the request; nothing while it does not answer.

        Its message is kept, so no error may make the sender send it again.
        """
        with suppress(UnavailableError):
            found = await self.context.mailbox.undelivered(self.inbox.id, handle)
            return [one for one in found if view.shows(one)]
        return ()

    async def _write(
        self, request: web.Request, messages: Sequence[PublicMessage], view: _View
    ) -> web.StreamResponse:
        items = [item for message in messages for item in self._items(view.handle, message)]
        response = web.Response(body=orjson.dumps(items), content_type="application/json")
        if messages:
            await response.prepare(request)
            await response.write_eof()
            self._settle(request, view, messages[-1].seq)
        return response

    async def _stream(
        self,
        request: web.Request,
        message: InboundMessage,
        subscription: Subscription,
        view: _View,
    ) -> web.StreamResponse:
        """One JSON object per line, each as soon as it is there."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        written = 0
        deadline = self._deadline()
        answers: Sequence[PublicMessage] | None = None
        if view.answers_to is None:
            for earlier in await self._unfetched(message.handle, view):
                await response.write(self._lines(view.handle, earlier))
                written = earlier.seq
        while answers is None:
            frame = await _next_frame(subscription, deadline)
            if frame is None:
                break
            answers = await self._turn_end(message, frame, view, ())
            for answer in _said(frame) if answers is None else answers:
                if answer.seq > written and view.shows(answer):
                    await response.write(self._lines(view.handle, answer))
                    written = answer.seq
        await response.write_eof()
        if written:
            self._settle(request, view, written)
        return response

    def _lines(self, handle: str, message: PublicMessage) -> bytes:
        return b"".join(orjson.dumps(item) + b"\n" for item in self._items(handle, message))

    def _items(self, handle: str, message: PublicMessage) -> Iterable[dict[str, Any]]:
        """The message in Rasa's form: text with its buttons, then one item per attachment."""
        about = {
            "message_id": message.id,
            "article": message.article,
            "kind": message.kind,
            "seq": message.seq,
        }
        item: dict[str, Any] = {"recipient_id": handle, "text": message.text}
        if message.choices:
            item["buttons"] = [
                {"title": choice.title, "payload": choice.payload} for choice in message.choices
            ]
        item["custom"] = about
        if message.text or message.choices or not message.attachments:
            yield item
        for attachment in message.attachments:
            described = self._describe(attachment)
            yield {"recipient_id": handle, "attachment": described, "custom": about}

    def _describe(self, attachment: Attachment) -> dict[str, Any]:
        """The attachment with an address that works for `FILE_SECONDS`."""
        value = orjson.dumps(
            [self.inbox.id, attachment.blob, attachment.name, attachment.mime]
        ).decode()
        token = self.context.signer.sign(
            _FILE_PURPOSE, value, expires_at=self.context.now() + FILE_SECONDS * 1000
        )
        return {
            "name": attachment.name,
            "mime": attachment.mime,
            "size": attachment.size,
            "url": f"/webhooks/rest/{self.inbox.id}/files/{token}",
        }

    @contextmanager
    def _reading(self, handle: str) -> Iterator[_Reader]:
        reader = self._readers.get(handle)
        if reader is None:
            reader = self._readers[handle] = _Reader()
        reader.requests += 1
        try:
            yield reader
        finally:
            self._release(handle, reader)

    def _release(self, handle: str, reader: _Reader) -> None:
        reader.requests -= 1
        if not reader.requests:
            del self._readers[handle]

    def _settle(self, request: web.Request, view: _View, seq: int) -> None:
        """Marks as delivered what was written, without keeping the next request waiting.

        Where the connection is gone nothing is marked: the messages come again.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            return
        reader = view.reader
        if view.answers_to is None:
            reader.seen = seq = max(reader.seen, seq)
        reader.requests += 1
        task = asyncio.create_task(self._mark(view, seq))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _mark(self, view: _View, seq: int) -> None:
        try:
            await self.context.mailbox.mark(
                self.inbox.id,
                view.handle,
                up_to=seq,
                state=MessageState.DELIVERED,
                in_reply_to=view.answers_to,
            )
        except Exception:
            # The messages stay undelivered and come again, recognisable by their ids.
            _LOG.exception("marking as delivered failed", extra={"inbox": self.inbox.id})
        finally:
            self._release(view.handle, view.reader)


async def _next_frame(subscription: Subscription, deadline: float) -> Mapping[str, Any] | None:
    """The next frame; None when there is none until the deadline (of the loop's clock)."""
    try:
        async with asyncio.timeout_at(deadline):
            return await subscription.get()
    except TimeoutError:
        return None


def _said(frame: Mapping[str, Any]) -> Sequence[PublicMessage]:
    """The bot's or agent's message in a frame."""
    if frame["type"] == "message" and frame["message"].kind in _OUTGOING:
        return (frame["message"],)
    return ()


def parse_message(
    body: bytes, *, inbox_id: str, new_id: str, received_at: int
) -> InboundMessage | None:
    """The message in a request; None when it says nothing.

    A text such as `/restart` is what Rasa's front ends send for a button: it becomes the payload.

    Args:
        body: the raw request.
        inbox_id: where it came in.
        new_id: taken as external id when the request has no `message_id`.
        received_at: in ms since the epoch.

    Raises:
        MalformedPayloadError: names the field and the remedy.
    """
    fields = parse_object(body)
    sender = _take_sender(fields)
    text = take_text(fields, "message")
    message_id = take_identifier(fields, "message_id", limit=_MESSAGE_ID_LIMIT)
    profile = _parse_metadata(fields.get("metadata"))
    if not text:
        return None
    return InboundMessage(
        inbox_id=inbox_id,
        handle=sender,
        external_id=new_id if message_id is None else _external_id(sender, message_id),
        text=text,
        received_at=received_at,
        payload=text if _PAYLOAD.fullmatch(text) else None,
        profile=profile,
    )


def _external_id(sender: str, message_id: str) -> str:
    """Unique in the inbox: senders number their messages without knowing of one another."""
    owner = hashlib.blake2b(sender.encode(), digest_size=12).hexdigest()
    return f"{owner}:{message_id}"


def _take_sender(fields: Mapping[str, Any]) -> str:
    sender = take_identifier(fields, "sender")
    if sender is None:
        raise MalformedPayloadError(
            "sender: missing; send an id of your own for each customer, or all of them would "
            "share one conversation",
            field="/sender",
        )
    return sender


def _parse_metadata(metadata: Any) -> dict[str, str]:
    """What the metadata say about the sender; nested values are none of our business."""
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise MalformedPayloadError(
            'metadata: must be an object such as {"name": "Li Wei"}', field="/metadata"
        )
    profile = {
        "name": take_line(metadata, "name", limit=120),
        "email": take_email(metadata),
        "phone": take_line(metadata, "phone", limit=40),
        "language": take_language(metadata),
    }
    others = [name for name in metadata if name not in profile][:_ATTRIBUTES]
    for name in others:
        value = metadata[name]
        if isinstance(value, str | int | float) and len(name) <= 64:
            line = take_line({name: str(value)}, name, limit=500)
            profile[" ".join(name.split())] = line
    return {name: value for name, value in profile.items() if value}


def _given_token(request: web.Request) -> bytes:
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.casefold() != "bearer":
        token = request.query.get("token", "")
    return token.strip().encode(errors="replace")


def _routes(directory: Directory) -> Sequence[web.AbstractRouteDef]:
    def find(request: web.Request) -> RestChannel | None:
        inbox_id = request.match_info.get("inbox")
        found = directory.default() if inbox_id is None else directory.find(inbox_id)
        return found if isinstance(found, RestChannel) else None

    async def accept(request: web.Request) -> web.StreamResponse:
        channel = find(request)
        return unknown_inbox() if channel is None else await channel.accept(request)

    async def fetch(request: web.Request) -> web.StreamResponse:
        channel = find(request)
        return unknown_inbox() if channel is None else await channel.fetch(request)

    async def download(request: web.Request) -> web.StreamResponse:
        channel = find(request)
        if channel is None:
            return unknown_inbox()
        return await channel.download(request.match_info["token"])

    async def health(request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})

    return (
        web.get("/webhooks/rest/", health),
        web.post("/webhooks/rest/webhook", guarded(accept)),
        web.post("/webhooks/rest/{inbox}/webhook", guarded(accept)),
        web.get("/webhooks/rest/{inbox}/messages", guarded(fetch), allow_head=False),
        web.get("/webhooks/rest/{inbox}/files/{token}", guarded(download), allow_head=False),
    )


CHANNEL: Final = ChannelKind(
    kind="rest",
    settings=RestSettings,
    capabilities=Capabilities(mailbox=True, quick_replies=True, attachments=True, max_text=10_000),
    build=RestChannel,
    routes=_routes,
)
