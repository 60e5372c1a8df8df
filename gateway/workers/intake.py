"""Takes entries from the bus, stores them, asks the bot, applies its decision, acknowledges.

An entry is acknowledged only when its turn is applied, so whatever dies on the way comes
again from the bus and goes on where it stopped. Entries of one conversation never overlap:
the bus gives out the next one after the acknowledgement.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bot.contract import Bot, Handoff
from channels.contract import InboundMessage
from gateway.domain.conversation import Conversation
from gateway.domain.inbox import Inbox, IsMailbox
from gateway.domain.records import PastLine
from gateway.metrics import Metrics
from gateway.ports.bus import Bus, BusEntry, BusUnavailableError
from gateway.ports.clock import Clock, NewId
from gateway.ports.store import Store, StoreUnavailableError
from gateway.services.ahead import Foreseen, Memory, Remembered, store_ahead
from gateway.services.inbox_directory import InboxDirectory
from gateway.services.intake import (
    Accepted,
    ForeignIdError,
    IntakeContext,
    accept_batch,
)
from gateway.services.turns import (
    Applied,
    Decided,
    Taken,
    apply_batch,
    build_turn,
    take_turn,
)
from gateway.services.wire import UnreadableEntryError, decode_inbound
from gateway.workers.finishing import finish

log = logging.getLogger(__name__)

BATCH = 64
IN_FLIGHT = 3  # batches: one in the store, one with the bot, one on its way
MAX_ATTEMPTS = 5
QUICK = 0.02  # seconds after which a slow turn no longer holds up the rest of its batch
UNAVAILABLE_DELAY = 1.0


@dataclass(frozen=True, slots=True)
class _Work:
    """An entry that could be read; `turn` is under way when it could be taken ahead."""

    entry: BusEntry
    inbound: InboundMessage
    inbox: Inbox
    remembered: Remembered | None = None
    turn: asyncio.Task[Taken] | None = None

    def turn_on(self, accepted: Accepted) -> asyncio.Task[Taken] | None:
        """The turn that is under way, if it is owed and the bot was asked the right thing."""
        if self.turn is None or self.remembered is None:
            return None
        if accepted.owes_turn and self.remembered.precedes(accepted):
            return self.turn
        self.turn.cancel()
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeParts:
    """What the intake needs. `turn_limit` in seconds."""

    bus: Bus
    store: Store
    bot: Bot
    inboxes: InboxDirectory
    is_mailbox: IsMailbox
    clock: Clock
    new_id: NewId
    metrics: Metrics
    turn_limit: float


class IntakeWorker:
    """One process's intake."""

    def __init__(self, parts: IntakeParts) -> None:
        self._parts = parts
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._running: set[asyncio.Task[None]] = set()
        self._memory = Memory()

    async def run(self) -> None:
        """Works until cancelled or the bus closes; what is in hand then is left to `drain`."""
        while True:
            await self._room.acquire()
            try:
                entries = await self._parts.bus.take(BATCH)
            except BaseException:
                self._room.release()
                raise
            if not entries:
                self._room.release()
                return
            self._spawn(self._handle_batch(entries))

    async def drain(self, limit: float) -> None:
        """Waits until nothing is in hand; after `limit` seconds leaves the rest to the bus."""
        await finish(self._running, limit)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _handle_batch(self, entries: Sequence[BusEntry]) -> None:
        try:
            await self._guard(self._handle(entries), entries)
        finally:
            self._room.release()

    async def _guard(self, work: Coroutine[Any, Any, None], entries: Sequence[BusEntry]) -> None:
        """A fault of our own must not leave entries in hand, where they would block their keys."""
        try:
            await work
        except Exception as error:
            log.exception("the intake failed", extra={"action": "intake_failed"})
            for entry in entries:  # what was acknowledged meanwhile stays so
                await self._retry_or_bury(entry, error)

    async def _handle(self, entries: Sequence[BusEntry]) -> None:
        readable = [w for entry in entries if (w := await self._read(entry)) is not None]
        rest = await self._handle_ahead([self._begin_ahead(work) for work in readable])
        if not rest:
            return
        try:
            accepted = await self._accept(rest)
        except StoreUnavailableError as error:
            await self._wait_for_store(rest, error)
            return
        except Exception as error:
            await self._isolate(rest, error)
            return
        await self._turns(rest, accepted)

    def _begin_ahead(self, work: _Work) -> _Work:
        """Asks the bot already, when how the conversation stands is remembered."""
        found = self._memory.recall(work.inbound.conversation_key, self._parts.clock())
        if found is None or not work.inbox.bot:
            return work
        turn = self._take(work, found.conversation, found.lines)
        return replace(work, remembered=found, turn=turn)

    async def _handle_ahead(self, works: Sequence[_Work]) -> list[_Work]:
        """Stores message and answer together where the bot was quick; returns the others."""
        asked = [work.turn for work in works if work.turn is not None]
        if not asked:
            return list(works)
        await asyncio.wait(asked, timeout=QUICK)
        ready = [
            (work, Foreseen(work.inbound, work.remembered, work.turn.result()))
            for work in works
            if work.turn is not None and work.turn.done() and work.remembered is not None
        ]
        try:
            results = await self._store_ahead(ready)
        except Exception as error:  # the ordinary way finds out which entry it was
            log.info("not stored ahead: %r", error, extra={"action": "ahead_failed"})
            return list(works)
        stored = {
            work.entry.id: result
            for (work, _), result in zip(ready, results, strict=True)
            if result is not None
        }
        done = [work for work in works if work.entry.id in stored]
        for work in done:
            self._parts.metrics.inbound.labels(work.inbox.kind, "accepted").inc()
        await self._finish(done, [stored[work.entry.id] for work in done])
        return [work for work in works if work.entry.id not in stored]

    async def _store_ahead(
        self, ready: Sequence[tuple[_Work, Foreseen]]
    ) -> list[tuple[Decided, Applied] | None]:
        batch = [foreseen for _, foreseen in ready]
        context = self._context([work for work, _ in ready])
        return await self._parts.store.write(partial(store_ahead, batch=batch, context=context))

    async def _read(self, entry: BusEntry) -> _Work | None:
        try:
            inbound = decode_inbound(entry.payload)
            inbox = await self._parts.inboxes.get(inbound.inbox_id)
        except UnreadableEntryError as error:
            await self._bury(entry, str(error))
            return None
        except StoreUnavailableError as error:
            await self._retry_unavailable([entry], error)
            return None
        if inbox is None:
            # Perhaps it was made a moment ago and this process has not heard of it yet.
            await self._retry_or_bury(entry, LookupError(f"no inbox {inbound.inbox_id}"))
            return None
        return _Work(entry, inbound, inbox)

    async def _accept(self, works: Sequence[_Work]) -> list[Accepted]:
        batch = [w.inbound for w in works]
        return await self._parts.store.write(
            partial(accept_batch, batch=batch, context=self._context(works))
        )

    def _context(self, works: Sequence[_Work]) -> IntakeContext:
        return IntakeContext(
            inboxes={w.inbox.id: w.inbox for w in works},
            is_mailbox=self._parts.is_mailbox,
            new_id=self._parts.new_id,
            now=self._parts.clock(),
        )

    def _take(
        self, work: _Work, conversation: Conversation, lines: Sequence[PastLine]
    ) -> asyncio.Task[Taken]:
        turn = build_turn(work.inbound, conversation, lines, work.inbox)
        only_files = not work.inbound.text and bool(work.inbound.attachments)
        limit = self._parts.turn_limit
        return asyncio.create_task(
            take_turn(self._parts.bot, turn, only_files=only_files, limit=limit)
        )

    async def _turns(self, works: Sequence[_Work], accepted: Sequence[Accepted]) -> None:
        settled: list[BusEntry] = []
        turns: dict[asyncio.Task[Taken], tuple[_Work, Accepted]] = {}
        for work, result in zip(works, accepted, strict=True):
            self._parts.metrics.inbound.labels(work.inbox.kind, "accepted").inc()
            turn = work.turn_on(result)
            if result.owes_turn:
                turn = turn or self._take(work, result.conversation, result.lines)
                turns[turn] = (work, result)
            else:
                settled.append(work.entry)
        if turns:
            done, slow = await asyncio.wait(turns, timeout=QUICK)
            for task in slow:
                work, result = turns[task]
                self._spawn(self._guard(self._finish_slow(task, work, result), [work.entry]))
            ready = [(turns[t], t.result()) for t in turns if t in done]
            await self._apply([(work, Decided(result, taken)) for (work, result), taken in ready])
        await self._acknowledge(settled)

    async def _finish_slow(
        self, task: asyncio.Task[Taken], work: _Work, accepted: Accepted
    ) -> None:
        await self._apply([(work, Decided(accepted, await task))])

    async def _apply(self, decided: Sequence[tuple[_Work, Decided]]) -> None:
        if not decided:
            return
        works = [work for work, _ in decided]
        batch = [decision for _, decision in decided]
        try:
            applied = await self._parts.store.write(
                partial(apply_batch, batch=batch, context=self._context(works))
            )
        except StoreUnavailableError as error:
            await self._wait_for_store(works, error)
            return
        except Exception as error:
            log.exception("applying turns failed", extra={"action": "apply_failed"})
            await self._isolate(works, error)
            return
        await self._finish(works, list(zip(batch, applied, strict=True)))

    async def _finish(
        self, works: Sequence[_Work], ended: Sequence[tuple[Decided, Applied | None]]
    ) -> None:
        """The turns are stored: remembers how they left things, counts and acknowledges."""
        now = self._parts.clock()
        for item, applied in ended:
            self._memory.keep(item.accepted, applied)
            kind = "handoff" if isinstance(item.taken.decision, Handoff) else "reply"
            self._parts.metrics.turns.labels(kind).inc()
            waited = max(0, now - item.accepted.inbound.received_at)
            self._parts.metrics.turn_seconds.observe(waited / 1000)
        await self._acknowledge([work.entry for work in works])

    async def _isolate(self, works: Sequence[_Work], error: Exception) -> None:
        """One bad entry must not hold up the others: each is tried alone, then given up."""
        if len(works) > 1:
            for work in works:
                await self._handle([work.entry])
            return
        await self._retry_or_bury(works[0].entry, error)

    async def _retry_or_bury(self, entry: BusEntry, error: Exception) -> None:
        hopeless = isinstance(error, ForeignIdError)  # another try would find the same
        if hopeless or entry.attempts + 1 >= MAX_ATTEMPTS:
            await self._bury(entry, f"{type(error).__name__}: {error}")
            return
        log.warning("an entry failed: %r", error, extra={"action": "intake_failed"})
        delay = 2.0**entry.attempts
        await self._parts.bus.retry(entry, delay=delay, reason=repr(error))

    async def _wait_for_store(self, works: Sequence[_Work], error: Exception) -> None:
        for work in works:
            if work.turn is not None:
                work.turn.cancel()
        await self._retry_unavailable([work.entry for work in works], error)

    async def _retry_unavailable(self, entries: Sequence[BusEntry], error: Exception) -> None:
        """The database is away: that is no fault of these entries."""
        for entry in entries:
            await self._parts.bus.retry(
                entry, delay=UNAVAILABLE_DELAY, reason=str(error), counts=False
            )

    async def _acknowledge(self, entries: Sequence[BusEntry]) -> None:
        if entries:
            try:
                await self._parts.bus.acknowledge(entries)
            except BusUnavailableError as error:
                log.warning("not acknowledged: %s", error, extra={"action": "ack_failed"})

    async def _bury(self, entry: BusEntry, reason: str) -> None:
        log.error("to the dead letters: %s", reason, extra={"action": "buried"})
        self._parts.metrics.buried.inc()
        await self._parts.bus.bury(entry, reason)
