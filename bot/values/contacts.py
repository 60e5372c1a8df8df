"""Ticket and order numbers, phone numbers, mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.values.found import Found, overlaps

TICKET_NUMBER = "ticket_number"
ORDER_NUMBER = "order_number"
PHONE = "phone"
EMAIL = "email"

_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}", re.A
)
# What phonenumbers does not hold for a whole number: service numbers, and parts of a mobile's.
_CHINA_PHONE = re.compile(
    r"(?<![\w-])(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?![\w-])"
    r"|(?<![\w-])(?:\+?86[ -]?)?0\d{2,3}-?\d{7,8}(?![\w-])"
    r"|(?<![\w-])[48]00-?\d{3}-?\d{4}(?![\w-])",
    re.A,
)
_PHONE_LIKE = re.compile(r"[+(]\d|\d(?:[\d ().-]{5,18})\d", re.A)
_MARKED_TICKET = re.compile(r"(?<!\w)(?:T-|T|#)(\d{5,12})(?![\w-])", re.A | re.I)
_BARE_TICKET = re.compile(r"(?<![\w.@-])(\d{5,12})(?![\w-]|\.\d|@)", re.A)
_MARKED_ORDER = re.compile(
    r"(?:订单|單號|单号|order)\s?(?:号码?|编号|number|no\.?|#|id)?\s?(?:是|为|is|[:：#])?\s?"
    r"(?P<number>(?=[A-Za-z-]{0,8}\d)[A-Za-z0-9][A-Za-z0-9-]{4,31})(?![\w-])",
    re.A | re.I,
)


def find_marked_tickets(text: str) -> Iterator[Found]:
    """Yield ticket numbers with `T-`, `T` or `#` before them (H1.2)."""
    for match in _MARKED_TICKET.finditer(text):
        yield _found(TICKET_NUMBER, match[1], match)


def find_emails(text: str) -> Iterator[Found]:
    """Yield mail addresses."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield _found(EMAIL, match[0], match)


def find_phones(text: str) -> Iterator[Found]:
    """Yield phone numbers as they are written: Chinese ones, and international ones with `+`."""
    found = [_found(PHONE, match[0], match) for match in _CHINA_PHONE.finditer(text)]
    if "+" in text and _PHONE_LIKE.search(text):
        found += _international(text, found)
    yield from found


def _international(text: str, taken: Sequence[Found]) -> Iterator[Found]:
    import phonenumbers

    for match in phonenumbers.PhoneNumberMatcher(text, None):
        if not overlaps(match.start, match.end, taken):
            yield Found(entity=PHONE, value=match.raw_string, start=match.start, end=match.end)


def find_orders(text: str) -> Iterator[Found]:
    """Yield numbers that are called an order's."""
    for match in _MARKED_ORDER.finditer(text):
        yield Found(
            entity=ORDER_NUMBER,
            value=match["number"],
            start=match.start("number"),
            end=match.end("number"),
        )


def find_bare_tickets(text: str, taken: Sequence[Found]) -> Iterator[Found]:
    """Yield numbers of five digits or more that are nothing else."""
    for match in _BARE_TICKET.finditer(text):
        if not overlaps(match.start(), match.end(), taken):
            yield _found(TICKET_NUMBER, match[1], match)


def _found(entity: str, value: str, match: re.Match[str]) -> Found:
    return Found(entity=entity, value=value, start=match.start(), end=match.end())
