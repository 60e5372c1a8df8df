"""The tables of the account of language models."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from gateway.domain.exchange import ExchangeOutcome
from gateway.store.columns import enum, metadata, text_column, time_column

model_exchanges = Table(
    "model_exchanges",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("purpose"),
    text_column("conversation_id"),
    time_column("asked_at"),
    text_column("model"),
    text_column("language"),
    text_column("question"),
    text_column("earlier"),
    text_column("sources"),
    *enum("outcome", ExchangeOutcome),
    text_column("reason"),
    text_column("answer"),
    Column("tokens_in", BigInteger, nullable=False),
    Column("tokens_out", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("ms", BigInteger, nullable=False),
    Index(None, "asked_at", "id"),
)

# What a day took, tokens that are still out included.
model_use = Table(
    "model_use",
    metadata,
    Column("day", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
)
