"""What channels keep between messages, over the store: state, leases, threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from channels.errors import UnavailableError
from channels.keeping import Thread
from gateway.ports.clock import Clock, NewId
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_AFTER: Final = 5.0  # seconds, while the database is away
LEASE: Final = 12_000  # ms: how long the work of a killed process rests
RENEW_SECONDS: Final = 3.0
WAIT_SECONDS: Final = 1.0


class StoreState:
    """`channels.keeping.ChannelState` of one inbox."""

    def __init__(self, store: Store, inbox_id: str) -> None:
        self._store = store
        self._inbox_id = inbox_id

    async def get(self, name: str) -> str | None:
        """The value; None where there is none."""
        work = self._store.read(lambda uow: uow.channel_state.get(self._inbox_id, name))
        return await _available(work)

    async def put(self, name: str, value: str) -> None:
        """Keeps the value, durable on return."""
        work = self._store.write(lambda uow: uow.channel_state.put(self._inbox_id, name, value))
        await _available(work)

    async def swap(self, name: str, expected: str | None, value: str) -> bool:
        """Keeps the value if the one that stands is still `expected`."""

        def work(uow: UnitOfWork) -> bool:
            if uow.channel_state.get(self._inbox_id, name, lock=True) != expected:
                return False
            uow.channel_state.put(self._inbox_id, name, value)
            return True

        return await _available(self._store.write(work))


class StoreThreads:
    """`channels.keeping.Threads` of one inbox."""

    def __init__(self, store: Store, inbox_id: str, clock: Clock) -> None:
        self._store = store
        self._inbox_id = inbox_id
        self._clock = clock

    async def find(self, refs: Sequence[str]) -> Thread | None:
        """The thread of the first of these references that is known."""
        if not refs:
            return None
        found = await _available(
            self._store.read(lambda uow: uow.threads.find(self._inbox_id, refs))
        )
        return next((found[ref] for ref in refs if ref in found), None)

    async def remember(self, refs: Sequence[str], thread: Thread) -> Thread:
        """Ties references to a thread, durable on return; those that are tied stay."""

        def work(uow: UnitOfWork) -> Thread:
            uow.threads.add(self._inbox_id, refs, thread, now=self._clock())
            return uow.threads.find(self._inbox_id, refs[:1]).get(refs[0], thread)

        return await _available(self._store.write(work)) if refs else thread

    async def of_conversation(self, conversation_id: str) -> Thread | None:
        """Where the conversation of that id is; None when there is none."""
        found = await _available(
            self._store.read(lambda uow: uow.conversations.by_ids([conversation_id]))
        )
        one = found.get(conversation_id)
        if one is None:
            return None
        return Thread(inbox_id=one.inbox_id, handle=one.handle, thread=one.thread)


async def _available(work: Awaitable[T]) -> T:
    try:
        return await work
    except StoreUnavailableError as error:
        raise UnavailableError("what is known cannot be read", RETRY_AFTER) from error


class StoreLeases:
    """`channels.keeping.Leases` of one inbox, over the store's leases."""

    def __init__(self, store: Store, inbox_id: str, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._inbox_id = inbox_id
        self._clock = clock
        self._new_id = new_id

    async def run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Runs the work under the lease; begins it again when the lease was lost."""
        lease = _Lease(
            self._store, f"channel:{self._inbox_id}:{name}", self._new_id(), self._clock
        )
        while True:
            await lease.acquire()
            try:
                if await _run_while(work, lease.keep):
                    return
            finally:
                await lease.release()
            log.warning("a lease was lost: %s", name, extra={"action": "lease_lost"})


async def _run_while(
    work: Callable[[], Awaitable[None]], keep: Callable[[], Awaitable[None]]
) -> bool:
    """Runs the work until it ends, or `keep` does; whether the work ended by itself."""
    working = asyncio.ensure_future(work())
    keeping = asyncio.ensure_future(keep())
    try:
        await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
        ended = working.done()
    finally:
        working.cancel()
        keeping.cancel()
        await asyncio.wait({working, keeping})
    if ended:
        working.result()
    return ended


class _Lease:
    def __init__(self, store: Store, name: str, holder: str, clock: Clock) -> None:
        self._store = store
        self._name = name
        self._holder = holder
        self._clock = clock
        self._until = 0

    async def acquire(self) -> None:
        """Waits until it is free."""
        while True:
            try:
                if await self._take():
                    return
            except StoreUnavailableError as error:
                log.warning("a lease is out of reach: %s", error, extra={"action": "store_down"})
            await asyncio.sleep(WAIT_SECONDS)

    async def keep(self) -> None:
        """Renews it; returns when it is lost, or is about to be: the database is away."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                if not await self._take():
                    return
            except StoreUnavailableError:
                if self._clock() + RENEW_SECONDS * 1000 >= self._until:
                    return

    async def release(self) -> None:
        """Gives it up, so that the next one need not wait."""
        try:
            await self._store.write(lambda uow: uow.leases.release(self._name, self._holder))
        except StoreUnavailableError:
            log.info("a lease is left to run out: %s", self._name)

    async def _take(self) -> bool:
        now = self._clock()
        until = now + LEASE
        taken = await self._store.write(
            lambda uow: uow.leases.take(self._name, self._holder, now=now, until=until)
        )
        if taken:
            self._until = until
        return taken
