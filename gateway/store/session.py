"""Statements compiled once, and the session that runs them on one connection.

The writer runs some ten statements for each message. Run through `Connection.execute` each costs
about 35 µs of Python, several times the database's own work; compiled once and handed to
the driver with positional values it costs 5 to 10. Queries whose shape varies
(lists, search) go through `Session.select` and SQLAlchemy's own execution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, Executable

if TYPE_CHECKING:
    from psycopg import Pipeline

Row = tuple[Any, ...]
Values = Sequence[Any]

_SQLITE = SQLiteDialect_pysqlite()
_POSTGRESQL = PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]


class Statement:
    """One fixed statement of SQLAlchemy Core.

    Args:
        expression: the statement; its values are `bindparam`s.
        parameters: the names of the values in the order in which callers give them, which
            must be the order in which they stand in the statement.
    """

    def __init__(self, expression: ClauseElement, *parameters: str) -> None:
        self._expression = expression
        self._parameters = parameters

    def _compile(self, dialect: DefaultDialect) -> str:
        compiled = cast("SQLCompiler", self._expression.compile(dialect=dialect))
        order = tuple(compiled.positiontup or ())
        if order != self._parameters:
            raise ValueError(f"declared {self._parameters}, but the statement needs {order}")
        return str(compiled)

    @cached_property
    def sqlite(self) -> str:
        """The text for SQLite."""
        return self._compile(_SQLITE)

    @cached_property
    def postgresql(self) -> str:
        """The text for PostgreSQL."""
        return self._compile(_POSTGRESQL)


class Session:
    """Runs statements on one connection, inside whatever transaction its owner began.

    Args:
        connection: an open connection; it is not closed here.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.on_sqlite = connection.dialect.name == "sqlite"
        driver: Any = connection.connection.driver_connection
        self._driver = driver
        self._reading = driver.cursor()
        # Its own: answers to changes that are under way come to the cursor that ran them.
        self._writing = driver.cursor()
        self._pipelining: AbstractContextManager[Pipeline] | None = None

    def _text(self, statement: Statement) -> str:
        return statement.sqlite if self.on_sqlite else statement.postgresql

    def rows(self, statement: Statement, values: Values = ()) -> list[Row]:
        """All rows of a select."""
        cursor = self._reading
        cursor.execute(self._text(statement), values)
        return cast("list[Row]", cursor.fetchall())

    def row(self, statement: Statement, values: Values = ()) -> Row | None:
        """The only row of a select or of a change that returns one, or None."""
        found = self.rows(statement, values)
        return found[0] if found else None

    def each(self, statement: Statement, groups: Sequence[Values]) -> list[list[Row]]:
        """Runs a select once for each group of values; one round trip on PostgreSQL.

        On SQLite a loop of prepared lookups is as quick as one `IN` over `json_each`, and needs
        no second form of the statement.
        """
        if self.on_sqlite or len(groups) == 1:
            return [self.rows(statement, values) for values in groups]
        if not groups:
            return []
        cursor = self._reading
        cursor.executemany(statement.postgresql, groups, returning=True)
        found = [cast("list[Row]", cursor.fetchall())]
        while cursor.nextset():
            found.append(cast("list[Row]", cursor.fetchall()))
        return found

    def run(self, statement: Statement, values: Values = ()) -> int:
        """Runs a change; returns how many rows it touched."""
        self._writing.execute(self._text(statement), values)
        self.settle()
        return cast("int", self._writing.rowcount)

    def run_many(self, statement: Statement, groups: Sequence[Values]) -> None:
        """Runs a change once for each group of values.

        PostgreSQL is not waited for: an error comes out at the next select, at `settle` or at
        the commit.
        """
        if not groups:
            return
        if self._pipelining is None and not self.on_sqlite:
            self._pipelining = self._driver.pipeline()
            self._pipelining.__enter__()
        if len(groups) == 1:
            self._writing.execute(self._text(statement), groups[0])
        else:
            self._writing.executemany(self._text(statement), groups)

    def settle(self) -> None:
        """Waits for the changes that are under way; to be called at the end of a transaction."""
        pipelining, self._pipelining = self._pipelining, None
        if pipelining is not None:
            pipelining.__exit__(None, None, None)

    def select(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Any]:
        """All rows of a select whose shape varies."""
        self.settle()  # SQLAlchemy expects each answer at once
        return self.connection.execute(statement, values).fetchall()
