"""What consoles are told: one feed for all sockets of a process.

Frames on the hub carry ids. The feed collects them for a moment, reads what they name in one
go, builds each object once and hands it to the sockets whose agents may see it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from gateway.domain.people import Agent
from gateway.domain.records import SignInSession
from gateway.http.loading import compose_messages, load_tickets
from gateway.http.parts import HttpParts
from gateway.http.serial import Json, row_json
from gateway.ports.bus import Frame, HubClosedError
from gateway.ports.conversations import ConversationRow, Scope
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.services.access import scope_of, sees
from gateway.services.presence import Presence, PresenceListener
from gateway.services.publishing import CONSOLE
from gateway.services.signing_in import find_session

log = logging.getLogger(__name__)

COLLECT_SECONDS: Final = 0.05
RECHECK_SECONDS: Final = 60.0
MOST_OBJECTS: Final = 1_000
"""More than this at once is not shown one by one: consoles reload instead."""


class Socket(Protocol):
    """An open console."""

    agent: Agent
    session: SignInSession

    def offer(self, text: str) -> None:
        """Queues a frame; never waits."""
        ...

    def overflow(self) -> None:
        """Replaces what waits by the word that frames were lost."""
        ...

    def renew(self, agent: Agent) -> None:
        """Its agent's name, availability, role or teams changed."""
        ...

    def end(self, code: int, reason: str) -> None:
        """Closes the socket."""
        ...


SIGNED_OUT: Final = 4001


@dataclass(slots=True)
class _Batch:
    """What happened within a moment; ids once each, in order."""

    conversations: dict[str, None] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    states: list[Frame] = field(default_factory=list)
    tickets: dict[str, bool] = field(default_factory=dict)
    ticket_conversations: dict[str, None] = field(default_factory=dict)
    typing: dict[tuple[str, str], Frame] = field(default_factory=dict)
    viewed: dict[str, None] = field(default_factory=dict)
    is_lost: bool = False

    def add(self, frame: Frame) -> None:
        """Takes a frame in."""
        conversation_id = str(frame.get("conversation_id"))
        match frame.get("type"):
            case "message":
                self.messages[frame["message_id"]] = conversation_id
            case "message_state":
                self.states.append(frame)
            case "conversation":
                self.conversations[conversation_id] = None
            case "ticket":
                opened = self.tickets.get(frame["ticket_id"], False) or bool(frame["opened"])
                self.tickets[frame["ticket_id"]] = opened
                self.ticket_conversations[conversation_id] = None
            case "typing":
                self.typing[conversation_id, str(frame.get("agent_id"))] = frame
            case "overflow":
                self.is_lost = True

    def touched(self) -> list[str]:
        """Every conversation that it names."""
        return list(
            dict.fromkeys(
                [
                    *self.conversations,
                    *self.messages.values(),
                    *(str(frame["conversation_id"]) for frame in self.states),
                    *self.ticket_conversations,
                    *(conversation_id for conversation_id, _ in self.typing),
                    *self.viewed,
                ]
            )
        )

    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.is_lost or self.touched())

    def is_too_much(self) -> bool:
        """Whether it is better not shown one by one."""
        return self.is_lost or len(self.messages) + len(self.conversations) > MOST_OBJECTS


@dataclass(frozen=True, slots=True)
class _Read:
    """What a batch names, read in one go."""

    rows: Mapping[str, ConversationRow]
    messages: list[Json]
    tickets: list[Json]


