"""Indexes for search what was written a moment ago, in small pieces beside the real work."""

from __future__ import annotations

import asyncio
import logging

from gateway.domain.errors import GatewayError
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork

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
            done = await store.write(_index_piece)
            pause = PAUSE if done < PIECE else BREATH
        except (StoreUnavailableError, GatewayError) as error:
            log.warning("indexing waits: %s", error, extra={"action": "store_down"})
            pause = OUTAGE_PAUSE
        await asyncio.sleep(pause)


def _index_piece(uow: UnitOfWork) -> int:
    return uow.messages.index_pending(PIECE)
