"""The catalogue, its jobs and its review, as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway.domain.catalogue import (
    DayCounts,
    DraftDocument,
    FiledSentence,
    IntentCounts,
    Job,
    RegressionTest,
    ReviewMark,
    ReviewTurn,
    Version,
)
from intents.documents import CatalogueDocument, Kind


class Draft(Protocol):
    """The documents under work."""

    def all(self) -> list[DraftDocument]:
        """Every document, in the order of a catalogue."""
        ...

    def find(self, kind: Kind, name: str) -> DraftDocument | None:
        """One document, or None."""
        ...

    def revision(self) -> int:
        """A number that rises with each change of whatever document."""
        ...

    def put(
        self, document: CatalogueDocument, *, expected: int | None, editor: str | None, now: int
    ) -> DraftDocument | None:
        """Inserts (`expected` None) or replaces the revision that was seen.

        Returns:
            The document as it is now, or None when it is not at that revision.
        """
        ...

    def remove(self, kind: Kind, name: str, *, expected: int) -> bool:
        """Deletes; false when it is not at that revision."""
        ...

    def replace_all(
        self, documents: Sequence[CatalogueDocument], *, editor: str | None, now: int
    ) -> None:
        """Makes the draft hold these; those that stay as they are keep their revision."""
        ...


class Versions(Protocol):
    """Published versions; rows are never changed."""

    def newest(self, limit: int) -> list[Version]:
        """By falling number."""
        ...

    def get(self, number: int) -> Version:
        """One version.

        Raises:
            NotFoundError: there is none with that number.
        """
        ...

    def content(self, number: int) -> str:
        """Its documents, as `intents.documents.pack` writes them.

        Raises:
            NotFoundError: there is none with that number.
        """
        ...

    def published(self) -> Version | None:
        """The newest, which is the one that answers; None before the first start."""
        ...

    def by_hash(self, content_hash: str) -> Version | None:
        """The newest version with that content."""
        ...

    def add(self, version: Version, content: str) -> None:
        """Inserts.

        Raises:
            ConflictError: another process published that number a moment ago.
        """
        ...


class Models(Protocol):
    """Model files in pieces, by what they were trained from."""

    def size(self, lessons: str) -> int | None:
        """Bytes of a complete model, or None."""
        ...

    def piece(self, lessons: str, place: int) -> bytes | None:
        """One piece, counted from 0."""
        ...

    def put_piece(self, lessons: str, place: int, content: bytes) -> None:
        """Inserts or replaces; the model is there only after `complete`."""
        ...

    def complete(self, lessons: str, size: int, now: int) -> None:
        """All pieces are there."""
        ...

    def keys(self) -> list[str]:
        """What complete models are there."""
        ...

    def keep_only(self, lessons: Sequence[str]) -> int:
        """Deletes the others; returns how many."""
        ...


class CatalogueState(Protocol):
    """Single values: the gate's settings, what folder was read, and the like."""

    def get(self, name: str) -> Mapping[str, Any] | None:
        """The value, or None."""
        ...

    def put(self, name: str, value: Mapping[str, Any]) -> None:
        """Inserts or replaces."""
        ...


class Jobs(Protocol):
    """Long work on the catalogue."""

    def add(self, job: Job) -> None:
        """Inserts."""
        ...

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def newest(self, limit: int) -> list[Job]:
        """Newest first."""
        ...

    def update(self, job: Job) -> None:
        """Writes all columns."""
        ...

    def claim(self, holder: str, *, now: int, until: int) -> Job | None:
        """Takes the oldest that waits or whose holder died, or None.

        One job runs at a time: training takes a core.
        """
        ...

    def remove_older(self, finished_before: int) -> int:
        """Forgets ended ones."""
        ...


class Review(Protocol):
    """Customers' sentences that deserve a look, and conversations kept as tests."""

    def questionable(self, *, since: int, below: float, limit: int) -> list[ReviewTurn]:
        """Turns not reviewed yet, newest first.

        Those with a confidence under `below`, handed over, disliked or filed by an agent.
        """
        ...

    def solved_by_people(self, *, since: int, limit: int) -> list[ReviewTurn]:
        """Handed-over turns of conversations that agents answered and solved, newest first."""
        ...

    def mark(self, marks: Sequence[ReviewMark]) -> None:
        """Inserts or replaces."""
        ...

    def reviewed(self, message_ids: Sequence[str]) -> frozenset[str]:
        """Those of these messages that were reviewed."""
        ...

    def file(self, sentence: FiledSentence) -> None:
        """Inserts or replaces."""
        ...

    def tests(self) -> list[RegressionTest]:
        """Oldest first."""
        ...

    def add_test(self, test: RegressionTest) -> None:
        """Inserts."""
        ...

    def remove_test(self, test_id: str) -> bool:
        """Deletes; false when there is none."""
        ...


class Figures(Protocol):
    """Counts for charts."""

    def intents(self, *, since: int, until: int) -> list[tuple[int, IntentCounts]]:
        """Turns by quarter of an hour (ms since the epoch) and intent; `day` is empty."""
        ...

    def days(self, *, since: int, until: int) -> list[tuple[int, DayCounts]]:
        """Conversations by the quarter of an hour in which they began; `day` is empty."""
        ...
