"""Opening hours: when a team's people work (H1.3), and when they work again (H1.4).

A weekly plan in one time zone, and days that are unlike their weekday: public holidays, and the
days on which they are made up for (调休). Times of day are minutes since midnight by the wall
clock; across a change of the clocks they follow it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from channels.errors import Words, WrongValueError

MIDNIGHT: Final = 24 * 60
MOST_RANGES: Final = 12
"""Of one day."""
MOST_DAYS: Final = 400
"""Days that are unlike their weekday."""
_LOOK_AHEAD: Final = 400  # days; whoever does not open within a year does not open


class HoursError(WrongValueError):
    """The plan is wrong; `field` is a JSON pointer within it."""

    def __init__(self, field: str, words: Words) -> None:
        super().__init__(words)
        self.field = field


_ZONE: Final = Words(
    "This is no time zone; choose one such as Asia/Shanghai or UTC.",
    "没有这个时区；请选择 Asia/Shanghai、UTC 这样的时区。",
    "沒有這個時區；請選擇 Asia/Shanghai、UTC 這樣的時區。",
)
_WEEK: Final = Words(
    "A week has seven days, Monday first.",
    "一周有七天，从星期一开始。",
    "一週有七天，從星期一開始。",
)
_DAYS: Final = Words(
    f"At most {MOST_DAYS} exceptional days; remove those that are past.",
    f"例外日期最多 {MOST_DAYS} 天；请删除已经过去的。",
    f"例外日期最多 {MOST_DAYS} 天；請刪除已經過去的。",
)
_MANY: Final = Words(
    f"A day has at most {MOST_RANGES} stretches; join some.",
    f"一天最多 {MOST_RANGES} 个时段；请合并一些。",
    f"一天最多 {MOST_RANGES} 個時段；請合併一些。",
)
_EMPTY: Final = Words(
    "A stretch must end after it begins, by 24:00; split one that goes past midnight.",
    "时段的结束要晚于开始，最晚 24:00；跨过午夜的请分成两段。",
    "時段的結束要晚於開始，最晚 24:00；跨過午夜的請分成兩段。",
)
_OVERLAP: Final = Words(
    "Stretches must follow one another without overlapping.",
    "时段要按先后排列，不能重叠。",
    "時段要按先後排列，不能重疊。",
)
TWICE: Final = Words(
    "This date stands here twice; remove one.",
    "这个日期出现了两次；请删除一个。",
    "這個日期出現了兩次；請刪除一個。",
)


class Range(NamedTuple):
    """A stretch of a day, in minutes since midnight; `end` is not part of it."""

    start: int
    end: int


Ranges = tuple[Range, ...]
_OFFICE: Final[Ranges] = (Range(9 * 60, 18 * 60),)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """When people work.

    `zone` is an IANA name; `week` holds the ranges of Monday to Sunday, `days` those of single
    dates, which go before the weekday's: none, for a day on which nobody works.

    Raises:
        HoursError: ranges overlap, are out of order or empty, or there are too many.
    """

    zone: str = "Asia/Shanghai"
    week: tuple[Ranges, ...] = (*(_OFFICE,) * 5, (), ())
    days: Mapping[date, Ranges] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Checks the plan."""
        _check_zone(self.zone)
        if len(self.week) != 7:
            raise HoursError("/week", _WEEK)
        for number, ranges in enumerate(self.week):
            _check(ranges, f"/week/{number}")
        if len(self.days) > MOST_DAYS:
            raise HoursError("/days", _DAYS)
        for number, ranges in enumerate(self.days.values()):
            _check(ranges, f"/days/{number}/ranges")

    def on(self, day: date) -> Ranges:
        """The ranges of a date."""
        return self.days.get(day, self.week[day.weekday()])

    def is_open(self, at: int) -> bool:
        """Whether people work at a moment, in ms since the epoch."""
        local = _local(at, ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.on(local.date()))

    def opens_at(self, at: int) -> int | None:
        """When people work next.

        Args:
            at: a moment, in ms since the epoch.

        Returns:
            `at` itself while they work, else when they begin; None: not within a year.
        """
        if self.is_open(at):
            return at
        zone = ZoneInfo(self.zone)
        first = _local(at, zone).date()
        # A range may begin in the hour that a change of the clocks leaves out.
        found = (m for m in self._beginnings(first, zone) if m > at and self.is_open(m))
        return next(found, None)

    def after(self, at: int, minutes: int) -> int | None:
        """When so much working time has passed.

        Args:
            at: a moment, in ms since the epoch.
            minutes: of working time.

        Returns:
            In ms since the epoch; None: not within a year.
        """
        left = minutes * 60_000
        zone = ZoneInfo(self.zone)
        first = _local(at, zone).date()
        for start, end in self._stretches(first, zone):
            begin = max(at, start)
            if begin >= end:
                continue
            if begin + left <= end:
                return begin + left
            left -= end - begin
        return None

    def _stretches(self, first: date, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
        """Working time from a day on, in ms since the epoch."""
        for number in range(_LOOK_AHEAD):
            day = first + timedelta(days=number)
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            for start, end in self.on(day):
                yield _moment(midnight, start), _moment(midnight, end)

    def _beginnings(self, first: date, zone: ZoneInfo) -> Iterator[int]:
        for number in range(_LOOK_AHEAD):
            day = first + timedelta(days=number)
            for start, _ in self.on(day):
                local = datetime(day.year, day.month, day.day, tzinfo=zone)
                yield _moment(local, start)


def _local(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)


def _moment(midnight: datetime, minute: int) -> int:
    """A time of day by the wall clock, in ms since the epoch; 24:00 is the next midnight."""
    if minute == MIDNIGHT:
        following = midnight + timedelta(days=1)
        return round(following.replace(tzinfo=midnight.tzinfo).timestamp() * 1000)
    moment = midnight.replace(hour=minute // 60, minute=minute % 60)
    return round(moment.timestamp() * 1000)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise HoursError("/zone", _ZONE) from error


def _check(ranges: Ranges, pointer: str) -> None:
    if len(ranges) > MOST_RANGES:
        raise HoursError(pointer, _MANY)
    before = 0
    for number, (start, end) in enumerate(ranges):
        if not 0 <= start < end <= MIDNIGHT:
            raise HoursError(f"{pointer}/{number}", _EMPTY)
        if start < before:
            raise HoursError(f"{pointer}/{number}", _OVERLAP)
        before = end


def tell_hours(hours: OpeningHours) -> dict[str, object]:
    """The plan as the API and the audit show it: times of day as `09:00`, dates as ISO 8601."""
    return {
        "zone": hours.zone,
        "week": [_tell_ranges(ranges) for ranges in hours.week],
        "days": [
            {"date": day.isoformat(), "ranges": _tell_ranges(ranges)}
            for day, ranges in sorted(hours.days.items())
        ],
    }


def _tell_ranges(ranges: Ranges) -> list[dict[str, str]]:
    return [{"start": _tell_time(start), "end": _tell_time(end)} for start, end in ranges]


def _tell_time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


DEFAULT_HOURS: Final = OpeningHours()
"""Monday to Friday, 09:00 to 18:00 in Shanghai."""
