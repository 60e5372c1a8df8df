"""What the store keeps for inboxes beside conversations: state, threads, what is not shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from channels.contract import Discard
from channels.keeping import Thread
from gateway.domain.letters import Balance, Discarded


class ChannelStates(Protocol):
    """Small values of inboxes, encrypted."""

    def get(self, inbox_id: str, name: str, *, lock: bool = False) -> str | None:
        """The value; with `lock` nobody else changes it until the commit."""
        ...

    def put(self, inbox_id: str, name: str, value: str) -> None:
        """Inserts or replaces."""
        ...


class ChannelThreads(Protocol):
    """Which references lead to which conversation."""

    def find(self, inbox_id: str, refs: Sequence[str]) -> dict[str, Thread]:
        """Those that are known to the inbox, by reference."""
        ...

    def add(self, inbox_id: str, refs: Sequence[str], thread: Thread, *, now: int) -> None:
        """Inserts those that are not there; the others stay as they are."""
        ...

    def move(self, inbox_id: str, ref: str, thread: Thread) -> None:
        """Ties a known reference to another thread."""
        ...


class Discards(Protocol):
    """Messages that came and are not shown."""

    def add(self, discard: Discard, *, now: int) -> None:
        """Inserts, unless it is there."""
        ...

    def find(self, inbox_id: str, external_id: str) -> Discarded | None:
        """The one of that id."""
        ...

    def newest(self, inbox_id: str | None, *, limit: int) -> list[Discarded]:
        """Those of an inbox, or of all, newest first."""
        ...

    def balance(self, inbox_ids: Sequence[str], *, since: int, offset: int) -> list[Balance]:
        """What became of what these inboxes received since then, by inbox and day, newest first.

        Args:
            inbox_ids: the inboxes.
            since: ms since the epoch.
            offset: how far (ms) days begin before those of UTC.
        """
        ...
