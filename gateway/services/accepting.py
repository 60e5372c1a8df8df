"""Accepts a batch of messages, with the answers that the bot has ready, in one transaction.

A worker remembers how it left the conversations that the bot answers. When the next message of
one comes, the bot is asked at once, before anything is read or written; then message and
answer are stored together, but only if the conversation still stands as it was remembered. If
it does not (an agent claimed it, another worker was there, the message came before), the
message is accepted alone, and the bot is asked anew if it owes a turn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from channels.contract import InboundMessage
from gateway.domain.conversation import (
    PUBLIC_KINDS,
    Controller,
    Conversation,
    ConversationStatus,
    Message,
)
from gateway.domain.records import PastLine
from gateway.ports.store import UnitOfWork
from gateway.services.customers import CustomerMemory
from gateway.services.intake import (
    IDLE,
    LINES_FOR_TURN,
    Accepted,
    IntakeContext,
    receive_batch,
    store_received,
    tell_mailboxes,
    with_context,
)
from gateway.services.turns import Applied, Decided, Taken, apply, write_applied

MOST: Final = 4_000_000
"""Characters of past lines that are remembered in all; what was quiet longest goes first."""
LONGEST: Final = 8_000
"""Characters of past lines up to which a conversation is remembered."""
LEAST: Final = 400
"""Characters that a conversation counts for at least."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A conversation as a worker left it, with its newest public lines, oldest first."""

    conversation: Conversation
    lines: tuple[PastLine, ...]

    @property
    def size(self) -> int:
        """About how many characters it keeps in memory."""
        return LEAST + sum(len(line.text) for line in self.lines)

    def precedes(self, accepted: Accepted) -> bool:
        """Whether the message came upon the conversation as it was remembered.

        Whatever is said moves `last_seq`, whatever people change moves `version`.
        """
        before, after = self.conversation, accepted.conversation
        return accepted.new and (after.last_seq, after.version) == (
            before.last_seq + 1,
            before.version,
        )


class Memory:
    """The conversations that the bot answered last, by conversation key; and who asks there."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Remembered] = OrderedDict()
        self._size = 0
        self.customers = CustomerMemory()

    def recall(self, key: str, now: int) -> Remembered | None:
        """The conversation, if its next message will surely be the bot's to answer.

        Args:
            key: a conversation key.
            now: in ms since the epoch.
        """
        found = self._kept.get(key)
        if found is None or now - found.conversation.last_message_at > IDLE:
            return None
        return found

    def keep(self, accepted: Accepted, applied: Applied | None) -> None:
        """Remembers how a turn left its conversation; forgets it where people answer now."""
        key = accepted.inbound.conversation_key
        self.forget(key)
        if applied is None or not _is_the_bots(applied.conversation):
            return
        said = [accepted.message, *(m for m in applied.messages if m.kind in PUBLIC_KINDS)]
        lines = (*accepted.lines, *(_line_of(m) for m in said))
        found = Remembered(_as_read_back(applied.conversation), lines[-LINES_FOR_TURN:])
        if found.size <= LONGEST:
            self._kept[key] = found
            self._size += found.size
            while self._size > MOST:
                self._size -= self._kept.popitem(last=False)[1].size

    def forget(self, key: str) -> None:
        """The conversation is in other hands, or its memory was out of date."""
        found = self._kept.pop(key, None)
        if found is not None:
            self._size -= found.size


def _line_of(message: Message) -> PastLine:
    pressed = message.payload is not None
    return PastLine(message.seq, message.kind, message.text, pressed)


def _as_read_back(conversation: Conversation) -> Conversation:
    """The bot's state as the store would give it: as JSON leaves it."""
    state = conversation.bot_state
    return (
        replace(conversation, bot_state=orjson.loads(orjson.dumps(state)))
        if state
        else conversation
    )


def _is_the_bots(conversation: Conversation) -> bool:
    return (
        conversation.controller is Controller.BOT
        and conversation.status is ConversationStatus.OPEN
    )


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message, and the turn that was taken on it ahead, if the bot was done in time."""

    inbound: InboundMessage
    remembered: Remembered | None = None
    taken: Taken | None = None

    def turn_on(self, accepted: Accepted) -> Decided | None:
        """The turn, if it is owed and was taken on the conversation as it stands."""
        if self.taken is None or self.remembered is None or not accepted.owes_turn:
            return None
        if not self.remembered.precedes(accepted):
            return None
        return Decided(replace(accepted, lines=self.remembered.lines), self.taken)


def accept_batch(
    uow: UnitOfWork, batch: Sequence[Incoming], context: IntakeContext
) -> list[tuple[Accepted, Applied | None]]:
    """Stores messages of different conversations, and the answers that are ready.

    Args:
        uow: the transaction.
        batch: at most one message for each conversation key; each one's inbox is in
            `context.inboxes`.
        context: inboxes, time and ids.

    Returns:
        For each message what became of it, and of the turn that was taken ahead.

    Raises:
        ForeignIdError: the id of a message belongs to another conversation's.
    """
    received = receive_batch(uow, [item.inbound for item in batch], context)
    turns = [item.turn_on(one) for item, one in zip(batch, received, strict=True)]
    unanswered = [one for one, turn in zip(received, turns, strict=True) if turn is None]
    others = iter(with_context(uow, unanswered))
    accepted = [next(others) if turn is None else turn.accepted for turn in turns]
    applied = [
        None if turn is None else apply(uow, turn, turn.accepted.conversation, context)
        for turn in turns
    ]
    store_received(uow, accepted, context)
    results = list(zip(accepted, applied, strict=True))
    uow.conversations.update([a.conversation for a, done in results if a.new and done is None])
    write_applied(uow, [done for done in applied if done is not None], context)
    settled = [a for a, done in results if done is not None or not a.owes_turn]
    tell_mailboxes(uow, settled, context)
    return results
