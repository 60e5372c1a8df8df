"""The tables of the catalogue: its draft, its versions, their models, its review."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
)

from gateway.domain.catalogue import JobKind, JobState, ReviewOutcome
from gateway.store.columns import enum, metadata, partial, text_column, time_column

# The draft of the bot's catalogue; `place` orders the documents of a kind.
catalogue_documents = Table(
    "catalogue_documents",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("place", BigInteger, nullable=False),
    text_column("body"),
    Column("revision", BigInteger, nullable=False),
    Column("editor_id", Text),
    time_column("changed_at"),
)

# Published versions: rows are inserted and never changed.
catalogue_versions = Table(
    "catalogue_versions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False, index=True),
    text_column("lessons"),
    Column("author_id", Text),
    text_column("reason"),
    time_column("created_at"),
    text_column("figures"),
    Column("restored", BigInteger),
    Column("overridden", Boolean, nullable=False),
    text_column("content"),
)

# Model files, so that every process serves the same bytes; complete when their row is there.
models = Table(
    "models",
    metadata,
    Column("lessons", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    time_column("created_at"),
)

model_pieces = Table(
    "model_pieces",
    metadata,
    Column("lessons", Text, primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

catalogue_state = Table(
    "catalogue_state",
    metadata,
    Column("name", Text, primary_key=True),
    text_column("value"),
)

catalogue_jobs = Table(
    "catalogue_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    *enum("kind", JobKind),
    *enum("state", JobState),
    Column("actor_id", Text),
    time_column("created_at"),
    text_column("task"),
    text_column("step"),
    Column("done", Float(53), nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    text_column("result"),
    text_column("error"),
    Column("attempts", BigInteger, nullable=False),
    text_column("holder"),
    time_column("leased_until"),
    # Newest first; and what waits or runs.
    Index(None, "created_at", "id"),
    partial("ix_catalogue_jobs_open", "created_at", "id", where="state IN ('waiting', 'running')"),
)

regression_tests = Table(
    "regression_tests",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("name"),
    text_column("language"),
    text_column("channel"),
    text_column("steps"),
    Column("conversation_id", Text),
    text_column("author_id"),
    time_column("created_at"),
)

review_marks = Table(
    "review_marks",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    *enum("outcome", ReviewOutcome),
    Column("intent", Text),
    text_column("actor_id"),
    time_column("at"),
)

filed_sentences = Table(
    "filed_sentences",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    text_column("note"),
    text_column("actor_id"),
    time_column("at"),
)
