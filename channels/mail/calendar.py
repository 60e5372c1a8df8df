"""An invitation (RFC 5545) as the few lines that people want of it."""

from __future__ import annotations

import re

_PROPERTY = re.compile(
    r"(?im)^(SUMMARY|DTSTART|DTEND|LOCATION|ORGANIZER|DESCRIPTION)((?:;[^:\n]{0,300})?):(.*)$"
)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_ESCAPED = re.compile(r"\\(.)")


def describe_calendar(text: str) -> str:
    """What, when, where and with whom, one each line; empty when there is no event."""
    begin = text.find("BEGIN:VEVENT")
    if begin < 0:
        return ""
    unfolded = re.sub(r"\r?\n[ \t]", "", text[begin : begin + 100_000])
    found: dict[str, tuple[str, str]] = {}
    for name, parameters, value in _PROPERTY.findall(unfolded):
        found.setdefault(name.upper(), (parameters, value.strip()))
    when = " – ".join(
        time for name in ("DTSTART", "DTEND") if (time := _time(*found.get(name, ("", ""))))
    )
    organiser = re.sub(r"(?i)^mailto:", "", found.get("ORGANIZER", ("", ""))[1])
    lines = [
        _plain(found.get("SUMMARY", ("", ""))[1]),
        when,
        _plain(found.get("LOCATION", ("", ""))[1]),
        organiser,
        _plain(found.get("DESCRIPTION", ("", ""))[1]),
    ]
    return "\n".join(line for line in lines if line)


def _time(parameters: str, value: str) -> str:
    found = _TIME.match(value)
    if found is None:
        return ""
    date = f"{found[1]}-{found[2]}-{found[3]}"
    if not found[4]:
        return date
    zone = re.search(r"(?i)TZID=\"?([^\";]+)", parameters)
    named = "UTC" if found[6] else zone[1] if zone else ""
    return f"{date} {found[4]}:{found[5]} {named}".rstrip()


def _plain(value: str) -> str:
    return _ESCAPED.sub(
        lambda found: {"n": "\n", "N": "\n"}.get(found[1], found[1]), value
    ).strip()
