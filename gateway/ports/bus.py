"""The conversation bus, and the hub that tells consoles and widgets what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.domain.records import DeadLetter, JournalEntry


class BusUnavailableError(Exception):
    """The bus does not answer; nothing was kept."""


class BusFullError(Exception):
    """The bus holds as much as it may.

    Args:
        retry_after: seconds after which to try again.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the bus is full; try again in {retry_after:.0f} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class BusEntry:
    """An entry in a worker's hands. `attempts` counts earlier tries; `id` is the bus's own."""

    id: str
    key: str
    payload: bytes
    attempts: int
    appended_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BusLag:
    """How far behind the workers are; ages in ms."""

    depth: int
    oldest_age: int
    in_flight: int
    dead: int


class Bus(Protocol):
    """The conversation bus: durable, ordered for each key, parallel across keys.

    An entry that is neither acknowledged, retried nor buried comes again when its
    worker died. While an entry is in a worker's hands, or waits for its retry, later entries
    of its key wait.
    """

    async def start(self) -> None:
        """Connects and recovers."""
        ...

    async def append(self, key: str, payload: bytes) -> None:
        """Returns when the entry is durable.

        Raises:
            BusFullError: nothing was kept; the sender is to try later.
            BusUnavailableError: nothing was kept, as far as can be known.
        """
        ...

    async def take(self, limit: int) -> list[BusEntry]:
        """Waits for entries; gives at most one for each key that is not in anyone's hands.

        An empty list means that the bus was closed.
        """
        ...

    def unkept(self, entries: Sequence[BusEntry]) -> dict[str, JournalEntry]:
        """Entries in hand that nothing keeps yet, as rows for the journal, by entry id.

        Their senders still wait. Whoever stores a part of what they ask for, and does not
        finish them in the same transaction, puts the rows into the journal with it and then
        calls `keep`.
        """
        ...

    def keep(self, entry_ids: Iterable[str]) -> None:
        """These stand in the journal now, so their senders may go on."""
        ...

    async def acknowledge(self, entries: Sequence[BusEntry]) -> None:
        """They are dealt with; the next ones of their keys may go."""
        ...

    async def retry(
        self, entry: BusEntry, *, delay: float, reason: str, counts: bool = True
    ) -> None:
        """Give it out again after `delay` seconds, before later ones of its key.

        `counts` says that the entry itself failed, and not a server that it needs.
        """
        ...

    async def bury(self, entry: BusEntry, reason: str) -> None:
        """It cannot be handled: to the dead letters, and the key goes on.

        When the dead letters cannot be written, it is given out again, as by `retry`.
        """
        ...

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Newest first."""
        ...

    async def requeue(self, letter_id: str) -> bool:
        """Appends a dead letter anew; false when there is none with that id."""
        ...

    async def lag(self) -> BusLag:
        """Figures for screens and metrics."""
        ...

    async def check(self) -> None:
        """Raises BusUnavailableError when the bus does not answer."""
        ...

    async def close(self) -> None:
        """Stops giving out; what is in hand may still be acknowledged before."""
        ...


Frame = Mapping[str, Any]


class HubClosedError(Exception):
    """The subscription, or the hub, was closed; there are no more frames."""


class HubSubscription(Protocol):
    """Frames of some topics, in order, for one reader."""

    async def get(self) -> Frame:
        """The next frame; `{"type": "overflow"}` once when frames were lost.

        Raises:
            HubClosedError: the subscription has ended.
        """
        ...

    def clear(self) -> None:
        """Forgets the frames that wait."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class Hub(Protocol):
    """Tells consoles and widgets what changed; best effort, the store is the truth."""

    def publish(self, topic: str, frame: Frame) -> None:
        """To all subscribers in all processes."""
        ...

    def wanted(self, topic: str) -> bool:
        """False when certainly nobody subscribes, so that the frame need not be made."""
        ...

    def subscribe(self, *topics: str) -> HubSubscription:
        """From now on."""
        ...

    async def start(self) -> None:
        """Connects."""
        ...

    async def close(self) -> None:
        """Ends all subscriptions."""
        ...
