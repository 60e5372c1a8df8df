"""Who takes part in a conversation by letter, and who is a stranger to it.

A channel knows who wrote a letter and who got it; whether they belong to the conversation is
decided here, by what agents and the customer said before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from channels.contract import InboundMessage
from channels.letters import Automatic, Doubt, Party
from gateway.domain.conversation import Conversation
from gateway.domain.letters import Aside, Part, Participation, address_key
from gateway.ports.store import UnitOfWork

MOST: Final = 50
"""Participants of one conversation; a mail to hundreds is none of everybody's."""


def is_letter(item: InboundMessage) -> bool:
    """Whether a message brings what only letters have."""
    return bool(
        item.subject
        or item.author
        or item.participants
        or item.automatic is not Automatic.NONE
        or item.doubt is not Doubt.NONE
    )


def read_author(
    uow: UnitOfWork, item: InboundMessage, conversation: Conversation
) -> tuple[InboundMessage, Aside | None]:
    """The message with its author as the conversation knows them, and why it is set aside.

    What the channel saw makes nobody a participant: whoever a third party or a doubtful mail
    names beside us stays a stranger.

    Args:
        uow: the transaction.
        item: a letter.
        conversation: where it belongs, read under lock.

    Returns:
        The message; without an author where its customer wrote it. None where it is the
        customer's word.
    """
    doubtful = item.doubt is not Doubt.NONE
    aside = Aside(item.doubt.value) if doubtful else None
    author = item.author
    if author is not None:
        part = _part_of(uow, author.address, conversation)
        known = None if part == "" else replace(author, stranger=part is None)
        item = replace(item, author=known)
        if part is None:
            aside = aside or Aside.STRANGER
        elif part == Part.THIRD:
            aside = aside or Aside.THIRD
    if item.automatic is Automatic.AUTO_REPLY and not doubtful:
        aside = Aside.AUTO_REPLY if conversation.last_seq else Aside.AUTOMATIC
    return item, aside


def _part_of(uow: UnitOfWork, address: str, conversation: Conversation) -> str | None:
    """The part of a participant; empty for the customer, None for a stranger."""
    key = address_key(address)
    if key == address_key(conversation.handle):
        return ""
    contact = uow.contacts.get(conversation.contact_id)
    if contact.email and key == address_key(contact.email):
        return ""
    known = {one.address: one.part for one in uow.participants.of(conversation.id)}
    return known.get(key)


def note_recipients(uow: UnitOfWork, item: InboundMessage, conversation: Conversation) -> None:
    """Whoever got the customer's letter too takes part from now on."""
    join(
        uow,
        conversation,
        [
            (Party(address=one.address, name=one.name), Part.TO if one.role == "to" else Part.CC)
            for one in item.participants
        ],
    )


def join(
    uow: UnitOfWork, conversation: Conversation, people: Iterable[tuple[Party, Part]]
) -> None:
    """Makes people participants; the customer and those who are, stay as they are."""
    wanted = {
        address_key(party.address): Participation(
            conversation_id=conversation.id,
            address=address_key(party.address),
            name=party.name,
            part=part,
        )
        for party, part in people
    }
    wanted.pop(address_key(conversation.handle), None)
    if not wanted:
        return
    known = {one.address for one in uow.participants.of(conversation.id)}
    new = [one for address, one in wanted.items() if address not in known]
    uow.participants.add(new[: max(0, MOST - len(known))])
