"""Contacts and their handles."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from gateway.domain.conversation import Contact, Conversation
from gateway.domain.errors import NotFoundError
from gateway.domain.records import Handle, KnownCustomer
from gateway.domain.ticket import TicketState
from gateway.store import search
from gateway.store.conversation_rows import COLUMNS as CONVERSATION_COLUMNS
from gateway.store.conversation_rows import to_conversation
from gateway.store.rows import (
    NO_OFFSET,
    dump_map,
    insert_into,
    load_map,
    pick,
    select_by,
    update_by,
)
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import contacts, conversations, handles, tickets

COLUMNS = (
    "id",
    "name",
    "email",
    "phone",
    "company",
    "language",
    "attributes",
    "verified",
    "created_at",
    "key",
)
_HANDLE_COLUMNS = ("inbox_id", "value", "contact_id", "created_at")

_BY_ID = select_by(contacts, COLUMNS, "id")
_INSERT = insert_into(contacts, COLUMNS)
_UPDATE = update_by(contacts, COLUMNS[1:], "id")
_INSERT_HANDLE = insert_into(handles, _HANDLE_COLUMNS)
_BY_HANDLE = Statement(
    select(*pick(contacts, COLUMNS))
    .join(handles, handles.c.contact_id == contacts.c.id)
    .where(handles.c.inbox_id == bindparam("inbox_id"), handles.c.value == bindparam("value")),
    "inbox_id",
    "value",
)
_HANDLES = Statement(
    select(*pick(handles, _HANDLE_COLUMNS))
    .where(handles.c.contact_id == bindparam("contact_id"))
    .order_by(handles.c.created_at, handles.c.value),
    "contact_id",
)
_CONVERSATIONS = Statement(
    select(*pick(conversations, CONVERSATION_COLUMNS))
    .where(conversations.c.contact_id == bindparam("contact_id"))
    .order_by(conversations.c.last_message_at.desc(), conversations.c.id.desc())
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "contact_id",
    "most",
)
# One row for each ticket, or one without a ticket.
_CUSTOMER = Statement(
    select(
        contacts.c.name,
        contacts.c.verified,
        contacts.c.key,
        tickets.c.number,
        tickets.c.state,
    )
    .select_from(contacts.outerjoin(tickets, tickets.c.contact_id == contacts.c.id))
    .where(contacts.c.id == bindparam("contact_id"))
    .order_by(tickets.c.number.desc())
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "contact_id",
    "most",
)
_MOST_TICKETS = 100
_ENDED = frozenset({TicketState.SOLVED.value, TicketState.CLOSED.value})


def to_contact(row: Row) -> Contact:
    """The contact of a row of `COLUMNS`."""
    return Contact(
        id=row[0],
        name=row[1],
        email=row[2],
        phone=row[3],
        company=row[4],
        language=row[5],
        attributes=load_map(row[6]),
        verified=bool(row[7]),
        created_at=row[8],
        key=bool(row[9]),
    )


def _values(item: Contact) -> Row:
    return (
        item.id,
        item.name,
        item.email,
        item.phone,
        item.company,
        item.language,
        dump_map(item.attributes),
        item.verified,
        item.created_at,
        item.key,
    )


def _to_customer(rows: Sequence[Row]) -> KnownCustomer:
    name, verified, key, *_ = rows[0]
    numbers = [(number, state) for *_, number, state in rows if number is not None]
    return KnownCustomer(
        name=name,
        verified=bool(verified),
        key=bool(key),
        tickets=len(numbers),
        open_tickets=tuple(number for number, state in numbers if state not in _ENDED),
    )


class SqlContacts:
    """`gateway.ports.conversations.Contacts`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def by_handles(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Contact]:
        """Contacts by (inbox id, handle)."""
        wanted = list(dict.fromkeys(pairs))
        found = self._session.each(_BY_HANDLE, wanted)
        return {
            pair: to_contact(rows[0]) for pair, rows in zip(wanted, found, strict=True) if rows
        }

    def add(self, contacts: Sequence[Contact], handles: Sequence[Handle]) -> None:
        """Inserts."""
        self._session.run_many(_INSERT, [_values(item) for item in contacts])
        rows = [(item.inbox_id, item.value, item.contact_id, item.created_at) for item in handles]
        self._session.run_many(_INSERT_HANDLE, rows)
        named = [c.id for c in contacts if c.name or c.email or c.phone or c.company]
        search.enqueue(self._session, "contact", named)

    def get(self, contact_id: str) -> Contact:
        """One contact."""
        row = self._session.row(_BY_ID, (contact_id,))
        if row is None:
            raise NotFoundError("There is no such contact.")
        return to_contact(row)

    def by_ids(self, contact_ids: Sequence[str]) -> dict[str, Contact]:
        """Those that exist, by id."""
        found = self._session.each(_BY_ID, [(item,) for item in dict.fromkeys(contact_ids)])
        return {rows[0][0]: to_contact(rows[0]) for rows in found if rows}

    def customers(self, contact_ids: Sequence[str]) -> dict[str, KnownCustomer]:
        """What the bot is told of those who exist, by id; at most 100 tickets are counted."""
        wanted = list(dict.fromkeys(contact_ids))
        found = self._session.each(_CUSTOMER, [(item, _MOST_TICKETS) for item in wanted])
        return {
            contact_id: _to_customer(rows)
            for contact_id, rows in zip(wanted, found, strict=True)
            if rows
        }

    def update(self, contact: Contact) -> None:
        """Writes all columns."""
        self._session.run(_UPDATE, (*_values(contact)[1:], contact.id))
        search.enqueue(self._session, "contact", [contact.id])

    def handles(self, contact_id: str) -> list[Handle]:
        """All addresses of a contact."""
        return [
            Handle(inbox_id=row[0], value=row[1], contact_id=row[2], created_at=row[3])
            for row in self._session.rows(_HANDLES, (contact_id,))
        ]

    def conversations(self, contact_id: str, limit: int) -> list[Conversation]:
        """The contact's conversations, newest first."""
        rows = self._session.rows(_CONVERSATIONS, (contact_id, limit))
        return [to_conversation(row) for row in rows]
