"""How a mailbox does, kept in its state so that any process can tell.

Fetching and listening tell of themselves, and each of several processes that listen: what one
says takes nothing from the others.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from channels.adapters.email.errors import silent
from channels.adapters.email.imap import IDLE_SECONDS
from channels.adapters.email.settings import EmailSettings
from channels.checking import Health
from channels.errors import UnavailableError, Words
from channels.keeping import ChannelState

log = logging.getLogger(__name__)

FETCHING: Final = "fetching"
LISTENING: Final = "listening"
LOOKS: Final = 3  # that may be missed before silence is trouble
EVERY: Final = 30_000  # ms between notes that all is well
TRIES: Final = 3  # to write while others do
PATIENCE: Final = 60_000  # ms for which a connection that broke is no trouble yet


class HealthKeeper:
    """Notes what the loop learns: trouble at once, good news now and then."""

    def __init__(self, state: ChannelState, now: Callable[[], int], source: str) -> None:
        self._state = state
        self._now = now
        self._name = _name(source)
        self._health = Health(heard_at=None, message_at=None)
        self._written_at = 0

    async def heard(self) -> None:
        """The server answered as it should: earlier trouble is over."""
        trouble = self._health.error is not None
        self._health = replace(self._health, heard_at=self._now(), error=None, error_at=None)
        if trouble or self._now() - self._written_at > EVERY:
            await self._write()

    async def alive(self) -> None:
        """The server answers; whether all is well is not known yet."""
        self._health = replace(self._health, heard_at=self._now())
        if self._now() - self._written_at > EVERY:
            await self._write()

    def message(self) -> None:
        """Mail came."""
        self._health = replace(self._health, message_at=self._now())
        self._written_at = 0  # tell with the next word

    def fact(self, name: str, value: str) -> None:
        """A figure to show."""
        self._health = replace(self._health, facts={**self._health.facts, name: value})

    async def fail(self, words: Words, *, lost: bool = False) -> None:
        """It does not work now.

        Args:
            words: why, and how to mend it.
            lost: a connection broke; that is normal once in a while.
        """
        log.warning("mailbox: %s", words.en, extra={"action": "mailbox_failed"})
        recent = self._now() - (self._health.heard_at or 0) < PATIENCE
        if lost and recent:
            return
        at = self._health.error_at or self._now()
        self._health = replace(self._health, error=words, error_at=at)
        await self._write()

    async def _write(self) -> None:
        self._written_at = self._now()
        try:
            for _ in range(TRIES):
                kept = await self._state.get(self._name)
                self._health = _merge(_read(kept), self._health)
                if await self._state.swap(self._name, kept, _dump(self._health)):
                    return
        except UnavailableError:
            self._written_at = 0


async def read_health(state: ChannelState, settings: EmailSettings, now: int) -> Health | None:
    """What the processes that receive noted last; long silence of the one that fetches is trouble.

    Args:
        state: where they noted it.
        settings: of the mailbox.
        now: ms since the epoch.
    """
    known = []
    if settings.listen_port:
        known.append(_read(await state.get(_name(LISTENING))))
    if settings.imap_host:
        fetching = _read(await state.get(_name(FETCHING)))
        known.append(fetching and _unless_silent(fetching, settings, now))
    merged: Health | None = None
    for one in sorted(filter(None, known), key=lambda one: one.error is not None):
        merged = _merge(merged, one)  # what is in trouble comes last, and so has its way
    return merged


def _unless_silent(health: Health, settings: EmailSettings, now: int) -> Health:
    patience = round(1_000 * LOOKS * max(IDLE_SECONDS, settings.poll_seconds))
    since = health.heard_at or now
    if health.error is not None or now - since <= patience:
        return health
    return replace(health, error=silent((now - since) // 60_000), error_at=since + patience)


def _name(source: str) -> str:
    return f"health:{source}"


def _merge(earlier: Health | None, later: Health) -> Health:
    """What is known together; whether it works now the later one tells."""
    if earlier is None:
        return later
    return replace(
        later,
        heard_at=max(later.heard_at or 0, earlier.heard_at or 0) or None,
        message_at=max(later.message_at or 0, earlier.message_at or 0) or None,
        facts={**earlier.facts, **later.facts},
    )


def _dump(health: Health) -> str:
    return json.dumps(
        {
            "heard_at": health.heard_at,
            "message_at": health.message_at,
            "error": health.error,
            "error_at": health.error_at,
            "facts": dict(health.facts),
        }
    )


def _read(kept: str | None) -> Health | None:
    if not kept:
        return None
    found = json.loads(kept)
    return Health(
        heard_at=found["heard_at"],
        message_at=found["message_at"],
        error=Words(*found["error"]) if found["error"] else None,
        error_at=found["error_at"],
        facts=found["facts"],
    )
