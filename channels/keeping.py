"""What the gateway keeps for an inbox between messages: state, leases, threads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class ChannelState(Protocol):
    """Small durable values of one inbox: cursors, tokens. They lie encrypted.

    All of it raises `UnavailableError` while the store does not answer.
    """

    async def get(self, name: str) -> str | None:
        """The value; None where there is none."""
        ...

    async def put(self, name: str, value: str) -> None:
        """Keeps the value, durable on return."""
        ...

    async def swap(self, name: str, expected: str | None, value: str) -> bool:
        """Keeps the value if the one that stands is still `expected`; says whether it did."""
        ...


class Leases(Protocol):
    """What may run once only, whichever process the inbox lives in."""

    async def run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Runs the work under the inbox's lease of that name; returns when the work does.

        Waits while another holds the lease. It is renewed while the work runs; when it is lost
        all the same, the work is cancelled and begun again under the next lease.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """Where a conversation is: what makes its conversation key.

    `inbox_id` may be another inbox than the one that asks: a web chat goes on by mail.
    """

    inbox_id: str
    handle: str
    thread: str = ""


class Threads(Protocol):
    """Which messages belong together, for channels where messages name earlier ones.

    References are the channel's ids of messages, known to one inbox each. All of it raises
    `UnavailableError` while the store does not answer.
    """

    async def find(self, refs: Sequence[str]) -> Thread | None:
        """The thread of the first of these references that is known."""
        ...

    async def remember(self, refs: Sequence[str], thread: Thread) -> Thread:
        """Ties references to a thread, durable on return; those that are tied stay as they are.

        Call it before the sink, so that an answer that follows at once finds its root.

        Returns:
            Where the first reference leads now.
        """
        ...

    async def of_conversation(self, conversation_id: str) -> Thread | None:
        """Where the conversation of that id is; None when there is none."""
        ...


def names_of(external_id: str) -> list[str]:
    """By what later messages may name one: its id, and what stands in it before a space."""
    return list(dict.fromkeys([external_id, external_id.partition(" ")[0]]))
