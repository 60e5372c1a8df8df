"""The one way in: customers' messages become conversations, messages and owed turns.

The pieces of which `gateway.services.accepting` makes one transaction for a batch of messages of
different conversations. A message that came before changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from bot.contract import Customer
from bot.languages import follow_language
from bot.phrases import is_thanks
from channels.contract import InboundMessage, MessageKind, MessageState
from gateway.domain.conversation import (
    Contact,
    Controller,
    Conversation,
    ConversationStatus,
    Message,
    append_internal,
    begin_anew,
    receive,
)
from gateway.domain.errors import ConflictError
from gateway.domain.events import (
    ConversationChanged,
    MessageAdded,
    TurnDone,
)
from gateway.domain.inbox import HasLetters, Inbox, IsMailbox
from gateway.domain.letters import Aside
from gateway.domain.records import PastLine
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import holder_name
from gateway.services.asides import as_note, hold_of, is_held, set_aside, why_no_bot
from gateway.services.customers import customers_of
from gateway.services.newcomers import contacts_of, learn
from gateway.services.participants import is_letter, note_recipients, read_author
from gateway.services.queueing import reopen_ticket, to_queue
from gateway.services.tickets import mark_complaint
from intents.model import Language
from intents.text import detect_language

LINES_FOR_TURN = 6
IDLE = 3_600_000  # ms without a message after which the bot begins anew with a customer


class ForeignIdError(ConflictError):
    """A sender used the id of another conversation's message; it stays refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of one inbound message.

    `new` says that it had not come before, `owes_turn` that the bot is to consider it; `lines`
    are the conversation's newest public messages before it, oldest first, from where the bot
    began; `customer` is who asks.
    """

    inbound: InboundMessage
    conversation: Conversation
    message: Message
    new: bool
    owes_turn: bool
    lines: tuple[PastLine, ...] = ()
    customer: Customer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeContext:
    """What accepting needs beside the unit of work. `now` in ms since the epoch."""

    inboxes: Mapping[str, Inbox]
    is_mailbox: IsMailbox
    has_letters: HasLetters
    new_id: NewId
    now: int


def receive_batch(
    uow: UnitOfWork, batch: Sequence[InboundMessage], context: IntakeContext
) -> list[Accepted]:
    """Puts messages at the end of their conversations, and tells where the bot owes a turn.

    New contacts and conversations are written, and what happens to tickets; the messages, and
    how conversations stand after them, are for `store_received` to write.

    Args:
        uow: the transaction.
        batch: at most one message for each conversation key; each one's inbox is in
            `context.inboxes`.
        context: inboxes, time and ids.

    Raises:
        ForeignIdError: the id of a message belongs to another conversation's.
    """
    known = uow.messages.known([(item.inbox_id, item.external_id) for item in batch])
    conversations = uow.conversations.by_keys([item.conversation_key for item in batch], lock=True)
    _refuse_strangers(batch, known, conversations)
    fresh = [item for item in batch if (item.inbox_id, item.external_id) not in known]
    learn(uow, [item for item in fresh if item.conversation_key in conversations])
    newcomers = [item for item in fresh if item.conversation_key not in conversations]
    for started in _start_conversations(uow, newcomers, context):
        conversations[started.key] = started
    accepted: list[Accepted] = []
    for item in batch:
        conversation = conversations[item.conversation_key]
        earlier = known.get((item.inbox_id, item.external_id))
        if earlier is None:
            accepted.append(_accept_new(uow, item, conversation, context))
        else:
            accepted.append(_accept_again(item, conversation, earlier))
    return accepted


def with_context(uow: UnitOfWork, accepted: Sequence[Accepted]) -> list[Accepted]:
    """The same with who asks and what was said before, where the bot owes a turn."""
    owed = [a.conversation.contact_id for a in accepted if a.owes_turn]
    customers = customers_of(uow, owed)
    asked = [a.conversation.id for a in accepted if a.owes_turn and a.message.seq > 1]
    lines = uow.messages.recent(asked, LINES_FOR_TURN)
    return [
        replace(
            a,
            lines=tuple(
                line
                for line in lines.get(a.conversation.id, ())
                if a.conversation.bot_since < line.seq < a.message.seq
            ),
            customer=customers.get(a.conversation.contact_id) if a.owes_turn else None,
        )
        for a in accepted
    ]


def store_received(uow: UnitOfWork, accepted: Sequence[Accepted], context: IntakeContext) -> None:
    """Writes the messages that are new, with their first hops, and tells of them."""
    new = [a for a in accepted if a.new]
    uow.messages.add([a.message for a in new])
    uow.holds.add([hold_of(a.message) for a in new if is_held(a.message)])
    uow.trail.add([_trail_of(a, now=context.now) for a in accepted])
    for result in new:
        uow.emit(MessageAdded(conversation=result.conversation, message=result.message))


def _refuse_strangers(
    batch: Sequence[InboundMessage],
    known: Mapping[tuple[str, str], Message],
    conversations: Mapping[str, Conversation],
) -> None:
    """A sender that uses an id twice must not get at another customer's conversation by it."""
    for item in batch:
        earlier = known.get((item.inbox_id, item.external_id))
        own = conversations.get(item.conversation_key)
        if earlier is not None and (own is None or own.id != earlier.conversation_id):
            raise ForeignIdError("The id of this message belongs to another conversation's.")


