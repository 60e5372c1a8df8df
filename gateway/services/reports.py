"""What platforms report later about our messages: bounces, delivery and read receipts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from channels.contract import DeliveryReport, MessageState
from gateway.domain.conversation import Message, is_sent_out
from gateway.domain.events import MessageStateChanged
from gateway.domain.records import StateUpdate
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.ports.store import UnitOfWork

_RANK: Final = {
    MessageState.PENDING: 0,
    MessageState.SENT: 1,
    MessageState.DELIVERED: 2,
    MessageState.READ: 3,
}
_HOPS: Final = {
    MessageState.SENT: Hop.SENT,
    MessageState.DELIVERED: Hop.DELIVERED,
    MessageState.READ: Hop.READ,
    MessageState.FAILED: Hop.DELIVERED,
}
_OUTCOMES: Final = {MessageState.SENT: Outcome.RETRY, MessageState.FAILED: Outcome.FAILED}
LONGEST: Final = 1_000  # characters of a reason


def note_report(uow: UnitOfWork, report: DeliveryReport, *, now: int) -> bool:
    """Moves the message on, or shows it as failed; a report that came before changes nothing.

    A failed message stays failed: of several recipients one may get it after all. Reasons
    of several recipients stand together.

    Args:
        uow: the transaction.
        report: its reason may be of any length.
        now: ms since the epoch.

    Returns:
        Whether the message is one of ours.
    """
    found = _find(uow, report)
    if found is None:
        return False
    conversation = uow.conversations.get(found.conversation_id, lock=True)
    message = uow.messages.get(found.id)
    entry = _entry(report, message, now)
    if any(_same(entry, earlier) for earlier in _since_resent(uow.trail.of_message(message.id))):
        return True
    uow.trail.add([entry])
    update = _update(report, message, entry.reason, now)
    if update is not None:
        uow.messages.set_states([update])
        uow.emit(
            MessageStateChanged(
                conversation_id=conversation.id,
                inbox_id=conversation.inbox_id,
                handle=conversation.handle,
                message_ids=(message.id,),
                state=update.state,
                failure=update.failure,
            )
        )
    return True


def with_reason(failure: str | None, reason: str) -> str:
    """The reasons of several recipients together, each once."""
    reasons = [*(failure or "").split("\n"), *reason.split("\n")]
    return "\n".join(dict.fromkeys(one for one in reasons if one))[:LONGEST]


def _find(uow: UnitOfWork, report: DeliveryReport) -> Message | None:
    found = None
    if report.message_id is not None:
        found = uow.messages.by_ids([report.message_id]).get(report.message_id)
    if found is None and report.external_id is not None:
        found = uow.messages.sent_as(report.inbox_id, report.external_id)
    if found is None and report.signed_as is not None:
        found = uow.messages.ending(*report.signed_as)
    return found if found is not None and is_sent_out(found) else None


def _entry(report: DeliveryReport, message: Message, now: int) -> TrailEntry:
    return TrailEntry(
        message_id=message.id,
        hop=_HOPS[report.state],
        outcome=_OUTCOMES.get(report.state, Outcome.OK),
        reason=report.reason[:LONGEST],
        ms=max(0, now - message.created_at),
        at=now,
    )


def _since_resent(trail: Sequence[TrailEntry]) -> Sequence[TrailEntry]:
    """What happened since the message was last sent again, on which a report may repeat itself."""
    again = max((at for at, one in enumerate(trail) if one.hop is Hop.RESENT), default=0)
    return trail[again:]


def _same(one: TrailEntry, other: TrailEntry) -> bool:
    return (one.hop, one.outcome, one.reason) == (other.hop, other.outcome, other.reason)


def _update(report: DeliveryReport, message: Message, reason: str, now: int) -> StateUpdate | None:
    """How the message stands after the report; None when that is as before."""
    if report.state is MessageState.FAILED:
        failure = with_reason(message.failure, reason)
        return StateUpdate(message_id=message.id, state=report.state, at=now, failure=failure)
    if message.state is MessageState.FAILED or _RANK[report.state] <= _RANK[message.state]:
        return None
    if report.state is MessageState.SENT:
        return None  # the outbox says when a message went out
    return StateUpdate(message_id=message.id, state=report.state, at=now)
