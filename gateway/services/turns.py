"""The bot's turns: asked outside the transaction, applied only if the bot is still in charge.

`take_turn` never raises for what the bot does wrong: an exception or a time-out becomes a
hand-off with a holding reply, so that no customer is left without an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from bot.contract import (
    Bot,
    BotMessage,
    BotState,
    Decision,
    Handoff,
    HandoffReason,
    Line,
    Reply,
    Speaker,
    Turn,
    Understanding,
)
from bot.errors import BotError
from bot.replies import is_feedback_press
from channels.contract import MessageKind, MessageState, QuickReply
from gateway.domain.conversation import (
    Controller,
    Conversation,
    Message,
    append_outgoing,
    hand_off,
)
from gateway.domain.events import (
    ConversationChanged,
    DeliveryQueued,
    MessageAdded,
)
from gateway.domain.inbox import Inbox
from gateway.domain.records import NewDelivery, TurnRecord
from gateway.domain.ticket import Severity, TicketKind
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.ports.store import UnitOfWork
from gateway.services.article_feedback import hear
from gateway.services.intake import Accepted, IntakeContext, language_of, tell_mailboxes
from gateway.services.tickets import add_activity, open_ticket
from intents.model import Language

log = logging.getLogger(__name__)

_TICKET_LINE = {
    Language.ZH_HANS: "您的工单号：{number}",
    Language.ZH_HANT: "您的工單號：{number}",
    Language.EN: "Your ticket number: {number}",
}
_STATE_FIELDS = tuple(field.name for field in fields(BotState))

_SPEAKERS = {
    MessageKind.CUSTOMER: Speaker.CUSTOMER,
    MessageKind.BOT: Speaker.BOT,
    MessageKind.AGENT: Speaker.AGENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A turn that was taken; `ms` is how long the bot took."""

    accepted: Accepted
    decision: Decision
    ms: int


async def take_turn(bot: Bot, accepted: Accepted, inbox: Inbox, *, limit: float) -> Decided:
    """Asks the bot.

    Args:
        bot: the bot that answers now.
        accepted: the message and its conversation.
        inbox: where it came in.
        limit: seconds after which the conversation goes to people.
    """
    turn = build_turn(accepted, inbox)
    started = time.perf_counter()
    try:
        if not accepted.message.text and accepted.message.attachments:
            decision: Decision = _give_up(bot, turn, HandoffReason.ATTACHMENT)
        else:
            async with asyncio.timeout(limit):
                decision = await bot.respond(turn)
    except TimeoutError:
        decision = _give_up(bot, turn, HandoffReason.TIMEOUT)
    except BotError as error:
        log.warning("the bot failed: %s", error, extra={"action": "turn_failed"})
        decision = _give_up(bot, turn, HandoffReason.ERROR)
    except Exception:  # whatever a bot or an action does, the customer gets an answer
        log.exception("the bot raised", extra={"action": "turn_failed"})
        decision = _give_up(bot, turn, HandoffReason.ERROR)
    spent = round((time.perf_counter() - started) * 1000)
    return Decided(accepted=accepted, decision=decision, ms=spent)


def build_turn(accepted: Accepted, inbox: Inbox) -> Turn:
    """The bot's view of a message and its conversation."""
    conversation = accepted.conversation
    return Turn(
        conversation_id=conversation.id,
        sender=f"{inbox.kind}:{conversation.id}",
        channel=inbox.kind,
        text=accepted.message.text,
        payload=accepted.message.payload,
        language=language_of(conversation.language, inbox.language),
        lines=tuple(Line(speaker=_SPEAKERS[m.kind], text=m.text) for m in accepted.lines),
        state=_bot_state(conversation.bot_state),
    )


def _bot_state(stored: Mapping[str, Any]) -> BotState:
    if not stored:
        return BotState()
    return BotState(**{**stored, "offered": tuple(stored.get("offered", ()))})


def _give_up(bot: Bot, turn: Turn, reason: HandoffReason) -> Handoff:
    """The gateway's own hand-off, for when the bot cannot decide."""
    language = turn.language or language_of("", "en")
    asked = "\n".join(f"{line.speaker.value}: {line.text}" for line in turn.lines)
    return Handoff(
        reason=reason,
        messages=(bot.holding_reply(reason, language),),
        summary=f"{asked}\n{Speaker.CUSTOMER.value}: {turn.text}".strip(),
        kind=TicketKind.CONSULTATION.value,
        severity=Severity.GENERAL.value,
        state=BotState(),
        language=language,
        catalogue_version=bot.catalogue_version,
        understanding=Understanding(intent=None, confidence=0.0),
    )


