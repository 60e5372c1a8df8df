"""Takes personal data out of a text and puts it back: addresses, numbers of all kinds, names.

What leaves the house carries placeholders such as `{phone_1}` in their place. The same value has
the same placeholder everywhere, so that a text stays understandable.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from bot.values.contacts import (
    TICKET_NUMBER,
    find_bare_tickets,
    find_emails,
    find_marked_tickets,
    find_orders,
    find_phones,
)
from bot.values.found import Found, overlaps

REMOVED = "[…]"
"""What stands in a text for good where personal data was."""

PLACEHOLDER = re.compile(r"\{[a-z]+(?:_[a-z]+)?_\d{1,3}\}")

_ID_NUMBER = re.compile(
    r"(?<![\w-])\d{6}(?:19|20)\d{2}(?:0\d|1[0-2])[0-3]\d{4}[\dXx](?![\w-])", re.A
)
# Cards (ISO/IEC 7812) and accounts: 13 to 19 digits, often in groups.
_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])", re.A)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?(?!\w)", re.A)
# Serial numbers and the like: letters with at least five digits.
_CODE = re.compile(
    r"(?<![\w-])(?=[\d-]{0,40}[A-Za-z])(?=(?:[A-Za-z-]{0,40}\d){5})[A-Za-z\d-]{6,40}(?![\w-])",
    re.A,
)
# North American telephone numbers, and any whose digits stand apart.
_NANP = re.compile(
    r"(?<![\w-])(?:\+?1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]?[2-9]\d{2}[.-]\d{4}(?![\w-])", re.A
)
_SPACED = re.compile(r"(?<![\w-])\d(?:[ .-]\d){6,18}(?![\w-])", re.A)
# What is called a secret or an account of a messenger, whatever it looks like.
_CALLED_SECRET = re.compile(
    r"(?:(?:密码|密碼|口令|验证码|驗證碼)\s?(?:是|为|為|[:：=])|\b(?:password|passcode|pin|token)\s?(?:is|[:=]))"
    r"\s{0,3}(?P<own>[!-~]{3,64})"
    r"|[?&;](?:access_|id_|refresh_)?(?:token|key|api_?key|secret|password|code|sig(?:nature)?|auth)"
    r"=(?P<parameter>[^\s&#\u4e00-\u9fff]{1,400})"
    r"|(?:微信|\b(?:wechat|weixin|wx)\b)\s?(?:号|號|id)?\s?(?:是|为|為|is|[:：])?\s{0,3}"
    r"(?P<account>(?=[a-z_-]{0,19}[\d_-])[a-z][\w-]{5,19})",
    re.I | re.A,
)
_NUMBERS = (("phone", _SPACED), ("id_number", _ID_NUMBER), ("account", _IBAN), ("card", _CARD))
_NAMES = {TICKET_NUMBER: "number", "order_number": "order"}


class Redaction:
    """The placeholders of one exchange.

    Args:
        names: people's names to take out as well; those of one character stay.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = sorted({name for name in names if len(name) > 1}, key=len, reverse=True)
        self._values: dict[str, str] = {}
        self._placeholders: dict[str, str] = {}

    def hide(self, text: str) -> str:
        """Return the text with placeholders for personal data, in whatever width it is written."""
        flat, places = _flat(text)
        pieces: list[str] = []
        end = 0
        for each in sorted(self._find(flat), key=lambda found: found.start):
            pieces += [text[end : places[each.start]], self._placeholder(each, flat)]
            end = places[each.end]
        return "".join((*pieces, text[end:]))

    def restore(self, text: str, within: str) -> str | None:
        """Return the text with the values of those placeholders that stand in `within` too.

        None when it holds another one: its value is nobody's to be told.
        """
        wanted = set(PLACEHOLDER.findall(text))
        if not wanted <= set(PLACEHOLDER.findall(within)) & self._values.keys():
            return None
        return PLACEHOLDER.sub(lambda match: self._values[match[0]], text)

    def _placeholder(self, each: Found, flat: str) -> str:
        value = flat[each.start : each.end]
        if value not in self._placeholders:
            kind = _NAMES.get(each.entity, each.entity)
            number = sum(own.startswith(f"{{{kind}_") for own in self._values) + 1
            self._placeholders[value] = f"{{{kind}_{number}}}"
            self._values[self._placeholders[value]] = value
        return self._placeholders[value]

    def _find(self, flat: str) -> list[Found]:
        taken: list[Found] = []
        for each in self._candidates(flat):
            if not overlaps(each.start, each.end, taken):
                taken.append(each)
        taken += find_bare_tickets(flat, taken)
        return taken

    def _candidates(self, flat: str) -> Iterator[Found]:
        """The surest first: a telephone number is part of no card."""
        yield from find_emails(flat)
        for match in _CALLED_SECRET.finditer(flat):
            group = str(match.lastgroup)
            kind = "account" if group == "account" else "secret"
            yield Found(
                entity=kind, value=match[group], start=match.start(group), end=match.end(group)
            )
        for kind, pattern in _NUMBERS:
            for match in pattern.finditer(flat):
                yield Found(entity=kind, value=match[0], start=match.start(), end=match.end())
        yield from find_phones(flat)
        for match in _NANP.finditer(flat):
            yield Found(entity="phone", value=match[0], start=match.start(), end=match.end())
        yield from find_marked_tickets(flat)
        yield from find_orders(flat)
        for match in _CODE.finditer(flat):
            yield Found(entity="code", value=match[0], start=match.start(), end=match.end())
        for name in self._names:
            for match in re.finditer(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", flat, re.I):
                yield Found(entity="name", value=match[0], start=match.start(), end=match.end())


def _flat(text: str) -> tuple[str, list[int]]:
    """The text as numbers are looked for in it, and where its characters and its end stand.

    Characters that nobody sees go: they would part a number.
    """
    flat: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for own in unicodedata.normalize("NFKC", character):
            if unicodedata.category(own) != "Cf":
                flat.append(own)
                places.append(place)
    return "".join(flat), [*places, len(text)]


def without_personal_data(text: str, names: Iterable[str] = ()) -> str:
    """Return the text with `[…]` for every address, number and name of a person."""
    return PLACEHOLDER.sub(REMOVED, Redaction(names).hide(text))
