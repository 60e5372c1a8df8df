"""Engines for SQLite and PostgreSQL, and what their errors mean for a unit of work."""

from __future__ import annotations

import sqlite3
from enum import Enum, auto
from typing import Any

import psycopg
import psycopg.types.numeric
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

BUSY_SECONDS = 5.0
_STATEMENT_SECONDS = 30
_CONNECT_SECONDS = 5

# Checkpoints at 4,000 pages (16 MB) rewrite a busy page less often than at the usual 1,000.
_SQLITE_SETTINGS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA cache_size=-16000",
    "PRAGMA mmap_size=67108864",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA journal_size_limit=67108864",
)


class Verdict(Enum):
    """What to do about an error inside a transaction."""

    LOST = auto()  # the connection broke, or none can be made
    BLOCKED = auto()  # another process keeps the whole database to itself
    UNAVAILABLE = auto()  # this transaction cannot be written now
    REPLAY = auto()  # another process was in the way
    CLASH = auto()  # a row with that key is there, or a row it refers to is not
    VALUE = auto()  # the database cannot hold such a value
    FAULT = auto()  # the work's own error


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
        for setting in _SQLITE_SETTINGS:
            connection.execute(setting)
        if not writer:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _create_postgresql(url: URL, *, writer: bool) -> Engine:
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
        connection.adapters.register_dumper(int, psycopg.types.numeric.Int8Dumper)
        autocommit, connection.autocommit = connection.autocommit, True
        connection.execute(f"SET lock_timeout = {int(BUSY_SECONDS * 1000)}")
        connection.execute(f"SET statement_timeout = {_STATEMENT_SECONDS * 1000}")
        if not writer:
            connection.execute("SET default_transaction_read_only = on")
        connection.autocommit = autocommit

    return engine


def judge(error: BaseException) -> Verdict:
    """What an error inside a transaction, at its begin or at its commit means."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _judge_sqlite(cause)
    if isinstance(cause, psycopg.Error):
        return _judge_postgresql(cause)
    return Verdict.FAULT


# Primary result codes: https://www.sqlite.org/rescode.html
_SQLITE_VERDICTS = {
    sqlite3.SQLITE_BUSY: Verdict.BLOCKED,
    sqlite3.SQLITE_LOCKED: Verdict.BLOCKED,
    sqlite3.SQLITE_CANTOPEN: Verdict.LOST,
    sqlite3.SQLITE_NOTADB: Verdict.LOST,
    sqlite3.SQLITE_CORRUPT: Verdict.LOST,
    sqlite3.SQLITE_FULL: Verdict.UNAVAILABLE,
    sqlite3.SQLITE_IOERR: Verdict.UNAVAILABLE,
    sqlite3.SQLITE_READONLY: Verdict.UNAVAILABLE,
    sqlite3.SQLITE_NOMEM: Verdict.UNAVAILABLE,
    sqlite3.SQLITE_PROTOCOL: Verdict.UNAVAILABLE,
    sqlite3.SQLITE_TOOBIG: Verdict.VALUE,
    sqlite3.SQLITE_MISMATCH: Verdict.VALUE,
}
_SQLITE_CLASHES = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
}


def _judge_sqlite(error: sqlite3.Error) -> Verdict:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return Verdict.VALUE if isinstance(error, sqlite3.DataError) else Verdict.FAULT
    if code in _SQLITE_CLASHES:
        return Verdict.CLASH
    return _SQLITE_VERDICTS.get(code & 0xFF, Verdict.FAULT)


# Classes and codes: appendix A of the PostgreSQL manual.
_POSTGRESQL_VERDICTS = {
    "40001": Verdict.REPLAY,  # serialization_failure
    "40P01": Verdict.REPLAY,  # deadlock_detected
    "23505": Verdict.CLASH,  # unique_violation
    "23503": Verdict.CLASH,  # foreign_key_violation
    "25006": Verdict.UNAVAILABLE,  # read_only_sql_transaction
    "55P03": Verdict.UNAVAILABLE,  # lock_not_available
    "57014": Verdict.UNAVAILABLE,  # query_canceled, by the statement timeout
}
_POSTGRESQL_CLASSES = {
    "08": Verdict.LOST,  # connection exception
    "28": Verdict.LOST,  # invalid authorization
    "3D": Verdict.LOST,  # no such database
    "57": Verdict.LOST,  # operator intervention
    "22": Verdict.VALUE,  # data exception
    "53": Verdict.UNAVAILABLE,  # insufficient resources: disk, memory, connections
    "54": Verdict.VALUE,  # program limit exceeded
    "58": Verdict.UNAVAILABLE,  # system error
}


def _judge_postgresql(error: psycopg.Error) -> Verdict:
    state = error.sqlstate
    if state is None:
        if isinstance(error, psycopg.DataError):
            return Verdict.VALUE  # such as a NUL in a text
        lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return Verdict.LOST if lost else Verdict.FAULT
    by_code = _POSTGRESQL_VERDICTS.get(state)
    return by_code or _POSTGRESQL_CLASSES.get(state[:2], Verdict.FAULT)
