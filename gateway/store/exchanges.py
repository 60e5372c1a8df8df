"""What a language model was asked, and what each day took."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, literal_column, select, tuple_, update
from sqlalchemy.dialects import postgresql

from bot.passages import Source
from gateway.domain.exchange import Exchange, ExchangeOutcome, ModelUse
from gateway.store.exchange_tables import model_exchanges, model_use
from gateway.store.rows import insert_into, pick, select_by, update_by
from gateway.store.session import Row, Session, Statement

_COLUMNS = (
    "id",
    "purpose",
    "conversation_id",
    "asked_at",
    "model",
    "language",
    "question",
    "earlier",
    "sources",
    "outcome",
    "reason",
    "answer",
    "tokens_in",
    "tokens_out",
    "cost",
    "ms",
)
_USE = ("day", "calls", "tokens", "cost")
_INSERT = insert_into(model_exchanges, _COLUMNS)
_UPDATE = update_by(model_exchanges, _COLUMNS[1:], "id")
_FORGET = Statement(
    delete(model_exchanges).where(model_exchanges.c.asked_at < bindparam("before")), "before"
)
_USE_OF = select_by(model_use, _USE[1:], "day")
_USE_LOCKED = select_by(model_use, _USE[1:], "day", lock=True)
# SQLite understands PostgreSQL's words for leaving a row that is there.
_BEGIN_USE = Statement(
    postgresql.insert(model_use)
    .inline()
    .values({"day": bindparam("new_day"), **{name: literal_column("0") for name in _USE[1:]}})
    .on_conflict_do_nothing(),
    "new_day",
)
_CHARGE = Statement(
    update(model_use)
    .where(model_use.c.day == bindparam("key"))
    .values({name: model_use.c[name] + bindparam(f"more_{name}") for name in _USE[1:]}),
    *(f"more_{name}" for name in _USE[1:]),
    "key",
)


class SqlExchanges:
    """`gateway.ports.exchanges.Exchanges`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, exchange: Exchange) -> None:
        """Inserts."""
        self._session.run(_INSERT, _row(exchange))

    def update(self, exchange: Exchange) -> None:
        """Writes all columns."""
        row = _row(exchange)
        self._session.run(_UPDATE, (*row[1:], row[0]))

    def page(self, *, before: tuple[int, str] | None, limit: int) -> list[Exchange]:
        """Newest first."""
        columns = model_exchanges.c
        query = select(*pick(model_exchanges, _COLUMNS))
        if before is not None:
            query = query.where(tuple_(columns.asked_at, columns.id) < before)
        query = query.order_by(columns.asked_at.desc(), columns.id.desc()).limit(limit)
        return [_exchange(tuple(row)) for row in self._session.select(query)]

    def use(self, day: str, *, lock: bool = False) -> ModelUse:
        """What a day took."""
        if lock:
            self._session.run(_BEGIN_USE, (day,))
        row = self._session.row(_USE_LOCKED if lock else _USE_OF, (day,))
        return ModelUse() if row is None else ModelUse(calls=row[0], tokens=row[1], cost=row[2])

    def charge(self, day: str, use: ModelUse) -> None:
        """Adds to what a day took that was locked once."""
        self._session.run(_CHARGE, (use.calls, use.tokens, use.cost, day))

    def remove_older(self, asked_before: int) -> int:
        """Forgets old ones."""
        return self._session.run(_FORGET, (asked_before,))


def _row(exchange: Exchange) -> Row:
    values: dict[str, Any] = {name: getattr(exchange, name) for name in _COLUMNS}
    values["outcome"] = exchange.outcome.value
    values["earlier"] = orjson.dumps(exchange.earlier).decode()
    values["sources"] = orjson.dumps([asdict(each) for each in exchange.sources]).decode()
    return tuple(values.values())


def _exchange(row: Row) -> Exchange:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["outcome"] = ExchangeOutcome(values["outcome"])
    values["earlier"] = tuple(orjson.loads(values["earlier"]))
    values["sources"] = tuple(Source(**each) for each in orjson.loads(values["sources"]))
    return Exchange(**values)
