"""The widget's socket (RFC 6455): messages in with acknowledgement, events out with resume.

The session token comes in the first frame, since addresses are logged. Close codes: 4001 no
valid session (only then is the token worthless), 4003 site not allowed, 4008 the widget does
not read, 4013 the inbox is away at present, 4029 too many frames or sockets, 1012 the inbox
or the server restarts, 1013 the conversation cannot be read at present.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import orjson
from aiohttp import WSCloseCode, WSMsgType, web
from typing_extensions import override

from channels.adapters.webchat.channel import Line, WebChat
from channels.adapters.webchat.exchange import (
    InboxAwayError,
    RefusedError,
    check_origin,
    resolve_visitor,
)
from channels.adapters.webchat.frames import (
    MAX_FRAME_BYTES,
    FrameError,
    HelloFrame,
    MessageFrame,
    PingFrame,
    SeenFrame,
    TypingFrame,
    compose_signal,
    parse_frame,
)
from channels.adapters.webchat.tokens import Visitor
from channels.contract import Directory, PublicMessage, Subscription
from channels.errors import (
    RateLimitedError,
    SignatureError,
    SinkFullError,
    UnavailableError,
)
from channels.limits import RateLimiter

BAD_SESSION: Final = 4001
ORIGIN_REFUSED: Final = 4003
SLOW: Final = 4008
AWAY: Final = 4013
TOO_MANY: Final = 4029

HEARTBEAT_S: Final = 25.0
HELLO_S: Final = 10.0
SEND_S: Final = 10.0
"""How long a frame may wait for the widget to read what came before it."""

CLOSE_S: Final = 3.0
FRAMES_AT_ONCE: Final = 80
FRAMES_PERIOD_MS: Final = 4_000
PAGE: Final = 100
MAX_PAGES: Final = 5
"""A widget that missed more than these pages fetches its history anew."""

_log = logging.getLogger(__name__)


class SlowReaderError(Exception):
    """The widget did not read in time."""


async def serve_socket(directory: Directory, request: web.Request) -> web.WebSocketResponse:
    """`GET /web/v1/ws`: serves one widget until either side leaves."""
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=MAX_FRAME_BYTES, compress=False, timeout=CLOSE_S
    )
    await socket.prepare(request)
    try:
        async with asyncio.timeout(HELLO_S):
            hello = await _receive_hello(socket)
        channel, visitor = resolve_visitor(directory, hello.token)
        check_origin(request, channel)
    except RefusedError as error:
        await _close(request, socket, ORIGIN_REFUSED, error.detail)
    except InboxAwayError as error:
        await _close(request, socket, AWAY, str(error))
    except (SignatureError, FrameError, TimeoutError) as error:
        await _close(request, socket, BAD_SESSION, str(error) or "no hello came in time")
    else:
        await _Connection(request, socket, channel, visitor).run(hello.resume_from)
    return socket


async def _receive_hello(socket: web.WebSocketResponse) -> HelloFrame:
    message = await socket.receive()
    if message.type is WSMsgType.TEXT:
        frame = parse_frame(message.data)
        if isinstance(frame, HelloFrame):
            return frame
    raise FrameError("malformed", "send hello with the session token first", field="/type")


class _Connection(Line):
    """One widget's socket after its hello."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        channel: WebChat,
        visitor: Visitor,
    ) -> None:
        self._request = request
        self._socket = socket
        self._channel = channel
        self._visitor = visitor
        self._frames = RateLimiter(FRAMES_AT_ONCE, FRAMES_PERIOD_MS, max_keys=1)
        self._cursor = 0
        self._replayed_to = 0

    @property
    def _address(self) -> tuple[str, str]:
        return self._channel.inbox.id, self._visitor.handle

    async def run(self, resume_from: int) -> None:
        """Replays what was missed, then exchanges frames until the end."""
        try:
            with self._channel.hold(self._visitor, self):
                await self._exchange(resume_from)
        except RateLimitedError as error:
            await self._close(TOO_MANY, str(error))
        except UnavailableError as error:
            await self._close(WSCloseCode.TRY_AGAIN_LATER, str(error))
        except SlowReaderError:
            await self._close(SLOW, "the widget does not read")
        except ConnectionError:
            await self._close(WSCloseCode.GOING_AWAY, "")
        except Exception:
            _log.exception("a web chat socket failed", extra={"inbox": self._channel.inbox.id})
            await self._close(WSCloseCode.INTERNAL_ERROR, "internal error")

    @override
    async def restart(self) -> None:
        await self._close(WSCloseCode.SERVICE_RESTART, "the server restarts")

    async def _exchange(self, resume_from: int) -> None:
        subscription = self._channel.context.mailbox.subscribe(*self._address)
        pump = asyncio.create_task(self._pump(subscription, resume_from))
        reader = asyncio.create_task(self._read())
        try:
            done, _ = await asyncio.wait((pump, reader), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (pump, reader):
                task.cancel()
            await asyncio.gather(pump, reader, return_exceptions=True)
            subscription.close()

    async def _read(self) -> None:
        """Takes frames until the widget leaves."""
        context = self._channel.context
        async for message in self._socket:
            wait = self._frames.wait_seconds("", context.now())
            if wait:
                raise RateLimitedError("frames", wait)
            if message.type is not WSMsgType.TEXT:
                await self._send({"type": "error", "code": "malformed", "message": "send text"})
                continue
            await self._take(message.data)

    async def _take(self, raw: str) -> None:
        mailbox = self._channel.context.mailbox
        try:
            frame = parse_frame(raw)
            if isinstance(frame, MessageFrame):
                await self._deliver(frame)
            elif isinstance(frame, SeenFrame):
                await mailbox.mark(*self._address, up_to=frame.seq, state=frame.state)
            elif isinstance(frame, TypingFrame):
                with suppress(UnavailableError):  # told again with the next one
                    await self._channel.tell_typing(self._visitor)
            elif isinstance(frame, PingFrame):
                await self._send({"type": "pong", "server_time": self._channel.context.now()})
            else:
                raise FrameError("malformed", "hello comes once only", field="/type")
        except FrameError as error:
            await self._send(_compose_refusal(error))

    async def _deliver(self, frame: MessageFrame) -> None:
        """Acknowledges a message after it is durable, never before."""
        answer: dict[str, Any] = {"type": "ack", "client_msg_id": frame.client_msg_id}
        try:
            await self._channel.accept(self._visitor, frame)
        except RateLimitedError as error:
            answer |= {"type": "nack", "code": "rate", "retry_after": error.retry_after}
        except SinkFullError as error:
            wait = max(1, round(error.retry_after))
            answer |= {"type": "nack", "code": "full", "retry_after": wait}
        await self._send(answer)

    async def _pump(self, subscription: Subscription, resume_from: int) -> None:
        """Sends what was missed, then what comes, in order."""
        await self._welcome(resume_from)
        while True:
            frame = await subscription.get()
            if frame["type"] == "overflow":
                await self._replay()
            elif frame["type"] == "message":
                await self._show(frame["message"])
            else:
                event = compose_signal(frame)
                if event is not None:
                    await self._send(event)

    async def _welcome(self, resume_from: int) -> None:
        """Greets, and replays from where the widget was.

        A widget that claims to know more than there is has a stale memory: it starts anew.
        """
        newest = await self._history(after=0, limit=1)
        seq = newest[-1].seq if newest else 0
        controller, agent = await self._channel.context.mailbox.controller(
            self._channel.inbox.id, self._visitor.handle
        )
        await self._send(
            {
                "type": "welcome",
                "seq": seq,
                "controller": controller,
                "agent": agent,
                "server_time": self._channel.context.now(),
                "heartbeat": int(HEARTBEAT_S),
            }
        )
        if resume_from > seq:
            await self._send({"type": "resync"})
        else:
            self._cursor = resume_from
        await self._replay()

    async def _replay(self) -> None:
        """Sends what came after the last message sent; too much is left to be fetched."""
        for _ in range(MAX_PAGES):
            is_from_start = self._cursor == 0
            page = await self._history(after=self._cursor, limit=PAGE)
            for message in page:
                await self._show(message)
            self._replayed_to = self._cursor
            if len(page) < PAGE or is_from_start:
                return
        await self._send({"type": "resync"})

    async def _show(self, message: PublicMessage) -> None:
        """Sends a message, unless a replay brought it already.

        The replay's end is compared, not the last message sent: frames of two processes may
        come out of order, and the later one must not hide the earlier.
        """
        if message.seq <= self._replayed_to:
            return
        self._cursor = max(self._cursor, message.seq)
        await self._send(self._channel.compose(self._visitor, message))

    async def _history(self, *, after: int, limit: int) -> Sequence[PublicMessage]:
        mailbox = self._channel.context.mailbox
        return await mailbox.history(*self._address, after=after, limit=limit)

    async def _send(self, frame: Mapping[str, Any]) -> None:
        """Sends a frame; nothing is queued here, so a widget that does not read costs little.

        Raises:
            SlowReaderError: the frame found no room in time.
            ConnectionError: the widget is gone.
        """
        try:
            async with asyncio.timeout(SEND_S):
                await self._socket.send_str(orjson.dumps(frame).decode())
        except TimeoutError as error:
            raise SlowReaderError from error

    async def _close(self, code: int, reason: str) -> None:
        await _close(self._request, self._socket, code, reason)


def _compose_refusal(error: FrameError) -> dict[str, Any]:
    frame: dict[str, Any] = {
        "type": "error",
        "code": error.code,
        "message": error.message,
        "field": error.field,
    }
    if error.client_msg_id is not None:
        frame |= {"type": "nack", "client_msg_id": error.client_msg_id}
    return frame


async def _close(
    request: web.Request, socket: web.WebSocketResponse, code: int, reason: str
) -> None:
    """Closes; a widget that does not even take the close frame is cut off."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=code, message=reason.encode()[:120])
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
