"""Who is there and who looks at what, across processes.

Each process announces its console sockets on the hub and again every few seconds; what is
not announced again is forgotten, so a process that dies leaves nobody behind.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gateway.domain.people import Agent
from gateway.ports.bus import Frame, Hub, HubClosedError
from gateway.ports.clock import Clock

TOPIC: Final = "presence"
ANNOUNCE_SECONDS: Final = 20.0
FORGET_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """One console socket: whose it is and which conversation it shows."""

    socket_id: str
    agent_id: str
    name: str
    availability: str
    conversation_id: str | None
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceListener:
    """Whom changes are told to, such as the console feed of this process.

    `agent` gets an agent's id, whether they are present and their availability; `viewers` a
    conversation's id; `session_ended` and `agent_changed` the frame.
    """

    agent: Callable[[str, bool, str], None]
    viewers: Callable[[str], None]
    session_ended: Callable[[Frame], None]
    agent_changed: Callable[[str], None]


class Presence:
    """This process's picture of all console sockets everywhere."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._viewers: dict[str, Viewer] = {}
        self._own: set[str] = set()
        self._listener: PresenceListener | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, listener: PresenceListener | None = None) -> None:
        """Begins to listen, and asks the other processes who is there."""
        self._listener = listener
        subscription = self._hub.subscribe(TOPIC)

        async def follow() -> None:
            try:
                while True:
                    self._take(await subscription.get())
            except HubClosedError:
                return
            finally:
                subscription.close()

        self._tasks = [asyncio.create_task(follow()), asyncio.create_task(self._announce())]
        self._hub.publish(TOPIC, {"type": "who"})

    async def stop(self) -> None:
        """Ends listening."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def is_present(self, agent_id: str) -> bool:
        """Whether a console of that agent is open anywhere."""
        return any(viewer.agent_id == agent_id for viewer in self._viewers.values())

    def present(self) -> dict[str, str]:
        """Availability by id of those who are present."""
        return {viewer.agent_id: viewer.availability for viewer in self._viewers.values()}

    def viewers(self, conversation_id: str) -> list[dict[str, str]]:
        """Agents who look at the conversation, each once."""
        found = {
            viewer.agent_id: {"id": viewer.agent_id, "name": viewer.name}
            for viewer in self._viewers.values()
            if viewer.conversation_id == conversation_id
        }
        return [found[key] for key in sorted(found)]

    def show(self, socket_id: str, agent: Agent, conversation_id: str | None) -> None:
        """An own socket opened, or looks at something else now."""
        self._own.add(socket_id)
        viewer = Viewer(
            socket_id=socket_id,
            agent_id=agent.id,
            name=agent.name,
            availability=agent.availability.value,
            conversation_id=conversation_id,
            seen_at=self._clock(),
        )
        self._set(viewer)
        self._hub.publish(TOPIC, _frame_of(viewer))

    def leave(self, socket_id: str) -> None:
        """An own socket closed."""
        self._own.discard(socket_id)
        self._drop(socket_id)
        self._hub.publish(TOPIC, {"type": "left", "socket": socket_id})

    def end_sessions(
        self, agent_id: str, *, only: str | None = None, keep: str | None = None
    ) -> None:
        """Tells all processes that an agent's sessions ended.

        Args:
            agent_id: whose.
            only: the one token hash that ended; None: all of them.
            keep: the token hash that goes on.
        """
        frame = {"type": "session_ended", "agent_id": agent_id, "only": only, "keep": keep}
        self._hub.publish(TOPIC, frame)

    def tell_agent_changed(self, agent: Agent) -> None:
        """Tells all processes that an agent's name, teams, role or availability changed."""
        self._hub.publish(TOPIC, {"type": "agent_changed", "agent_id": agent.id})

    def _take(self, frame: Frame) -> None:
        kind = frame.get("type")
        if kind == "showing" and frame["socket"] not in self._own:
            self._set(_viewer_of(frame, self._clock()))
        elif kind == "left" and frame["socket"] not in self._own:
            self._drop(str(frame["socket"]))
        elif kind in {"who", "overflow"}:
            self._repeat()
        elif kind == "session_ended" and self._listener is not None:
            self._listener.session_ended(frame)
        elif kind == "agent_changed" and self._listener is not None:
            self._listener.agent_changed(str(frame["agent_id"]))

    def _set(self, viewer: Viewer) -> None:
        before = self._viewers.get(viewer.socket_id)
        known = self.present().get(viewer.agent_id)
        self._viewers[viewer.socket_id] = viewer
        if self._listener is None:
            return
        if known != viewer.availability:
            self._listener.agent(viewer.agent_id, True, viewer.availability)
        seen = before.conversation_id if before is not None else None
        for conversation_id in {seen, viewer.conversation_id} - {None}:
            if seen != viewer.conversation_id:
                self._listener.viewers(str(conversation_id))

    def _drop(self, socket_id: str) -> None:
        viewer = self._viewers.pop(socket_id, None)
        if viewer is None or self._listener is None:
            return
        if not self.is_present(viewer.agent_id):
            self._listener.agent(viewer.agent_id, False, viewer.availability)
        if viewer.conversation_id is not None:
            self._listener.viewers(viewer.conversation_id)

    async def _announce(self) -> None:
        while True:
            await asyncio.sleep(ANNOUNCE_SECONDS)
            self._repeat()
            self._forget()

    def _repeat(self) -> None:
        for socket_id in self._own:
            self._hub.publish(TOPIC, _frame_of(self._viewers[socket_id]))

    def _forget(self) -> None:
        oldest = self._clock() - FORGET_MS
        for socket_id, viewer in list(self._viewers.items()):
            if socket_id not in self._own and viewer.seen_at < oldest:
                self._drop(socket_id)


def _frame_of(viewer: Viewer) -> dict[str, Any]:
    return {
        "type": "showing",
        "socket": viewer.socket_id,
        "agent_id": viewer.agent_id,
        "name": viewer.name,
        "availability": viewer.availability,
        "conversation_id": viewer.conversation_id,
    }


def _viewer_of(frame: Frame, now: int) -> Viewer:
    return Viewer(
        socket_id=frame["socket"],
        agent_id=frame["agent_id"],
        name=frame["name"],
        availability=frame["availability"],
        conversation_id=frame["conversation_id"],
        seen_at=now,
    )
