"""Tickets."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, literal_column, select, union, update

from gateway.domain.errors import NotFoundError
from gateway.domain.ticket import Severity, Ticket, TicketKind, TicketState
from gateway.ports.conversations import Scope
from gateway.store import search
from gateway.store.lists import owners
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
from gateway.store.tables import conversations, counters, tickets

COLUMNS = (
    "id",
    "number",
    "conversation_id",
    "contact_id",
    "team_id",
    "agent_id",
    "kind",
    "severity",
    "state",
    "subject",
    "summary",
    "reason",
    "card",
    "created_at",
    "updated_at",
    "solved_at",
    "closed_at",
)
_PICKED = pick(tickets, COLUMNS)

_NEXT_NUMBER = Statement(
    update(counters)
    .where(counters.c.name == bindparam("name_"))
    .values(value=counters.c.value + literal_column("1"))
    .returning(counters.c.value),
    "name_",
)
_INSERT = insert_into(tickets, COLUMNS)
_UPDATE = update_by(tickets, COLUMNS[1:], "id")
_BY_ID = select_by(tickets, COLUMNS, "id")
_BY_ID_LOCKED = select_by(tickets, COLUMNS, "id", lock=True)
_BY_NUMBER = select_by(tickets, COLUMNS, "number")
_SUBJECT = select_by(tickets, ("subject",), "id")
_NEW_SEVERITY = update_by(conversations, ("severity",), "id")
_CHANGED_SEVERITY = Statement(
    update(conversations)
    .where(
        conversations.c.id == bindparam("conversation_id"),
        conversations.c.ticket_id == bindparam("ticket"),
    )
    .values(severity=bindparam("new_severity")),
    "new_severity",
    "conversation_id",
    "ticket",
)
_OF_CONTACT = Statement(
    select(*_PICKED)
    .where(tickets.c.contact_id == bindparam("contact_id"))
    .order_by(tickets.c.number.desc())
    .limit(bindparam("most"))
    .offset(NO_OFFSET),
    "contact_id",
    "most",
)


def to_ticket(row: Row) -> Ticket:
    """The ticket of a row of `COLUMNS`."""
    return Ticket(
        id=row[0],
        number=row[1],
        conversation_id=row[2],
        contact_id=row[3],
        team_id=row[4],
        agent_id=row[5],
        kind=TicketKind(row[6]),
        severity=Severity(row[7]),
        state=TicketState(row[8]),
        subject=row[9],
        summary=row[10],
        reason=row[11],
        card=load_map(row[12]),
        created_at=row[13],
        updated_at=row[14],
        solved_at=row[15],
        closed_at=row[16],
    )


def _values(item: Ticket) -> Row:
    return (
        item.id,
        item.number,
        item.conversation_id,
        item.contact_id,
        item.team_id,
        item.agent_id,
        item.kind.value,
        item.severity.value,
        item.state.value,
        item.subject,
        item.summary,
        item.reason,
        dump_map(item.card),
        item.created_at,
        item.updated_at,
        item.solved_at,
        item.closed_at,
    )


class SqlTickets:
    """`gateway.ports.conversations.Tickets`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def next_number(self) -> int:
        """Takes the next ticket number; another process waits until the commit."""
        row = self._session.row(_NEXT_NUMBER, ("ticket",))
        if row is None:
            raise RuntimeError("the counter of ticket numbers is missing from the database")
        return int(row[0])

    def add(self, ticket: Ticket) -> None:
        """Inserts; the conversation is listed under the ticket's severity from now on."""
        self._session.run(_INSERT, _values(ticket))
        self._session.run(_NEW_SEVERITY, (ticket.severity.value, ticket.conversation_id))
        if ticket.subject:
            search.enqueue(self._session, "ticket", [ticket.id])

    def update(self, ticket: Ticket) -> None:
        """Writes all columns."""
        before = self._session.row(_SUBJECT, (ticket.id,))
        self._session.run(_UPDATE, (*_values(ticket)[1:], ticket.id))
        severity = (ticket.severity.value, ticket.conversation_id, ticket.id)
        self._session.run(_CHANGED_SEVERITY, severity)
        if before is not None and before[0] != ticket.subject:
            search.enqueue(self._session, "ticket", [ticket.id])

    def get(self, ticket_id: str, *, lock: bool = False) -> Ticket:
        """One ticket."""
        row = self._session.row(_BY_ID_LOCKED if lock else _BY_ID, (ticket_id,))
        if row is None:
            raise NotFoundError("There is no such ticket.")
        return to_ticket(row)

    def by_ids(self, ticket_ids: Sequence[str]) -> dict[str, Ticket]:
        """Those that exist, by id."""
        found = self._session.each(_BY_ID, [(item,) for item in dict.fromkeys(ticket_ids)])
        return {rows[0][0]: to_ticket(rows[0]) for rows in found if rows}

    def by_number(self, number: int) -> Ticket | None:
        """The ticket with that number."""
        row = self._session.row(_BY_NUMBER, (number,))
        return None if row is None else to_ticket(row)

    def page(
        self, scope: Scope, *, state: TicketState | None, before: int | None, limit: int
    ) -> list[Ticket]:
        """Tickets by falling number."""
        number = tickets.c.number
        conditions = [] if state is None else [tickets.c.state == state.value]
        if before is not None:
            conditions.append(number < before)
        parts = [
            select(
                select(tickets.c.id, number)
                .where(*conditions, *owner)
                .order_by(number.desc())
                .limit(limit)
                .subquery()
            )
            for owner in owners(tickets, scope)
        ]
        newest = union(*parts).subquery()
        query = select(*_PICKED).join(newest, newest.c.id == tickets.c.id)
        rows = self._session.select(query.order_by(number.desc()).limit(limit))
        return [to_ticket(row) for row in rows]

    def of_contact(self, contact_id: str, limit: int) -> list[Ticket]:
        """The contact's tickets, newest first."""
        return [to_ticket(row) for row in self._session.rows(_OF_CONTACT, (contact_id, limit))]
