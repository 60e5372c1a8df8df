"""What becomes of an exchange with a language model that talks nonsense, hangs or is used up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from bot.chat import Completion
from bot.contract import Line, Speaker
from gateway.domain.exchange import Budget, Exchange, ExchangeOutcome, ModelUse
from gateway.ports.store import Store, UnitOfWork
from gateway.services.wording import GroundedWording, WordingSettings, trial
from gateway.wiring.ids import new_id
from intents.model import Language
from tests.gateway.services.desk import Desk

ASKED = trial(Language.EN)


class Model:
    """Writes one text, raises, or hangs."""

    model = "small"

    def __init__(self, text: str = "", *, error: Exception | None = None, hangs: bool = False):
        self._text, self._error, self._hangs = text, error, hangs
        self.asked: list[Sequence[Mapping[str, str]]] = []

    async def complete(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, seconds: float
    ) -> Completion:
        self.asked.append(messages)
        if self._hangs:
            await asyncio.sleep(30)
        if self._error is not None:
            raise self._error
        return Completion(text=self._text, tokens_in=100, tokens_out=10)


def make(desk: Desk, model: Model, tokens: int = 100_000) -> GroundedWording:
    limits = WordingSettings(seconds=5.0, budget=Budget(tokens=tokens), time_zone="Asia/Shanghai")
    return GroundedWording(desk.store, model, limits, clock=lambda: 1_000, new_id=new_id)


async def kept(store: Store, wording: GroundedWording) -> tuple[Exchange, ModelUse]:
    def look(uow: UnitOfWork) -> tuple[Exchange, ModelUse]:
        (only,) = uow.exchanges.page(before=None, limit=9)
        return only, uow.exchanges.use(wording.today())

    return await store.read(look)


@pytest.mark.parametrize("text", ["It arrives\x00 [1].", "It arrives\ud800 [1].", "\ud800[9]"])
async def test_characters_that_no_database_takes_are_dropped(desk: Desk, text: str) -> None:
    wording = make(desk, Model(text))
    assert (await wording.answer(ASKED)).answer is None
    exchange, _ = await kept(desk.store, wording)
    assert exchange.outcome is ExchangeOutcome.UNGROUNDED
    assert not set("\x00\ud800") & set(exchange.answer + exchange.reason)


async def test_the_unforeseen_is_a_failure_and_not_the_turns_end(desk: Desk) -> None:
    wording = make(desk, Model(error=TypeError("nonsense")))
    for _ in range(3):
        worded = await wording.answer(ASKED)
        assert worded.answer is None
        assert "TypeError" in worded.note
    assert wording.resting_until is not None


async def test_a_turn_cut_off_is_paid_for_and_told_to_the_breaker(desk: Desk) -> None:
    wording = make(desk, Model(hangs=True))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await wording.answer(ASKED)
    assert wording.resting_until is not None
    use = await desk.store.read(lambda uow: uow.exchanges.use(wording.today()))
    assert use.tokens > 3 * 300


async def test_what_the_budget_refuses_is_written_down_too(desk: Desk) -> None:
    model = Model("A refund arrives within 7 days [1].")
    wording = make(desk, model, tokens=10)
    worded = await wording.answer(ASKED)
    exchange, use = await kept(desk.store, wording)
    assert exchange.id in worded.note
    assert (exchange.outcome, exchange.reason) == (
        ExchangeOutcome.WITHHELD,
        "the day's budget is used up",
    )
    assert (use.tokens, model.asked) == (0, [])


async def test_texts_are_cut_after_hiding(desk: Desk) -> None:
    model = Model("NO_ANSWER")
    line = Line(speaker=Speaker.CUSTOMER, text="x" * 295 + " 13812345678")
    asked = replace(ASKED, text="when " + "y" * 488 + " 13812345678", lines=(line,))
    await make(desk, model).answer(asked)
    assert "138" not in model.asked[0][1]["content"]
