"""State, leases and threads in memory, for the tests of adapters."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from channels.keeping import Thread


class MemoryState:
    """`channels.keeping.ChannelState`; a test may read and write `values`."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        """The value; None where there is none."""
        return self.values.get(name)

    async def put(self, name: str, value: str) -> None:
        """Keeps the value."""
        self.values[name] = value

    async def swap(self, name: str, expected: str | None, value: str) -> bool:
        """Keeps the value if the one that stands is still `expected`."""
        if self.values.get(name) != expected:
            return False
        self.values[name] = value
        return True


class MemoryLeases:
    """`channels.keeping.Leases`; a test takes one away with `lose`."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._working: dict[str, asyncio.Future[None]] = {}

    def lose(self, name: str) -> None:
        """Takes the lease from whoever works under it."""
        self._working[name].cancel()

    async def run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Runs the work under the lease, anew when the lease was lost."""
        while True:
            async with self._held[name]:
                working = asyncio.ensure_future(work())
                self._working[name] = working
                try:
                    await asyncio.wait({working})
                except asyncio.CancelledError:
                    working.cancel()
                    await asyncio.wait({working})
                    raise
                if not working.cancelled():
                    return working.result()


class MemoryThreads:
    """`channels.keeping.Threads`; a test names conversations in `conversations`."""

    def __init__(self) -> None:
        self.known: dict[str, Thread] = {}
        self.conversations: dict[str, Thread] = {}

    async def find(self, refs: Sequence[str]) -> Thread | None:
        """The thread of the first of these references that is known."""
        return next((self.known[ref] for ref in refs if ref in self.known), None)

    async def remember(self, refs: Sequence[str], thread: Thread) -> Thread:
        """Ties references to a thread; those that are tied stay as they are."""
        for ref in refs:
            self.known.setdefault(ref, thread)
        return self.known[refs[0]] if refs else thread

    async def of_conversation(self, conversation_id: str) -> Thread | None:
        """Where the conversation of that id is."""
        return self.conversations.get(conversation_id)
