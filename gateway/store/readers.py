"""The readers: a few threads, each with a connection of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine

from gateway.ports.store import SecretBox, UnitOfWork
from gateway.store.errors import Verdict, explain, judge
from gateway.store.link import Link

Work = Callable[[UnitOfWork], Any]


class Readers:
    """A few threads, each with a connection of its own."""

    def __init__(self, engine: Engine, secrets: SecretBox, count: int) -> None:
        self._engine = engine
        self._secrets = secrets
        self._local = threading.local()
        self._links: list[Link] = []
        self._pool = ThreadPoolExecutor(count, "store-reader")

    async def run(self, work: Work) -> Any:
        """Runs the work on one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)

    def close(self) -> None:
        """Waits for what runs; blocks until then."""
        self._pool.shutdown()
        for link in self._links:
            link.drop()

    def _link(self) -> Link:
        link: Link | None = getattr(self._local, "link", None)
        if link is None:
            link = self._local.link = Link(self._engine, self._secrets)
            self._links.append(link)
        return link

    def _read(self, work: Work) -> Any:
        link = self._link()
        try:
            return self._read_once(link, work)
        except Exception as error:
            if judge(error) is not Verdict.LOST:
                raise explain(error, judge(error)) from error.__cause__
            link.drop()  # perhaps only the connection was stale
        try:
            return self._read_once(link, work)
        except Exception as error:
            link.drop()
            raise explain(error, judge(error)) from error.__cause__

    def _read_once(self, link: Link, work: Work) -> Any:
        connection, unit = link.open()
        transaction = connection.begin()
        try:
            result = work(unit)
            unit.settle()  # work that tried to write learns of it here
        finally:
            with suppress(Exception):
                unit.settle()
            with suppress(Exception):
                transaction.rollback()
        return result
