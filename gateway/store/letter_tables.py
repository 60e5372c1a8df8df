"""The tables of conversations by letter."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from gateway.domain.letters import Part
from gateway.store.columns import enum, metadata, text_column, time_column

participants = Table(
    "participants",
    metadata,
    Column("conversation_id", ForeignKey("conversations.id"), primary_key=True),
    Column("address", Text, primary_key=True),
    text_column("name"),
    *enum("part", Part),
)

# Messages that wait for an agent's decision, newest first.
holds = Table(
    "holds",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    time_column("since"),
    Index(None, "since"),
)

# Up to where a visitor who left was sent the conversation by mail.
mailings = Table(
    "mailings",
    metadata,
    Column("conversation_id", ForeignKey("conversations.id"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