@dataclass(frozen=True, slots=True)
class _Applied:
    """Rows that applying one decision writes."""

    conversation: Conversation
    messages: tuple[Message, ...]
    turn: TurnRecord
    trail: tuple[TrailEntry, ...]


def apply_batch(uow: UnitOfWork, batch: Sequence[Decided], context: IntakeContext) -> None:
    """Carries out decisions of different conversations.

    Each conversation is read again: when an agent claimed it meanwhile, or another worker
    already applied the turn, the decision is dropped and nothing reaches the customer.
    """
    now_stored = uow.conversations.by_ids(
        [item.accepted.conversation.id for item in batch], lock=True
    )
    applied = [
        result for item in batch if (result := _apply(uow, item, now_stored, context)) is not None
    ]
    uow.conversations.update([a.conversation for a in applied])
    uow.messages.add([m for a in applied for m in a.messages])
    uow.turns.add([a.turn for a in applied])
    uow.trail.add([entry for a in applied for entry in a.trail])
    _queue_deliveries(uow, applied, context)
    for item in batch:
        if isinstance(item.decision, Reply) and item.decision.feedback is not None:
            hear(uow, item.accepted, item.decision.feedback, now=context.now)
    for result in applied:
        for message in result.messages:
            uow.emit(MessageAdded(conversation=result.conversation, message=message))
    tell_mailboxes(uow, [item.accepted for item in batch], context)


def _apply(
    uow: UnitOfWork,
    item: Decided,
    stored: Mapping[str, Conversation],
    context: IntakeContext,
) -> _Applied | None:
    conversation = stored[item.accepted.conversation.id]
    asked = item.accepted.message
    if conversation.turned_seq >= asked.seq:
        return None
    if conversation.controller is not Controller.BOT:
        return _Applied(
            replace(conversation, turned_seq=asked.seq),
            (),
            _record(item, context.now, dropped=True),
            (_hop(item, context.now, Outcome.DROPPED, "a person took over meanwhile"),),
        )
    if isinstance(item.decision, Handoff):
        return _apply_handoff(uow, item, item.decision, conversation, context)
    conversation, messages = _say(item, conversation, context)
    trail = (_hop(item, context.now, Outcome.OK, ""), *_queued(messages, item, context.now))
    return _Applied(conversation, messages, _record(item, context.now), trail)


def _apply_handoff(
    uow: UnitOfWork,
    item: Decided,
    decision: Handoff,
    conversation: Conversation,
    context: IntakeContext,
) -> _Applied:
    inbox = context.inboxes[conversation.inbox_id]
    ticket = open_ticket(
        uow,
        conversation,
        kind=TicketKind(decision.kind),
        severity=Severity(decision.severity),
        subject=_subject(item, decision),
        summary=decision.summary,
        reason=decision.reason.value,
        team_id=inbox.team_id,
        now=context.now,
        new_id=context.new_id,
    )
    conversation, messages = _say(item, conversation, context, number=ticket.number)
    conversation = hand_off(conversation, ticket_id=ticket.id, team_id=inbox.team_id)
    # An answer that only holds the line does not end the customer's waiting.
    conversation = replace(
        conversation, waiting_since=item.accepted.conversation.waiting_since, unread=1
    )
    conversation = add_activity(
        uow,
        conversation,
        "handed_off",
        {"reason": decision.reason.value, "number": ticket.number},
        None,
        context.now,
        context.new_id,
    )
    uow.emit(ConversationChanged(conversation=conversation))
    trail = (
        _hop(item, context.now, Outcome.HANDOFF, decision.reason.value),
        *_queued(messages, item, context.now),
    )
    return _Applied(conversation, messages, _record(item, context.now), trail)


def _subject(item: Decided, decision: Handoff) -> str:
    """What it is about: for a mere wish for a person, what the customer asked before."""
    asked = [
        line.text
        for line in item.accepted.lines
        if line.kind is MessageKind.CUSTOMER and not is_feedback_press(line.text)
    ]
    if decision.reason is HandoffReason.WISH and asked:
        return asked[-1]
    return item.accepted.conversation.preview


