"""Collecting: what is asked for while a write is under way goes with the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

FAILED_PAUSE = 0.5
"""Seconds before what could not be written is tried again unasked."""


class Flusher:
    """Runs a write when asked, one at a time, and once more when asked meanwhile.

    Args:
        write: writes all that is collected; true when it went well. It must not raise.
        linger: seconds after which `later` becomes `soon`.
    """

    def __init__(self, write: Callable[[], Awaitable[bool]], *, linger: float) -> None:
        self._write = write
        self._linger = linger
        self._wanted = False
        self._went_well = True
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """Writes at once, or directly after the write that is under way."""
        self._wanted = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def later(self) -> None:
        """Writes with whatever is asked for soon, but within the linger time."""
        self._after(self._linger)

    async def finish(self) -> bool:
        """Writes what is collected and waits for it; true when nothing failed."""
        self.soon()
        while self._task is not None:
            await asyncio.shield(self._task)
        return self._went_well

    def stop(self) -> None:
        """Forgets the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _run(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                self.stop()
                self._went_well = await self._write()
                if not self._went_well:
                    self._after(FAILED_PAUSE)
        finally:
            self._task = None

    def _after(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        self.soon()
