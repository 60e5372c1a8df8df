"""What the store keeps for conversations by letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.letters import Hold, Participation, Unseen
from gateway.ports.conversations import Scope


class Participants(Protocol):
    """Who takes part beside the customer."""

    def of(self, conversation_id: str) -> list[Participation]:
        """Everybody, by address."""
        ...

    def add(self, found: Sequence[Participation]) -> None:
        """Inserts those that are not there; the others stay as they are."""
        ...

    def remove(self, conversation_id: str, address: str) -> None:
        """Deletes, if there."""
        ...


class Holds(Protocol):
    """Messages that wait for an agent's decision."""

    def add(self, holds: Sequence[Hold]) -> None:
        """Inserts."""
        ...

    def remove(self, message_id: str) -> bool:
        """Deletes; whether it was there."""
        ...

    def newest(self, scope: Scope, *, inbox_id: str | None = None, limit: int) -> list[Hold]:
        """Those that wait in what an agent may see, newest first; of one inbox or of all."""
        ...

    def count(self, scope: Scope, *, limit: int) -> int:
        """How many wait in what an agent may see, counted up to a limit."""
        ...


class Mailings(Protocol):
    """How far conversations were sent on by mail to visitors who left."""

    def waiting(self, inbox_id: str, *, since: int, before: int, limit: int) -> list[Unseen]:
        """Conversations of whom has an address, with answers that nobody fetched or mailed.

        Args:
            inbox_id: the inbox.
            since: the newest message is not older (ms since the epoch).
            before: the oldest such answer was given before (ms since the epoch).
            limit: how many at most.
        """
        ...

    def note(self, conversation_id: str, seq: int) -> None:
        """Everything up to `seq` was mailed."""
        ...
