"""The tables: what the migrations build, and what the statements are written against.

Times are BIGINT milliseconds since the epoch, ids are TEXT, values of fixed lists are TEXT with a
CHECK (an inbox's kind is free: a new channel is no new migration), structures are JSON in TEXT.
Each index says which query needs it.
"""

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
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from channels.contract import MessageKind, MessageState
from gateway.domain.conversation import Controller, ConversationStatus
from gateway.domain.inbox import RecogniserKind
from gateway.domain.people import Availability, Role
from gateway.domain.ticket import Severity, TicketKind, TicketState
from gateway.domain.trail import Hop, Outcome
from gateway.store.columns import NUMBER, metadata
from gateway.store.columns import enum as _enum
from gateway.store.columns import one_of as _one_of
from gateway.store.columns import partial as _partial
from gateway.store.columns import text_column as _text
from gateway.store.columns import time_column as _time

SHELVES = ("bot", "queue", "agent", "solved")


teams = Table(
    "teams",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _text("hours"),
)

agents = Table(
    "agents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    _text("name"),
    *_enum("role", Role),
    Column("active", Boolean, nullable=False),
    _text("language"),
    *_enum("availability", Availability),
    Column("must_change_password", Boolean, nullable=False),
    _time("created_at"),
    _text("password"),
)

