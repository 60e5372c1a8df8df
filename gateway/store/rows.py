"""Building statements over whole tables, and JSON in text columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
from sqlalchemy import BindParameter, Table, bindparam, insert, literal_column, select, update
from sqlalchemy.sql.expression import ColumnElement

from gateway.store.session import Statement

# SQLite's compiler adds an offset to each limit; this one needs no value.
NO_OFFSET: ColumnElement[int] = literal_column("0")


def insert_into(table: Table, columns: Sequence[str]) -> Statement:
    """An insert that takes the values of `columns`, which stand in the table's order."""
    values = _values(columns)
    return Statement(insert(table).inline().values(values), *(f"new_{name}" for name in columns))


def update_by(table: Table, columns: Sequence[str], key: str) -> Statement:
    """An update that takes the values of `columns`, then the key's."""
    values = _values(columns)
    changed = update(table).where(table.c[key] == bindparam("key")).values(values)
    return Statement(changed, *(f"new_{name}" for name in columns), "key")


def select_by(table: Table, columns: Sequence[str], key: str, *, lock: bool = False) -> Statement:
    """A select of `columns` by one key; `lock` holds the rows until the end, on PostgreSQL."""
    found = select(*pick(table, columns)).where(table.c[key] == bindparam("key"))
    return Statement(found.with_for_update() if lock else found, "key")


def _values(columns: Sequence[str]) -> dict[str, BindParameter[Any]]:
    return {name: bindparam(f"new_{name}") for name in columns}


def pick(table: Table, columns: Sequence[str]) -> list[ColumnElement[Any]]:
    """The table's columns of these names."""
    return [table.c[name] for name in columns]


def dump(value: object) -> str:
    """A structure as JSON text."""
    if not value:
        return "[]" if isinstance(value, tuple) else "{}"
    return orjson.dumps(value).decode()


def dump_map(value: Mapping[str, Any]) -> str:
    """A mapping as JSON text."""
    if not value:
        return "{}"
    return orjson.dumps(value if type(value) is dict else dict(value)).decode()


def load_map(text: str) -> dict[str, Any]:
    """A mapping from JSON text."""
    return {} if text == "{}" else cast("dict[str, Any]", orjson.loads(text))
