"""Timer: chats whose visitors left go on by mail, from the inboxes that are set up for it."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Final

from gateway.domain.inbox import Inbox
from gateway.ports.clock import Clock, NewId
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.mailing import mail_unseen

log = logging.getLogger(__name__)

TICK: Final = 15.0  # seconds
LEASE: Final = 60_000  # ms


class ChatMailer:
    """One process's timer; only the holder of the lease mails."""

    def __init__(self, store: Store, clock: Clock, new_id: NewId, holder: str) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._holder = holder

    async def run(self) -> None:
        """Works until cancelled."""
        while True:
            try:
                await self.mail()
            except StoreUnavailableError as error:
                log.warning("mails wait: %s", error, extra={"action": "store_down"})
            await asyncio.sleep(TICK)

    async def mail(self) -> int:
        """Looks once; how many mails were written.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        inboxes = {inbox.id: inbox for inbox in await self._store.read(_all_inboxes)}
        written = 0
        for inbox in inboxes.values():
            mail_inbox = inboxes.get(inbox.mail_inbox_id or "")
            if inbox.enabled and mail_inbox is not None and mail_inbox.enabled:
                written += await self._store.write(partial(self._mail, inbox, mail_inbox))
        return written

    def _mail(self, inbox: Inbox, mail_inbox: Inbox, uow: UnitOfWork) -> int:
        now = self._clock()
        if not uow.leases.take("mailing", self._holder, now=now, until=now + LEASE):
            return 0
        return mail_unseen(uow, inbox, mail_inbox, now=now, new_id=self._new_id)


def _all_inboxes(uow: UnitOfWork) -> list[Inbox]:
    return uow.inboxes.all()
