"""The store: one writer thread with group commit, and a few reader threads.

Work that waits when the writer comes round shares one transaction, so the price of making it
durable is paid once. When one piece of work fails, the group is rolled back and its pieces run
again one by one: a bad one harms nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.domain.errors import ConflictError, InvalidInputError
from gateway.domain.events import Event
from gateway.ports.store import SecretBox, StoreUnavailableError, UnitOfWork
from gateway.store.engine import Verdict, create, judge
from gateway.store.session import Session
from gateway.store.unit import SqlUnit

T = TypeVar("T")
Listener = Callable[[Sequence[Event]], None]
Work = Callable[[UnitOfWork], Any]

_GROUP_JOBS = 256
_GROUP_SECONDS = 0.010
_TRIES = 3
_BACK_OFF_SECONDS = (0.05, 2.0)

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Job:
    """Work that waits for the writer, and how it ended."""

    work: Work
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    events: list[Event] = field(default_factory=list)


class _Link:
    """One thread's connection and its unit of work, made when needed, dropped when broken."""

    def __init__(self, engine: Engine, secrets: SecretBox) -> None:
        self._engine = engine
        self._secrets = secrets
        self._open: tuple[Connection, SqlUnit] | None = None

    def open(self) -> tuple[Connection, SqlUnit]:
        """The connection, made now if there is none."""
        if self._open is None:
            connection = self._engine.connect()
            self._open = connection, SqlUnit(Session(connection), self._secrets)
        return self._open

    def drop(self) -> None:
        """Forgets the connection."""
        if self._open is not None:
            connection = self._open[0]
            self._open = None
            with suppress(Exception):
                connection.invalidate()
            with suppress(Exception):
                connection.close()


class _CommitError(Exception):
    """The commit failed, so that nobody knows whether it took place; its cause says why."""


class _Writer:
    """Runs jobs in groups on its own thread.

    Args:
        engine: makes the writer's connection.
        secrets: for the unit of work.
        settle: is told of each group that is done with, on the writer's thread.
    """

    def __init__(
        self, engine: Engine, secrets: SecretBox, settle: Callable[[list[_Job]], None]
    ) -> None:
        self._link = _Link(engine, secrets)
        self._settle = settle
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = False
        self._failures = 0
        self._retry_at = 0.0
        self._done = 0  # jobs of the present transaction that succeeded
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def put(self, job: _Job) -> None:
        """Queues a job."""
        self._queue.put(job)

    def stop(self) -> None:
        """Finishes what is queued; blocks until then."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while not self._closing:
            job = self._queue.get()
            if job is None:
                break
            jobs = [job]
            try:
                self._commit(jobs, more=True)
            except Exception as error:  # each job is told of its own error
                self._mend(jobs, error)
            self._settle(jobs)
        self._link.drop()

    def _commit(self, jobs: list[_Job], *, more: bool = False) -> None:
        """Runs the jobs, and with `more` those that wait behind them, in one transaction."""
        connection, unit = self._open()
        self._done = 0
        transaction = connection.begin()
        try:
            ends = time.monotonic() + _GROUP_SECONDS
            for job in jobs:
                unit.events = job.events = []
                job.result = job.work(unit)
                self._done += 1
                if more and self._done < _GROUP_JOBS and time.monotonic() < ends:
                    self._take_one(jobs)
            unit.settle()
        except BaseException:
            with suppress(Exception):
                unit.settle()
            with suppress(Exception):
                transaction.rollback()
            raise
        try:
            transaction.commit()
        except Exception as error:
            with suppress(Exception):
                transaction.rollback()
            raise _CommitError from error

    def _take_one(self, jobs: list[_Job]) -> None:
        """Adds the next waiting job to the group that is being run."""
        try:
            job = self._queue.get_nowait()
        except Empty:
            return
        if job is None:
            self._closing = True
        else:
            jobs.append(job)

    def _open(self) -> tuple[Connection, SqlUnit]:
        """The connection; after a failure not before its back-off has passed."""
        if time.monotonic() < self._retry_at:
            raise StoreUnavailableError("The database did not answer a moment ago.")
        try:
            opened = self._link.open()
        except Exception:
            first, most = _BACK_OFF_SECONDS
            self._retry_at = time.monotonic() + min(most, first * 2**self._failures)
            self._failures = min(self._failures + 1, 16)
            raise
        self._failures = 0
        return opened

    def _mend(self, jobs: list[_Job], error: Exception) -> None:
        """After a failed group: all fail when the database is away, else the rest runs again."""
        verdict, done = _verdict(error), self._done
        if verdict is Verdict.LOST and judge(error) is Verdict.LOST:
            # Not in the commit. Perhaps only the connection was stale.
            self._link.drop()
            try:
                self._commit(jobs)
            except Exception as again:  # judged below
                error, verdict, done = again, _verdict(again), self._done
            else:
                return
        if verdict in {Verdict.LOST, Verdict.BLOCKED}:
            self._refuse(jobs, error)
        elif done == len(jobs):
            self._one_by_one(jobs)
        else:
            self._around(jobs, done, error)

    def _refuse(self, jobs: list[_Job], error: Exception) -> None:
        if _verdict(error) is Verdict.LOST:
            self._link.drop()
        refusal = _unavailable(error)
        for job in jobs:
            job.error = refusal

    def _around(self, jobs: list[_Job], culprit: int, error: Exception) -> None:
        """Runs those before the one that failed, then it alone, then those behind it."""
        self._together(jobs[:culprit])
        if len(jobs) == 1 and _verdict(error) is Verdict.FAULT:
            jobs[0].error = error  # it ran alone: it would only fail again
        else:
            self._run_alone(jobs[culprit])
        self._together(jobs[culprit + 1 :])

    def _together(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        try:
            self._commit(jobs)
        except Exception as error:  # each job is told of its own error
            if _verdict(error) in {Verdict.LOST, Verdict.BLOCKED}:
                self._refuse(jobs, error)
            else:
                self._one_by_one(jobs)

    def _one_by_one(self, jobs: list[_Job]) -> None:
        for job in jobs:
            self._run_alone(job)

    def _run_alone(self, job: _Job) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                self._commit([job])
            except Exception as error:  # becomes the job's error
                verdict = _verdict(error)
                job.error = _explain(error, verdict)
                if verdict is Verdict.LOST:
                    self._link.drop()
                if verdict not in {Verdict.REPLAY, Verdict.CLASH}:
                    return
                time.sleep(random.uniform(0.001, 0.01) * attempt)
            else:
                job.error = None
                return


def _cause(error: BaseException) -> BaseException:
    """What a failed commit failed of, or the error itself."""
    if isinstance(error, _CommitError) and error.__cause__ is not None:
        return error.__cause__
    return error


def _verdict(error: BaseException) -> Verdict:
    if isinstance(error, StoreUnavailableError):
        return Verdict.LOST
    return judge(_cause(error))


def _unavailable(error: BaseException) -> StoreUnavailableError:
    """The error that callers know, with the database's own words."""
    if isinstance(error, StoreUnavailableError):
        return error
    cause = _cause(error)
    origin = cause.orig if isinstance(cause, DBAPIError) else cause
    words = " ".join(str(origin).split())
    _log.warning("the database is unavailable: %s", words, extra={"action": "store_unavailable"})
    refusal = StoreUnavailableError(f"The database is unavailable: {words}")
    refusal.__cause__ = cause
    return refusal


