"""The console's event socket (api: GET /api/v1/events)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any, Final

import orjson
from aiohttp import WSMessage, WSMsgType, web

from gateway.domain.conversation import Conversation
from gateway.domain.errors import GatewayError
from gateway.domain.people import Agent
from gateway.domain.records import SignInSession
from gateway.http.auth import find_signed_in, require_password_changed
from gateway.http.call import Desk
from gateway.http.console_feed import SIGNED_OUT
from gateway.http.origin import is_same_site
from gateway.http.problems import ProblemError
from gateway.http.serial import when
from gateway.http.typing_signals import tell_typing
from gateway.ports.store import StoreUnavailableError
from gateway.services.access import get_conversation

log = logging.getLogger(__name__)

QUEUE_LIMIT: Final = 500
FRAME_LIMIT: Final = 4_096
FRAMES_PER_SECOND: Final = 20
BURST: Final = 60
TYPING_MS: Final = 1_000
SEND_SECONDS: Final = 20.0
HEARTBEAT_SECONDS: Final = 25.0
_OVERFLOW: Final = '{"type":"overflow"}'


class ConsoleSocket:
    """One open console: a queue of frames towards it, and what it says."""

    def __init__(
        self,
        desk: Desk,
        web_socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        signed_in: tuple[SignInSession, Agent],
    ) -> None:
        self.session, self.agent = signed_in
        self.id = desk.parts.new_id()
        self._desk = desk
        self._socket = web_socket
        self._transport = transport
        self._queue: deque[str] = deque()
        self._wake = asyncio.Event()
        self._ending: tuple[int, str] | None = None
        self._budget = float(BURST)
        self._budget_at = desk.parts.clock()
        self._typed_at = 0
        self._viewed: str | None = None

    def offer(self, text: str) -> None:
        """Queues a frame; a console that does not keep up loses them and learns of it."""
        if len(self._queue) >= QUEUE_LIMIT:
            self.overflow()
        else:
            self._queue.append(text)
            self._wake.set()

    def overflow(self) -> None:
        """Replaces what waits by the word that frames were lost."""
        self._queue.clear()
        self._queue.append(_OVERFLOW)
        self._wake.set()

    def renew(self, agent: Agent) -> None:
        """Goes on as the agent is now."""
        self.agent = agent
        self._desk.presence.show(self.id, agent, self._viewed)

    def end(self, code: int, reason: str) -> None:
        """Closes the socket once what waits was sent."""
        self._ending = (code, reason)
        self._wake.set()

    async def run(self) -> None:
        """Works until either side ends it."""
        self._send_later({"type": "hello", **self._greeting()})
        self._desk.feed.open(self)
        self._desk.presence.show(self.id, self.agent, None)
        sender = asyncio.create_task(self._send_all())
        try:
            await self._receive_all()
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender
            self._desk.presence.leave(self.id)
            await self._desk.feed.close(self)

    def _greeting(self) -> dict[str, Any]:
        now = self._desk.parts.clock()
        return {"server_time": when(now), "agent_id": self.agent.id}

    def _send_later(self, frame: dict[str, Any]) -> None:
        self.offer(orjson.dumps(frame).decode())

    async def _send_all(self) -> None:
        """Sends what waits; a console that takes nothing for long is cut off."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    async with asyncio.timeout(SEND_SECONDS):
                        await self._socket.send_str(self._queue.popleft())
                if self._ending is not None:
                    code, reason = self._ending
                    await self._socket.close(code=code, message=reason.encode())
                    return
        except TimeoutError:
            self._abort()
        except ConnectionError:
            return  # the other side went away; receiving notices it too

    def _abort(self) -> None:
        """Drops the connection: the other side does not even read a closing frame."""
        if self._transport is not None:
            self._transport.abort()

    async def _receive_all(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                continue
            if not self._is_within_budget():
                await self._socket.close(code=1008, message=b"too many frames")
                return
            await self._take(message)

    def _is_within_budget(self) -> bool:
        now = self._desk.parts.clock()
        earned = (now - self._budget_at) / 1000 * FRAMES_PER_SECOND
        self._budget = min(float(BURST), self._budget + max(0.0, earned)) - 1
        self._budget_at = now
        return self._budget >= 0

    async def _take(self, message: WSMessage) -> None:
        frame = _parse(str(message.data))
        if frame is None:
            await self._socket.close(code=1007, message=b"frames are JSON objects")
            return
        try:
            match frame.get("type"):
                case "ping":
                    self._send_later({"type": "pong"})
                case "view":
                    await self._view(frame.get("conversation_id"))
                case "typing":
                    await self._type(frame.get("conversation_id"))
        except (GatewayError, StoreUnavailableError):
            # Outside the agent's scope, or gone: there is nothing to show and nobody to tell.
            return

    async def _view(self, conversation_id: object) -> None:
        found = None if conversation_id is None else await self._find(conversation_id)
        self._viewed = found.id if found is not None else None
        self._desk.presence.show(self.id, self.agent, self._viewed)
        if found is not None:
            self._send_later(self._desk.feed.presence_frame(found.id))

    async def _type(self, conversation_id: object) -> None:
        now = self._desk.parts.clock()
        if now - self._typed_at < TYPING_MS:
            return
        self._typed_at = now
        tell_typing(self._desk.parts.hub, await self._find(conversation_id), self.agent)

    async def _find(self, conversation_id: object) -> Conversation:
        wanted = str(conversation_id)[:65]
        return await self._desk.parts.store.read(
            lambda uow: get_conversation(uow, self.agent, wanted)
        )


def _parse(text: str) -> dict[str, Any] | None:
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return frame if isinstance(frame, dict) else None


async def serve_events(desk: Desk, request: web.Request) -> web.WebSocketResponse:
    """Opens the event socket.

    Raises:
        ProblemError: the page is another site's, or a one-time password was not replaced yet.
    """
    if request.headers.get("Origin") is None or not is_same_site(request, desk.parts.public_url):
        raise ProblemError("not_allowed", "Open the event socket from a page of this server.")
    found = await find_signed_in(request, desk.parts, desk.parts.clock())
    if found is not None:
        require_password_changed(found[1])
    web_socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_SECONDS, max_msg_size=FRAME_LIMIT, compress=False
    )
    await web_socket.prepare(request)
    if found is None:  # said on the socket, because pages cannot read why an upgrade failed
        await web_socket.close(code=SIGNED_OUT, message=b"signed out")
        return web_socket
    await ConsoleSocket(desk, web_socket, request.transport, found).run()
    return web_socket
