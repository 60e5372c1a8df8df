"""The store: units of work on one writer thread and a few reader threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar, cast

from gateway.domain.events import Event
from gateway.ports.store import SecretBox, StoreUnavailableError, UnitOfWork
from gateway.store.engine import create
from gateway.store.readers import Readers
from gateway.store.unit import SqlUnit
from gateway.store.writer import Job, Writer

T = TypeVar("T")
Listener = Callable[[Sequence[Event]], None]

_log = logging.getLogger(__name__)


class SqlStore:
    """`gateway.ports.store.Store` over SQLite or PostgreSQL.

    Args:
        url: `sqlite:///PATH` or `postgresql://…`; the schema must be there.
        secrets: encrypts the inboxes' secrets.
        readers: how many threads read.
    """

    def __init__(self, url: str, *, secrets: SecretBox, readers: int = 2) -> None:
        self._write_engine = create(url, writer=True)
        self._read_engine = create(url, writer=False)
        self._listeners: list[Listener] = []
        self._closed = False
        self._readers = Readers(self._read_engine, secrets, readers)
        self._writer = Writer(self._write_engine, secrets, self._settle)
        self._writer.start()

    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        """Runs on the writer thread; returns after the commit.

        Raises:
            StoreUnavailableError: nothing was written as far as can be known; try again later.
            ConflictError: a row with such a key exists, or one that is referred to does not.
            InvalidInputError: the database cannot hold a value.
        """
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.put(Job(work, future))
        return await future

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Runs on a reader thread against the last commit.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        if self._closed:
            raise StoreUnavailableError("The store is closed.")
        return cast("T", await self._readers.run(work))

    def listen(self, listener: Listener) -> None:
        """Calls back on the event loop with what each commit emitted, in order."""
        self._listeners.append(listener)

    async def check(self) -> None:
        """Raises StoreUnavailableError when a small write does not succeed."""
        await self.write(_touch)

    async def close(self) -> None:
        """Finishes what is queued and closes."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._writer.stop)
        await asyncio.to_thread(self._readers.close)
        self._write_engine.dispose()
        self._read_engine.dispose()

    def _settle(self, jobs: list[Job]) -> None:
        """On the writer thread: one call into the event loop for the whole group."""
        loop = jobs[0].future.get_loop()
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(self._deliver, jobs)

    def _deliver(self, jobs: list[Job]) -> None:
        events = [event for job in jobs if job.error is None for event in job.events]
        if events:
            self._publish(events)
        for job in jobs:
            if job.future.done():
                continue  # its caller gave up waiting
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)

    def _publish(self, events: Sequence[Event]) -> None:
        for listener in self._listeners:
            try:
                listener(events)
            except Exception:
                _log.exception("a listener failed", extra={"action": "store_listener_failed"})


def _touch(unit: UnitOfWork) -> None:
    cast("SqlUnit", unit).touch()


def open_store(url: str, *, secrets: SecretBox, readers: int = 2) -> SqlStore:
    """Opens a database whose schema is there.

    Args:
        url: `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`.
        secrets: encrypts the inboxes' secrets.
        readers: how many threads read.

    Raises:
        ValueError: another kind of URL.
    """
    return SqlStore(url, secrets=secrets, readers=readers)
