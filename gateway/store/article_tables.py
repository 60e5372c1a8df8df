"""The tables of the knowledge base."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Table, Text, UniqueConstraint

from gateway.domain.article import Audience, VersionState
from gateway.store.columns import enum, metadata, one_of, partial, text_column, time_column

articles = Table(
    "articles",
    metadata,
    Column("id", Text, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    text_column("category"),
    *enum("audience", Audience),
    Column("owner_id", ForeignKey("agents.id")),
    Column("review_at", BigInteger),
    Column("expires_at", BigInteger),
    Column("archived", Boolean, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    Column("version", BigInteger, nullable=False),
)

article_versions = Table(
    "article_versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("article_id", ForeignKey("articles.id"), nullable=False),
    text_column("language"),
    Column("number", BigInteger, nullable=False),
    *enum("state", VersionState),
    text_column("title"),
    text_column("body"),
    text_column("questions"),
    text_column("author_id"),
    text_column("reason"),
    time_column("created_at"),
    time_column("updated_at"),
    Column("published_at", BigInteger),
    Column("published_by", Text),
    UniqueConstraint("article_id", "language", "number"),
    # One published and one open version of each language; also what lists and the index read.
    partial(
        "uq_article_versions_published",
        "article_id",
        "language",
        where="state = 'published'",
        unique=True,
    ),
    partial(
        "uq_article_versions_open",
        "article_id",
        "language",
        where="state IN ('draft', 'review')",
        unique=True,
    ),
)

article_feedback = Table(
    "article_feedback",
    metadata,
    Column("message_id", Text, primary_key=True),
    # One word about each answer; it has no turn when the answer was written before turns were.
    Column("turn_message_id", Text, unique=True),
    Column("slug", Text, nullable=False, index=True),
    Column("helped", Boolean, nullable=False),
    time_column("created_at"),
)

article_misses = Table(
    "article_misses",
    metadata,
    Column("language", Text, primary_key=True),
    Column("words", Text, primary_key=True),
    Column("times", BigInteger, nullable=False, index=True),
    time_column("last_at"),
)

article_imports = Table(
    "article_imports",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("agent_id"),
    text_column("name"),
    text_column("state"),
    one_of("state", ("running", "done", "failed")),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    text_column("skipped"),
    text_column("problems"),
    time_column("created_at"),
    time_column("updated_at"),
)
