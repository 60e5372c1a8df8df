"""The bot's turns: asked outside the transaction, applied only if the bot is still in charge.

`take_turn` never raises for what the bot does wrong: an exception or a time-out becomes a
hand-off with a holding reply, so that no customer is left without an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import orjson

from bot.contract import (
    ArticleFeedback,
    Bot,
    BotMessage,
    BotState,
    Card,
    Customer,
    Decision,
    Desk,
    Handoff,
    HandoffReason,
    Line,
    Reply,
    Speaker,
    Turn,
    Understanding,
)
from bot.errors import BotError
from channels.contract import InboundMessage, MessageKind, MessageState, QuickReply
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
from gateway.domain.inbox import Inbox, RecogniserKind
from gateway.domain.records import NewDelivery, PastLine, TurnRecord
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


@dataclass(frozen=True, slots=True)
class Taken:
    """A turn that was taken; `ms` is how long the bot took."""

    decision: Decision
    ms: int


@dataclass(frozen=True, slots=True)
class Decided:
    """A stored message, and the turn that was taken on it."""

    accepted: Accepted
    taken: Taken


async def take_turn(bot: Bot, turn: Turn, *, only_files: bool, limit: float) -> Taken:
    """Asks the bot.

    Args:
        bot: the bot that answers now.
        turn: what it is asked.
        only_files: the message has files and no words, which are for people to look at.
        limit: seconds after which the conversation goes to people.
    """
    started = time.perf_counter()
    try:
        if only_files:
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
    return Taken(decision, round((time.perf_counter() - started) * 1000))


def hand_over(bot: Bot, turn: Turn) -> Taken:
    """The gateway's own hand-off of a turn whose decision could not be stored."""
    return Taken(_give_up(bot, turn, HandoffReason.ERROR), 0)


def build_turn(
    inbound: InboundMessage,
    conversation: Conversation,
    lines: Sequence[PastLine],
    inbox: Inbox,
    *,
    customer: Customer | None,
    desk: Desk | None,
    letter: bool = False,
) -> Turn:
    """The bot's view of a message and its conversation.

    Args:
        inbound: the message.
        conversation: the one that it belongs to.
        lines: what was said before.
        inbox: where it came in.
        customer: who asks.
        desk: how the team stands that would take over; None: not known.
        letter: whether the message is one.
    """
    chosen = inbox.recogniser
    return Turn(
        conversation_id=conversation.id,
        sender=f"{inbox.kind}:{conversation.id}",
        channel=inbox.kind,
        text=inbound.text,
        payload=inbound.payload,
        language=language_of(conversation.language, inbox.language),
        lines=tuple(
            Line(speaker=_SPEAKERS[m.kind], text=m.text, pressed=m.pressed) for m in lines
        ),
        state=_bot_state(conversation.bot_state),
        now=inbound.received_at,
        desk=desk,
        customer=customer,
        recogniser="" if chosen is RecogniserKind.BUILT_IN else chosen.value,
        letter=letter,
        subject=inbound.subject or conversation.subject if letter else "",
    )


def _bot_state(stored: Mapping[str, Any]) -> BotState:
    """The bot's state; what another version of the bot left, and this one cannot read, is not."""
    known = {name: value for name, value in stored.items() if name in _STATE_FIELDS}
    try:
        if "offered" in known:
            known["offered"] = tuple(known["offered"])
        return BotState(**known)
    except (TypeError, ValueError) as error:
        log.warning("the bot begins anew: %s", error, extra={"action": "state_unreadable"})
        return BotState()


def _give_up(bot: Bot, turn: Turn, reason: HandoffReason) -> Handoff:
    """The gateway's own hand-off, for when the bot cannot decide."""
    language = turn.language or language_of("", "en")
    asked = "\n".join(f"{line.speaker.value}: {line.text}" for line in turn.lines)
    return Handoff(
        reason=reason,
        messages=(bot.holding_reply(reason, replace(turn, language=language)),),
        summary=f"{asked}\n{Speaker.CUSTOMER.value}: {turn.text}".strip(),
        kind=TicketKind.CONSULTATION.value,
        severity=Severity.GENERAL.value,
        state=BotState(),
        language=language,
        catalogue_version=bot.catalogue_version,
        understanding=Understanding(intent=None, confidence=0.0),
        subject=turn.subject or turn.state.question or "",
    )


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying one decision writes."""

    conversation: Conversation
    messages: tuple[Message, ...]
    turn: TurnRecord
    trail: tuple[TrailEntry, ...]
    feedback: ArticleFeedback | None = None


def apply_batch(
    uow: UnitOfWork, batch: Sequence[Decided], context: IntakeContext
) -> list[Applied | None]:
    """Carries out decisions of different conversations.

    Each conversation is read again: when an agent claimed it meanwhile, or another worker
    already applied the turn, the decision is dropped and nothing reaches the customer.

    Returns:
        What became of each; None where the turn had been applied before.
    """
    stored = uow.conversations.by_ids([item.accepted.conversation.id for item in batch], lock=True)
    results = [_apply_once(uow, item, stored, context) for item in batch]
    write_applied(uow, [result for result in results if result is not None], context)
    tell_mailboxes(uow, [item.accepted for item in batch], context)
    return results


def write_applied(uow: UnitOfWork, applied: Sequence[Applied], context: IntakeContext) -> None:
    """Stores what applying decisions gave, and tells of the bot's messages."""
    uow.conversations.update([a.conversation for a in applied])
    uow.messages.add([m for a in applied for m in a.messages])
    uow.turns.add([a.turn for a in applied])
    uow.trail.add([entry for a in applied for entry in a.trail])
    _queue_deliveries(uow, applied, context)
    for result in applied:
        if result.feedback is not None:
            hear(uow, result.turn, result.feedback, now=context.now)
        for message in result.messages:
            uow.emit(MessageAdded(conversation=result.conversation, message=message))


