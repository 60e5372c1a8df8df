"""What operators look at: the audit, dead letters, failed messages, how the system is doing."""

from __future__ import annotations

from gateway.domain.errors import NotFoundError
from gateway.domain.people import Right
from gateway.http import admin_answers, answers, inputs
from gateway.http.call import Call
from gateway.http.cursors import read_cursor, write_cursor
from gateway.http.loading import load_messages
from gateway.http.registry import Endpoint
from gateway.http.serial import Json, audit_json, dead_letter_json
from gateway.ports.store import UnitOfWork
from gateway.services import operations
from gateway.services.access import require

_LIST = "audit"


async def list_audit(call: Call) -> Json:
    """One page of the audit, newest first."""
    query = call.query(inputs.PageQuery)
    conditions = [call.agent.id]
    before: int | None = None
    if query.cursor is not None:
        (before,) = read_cursor(call.parts.signer, _LIST, conditions, query.cursor, now=call.now)
    page = await call.read(
        lambda uow: operations.audit_page(uow, call.agent, before=before, limit=query.limit + 1)
    )
    shown = page.rows[: query.limit]
    cursor = None
    if len(page.rows) > query.limit:
        cursor = write_cursor(call.parts.signer, _LIST, conditions, (shown[-1][0],), now=call.now)
    items = [audit_json(number, entry, page.names, page.concerns) for number, entry in shown]
    return {"items": items, "tickets": page.tickets, "next_cursor": cursor}


async def list_dead_letters(call: Call) -> Json:
    """Inbound messages that could not be handled, newest first."""
    require(call.agent, Right.OPERATE)
    letters = await call.parts.bus.dead_letters(call.query(inputs.LimitQuery).limit)
    return {"items": [dead_letter_json(x, operations.letter_preview(x)) for x in letters]}


async def requeue_dead_letter(call: Call) -> None:
    """Puts a dead letter back on the bus."""
    letter_id = call.path("id")
    require(call.agent, Right.OPERATE)
    # The bus is no part of the transaction: what it did would go unwritten if this came after.
    await call.write(lambda uow: operations.note_requeue(uow, call.agent, letter_id, now=call.now))
    if not await call.parts.bus.requeue(letter_id):
        raise NotFoundError("There is no such dead letter.")


async def list_failed_messages(call: Call) -> Json:
    """Messages that could not be delivered, newest first."""
    limit = call.query(inputs.LimitQuery).limit

    def work(uow: UnitOfWork) -> list[Json]:
        found = operations.failed_messages(uow, call.agent, limit)
        return load_messages(uow, found, call.parts.article_title)

    return {"items": await call.read(work)}


async def read_status(call: Call) -> Json:
    """How the system is doing."""
    require(call.agent, Right.OPERATE)
    lag = await call.parts.bus.lag()
    return {
        "bus": {
            "depth": lag.depth,
            "oldest_age_ms": lag.oldest_age,
            "in_flight": lag.in_flight,
            "dead": lag.dead,
        },
        "outbox": {"depth": await call.read(lambda uow: uow.outbox.depth())},
        "catalogue_version": call.parts.catalogue_version(),
        "version": call.parts.version,
        "roles": sorted(call.parts.roles),
        "sockets": call.desk.feed.sockets,
    }


_TAG = "Operations"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/audit",
        handler=list_audit,
        tag=_TAG,
        summary="Who changed what, newest first",
        query=inputs.PageQuery,
        answer=admin_answers.AuditPage,
        right=Right.CONFIGURE,
        errors=("invalid_cursor",),
    ),
    Endpoint(
        method="GET",
        path="/operations/dead-letters",
        handler=list_dead_letters,
        tag=_TAG,
        summary="Inbound messages that could not be handled",
        query=inputs.LimitQuery,
        answer=admin_answers.DeadLetterList,
        right=Right.OPERATE,
    ),
    Endpoint(
        method="POST",
        path="/operations/dead-letters/{id}/requeue",
        handler=requeue_dead_letter,
        tag=_TAG,
        summary="Put a dead letter back on the bus",
        body=inputs.Empty,
        status=204,
        right=Right.OPERATE,
    ),
    Endpoint(
        method="GET",
        path="/operations/failed-messages",
        handler=list_failed_messages,
        tag=_TAG,
        summary="Messages that could not be delivered",
        query=inputs.LimitQuery,
        answer=answers.MessageItems,
        right=Right.OPERATE,
    ),
    Endpoint(
        method="GET",
        path="/operations/status",
        handler=read_status,
        tag=_TAG,
        summary="How the system is doing",
        answer=admin_answers.Status,
        right=Right.OPERATE,
    ),
)
