"""The catalogue's draft and versions, models, jobs, review."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    _create_catalogue()
    _create_models()
    _create_jobs()
    _create_review()
    op.create_index(op.f("ix_turns_created_at"), "turns", ["created_at"], unique=False)
    counters = sa.table("counters", sa.column("name"), sa.column("value"))
    op.bulk_insert(counters, [{"name": "draft", "value": 0}])


def _create_catalogue() -> None:
    op.create_table(
        "catalogue_documents",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("editor_id", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_catalogue_documents")),
    )
    op.create_table(
        "catalogue_versions",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("lessons", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("restored", sa.BigInteger(), nullable=True),
        sa.Column("overridden", sa.Boolean(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_catalogue_versions")),
    )
    op.create_index(
        op.f("ix_catalogue_versions_hash"), "catalogue_versions", ["hash"], unique=False
    )
    op.create_table(
        "catalogue_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_catalogue_state")),
    )


def _create_models() -> None:
    op.create_table(
        "models",
        sa.Column("lessons", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lessons", name=op.f("pk_models")),
    )
    op.create_table(
        "model_pieces",
        sa.Column("lessons", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lessons", "place", name=op.f("pk_model_pieces")),
    )


def _create_jobs() -> None:
    op.create_table(
        "catalogue_jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("done", sa.Float(precision=53), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('check', 'publish', 'restore', 'replay', 'import')",
            name=op.f("ck_catalogue_jobs_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'refused', 'failed', 'cancelled')",
            name=op.f("ck_catalogue_jobs_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_jobs")),
    )
    op.create_index(
        op.f("ix_catalogue_jobs_created_at_id"),
        "catalogue_jobs",
        ["created_at", "id"],
        unique=False,
    )
    open_only = sa.text("state IN ('waiting', 'running')")
    op.create_index(
        "ix_catalogue_jobs_open",
        "catalogue_jobs",
        ["created_at", "id"],
        unique=False,
        sqlite_where=open_only,
        postgresql_where=open_only,
    )


def _create_review() -> None:
    op.create_table(
        "regression_tests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regression_tests")),
    )
    op.create_table(
        "review_marks",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('utterance', 'check', 'article', 'right', 'noise')",
            name=op.f("ck_review_marks_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_review_marks_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_review_marks")),
    )
    op.create_table(
        "filed_sentences",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_filed_sentences_message_id")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_filed_sentences")),
    )
