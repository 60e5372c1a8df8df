"""How an app does, kept in its state so that any process can tell."""

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
EVERY: Final = 60_000  # ms between notes that all is well


class HealthKeeper:
    """Notes trouble at once, and good news now and then."""

    def __init__(self, state: ChannelState, now: Callable[[], int]) -> None:
        self._state = state
        self._now = now
        self._health = Health(heard_at=None, message_at=None)
        self._written_at = 0

    async def well(self, *, message: bool = False) -> None:
        """The platform answered, or a message came: earlier trouble is over."""
        before, now = self._health, self._now()
        came = now if message else before.message_at
        self._health = replace(before, heard_at=now, message_at=came, error=None, error_at=None)
        if before.error is not None or now - self._written_at > EVERY:
            await self._write()

    async def fail(self, words: Words) -> None:
        """It does not work now."""
        log.warning("wecom: %s", words.en, extra={"action": "platform_failed"})
        at = self._health.error_at or self._now()
        self._health = replace(self._health, error=words, error_at=at)
        await self._write()

    async def read(self) -> Health:
        """What was noted last, in whichever process."""
        kept = await self._state.get(STATE)
        if kept is None:
            return self._health
        found = json.loads(kept)
        error = found["error"]
        return Health(
            heard_at=found["heard_at"],
            message_at=found["message_at"],
            error=Words(*error) if error else None,
            error_at=found["error_at"],
        )

    async def _write(self) -> None:
        self._written_at = self._now()
        health = self._health
        kept = {
            "heard_at": health.heard_at,
            "message_at": health.message_at,
            "error": health.error,
            "error_at": health.error_at,
        }
        try:
            await self._state.put(STATE, json.dumps(kept))
        except UnavailableError:
            self._written_at = 0
