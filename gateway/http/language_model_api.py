"""The language model that words answers: how it stands, what it was asked, a trial."""

from __future__ import annotations

from gateway.domain.errors import ConflictError
from gateway.domain.exchange import Exchange, ModelUse
from gateway.domain.people import Right
from gateway.http import admin_answers, inputs
from gateway.http.call import Call
from gateway.http.cursors import read_cursor, write_cursor
from gateway.http.registry import Endpoint
from gateway.http.serial import Json, when
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.auditing import note
from gateway.services.wording import CHECK, GroundedWording, trial
from intents.model import Language

_LIST = "model_exchanges"
_MILLION = 1_000_000


async def read_language_model(call: Call) -> Json:
    """How the language model stands, and what it took today."""
    require(call.agent, Right.CONFIGURE)
    wording = call.parts.wording
    if wording is None:
        return {"answers": False, "model": "", "limits": None, "today": None, "rests_until": None}
    day = wording.today()
    use = await call.read(lambda uow: uow.exchanges.use(day))
    return _state(wording, use)


def _state(wording: GroundedWording, use: ModelUse) -> Json:
    settings, budget = wording.settings, wording.settings.budget
    rests = wording.resting_until
    return {
        "answers": True,
        "model": wording.model,
        "limits": {
            "seconds": settings.seconds,
            "daily_tokens": budget.tokens or None,
            "daily_cost": budget.cost or None,
        },
        "today": {"calls": use.calls, "tokens": use.tokens, "cost": use.cost / _MILLION},
        "rests_until": None if rests is None else when(rests),
    }


async def list_exchanges(call: Call) -> Json:
    """One page of what the language model was asked, newest first."""
    require(call.agent, Right.CONFIGURE)
    query = call.query(inputs.PageQuery)
    conditions = [call.agent.id]
    before: tuple[int, str] | None = None
    if query.cursor is not None:
        asked_at, last = read_cursor(
            call.parts.signer, _LIST, conditions, query.cursor, now=call.now
        )
        before = (asked_at, last)
    found = await call.read(lambda uow: uow.exchanges.page(before=before, limit=query.limit + 1))
    shown, cursor = found[: query.limit], None
    if len(found) > query.limit:
        end = (shown[-1].asked_at, shown[-1].id)
        cursor = write_cursor(call.parts.signer, _LIST, conditions, end, now=call.now)
    return {"items": [exchange_json(each) for each in shown], "next_cursor": cursor}


async def try_language_model(call: Call) -> Json:
    """Asks the language model a fixed question, and tells what became of it."""
    require(call.agent, Right.CONFIGURE)
    wording = call.parts.wording
    if wording is None:
        raise ConflictError("No language model is set up: see YINGDA_LLM_ANSWERS in the guide.")
    language = Language.EN if call.agent.language == "en" else Language.ZH_HANS
    exchange, _ = await wording.ask(trial(language), purpose=CHECK)

    def work(uow: UnitOfWork) -> None:
        told = {"outcome": exchange.outcome.value, "reason": exchange.reason}
        note(
            uow,
            call.agent.id,
            "language_model.tried",
            ("language_model", exchange.id),
            after=told,
            now=call.now,
        )

    await call.write(work)
    return exchange_json(exchange)


def exchange_json(exchange: Exchange) -> Json:
    """What a language model was asked, as it was sent, and what became of it."""
    return {
        "id": exchange.id,
        "purpose": exchange.purpose,
        "conversation_id": exchange.conversation_id or None,
        "asked_at": when(exchange.asked_at),
        "model": exchange.model,
        "language": exchange.language,
        "question": exchange.question,
        "earlier": list(exchange.earlier),
        "passages": [
            {"slug": each.slug, "title": each.title, "text": each.text}
            for each in exchange.sources
        ],
        "outcome": exchange.outcome.value,
        "reason": exchange.reason,
        "answer": exchange.answer,
        "tokens_in": exchange.tokens_in,
        "tokens_out": exchange.tokens_out,
        "cost": exchange.cost / _MILLION,
        "ms": exchange.ms,
    }


_TAG = "Language model"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/language-model",
        handler=read_language_model,
        tag=_TAG,
        summary="How the language model stands, and what it took today",
        answer=admin_answers.LanguageModel,
        right=Right.CONFIGURE,
    ),
    Endpoint(
        method="GET",
        path="/language-model/exchanges",
        handler=list_exchanges,
        tag=_TAG,
        summary="What the language model was asked, newest first",
        query=inputs.PageQuery,
        answer=admin_answers.ModelExchanges,
        right=Right.CONFIGURE,
        errors=("invalid_cursor",),
    ),
    Endpoint(
        method="POST",
        path="/language-model/trial",
        handler=try_language_model,
        tag=_TAG,
        summary="Ask the language model a fixed question",
        body=inputs.Empty,
        answer=admin_answers.ModelExchange,
        right=Right.CONFIGURE,
        errors=("conflict",),
    ),
)