def _trail_of(accepted: Accepted, *, now: int) -> TrailEntry:
    new = accepted.new
    return TrailEntry(
        message_id=accepted.message.id,
        hop=Hop.ACCEPTED if new else Hop.DUPLICATE,
        outcome=Outcome.OK if new else Outcome.DROPPED,
        reason="" if new else "the same message came again",
        ms=max(0, now - accepted.inbound.received_at),
        at=now,
    )


def tell_mailboxes(uow: UnitOfWork, settled: Sequence[Accepted], context: IntakeContext) -> None:
    """These messages are dealt with, no turn is owed on them: whoever waits may go on."""
    for result in settled:
        inbound = result.inbound
        if context.is_mailbox(context.inboxes[inbound.inbox_id].kind):
            uow.emit(
                TurnDone(
                    inbox_id=inbound.inbox_id,
                    handle=inbound.handle,
                    external_id=inbound.external_id,
                )
            )


def _accept_new(
    uow: UnitOfWork, item: InboundMessage, conversation: Conversation, context: IntakeContext
) -> Accepted:
    if is_letter(item):
        item, aside = read_author(uow, item, conversation)
        if aside is not None:
            return _set_aside(item, conversation, aside, context)
        note_recipients(uow, item, conversation)
        if _is_mere_thanks(item, conversation):
            return _thanked(item, conversation, context)
    inbox = context.inboxes[item.inbox_id]
    letters = context.has_letters(inbox.kind) or is_letter(item)
    rested = conversation.status is not ConversationStatus.OPEN
    if rested and conversation.ticket_id:
        conversation = reopen_ticket(
            uow, conversation, conversation.ticket_id, now=context.now, new_id=context.new_id
        )
    idle = not letters and context.now - conversation.last_message_at > IDLE
    if rested or idle:
        conversation = begin_anew(conversation)
    text = item.text or ", ".join(a.name for a in item.attachments)
    conversation = receive(conversation, text, context.now)
    if item.subject and not conversation.subject:
        conversation = replace(conversation, subject=item.subject)
    message = _message_of(item, conversation, context)
    if conversation.controller is Controller.BOT:
        why = _why_people(uow, item, conversation, inbox, context)
        if why is not None:
            conversation = to_queue(
                uow,
                conversation,
                message,
                reason=why,
                team_id=inbox.team_id,
                now=context.now,
                new_id=context.new_id,
            )
    owes_turn = conversation.controller is Controller.BOT
    if not owes_turn:
        conversation = mark_complaint(
            uow, conversation, item.text, now=context.now, new_id=context.new_id
        )
        conversation = replace(
            conversation,
            turned_seq=message.seq,
            language=_language_after(item, conversation.language, inbox.language),
        )
    if rested:
        name = holder_name(uow, conversation)
        uow.emit(ConversationChanged(conversation=conversation, agent_name=name))
    return Accepted(
        inbound=item, conversation=conversation, message=message, new=True, owes_turn=owes_turn
    )


def _why_people(
    uow: UnitOfWork,
    item: InboundMessage,
    conversation: Conversation,
    inbox: Inbox,
    context: IntakeContext,
) -> str | None:
    """Why the bot is not asked; None where it is."""
    if not inbox.bot:
        return "no_bot"
    if context.has_letters(inbox.kind) or is_letter(item):
        return why_no_bot(uow, item, conversation, context.now)
    return None


