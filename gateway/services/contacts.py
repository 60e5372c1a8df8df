"""Customers, as agents see and correct them (H6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from gateway.domain.conversation import Contact
from gateway.domain.events import ContactChanged
from gateway.domain.people import Agent, Right
from gateway.ports.store import UnitOfWork
from gateway.services.access import get_contact, require
from gateway.services.auditing import note


def change(
    uow: UnitOfWork, actor: Agent, contact_id: str, changes: Mapping[str, Any], *, now: int
) -> Contact:
    """Corrects a contact's data.

    Args:
        uow: the transaction.
        actor: who corrects.
        contact_id: whose data.
        changes: any of `name`, `email`, `phone`, `company`, `language`, `key`, which takes the
            right to mark key customers, and `attributes`, which replaces all of them.
        now: ms since the epoch.

    Raises:
        NotFoundError: there is none of whom the agent may know.
        NotAllowedError: the role does not permit work, or to mark key customers.
    """
    require(actor, Right.WORK)
    contact = get_contact(uow, actor, contact_id).contact
    changed = replace(contact, **changes)
    if changed.key != contact.key:
        require(actor, Right.MARK_KEY)
    if changed == contact:
        return contact
    uow.contacts.update(changed)
    uow.emit(ContactChanged(contact=changed))
    old, new = asdict(contact), asdict(changed)
    fields = [name for name in changes if old[name] != new[name]]
    note(
        uow,
        actor.id,
        "contact.changed",
        ("contact", contact_id),
        before={name: old[name] for name in fields},
        after={name: new[name] for name in fields},
        now=now,
    )
    return changed
