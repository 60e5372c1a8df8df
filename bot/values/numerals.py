"""Chinese and English numerals.

No kept package does this well enough to depend on it: recognizers-text has rested since 2019,
and cn2an installs foreign top-level modules.
"""

from __future__ import annotations

import re

_FIGURES = "零〇一壹二贰两三叁四肆五伍六陆七柒八捌九玖"
_DIGITS = dict(zip(_FIGURES, map(int, "001122233445566778899"), strict=True))
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"万": 10_000, "亿": 100_000_000}

HAN = "[零〇一二两三四五六七八九十百千万亿]"
"""One character of a Chinese numeral, for patterns."""

ENGLISH = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
ENGLISH |= {"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12}
ENGLISH |= {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "sixty": 60, "ninety": 90}
"""English number words that stand before units of time."""

_ARABIC = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


def read_number(text: str) -> float | None:
    """Return what a numeral says: `1,200`, `3.5万`, `三百二十`, `两万三`, `二〇二四`, `twelve`."""
    bare = text.strip().casefold()
    if bare in ENGLISH:
        return ENGLISH[bare]
    match = _ARABIC.match(bare)
    if match is not None:
        rest = bare[match.end() :].strip()
        factor = {"": 1, "万": 10_000, "亿": 100_000_000, "千": 1000, "百": 100, "k": 1000}
        if rest not in factor:
            return None
        return float(match[0].replace(",", "")) * factor[rest]
    return _read_han(bare)


def _read_han(text: str) -> float | None:
    if not text or any(c not in _DIGITS and c not in _UNITS and c not in _LARGE for c in text):
        return None
    if all(c in _DIGITS for c in text):
        return float("".join(str(_DIGITS[c]) for c in text))
    total = section = 0
    digit: int | None = None
    unit = 1
    for character in text:
        if character in _DIGITS:
            digit = _DIGITS[character]
            unit = 1 if digit == 0 else unit
        elif character in _UNITS:
            unit = _UNITS[character]
            section += (1 if digit is None else digit) * unit
            digit = None
        else:
            unit = _LARGE[character]
            section += digit or 0
            total = (total + section) * unit if 0 < total < unit else total + section * unit
            section, digit = 0, None
    # 两万三 is 23,000: a last digit counts in the place below the last unit.
    last = 0 if digit is None else digit * (unit // 10 if unit > 10 else 1)
    return float(total + section + last)
