"""Letters that agents begin: to a customer who did not write, and on to third parties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from channels.contract import Attachment, MessageKind, MessageState
from channels.letters import Party
from gateway.domain.conversation import Conversation, Message, append_internal
from gateway.domain.errors import InvalidInputError
from gateway.domain.events import MessageAdded
from gateway.domain.letters import Part, address_key
from gateway.domain.people import Agent, Right
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import covers, get_message, require, scope_of
from gateway.services.addressing import LetterChoice, check_recipients, letter_details
from gateway.services.auditing import note
from gateway.services.letters import SUBJECT, customer_party
from gateway.services.newcomers import blank_conversation, contact_at
from gateway.services.participants import join
from gateway.services.replies import CapabilitiesOf, Draft, check_fits, dispatch, reply

_FORWARD: Final[Mapping[str, tuple[str, str, str, str, str]]] = {
    "zh-Hans": ("转发：", "---------- 转发的邮件 ----------", "发件人：", "时间：", "主题："),
    "zh-Hant": ("轉寄：", "---------- 轉寄的郵件 ----------", "寄件者：", "時間：", "主旨："),
    "en": ("Fwd: ", "---------- Forwarded message ----------", "From: ", "Date: ", "Subject: "),
}


def begin(
    uow: UnitOfWork,
    actor: Agent,
    inbox_id: str,
    draft: Draft,
    *,
    capabilities_of: CapabilitiesOf,
    now: int,
    new_id: NewId,
) -> Message:
    """Writes to a customer first; the conversation is the agent's.

    Args:
        uow: the transaction.
        actor: who writes.
        inbox_id: from where.
        draft: its letter names the customer first among `to`, and has a subject.
        capabilities_of: what a kind of channel can do.
        now: ms since the epoch.
        new_id: gives ids.

    Raises:
        NotFoundError: no such inbox.
        NotAllowedError: the role does not permit it.
        InvalidInputError: the inbox sends no letters or is another team's, or the letter lacks
            something.
    """
    require(actor, Right.WORK)
    inbox = uow.inboxes.get(inbox_id)
    if not covers(scope_of(actor), agent_id=None, team_id=inbox.team_id):
        raise InvalidInputError("This inbox is another team's.", field="/inbox_id")
    if not capabilities_of(inbox.kind).letters or not inbox.enabled:
        raise InvalidInputError("Choose an inbox that sends mail.", field="/inbox_id")
    choice = draft.letter or LetterChoice()
    check_recipients(choice.to or ())
    if not choice.subject:
        raise InvalidInputError("Say in a subject what it is about.", field="/letter/subject")
    customer = (choice.to or ())[0]
    contact = contact_at(uow, inbox.id, customer, now=now, new_id=new_id)
    conversation = blank_conversation(
        inbox,
        contact,
        address_key(customer.address),
        subject=choice.subject,
        now=now,
        new_id=new_id,
    )
    uow.conversations.add([conversation])
    return reply(
        uow,
        actor,
        conversation.id,
        draft,
        capabilities_of=capabilities_of,
        now=now,
        new_id=new_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What goes on to a third party: words before it, and files beside the message's own."""

    to: tuple[Party, ...]
    cc: tuple[Party, ...] = ()
    text: str = ""
    with_files: bool = True
    attachments: tuple[Attachment, ...] = ()


def forward(
    uow: UnitOfWork,
    actor: Agent,
    message_id: str,
    wish: Forward,
    *,
    capabilities_of: CapabilitiesOf,
    now: int,
    new_id: NewId,
) -> Message:
    """Sends a message on to a third party, who answers to the agents alone.

    It is a note that leaves the house: the customer and the bot see neither it nor the answer,
    which comes back into the same conversation as a note. The customer still waits.

    Args:
        uow: the transaction.
        actor: who forwards.
        message_id: what.
        wish: to whom, with which words and files.
        capabilities_of: what a kind of channel can do.
        now: ms since the epoch.
        new_id: gives ids.

    Raises:
        NotFoundError: there is none in the agent's scope.
        NotAllowedError: the role does not permit it.
        InvalidInputError: the inbox sends no letters, or the letter cannot go out so.
    """
    require(actor, Right.WORK)
    message, conversation = get_message(uow, actor, message_id, lock=True)
    capabilities = capabilities_of(uow.inboxes.get(conversation.inbox_id).kind)
    if not capabilities.letters:
        raise InvalidInputError("Only messages of mail inboxes can be forwarded.", field="/to")
    check_recipients(wish.to, wish.cc)
    files = (*(message.attachments if wish.with_files else ()), *wish.attachments)
    words = _FORWARD.get(conversation.language, _FORWARD["en"])
    text = f"{wish.text}\n\n{_block(uow, message, conversation, words)}".strip()
    text = text[: capabilities.max_text]
    check_fits(Draft(text=text, attachments=files), capabilities)
    subject = str(message.details.get("subject") or conversation.subject)
    choice = LetterChoice(subject=f"{words[0]}{subject}"[:SUBJECT], to=wish.to, cc=wish.cc)
    join(uow, conversation, [(one, Part.THIRD) for one in (*wish.to, *wish.cc)])
    after = append_internal(conversation)
    sent = Message(
        id=new_id(),
        conversation_id=after.id,
        inbox_id=after.inbox_id,
        seq=after.last_seq,
        kind=MessageKind.NOTE,
        state=MessageState.PENDING,
        text=text,
        created_at=now,
        author_id=actor.id,
        author_name=actor.name,
        attachments=files,
        details={"letter": letter_details(choice, third=True), "forwards": message.id},
    )
    uow.messages.add([sent])
    uow.conversations.update([after])
    dispatch(uow, sent, now)
    note(
        uow,
        actor.id,
        "message.forwarded",
        ("message", message.id),
        after={"to": ", ".join(one.address for one in (*wish.to, *wish.cc))},
        now=now,
    )
    uow.emit(MessageAdded(conversation=after, message=sent))
    return sent


def _block(
    uow: UnitOfWork,
    message: Message,
    conversation: Conversation,
    words: tuple[str, str, str, str, str],
) -> str:
    """The message as mail programs show what is forwarded."""
    _, title, by, at, about = words
    when = datetime.fromtimestamp((message.sent_at or message.created_at) / 1000, UTC)
    subject = message.details.get("subject") or conversation.subject
    return (
        f"{title}\n{by}{_writer(uow, message, conversation)}\n{at}{when:%Y-%m-%d %H:%M} UTC\n"
        f"{about}{subject}\n\n{message.text}"
    )


def _writer(uow: UnitOfWork, message: Message, conversation: Conversation) -> str:
    author = message.details.get("author")
    if author is not None:
        party = Party(address=author["address"], name=author["name"])
    elif message.kind is MessageKind.CUSTOMER:
        party = customer_party(uow, conversation)
    else:
        return message.author_name or uow.inboxes.get(conversation.inbox_id).name
    return f"{party.name} <{party.address}>" if party.name else party.address
