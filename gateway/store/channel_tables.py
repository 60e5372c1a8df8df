"""The tables of what is kept for inboxes: state, threads, messages that are not shown."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from gateway.store.columns import metadata, text_column, time_column

# Cursors, tokens; `value` is encrypted.
channel_state = Table(
    "channel_state",
    metadata,
    Column("inbox_id", ForeignKey("inboxes.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    text_column("value"),
)

# Where a message that names an earlier one belongs: `leads_to`, `handle` and `thread` make a
# conversation key.
channel_threads = Table(
    "channel_threads",
    metadata,
    Column("inbox_id", ForeignKey("inboxes.id"), primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("leads_to", ForeignKey("inboxes.id"), nullable=False),
    text_column("handle"),
    text_column("thread"),
    time_column("created_at"),
)

discards = Table(
    "discards",
    metadata,
    Column("inbox_id", ForeignKey("inboxes.id"), primary_key=True),
    Column("external_id", Text, primary_key=True),
    text_column("reason"),
    Column("raw", Text),
    time_column("at"),
    # What an inbox received, by day.
    Index(None, "inbox_id", "at"),
)
