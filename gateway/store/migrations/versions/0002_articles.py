"""Articles with versions, what readers say of them, and imports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    _create_articles()
    _create_versions()
    _create_feedback()
    _create_imports()
    op.create_index(
        "ix_turns_article",
        "turns",
        ["article", "conversation_id", "created_at"],
        unique=False,
        sqlite_where=sa.text("article IS NOT NULL"),
        postgresql_where=sa.text("article IS NOT NULL"),
    )
    counters = sa.table("counters", sa.column("name"), sa.column("value"))
    op.bulk_insert(counters, [{"name": "articles", "value": 0}])


def _create_articles() -> None:
    op.create_table(
        "articles",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("review_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "audience IN ('public', 'internal')", name=op.f("ck_articles_audience")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["agents.id"], name=op.f("fk_articles_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
        sa.UniqueConstraint("slug", name=op.f("uq_articles_slug")),
    )


def _create_versions() -> None:
    op.create_table(
        "article_versions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("questions", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'review', 'published', 'retired')",
            name=op.f("ck_article_versions_state"),
        ),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_article_versions_article_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_versions")),
        sa.UniqueConstraint(
            "article_id",
            "language",
            "number",
            name=op.f("uq_article_versions_article_id_language_number"),
        ),
    )
    for name, where in (
        ("uq_article_versions_published", "state = 'published'"),
        ("uq_article_versions_open", "state IN ('draft', 'review')"),
    ):
        op.create_index(
            name,
            "article_versions",
            ["article_id", "language"],
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def _create_feedback() -> None:
    op.create_table(
        "article_feedback",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("turn_message_id", sa.Text(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("helped", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_article_feedback")),
        sa.UniqueConstraint("turn_message_id", name=op.f("uq_article_feedback_turn_message_id")),
    )
    op.create_index(op.f("ix_article_feedback_slug"), "article_feedback", ["slug"], unique=False)
    op.create_table(
        "article_misses",
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("language", "words", name=op.f("pk_article_misses")),
    )
    op.create_index(op.f("ix_article_misses_times"), "article_misses", ["times"], unique=False)


def _create_imports() -> None:
    op.create_table(
        "article_imports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'done', 'failed')", name=op.f("ck_article_imports_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_imports")),
    )
