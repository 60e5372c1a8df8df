"""Chinese words with what they stand for, found in running text without a segmenter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Generic, TypeVar

_Meaning = TypeVar("_Meaning")


class Lexicon(Generic[_Meaning]):
    """Finds words from left to right; of those that begin at one place the longest counts.

    Args:
        meanings: what each word stands for.
    """

    def __init__(self, meanings: Mapping[str, _Meaning]) -> None:
        self._meanings = dict(meanings)
        # The longer words by their first two characters, longest first.
        self._by_pair: dict[str, list[str]] = {}
        for word in sorted(meanings, key=len, reverse=True):
            if len(word) > 1:
                self._by_pair.setdefault(word[:2], []).append(word)
        # Most characters of a text begin no word, and need no closer look.
        firsts, seconds = (_any_of({pair[place] for pair in self._by_pair}) for place in range(2))
        alone = _any_of({word for word in meanings if len(word) == 1})
        self._begins = re.compile(f"{firsts}(?={seconds})|{alone}")

    def find(self, text: str) -> Iterator[tuple[int, int, _Meaning]]:
        """Where the words of a text begin and end, and what they stand for."""
        end = 0
        for match in self._begins.finditer(text):
            start = match.start()
            if start < end:
                continue
            found = text[start]
            for word in self._by_pair.get(text[start : start + 2], ()):
                if text.startswith(word, start):
                    found = word
                    break
            if found in self._meanings:
                end = start + len(found)
                yield start, end, self._meanings[found]


def _any_of(characters: Set[str]) -> str:
    """A pattern of one of these characters; of none, one that never fits."""
    return f"[{re.escape(''.join(sorted(characters)))}]" if characters else "(?!)"
