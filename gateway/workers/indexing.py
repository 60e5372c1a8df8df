"""Indexes for search what was written a moment ago, in small pieces beside the real work."""

from __future__ import annotations

import asyncio
import logging

from gateway.ports.conversations import Unindexed
from gateway.ports.store import Store, StoreUnavailableError

log = logging.getLogger(__name__)

PIECE = 100  # entries, some milliseconds of the writer's time
PAUSE = 0.5  # seconds until it looks again, when nothing waits
BREATH = 0.02  # seconds between pieces, so that customers' messages go first
OUTAGE_PAUSE = 2.0  # seconds before it tries again


async def index_for_search(store: Store) -> None:
    """Works until cancelled; several processes may do so at once.

    Args:
        store: whose messages, subjects, tickets and contacts are to be found.
    """
    while True:
        try:
            done = await _index(store)
            pause = PAUSE if done < PIECE else BREATH
        except StoreUnavailableError as error:
            log.warning("indexing waits: %s", error, extra={"action": "store_down"})
            pause = OUTAGE_PAUSE
        await asyncio.sleep(pause)


async def _index(store: Store) -> int:
    """The next piece; when one entry spoils it, entry by entry."""
    try:
        return await store.write(lambda uow: uow.messages.index_pending(PIECE))
    except StoreUnavailableError:
        raise
    except Exception as error:  # whatever an entry does must not stop the others
        log.warning("indexing one by one: %s", error, extra={"action": "index_spoiled"})
    waiting = await store.read(lambda uow: uow.messages.unindexed(PIECE))
    for item in waiting:
        await _index_one(store, item)
    return len(waiting)


async def _index_one(store: Store, item: Unindexed) -> None:
    try:
        await store.write(lambda uow: uow.messages.index_one(item.number))
    except StoreUnavailableError:
        raise
    except Exception:  # it would fail again: better not found than for ever in the way
        log.exception(
            "%s %s is left out of search", item.kind, item.ref, extra={"action": "index_left_out"}
        )
        await store.write(lambda uow: uow.messages.leave_unindexed(item.number))
