"""What an outgoing message is as a letter: from its conversation and what was said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from channels.contract import MessageKind
from channels.letters import Letter, Party, Quoted
from gateway.domain.conversation import PUBLIC_KINDS, Conversation, Message
from gateway.domain.letters import Part, address_key
from gateway.ports.store import UnitOfWork

EARLIER: Final = 60  # messages whose ids a letter names at most
SUBJECT: Final = 200  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """Whom an answer goes to unless its writer chooses: as with "reply all"."""

    to: tuple[Party, ...]
    cc: tuple[Party, ...]


def letter_of(uow: UnitOfWork, conversation: Conversation, message: Message) -> Letter:
    """The letter that carries the message.

    What an agent chose stands in the message's details under `letter` (`subject`, `to`, `cc`,
    `bcc` as lists of `{"address", "name"}`, `html`; `third` when it goes to a third party, who
    gets nothing of the conversation beside it; `chat` when a chat goes on by it). Without a
    choice it goes to whoever wrote last, to the customer and to everybody who takes part; the
    bot answers the writer alone. The subject carries the ticket's number (H3.4).
    """
    chosen: Mapping[str, Any] = message.details.get("letter", {})
    subject = with_number(
        chosen.get("subject") or conversation.subject, ticket_number(uow, conversation)
    )
    if chosen.get("third"):
        return Letter(
            subject=subject,
            to=parties(chosen.get("to")),
            cc=parties(chosen.get("cc")),
            html=chosen.get("html", ""),
        )
    if chosen.get("chat"):
        return Letter(
            subject=subject,
            to=parties(chosen.get("to")),
            references=_mail_references(uow, conversation, message.seq),
        )
    earlier = uow.messages.page(
        conversation.id, before=message.seq, limit=EARLIER, kinds=PUBLIC_KINDS
    )
    asked = _answered(earlier, message)
    usual = _recipients(uow, conversation, asked)
    own = (customer_party(uow, conversation),) if asked is None else usual.to
    cc = () if message.kind is MessageKind.BOT else usual.cc
    return Letter(
        subject=subject,
        to=parties(chosen.get("to")) or own,
        cc=parties(chosen.get("cc")) if "to" in chosen else cc,
        bcc=parties(chosen.get("bcc")),
        html=chosen.get("html", ""),
        references=_references(earlier, asked),
        quoted=None if asked is None else quote(asked, _author(uow, conversation, asked)),
    )


def usual_recipients(uow: UnitOfWork, conversation: Conversation) -> Recipients:
    """Whom the next answer goes to unless its writer chooses."""
    (*_, asked) = [
        None,
        *uow.messages.page(conversation.id, limit=1, kinds=frozenset({MessageKind.CUSTOMER})),
    ]
    return _recipients(uow, conversation, asked)


def _recipients(uow: UnitOfWork, conversation: Conversation, asked: Message | None) -> Recipients:
    customer = customer_party(uow, conversation)
    author = customer if asked is None else _author(uow, conversation, asked)
    taken = {address_key(author.address)}
    cc = []
    for one in (
        customer,
        *(
            Party(address=p.address, name=p.name)
            for p in uow.participants.of(conversation.id)
            if p.part is not Part.THIRD
        ),
    ):
        if address_key(one.address) not in taken:
            taken.add(address_key(one.address))
            cc.append(one)
    return Recipients(to=(author,), cc=tuple(cc))


def customer_party(uow: UnitOfWork, conversation: Conversation) -> Party:
    """The conversation's customer; by their mail address where the handle is none."""
    contact = uow.contacts.get(conversation.contact_id)
    address = conversation.handle if "@" in conversation.handle else contact.email
    return Party(address=address or conversation.handle, name=contact.name)


def ticket_number(uow: UnitOfWork, conversation: Conversation) -> int | None:
    """The number of the conversation's ticket."""
    if conversation.ticket_id is None:
        return None
    return uow.tickets.get(conversation.ticket_id).number


def with_number(subject: str, number: int | None) -> str:
    """The subject with `[#1234]` at its end, once."""
    if number is None:
        return subject
    tag = f"[#{number}]"
    if tag in subject:
        return subject
    return f"{subject[: SUBJECT - len(tag) - 1].rstrip()} {tag}".strip()


def quote(asked: Message, author: Party) -> Quoted:
    """A message as the letter that answers it quotes it."""
    return Quoted(author=author, at=asked.sent_at or asked.created_at, text=asked.text)


def _references(earlier: Sequence[Message], asked: Message | None) -> tuple[str, ...]:
    """The ids of what was said before, oldest first; what the letter answers stands last."""
    ids = [m.external_id for m in earlier if m.external_id]
    if asked is not None and asked.external_id in ids:
        ids.remove(asked.external_id)
        ids.append(asked.external_id)
    return tuple(ids)


def _answered(earlier: Sequence[Message], message: Message) -> Message | None:
    """The customer's message that it answers: the named one, else the newest."""
    asked = [m for m in earlier if m.kind is MessageKind.CUSTOMER]
    named = [m for m in asked if m.external_id == message.in_reply_to is not None]
    return next(reversed(named or asked), None)


def _author(uow: UnitOfWork, conversation: Conversation, asked: Message) -> Party:
    """Who wrote it: a stranger gets nothing until an agent says so."""
    author: Mapping[str, Any] | None = asked.details.get("author")
    if author is None or author["stranger"]:
        return customer_party(uow, conversation)
    return Party(address=author["address"], name=author["name"])


def parties(chosen: Sequence[Mapping[str, str]] | None) -> tuple[Party, ...]:
    """The people of a stored choice."""
    return tuple(Party(address=one["address"], name=one.get("name", "")) for one in chosen or ())


def _mail_references(uow: UnitOfWork, conversation: Conversation, before: int) -> tuple[str, ...]:
    """The ids of the mails by which a chat went on, oldest first."""
    earlier = uow.messages.page(conversation.id, before=before, limit=EARLIER)
    return tuple(m.external_id for m in earlier if m.external_id and _was_mail(m.details))


def _was_mail(details: Mapping[str, Any]) -> bool:
    return "subject" in details or bool(details.get("letter", {}).get("chat"))
