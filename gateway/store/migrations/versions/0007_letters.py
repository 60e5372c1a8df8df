"""Conversations by letter: participants, messages that wait, chats that go on by mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "participants",
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.CheckConstraint("part IN ('to', 'cc', 'third')", name=op.f("ck_participants_part")),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_participants_conversation_id"),
        ),
        sa.PrimaryKeyConstraint("conversation_id", "address", name=op.f("pk_participants")),
    )
    op.create_table(
        "holds",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_holds_conversation_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_holds_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_since"), "holds", ["since"], unique=False)
    op.create_table(
        "mailings",
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_mailings_conversation_id")
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_mailings")),
    )
    # What came and is not the customer's word is a note; it must not come twice either.
    received = sa.text("kind IN ('customer', 'note') AND external_id IS NOT NULL")
    op.drop_index("uq_messages_customer", table_name="messages")
    op.create_index(
        "uq_messages_received",
        "messages",
        ["inbox_id", "external_id"],
        unique=True,
        sqlite_where=received,
        postgresql_where=received,
    )
    op.add_column("inboxes", sa.Column("mail_inbox_id", sa.Text(), nullable=True))
