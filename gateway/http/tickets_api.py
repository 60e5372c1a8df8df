"""Tickets."""

from __future__ import annotations

from gateway.domain.people import Right
from gateway.http import answers, inputs
from gateway.http.call import Call
from gateway.http.cursors import read_cursor, write_cursor
from gateway.http.loading import load_tickets
from gateway.http.registry import Endpoint
from gateway.http.serial import Json
from gateway.ports.store import UnitOfWork
from gateway.services import reading, tickets
from gateway.services.access import get_ticket

_LIST = "tickets"


async def list_tickets(call: Call) -> Json:
    """One page of tickets by falling number."""
    query = call.query(inputs.TicketQuery)
    conditions = [call.agent.id, query.state]
    before: int | None = None
    if query.cursor is not None:
        (before,) = read_cursor(call.parts.signer, _LIST, conditions, query.cursor, now=call.now)

    def work(uow: UnitOfWork) -> list[Json]:
        found = reading.list_tickets(
            uow, call.agent, state=query.state, before=before, limit=query.limit + 1
        )
        return load_tickets(uow, found)

    items = await call.read(work)
    shown = items[: query.limit]
    cursor = None
    if len(items) > query.limit:
        position = (shown[-1]["number"],)
        cursor = write_cursor(call.parts.signer, _LIST, conditions, position, now=call.now)
    return {"items": shown, "next_cursor": cursor}


async def read_ticket(call: Call) -> Json:
    """A ticket by id or number."""

    def work(uow: UnitOfWork) -> Json:
        return load_tickets(uow, [get_ticket(uow, call.agent, call.path("id"))])[0]

    return await call.read(work)


async def change_ticket(call: Call) -> Json:
    """Changes severity, kind, state or subject."""
    body = call.body(inputs.TicketChange)
    changes = tickets.TicketChanges(
        severity=body.severity, kind=body.kind, state=body.state, subject=body.subject
    )

    def work(uow: UnitOfWork) -> Json:
        changed = tickets.change(
            uow, call.agent, call.path("id"), changes, now=call.now, new_id=call.new_id
        )
        return load_tickets(uow, [changed])[0]

    return await call.write(work)


_TAG = "Tickets"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/tickets",
        handler=list_tickets,
        tag=_TAG,
        summary="Tickets, newest first",
        query=inputs.TicketQuery,
        answer=answers.TicketPage,
        right=Right.SEE_TEAM,
        errors=("invalid_cursor",),
    ),
    Endpoint(
        method="GET",
        path="/tickets/{id}",
        handler=read_ticket,
        tag=_TAG,
        summary="A ticket by id or number",
        answer=answers.Ticket,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="PATCH",
        path="/tickets/{id}",
        handler=change_ticket,
        tag=_TAG,
        summary="Change severity, kind, state or subject",
        body=inputs.TicketChange,
        answer=answers.Ticket,
        right=Right.WORK,
        errors=("already_claimed", "conflict"),
    ),
)
