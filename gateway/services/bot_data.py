"""What the bot's actions may read and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from gateway.domain.conversation import Contact
from gateway.domain.events import ContactChanged
from gateway.ports.clock import Clock
from gateway.ports.code_mail import CodeMail
from gateway.ports.store import Store, UnitOfWork
from gateway.services.auditing import note
from intents.model import Language


class StoreActionContext:
    """Implements `bot.contract.ActionContext` over the store."""

    def __init__(self, store: Store, clock: Clock, mail: CodeMail | None = None) -> None:
        self._store = store
        self._clock = clock
        self._mail = mail

    async def find_contact(self, *, conversation_id: str) -> Mapping[str, str] | None:
        """The conversation's contact."""

        def work(uow: UnitOfWork) -> Mapping[str, str] | None:
            found = uow.conversations.by_ids([conversation_id]).get(conversation_id)
            if found is None:
                return None
            contact = uow.contacts.get(found.contact_id)
            return {
                "name": contact.name,
                "email": contact.email,
                "phone": contact.phone,
                "company": contact.company,
            }

        return await self._store.read(work)

    async def mail_code(self, *, conversation_id: str, code: str, language: Language) -> bool:
        """Mails a code to the address on file; False without one, or if it cannot be sent."""
        contact = await self.find_contact(conversation_id=conversation_id)
        if self._mail is None or contact is None or not contact["email"]:
            return False
        return await self._mail.send_code(contact["email"], code, language)

    async def change_contact(self, *, conversation_id: str, field: str, value: str) -> None:
        """Writes the contact's `email` or `phone`; it is audited."""
        if field not in {"email", "phone"}:
            message = f"a contact's {field} cannot be changed by the bot"
            raise ValueError(message)

        def work(uow: UnitOfWork) -> None:
            contact = uow.contacts.get(uow.conversations.get(conversation_id).contact_id)
            changed = _with(contact, field, value)
            uow.contacts.update(changed)
            uow.emit(ContactChanged(contact=changed))
            note(
                uow,
                None,
                "contact.changed",
                ("contact", contact.id),
                before={field: getattr(contact, field)},
                after={field: value},
                now=self._clock(),
            )

        await self._store.write(work)

    async def find_ticket(self, *, conversation_id: str, number: str) -> Mapping[str, str] | None:
        """The ticket with that number, if it is the same contact's."""
        digits = "".join(c for c in number if c.isascii() and c.isdigit())
        if not digits or len(digits) > 12:
            return None

        def work(uow: UnitOfWork) -> Mapping[str, str] | None:
            ticket = uow.tickets.by_number(int(digits))
            if ticket is None:
                return None
            if uow.conversations.get(conversation_id).contact_id != ticket.contact_id:
                return None
            updated = datetime.fromtimestamp(ticket.updated_at / 1000, UTC)
            return {
                "number": str(ticket.number),
                "status": ticket.state.value,
                "subject": ticket.subject,
                "updated_at": updated.isoformat(timespec="seconds"),
            }

        return await self._store.read(work)


def _with(contact: Contact, field: str, value: str) -> Contact:
    return replace(contact, email=value) if field == "email" else replace(contact, phone=value)
