"""What came of the bot's turns, by intent and by day; bot and people apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.domain.catalogue import IntentCounts
from gateway.domain.people import Agent, Right
from gateway.ports.store import UnitOfWork
from gateway.services.access import require

DAY = 86_400_000


@dataclass(slots=True)
class Use:
    """Counts of one intent."""

    hits: int = 0
    handed_off: int = 0
    helped: int = 0
    not_helped: int = 0
    false_answers: int = 0

    def add(self, counts: IntentCounts) -> None:
        """Adds a quarter of an hour."""
        self.hits += counts.hits
        self.handed_off += counts.handed_off
        self.helped += counts.helped
        self.not_helped += counts.not_helped
        self.false_answers += counts.false_answers


@dataclass(slots=True)
class DayUse:
    """Counts of one day."""

    turns: int = 0
    handed_off: int = 0
    conversations: int = 0
    bot_only: int = 0
    with_people: int = 0
    bot_messages: int = 0
    agent_messages: int = 0


@dataclass(frozen=True, slots=True)
class CatalogueFigures:
    """By intent (None: nothing recognised), and by day in the bot's time zone."""

    intents: Mapping[str | None, Use] = field(default_factory=dict)
    days: Mapping[str, DayUse] = field(default_factory=dict)


def deflection(bot_only: int, with_people: int) -> float | None:
    """The share of conversations that the bot dealt with alone; None without any."""
    total = bot_only + with_people
    return round(bot_only / total, 4) if total else None


def read_figures(
    uow: UnitOfWork, actor: Agent, *, days: int, zone: str, now: int
) -> CatalogueFigures:
    """The counts of the last days up to now.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.WORK)
    place = ZoneInfo(zone)
    today = (
        datetime.fromtimestamp(now / 1000, UTC)
        .astimezone(place)
        .replace(hour=0, minute=0, second=0, microsecond=0)
    )
    since = int(today.timestamp() * 1000) - (days - 1) * DAY

    def day(quarter: int) -> str:
        moment = datetime.fromtimestamp(quarter / 1000, UTC).astimezone(place)
        return moment.date().isoformat()

    intents: dict[str | None, Use] = {}
    by_day: dict[str, DayUse] = {day(since + n * DAY): DayUse() for n in range(days)}
    for quarter, counts in uow.figures.intents(since=since, until=now + 1):
        intents.setdefault(counts.intent, Use()).add(counts)
        own = by_day.setdefault(day(quarter), DayUse())
        own.turns += counts.hits
        own.handed_off += counts.handed_off
    for quarter, told in uow.figures.days(since=since, until=now + 1):
        own = by_day.setdefault(day(quarter), DayUse())
        own.conversations += told.conversations
        own.bot_only += told.bot_only
        own.with_people += told.with_people
        own.bot_messages += told.bot_messages
        own.agent_messages += told.agent_messages
    return CatalogueFigures(intents, dict(sorted(by_day.items())))
