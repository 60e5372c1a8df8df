"""Where a mail belongs: to a conversation that it proves to answer, or to a new one.

In order of trust: the signed reply address, our signed Message-ID, ids of earlier mails. Never the
subject alone, which anyone can write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from channels.adapters.email.reading import reference
from channels.adapters.email.signing import Marks
from channels.keeping import Thread, Threads
from channels.mail.model import ParsedEmail


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A conversation, and whether it is new; `known` says that the writer belongs to it."""

    thread: Thread
    new: bool
    known: bool


class Threader:
    """Finds and remembers the conversations of one mailbox."""

    def __init__(self, inbox_id: str, marks: Marks, threads: Threads) -> None:
        self._inbox_id = inbox_id
        self._marks = marks
        self._threads = threads

    async def place(self, mail: ParsedEmail, writer: str, root: str) -> Place:
        """The conversation of a mail.

        Args:
            mail: as parsed.
            writer: who wrote it, in lower case.
            root: the mail's own id, under which a new conversation begins.
        """
        found = await self._threads.find([root]) or await self._answered(mail)
        if found is not None:
            known = writer == found.handle or await self._is_member(found, writer)
            return Place(thread=found, new=False, known=known)
        begun = Thread(inbox_id=self._inbox_id, handle=writer, thread=root)
        return Place(thread=begun, new=True, known=True)

    async def _answered(self, mail: ParsedEmail) -> Thread | None:
        """The conversation that the mail answers, by the strongest proof there is."""
        addresses = [*mail.delivered_to, *(one.email for one in (*mail.to, *mail.cc))]
        ids = [one for one in (mail.in_reply_to, *reversed(mail.references)) if one]
        named = [
            *(self._marks.conversation_of_address(one) for one in addresses),
            *(self._marks.conversation_of_id(one) for one in ids),
        ]
        for conversation_id in dict.fromkeys(one for one in named if one):
            found = await self._threads.of_conversation(conversation_id)
            if found is not None:
                return found
        return await self._threads.find([reference(one) for one in ids])

    async def remember(
        self, ids: Sequence[str], thread: Thread, members: Iterable[str] = ()
    ) -> Thread:
        """Ties a mail's ids to its conversation, and people who belong to it.

        Args:
            ids: of the mail; the first is its own.
            thread: the conversation.
            members: addresses of those who wrote or were written to.

        Returns:
            The conversation to which the first id is tied now.
        """
        places = [_member(thread, one) for one in members if one]
        return await self._threads.remember([*ids, *places], thread)

    async def _is_member(self, thread: Thread, address: str) -> bool:
        return await self._threads.find([_member(thread, address)]) is not None


def _member(thread: Thread, address: str) -> str:
    """A reference that stands for somebody's place in a conversation."""
    key = "\x1f".join((thread.inbox_id, thread.handle, thread.thread, address.lower()))
    return "member:" + hashlib.sha256(key.encode()).hexdigest()
