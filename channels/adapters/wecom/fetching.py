"""Messages whose files are still to be fetched: noted durably, dealt with in the background."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any, Final

from channels.adapters.wecom.parsing import Incoming
from channels.contract import Attachment, ChannelContext
from channels.errors import (
    ChannelError,
    PermanentDeliveryError,
    SinkFullError,
    TransientDeliveryError,
    UnavailableError,
    Words,
)
from channels.wechat.api import PlatformApi
from channels.wechat.codes import PlatformError
from channels.wechat.media import MediaRefusedError, fetch_attachment
from channels.wechat.placeholders import lost_file

log = logging.getLogger(__name__)

STATE: Final = "waiting"
MOST: Final = 500  # messages that may wait
PATIENCE: Final = 21_600_000  # ms after which a message is shown without its file
PAUSES: Final = (1, 2, 5, 15, 30, 60)  # seconds between tries while the platform is away

Deliver = Callable[[Incoming, tuple[Attachment, ...], str | None, int], Awaitable[None]]
Entries = list[dict[str, Any]]


class MediaQueue:
    """One inbox's files on their way in.

    Args:
        api: where they lie.
        context: of the inbox.
        language: of the words that stand for a file that does not come.
        deliver: takes what came, its text and file, `raw` and when it was received.
    """

    def __init__(
        self, api: PlatformApi, context: ChannelContext, language: str, deliver: Deliver
    ) -> None:
        self._api = api
        self._context = context
        self._language = language
        self._deliver = deliver
        self._wanted = False
        self._working: asyncio.Task[None] | None = None

    async def add(self, incoming: Incoming, raw: str | None, now: int) -> None:
        """Notes a message, durable on return; once, however often it comes.

        Raises:
            SinkFullError: too many wait.
            UnavailableError: the store does not answer.
        """
        entry = {"incoming": asdict(incoming), "raw": raw, "received_at": now}

        def add(entries: Entries) -> Entries:
            if any(_id(one) == incoming.external_id for one in entries):
                return entries
            if len(entries) >= MOST:
                raise SinkFullError(retry_after=5)
            return [*entries, entry]

        await self._change(add)
        self.wake()

    def wake(self) -> None:
        """Begins to fetch what waits, unless this process is at it."""
        self._wanted = True
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Stops fetching; what waits is the next process's."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait({self._working})

    async def _work(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                await self._context.leases.run("media", self._fetch_all)
            except UnavailableError as error:
                log.warning("files wait: %s", error, extra={"action": "store_down"})
                self._wanted = True
                await asyncio.sleep(error.retry_after)

    async def _fetch_all(self) -> None:
        tries = 0
        while entries := await self._entries():
            done = [await self._fetch(entry) for entry in entries]
            if all(done):
                tries = 0
            else:
                await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1

    async def _fetch(self, entry: dict[str, Any]) -> bool:
        """Deals with one message; whether it is done."""
        incoming = Incoming(**entry["incoming"])
        files: tuple[Attachment, ...] = ()
        try:
            try:
                found = await fetch_attachment(
                    self._api,
                    self._context.blobs,
                    kind=incoming.kind,
                    media_id=incoming.media_id,
                    name=incoming.file_name,
                )
                files = (found,)
            except MediaRefusedError as error:
                incoming = replace(
                    incoming, text=lost_file(error.words).in_language(self._language)
                )
            except (PlatformError, TransientDeliveryError, PermanentDeliveryError) as error:
                if self._context.now() - entry["received_at"] < PATIENCE:
                    raise
                words = Words(*([str(error)] * 3))
                incoming = replace(incoming, text=lost_file(words).in_language(self._language))
            await self._deliver(incoming, files, entry["raw"], entry["received_at"])
        except ChannelError as error:
            log.warning("a file waits: %s", error, extra={"action": "media_waits"})
            return False
        await self._change(lambda entries: [e for e in entries if _id(e) != _id(entry)])
        return True

    async def _entries(self) -> Entries:
        return _parse(await self._context.state.get(STATE))

    async def _change(self, change: Callable[[Entries], Entries]) -> None:
        while True:
            kept = await self._context.state.get(STATE)
            if await self._context.state.swap(STATE, kept, json.dumps(change(_parse(kept)))):
                return


def _parse(kept: str | None) -> Entries:
    entries: Entries = json.loads(kept or "[]")
    return entries


def _id(entry: dict[str, Any]) -> str:
    return str(entry["incoming"]["external_id"])