class ConsoleFeed:
    """Fans out to the sockets of this process; works only while there are any."""

    def __init__(self, parts: HttpParts, presence: Presence) -> None:
        self._parts = parts
        self._presence = presence
        self._sockets: dict[Socket, Scope] = {}
        self._batch = _Batch()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._rechecks: set[asyncio.Task[None]] = set()

    @property
    def sockets(self) -> int:
        """How many consoles are open in this process."""
        return len(self._sockets)

    def listener(self) -> PresenceListener:
        """What presence tells its changes to."""
        return PresenceListener(
            agent=self._agent_presence,
            viewers=self._viewers_changed,
            session_ended=self._session_ended,
            agent_changed=self._agent_changed,
        )

    def open(self, socket: Socket) -> None:
        """A console opened."""
        self._sockets[socket] = scope_of(socket.agent)
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._follow(), name="console-feed"),
                asyncio.create_task(self._flush_forever(), name="console-flush"),
                asyncio.create_task(self._recheck_forever(), name="console-recheck"),
            ]

    async def close(self, socket: Socket) -> None:
        """A console closed."""
        self._sockets.pop(socket, None)
        if not self._sockets:
            await self._stop()

    async def shut(self) -> None:
        """Closes every console: the server goes away, they may connect again."""
        for socket in list(self._sockets):
            socket.end(1001, "the server restarts")
        await self._stop()

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow(self) -> None:
        subscription = self._parts.hub.subscribe(CONSOLE)
        try:
            while True:
                frame = await subscription.get()
                self._batch.add(frame)  # the batch of now, not of when the waiting began
                self._wake.set()
        except HubClosedError:
            return
        finally:
            subscription.close()

    async def _flush_forever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(COLLECT_SECONDS)
            self._wake.clear()
            batch, self._batch = self._batch, _Batch()
            try:
                await self._flush(batch)
            except StoreUnavailableError:
                self._overflow()
            except Exception:  # one frame that cannot be shown must not end the feed
                log.exception("a batch could not be shown", extra={"action": "feed_failed"})
                self._overflow()

    async def _flush(self, batch: _Batch) -> None:
        if batch.is_empty():
            return
        if batch.is_too_much():
            self._overflow()
            return
        found = await self._parts.store.read(lambda uow: self._read(uow, batch))
        self._send_tickets(batch, found)
        self._send_messages(found)
        for frame in batch.states:
            self._send(found.rows.get(str(frame["conversation_id"])), dict(frame))
        self._send_conversations(batch, found)
        for (conversation_id, _), frame in batch.typing.items():
            self._send(found.rows.get(conversation_id), dict(frame))
        for conversation_id in batch.viewed:
            self._send(found.rows.get(conversation_id), self.presence_frame(conversation_id))

    def _read(self, uow: UnitOfWork, batch: _Batch) -> _Read:
        rows = uow.conversations.rows(batch.touched())
        messages = [
            message
            for message in uow.messages.by_ids(list(batch.messages)).values()
            if message.conversation_id in rows
        ]
        messages.sort(key=lambda message: (message.created_at, message.seq))
        tickets = uow.tickets.by_ids(list(batch.tickets))
        return _Read(
            rows=rows,
            messages=compose_messages(uow, messages, rows, self._parts.article_title),
            tickets=load_tickets(uow, list(tickets.values())),
        )

    def _send_tickets(self, batch: _Batch, found: _Read) -> None:
        for ticket in found.tickets:
            frame = {"type": "ticket", "ticket": ticket, "opened": batch.tickets[ticket["id"]]}
            self._send(found.rows.get(ticket["conversation_id"]), frame)

    def _send_messages(self, found: _Read) -> None:
        for message in found.messages:
            row = found.rows[message["conversation_id"]]
            frame = {
                "type": "message",
                "conversation_id": message["conversation_id"],
                "message": message,
                "conversation": row_json(row),
            }
            self._send(row, frame)

    def _send_conversations(self, batch: _Batch, found: _Read) -> None:
        """Those who may see it get the row; the others learn that it is none of theirs now."""
        for conversation_id in batch.conversations:
            row = found.rows.get(conversation_id)
            if row is None:
                continue
            shown = _encode({"type": "conversation", "conversation": row_json(row)})
            gone = _encode({"type": "gone", "conversation_id": conversation_id})
            for socket, scope in self._sockets.items():
                socket.offer(shown if sees(scope, row.conversation) else gone)

    def _send(self, row: ConversationRow | None, frame: Json) -> None:
        if row is None:
            return
        text = _encode(frame)
        for socket, scope in self._sockets.items():
            if sees(scope, row.conversation):
                socket.offer(text)

    def _overflow(self) -> None:
        for socket in self._sockets:
            socket.overflow()

    def presence_frame(self, conversation_id: str) -> Json:
        """Who looks at a conversation."""
        return {
            "type": "presence",
            "conversation_id": conversation_id,
            "viewers": self._presence.viewers(conversation_id),
        }

    def _agent_presence(self, agent_id: str, present: bool, availability: str) -> None:
        frame = {
            "type": "agent_presence",
            "agent_id": agent_id,
            "present": present,
            "availability": availability,
        }
        text = _encode(frame)
        for socket in self._sockets:
            socket.offer(text)

    def _viewers_changed(self, conversation_id: str) -> None:
        if self._sockets:
            self._batch.viewed[conversation_id] = None
            self._wake.set()

    def _session_ended(self, frame: Frame) -> None:
        for socket in list(self._sockets):
            token_hash = socket.session.token_hash
            if (
                socket.agent.id == frame["agent_id"]
                and token_hash != frame["keep"]
                and frame["only"] in {None, token_hash}
            ):
                socket.end(SIGNED_OUT, "signed out")

    def _agent_changed(self, agent_id: str) -> None:
        concerned = [socket for socket in self._sockets if socket.agent.id == agent_id]
        if concerned:
            task = asyncio.create_task(self._recheck(concerned))
            self._rechecks.add(task)
            task.add_done_callback(self._rechecks.discard)

    async def _recheck_forever(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            await self._recheck(list(self._sockets))

    async def _recheck(self, sockets: Iterable[Socket]) -> None:
        """Reads sessions, roles and teams again; whose session ended is shown out."""
        concerned = list(sockets)
        now = self._parts.clock()

        def work(uow: UnitOfWork) -> list[tuple[SignInSession, Agent] | None]:
            return [find_session(uow, s.session.token_hash, now=now) for s in concerned]

        try:
            found = await self._parts.store.read(work)
        except StoreUnavailableError:
            return  # looked at again soon
        for socket, pair in zip(concerned, found, strict=True):
            if socket not in self._sockets:
                continue
            if pair is None:
                socket.end(SIGNED_OUT, "signed out")
            else:
                self._renew(socket, pair[1])

    def _renew(self, socket: Socket, agent: Agent) -> None:
        if agent == socket.agent:
            return
        socket.renew(agent)
        scope = scope_of(agent)
        if scope != self._sockets[socket]:
            self._sockets[socket] = scope
            socket.overflow()  # lists must be loaded again


def _encode(frame: Mapping[str, Any]) -> str:
    return orjson.dumps(frame).decode()
