"""Copies of sent mails in the mailbox's own folder."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from channels.adapters.email.errors import MailServerError, in_words
from channels.adapters.email.oauth import Tokens
from channels.adapters.email.poller import open_session
from channels.adapters.email.settings import EmailSettings
from channels.contract import DeliveryReport, MessageState, Sink
from channels.errors import UnavailableError

log = logging.getLogger(__name__)

COPY_SECONDS: Final = 60.0
AT_ONCE: Final = 2
MOST_WAITING: Final = 50  # copies, which lie in memory
PAUSE_SECONDS: Final = 5.0  # before the second try


class SentCopies:
    """Puts sent mails into the Sent folder, few at a time.

    A copy that cannot be kept is told in its message's trail, with the reason; the mail itself
    went out.

    Args:
        inbox_id: whose mails.
        settings: where its mailbox is.
        tokens: to sign in with.
        sink: takes what became of a copy.
    """

    def __init__(self, inbox_id: str, settings: EmailSettings, tokens: Tokens, sink: Sink) -> None:
        self._inbox_id = inbox_id
        self._settings = settings
        self._tokens = tokens
        self._sink = sink
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def keep(self, message_id: str, content: bytes) -> None:
        """Keeps a copy, at the second try if need be."""
        if self._waiting >= MOST_WAITING:
            await self._tell(message_id, "too many copies wait")
            return
        self._waiting += 1
        try:
            async with self._room:
                reason = await self._append(content)
                if reason:
                    await asyncio.sleep(PAUSE_SECONDS)
                    reason = await self._append(content)
        except asyncio.CancelledError:
            self._log(message_id, "the inbox stopped")
            raise
        finally:
            self._waiting -= 1
        if reason:
            await self._tell(message_id, reason)

    async def _append(self, content: bytes) -> str:
        """Why it was not kept; empty when it was."""
        try:
            async with asyncio.timeout(COPY_SECONDS):
                session = await open_session(self._settings, self._tokens)
                try:
                    await session.append(self._settings.sent_folder, content)
                finally:
                    await session.logout()
        except (MailServerError, OSError) as error:
            return in_words(error, self._settings.imap_host, self._settings.imap_port).en
        except UnavailableError as error:
            return str(error)
        return ""

    async def _tell(self, message_id: str, reason: str) -> None:
        self._log(message_id, reason)
        report = DeliveryReport(
            inbox_id=self._inbox_id,
            state=MessageState.SENT,
            reason=f"No copy in {self._settings.sent_folder}: {reason}",
            message_id=message_id,
        )
        try:
            await self._sink.report(report)
        except UnavailableError as error:
            self._log(message_id, str(error))

    def _log(self, message_id: str, reason: str) -> None:
        log.warning(
            "no copy of mail %s was kept: %s", message_id, reason, extra={"action": "no_copy"}
        )
