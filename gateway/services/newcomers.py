"""Contacts, as customers' messages bring them: new ones, and what known ones tell later (H6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from channels.contract import InboundMessage, conversation_key
from channels.letters import Party
from gateway.domain.conversation import (
    Contact,
    Controller,
    Conversation,
    ConversationStatus,
)
from gateway.domain.events import ContactChanged
from gateway.domain.inbox import Inbox
from gateway.domain.letters import address_key
from gateway.domain.records import Handle
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork

_LEARNT: Final = ("name", "email", "phone", "company")


def contacts_of(
    uow: UnitOfWork, items: Sequence[InboundMessage], *, now: int, new_id: NewId
) -> dict[tuple[str, str], Contact]:
    """Who wrote these messages, by inbox and handle; those who are new are written."""
    contacts = uow.contacts.by_handles([(item.inbox_id, item.handle) for item in items])
    new: list[Contact] = []
    handles: list[Handle] = []
    for item in items:
        pair = (item.inbox_id, item.handle)
        if pair not in contacts:
            contacts[pair] = _new_contact(item, now, new_id)
            new.append(contacts[pair])
            handles.append(
                Handle(
                    inbox_id=item.inbox_id,
                    value=item.handle,
                    contact_id=contacts[pair].id,
                    created_at=now,
                )
            )
    if new:
        uow.contacts.add(new, handles)
    return contacts


def learn(uow: UnitOfWork, items: Sequence[InboundMessage]) -> None:
    """Known contacts get what they tell later; what is known gives way to a vouched word only."""
    telling = [
        item
        for item in items
        if item.author is None and any(item.profile.get(name) for name in _LEARNT)
    ]
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


def _new_contact(item: InboundMessage, now: int, new_id: NewId) -> Contact:
    profile = dict(item.profile)
    return Contact(
        id=new_id(),
        name=profile.pop("name", ""),
        email=profile.pop("email", ""),
        phone=profile.pop("phone", ""),
        company=profile.pop("company", ""),
        language=profile.pop("language", ""),
        attributes=profile,
        verified=item.verified,
        created_at=now,
    )


def contact_at(
    uow: UnitOfWork, inbox_id: str, party: Party, *, now: int, new_id: NewId
) -> Contact:
    """Whoever has that mail address in an inbox; written when they are new.

    Args:
        uow: the transaction.
        inbox_id: the inbox.
        party: address and name.
        now: ms since the epoch.
        new_id: gives the id.
    """
    handle = address_key(party.address)
    found = uow.contacts.by_handles([(inbox_id, handle)])
    if found:
        return found[inbox_id, handle]
    contact = Contact(
        id=new_id(),
        name=party.name,
        email=handle,
        phone="",
        company="",
        language="",
        attributes={},
        verified=False,
        created_at=now,
    )
    uow.contacts.add(
        [contact],
        [Handle(inbox_id=inbox_id, value=handle, contact_id=contact.id, created_at=now)],
    )
    return contact


def blank_conversation(
    inbox: Inbox, contact: Contact, handle: str, *, subject: str, now: int, new_id: NewId
) -> Conversation:
    """A conversation by letter that no message of a channel began; nothing is in it yet."""
    thread = new_id()
    return Conversation(
        id=new_id(),
        key=conversation_key(inbox.id, handle, thread),
        inbox_id=inbox.id,
        contact_id=contact.id,
        handle=handle,
        thread=thread,
        controller=Controller.BOT,
        status=ConversationStatus.OPEN,
        agent_id=None,
        team_id=None,
        ticket_id=None,
        language=contact.language or inbox.language,
        subject=subject,
        last_seq=0,
        last_message_at=now,
        preview="",
        unread=0,
        waiting_since=None,
        bot_state={},
        version=1,
        created_at=now,
    )
