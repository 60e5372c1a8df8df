"""What an outgoing message is as a letter: from its conversation and what was said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from channels.contract import MessageKind
from channels.letters import Letter, Party, Quoted
from gateway.domain.conversation import PUBLIC_KINDS, Conversation, Message
from gateway.ports.store import UnitOfWork

EARLIER: Final = 60  # messages whose ids a letter names at most


def letter_of(uow: UnitOfWork, conversation: Conversation, message: Message) -> Letter:
    """The letter that carries the message.

    What an agent chose stands in the message's details under `letter` (`subject`, `to`, `cc`,
    `bcc` as lists of `{"address", "name"}`, `html`); without a choice it goes to whoever wrote
    last, and to the customer.
    """
    chosen: Mapping[str, Any] = message.details.get("letter", {})
    earlier = uow.messages.page(
        conversation.id, before=message.seq, limit=EARLIER, kinds=PUBLIC_KINDS
    )
    asked = _answered(earlier, message)
    name = uow.contacts.get(conversation.contact_id).name
    customer = Party(address=conversation.handle, name=name)
    author = customer if asked is None else _author(asked, customer)
    return Letter(
        subject=chosen.get("subject") or conversation.subject,
        to=_parties(chosen.get("to")) or (author,),
        cc=_parties(chosen.get("cc")) if "to" in chosen or author == customer else (customer,),
        bcc=_parties(chosen.get("bcc")),
        html=chosen.get("html", ""),
        references=tuple(m.external_id for m in earlier if m.external_id),
        quoted=None if asked is None else _quoted(asked, author),
    )


def _quoted(asked: Message, author: Party) -> Quoted:
    return Quoted(author=author, at=asked.sent_at or asked.created_at, text=asked.text)


def _answered(earlier: Sequence[Message], message: Message) -> Message | None:
    """The customer's message that it answers: the named one, else the newest."""
    asked = [m for m in earlier if m.kind is MessageKind.CUSTOMER]
    named = [m for m in asked if m.external_id == message.in_reply_to is not None]
    return next(reversed(named or asked), None)


def _author(asked: Message, customer: Party) -> Party:
    """Who wrote it: a stranger gets nothing until an agent says so."""
    author: Mapping[str, Any] | None = asked.details.get("author")
    if author is None or author["stranger"]:
        return customer
    return Party(address=author["address"], name=author["name"])


def _parties(chosen: Sequence[Mapping[str, str]] | None) -> tuple[Party, ...]:
    return tuple(Party(address=one["address"], name=one.get("name", "")) for one in chosen or ())
