"""Conversations, messages, tickets, contacts, outbox and trail, as the store keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from channels.contract import MessageKind
from gateway.domain.conversation import Contact, Conversation, Message
from gateway.domain.records import (
    Delivery,
    Handle,
    KnownCustomer,
    Mark,
    NewDelivery,
    PastLine,
    Raised,
    StateUpdate,
    TurnRecord,
)
from gateway.domain.ticket import Ticket, TicketState
from gateway.domain.trail import TrailEntry


class ListView(StrEnum):
    """The console's lists."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    BOT = "bot"
    ALL = "all"
    SOLVED = "solved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an agent may see: everything, or own conversations and those of these teams.

    Conversations without a team (the bot's) are visible to everyone on staff.
    """

    agent_id: str
    everything: bool
    team_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFilter:
    """One page of a list, newest message first.

    `before` is the (last_message_at, id) of the last row of the previous page.
    """

    scope: Scope
    view: ListView
    limit: int
    before: tuple[int, str] | None = None
    inbox_id: str | None = None
    team_id: str | None = None
    severity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """A row of a list: the conversation with the names that the list shows."""

    conversation: Conversation
    contact_name: str
    inbox_name: str
    inbox_kind: str
    agent_name: str
    team_name: str
    ticket_number: int | None
    severity: str | None
    ticket_state: str | None
    ticket_kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A conversation in which the words stand; `snippet` is the message's text around them."""

    row: ConversationRow
    message_id: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Unindexed:
    """What waits for the search index: a `message`, `subject`, `ticket` or `contact`."""

    number: int
    kind: str
    ref: str


class Conversations(Protocol):
    """Conversations and the lists over them."""

    def get(self, conversation_id: str, *, lock: bool = False) -> Conversation:
        """One conversation; with `lock` nobody else changes it until the commit.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def by_ids(
        self, conversation_ids: Sequence[str], *, lock: bool = False
    ) -> dict[str, Conversation]:
        """Those that exist, by id; locked in id order."""
        ...

    def by_keys(self, keys: Sequence[str], *, lock: bool = False) -> dict[str, Conversation]:
        """Those that exist, by conversation key; locked in id order."""
        ...

    def add(self, conversations: Sequence[Conversation]) -> None:
        """Inserts."""
        ...

    def update(self, conversations: Sequence[Conversation]) -> None:
        """Writes all columns of rows read under lock."""
        ...

    def release_solved(self, agent_id: str) -> None:
        """Takes the agent's solved conversations out of their hands, with their tickets.

        Reopened, each waits in its team's queue. There may be thousands, so they are not read.
        """
        ...

    def page(self, query: ConversationFilter) -> list[ConversationRow]:
        """One page of a list."""
        ...

    def row(self, conversation_id: str) -> ConversationRow:
        """One conversation with its names.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def rows(self, conversation_ids: Sequence[str]) -> dict[str, ConversationRow]:
        """Those that exist with their names, by id."""
        ...

    def counts(self, scope: Scope) -> dict[ListView, int]:
        """How many conversations each list holds; each count stops at 1,000."""
        ...

    def waiting(self) -> dict[str | None, int]:
        """How many customers wait in each team's queue, by team id."""
        ...

    def search(self, scope: Scope, words: str, limit: int) -> list[SearchHit]:
        """Where messages, contact, subject or ticket number match; right for Chinese."""
        ...


class Messages(Protocol):
    """Messages of conversations."""

    def known(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Message]:
        """What came before, by (inbox id, external id)."""
        ...

    def add(self, messages: Sequence[Message]) -> None:
        """Inserts and indexes for search."""
        ...

    def update(self, message: Message) -> None:
        """Writes all columns, and indexes it anew."""
        ...

    def said_by_bot(self, contact_id: str, *, since: int, limit: int) -> int:
        """How many messages the bot sent a contact since then (ms), counted up to a limit."""
        ...

    def said_to_handles(self, inbox_id: str, ending: str, *, since: int, limit: int) -> int:
        """The same for all in an inbox whose handles end so."""
        ...

    def get(self, message_id: str) -> Message:
        """One message.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def by_ids(self, message_ids: Sequence[str]) -> dict[str, Message]:
        """Those that exist, by id."""
        ...

    def sent_as(self, inbox_id: str, external_id: str) -> Message | None:
        """What went out and the platform knows by that id; the newest."""
        ...

    def ending(self, conversation_id: str, end: str) -> Message | None:
        """The conversation's message whose id has that end."""
        ...

    def page(
        self,
        conversation_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int,
        kinds: frozenset[MessageKind] | None = None,
    ) -> list[Message]:
        """Messages in order of `seq`: after one, before one (the nearest), or the newest."""
        ...

    def recent(self, conversation_ids: Sequence[str], limit: int) -> dict[str, list[PastLine]]:
        """The newest public messages of each conversation, oldest first."""
        ...

    def unfetched(self, conversation_id: str) -> list[Message]:
        """Bots' and agents' messages in state `sent`, the oldest 100."""
        ...

    def set_states(self, updates: Sequence[StateUpdate]) -> None:
        """Notes how far outgoing messages got."""
        ...

    def raise_states(self, marks: Sequence[Mark], at: int) -> list[list[Raised]]:
        """Moves outgoing messages on to what the marks say, never back; a list for each mark."""
        ...

    def failed(self, limit: int) -> list[Message]:
        """Messages in state failed, newest first."""
        ...

    def index_pending(self, limit: int) -> int:
        """Indexes for search what waits, oldest first; returns how much that was.

        Messages, subjects, tickets and contacts wait from the moment they are written.
        """
        ...

    def unindexed(self, limit: int) -> list[Unindexed]:
        """What waits for the search index, oldest first."""
        ...

    def index_one(self, number: int) -> None:
        """Indexes what waits under that number; nothing when it waits no more."""
        ...

    def leave_unindexed(self, number: int) -> None:
        """Gives up what waits under that number."""
        ...


class Contacts(Protocol):
    """Contacts and their handles."""

    def by_handles(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Contact]:
        """Contacts by (inbox id, handle)."""
        ...

    def add(self, contacts: Sequence[Contact], handles: Sequence[Handle]) -> None:
        """Inserts."""
        ...

    def get(self, contact_id: str) -> Contact:
        """One contact.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def by_ids(self, contact_ids: Sequence[str]) -> dict[str, Contact]:
        """Those that exist, by id."""
        ...

    def customers(self, contact_ids: Sequence[str]) -> dict[str, KnownCustomer]:
        """What the bot is told of those who exist, by id; at most 100 tickets are counted."""
        ...

    def update(self, contact: Contact) -> None:
        """Writes all columns."""
        ...

    def handles(self, contact_id: str) -> list[Handle]:
        """All addresses of a contact."""
        ...

    def conversations(self, contact_id: str, limit: int) -> list[Conversation]:
        """The contact's conversations, newest first."""
        ...


class Tickets(Protocol):
    """Tickets."""

    def next_number(self) -> int:
        """Takes the next ticket number."""
        ...

    def add(self, ticket: Ticket) -> None:
        """Inserts."""
        ...

    def update(self, ticket: Ticket) -> None:
        """Writes all columns."""
        ...

    def get(self, ticket_id: str, *, lock: bool = False) -> Ticket:
        """One ticket.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def by_ids(self, ticket_ids: Sequence[str]) -> dict[str, Ticket]:
        """Those that exist, by id."""
        ...

    def by_number(self, number: int) -> Ticket | None:
        """The ticket with that number."""
        ...

    def page(
        self, scope: Scope, *, state: TicketState | None, before: int | None, limit: int
    ) -> list[Ticket]:
        """Tickets by falling number."""
        ...

    def of_contact(self, contact_id: str, limit: int) -> list[Ticket]:
        """The contact's tickets, newest first."""
        ...


class Outbox(Protocol):
    """Deliveries that wait, in order within each conversation.

    Whoever adds or removes one has its conversation under lock: which of them is the next to go
    is kept with the rows.
    """

    def add(self, deliveries: Sequence[NewDelivery]) -> None:
        """Inserts, each behind what waits in its conversation."""
        ...

    def holds(self, conversation_id: str, message_id: str) -> bool:
        """Whether the message waits."""
        ...

    def due_inboxes(self, now: int) -> list[str]:
        """Inboxes with deliveries whose time has come and that nobody holds."""
        ...

    def claim(
        self, worker: str, *, inbox_id: str, now: int, leased_until: int, limit: int
    ) -> list[Delivery]:
        """Takes due heads: the oldest delivery of a conversation, when nobody else holds it."""
        ...

    def hold(self, delivery_id: int, worker: str, *, leased_until: int) -> None:
        """Leaves a claimed delivery to its worker for another time than it was claimed for."""
        ...

    def remove(self, delivery_ids: Sequence[int]) -> None:
        """Deletes what is done with."""
        ...

    def postpone(self, delivery_id: int, *, attempts: int, available_at: int) -> None:
        """Gives a delivery back for a later try."""
        ...

    def depth(self) -> int:
        """How many deliveries wait."""
        ...


class Trail(Protocol):
    """What happened to messages."""

    def add(self, entries: Sequence[TrailEntry]) -> None:
        """Inserts."""
        ...

    def of_message(self, message_id: str) -> list[TrailEntry]:
        """The hops of one message, in order."""
        ...

    def of_messages(self, message_ids: Sequence[str]) -> dict[str, list[TrailEntry]]:
        """The hops of several messages, each in order, by message id."""
        ...

    def of_conversation(self, conversation_id: str, limit: int) -> dict[str, list[TrailEntry]]:
        """The hops of a conversation's newest messages, by message id."""
        ...


class Turns(Protocol):
    """What the bot decided."""

    def add(self, turns: Sequence[TurnRecord]) -> None:
        """Inserts."""
        ...

    def of_message(self, message_id: str) -> TurnRecord | None:
        """The turn taken on a customer's message."""
        ...
