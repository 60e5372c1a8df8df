"""The store: units of work over all repositories.

Services are plain functions over a `UnitOfWork`; the store runs them on its database thread
and commits what arrived in the same few milliseconds together (group commit). A unit of work
may run twice when its group is replayed, so work functions must not touch anything but it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from gateway.domain.events import Event
from gateway.domain.records import DeadLetter, JournalEntry, StoredAnswer
from gateway.ports.catalogue import (
    CatalogueState,
    Draft,
    Figures,
    Jobs,
    Models,
    Review,
    Versions,
)
from gateway.ports.channels import ChannelStates, ChannelThreads, Discards
from gateway.ports.conversations import (
    Contacts,
    Conversations,
    Messages,
    Outbox,
    Tickets,
    Trail,
    Turns,
)
from gateway.ports.exchanges import Exchanges
from gateway.ports.knowledge import Articles
from gateway.ports.letters import Holds, Mailings, Participants
from gateway.ports.people import Agents, Audit, Canned, Inboxes

T = TypeVar("T")


class StoreUnavailableError(Exception):
    """The database does not answer, is locked or is full; nothing was written."""


class Journal(Protocol):
    """The embedded bus's tables."""

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Inserts those that are not there yet."""
        ...

    def remove(self, entry_ids: Sequence[int]) -> None:
        """Deletes what was handled."""
        ...

    def outstanding(self, *, after: int, limit: int) -> list[JournalEntry]:
        """Entries not handled yet, in order."""
        ...

    def last_id(self) -> int:
        """The highest id in the journal, 0 when it is empty."""
        ...

    def begin(self) -> int:
        """The id after which the caller may give its own; every call takes a range of its own."""
        ...

    def note_attempt(self, entry_id: int, attempts: int) -> None:
        """Remembers a failed try."""
        ...

    def bury(self, letter: DeadLetter, entry_id: int) -> None:
        """Moves an entry to the dead letters."""
        ...

    def dead(self, limit: int) -> list[DeadLetter]:
        """Dead letters, newest first."""
        ...

    def dead_count(self) -> int:
        """How many there are."""
        ...

    def take_dead(self, letter_id: str) -> DeadLetter | None:
        """Removes a dead letter and returns it."""
        ...


class Answers(Protocol):
    """Answers to requests with an idempotency key."""

    def find(self, key: str) -> StoredAnswer | None:
        """What the first request with that key was answered with."""
        ...

    def add(self, answer: StoredAnswer) -> None:
        """Inserts."""
        ...

    def remove_older(self, created_before: int) -> int:
        """Forgets old ones."""
        ...


class Leases(Protocol):
    """What may run once only."""

    def take(self, name: str, holder: str, *, now: int, until: int) -> bool:
        """Takes or extends the lease; false when another holds it."""
        ...

    def release(self, name: str, holder: str) -> None:
        """Gives it up."""
        ...


class UnitOfWork(Protocol):
    """One transaction."""

    conversations: Conversations
    messages: Messages
    contacts: Contacts
    tickets: Tickets
    outbox: Outbox
    trail: Trail
    turns: Turns
    agents: Agents
    inboxes: Inboxes
    canned: Canned
    articles: Articles
    audit: Audit
    journal: Journal
    answers: Answers
    leases: Leases
    draft: Draft
    versions: Versions
    models: Models
    catalogue_state: CatalogueState
    jobs: Jobs
    review: Review
    figures: Figures
    channel_state: ChannelStates
    threads: ChannelThreads
    discards: Discards
    exchanges: Exchanges
    participants: Participants
    holds: Holds
    mailings: Mailings

    def emit(self, event: Event) -> None:
        """Publishes the event after the commit, and never without it."""
        ...


class Store(Protocol):
    """Runs units of work."""

    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        """Runs on the writer thread; returns after the commit.

        Raises:
            StoreUnavailableError: nothing was written; try again later.
            GatewayError: what the work raised; nothing of it was written.
        """
        ...

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Runs on a reader thread against the last commit.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        ...

    def listen(self, listener: Callable[[Sequence[Event]], None]) -> None:
        """Calls back on the event loop with what each commit emitted, in order."""
        ...

    async def check(self) -> None:
        """Raises StoreUnavailableError when a small write does not succeed."""
        ...

    async def close(self) -> None:
        """Finishes what is queued and closes."""
        ...


class SecretBox(Protocol):
    """Encrypts secrets at rest with the installation's key file."""

    def seal(self, secret: str) -> str:
        """The secret, encrypted."""
        ...

    def open(self, sealed: str) -> str:
        """The secret in clear.

        Raises:
            ValueError: sealed with another key, or damaged.
        """
        ...
