"""Times for customers name their zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.times import tell_time


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Asia/Shanghai", "2026-11-03 04:30 (UTC+8)"),
        ("UTC", "2026-11-02 20:30 (UTC)"),
        ("Asia/Kolkata", "2026-11-03 02:00 (UTC+5:30)"),
        ("America/New_York", "2026-11-02 15:30 (UTC-5)"),
    ],
)
def test_tell_time(zone: str, told: str) -> None:
    when = datetime(2026, 11, 2, 20, 30, tzinfo=UTC)
    assert tell_time(when, ZoneInfo(zone)) == told
    assert tell_time(when.replace(tzinfo=None), ZoneInfo(zone)) == told