def _apply_once(
    uow: UnitOfWork,
    item: Decided,
    stored: Mapping[str, Conversation],
    context: IntakeContext,
) -> Applied | None:
    conversation = stored[item.accepted.conversation.id]
    if conversation.turned_seq >= item.accepted.message.seq:
        return None
    if conversation.controller is not Controller.BOT:
        return _drop(item, conversation, context)
    return apply(uow, item, conversation, context)


def apply(
    uow: UnitOfWork, item: Decided, conversation: Conversation, context: IntakeContext
) -> Applied:
    """What a decision does to its conversation, of which the bot is in charge.

    Nothing is written here but the ticket of a hand-off.
    """
    decision = item.taken.decision
    if isinstance(decision, Handoff):
        return _apply_handoff(uow, item, decision, conversation, context)
    conversation, messages = _say(item, conversation, context)
    if not messages:  # the letter needs no answer
        conversation = replace(conversation, waiting_since=None, unread=0)
    note = decision.understanding.note
    trail = (_hop(item, context.now, Outcome.OK, note), *_queued(messages, item, context.now))
    record = _record(item, context.now)
    return Applied(conversation, messages, record, trail, decision.feedback)


def _drop(item: Decided, conversation: Conversation, context: IntakeContext) -> Applied:
    """Nothing of the decision is used: people changed the conversation while the bot thought."""
    return Applied(
        replace(conversation, turned_seq=item.accepted.message.seq),
        (),
        _record(item, context.now, dropped=True),
        (_hop(item, context.now, Outcome.DROPPED, "a person took over meanwhile"),),
    )


def _apply_handoff(
    uow: UnitOfWork,
    item: Decided,
    decision: Handoff,
    conversation: Conversation,
    context: IntakeContext,
) -> Applied:
    inbox = context.inboxes[conversation.inbox_id]
    ticket = open_ticket(
        uow,
        conversation,
        kind=TicketKind(decision.kind),
        severity=Severity(decision.severity),
        subject=_subject(item, decision),
        summary=decision.summary,
        card=_card(decision.card),
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
    note = decision.understanding.note
    reason = f"{decision.reason.value}; {note}" if note else decision.reason.value
    trail = (
        _hop(item, context.now, Outcome.HANDOFF, reason),
        *_queued(messages, item, context.now),
    )
    return Applied(conversation, messages, _record(item, context.now), trail)


def _card(card: Card | None) -> dict[str, Any]:
    """The card as JSON values; empty without one."""
    if card is None:
        return {}
    told = asdict(card)
    del told["language"]
    return dict(orjson.loads(orjson.dumps(told)))


def _subject(item: Decided, decision: Handoff) -> str:
    """What it is about: as the bot says, else the message that it failed on."""
    return decision.subject or item.accepted.conversation.preview


def _say(
    item: Decided,
    conversation: Conversation,
    context: IntakeContext,
    *,
    number: int | None = None,
) -> tuple[Conversation, tuple[Message, ...]]:
    """The conversation with the decision's messages appended; the last names the ticket."""
    decision = item.taken.decision
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
    understanding = item.taken.decision.understanding
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
            "catalogue_version": item.taken.decision.catalogue_version,
        },
    )


def _record(item: Decided, now: int, *, dropped: bool = False) -> TurnRecord:
    decision = item.taken.decision
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
        ms=item.taken.ms,
        created_at=now,
    )


def _hop(item: Decided, now: int, outcome: Outcome, reason: str) -> TrailEntry:
    return TrailEntry(
        message_id=item.accepted.message.id,
        hop=Hop.TURN,
        outcome=outcome,
        reason=reason,
        ms=item.taken.ms,
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


def _queue_deliveries(uow: UnitOfWork, applied: Sequence[Applied], context: IntakeContext) -> None:
    pending = [m for a in applied for m in a.messages if m.state is MessageState.PENDING]
    if not pending:
        return
    uow.outbox.add(
        [
            NewDelivery(
                inbox_id=m.inbox_id,
                conversation_id=m.conversation_id,
                message_id=m.id,
                created_at=context.now,
            )
            for m in pending
        ]
    )
    uow.emit(DeliveryQueued(conversation_ids=tuple({m.conversation_id for m in pending})))
