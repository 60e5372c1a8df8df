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
from channels.contract import InboundMessage, MessageKind, MessageState
from gateway.domain.conversation import (
    Contact,
    Controller,
    Conversation,
    ConversationStatus,
    Message,
    begin_anew,
    receive,
)
from gateway.domain.errors import ConflictError
from gateway.domain.events import (
    ContactChanged,
    ConversationChanged,
    MessageAdded,
    TicketChanged,
    TurnDone,
)
from gateway.domain.inbox import Inbox, IsMailbox
from gateway.domain.records import Handle, PastLine
from gateway.domain.ticket import Severity, TicketKind, reopen
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import holder_name
from gateway.services.customers import customers_of
from gateway.services.tickets import add_activity, mark_complaint, open_ticket
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
    _learn(uow, [item for item in fresh if item.conversation_key in conversations])
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
    inbox = context.inboxes[item.inbox_id]
    rested = conversation.status is not ConversationStatus.OPEN
    if rested and conversation.ticket_id:
        conversation = _reopen_ticket(uow, conversation, conversation.ticket_id, context)
    if rested or context.now - conversation.last_message_at > IDLE:
        conversation = begin_anew(conversation)
    text = item.text or ", ".join(a.name for a in item.attachments)
    conversation = receive(conversation, text, context.now)
    if item.subject and not conversation.subject:
        conversation = replace(conversation, subject=item.subject)
    message = _message_of(item, conversation, context)
    if conversation.controller is Controller.BOT and not inbox.bot:
        conversation = _to_queue(uow, conversation, message, inbox, context)
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


def _language_after(item: InboundMessage, known: str, default: str) -> str:
    """The conversation's language after a message that people answer; a button tells nothing."""
    if item.payload is not None:
        return known
    return follow_language(item.text, language_of(known, default)).value


def _accept_again(item: InboundMessage, conversation: Conversation, earlier: Message) -> Accepted:
    """A crash after storing and before the turn leaves the turn owed."""
    owes_turn = conversation.controller is Controller.BOT and earlier.seq > conversation.turned_seq
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


def _reopen_ticket(
    uow: UnitOfWork, conversation: Conversation, ticket_id: str, context: IntakeContext
) -> Conversation:
    ticket = uow.tickets.get(ticket_id, lock=True)
    reopened = reopen(ticket, context.now)
    if reopened is ticket:  # closed for good: a new hand-off opens a new ticket
        return replace(
            begin_anew(conversation), ticket_id=None, controller=Controller.BOT, agent_id=None
        )
    uow.tickets.update(reopened)
    uow.emit(TicketChanged(ticket=reopened))
    return add_activity(
        uow, conversation, "reopened", {"number": ticket.number}, None, context.now, context.new_id
    )


def _to_queue(
    uow: UnitOfWork,
    conversation: Conversation,
    message: Message,
    inbox: Inbox,
    context: IntakeContext,
) -> Conversation:
    """An inbox without a bot: straight to the team's queue."""
    conversation = replace(
        conversation,
        controller=Controller.QUEUE,
        team_id=inbox.team_id,
        version=conversation.version + 1,
    )
    ticket = open_ticket(
        uow,
        conversation,
        kind=TicketKind.CONSULTATION,
        severity=Severity.GENERAL,
        subject=conversation.preview,
        summary=message.text,
        reason="no_bot",
        team_id=inbox.team_id,
        now=context.now,
        new_id=context.new_id,
    )
    conversation = replace(conversation, ticket_id=ticket.id)
    uow.emit(ConversationChanged(conversation=conversation))
    return conversation


def _start_conversations(
    uow: UnitOfWork, items: Sequence[InboundMessage], context: IntakeContext
) -> list[Conversation]:
    if not items:
        return []
    contacts = _contacts_of(uow, items, context)
    started = [
        _new_conversation(item, contacts[item.inbox_id, item.handle], context) for item in items
    ]
    uow.conversations.add(started)
    return started


def _contacts_of(
    uow: UnitOfWork, items: Sequence[InboundMessage], context: IntakeContext
) -> dict[tuple[str, str], Contact]:
    contacts = uow.contacts.by_handles([(item.inbox_id, item.handle) for item in items])
    new: list[Contact] = []
    handles: list[Handle] = []
    for item in items:
        pair = (item.inbox_id, item.handle)
        if pair not in contacts:
            contacts[pair] = _new_contact(item, context)
            new.append(contacts[pair])
            handles.append(
                Handle(
                    inbox_id=item.inbox_id,
                    value=item.handle,
                    contact_id=contacts[pair].id,
                    created_at=context.now,
                )
            )
    if new:
        uow.contacts.add(new, handles)
    return contacts


_LEARNT = ("name", "email", "phone", "company")


def _learn(uow: UnitOfWork, items: Sequence[InboundMessage]) -> None:
    """Known contacts get what they tell later; what is known gives way to a vouched word only."""
    telling = [item for item in items if any(item.profile.get(name) for name in _LEARNT)]
    if not telling:
        return
    contacts = uow.contacts.by_handles([(item.inbox_id, item.handle) for item in telling])
    for item in telling:
        contact = contacts[item.inbox_id, item.handle]
        told: dict[str, Any] = {
            name: item.profile[name]
            for name in _LEARNT
            if item.profile.get(name) and (item.verified or not getattr(contact, name))
        }
        learnt = replace(contact, **told, verified=contact.verified or item.verified)
        if learnt != contact:
            uow.contacts.update(learnt)
            uow.emit(ContactChanged(contact=learnt))


def _new_contact(item: InboundMessage, context: IntakeContext) -> Contact:
    profile = dict(item.profile)
    return Contact(
        id=context.new_id(),
        name=profile.pop("name", ""),
        email=profile.pop("email", ""),
        phone=profile.pop("phone", ""),
        company=profile.pop("company", ""),
        language=profile.pop("language", ""),
        attributes=profile,
        verified=item.verified,
        created_at=context.now,
    )


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
