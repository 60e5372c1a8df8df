"""The inboxes, as this process knows them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.inbox import Inbox
from gateway.ports.clock import Clock
from gateway.ports.store import Store

_RELOAD_AFTER = 1_000  # ms between looks for an inbox that is not known


class InboxDirectory:
    """Caches the inboxes; `reload` after a change, and when an unknown one is asked for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._inboxes: dict[str, Inbox] = {}
        self._loaded_at = -_RELOAD_AFTER

    async def reload(self) -> Sequence[Inbox]:
        """Reads all inboxes.

        Raises:
            StoreUnavailableError: the database does not answer; the cache stays.
        """
        found = await self._store.read(lambda uow: uow.inboxes.all())
        self._inboxes = {inbox.id: inbox for inbox in found}
        self._loaded_at = self._clock()
        return found

    async def get(self, inbox_id: str) -> Inbox | None:
        """The inbox, enabled or not.

        Raises:
            StoreUnavailableError: it is not cached and the database does not answer.
        """
        found = self._inboxes.get(inbox_id)
        if found is None and self._clock() - self._loaded_at >= _RELOAD_AFTER:
            await self.reload()
            found = self._inboxes.get(inbox_id)
        return found
