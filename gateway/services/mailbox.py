"""A customer's side of a conversation, for channels whose customers fetch messages from us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from channels.contract import MessageState, PublicMessage, conversation_key
from channels.errors import UnavailableError
from gateway.domain.conversation import PUBLIC_KINDS, Controller
from gateway.domain.events import MessageStateChanged
from gateway.domain.records import Mark, Raised
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.ports.bus import Hub, HubSubscription
from gateway.ports.clock import Clock
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.access import holder_name
from gateway.services.publishing import CONSOLE, handle_topic

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_AFTER: Final = 5.0  # seconds, while the database is away


class StoreMailbox:
    """Implements `channels.contract.Mailbox` over the store and the hub.

    What it reads raises `channels.errors.UnavailableError` while the database does not answer.
    Marks that arrive while one write is under way share the next one.
    """

    def __init__(self, store: Store, hub: Hub, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._marks: dict[tuple[str, MessageState, str | None], Mark] = {}
        self._writing: asyncio.Task[None] | None = None
        self._next: asyncio.Future[None] | None = None

    def subscribe(self, inbox_id: str, handle: str) -> HubSubscription:
        """Frames from now on, from whichever process they come."""
        return self._hub.subscribe(handle_topic(inbox_id, handle))

    async def history(
        self, inbox_id: str, handle: str, *, after: int = 0, limit: int = 100
    ) -> Sequence[PublicMessage]:
        """Public messages after a `seq`, oldest first; the newest ones when `after` is 0."""
        key = conversation_key(inbox_id, handle)

        def work(uow: UnitOfWork) -> list[PublicMessage]:
            found = uow.conversations.by_keys([key]).get(key)
            if found is None:
                return []
            messages = uow.messages.page(
                found.id, after=after or None, limit=limit, kinds=PUBLIC_KINDS
            )
            return [m.public() for m in messages]

        return await self._read(work)

    async def controller(self, inbox_id: str, handle: str) -> tuple[str, str]:
        """Who answers now, and the agent's name when it is one."""
        key = conversation_key(inbox_id, handle)

        def work(uow: UnitOfWork) -> tuple[str, str]:
            found = uow.conversations.by_keys([key]).get(key)
            if found is None:
                return Controller.BOT.value, ""
            return found.controller.value, holder_name(uow, found)

        return await self._read(work)

    async def undelivered(self, inbox_id: str, handle: str) -> Sequence[PublicMessage]:
        """Outgoing messages that the customer has not fetched, oldest first."""
        key = conversation_key(inbox_id, handle)

        def work(uow: UnitOfWork) -> list[PublicMessage]:
            found = uow.conversations.by_keys([key]).get(key)
            if found is None:
                return []
            return [m.public() for m in uow.messages.unfetched(found.id)]

        return await self._read(work)

    async def mark(
        self,
        inbox_id: str,
        handle: str,
        *,
        up_to: int,
        state: MessageState,
        in_reply_to: str | None = None,
    ) -> None:
        """Notes what the customer's side received or saw; returns when that was tried.

        Losing a mark is harmless: the messages are offered again, under the same ids.
        """
        mark = Mark(inbox_id, handle, up_to, state, in_reply_to)
        place = (mark.key, state, in_reply_to)
        earlier = self._marks.get(place)
        if earlier is None or earlier.up_to < up_to:
            self._marks[place] = mark
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        written = self._next
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_marks())
        await asyncio.shield(written)

    async def _write_marks(self) -> None:
        """Writes batch by batch until no marks wait; each batch releases its own callers."""
        while self._marks:
            marks, self._marks = list(self._marks.values()), {}
            written, self._next = self._next, None
            try:
                await self._store.write(partial(write_marks, marks=marks, now=self._clock()))
            except Exception:  # the messages are offered again when the customer next asks
                log.exception("marks are lost", extra={"action": "marks_lost"})
            finally:
                if written is not None:
                    written.set_result(None)
        self._writing = None

    async def typing(self, inbox_id: str, handle: str) -> None:
        """Tells the consoles that the customer is typing."""
        if not self._hub.wanted(CONSOLE):
            return
        key = conversation_key(inbox_id, handle)
        found = (await self._read(lambda uow: uow.conversations.by_keys([key]))).get(key)
        if found is not None:
            self._hub.publish(
                CONSOLE,
                {"type": "typing", "conversation_id": found.id, "who": "customer", "name": ""},
            )

    async def _read(self, work: Callable[[UnitOfWork], T]) -> T:
        try:
            return await self._store.read(work)
        except StoreUnavailableError as error:
            raise UnavailableError("the conversation cannot be read", RETRY_AFTER) from error


_HOPS = {MessageState.DELIVERED: Hop.DELIVERED, MessageState.READ: Hop.READ}


def write_marks(uow: UnitOfWork, marks: Sequence[Mark], now: int) -> None:
    """Raises outgoing messages to the marks' states; what is further already stays."""
    trail: list[TrailEntry] = []
    for mark, raised in zip(marks, uow.messages.raise_states(marks, now), strict=True):
        if not raised:
            continue
        trail += [_hop(one, mark.state, now) for one in raised]
        uow.emit(
            MessageStateChanged(
                conversation_id=raised[0].conversation_id,
                inbox_id=mark.inbox_id,
                handle=mark.handle,
                message_ids=tuple(one.message_id for one in raised),
                state=mark.state,
            )
        )
    uow.trail.add(trail)


def _hop(raised: Raised, state: MessageState, now: int) -> TrailEntry:
    return TrailEntry(
        message_id=raised.message_id,
        hop=_HOPS[state],
        outcome=Outcome.OK,
        reason="",
        ms=max(0, now - raised.created_at),
        at=now,
    )
