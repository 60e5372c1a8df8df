"""The writer: one thread, one connection, many pieces of work in each transaction.

Work that waits when the writer comes round shares one transaction, so the price of making it
durable is paid once. When one piece fails, the group is rolled back and its pieces run
again: a bad one harms nobody else.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine

from gateway.domain.events import Event
from gateway.ports.store import SecretBox, StoreUnavailableError, UnitOfWork
from gateway.store.errors import CommitError, Verdict, explain, judge, unavailable, verdict_of
from gateway.store.link import Link
from gateway.store.unit import SqlUnit

Work = Callable[[UnitOfWork], Any]

_GROUP_JOBS = 256
_GROUP_SECONDS = 0.010
_TRIES = 3
_BACK_OFF_SECONDS = (0.05, 2.0)


@dataclass(slots=True, eq=False)
class Job:
    """Work that waits for the writer, and how it ended."""

    work: Work
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    events: list[Event] = field(default_factory=list)


class Writer:
    """Runs jobs in groups on its own thread.

    Args:
        engine: makes the writer's connection.
        secrets: for the unit of work.
        settle: is told of each group that is done with, on the writer's thread.
    """

    def __init__(
        self, engine: Engine, secrets: SecretBox, settle: Callable[[list[Job]], None]
    ) -> None:
        self._link = Link(engine, secrets)
        self._settle = settle
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._closing = False
        self._failures = 0
        self._retry_at = 0.0
        self._done = 0  # jobs of the present transaction that succeeded
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def put(self, job: Job) -> None:
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

    def _commit(self, jobs: list[Job], *, more: bool = False) -> None:
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
        except BaseException as error:
            with suppress(Exception):
                unit.settle()
            with suppress(Exception):
                transaction.rollback()
            if isinstance(error, Exception):
                raise
            raise RuntimeError(f"work may not end the writer: {error!r}") from error
        try:
            transaction.commit()
        except Exception as error:
            with suppress(Exception):
                transaction.rollback()
            raise CommitError from error

    def _take_one(self, jobs: list[Job]) -> None:
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

    def _mend(self, jobs: list[Job], error: Exception) -> None:
        """After a failed group: all fail when the database is away, else the rest runs again."""
        verdict, done = verdict_of(error), self._done
        connected = time.monotonic() >= self._retry_at
        if connected and judge(error) is Verdict.LOST:
            # Neither at connecting nor in the commit. Perhaps only the connection was stale.
            self._link.drop()
            try:
                self._commit(jobs)
            except Exception as again:  # judged below
                error, verdict, done = again, verdict_of(again), self._done
            else:
                return
        if verdict in {Verdict.LOST, Verdict.BLOCKED}:
            self._refuse(jobs, error)
        elif done == len(jobs):
            self._one_by_one(jobs)
        else:
            self._around(jobs, done, error)

    def _refuse(self, jobs: list[Job], error: Exception) -> None:
        self._link.drop()
        refusal = unavailable(error)
        for job in jobs:
            job.error = StoreUnavailableError(str(refusal))
            job.error.__cause__ = refusal.__cause__

    def _around(self, jobs: list[Job], culprit: int, error: Exception) -> None:
        """Runs those before the one that failed, then it alone, then those behind it."""
        self._together(jobs[:culprit])
        if len(jobs) == 1 and verdict_of(error) is Verdict.FAULT:
            jobs[0].error = explain(error, Verdict.FAULT)  # it ran alone: it would only fail again
        else:
            self._run_alone(jobs[culprit])
        self._together(jobs[culprit + 1 :])

    def _together(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        try:
            self._commit(jobs)
        except Exception as error:  # each job is told of its own error
            if verdict_of(error) in {Verdict.LOST, Verdict.BLOCKED}:
                self._refuse(jobs, error)
            else:
                self._one_by_one(jobs)

    def _one_by_one(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._run_alone(job)

    def _run_alone(self, job: Job) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                self._commit([job])
            except Exception as error:  # becomes the job's error
                verdict = verdict_of(error)
                job.error = explain(error, verdict)
                if verdict is Verdict.LOST:
                    self._link.drop()
                if verdict not in {Verdict.REPLAY, Verdict.CLASH}:
                    return
                time.sleep(random.uniform(0.001, 0.01) * attempt)
            else:
                job.error = None
                return
