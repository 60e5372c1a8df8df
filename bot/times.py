"""Times as customers read them: in the desk's zone, which is named."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

DEFAULT_ZONE = "Asia/Shanghai"


def tell_moment(at: int, zone: str) -> str:
    """`tell_time` for a moment in ms since the epoch and a zone by its IANA name."""
    return tell_time(datetime.fromtimestamp(at / 1000, UTC), ZoneInfo(zone))


def tell_time(when: datetime, zone: ZoneInfo) -> str:
    """Return `2026-11-02 16:00 (UTC+8)`.

    Args:
        when: a moment; without a zone it is taken as UTC.
        zone: in which it is told.
    """
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    local = when.astimezone(zone)
    minutes = round((local.utcoffset() or UTC.utcoffset(None)).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    shift = f"{sign}{hours}" + (f":{rest:02}" if rest else "") if minutes else ""
    return f"{local:%Y-%m-%d %H:%M} (UTC{shift})"