def _explain(error: BaseException, verdict: Verdict) -> BaseException:
    """What the caller of a failed piece of work is told."""
    told: BaseException
    if verdict is Verdict.FAULT:
        return _cause(error)
    if verdict is Verdict.CLASH:
        told = ConflictError("This exists already, or refers to something that does not.")
    elif verdict is Verdict.VALUE:
        told = InvalidInputError("A value is too large or holds characters it may not hold.")
    else:
        return _unavailable(error)
    told.__cause__ = _cause(error)
    return told


class _Readers:
    """A few threads, each with a connection of its own."""

    def __init__(self, engine: Engine, secrets: SecretBox, count: int) -> None:
        self._engine = engine
        self._secrets = secrets
        self._local = threading.local()
        self._links: list[_Link] = []
        self._pool = ThreadPoolExecutor(count, "store-reader")

    async def run(self, work: Work) -> Any:
        """Runs the work on one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)

    def close(self) -> None:
        """Waits for what runs; blocks until then."""
        self._pool.shutdown()
        for link in self._links:
            link.drop()

    def _link(self) -> _Link:
        link: _Link | None = getattr(self._local, "link", None)
        if link is None:
            link = self._local.link = _Link(self._engine, self._secrets)
            self._links.append(link)
        return link

    def _read(self, work: Work) -> Any:
        link = self._link()
        try:
            return self._read_once(link, work)
        except Exception as error:
            if judge(error) is not Verdict.LOST:
                raise _explain(error, judge(error)) from error.__cause__
            link.drop()  # perhaps only the connection was stale
        try:
            return self._read_once(link, work)
        except Exception as error:
            link.drop()
            raise _explain(error, judge(error)) from error.__cause__

    def _read_once(self, link: _Link, work: Work) -> Any:
        connection, unit = link.open()
        transaction = connection.begin()
        try:
            return work(unit)
        finally:
            with suppress(Exception):
                transaction.rollback()


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
        self._readers = _Readers(self._read_engine, secrets, readers)
        self._writer = _Writer(self._write_engine, secrets, self._settle)
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
        self._writer.put(_Job(work, future))
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

    def _settle(self, jobs: list[_Job]) -> None:
        """On the writer thread: one call into the event loop for the whole group."""
        loop = jobs[0].future.get_loop()
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(self._deliver, jobs)

    def _deliver(self, jobs: list[_Job]) -> None:
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
