"""How much of a message in several parts went out, so that a repeat goes on where it broke."""

from __future__ import annotations

import json
from typing import Final

from channels.keeping import ChannelState

STATE: Final = "unfinished"
MOST: Final = 100  # messages that are remembered; the oldest go first


class Progress:
    """The parts of messages that the platform took."""

    def __init__(self, state: ChannelState) -> None:
        self._state = state

    async def done(self, message_id: str) -> int:
        """How many parts went out."""
        found = json.loads(await self._state.get(STATE) or "{}").get(message_id, 0)
        return int(found)

    async def note(self, message_id: str, parts: int) -> None:
        """So many parts went out; 0 forgets the message, which is finished."""
        while True:
            kept = await self._state.get(STATE)
            counts = json.loads(kept or "{}")
            counts.pop(message_id, None)
            if parts:
                counts[message_id] = parts
            for oldest in list(counts)[:-MOST]:
                del counts[oldest]
            if await self._state.swap(STATE, kept, json.dumps(counts)):
                return
