"""A live web chat inbox: what its sockets, polls and uploads have in common."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from typing_extensions import override

from channels.adapters.webchat.frames import (
    FrameError,
    MessageFrame,
    compose_event,
    external_id,
)
from channels.adapters.webchat.settings import WebChatSettings
from channels.adapters.webchat.tokens import (
    DAY_MS,
    StoredFile,
    Visitor,
    read_upload,
    sign_file,
)
from channels.contract import (
    Attachment,
    Channel,
    ChannelContext,
    DeliveryReceipt,
    InboundMessage,
    InboxConfig,
    OutboundMessage,
    PublicMessage,
)
from channels.errors import PermanentDeliveryError, RateLimitedError, SignatureError
from channels.limits import RateLimiter

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
MAX_CLOCK_LEAD_MS: Final = MINUTE_MS
MAX_LINES_PER_VISITOR: Final = 8
"""Sockets and long polls that one visitor may hold at a time: tabs and devices."""

REQUESTS_PER_MINUTE: Final = 300
"""Polls and signals of one visitor: several tabs of a lively conversation need fewer."""

TYPING_PERIOD_MS: Final = 2_000


class Line(Protocol):
    """An open connection to a widget."""

    async def restart(self) -> None:
        """Ends the connection; the widget connects again."""
        ...


class WebChat(Channel[WebChatSettings]):
    """One live web chat inbox."""

    def __init__(self, inbox: InboxConfig[WebChatSettings], context: ChannelContext) -> None:
        super().__init__(inbox, context)
        settings = inbox.settings
        self.stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._lines: set[Line] = set()
        self._held: Counter[str] = Counter()
        self._messages = RateLimiter(settings.messages_per_minute, MINUTE_MS)
        self._uploads = RateLimiter(settings.messages_per_minute, MINUTE_MS)
        self._requests = RateLimiter(REQUESTS_PER_MINUTE, MINUTE_MS)
        self._typing = RateLimiter(1, TYPING_PERIOD_MS)
        self._newcomers = RateLimiter(settings.sessions_per_hour, HOUR_MS)

    @override
    async def start(self) -> None:
        self.stopping.clear()

    @override
    async def stop(self) -> None:
        self.stopping.set()
        await asyncio.gather(*(line.restart() for line in tuple(self._lines)))
        await self._idle.wait()

    @override
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        raise PermanentDeliveryError(
            "web chat visitors fetch their messages; there is nothing to send them to"
        )

    @contextmanager
    def hold(self, visitor: Visitor, line: Line | None = None) -> Iterator[None]:
        """Counts a connection while it lasts; `line` is told when the inbox stops.

        Raises:
            RateLimitedError: the visitor holds too many already.
        """
        if self._held[visitor.handle] >= MAX_LINES_PER_VISITOR:
            raise RateLimitedError("open connections of one visitor", 10)
        self._held[visitor.handle] += 1
        self._idle.clear()
        if line is not None:
            self._lines.add(line)
        try:
            yield
        finally:
            if line is not None:
                self._lines.discard(line)
            self._held[visitor.handle] -= 1
            if not self._held[visitor.handle]:
                del self._held[visitor.handle]
            if not self._held:
                self._idle.set()

    def admits_origin(self, origin: str | None, host: str) -> bool:
        """Whether a page from that origin may talk to this inbox.

        A request without `Origin` does not come from a page of another site (Fetch §3.2).
        """
        if origin is None:
            return True
        allowed = self.inbox.settings.allowed_origins
        if "*" in allowed or origin in allowed:
            return True
        parts = urlsplit(origin)
        if parts.netloc == host:
            return True
        return any(
            "://*." in pattern
            and pattern.startswith(f"{parts.scheme}://")
            and parts.netloc.endswith(pattern.partition("://*")[2])
            for pattern in allowed
        )

    def admit_newcomer(self, address: str) -> None:
        """Counts a new visitor, or a failed proof of identity, from a network address.

        Raises:
            RateLimitedError: too many within the hour.
        """
        self._newcomers.check(address, self.context.now(), "new visitors from this address")

    def admit_upload(self, visitor: Visitor) -> None:
        """Counts an upload.

        Raises:
            RateLimitedError: too many within the minute.
        """
        self._uploads.check(visitor.handle, self.context.now(), "files")

    def admit_request(self, visitor: Visitor) -> None:
        """Counts a poll or a signal.

        Raises:
            RateLimitedError: too many within the minute.
        """
        self._requests.check(visitor.handle, self.context.now(), "requests")

    async def tell_typing(self, visitor: Visitor) -> None:
        """Tells the agents that the visitor types; not oftener than they could see."""
        if not self._typing.wait_seconds(visitor.handle, self.context.now()):
            await self.context.mailbox.typing(self.inbox.id, visitor.handle)

    async def accept(self, visitor: Visitor, frame: MessageFrame) -> None:
        """Hands a visitor's message to the bus; returns when it is durable.

        Raises:
            RateLimitedError: the visitor writes too fast.
            FrameError: a file is not the visitor's, or its reference has expired.
            SinkFullError: the bus takes no more at present.
        """
        self._messages.check(visitor.handle, self.context.now(), "messages")
        now = self.context.now()
        await self.context.sink.deliver(
            InboundMessage(
                inbox_id=self.inbox.id,
                handle=visitor.handle,
                external_id=external_id(visitor.handle, frame.client_msg_id),
                text=frame.text,
                received_at=now,
                payload=frame.payload,
                attachments=self._read_files(visitor, frame, now),
                sent_at=_plausible_time(frame.sent_at, now),
                verified=visitor.verified,
                profile=_profile(visitor, frame),
            )
        )

    def compose(self, visitor: Visitor, message: PublicMessage) -> dict[str, Any]:
        """The event that shows a message to its visitor."""
        return compose_event(message, visitor.handle, self.link, self.inbox.settings.help_url)

    def link(self, attachment: Attachment, blob: str) -> str:
        """The address under which a visitor fetches an attachment, or its thumbnail."""
        is_thumbnail = blob == attachment.thumbnail
        file = StoredFile(
            inbox_id=self.inbox.id,
            blob=blob,
            name=attachment.name,
            mime="image/webp" if is_thumbnail else attachment.mime,
        )
        token = sign_file(self.context.signer, file, self.context.now())
        return f"/web/v1/files/{token}"

    def _read_files(
        self, visitor: Visitor, frame: MessageFrame, now: int
    ) -> tuple[Attachment, ...]:
        try:
            return tuple(
                read_upload(self.context.signer, visitor, token, now) for token in frame.files
            )
        except SignatureError as error:
            raise FrameError(
                "file_expired",
                "attachments: the file is no longer there; upload it again",
                field="/attachments",
                client_msg_id=frame.client_msg_id,
            ) from error


def _plausible_time(sent_at: int | None, now: int) -> int | None:
    """The visitor's own time, unless the visitor's clock cannot be right."""
    if sent_at is None or not now - 2 * DAY_MS <= sent_at <= now + MAX_CLOCK_LEAD_MS:
        return None
    return min(sent_at, now)


def _profile(visitor: Visitor, frame: MessageFrame) -> Mapping[str, str]:
    if frame.language is None:
        return visitor.profile
    return {**visitor.profile, "language": frame.language}
