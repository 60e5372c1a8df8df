"""How a mailbox does, kept in its state so that any process can tell."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from channels.checking import Health
from channels.errors import UnavailableError, Words
from channels.keeping import ChannelState

log = logging.getLogger(__name__)

STATE: Final = "health"
EVERY: Final = 30_000  # ms between notes that all is well
PATIENCE: Final = 60_000  # ms for which a connection that broke is no trouble yet


class HealthKeeper:
    """Notes what the loop learns: trouble at once, good news now and then."""

    def __init__(self, state: ChannelState, now: Callable[[], int]) -> None:
        self._state = state
        self._now = now
        self._health = Health(heard_at=None, message_at=None)
        self._written_at = 0

    async def heard(self) -> None:
        """The server answered as it should: earlier trouble is over."""
        trouble = self._health.error is not None
        self._health = replace(self._health, heard_at=self._now(), error=None, error_at=None)
        if trouble or self._now() - self._written_at > EVERY:
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
        health = self._health
        kept = {
            "heard_at": health.heard_at,
            "message_at": health.message_at,
            "error": health.error,
            "error_at": health.error_at,
            "facts": dict(health.facts),
        }
        try:
            await self._state.put(STATE, json.dumps(kept))
        except UnavailableError:
            self._written_at = 0


async def read_health(state: ChannelState) -> Health | None:
    """What the process that receives noted last."""
    kept = await state.get(STATE)
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
