"""What is kept for inboxes: state, threads, messages that are not shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "channel_state",
        sa.Column("inbox_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inboxes.id"], name=op.f("fk_channel_state_inbox_id")
        ),
        sa.PrimaryKeyConstraint("inbox_id", "name", name=op.f("pk_channel_state")),
    )
    op.create_table(
        "channel_threads",
        sa.Column("inbox_id", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("leads_to", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inboxes.id"], name=op.f("fk_channel_threads_inbox_id")
        ),
        sa.ForeignKeyConstraint(
            ["leads_to"], ["inboxes.id"], name=op.f("fk_channel_threads_leads_to")
        ),
        sa.PrimaryKeyConstraint("inbox_id", "ref", name=op.f("pk_channel_threads")),
    )
    op.create_table(
        "discards",
        sa.Column("inbox_id", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inboxes.id"], name=op.f("fk_discards_inbox_id")),
        sa.PrimaryKeyConstraint("inbox_id", "external_id", name=op.f("pk_discards")),
    )
    op.create_index(op.f("ix_discards_inbox_id_at"), "discards", ["inbox_id", "at"], unique=False)
    ours = sa.text("kind IN ('activity', 'agent', 'bot', 'note') AND external_id IS NOT NULL")
    op.create_index(
        "ix_messages_sent_as",
        "messages",
        ["inbox_id", "external_id"],
        unique=False,
        sqlite_where=ours,
        postgresql_where=ours,
    )