def _set_aside(
    item: InboundMessage, conversation: Conversation, aside: Aside, context: IntakeContext
) -> Accepted:
    """Stored for agents alone; no turn is owed on it."""
    team_id = context.inboxes[item.inbox_id].team_id
    conversation = set_aside(conversation, aside, team_id)
    message = as_note(_message_of(item, conversation, context), item, aside)
    return Accepted(
        inbound=item, conversation=conversation, message=message, new=True, owes_turn=False
    )


def _is_mere_thanks(item: InboundMessage, conversation: Conversation) -> bool:
    """A thank-you for what is solved opens nothing again."""
    return (
        conversation.status is ConversationStatus.SOLVED
        and not item.attachments
        and is_thanks(item.text)
    )


def _thanked(item: InboundMessage, conversation: Conversation, context: IntakeContext) -> Accepted:
    after = append_internal(conversation)
    message = _message_of(item, after, context)
    return Accepted(
        inbound=item,
        conversation=replace(after, turned_seq=message.seq),
        message=message,
        new=True,
        owes_turn=False,
    )


def _language_after(item: InboundMessage, known: str, default: str) -> str:
    """The conversation's language after a message that people answer; a button tells nothing."""
    if item.payload is not None:
        return known
    return follow_language(item.text, language_of(known, default)).value


def _accept_again(item: InboundMessage, conversation: Conversation, earlier: Message) -> Accepted:
    """A crash after storing and before the turn leaves the turn owed."""
    owes_turn = (
        earlier.kind is MessageKind.CUSTOMER
        and conversation.controller is Controller.BOT
        and earlier.seq > conversation.turned_seq
    )
    return Accepted(
        inbound=item, conversation=conversation, message=earlier, new=False, owes_turn=owes_turn
    )


def _message_of(
    item: InboundMessage, conversation: Conversation, context: IntakeContext
) -> Message:
    return Message(
        id=context.new_id(),
        conversation_id=conversation.id,
        inbox_id=item.inbox_id,
        seq=conversation.last_seq,
        kind=MessageKind.CUSTOMER,
        state=MessageState.DELIVERED,
        text=item.text,
        created_at=context.now,
        author_id=conversation.contact_id,
        payload=item.payload,
        attachments=item.attachments,
        external_id=item.external_id,
        sent_at=item.sent_at,
        details=_details_of(item),
    )


def _details_of(item: InboundMessage) -> dict[str, Any]:
    """What people see beside the text, and the blobs of what it was made of."""
    author, participants = item.author, item.participants
    found: dict[str, Any] = {
        "raw": item.raw,
        "html": item.html,
        "subject": item.subject,
        "automatic": item.automatic.value,
        "doubt": item.doubt.value,
        "author": None if author is None else asdict(author),
        "participants": [asdict(one) for one in participants],
        "facts": dict(item.facts),
    }
    return {name: value for name, value in found.items() if value}


def _start_conversations(
    uow: UnitOfWork, items: Sequence[InboundMessage], context: IntakeContext
) -> list[Conversation]:
    if not items:
        return []
    contacts = contacts_of(uow, items, now=context.now, new_id=context.new_id)
    started = [
        _new_conversation(item, contacts[item.inbox_id, item.handle], context) for item in items
    ]
    uow.conversations.add(started)
    return started


def _new_conversation(
    item: InboundMessage, contact: Contact, context: IntakeContext
) -> Conversation:
    inbox = context.inboxes[item.inbox_id]
    default = language_of(item.profile.get("language") or contact.language, inbox.language)
    return Conversation(
        id=context.new_id(),
        key=item.conversation_key,
        inbox_id=item.inbox_id,
        contact_id=contact.id,
        handle=item.handle,
        thread=item.thread,
        controller=Controller.BOT,
        status=ConversationStatus.OPEN,
        agent_id=None,
        team_id=None,
        ticket_id=None,
        language=default if item.payload is not None else detect_language(item.text, default),
        subject=item.subject,
        last_seq=0,
        last_message_at=context.now,
        preview="",
        unread=0,
        waiting_since=None,
        bot_state={},
        version=1,
        created_at=context.now,
    )


@lru_cache(maxsize=1024)
def language_of(wanted: str, default: str) -> Language:
    """The language named by a BCP 47 tag, else the default's, else English."""
    for tag in (wanted, default):
        if tag.lower() in {"zh", "zh-cn", "zh-sg"}:
            return Language.ZH_HANS
        if tag.lower() in {"zh-tw", "zh-hk", "zh-mo"}:
            return Language.ZH_HANT
        for language in Language:
            if tag.lower().startswith(language.value.lower()):
                return language
    return Language.EN
