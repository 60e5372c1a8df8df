"""Amounts of money, and plain numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.values.found import Found
from bot.values.numerals import HAN, read_number

AMOUNT = "amount"
NUMBER = "number"

_FIGURE = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,9}(?:\.\d{1,4})?"
_CURRENCIES = {
    "¥": "CNY", "￥": "CNY", "rmb": "CNY", "cny": "CNY", "元": "CNY", "块": "CNY", "块钱": "CNY",
    "圆": "CNY", "yuan": "CNY", "人民币": "CNY", "美元": "USD", "美金": "USD", "$": "USD",
    "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD", "€": "EUR",
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "欧元": "EUR", "£": "GBP", "gbp": "GBP",
    "pounds": "GBP", "英镑": "GBP", "hk$": "HKD", "hkd": "HKD", "港币": "HKD", "港元": "HKD",
    "nt$": "TWD", "twd": "TWD", "台币": "TWD", "新台币": "TWD", "円": "JPY", "日元": "JPY",
}  # fmt: skip
_WORDS = "|".join(sorted(map(re.escape, _CURRENCIES), key=len, reverse=True))
_BEFORE = re.compile(
    rf"(?P<currency>us\$|hk\$|nt\$|[¥￥$€£]|\b(?:rmb|cny|usd|eur|gbp|hkd|twd)\b)\s?"
    rf"(?P<figure>{_FIGURE})(?P<large>万|k\b)?",
    re.I,
)
_AFTER = re.compile(
    rf"(?<![A-Za-z0-9.])(?P<figure>{_FIGURE}|{HAN}{{1,8}})(?P<large>万|千|百|k)?\s?(?P<currency>{_WORDS})"
    r"(?P<jiao>\d|[一二三四五六七八九])?(?![a-z])",
    re.I,
)
_NUMBER = re.compile(rf"(?<![\w.,:/-])(?:{_FIGURE})(?:万|亿)?(?![\w:/]|-\d|\.\d)", re.A)
_HAN_NUMBER = re.compile(
    rf"(?<!第)(?:{HAN}*[十百千万亿]{HAN}*[一二两三四五六七八九十百千万亿]|{HAN}+)"
    r"(?=个|台|件|次|位|人|份|张|只|条|部|岁|遍|倍|户|间|套|兆|M)"
)


def find_amounts(text: str) -> Iterator[Found]:
    """Yield amounts as `199.00 CNY` (ISO 4217)."""
    for match in (*_BEFORE.finditer(text), *_AFTER.finditer(text)):
        number = read_number(match["figure"] + (match["large"] or ""))
        if number is None or match[0] == "一块":  # 一块 alone is "together"
            continue
        if "jiao" in match.groupdict() and match["jiao"]:
            number += (read_number(match["jiao"]) or 0) / 10
        currency = _CURRENCIES[match["currency"].casefold()]
        yield _found(AMOUNT, f"{number:.2f} {currency}", match)


def find_numbers(text: str) -> Iterator[Found]:
    """Yield numbers as decimal figures; Chinese ones where a measure word follows."""
    for match in (*_NUMBER.finditer(text), *_HAN_NUMBER.finditer(text)):
        number = read_number(match[0])
        if number is not None:
            value = str(int(number)) if number == int(number) else str(number)
            yield _found(NUMBER, value, match)


def _found(entity: str, value: str, match: re.Match[str]) -> Found:
    return Found(entity=entity, value=value, start=match.start(), end=match.end())