def _say(
    item: Decided,
    conversation: Conversation,
    context: IntakeContext,
    *,
    number: int | None = None,
) -> tuple[Conversation, tuple[Message, ...]]:
    """The conversation with the decision's messages appended; the last names the ticket."""
    decision = item.decision
    mailbox = context.is_mailbox(context.inboxes[conversation.inbox_id].kind)
    messages: list[Message] = []
    for said in _with_number(decision, number):
        conversation = append_outgoing(conversation, said.text, context.now)
        messages.append(_bot_message(said, item, conversation, context, mailbox=mailbox))
    conversation = replace(
        conversation,
        bot_state=_stored(decision.state),
        language=decision.language.value,
        turned_seq=item.accepted.message.seq,
    )
    return conversation, tuple(messages)


def _with_number(decision: Decision, number: int | None) -> tuple[BotMessage, ...]:
    if number is None:
        return decision.messages
    line = _TICKET_LINE[decision.language].format(number=number)
    last = decision.messages[-1]
    return (*decision.messages[:-1], replace(last, text=f"{last.text}\n{line}"))


def _stored(state: BotState) -> dict[str, Any]:
    """The state as JSON values; `_bot_state` reads it back."""
    return {name: getattr(state, name) for name in _STATE_FIELDS}


def _bot_message(
    said: BotMessage,
    item: Decided,
    conversation: Conversation,
    context: IntakeContext,
    *,
    mailbox: bool,
) -> Message:
    understanding = item.decision.understanding
    return Message(
        id=context.new_id(),
        conversation_id=conversation.id,
        inbox_id=conversation.inbox_id,
        seq=conversation.last_seq,
        kind=MessageKind.BOT,
        state=MessageState.SENT if mailbox else MessageState.PENDING,
        text=said.text,
        created_at=context.now,
        choices=tuple(QuickReply(title=c.title, payload=c.payload) for c in said.choices),
        article=said.article,
        in_reply_to=item.accepted.inbound.external_id,
        sent_at=context.now if mailbox else None,
        details={
            "intent": understanding.intent,
            "confidence": round(understanding.confidence, 3),
            "catalogue_version": item.decision.catalogue_version,
        },
    )


def _record(item: Decided, now: int, *, dropped: bool = False) -> TurnRecord:
    decision = item.decision
    kind = "reply" if isinstance(decision, Reply) else "handoff"
    return TurnRecord(
        message_id=item.accepted.message.id,
        conversation_id=item.accepted.conversation.id,
        intent=decision.understanding.intent,
        confidence=decision.understanding.confidence,
        decision="dropped" if dropped else kind,
        reason=decision.reason.value if isinstance(decision, Handoff) else "",
        article=next((m.article for m in decision.messages if m.article), None),
        catalogue_version=decision.catalogue_version,
        ms=item.ms,
        created_at=now,
    )


def _hop(item: Decided, now: int, outcome: Outcome, reason: str) -> TrailEntry:
    return TrailEntry(
        message_id=item.accepted.message.id,
        hop=Hop.TURN,
        outcome=outcome,
        reason=reason,
        ms=item.ms,
        at=now,
    )


def _queued(messages: Sequence[Message], item: Decided, now: int) -> list[TrailEntry]:
    """An outgoing message's first hop: `ms` counts from the customer's message."""
    since = item.accepted.inbound.received_at
    return [
        TrailEntry(
            message_id=message.id,
            hop=Hop.QUEUED if message.state is MessageState.PENDING else Hop.SENT,
            outcome=Outcome.OK,
            reason="",
            ms=max(0, now - since),
            at=now,
        )
        for message in messages
    ]


def _queue_deliveries(
    uow: UnitOfWork, applied: Sequence[_Applied], context: IntakeContext
) -> None:
    pending = [m for a in applied for m in a.messages if m.state is MessageState.PENDING]
    if not pending:
        return
    uow.outbox.add(
        [
            NewDelivery(
                conversation_id=m.conversation_id,
                message_id=m.id,
                created_at=context.now,
            )
            for m in pending
        ]
    )
    uow.emit(DeliveryQueued(conversation_ids=tuple({m.conversation_id for m in pending})))
