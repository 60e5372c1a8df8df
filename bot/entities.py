"""Values in a message: ticket, order and phone numbers, addresses, words of the catalogue."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from intents.model import Catalogue

TICKET_NUMBER = "ticket_number"
PHONE = "phone"
EMAIL = "email"

_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}", re.A
)
_PHONE = re.compile(
    r"(?<![\w-])(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?![\w-])"
    r"|(?<![\w-])(?:\+?86[ -]?)?0\d{2,3}-?\d{7,8}(?![\w-])"
    r"|(?<![\w-])[48]00-?\d{3}-?\d{4}(?![\w-])"
    r"|(?<!\w)\+\d{1,3}[ -]?\d{2,4}(?:[ -]?\d{2,4}){1,3}(?![\w-])",
    re.A,
)
_MARKED_TICKET = re.compile(r"(?<!\w)(?:T-|T|#)(\d{5,12})(?![\w-])", re.A | re.I)
_BARE_TICKET = re.compile(r"(?<![\w.@-])(\d{5,12})(?![\w-]|\.\d|@)", re.A)

Span = tuple[int, int]


class EntityFinder:
    """Finds values by built-in patterns and by the catalogue's regexes, lookups and synonyms."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._patterns = {
            name: re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.I)
            for name, patterns in catalogue.regexes.items()
            if name not in {TICKET_NUMBER, PHONE, EMAIL}
        }
        self._words = _word_pattern(catalogue.lookups)
        self._meant = {word.casefold(): value for word, value in catalogue.synonyms.items()}

    def find(self, text: str) -> dict[str, str]:
        """Return the first value of each kind that stands in the text.

        A ticket number (H1.2) has five digits or more, with `T-`, `T` or `#` or alone; it is
        returned as digits. A number that is a phone or another known number is no ticket.
        """
        flat = unicodedata.normalize("NFKC", text)
        found: dict[str, str] = {}
        taken: list[Span] = []
        if (marked := _MARKED_TICKET.search(flat)) is not None:
            found[TICKET_NUMBER] = marked[1]
            taken.append(marked.span())
        for name, pattern in ((EMAIL, _EMAIL), (PHONE, _PHONE), *self._patterns.items()):
            for match in pattern.finditer(flat):
                if match[0] and not _overlaps(match.span(), taken):
                    found.setdefault(name, self._value(match[0]))
                    taken.append(match.span())
        if TICKET_NUMBER not in found:
            for bare in _BARE_TICKET.finditer(flat):
                if not _overlaps(bare.span(), taken):
                    found[TICKET_NUMBER] = bare[1]
                    break
        for name, pattern in self._words.items():
            if name not in found and (word := pattern.search(flat)) is not None:
                found[name] = self._value(word[0])
        return found

    def _value(self, text: str) -> str:
        return self._meant.get(text.casefold(), text)


def _overlaps(span: Span, taken: Sequence[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in taken)


def _word_pattern(lookups: Mapping[str, Sequence[str]]) -> dict[str, re.Pattern[str]]:
    patterns = {}
    for name, words in lookups.items():
        longest = sorted({word for word in words if word}, key=len, reverse=True)
        if longest:
            listed = "|".join(map(re.escape, longest))
            patterns[name] = re.compile(rf"(?<![A-Za-z0-9])(?:{listed})(?![A-Za-z0-9])", re.I)
    return patterns
