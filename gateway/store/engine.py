"""Engines for SQLite and PostgreSQL."""

from __future__ import annotations

import random
import sqlite3
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    import psycopg

BUSY_SECONDS = 5.0
_STATEMENT_SECONDS = 30
_CONNECT_SECONDS = 5

# Checkpoints at 4,000 pages (16 MB) rewrite a busy page less often than at the usual 1,000.
_SQLITE_SETTINGS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA cache_size=-16000",
    "PRAGMA mmap_size=67108864",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA journal_size_limit=67108864",
)


def parse_url(url: str) -> URL:
    """The address with the driver that we use.

    Raises:
        ValueError: not the address of a SQLite file or a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
    except Exception as error:
        raise ValueError("the database URL cannot be read; give sqlite:///PATH") from error
    backend = parsed.get_backend_name()
    if backend in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return parsed.set(drivername="sqlite")
    raise ValueError(
        f"{parsed.render_as_string()}: give sqlite:///PATH or postgresql://USER@HOST/DATABASE"
    )


def create(url: str, *, writer: bool) -> Engine:
    """An engine without a pool: each thread of the store keeps its own connection.

    Args:
        url: the database.
        writer: whether transactions write; the others see one state of the database throughout.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _create_sqlite(parsed, writer=writer)
    return _create_postgresql(parsed, writer=writer)


def _create_sqlite(url: URL, *, writer: bool) -> Engine:
    # isolation_level None stops the driver from beginning transactions by itself, which it does
    # too late (not before a select) and never IMMEDIATE.
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args={
            "isolation_level": None,
            "timeout": BUSY_SECONDS,
            "cached_statements": 512,
            "check_same_thread": False,
        },
    )
    begin = "BEGIN IMMEDIATE" if writer else "BEGIN"

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        _use_wal(connection)
        for setting in _SQLITE_SETTINGS:
            connection.execute(setting)
        if not writer:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turns the write-ahead log on, which a new file needs.

    SQLite does not wait for a lock here, however long its timeout: another process that
    opens the new file at the same moment would make this one fail.

    Raises:
        sqlite3.OperationalError: the file stayed locked for `BUSY_SECONDS`, or is unusable.
    """
    give_up_at = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
            if not is_busy or time.monotonic() > give_up_at:
                raise
            time.sleep(random.uniform(0.001, 0.02))
        else:
            return


def _create_postgresql(url: URL, *, writer: bool) -> Engine:
    from psycopg.types.numeric import Int8Dumper  # not needed on SQLite, and slow to load

    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="READ COMMITTED" if writer else "REPEATABLE READ",
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "yingda",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
        },
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: psycopg.Connection[Any], _record: object) -> None:
        # One number type in all prepared statements, whatever the size of the number.
        connection.adapters.register_dumper(int, Int8Dumper)
        autocommit, connection.autocommit = connection.autocommit, True
        connection.execute(f"SET lock_timeout = {int(BUSY_SECONDS * 1000)}")
        connection.execute(f"SET statement_timeout = {_STATEMENT_SECONDS * 1000}")
        if not writer:
            connection.execute("SET default_transaction_read_only = on")
        connection.autocommit = autocommit

    return engine
