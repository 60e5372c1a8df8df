"""Values in a message: built-in kinds, and the catalogue's own.

Ticket and order numbers, phones and mail addresses are looked for always; numbers, dates,
times, durations and amounts where the catalogue lists them as entities or the dialogue waits
for one. A message that can hold none of these costs some microseconds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from bot.values.amounts import AMOUNT, NUMBER, find_amounts, find_numbers
from bot.values.contacts import (
    TICKET_NUMBER,
    find_bare_tickets,
    find_emails,
    find_marked_tickets,
    find_orders,
    find_phones,
)
from bot.values.found import Found, overlaps
from bot.values.spans import SpanFinder
from bot.values.times import DATE, DURATION, TIME, find_dates, find_durations, find_times
from intents.model import Catalogue

SELDOM = frozenset({DATE, TIME, DURATION, AMOUNT, NUMBER})
"""Kinds that are looked for where they are wanted only."""

# Without one of these there is no date, time, amount or number in a text.
_MAY_COUNT = re.compile(
    r"\d|[零〇一二两三四五六七八九十百千万半昨今明前后上下这本去周星礼]|[¥￥$€£]"
    r"|\b(?:today|tomorrow|tonight|yesterday|(?:next|last|mon|tues|wednes|thurs|fri|satur|sun)"
    r"|an?|one|two|three|four|five|six|seven|eight|nine|ten|half|jan|feb|mar|apr|may|jun|jul|aug"
    r"|sep|oct|nov|dec)",
    re.I,
)


class EntityFinder:
    """Finds values by built-in patterns and by the catalogue's regexes, lookups and examples."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._wanted = SELDOM & set(catalogue.entities)
        self._patterns = {
            name: re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.I)
            for name, patterns in catalogue.regexes.items()
            if name != TICKET_NUMBER
        }
        self._words = _word_patterns(catalogue.lookups)
        self._meant = {word.casefold(): value for word, value in catalogue.synonyms.items()}
        self._spans = SpanFinder(
            utterance for intent in catalogue.intents for utterance in intent.utterances
        )

    def find(
        self, text: str, *, now: datetime | None = None, wanted: Iterable[str] = ()
    ) -> tuple[Found, ...]:
        """Return the values that stand in the text, in its order.

        A ticket number (H1.2) has five digits or more, with `T-`, `T` or `#` or alone; it is
        returned as digits. A number that is a phone or another known number is no ticket.

        Args:
            text: the message; positions are those of its NFKC form.
            now: what relative dates count from, in the customer's zone.
            wanted: seldom kinds to look for beside those that the catalogue lists.
        """
        flat = text if text.isascii() else unicodedata.normalize("NFKC", text)
        taken: list[Found] = []
        for each in self._candidates(flat):
            if not overlaps(each.start, each.end, taken):
                taken.append(self._judged(each, flat))
        seldom = self._wanted | (SELDOM & set(wanted))
        if seldom and _MAY_COUNT.search(flat):
            for each in _seldom(flat, now or datetime.now(UTC), seldom):
                if not overlaps(each.start, each.end, taken):
                    taken.append(self._judged(each, flat))
        taken += find_bare_tickets(flat, taken)
        taken += (self._judged(each, flat) for each in self._spans.find(flat, taken))
        return tuple(sorted(taken, key=lambda each: each.start))

    def _candidates(self, flat: str) -> Iterator[Found]:
        """What is looked for always, the surest first."""
        if any(map(str.isdigit, flat)) or "@" in flat:
            yield from find_marked_tickets(flat)
            yield from find_emails(flat)
            yield from find_phones(flat)
        for name, pattern in (*self._patterns.items(), *self._words.items()):
            for match in pattern.finditer(flat):
                if match[0]:
                    yield Found(entity=name, value=match[0], start=match.start(), end=match.end())
        if any(map(str.isdigit, flat)):
            yield from find_orders(flat)

    def _judged(self, each: Found, flat: str) -> Found:
        """With the meaning of a synonym, and with the role that the words around suggest."""
        role, group = each.role, each.group
        if each.entity in self._spans.entities and role is None and group is None:
            role, group = self._spans.role(each.entity, flat, each.start, each.end)
        value = self._meant.get(each.value.casefold(), each.value)
        return Found(
            entity=each.entity,
            value=value,
            start=each.start,
            end=each.end,
            role=role,
            group=group,
        )


def _seldom(flat: str, now: datetime, kinds: frozenset[str]) -> Iterator[Found]:
    """Amounts before dates before numbers: each takes what the next would misread."""
    if AMOUNT in kinds:
        yield from find_amounts(flat)
    if DATE in kinds:
        yield from _longest(find_dates(flat, now))
    if TIME in kinds:
        yield from find_times(flat)
    if DURATION in kinds:
        yield from find_durations(flat)
    if NUMBER in kinds:
        yield from find_numbers(flat)


def _longest(found: Iterable[Found]) -> Sequence[Found]:
    return sorted(found, key=lambda each: each.start - each.end)


def _word_patterns(lookups: Mapping[str, Sequence[str]]) -> dict[str, re.Pattern[str]]:
    patterns = {}
    for name, words in lookups.items():
        longest = sorted({word for word in words if word}, key=len, reverse=True)
        if longest:
            listed = "|".join(map(re.escape, longest))
            patterns[name] = re.compile(rf"(?<![A-Za-z0-9])(?:{listed})(?![A-Za-z0-9])", re.I)
    return patterns
