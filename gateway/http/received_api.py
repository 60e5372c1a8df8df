"""What came: what waits for a decision, what is not shown, and the balance of the two."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from urllib.parse import urlencode

from aiohttp import web

from gateway.domain.errors import NotFoundError
from gateway.domain.letters import Balance, Discarded
from gateway.domain.people import Right
from gateway.http import admin_answers, answers, received_inputs
from gateway.http.call import Call
from gateway.http.letter_pages import raw_headers
from gateway.http.loading import compose_messages
from gateway.http.registry import Endpoint
from gateway.http.serial import PREFIX, Json, row_json, when
from gateway.ports.store import UnitOfWork
from gateway.services import holds, operations

_EPOCH = date(1970, 1, 1)


async def list_held_messages(call: Call) -> Json:
    """What waits for a decision, newest first."""
    query = call.query(received_inputs.HeldQuery)

    def work(uow: UnitOfWork) -> list[Json]:
        found = holds.held_messages(
            uow, call.agent, query.limit, inbox_id=query.inbox_id, reason=query.reason
        )
        ids = list(dict.fromkeys(message.conversation_id for message in found))
        rows = uow.conversations.rows(ids)
        shown = compose_messages(uow, found, rows, call.parts.article_title)
        return [
            {"message": each, "conversation": row_json(rows[each["conversation_id"]])}
            for each in shown
        ]

    return {"items": await call.read(work)}


async def list_discarded(call: Call) -> Json:
    """Messages that came and are not shown, newest first."""
    query = call.query(received_inputs.DiscardedQuery)
    found = await call.read(
        lambda uow: operations.discarded_messages(uow, call.agent, query.inbox_id, query.limit)
    )
    return {"items": [_discarded_json(one) for one in found]}


def _discarded_json(found: Discarded) -> Json:
    one = found.discard
    named = urlencode({"inbox_id": one.inbox_id, "external_id": one.external_id})
    return {
        "inbox_id": one.inbox_id,
        "external_id": one.external_id,
        "reason": one.reason,
        "at": when(found.at),
        "raw_url": f"{PREFIX}/operations/discarded/raw?{named}" if one.raw else None,
    }


async def read_raw_discarded(call: Call) -> web.Response:
    """One of them as it came, to be stored, never shown by a browser."""
    query = call.query(received_inputs.DiscardedName)
    found = await call.read(
        lambda uow: operations.find_discarded(uow, call.agent, query.inbox_id, query.external_id)
    )
    try:
        content = await call.parts.blobs.get(found.discard.raw or "")
    except KeyError as error:
        raise NotFoundError("Its content is no longer there.") from error
    name = hashlib.sha256(query.external_id.encode()).hexdigest()[:12]
    return web.Response(body=content, headers=raw_headers(f"discarded-{name}"))


async def read_balance(call: Call) -> Json:
    """What became of what came, by inbox and day."""
    query = call.query(received_inputs.BalanceQuery)
    found = await call.read(
        lambda uow: operations.balance(
            uow,
            call.agent,
            lambda kind: call.parts.capabilities_of(kind).letters,
            days=query.days,
            offset=query.offset_minutes * 60_000,
            now=call.now,
        )
    )
    return {"items": [_balance_json(one) for one in found]}


def _balance_json(one: Balance) -> Json:
    return {
        "inbox_id": one.inbox_id,
        "day": (_EPOCH + timedelta(days=one.day)).isoformat(),
        "received": one.shown + one.held + one.discarded,
        "shown": one.shown,
        "held": one.held,
        "discarded": one.discarded,
    }


_TAG = "Letters"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/messages/held",
        handler=list_held_messages,
        tag=_TAG,
        summary="Messages of strangers and doubtful ones that wait for a decision, newest first",
        query=received_inputs.HeldQuery,
        answer=answers.HeldItems,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="GET",
        path="/operations/discarded",
        handler=list_discarded,
        tag=_TAG,
        summary="Messages that came and are not shown: loops, bounces, our own mail",
        query=received_inputs.DiscardedQuery,
        answer=admin_answers.DiscardedMessages,
        right=Right.OPERATE,
    ),
    Endpoint(
        method="GET",
        path="/operations/discarded/raw",
        handler=read_raw_discarded,
        tag=_TAG,
        summary="Such a message as it came, as a file",
        query=received_inputs.DiscardedName,
        binary=True,
        right=Right.OPERATE,
        errors=("not_found",),
    ),
    Endpoint(
        method="GET",
        path="/operations/balance",
        handler=read_balance,
        tag=_TAG,
        summary="How much each inbox received by day, and how much is shown, held, discarded",
        query=received_inputs.BalanceQuery,
        answer=admin_answers.DayBalances,
        right=Right.OPERATE,
    ),
)
