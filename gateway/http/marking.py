"""Where in a found text the words stand that were searched for, whatever the script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from intents.text import to_simplified

_HAN = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U0003fffd]")


def find_marks(text: str, query: str) -> list[tuple[int, int]]:
    """The parts of a text to be marked: start and end in characters, in order, apart.

    Letters match in either case and width, Chinese in either script. Chinese words that stand
    in pieces only are marked by their pairs of characters, as the search finds them.

    Args:
        text: what was found.
        query: what was searched for.
    """
    folded = _fold(text)
    spans = sorted(
        match.span()
        for word in query.split()
        for piece in _pieces(folded, _fold(word))
        for match in re.finditer(re.escape(piece), folded)
    )
    marks: list[tuple[int, int]] = []
    for start, end in spans:
        if marks and start <= marks[-1][1]:
            marks[-1] = (marks[-1][0], max(marks[-1][1], end))
        else:
            marks.append((start, end))
    return marks


def _pieces(folded: str, word: str) -> Iterator[str]:
    if word in folded or len(word) < 3 or not _HAN.search(word):
        yield word
        return
    for at in range(len(word) - 1):
        yield word[at : at + 2]


def _fold(text: str) -> str:
    """The text as it is compared, with as many characters as before."""
    folded = "".join(_one(character) for character in text)
    simplified = to_simplified(folded)
    return simplified if len(simplified) == len(folded) else folded


def _one(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).casefold()
    return folded if len(folded) == 1 else character
