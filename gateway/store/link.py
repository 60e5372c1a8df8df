"""One thread's connection to the database."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, Engine

from gateway.ports.store import SecretBox
from gateway.store.session import Session
from gateway.store.unit import SqlUnit


class Link:
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
