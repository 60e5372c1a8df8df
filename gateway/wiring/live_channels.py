"""The channels that run in this process: one for each enabled inbox."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from channels.contract import Channel, ChannelContext, ChannelKind, InboxConfig
from channels.errors import SettingsError
from channels.registry import kind_names, load_kind, parse_settings
from gateway.domain.inbox import Inbox
from gateway.services.inbox_directory import InboxDirectory

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Running:
    inbox: Inbox
    channel: Channel[Any]


class KindDirectory:
    """Implements `channels.contract.Directory` for one kind."""

    def __init__(self, kind: str, running: dict[str, _Running]) -> None:
        self._kind = kind
        self._running = running

    def find(self, inbox_id: str) -> Channel[Any] | None:
        """The enabled inbox of this kind with that id."""
        found = self._running.get(inbox_id)
        return found.channel if found and found.inbox.kind == self._kind else None

    def default(self) -> Channel[Any] | None:
        """The oldest enabled inbox of the kind."""
        mine = [r for r in self._running.values() if r.inbox.kind == self._kind]
        return min(mine, key=lambda r: r.inbox.created_at).channel if mine else None


class LiveChannels:
    """Builds, starts, reloads and stops the inboxes' channels."""

    def __init__(
        self,
        directory: InboxDirectory,
        context: Callable[[Inbox], ChannelContext],
        *,
        receives: bool,
    ) -> None:
        self._directory = directory
        self._context = context
        self._receives = receives
        self._running: dict[str, _Running] = {}
        # Two reloads at once would start an inbox twice, and nobody could stop the first.
        self._changing = asyncio.Lock()

    def find_channel(self, inbox_id: str) -> Channel[Any] | None:
        """The enabled inbox's channel."""
        found = self._running.get(inbox_id)
        return found.channel if found else None

    def first_for_letters(self) -> Channel[Any] | None:
        """The oldest enabled inbox whose messages are letters."""
        letters = [self._running[inbox_id] for inbox_id in self.letter_inboxes()]
        return min(letters, key=lambda r: r.inbox.created_at).channel if letters else None

    def letter_inboxes(self) -> frozenset[str]:
        """The enabled inboxes whose messages are letters."""
        return frozenset(
            inbox_id
            for inbox_id, running in self._running.items()
            if load_kind(running.inbox.kind).capabilities.letters
        )

    def routes(self) -> list[web.AbstractRouteDef]:
        """The routes of every kind, whether it has inboxes yet or not."""
        found: list[web.AbstractRouteDef] = []
        for name in kind_names():
            kind = load_kind(name)
            if kind.routes is not None:
                found.extend(kind.routes(KindDirectory(name, self._running)))
        return found

    async def reload(self) -> None:
        """Brings the running channels in line with the store; unchanged ones go on undisturbed.

        A changed inbox's new channel is there before the old one stops: those whom the old
        one sends away find the new one, and nobody is told that there is no such inbox.

        Raises:
            StoreUnavailableError: the database does not answer; everything goes on as it was.
        """
        async with self._changing:
            inboxes = await self._directory.reload()
            wanted = {inbox.id: inbox for inbox in inboxes if inbox.enabled}
            leaving = [r for r in self._running.values() if wanted.get(r.inbox.id) != r.inbox]
            for running in leaving:
                if running.inbox.id not in wanted:
                    del self._running[running.inbox.id]
            for inbox in wanted.values():
                running_now = self._running.get(inbox.id)
                if running_now is None or running_now.inbox != inbox:
                    await self._start(inbox)
            await asyncio.gather(*(self._stop(running) for running in leaving))

    async def stop(self) -> None:
        """Stops every channel."""
        async with self._changing:
            while self._running:
                await self._stop(self._running.popitem()[1])

    async def _start(self, inbox: Inbox) -> None:
        """Puts the inbox's channel in the place of an earlier one, or of none if it fails."""
        channel = await self._make(inbox)
        if channel is None:
            self._running.pop(inbox.id, None)
        else:
            self._running[inbox.id] = _Running(inbox, channel)

    async def _make(self, inbox: Inbox) -> Channel[Any] | None:
        """The started channel; None when it cannot start: the others must start all the same."""
        try:
            channel = self._build(load_kind(inbox.kind), inbox)
            if self._receives:
                await channel.start()
        except SettingsError as error:
            log.error(
                "inbox %s cannot start: %s", inbox.name, error, extra={"action": "inbox_failed"}
            )
            return None
        except Exception:  # whatever an adapter or its platform does
            log.exception("inbox %s cannot start", inbox.name, extra={"action": "inbox_failed"})
            return None
        return channel

    def _build(self, kind: ChannelKind[Any], inbox: Inbox) -> Channel[Any]:
        settings = parse_settings(kind, {**inbox.settings, **inbox.secrets})
        config = InboxConfig(
            id=inbox.id, name=inbox.name, language=inbox.language, settings=settings
        )
        return kind.build(config, self._context(inbox))

    async def _stop(self, running: _Running) -> None:
        try:
            await running.channel.stop()
        except Exception:  # the others must still stop
            log.exception("a channel did not stop cleanly", extra={"action": "inbox_failed"})


def letter_kinds(kinds: Sequence[str]) -> frozenset[str]:
    """Those whose messages are letters."""
    return frozenset(name for name in kinds if load_kind(name).capabilities.letters)


def mailbox_kinds(kinds: Sequence[str]) -> frozenset[str]:
    """Those whose customers fetch messages from us."""
    return frozenset(name for name in kinds if load_kind(name).capabilities.mailbox)
