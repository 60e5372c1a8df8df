"""Exchanges with a language model: what was asked, what came back, what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.passages import Source

LONGEST_PAUSE = 600_000  # ms
_FIRST_PAUSE = 30_000  # ms
_FAILURES = 3
_MILLION = 1_000_000


class ExchangeOutcome(StrEnum):
    """How an exchange ended."""

    ASKED = "asked"  # no answer yet, or the process died meanwhile
    ANSWERED = "answered"  # the answer holds
    UNSUPPORTED = "unsupported"  # the model says that the passages do not answer
    UNGROUNDED = "ungrounded"  # the answer does not hold
    FAILED = "failed"  # no answer in time, or nonsense
    WITHHELD = "withheld"  # nothing was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question to a language model, as it was sent: without personal data.

    `purpose` is `turn`, `draft` or `check`. `sources` are the passages, numbered from 1. `reason`
    says why there was no answer, or why it was refused. `cost` in millionths of the prices'
    currency; times in ms.
    """

    id: str
    purpose: str
    conversation_id: str
    asked_at: int
    model: str
    language: str
    question: str
    earlier: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    outcome: ExchangeOutcome = ExchangeOutcome.ASKED
    reason: str = ""
    answer: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: int = 0
    ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUse:
    """What a day's exchanges took; `cost` in millionths of the prices' currency."""

    calls: int = 0
    tokens: int = 0
    cost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a day may take: tokens, and cost in the currency of the prices; 0 sets no limit.

    Prices are for a million tokens.
    """

    tokens: int
    cost: float = 0.0
    price_in: float = 0.0
    price_out: float = 0.0

    def price(self, tokens_in: int, tokens_out: int) -> int:
        """What tokens cost, in millionths."""
        return round(tokens_in * self.price_in + tokens_out * self.price_out)

    def allows(self, use: ModelUse) -> bool:
        """Whether a day's use is within it."""
        within_tokens = not self.tokens or use.tokens <= self.tokens
        return within_tokens and (not self.cost or use.cost <= self.cost * _MILLION)


class Breaker:
    """Keeps away from what failed a few times, for longer each time; then tries once."""

    def __init__(self) -> None:
        self._failures = 0
        self._pause = _FIRST_PAUSE
        self.until = 0

    def lets_pass(self, now: int) -> bool:
        """Whether it may be tried; the first try after a pause keeps others away for a while."""
        if self.until == 0:
            return True
        if now < self.until:
            return False
        self.until = now + _FIRST_PAUSE
        return True

    def succeeded(self) -> None:
        """It works."""
        self._failures, self._pause, self.until = 0, _FIRST_PAUSE, 0

    def failed(self, now: int, wait: int | None = None) -> None:
        """It failed; `wait` (ms) is what it asked for, which is heeded at once."""
        self._failures += 1
        if wait is not None:
            self.until = now + min(max(wait, 1_000), LONGEST_PAUSE)
        elif self._failures >= _FAILURES or self.until:
            self.until = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
