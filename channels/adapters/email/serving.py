"""Who has a mail already, where some of its recipients were refused: nobody gets it twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from channels.adapters.email.refusals import Refusals
from channels.keeping import ChannelState

STATE: Final = "served"
MOST: Final = 500  # mails; beyond that the one refused longest ago is forgotten


@dataclass(frozen=True, slots=True)
class Served:
    """Who got one mail, and who never will, with the server's answers."""

    got: tuple[str, ...] = ()
    refused: Refusals = field(default_factory=dict)
    noted: bool = False

    def left(self, recipients: Sequence[str], *, anew: bool) -> tuple[str, ...]:
        """Who is still to get it.

        Args:
            recipients: of the whole mail.
            anew: an agent sends it again, also to those who were refused, and to all where all
                have it.
        """
        over = set(self.got) if anew else {*self.got, *self.refused}
        left = tuple(one for one in recipients if one not in over)
        return left or (tuple(recipients) if anew else ())

    def after(self, recipients: Sequence[str], asked: Sequence[str], refusals: Refusals) -> Served:
        """How it stands after a try for some of the recipients."""
        never = {who: said for who, said in refusals.items() if said[0] >= 500}
        rest = {*recipients} - {*asked}
        earlier = {who: said for who, said in self.refused.items() if who in rest}
        got = (*self.got, *(one for one in asked if one not in refusals))
        return Served(tuple(dict.fromkeys(got)), earlier | never, self.noted)


class Serving:
    """What one mailbox remembers of mails that some did not get."""

    def __init__(self, state: ChannelState) -> None:
        self._state = state

    async def of(self, message_id: str) -> Served:
        """What is known of a mail; nothing where nobody was refused."""
        found = json.loads(await self._state.get(STATE) or "{}").get(message_id)
        if found is None:
            return Served()
        refused = {who: (code, said) for who, (code, said) in found["refused"].items()}
        return Served(tuple(found["got"]), refused, noted=True)

    async def lost(self, id_end: str, recipient: str) -> None:
        """Somebody's mail came back: sent again, it goes to them too.

        Args:
            id_end: the end of the message's id, or all of it.
            recipient: whose mail it was.
        """
        kept = json.loads(await self._state.get(STATE) or "{}")
        for message_id in [one for one in kept if one.endswith(id_end)]:
            served = await self.of(message_id)
            got = tuple(one for one in served.got if one.lower() != recipient.lower())
            if got != served.got:
                await self.note(message_id, replace(served, got=got))

    async def note(self, message_id: str, served: Served | None) -> None:
        """Keeps it, the latest last; None forgets the mail, which everybody has."""
        while True:
            before = await self._state.get(STATE)
            kept = json.loads(before or "{}")
            kept.pop(message_id, None)
            if served is not None:
                kept[message_id] = {"got": served.got, "refused": served.refused}
            for oldest in list(kept)[:-MOST]:
                del kept[oldest]
            if await self._state.swap(STATE, before, json.dumps(kept)):
                return
