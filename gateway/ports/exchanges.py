"""A language model, and the account of what it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.chat import Completion
from gateway.domain.exchange import Exchange, ModelUse


class LanguageModel(Protocol):
    """Writes; implemented by `bot.chat.ChatModel`."""

    model: str

    async def complete(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, seconds: float
    ) -> Completion:
        """Return what it writes.

        Raises:
            ChatError: no answer in words, whole and in time.
        """
        ...


class Exchanges(Protocol):
    """What a language model was asked, and what each day took."""

    def add(self, exchange: Exchange) -> None:
        """Inserts."""
        ...

    def update(self, exchange: Exchange) -> None:
        """Writes all columns."""
        ...

    def page(self, *, before: tuple[int, str] | None, limit: int) -> list[Exchange]:
        """Newest first, from before that `asked_at` and id."""
        ...

    def use(self, day: str, *, lock: bool = False) -> ModelUse:
        """What a day took (`day` as YYYY-MM-DD); locked, nobody else changes it meanwhile."""
        ...

    def charge(self, day: str, use: ModelUse) -> None:
        """Adds to what a day took that was locked once; figures may be negative."""
        ...

    def remove_older(self, asked_before: int) -> int:
        """Forgets old ones; returns how many."""
        ...
