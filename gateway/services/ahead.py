"""Turns taken ahead: message and answer in one transaction instead of two.

A worker remembers how it left the conversations that the bot answers. When the next message of
one comes, the bot is asked at once, before anything is read or written; then message and
answer are stored together, but only if the conversation still stands as it was remembered. If
it does not (an agent claimed it, another worker was there, the message came before),
nothing is done here and the message goes the ordinary way.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from channels.contract import InboundMessage
from gateway.domain.conversation import PUBLIC_KINDS, Controller, Conversation, ConversationStatus
from gateway.domain.events import MessageAdded
from gateway.domain.records import PastLine
from gateway.ports.store import UnitOfWork
from gateway.services.intake import (
    IDLE,
    LINES_FOR_TURN,
    Accepted,
    IntakeContext,
    receive_message,
    tell_mailboxes,
    trail_of,
)
from gateway.services.turns import Applied, Decided, Taken, apply, write_applied

MOST: Final = 4_096
"""Conversations remembered; the one that was quiet longest is forgotten first."""
LONGEST: Final = 8_000
"""Characters of past lines up to which a conversation is remembered."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A conversation as a worker left it, with its newest public lines, oldest first."""

    conversation: Conversation
    lines: tuple[PastLine, ...]

    def precedes(self, accepted: Accepted) -> bool:
        """Whether the message came upon the conversation as it was remembered."""
        before, after = self.conversation, accepted.conversation
        return after.last_seq == before.last_seq + 1 and after.version == before.version


class Memory:
    """The conversations that the bot answered last, by conversation key."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Remembered] = OrderedDict()

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
        self._kept.pop(key, None)
        if applied is None or not _is_the_bots(applied.conversation):
            return
        said = [accepted.message, *(m for m in applied.messages if m.kind in PUBLIC_KINDS)]
        lines = (*accepted.lines, *(PastLine(m.seq, m.kind, m.text) for m in said))
        lines = lines[-LINES_FOR_TURN:]
        if sum(len(line.text) for line in lines) <= LONGEST:
            self._kept[key] = Remembered(_as_read_back(applied.conversation), lines)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)


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
class Foreseen:
    """A message, the conversation that was remembered, and the turn taken on it."""

    inbound: InboundMessage
    remembered: Remembered
    taken: Taken


def store_ahead(
    uow: UnitOfWork, batch: Sequence[Foreseen], context: IntakeContext
) -> list[tuple[Decided, Applied] | None]:
    """Stores messages of different conversations together with the bot's answers.

    Returns:
        What became of each; None where the conversation no longer stands as it was
        remembered, or the message is known: for those nothing was done.
    """
    known = uow.messages.known([_pair(item.inbound) for item in batch])
    stored = uow.conversations.by_ids(
        [item.remembered.conversation.id for item in batch], lock=True
    )
    results: list[tuple[Decided, Applied] | None] = []
    for item in batch:
        conversation = stored.get(item.remembered.conversation.id)
        if (
            conversation is None
            or _pair(item.inbound) in known
            or not _stands(conversation, item.remembered.conversation)
        ):
            results.append(None)
        else:
            results.append(_settle(uow, item, conversation, context))
    _write(uow, [result for result in results if result is not None], context)
    return results


def _pair(inbound: InboundMessage) -> tuple[str, str]:
    return inbound.inbox_id, inbound.external_id


def _stands(stored: Conversation, remembered: Conversation) -> bool:
    """Whether nothing was said or changed since: each of both moves one of these numbers."""
    return (
        stored.last_seq == remembered.last_seq
        and stored.version == remembered.version
        and stored.turned_seq == remembered.turned_seq
    )


def _settle(
    uow: UnitOfWork, item: Foreseen, conversation: Conversation, context: IntakeContext
) -> tuple[Decided, Applied]:
    accepted = receive_message(item.inbound, conversation, context)
    decided = Decided(replace(accepted, lines=item.remembered.lines), item.taken)
    return decided, apply(uow, decided, accepted.conversation, context)


def _write(
    uow: UnitOfWork, settled: Sequence[tuple[Decided, Applied]], context: IntakeContext
) -> None:
    accepted = [decided.accepted for decided, _ in settled]
    uow.messages.add([one.message for one in accepted])
    uow.trail.add([trail_of(one, new=True, now=context.now) for one in accepted])
    for one in accepted:
        uow.emit(MessageAdded(conversation=one.conversation, message=one.message))
    write_applied(uow, [applied for _, applied in settled], context)
    tell_mailboxes(uow, accepted, context)
