"""Dates, times and durations in Chinese and English.

Chinese by a grammar of our own (no kept package reads 下周三 or 明天下午三点); English dates by
dateparser, which is imported when a message holds something that looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from bot.values.found import Found
from bot.values.numerals import ENGLISH, HAN, read_number

DATE = "date"
TIME = "time"
DURATION = "duration"

_N = rf"(?:\d{{1,4}}|{HAN}{{1,5}})"
_DAYS = {
    "大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "昨晚": -1, "今天": 0, "今日": 0, "今晚": 0,
    "今早": 0, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "后天": 2, "大后天": 3,
}  # fmt: skip
_YEARS = {"前年": -2, "去年": -1, "今年": 0, "明年": 1, "后年": 2}
_WEEKDAYS = {
    c: n for n, chars in enumerate(["一", "二", "三", "四", "五", "六", "日天"]) for c in chars
}
_PREFIX = {"上上": -2, "上": -1, "这": 0, "本": 0, "": 0, "下": 1, "下下": 2}
_HAN_DATE = re.compile(
    rf"(?P<year>\d{{4}}|[零〇一二三四五六七八九]{{4}}|前年|去年|今年|明年|后年)年?(?:的)?"
    rf"(?:(?P<month>{_N})月(?:份)?(?:(?P<day>{_N})[日号])?)?"
    rf"|(?P<part>上上|上|这|本|下下|下)个?月(?:(?P<mday>{_N})[日号])?"
    rf"|(?P<m2>\d{{1,2}}|{HAN}{{1,2}})月(?:份|(?P<d2>\d{{1,2}}|{HAN}{{1,3}})[日号])"
    rf"|(?P<days>大前天|大后天|前天|昨[天日晚]|今[天日晚早]|明[天日晚早]|后天)"
    rf"|(?P<pre>上上|下下|上|这|本|下)?个?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])"
    rf"|(?P<count>{_N}|半)(?P<half>个)?(?P<unit>天|周|星期|礼拜|月|年)(?:以|之)?(?P<way>前|后)"
    rf"|(?<![\d.])(?P<d3>\d{{1,2}})号(?![线楼店门])"
)
_ISO_DATE = re.compile(r"(?<![\d.-])(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?![\d-])")
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEK = r"(?:mon|tues?|wednes|thurs?|fri|satur|sun)day"
_ENGLISH_DATE = re.compile(
    rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTHS}(?:,? \d{{4}})?"
    rf"|{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?|{_MONTHS} \d{{4}}"
    rf"|(?:day after tomorrow|day before yesterday|today|tomorrow|yesterday|tonight)"
    rf"|(?:(?:next|last|this|on) )?{_WEEK}|(?:next|last) (?:week|month|year)"
    r"|in (?:\d{1,3}|an?|two|three|four|five|six|ten) (?:day|week|month|year)s?"
    r"|(?:\d{1,3}|an?|one|two|three|four|five|six|ten) (?:day|week|month|year)s? ago"
    r"|\d{1,2}/\d{1,2}/\d{4})\b",
    re.I,
)
_SAID = {
    "day after tomorrow": "in 2 days",
    "day before yesterday": "2 days ago",
    "tonight": "today",
}
_HAN_TIME = re.compile(
    rf"(?P<part>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|今晚|明晚|今早|明早)?"
    rf"(?P<hour>\d{{1,2}}|{HAN}{{1,3}})(?:点钟?|时(?!候|间|不|常|刻))"
    rf"(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>\d{{1,2}}|{HAN}{{1,3}})分?)?"
)
_CLOCK = re.compile(
    r"(?P<part>凌晨|早上|上午|中午|下午|傍晚|晚上)?(?<![\d:.])(?P<hour>[01]?\d|2[0-3])[:：](?P<minute>[0-5]\d)"
    r"(?![\d:])(?: ?(?P<half>[ap])\.?m\b\.?)?"
    r"|\b(?P<hour2>1[0-2]|[1-9]) ?(?P<half2>[ap])\.?m\b\.?",
    re.I,
)
_LATE = {"下午", "傍晚", "晚上", "夜里", "今晚", "明晚", "中午"}
_HAN_DURATION = re.compile(
    rf"(?P<n>\d{{1,4}}(?:\.\d+)?|{HAN}{{1,4}}|半)(?P<ge>个)?(?P<plus>半)?"
    r"(?P<unit>小时|钟头|分钟|秒钟?|天|星期|周|礼拜|月|年)(?P<after>半)?(?!前|后|以前|以后|之前|之后|[份初底末])"
)
_COUNT_WORDS = "|".join(sorted(ENGLISH, key=len, reverse=True))
_EN_DURATION = re.compile(
    rf"\b(?<!in )(?P<n>\d{{1,4}}(?:\.\d+)?|half an?|{_COUNT_WORDS})"
    r" (?P<unit>second|minute|hour|day|week|month|year)s?\b(?! ago)",
    re.I,
)
_UNIT = {
    "小时": "TH", "钟头": "TH", "hour": "TH", "分钟": "TM", "minute": "TM", "秒": "TS",
    "秒钟": "TS", "second": "TS", "天": "D", "day": "D", "周": "W", "星期": "W", "礼拜": "W",
    "week": "W", "月": "M", "month": "M", "年": "Y", "year": "Y",
}  # fmt: skip


def find_dates(text: str, now: datetime) -> Iterator[Found]:
    """Yield dates as ISO 8601, as exact as they were said (`2024`, `2024-03`, `2024-03-05`)."""
    for match in _ISO_DATE.finditer(text):
        value = _iso(*(int(part) for part in match.groups()))
        if value is not None:
            yield _found(DATE, value, match)
    for match in _HAN_DATE.finditer(text):
        value = _han_date(match, now.date())
        if value is not None:
            yield _found(DATE, value, match)
    for match in _ENGLISH_DATE.finditer(text):
        value = _english_date(match[0], now)
        if value is not None:
            yield _found(DATE, value, match)


def find_times(text: str) -> Iterator[Found]:
    """Yield times of day as `HH:MM`."""
    for match in (*_HAN_TIME.finditer(text), *_CLOCK.finditer(text)):
        value = _time(match)
        if value is not None:
            yield _found(TIME, value, match)


def find_durations(text: str) -> Iterator[Found]:
    """Yield durations as ISO 8601 (`PT1H30M`, `P3Y`)."""
    for match in (*_HAN_DURATION.finditer(text), *_EN_DURATION.finditer(text)):
        value = _duration(match)
        if value is not None:
            yield _found(DURATION, value, match)


def _found(entity: str, value: str, match: re.Match[str]) -> Found:
    return Found(entity=entity, value=value, start=match.start(), end=match.end())


def _whole(text: str | None) -> int | None:
    number = None if text is None else read_number(text)
    return None if number is None else int(number)


def _iso(year: int, month: int | None = None, day: int | None = None) -> str | None:
    """The date, or None when there is no such day."""
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return None
    parts = [f"{year:04}", *(f"{part:02}" for part in (month, day) if part is not None)]
    return "-".join(parts)


def _han_date(match: re.Match[str], today: date) -> str | None:
    part = match.groupdict()
    if part["days"]:
        return (today + timedelta(days=_DAYS[part["days"]])).isoformat()
    if part["weekday"]:
        monday = today - timedelta(days=today.weekday())
        weeks = _PREFIX[part["pre"] or ""]
        return (monday + timedelta(weeks=weeks, days=_WEEKDAYS[part["weekday"]])).isoformat()
    if part["count"]:
        return _shifted(part, today)
    if part["part"]:
        months = today.year * 12 + today.month - 1 + _PREFIX[part["part"]]
        return _iso(months // 12, months % 12 + 1, _whole(part["mday"]))
    if part["d3"]:
        return _iso(today.year, today.month, int(part["d3"]))
    if part["m2"]:
        return _iso(today.year, _whole(part["m2"]), _whole(part["d2"]))
    said = part["year"]
    year = today.year + _YEARS[said] if said in _YEARS else _whole(said)
    if year is None or (said not in _YEARS and not match[0][len(said) :].startswith("年")):
        return None
    return _iso(year, _whole(part["month"]), _whole(part["day"]))


def _shifted(part: dict[str, str | None], today: date) -> str | None:
    count = 0.5 if part["count"] == "半" else read_number(part["count"] or "")
    if count is None:
        return None
    sign = 1 if part["way"] == "后" else -1
    unit = part["unit"]
    if unit in {"月", "年"}:
        if unit == "月" and not part["half"]:
            return None  # 三月前 is "before March"
        months = (
            today.year * 12 + today.month - 1 + round(sign * count * (12 if unit == "年" else 1))
        )
        return _iso(months // 12, months % 12 + 1)
    days = count * (1 if unit == "天" else 7)
    return (today + timedelta(days=round(sign * days))).isoformat()


def _english_date(said: str, now: datetime) -> str | None:
    import dateparser

    asked = _SAID.get(said.casefold(), said)
    asked = re.sub(r"^(?:on|this) ", "", asked, flags=re.I)
    past = asked.casefold().startswith("last ")
    found = dateparser.parse(
        asked,
        languages=["en"],
        settings={
            "RELATIVE_BASE": now.replace(tzinfo=None),
            "PREFER_DATES_FROM": "past" if past else "future",
            "PREFER_DAY_OF_MONTH": "first",
        },
    )
    if found is None:
        return None
    if re.fullmatch(rf"{_MONTHS} \d{{4}}", asked, re.I):
        return str(found.strftime("%Y-%m"))
    return str(found.date().isoformat())


def _time(match: re.Match[str]) -> str | None:
    part = match.groupdict()
    hour = _whole(part["hour"] or part.get("hour2"))
    minute = 0
    if part.get("minute"):
        minute = _whole(part["minute"]) or 0
    elif part.get("quarter"):
        minute = 15 if part["quarter"] == "一" else 45
    elif part.get("half") == "半":
        minute = 30
    late = part.get("part") in _LATE
    meridian = (part.get("half2") or part.get("half") or "").casefold()
    if hour is None or hour > 24 or minute > 59:
        return None
    if (meridian == "p" or late) and hour < 12 and not (part.get("part") == "中午" and hour > 9):
        hour += 12
    if meridian == "a" and hour == 12:
        hour = 0
    return f"{hour % 24:02}:{minute:02}"


def _duration(match: re.Match[str]) -> str | None:
    part = match.groupdict()
    said = part["n"].casefold()
    count = 0.5 if said.startswith(("半", "half")) else read_number(said)
    unit = part["unit"].casefold()
    if count is None or (unit == "月" and not part.get("ge")):
        return None
    if unit == "年" and count > 200:
        return None  # 2024年 is a date
    if part.get("plus") or part.get("after"):
        count += 0.5
    code = _UNIT[unit]
    if count != int(count) and code in {"TH", "D", "Y"}:
        smaller = {"TH": ("TM", 60), "D": ("TH", 24), "Y": ("M", 12)}[code]
        code, count = smaller[0], count * smaller[1]
    amount = f"{count:g}"
    return f"PT{amount}{code[1]}" if code.startswith("T") else f"P{amount}{code}"
