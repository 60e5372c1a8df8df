"""The one way out: pending messages are handed to their channel, tried again, or shown as failed.

The outbox gives out the oldest delivery of each conversation only, so order holds even while
one waits for its next try.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from channels.contract import MessageKind, MessageState, OutboundMessage, PublicMessage
from channels.letters import Letter
from gateway.domain.conversation import Conversation, Message
from gateway.domain.errors import ConflictError
from gateway.domain.events import DeliveryQueued, MessageStateChanged
from gateway.domain.records import Delivery, NewDelivery, StateUpdate
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.ports.store import UnitOfWork
from gateway.services.letters import letter_of
from gateway.services.reports import with_reason

# Seconds before each next try (Standard Webhooks' schedule, shortened at its end to a day in all).
BACKOFF = (5, 30, 120, 600, 1800, 7200, 18000, 28800, 28800)
GIVE_UP_AFTER = 76_000_000  # ms: the day that the schedule takes at its shortest
FEWEST_TRIES = 5  # also of what waited for a day behind others
SLOW_LINE = 50_000  # bytes of files that go out in a second, at least
LONGEST_FOR_FILES = 600.0  # seconds


class Result(StrEnum):
    """How one try ended."""

    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A delivery with what sending it needs."""

    delivery: Delivery
    outbound: OutboundMessage
    conversation: Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The end of a try: `retry_after` in seconds when the platform named a time.

    It was not `attempted` when the channel never asked the platform: its turn had not come, or
    its settings are to be corrected.
    """

    ready: Ready
    result: Result
    reason: str = ""
    external_id: str | None = None
    retry_after: float | None = None
    attempted: bool = True
    ms: int = 0


def claim_deliveries(
    uow: UnitOfWork,
    worker: str,
    *,
    now: int,
    lease: int,
    limit: int,
    busy: Mapping[str, int],
    letters: Collection[str] = (),
) -> list[Ready]:
    """Takes due deliveries for this worker.

    Args:
        uow: the transaction.
        worker: who holds them until `now + lease` (ms).
        now: ms since the epoch.
        lease: ms after which another worker may take what this one did not finish.
        limit: how many of one inbox at a time: a platform that hangs holds up no other.
        busy: how many of each inbox the worker has in hand.
        letters: the inboxes whose messages are letters.
    """
    claimed = [
        delivery
        for inbox_id in uow.outbox.due_inboxes(now)
        if (room := limit - busy.get(inbox_id, 0)) > 0
        for delivery in uow.outbox.claim(
            worker, inbox_id=inbox_id, now=now, leased_until=now + lease, limit=room
        )
    ]
    if not claimed:
        return []
    messages = uow.messages.by_ids([d.message_id for d in claimed])
    conversations = uow.conversations.by_ids([d.conversation_id for d in claimed])
    ready = []
    for delivery in claimed:
        message = messages[delivery.message_id]
        conversation = conversations[delivery.conversation_id]
        is_letter = message.inbox_id in letters
        letter = letter_of(uow, conversation, message) if is_letter else None
        if files := seconds_for_files(message):
            until = now + lease + round(1000 * files)
            uow.outbox.hold(delivery.id, worker, leased_until=until)
        ready.append(_ready(delivery, message, conversation, letter))
    return ready


def seconds_for_files(message: Message | PublicMessage) -> float:
    """How much longer its files make a try."""
    size = sum(attachment.size for attachment in message.attachments)
    return min(size / SLOW_LINE, LONGEST_FOR_FILES)


def _ready(
    delivery: Delivery, message: Message, conversation: Conversation, letter: Letter | None
) -> Ready:
    outbound = OutboundMessage(
        inbox_id=message.inbox_id,
        handle=conversation.handle,
        thread=conversation.thread,
        message=_public(message),
        attempt=delivery.attempts + 1,
        letter=letter,
    )
    return Ready(delivery=delivery, outbound=outbound, conversation=conversation)


def _public(message: Message) -> PublicMessage:
    """The message as its receiver sees it.

    A letter to a third party comes from its agent, a chat's answers by mail from whoever gave
    them.
    """
    public = message.public()
    if message.kind is MessageKind.NOTE:
        return replace(public, kind=MessageKind.AGENT, author=message.author_name)
    if message.kind is MessageKind.ACTIVITY:
        by_people = message.details["letter"].get("by_people", False)
        return replace(public, kind=MessageKind.AGENT if by_people else MessageKind.BOT)
    return public


def finish_deliveries(uow: UnitOfWork, attempts: Sequence[Attempt], *, now: int) -> None:
    """Writes how tries ended; what is to be tried again goes back into the outbox.

    A message that failed meanwhile stays failed, for some of its recipients were refused or a
    platform's report came before the end of the try; whoever may yet get it is tried on.
    """
    uow.conversations.by_ids([a.ready.conversation.id for a in attempts], lock=True)
    standing = uow.messages.by_ids([a.ready.delivery.message_id for a in attempts])
    updates: list[StateUpdate] = []
    done: list[int] = []
    for attempt in attempts:
        if attempt.result is Result.RETRY and not _exhausted(attempt, now):
            uow.outbox.postpone(
                attempt.ready.delivery.id,
                attempts=attempt.ready.delivery.attempts + attempt.attempted,
                available_at=now + round(1000 * delay_before_next(attempt)),
            )
            continue
        done.append(attempt.ready.delivery.id)
        updates.append(_update_of(attempt, standing[attempt.ready.delivery.message_id], now))
    uow.outbox.remove(done)
    uow.messages.set_states(updates)
    uow.trail.add([_hop(attempt, now) for attempt in attempts])
    news = {u.message_id: u for u in updates if _is_news(u, standing[u.message_id])}
    _tell(uow, attempts, news, done)


def _exhausted(attempt: Attempt, now: int) -> bool:
    delivery = attempt.ready.delivery
    tried = delivery.attempts + 1 >= FEWEST_TRIES or not attempt.attempted
    return tried and now - delivery.created_at >= GIVE_UP_AFTER


def delay_before_next(attempt: Attempt) -> float:
    """Seconds until the next try: the platform's own, else the schedule with 20 % jitter.

    A platform that goes on to name short times is believed for the first tries only.
    """
    tries = attempt.ready.delivery.attempts
    scheduled = BACKOFF[min(tries, len(BACKOFF) - 1)] * random.uniform(0.9, 1.1)
    if attempt.retry_after is None:
        return scheduled
    named = min(max(attempt.retry_after, 0.5), 86_400.0)
    return max(named, scheduled) if attempt.attempted and tries >= FEWEST_TRIES else named


def _update_of(attempt: Attempt, message: Message, now: int) -> StateUpdate:
    if attempt.result is Result.SENT:
        is_new = message.state is MessageState.PENDING
        return StateUpdate(
            message_id=message.id,
            state=MessageState.SENT if is_new else message.state,
            at=now,
            external_id=attempt.external_id,
            failure=None if is_new else message.failure,
        )
    return StateUpdate(
        message_id=message.id,
        state=MessageState.FAILED,
        at=now,
        failure=with_reason(message.failure, attempt.reason),
    )


def _is_news(update: StateUpdate, message: Message) -> bool:
    return (update.state, update.failure) != (message.state, message.failure)


_OUTCOMES = {
    Result.SENT: Outcome.OK,
    Result.RETRY: Outcome.RETRY,
    Result.FAILED: Outcome.FAILED,
}


def _hop(attempt: Attempt, now: int) -> TrailEntry:
    given_up = attempt.result is Result.RETRY and _exhausted(attempt, now)
    return TrailEntry(
        message_id=attempt.ready.delivery.message_id,
        hop=Hop.SENT,
        outcome=Outcome.FAILED if given_up else _OUTCOMES[attempt.result],
        reason=attempt.reason,
        ms=attempt.ms,
        at=now,
    )


def _tell(
    uow: UnitOfWork,
    attempts: Sequence[Attempt],
    updates: Mapping[str, StateUpdate],
    done: Collection[int],
) -> None:
    for attempt in attempts:
        update = updates.get(attempt.ready.delivery.message_id)
        if update is not None:
            uow.emit(
                MessageStateChanged(
                    conversation_id=attempt.ready.conversation.id,
                    inbox_id=attempt.ready.conversation.inbox_id,
                    handle=attempt.ready.conversation.handle,
                    message_ids=(update.message_id,),
                    state=update.state,
                    failure=update.failure,
                )
            )
    # The next delivery of each finished conversation is now at the head.
    finished = tuple(a.ready.conversation.id for a in attempts if a.ready.delivery.id in done)
    if finished:
        uow.emit(DeliveryQueued(conversation_ids=finished))


def send_again(
    uow: UnitOfWork, message: Message, conversation: Conversation, *, now: int
) -> Message:
    """Puts a failed message back into the outbox, on an agent's wish, unless it waits there.

    Raises:
        ConflictError: the message did not fail.
    """
    if message.state is not MessageState.FAILED:
        raise ConflictError("Only a failed message can be sent again.", state=message.state.value)
    uow.messages.set_states(
        [StateUpdate(message_id=message.id, state=MessageState.PENDING, at=now)]
    )
    if not uow.outbox.holds(conversation.id, message.id):
        uow.outbox.add(
            [
                NewDelivery(
                    inbox_id=message.inbox_id,
                    conversation_id=conversation.id,
                    message_id=message.id,
                    created_at=now,
                )
            ]
        )
    uow.trail.add(
        [
            TrailEntry(
                message_id=message.id,
                hop=Hop.RESENT,
                outcome=Outcome.OK,
                reason="an agent asked for it",
                ms=0,
                at=now,
            )
        ]
    )
    uow.emit(
        MessageStateChanged(
            conversation_id=conversation.id,
            inbox_id=conversation.inbox_id,
            handle=conversation.handle,
            message_ids=(message.id,),
            state=MessageState.PENDING,
        )
    )
    uow.emit(DeliveryQueued(conversation_ids=(conversation.id,)))
    return uow.messages.get(message.id)
