"""Answers that a language model words from articles: asked, checked, paid for, written down.

Implements `bot.wording.Wording`. What leaves the house carries no personal data and no sentence
that gives a model orders; what comes back is shown only if it rests on what was sent
(`bot.grounding`). Each exchange is stored before it is asked and again when it ends. Where a
model is slow, wrong or used up, the article's passage answers as it stands, at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.chat import Completion
from bot.contract import Line, Speaker
from bot.errors import ChatError
from bot.grounding import (
    MOST_TOKENS,
    Grounded,
    NothingSupportsError,
    Question,
    UngroundedError,
    check_answer,
    gives_orders,
    messages_for,
    without_orders,
)
from bot.passages import Source
from bot.redaction import PLACEHOLDER, Redaction
from bot.wording import Asked, Worded
from channels.outbound import parse_retry_after
from gateway.domain.exchange import Breaker, Budget, Exchange, ExchangeOutcome, ModelUse
from gateway.ports.clock import Clock, NewId
from gateway.ports.exchanges import LanguageModel
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from intents.model import Language

log = logging.getLogger(__name__)

T = TypeVar("T")

TURN, DRAFT, CHECK = "turn", "draft", "check"
_EARLIER = 4
_LINE_LENGTH = 300
_QUESTION_LENGTH = 500
_ANSWER_LENGTH = 4_000
_AT_ONCE = 8
_HOPELESS = frozenset({401, 403, 404})  # set up wrongly: another try finds the same
_HOPELESS_PAUSE = 60_000  # ms
_USED_UP = "the day's budget is used up"
_NO_DATABASE = "the database does not answer"


_TRIAL = {
    Language.ZH_HANS: (
        "退款几天内退回？",
        Source(slug="trial", title="退款", text="退款会在 7 天内原路退回。"),
    ),
    Language.EN: (
        "Within how many days does a refund arrive?",
        Source(slug="trial", title="Refunds", text="A refund arrives within 7 days."),
    ),
}


def trial(language: Language) -> Asked:
    """A question that a model which can do its work answers with seven days, citing [1]."""
    text, source = _TRIAL[Language.EN if language is Language.EN else Language.ZH_HANS]
    return Asked(conversation_id="", text=text, language=language, sources=(source,))


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingSettings:
    """How a model is used: how long it may take, what a day may take, in which time zone."""

    seconds: float
    budget: Budget
    time_zone: str


class GroundedWording:
    """Implements `bot.wording.Wording` over a language model.

    Args:
        store: keeps the account.
        model: is asked.
        settings: its limits.
        clock: tells the time.
        new_id: gives the ids of exchanges.
    """

    def __init__(
        self,
        store: Store,
        model: LanguageModel,
        settings: WordingSettings,
        *,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._model = model
        self.settings = settings
        self._clock = clock
        self._new_id = new_id
        self._breaker = Breaker()
        self._running = 0
        self._zone = ZoneInfo(settings.time_zone)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model.model

    @property
    def resting_until(self) -> int | None:
        """Until when this process leaves the model alone after failures (ms), or None."""
        return self._breaker.until if self._breaker.until > self._clock() else None

    def today(self) -> str:
        """The day whose budget is used now."""
        moment = datetime.fromtimestamp(self._clock() / 1000, UTC)
        return moment.astimezone(self._zone).date().isoformat()

    async def answer(self, asked: Asked) -> Worded:
        """Word an answer to a customer; never raises for what model or database do wrong."""
        if (why := self._why_not()) is not None:
            return Worded(note=f"language model: {why}")
        exchange, answer = await self.ask(asked, purpose=TURN)
        told = exchange.reason or exchange.outcome.value
        if told == _NO_DATABASE:  # nor is the exchange written down
            return Worded(note=f"language model: {told}")
        return Worded(note=f"language model: {told} (exchange {exchange.id})", answer=answer)

    async def ask(self, asked: Asked, *, purpose: str) -> tuple[Exchange, Grounded | None]:
        """Asks, whether or not the model rests; returns the account and the answer that holds."""
        redaction = Redaction([asked.name])
        question = Question(
            text=_cut(redaction.hide(asked.text), _QUESTION_LENGTH),
            language=asked.language,
            earlier=_earlier(asked.lines, redaction),
        )
        exchange = Exchange(
            id=self._new_id(),
            purpose=purpose,
            conversation_id=asked.conversation_id,
            asked_at=self._clock(),
            model=self._model.model,
            language=asked.language.value,
            question=question.text,
            earlier=question.earlier,
            sources=_clean(asked.sources),
        )
        if (why := _why_withheld(exchange)) is not None:
            withheld = _withheld(exchange, why)
            await self._keep(lambda uow: uow.exchanges.add(withheld))
            return withheld, None
        messages = messages_for(question, exchange.sources)
        day, reserved = self.today(), self._most(messages)
        kept = await self._keep(lambda uow: self._reserve(uow, exchange, day, reserved))
        if not kept:
            return _withheld(exchange, _NO_DATABASE if kept is None else _USED_UP), None
        ended = self._failed(exchange, "the turn's own time was up", messages)
        answer: Grounded | None = None
        try:
            ended, said = await self._complete(exchange, messages)
            if said is not None:
                ended, answer = _judged(ended, question, said, redaction)
        except Exception as error:  # whatever a model wrote: the customer gets the passage
            log.exception("an exchange with the language model broke off")
            self._breaker.failed(self._clock())
            why = f"it was not foreseen: {type(error).__name__}"
            ended = replace(ended, outcome=ExchangeOutcome.FAILED, reason=why)
        finally:  # a turn may be cut off
            await self._keep(lambda uow: _settle(uow, ended, day, reserved))
        return ended, answer

    def _why_not(self) -> str | None:
        if self._running >= _AT_ONCE:
            return "busy with other questions"
        if not self._breaker.lets_pass(self._clock()):
            return "it failed a moment ago and is left alone"
        return None

    def _most(self, messages: Sequence[dict[str, str]]) -> ModelUse:
        """The most that an exchange may take: a character is a token at most."""
        tokens = sum(len(each["content"]) for each in messages)
        price = self.settings.budget.price(tokens, MOST_TOKENS)
        return ModelUse(calls=1, tokens=tokens + MOST_TOKENS, cost=price)

    def _reserve(self, uow: UnitOfWork, exchange: Exchange, day: str, reserved: ModelUse) -> bool:
        """Takes what it may cost out of the day's budget; false when that is used up."""
        used = uow.exchanges.use(day, lock=True)
        after = ModelUse(tokens=used.tokens + reserved.tokens, cost=used.cost + reserved.cost)
        if not self.settings.budget.allows(after):
            uow.exchanges.add(_withheld(exchange, _USED_UP))
            return False
        uow.exchanges.charge(day, reserved)
        uow.exchanges.add(exchange)
        return True

    async def _keep(self, work: Callable[[UnitOfWork], T]) -> T | None:
        """Writes; None when the database does not answer, which holds up no customer."""
        try:
            return await self._store.write(work)
        except StoreUnavailableError as error:
            log.warning("an exchange is not written down: %s", error)
            return None

    async def _complete(
        self, exchange: Exchange, messages: Sequence[dict[str, str]]
    ) -> tuple[Exchange, Completion | None]:
        """Asks the model, and notes how long it took and what it cost."""
        started = time.perf_counter()
        said: Completion | None = None
        self._running += 1
        try:
            said = await self._model.complete(
                messages, most_tokens=MOST_TOKENS, seconds=self.settings.seconds
            )
            self._breaker.succeeded()
            ended = self._paid(exchange, said.tokens_in, said.tokens_out)
        except ChatError as error:
            self._heed(error)
            ended = self._failed(exchange, _clean_text(str(error)), messages, begun=error.begun)
        except asyncio.CancelledError:
            self._breaker.failed(self._clock())
            raise
        finally:
            self._running -= 1
        return replace(ended, ms=round((time.perf_counter() - started) * 1000)), said

    def _failed(
        self,
        exchange: Exchange,
        why: str,
        messages: Sequence[dict[str, str]],
        *,
        begun: bool = True,
    ) -> Exchange:
        """Without an answer; whoever began to write one is paid half the most."""
        failed = replace(exchange, outcome=ExchangeOutcome.FAILED, reason=why)
        return self._paid(failed, self._most(messages).tokens // 2 if begun else 0, 0)

    def _paid(self, exchange: Exchange, read: int, written: int) -> Exchange:
        cost = self.settings.budget.price(read, written)
        return replace(exchange, tokens_in=read, tokens_out=written, cost=cost)

    def _heed(self, error: ChatError) -> None:
        now = self._clock()
        wait = parse_retry_after(error.retry_after, now=now / 1000)
        pause = None if wait is None else round(wait * 1000)
        if pause is None and error.status in _HOPELESS:
            pause = _HOPELESS_PAUSE
        self._breaker.failed(now, pause)


def _judged(
    exchange: Exchange, question: Question, said: Completion, redaction: Redaction
) -> tuple[Exchange, Grounded | None]:
    """What was said, and whether it may be shown: with the customer's own data put back."""
    # A model may say what it was not told: that too is kept without personal data.
    exchange = replace(exchange, answer=redaction.hide(_clean_text(said.text))[:_ANSWER_LENGTH])
    try:
        answer = check_answer(said.text, question, exchange.sources)
    except NothingSupportsError:
        reason = "nothing in the passages answers"
        return replace(exchange, outcome=ExchangeOutcome.UNSUPPORTED, reason=reason), None
    except UngroundedError as error:
        why = _clean_text(str(error))
        return replace(exchange, outcome=ExchangeOutcome.UNGROUNDED, reason=why), None
    text = redaction.restore(answer.text, within=question.text)
    if text is None:
        reason = "it names data that the question does not hold"
        return replace(exchange, outcome=ExchangeOutcome.UNGROUNDED, reason=reason), None
    answered = replace(exchange, outcome=ExchangeOutcome.ANSWERED)
    return answered, replace(answer, text=text)


def _withheld(exchange: Exchange, why: str) -> Exchange:
    return replace(exchange, outcome=ExchangeOutcome.WITHHELD, reason=why)


def _clean_text(text: str) -> str:
    """The text without what no database takes: control characters, half characters."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"})


def _settle(uow: UnitOfWork, ended: Exchange, day: str, reserved: ModelUse) -> None:
    """Writes down how it ended and gives back what it did not cost."""
    uow.exchanges.update(ended)
    spent = ended.tokens_in + ended.tokens_out
    uow.exchanges.charge(
        day, ModelUse(tokens=spent - reserved.tokens, cost=ended.cost - reserved.cost)
    )


def _clean(sources: Sequence[Source]) -> tuple[Source, ...]:
    """The passages without what tells a model what to do; those that are nothing else go."""
    cleaned = (
        replace(each, title=without_orders(each.title), text=without_orders(each.text))
        for each in sources
    )
    return tuple(each for each in cleaned if each.text.strip())


def _why_withheld(exchange: Exchange) -> str | None:
    if gives_orders(exchange.question):
        return "the message gives orders to a model"
    return None if exchange.sources else "the passages hold nothing but orders to a model"


def _cut(hidden: str, most: int) -> str:
    """The beginning; cut after hiding, for half a number is found by nobody, and never within."""
    for match in PLACEHOLDER.finditer(hidden):
        if match.start() < most < match.end():
            return hidden[: match.start()]
    return hidden[:most]


def _earlier(lines: Sequence[Line], redaction: Redaction) -> tuple[str, ...]:
    """What customer and bot said last; not what agents said, which may be about others."""
    said = [line for line in lines if line.speaker is not Speaker.AGENT and line.text]
    told = (
        f"{line.speaker.value}: {_cut(redaction.hide(line.text), _LINE_LENGTH)}"
        for line in said[-_EARLIER:]
    )
    return tuple(line for line in told if not gives_orders(line))
