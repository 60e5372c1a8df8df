"""What the databases' errors mean: for the transaction they ended, and for its caller."""

from __future__ import annotations

import logging
import sqlite3
from enum import Enum, auto

from sqlalchemy.exc import DBAPIError

from gateway.domain.errors import ConflictError, InvalidInputError
from gateway.ports.store import StoreUnavailableError

_log = logging.getLogger(__name__)


class Verdict(Enum):
    """What to do about an error inside a transaction."""

    LOST = auto()  # the connection broke, or none can be made
    BLOCKED = auto()  # another process keeps the whole database to itself
    UNAVAILABLE = auto()  # this transaction cannot be written now
    REPLAY = auto()  # another process was in the way
    CLASH = auto()  # a row with that key is there, or a row it refers to is not
    VALUE = auto()  # the database cannot hold such a value
    FAULT = auto()  # the work's own error


class CommitError(Exception):
    """The commit failed, so that nobody knows whether it took place; its cause says why."""


def _cause(error: BaseException) -> BaseException:
    """What a failed commit failed of, or the error itself."""
    if isinstance(error, CommitError) and error.__cause__ is not None:
        return error.__cause__
    return error


def verdict_of(error: BaseException) -> Verdict:
    """What an error of a whole transaction means, its commit included."""
    if isinstance(error, StoreUnavailableError):
        return Verdict.LOST
    return judge(_cause(error))


def unavailable(error: BaseException) -> StoreUnavailableError:
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


def explain(error: BaseException, verdict: Verdict) -> BaseException:
    """What the caller of a failed piece of work is told."""
    told: BaseException
    if isinstance(error, StopIteration):
        told = RuntimeError("the work raised StopIteration, which no future can hold")
    elif verdict is Verdict.FAULT:
        return _cause(error)
    elif verdict is Verdict.CLASH:
        told = ConflictError("This exists already, or refers to something that does not.")
    elif verdict is Verdict.VALUE:
        told = InvalidInputError("A value is too large or holds characters it may not hold.")
    else:
        return unavailable(error)
    told.__cause__ = _cause(error)
    return told


def judge(error: BaseException) -> Verdict:
    """What an error inside a transaction, at its begin or at its commit means."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _judge_sqlite(cause)
    if type(cause).__module__.partition(".")[0] == "psycopg":
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


def _judge_postgresql(error: BaseException | None) -> Verdict:
    import psycopg

    if not isinstance(error, psycopg.Error):
        return Verdict.FAULT
    state = error.sqlstate
    if state is None:
        if isinstance(error, psycopg.DataError):
            return Verdict.VALUE  # such as a NUL in a text
        lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return Verdict.LOST if lost else Verdict.FAULT
    by_code = _POSTGRESQL_VERDICTS.get(state)
    return by_code or _POSTGRESQL_CLASSES.get(state[:2], Verdict.FAULT)
