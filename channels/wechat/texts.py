"""Texts within the platform's limits, which count bytes of UTF-8."""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"
_BREAKS: Final = ("\n\n", "\n", "。", "！", "？", ". ", "! ", "? ", "；", "; ", "，", ", ", " ")


def split_text(text: str, limit: int) -> list[str]:
    """The text in pieces of at most `limit` bytes (at least 64), broken where a reader would.

    No character is cut, and no emoji or letter from its marks, unless they alone exceed the
    limit. White space at a break is dropped; everything else is there, in order.
    """
    pieces = []
    rest = text.strip()
    while len(rest.encode()) > limit:
        end = _break_before(rest, _fitting(rest, limit))
        if piece := rest[:end].rstrip():
            pieces.append(piece)
        rest = rest[end:].lstrip()
    return [*pieces, rest] if rest else pieces


def _fitting(text: str, limit: int) -> int:
    """How many characters from the beginning fit without cutting what is seen as one."""
    most = len(text.encode()[:limit].decode(errors="ignore"))
    end = most
    while end and end < len(text) and _joined(text, end):
        end -= 1
    return end or most


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and at a place are seen as one: marks, emoji, flags."""
    before, after = text[at - 1], text[at]
    if _is_flag(before) and _is_flag(after):
        run = at
        while run and _is_flag(text[run - 1]):
            run -= 1
        return (at - run) % 2 == 1  # flags are pairs
    return (
        _JOINER in (before, after)
        or unicodedata.category(after) in {"Mn", "Me", "Mc"}
        or "\U0001f3fb" <= after <= "\U0001f3ff"
    )


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _break_before(text: str, end: int) -> int:
    """The best place to break in the last third before `end`: a paragraph, a sentence, a word."""
    earliest = end * 2 // 3
    for mark in _BREAKS:
        found = text.rfind(mark, earliest, end)
        if found >= 0:
            return found + len(mark)
    return end
