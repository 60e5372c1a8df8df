"""Opening hours: open now, and open next, over weeks, holidays and changes of the clocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.hours import (
    DEFAULT_HOURS,
    MIDNIGHT,
    HoursError,
    OpeningHours,
    Range,
    tell_hours,
)

CLOSED_WEEK = ((),) * 7


def moment(text: str, zone: str = "Asia/Shanghai") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-27 08:59", "2026-11-27 09:00"),
        ("2026-11-27 09:00", "2026-11-27 09:00"),
        ("2026-11-27 17:59", "2026-11-27 17:59"),
        ("2026-11-27 18:00", "2026-11-30 09:00"),  # a Friday
        ("2026-11-28 12:00", "2026-11-30 09:00"),
    ],
)
def test_the_shipped_plan_is_the_office_week(at: str, opens: str) -> None:
    assert DEFAULT_HOURS.opens_at(moment(at)) == moment(opens)
    assert DEFAULT_HOURS.is_open(moment(at)) == (at == opens)


def test_holidays_are_closed_and_made_up_for() -> None:
    hours = OpeningHours(
        days={
            date(2026, 10, 1): (),
            date(2026, 10, 2): (),
            date(2026, 10, 10): (Range(600, 960),),  # a Saturday that is worked
        }
    )
    assert hours.opens_at(moment("2026-09-30 18:00")) == moment("2026-10-05 09:00")
    assert hours.opens_at(moment("2026-10-09 18:30")) == moment("2026-10-10 10:00")
    assert not hours.is_open(moment("2026-10-10 16:00"))


def test_a_break_at_noon_and_a_night_shift() -> None:
    day = (Range(0, 360), Range(540, 720), Range(780, MIDNIGHT))
    hours = OpeningHours(week=(day,) * 7)
    assert hours.opens_at(moment("2026-11-27 12:30")) == moment("2026-11-27 13:00")
    assert hours.is_open(moment("2026-11-27 23:59"))
    assert hours.is_open(moment("2026-11-28 00:00"))
    assert hours.opens_at(moment("2026-11-28 06:00")) == moment("2026-11-28 09:00")


def test_the_wall_clock_counts_where_clocks_change() -> None:
    berlin = OpeningHours(zone="Europe/Berlin", week=((Range(150, 160), Range(540, 600)),) * 7)
    # On 29 March 2026 the hour from 02:00 is left out, and 02:30 with it.
    after = moment("2026-03-28 10:00", "Europe/Berlin")
    assert berlin.opens_at(after) == moment("2026-03-29 09:00", "Europe/Berlin")


@pytest.mark.parametrize(
    ("at", "minutes", "until"),
    [
        ("2026-11-27 10:00", 120, "2026-11-27 12:00"),
        ("2026-11-27 17:00", 120, "2026-11-30 10:00"),  # over a weekend
        ("2026-11-27 16:00", 120, "2026-11-27 18:00"),
        ("2026-11-28 12:00", 30, "2026-11-30 09:30"),
        ("2026-11-26 20:00", 20 * 60, "2026-12-01 11:00"),
    ],
)
def test_working_time_passes_while_people_work(at: str, minutes: int, until: str) -> None:
    assert DEFAULT_HOURS.after(moment(at), minutes) == moment(until)


def test_working_time_passes_through_midnight() -> None:
    nights = OpeningHours(week=((Range(22 * 60, MIDNIGHT),),) * 7)
    assert nights.after(moment("2026-11-27 23:30"), 60) == moment("2026-11-28 22:30")
    assert nights.after(moment("2026-11-27 23:30"), 30) == moment("2026-11-28 00:00")


def test_who_never_works_never_opens() -> None:
    never = OpeningHours(week=CLOSED_WEEK)
    assert never.after(moment("2026-11-27 10:00"), 1) is None
    assert never.opens_at(moment("2026-11-27 10:00")) is None
    once = OpeningHours(week=CLOSED_WEEK, days={date(2026, 12, 24): (Range(540, 600),)})
    assert once.opens_at(moment("2026-11-27 10:00")) == moment("2026-12-24 09:00")


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"zone": "../etc/passwd"}, "/zone"),
        ({"week": ((),) * 6}, "/week"),
        ({"week": ((Range(600, 600),), *((),) * 6)}, "/week/0/0"),
        ({"week": ((Range(0, MIDNIGHT + 1),), *((),) * 6)}, "/week/0/0"),
        ({"week": (*((),) * 6, (Range(0, 60), Range(59, 90)))}, "/week/6/1"),
        ({"week": ((Range(0, 1),) * 13, *((),) * 6)}, "/week/0"),
        ({"days": {date(2026, 10, 1): (Range(60, 30),)}}, "/days/0/ranges/0"),
        ({"days": {date.fromordinal(738_000 + n): () for n in range(401)}}, "/days"),
    ],
)
def test_a_wrong_plan_is_refused_by_place(plan: Mapping[str, Any], field: str) -> None:
    with pytest.raises(HoursError) as refused:
        OpeningHours(**plan)
    assert refused.value.field == field


def _ranges(cuts: list[int]) -> tuple[Range, ...]:
    ordered = sorted(set(cuts))
    return tuple(Range(a, b) for a, b in zip(ordered[::2], ordered[1::2], strict=False))


RANGES = st.lists(st.integers(0, MIDNIGHT), max_size=6).map(_ranges)
PLANS = st.builds(
    OpeningHours,
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC"]),
    week=st.tuples(*[RANGES] * 7),
    days=st.dictionaries(st.dates(date(2026, 3, 1), date(2026, 4, 30)), RANGES, max_size=4),
)
MINUTES = st.integers(moment("2026-03-01 00:00") // 60_000, moment("2026-04-30 00:00") // 60_000)


@given(PLANS, MINUTES)
def test_whoever_is_promised_a_time_finds_the_door_open_and_not_sooner(
    hours: OpeningHours, minute: int
) -> None:
    at = minute * 60_000
    opens = hours.opens_at(at)
    if opens is None:
        assert not hours.is_open(at)
        return
    assert opens >= at
    assert hours.is_open(opens)
    for between in range(at, min(opens, at + 3 * 86_400_000), 3_600_000):
        assert not hours.is_open(between)


def test_it_is_told_as_people_write_it() -> None:
    hours = OpeningHours(
        zone="UTC",
        week=((Range(0, MIDNIGHT),), *((),) * 6),
        days={date(2026, 10, 2): (Range(545, 600),), date(2026, 10, 1): ()},
    )
    assert tell_hours(hours) == {
        "zone": "UTC",
        "week": [[{"start": "00:00", "end": "24:00"}], *[[]] * 6],
        "days": [
            {"date": "2026-10-01", "ranges": []},
            {"date": "2026-10-02", "ranges": [{"start": "09:05", "end": "10:00"}]},
        ],
    }
