"""Ending what a worker has in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet


async def finish(tasks: AbstractSet[asyncio.Task[None]], limit: float) -> None:
    """Waits until the set is empty; what is left after `limit` seconds is cancelled.

    What is cancelled is done again by whoever takes it next: nothing is lost by it.
    """
    try:
        async with asyncio.timeout(limit):
            while tasks:
                await asyncio.wait(tasks)
    except TimeoutError:
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