team_members = Table(
    "team_members",
    metadata,
    Column("agent_id", ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("team_id", ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True, index=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("agent_id", ForeignKey("agents.id", ondelete="CASCADE"), nullable=False, index=True),
    _text("csrf"),
    _time("created_at"),
    _time("seen_at"),
    Column("expires_at", BigInteger, nullable=False, index=True),
    _text("address"),
    _text("browser"),
)

canned_responses = Table(
    "canned_responses",
    metadata,
    Column("id", Text, primary_key=True),
    _text("shortcut"),
    _text("title"),
    _text("text"),
    _text("language"),
    Column("team_id", ForeignKey("teams.id")),
    _time("updated_at"),
    # A shortcut is taken once for everyone, and once in each team.
    _partial("uq_canned_everyone", "shortcut", "language", where="team_id IS NULL", unique=True),
    _partial(
        "uq_canned_team",
        "team_id",
        "shortcut",
        "language",
        where="team_id IS NOT NULL",
        unique=True,
    ),
)

inboxes = Table(
    "inboxes",
    metadata,
    Column("id", Text, primary_key=True),
    _text("kind"),
    _text("name"),
    _text("settings"),
    _text("secrets"),
    _text("language"),
    Column("team_id", ForeignKey("teams.id")),
    Column("bot", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    _time("created_at"),
    *_enum("recogniser", RecogniserKind),
    Column("mail_inbox_id", Text),  # where its chats go on by mail
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("email"),
    _text("phone"),
    _text("company"),
    _text("language"),
    _text("attributes"),
    Column("verified", Boolean, nullable=False),
    _time("created_at"),
    Column("key", Boolean, nullable=False),
)

handles = Table(
    "handles",
    metadata,
    Column("inbox_id", ForeignKey("inboxes.id"), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("contact_id", ForeignKey("contacts.id"), nullable=False, index=True),
    _time("created_at"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("inbox_id", ForeignKey("inboxes.id"), nullable=False),
    Column("contact_id", ForeignKey("contacts.id"), nullable=False, index=True),
    _text("handle"),
    _text("thread"),
    *_enum("controller", Controller),
    *_enum("status", ConversationStatus),
    Column("agent_id", ForeignKey("agents.id")),
    Column("team_id", ForeignKey("teams.id")),
    Column("ticket_id", Text),  # no foreign key: tickets point here already
    _text("language"),
    _text("subject"),
    Column("last_seq", BigInteger, nullable=False),
    _time("last_message_at"),
    _text("preview"),
    Column("unread", BigInteger, nullable=False),
    Column("waiting_since", BigInteger),
    _text("bot_state"),
    Column("version", BigInteger, nullable=False),
    Column("turned_seq", BigInteger, nullable=False),
    Column("bot_since", BigInteger, nullable=False),
    _time("created_at"),
    # Where the lists find it: `solved`, else its controller.
    _text("shelf"),
    _one_of("shelf", SHELVES),
    # The current ticket's, kept by Tickets, so that lists filter by an index.
    Column("severity", Text),
    # The lists, newest message first: all, without a team, a team's, an inbox's, an agent's
    # own, a severity's.
    Index("ix_conversations_list", "shelf", "last_message_at", "id"),
    # (PostgreSQL reads an index in order after `team_id = …`, but not after `team_id IS NULL`.)
    _partial(
        "ix_conversations_teamless_list",
        "shelf",
        "last_message_at",
        "id",
        where="team_id IS NULL",
    ),
    _partial(
        "ix_conversations_team_list",
        "team_id",
        "shelf",
        "last_message_at",
        "id",
        where="team_id IS NOT NULL",
    ),
    Index("ix_conversations_inbox_list", "inbox_id", "shelf", "last_message_at", "id"),
    _partial(
        "ix_conversations_agent_list",
        "agent_id",
        "shelf",
        "last_message_at",
        "id",
        where="agent_id IS NOT NULL",
    ),
    _partial(
        "ix_conversations_severity_list",
        "severity",
        "shelf",
        "last_message_at",
        "id",
        where="severity IS NOT NULL",
    ),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("inbox_id", ForeignKey("inboxes.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    *_enum("kind", MessageKind),
    *_enum("state", MessageState),
    _text("text"),
    _time("created_at"),
    Column("author_id", Text),
    _text("author_name"),
    Column("payload", Text),
    _text("choices"),
    _text("attachments"),
    Column("article", Text),
    Column("external_id", Text),
    Column("in_reply_to", Text),
    Column("failure", Text),
    Column("sent_at", BigInteger),
    _text("details"),
    UniqueConstraint("conversation_id", "seq"),
    # Redelivery by the channel is harmless; our own messages may share ids with theirs.
    _partial(
        "uq_messages_received",
        "inbox_id",
        "external_id",
        where="kind IN ('customer', 'note') AND external_id IS NOT NULL",
        unique=True,
    ),
    # Failed deliveries, newest first.
    _partial("ix_messages_failed", "created_at", "id", where="state = 'failed'"),
    # What a mailbox channel's customer has not fetched yet, and has not seen yet.
    _partial("ix_messages_sent", "conversation_id", "seq", where="state = 'sent'"),
    _partial(
        "ix_messages_delivered",
        "conversation_id",
        "seq",
        where="state = 'delivered' AND kind IN ('agent', 'bot')",
    ),
    # The one of ours that a platform's report names.
    _partial(
        "ix_messages_sent_as",
        "inbox_id",
        "external_id",
        where="kind IN ('activity', 'agent', 'bot', 'note') AND external_id IS NOT NULL",
    ),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False, index=True),
    Column("contact_id", ForeignKey("contacts.id"), nullable=False),
    Column("team_id", ForeignKey("teams.id")),
    Column("agent_id", ForeignKey("agents.id")),
    *_enum("kind", TicketKind),
    *_enum("severity", Severity),
    *_enum("state", TicketState),
    _text("subject"),
    _text("summary"),
    _text("reason"),
    _text("card"),
    _time("created_at"),
    _time("updated_at"),
    Column("solved_at", BigInteger),
    Column("closed_at", BigInteger),
    # The ticket lists by falling number: of a state, without or with a team, an agent's, a
    # contact's.
    Index(None, "state", "number"),
    _partial("ix_tickets_teamless", "number", where="team_id IS NULL"),
    _partial("ix_tickets_teamless_state", "state", "number", where="team_id IS NULL"),
    Index(None, "team_id", "number"),
    Index(None, "team_id", "state", "number"),
    Index(None, "agent_id", "number"),
    Index(None, "contact_id", "number"),
)

turns = Table(
    "turns",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    _text("conversation_id"),
    Column("intent", Text),
    Column("confidence", Float(53), nullable=False),
    _text("decision"),
    _text("reason"),
    Column("article", Text),
    _text("catalogue_version"),
    Column("ms", BigInteger, nullable=False),
    _time("created_at"),
    # Figures and review, by day.
    Index(None, "created_at"),
    # How often an article answered, and where last in a conversation.
    _partial(
        "ix_turns_article",
        "article",
        "conversation_id",
        "created_at",
        where="article IS NOT NULL",
    ),
)

trail = Table(
    "trail",
    metadata,
    Column("id", NUMBER, primary_key=True),
    Column("message_id", ForeignKey("messages.id"), nullable=False, index=True),
    *_enum("hop", Hop),
    *_enum("outcome", Outcome),
    _text("reason"),
    Column("ms", BigInteger, nullable=False),
    _time("at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", NUMBER, primary_key=True),
    _text("inbox_id"),
    _text("conversation_id"),
    # The oldest of its conversation: the only one that may go out.
    Column("head", Boolean, nullable=False),
    Column("message_id", ForeignKey("messages.id"), nullable=False),
    Column("attempts", BigInteger, nullable=False),
    _time("available_at"),
    _time("created_at"),
    Column("worker", Text),
    # 0 when nobody holds it.
    _time("leased_until"),
    # The next of a conversation; what is due, however much waits behind it.
    Index(None, "conversation_id", "id"),
    _partial("ix_outbox_heads", "available_at", "inbox_id", where="head"),
    sqlite_autoincrement=True,
)

bus_journal = Table(
    "bus_journal",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    _text("key"),
    Column("payload", LargeBinary, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    _time("appended_at"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Text, primary_key=True),
    _text("key"),
    Column("payload", LargeBinary, nullable=False),
    _text("reason"),
    Column("attempts", BigInteger, nullable=False),
    Column("died_at", BigInteger, nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("id", NUMBER, primary_key=True),
    _time("at"),
    _text("actor_id"),
    _text("action"),
    _text("object_type"),
    _text("object_id"),
    _text("before"),
    _text("after"),
    sqlite_autoincrement=True,
)

answers = Table(
    "answers",
    metadata,
    Column("key", Text, primary_key=True),
    _text("fingerprint"),
    Column("status", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    _text("holder"),
    _time("until"),
)

# `ticket` and `journal`: the highest number given; `check`: when a small write last succeeded;
# `articles`: how often what is published changed.
counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

DOCUMENT_KINDS = ("message", "subject", "ticket", "contact")

# What waits to be indexed for search, by kind and id.
search_pending = Table(
    "search_pending",
    metadata,
    Column("number", NUMBER, primary_key=True),
    _text("kind"),
    _text("ref"),
    _one_of("kind", DOCUMENT_KINDS),
    sqlite_autoincrement=True,
)

# What is indexed, under the number under which it waited; a newer document of the same thing
# replaces the older one.
search_documents = Table(
    "search_documents",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    _text("kind"),
    _text("ref"),
    Column("conversation_id", ForeignKey("conversations.id")),
    Column("contact_id", ForeignKey("contacts.id")),
    _one_of("kind", DOCUMENT_KINDS),
    # Messages never change: only other things are looked up to be replaced.
    _partial("uq_search_documents_ref", "kind", "ref", where="kind <> 'message'", unique=True),
)

# The words of each document. On SQLite this is an FTS5 table without content whose row number
# is the document's; rows of replaced documents stay there and lead nowhere.
search_words = Table(
    "search_words",
    metadata,
    Column(
        "number",
        ForeignKey("search_documents.number", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("words", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
    Index("ix_search_words_words", "words", postgresql_using="gin"),
)
