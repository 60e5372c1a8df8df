"""Takes entries from the bus, stores them, asks the bot, applies its decision, acknowledges.

An entry is acknowledged only when its turn is applied, so whatever dies on the way comes
again from the bus and goes on where it stopped. Entries of one conversation never overlap:
the bus gives out the next one after the acknowledgement.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bot.contract import Bot, Customer, Turn
from channels.contract import InboundMessage
from gateway.domain.conversation import Conversation
from gateway.domain.inbox import HasLetters, Inbox, IsMailbox
from gateway.domain.records import JournalEntry, PastLine
from gateway.metrics import Metrics
from gateway.ports.bus import Bus, BusEntry, BusUnavailableError, Hub, HubClosedError
from gateway.ports.clock import Clock, NewId
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.accepting import Incoming, Memory, Remembered, accept_batch
from gateway.services.desk_view import DeskView
from gateway.services.inbox_directory import InboxDirectory
from gateway.services.intake import (
    Accepted,
    ForeignIdError,
    IntakeContext,
)
from gateway.services.participants import is_letter
from gateway.services.publishing import CUSTOMERS
from gateway.services.turns import (
    Applied,
    Decided,
    Taken,
    apply_batch,
    build_turn,
    hand_over,
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

    def incoming(self) -> Incoming:
        """The message, with the turn on it when the bot was done in time."""
        done = self.turn is not None and self.turn.done()
        return Incoming(
            self.inbound, self.remembered, self.turn.result() if self.turn and done else None
        )

    def turn_on(self, accepted: Accepted) -> asyncio.Task[Taken] | None:
        """The turn that is under way, if the bot was asked about what stands now."""
        if self.remembered is not None and self.remembered.precedes(accepted):
            return self.turn
        self.cancel_turn()
        return None

    def cancel_turn(self) -> None:
        """Nobody needs what the bot would say."""
        if self.turn is not None:
            self.turn.cancel()


def _cancel_turns(works: Sequence[_Work]) -> None:
    for work in works:
        work.cancel_turn()


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeParts:
    """What the intake needs. `turn_limit` in seconds."""

    bus: Bus
    store: Store
    bot: Bot
    inboxes: InboxDirectory
    desks: DeskView
    is_mailbox: IsMailbox
    has_letters: HasLetters
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

    async def follow_customers(self, hub: Hub) -> None:
        """Forgets customers who change; runs until cancelled or the hub closes."""
        subscription = hub.subscribe(CUSTOMERS)
        try:
            while True:
                frame = await subscription.get()
                if frame["type"] == "changed":
                    self._memory.customers.forget(frame["contact_id"])
                else:  # frames were lost
                    self._memory.customers.clear()
        except HubClosedError:
            return
        finally:
            subscription.close()

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
            await self._isolate(entries, error)  # what was acknowledged meanwhile stays so

    async def _handle(self, entries: Sequence[BusEntry]) -> None:
        readable = [w for entry in entries if (w := await self._read(entry)) is not None]
        if not readable:
            return
        works = [self._begin_ahead(work) for work in readable]
        try:
            if asked := [work.turn for work in works if work.turn is not None]:
                await asyncio.wait(asked, timeout=QUICK)
            results = await self._accept(works)
        except StoreUnavailableError as error:
            _cancel_turns(works)
            await self._wait_for_store([work.entry for work in works], error)
            return
        except Exception as error:
            _cancel_turns(works)
            for work in works:  # a turn taken ahead must not keep its message from being stored
                self._memory.forget(work.inbound.conversation_key)
            await self._isolate([work.entry for work in works], error)
            return
        await self._turns(works, results)

    def _begin_ahead(self, work: _Work) -> _Work:
        """Asks the bot already, when how the conversation stands is remembered."""
        found = self._memory.recall(work.inbound.conversation_key, self._parts.clock())
        if found is None or not work.inbox.bot:
            return work
        customer = self._memory.customers.get(found.conversation.contact_id)
        if customer is None:
            return work
        turn = self._take(work, found.conversation, found.lines, customer)
        return replace(work, remembered=found, turn=turn)

    async def _read(self, entry: BusEntry) -> _Work | None:
        try:
            inbound = decode_inbound(entry.payload)
            inbox = await self._parts.inboxes.get(inbound.inbox_id)
        except UnreadableEntryError as error:
            await self._bury(entry, str(error))
            return None
        except StoreUnavailableError as error:
            await self._wait_for_store([entry], error)
            return None
        if inbox is None:
            # Perhaps it was made a moment ago and this process has not heard of it yet.
            await self._retry_or_bury(entry, LookupError(f"no inbox {inbound.inbox_id}"))
            return None
        return _Work(entry, inbound, inbox)

    async def _accept(self, works: Sequence[_Work]) -> list[tuple[Accepted, Applied | None]]:
        """Stores messages with the answers that are ready.

        A message on which a turn is still owed is put into the bus's journal with it: if this
        process died now, the turn would be nobody's.
        """
        entries = [work.entry for work in works]
        customers = self._memory.customers
        mark = customers.mark()
        results, kept = await self._parts.store.write(
            partial(
                _store,
                batch=[work.incoming() for work in works],
                context=self._context(works),
                rows=self._parts.bus.unkept(entries),
                entries=entries,
            )
        )
        self._parts.bus.keep(kept)
        for accepted, _ in results:
            if accepted.customer is not None:
                customers.keep(accepted.conversation.contact_id, accepted.customer, mark)
        return results

    def _context(self, works: Sequence[_Work]) -> IntakeContext:
        return IntakeContext(
            inboxes={w.inbox.id: w.inbox for w in works},
            is_mailbox=self._parts.is_mailbox,
            has_letters=self._parts.has_letters,
            new_id=self._parts.new_id,
            now=self._parts.clock(),
        )

    def _take(
        self,
        work: _Work,
        conversation: Conversation,
        lines: Sequence[PastLine],
        customer: Customer | None,
    ) -> asyncio.Task[Taken]:
        turn = self._build(work, conversation, lines, customer)
        only_files = not work.inbound.text and bool(work.inbound.attachments)
        limit = self._parts.turn_limit
        return asyncio.create_task(
            take_turn(self._parts.bot, turn, only_files=only_files, limit=limit)
        )

    def _build(
        self,
        work: _Work,
        conversation: Conversation,
        lines: Sequence[PastLine],
        customer: Customer | None,
    ) -> Turn:
        return build_turn(
            work.inbound,
            conversation,
            lines,
            work.inbox,
            customer=customer,
            desk=self._parts.desks.of(work.inbox.team_id),
            letter=self._parts.has_letters(work.inbox.kind) or is_letter(work.inbound),
        )

    async def _turns(
        self, works: Sequence[_Work], results: Sequence[tuple[Accepted, Applied | None]]
    ) -> None:
        ended: list[tuple[_Work, Applied | None, Accepted]] = []
        turns: dict[asyncio.Task[Taken], tuple[_Work, Accepted]] = {}
        for work, (accepted, applied) in zip(works, results, strict=True):
            self._parts.metrics.inbound.labels(work.inbox.kind, "accepted").inc()
            if applied is None and accepted.owes_turn:
                turn = work.turn_on(accepted)
                turn = turn or self._take(
                    work, accepted.conversation, accepted.lines, accepted.customer
                )
                turns[turn] = (work, accepted)
            else:
                work.cancel_turn()
                ended.append((work, applied, accepted))
        await self._finish(ended)
        if not turns:
            return
        done, slow = await asyncio.wait(turns, timeout=QUICK)
        for task in slow:
            work, accepted = turns[task]
            self._spawn(self._guard(self._finish_slow(task, work, accepted), [work.entry]))
        ready = [(turns[t], t.result()) for t in turns if t in done]
        await self._apply([(work, Decided(one, taken)) for (work, one), taken in ready])

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
            await self._wait_for_store([work.entry for work in works], error)
            return
        except Exception as error:
            log.exception("applying turns failed", extra={"action": "apply_failed"})
            if len(works) == 1 and _is_last_try(works[0].entry):
                await self._hand_over(*decided[0], error)
            else:
                await self._isolate([work.entry for work in works], error)
            return
        ended = zip(works, applied, [d.accepted for d in batch], strict=True)
        await self._finish(list(ended))

    async def _hand_over(self, work: _Work, decided: Decided, error: Exception) -> None:
        """No try is left: people take over; only where that fails too is the entry buried."""
        one = decided.accepted
        turn = self._build(work, one.conversation, one.lines, one.customer)
        given_up = replace(decided, taken=hand_over(self._parts.bot, turn))
        try:
            (applied,) = await self._parts.store.write(
                partial(apply_batch, batch=[given_up], context=self._context([work]))
            )
        except StoreUnavailableError as away:
            await self._wait_for_store([work.entry], away)
        except Exception:
            log.exception("handing over failed", extra={"action": "apply_failed"})
            await self._retry_or_bury(work.entry, error)
        else:
            await self._finish([(work, applied, one)])

    async def _finish(self, ended: Sequence[tuple[_Work, Applied | None, Accepted]]) -> None:
        """What these messages asked for is stored: remembers, counts and acknowledges."""
        if not ended:
            return
        now = self._parts.clock()
        for _, applied, accepted in ended:
            self._memory.keep(accepted, applied)
            if applied is None:
                continue  # a person answers, or the turn was applied before
            self._parts.metrics.turns.labels(applied.turn.decision).inc()
            waited = max(0, now - accepted.inbound.received_at)
            self._parts.metrics.turn_seconds.observe(waited / 1000)
        await self._acknowledge([work.entry for work, *_ in ended])

    async def _isolate(self, entries: Sequence[BusEntry], error: Exception) -> None:
        """One bad entry must not hold up the others: each is tried alone, then given up."""
        if len(entries) > 1:
            for entry in entries:
                await self._guard(self._handle([entry]), [entry])
            return
        await self._retry_or_bury(entries[0], error)

    async def _retry_or_bury(self, entry: BusEntry, error: Exception) -> None:
        hopeless = isinstance(error, ForeignIdError)  # another try would find the same
        if hopeless or _is_last_try(entry):
            await self._bury(entry, f"{type(error).__name__}: {error}")
            return
        log.warning("an entry failed: %r", error, extra={"action": "intake_failed"})
        delay = 2.0**entry.attempts
        await self._parts.bus.retry(entry, delay=delay, reason=repr(error))

    async def _wait_for_store(self, entries: Sequence[BusEntry], error: Exception) -> None:
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


def _is_last_try(entry: BusEntry) -> bool:
    return entry.attempts + 1 >= MAX_ATTEMPTS


def _store(
    uow: UnitOfWork,
    *,
    batch: Sequence[Incoming],
    context: IntakeContext,
    rows: Mapping[str, JournalEntry],
    entries: Sequence[BusEntry],
) -> tuple[list[tuple[Accepted, Applied | None]], list[str]]:
    """Accepts the batch; returns what became of each, and the ids that it put into the journal."""
    results = accept_batch(uow, batch, context)
    kept = [
        entry.id
        for entry, (accepted, applied) in zip(entries, results, strict=True)
        if accepted.owes_turn and applied is None and entry.id in rows
    ]
    uow.journal.append([rows[entry_id] for entry_id in kept])
    return results, kept
