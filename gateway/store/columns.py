"""What the tables are made of: names of constraints, and columns that many tables have."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite gives out row numbers to INTEGER PRIMARY KEY columns only.
NUMBER = BigInteger().with_variant(Integer, "sqlite")


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """The check that a column holds one of these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def enum(name: str, kind: type[StrEnum]) -> tuple[Column[str], CheckConstraint]:
    """A column that holds values of an enumeration, with its check."""
    return Column(name, Text, nullable=False), one_of(name, (item.value for item in kind))


def text_column(name: str) -> Column[str]:
    """A text that is always there."""
    return Column(name, Text, nullable=False)


def time_column(name: str) -> Column[int]:
    """A time in ms since the epoch that is always there."""
    return Column(name, BigInteger, nullable=False)


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows that meet a condition."""
    return Index(
        name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where)
    )
