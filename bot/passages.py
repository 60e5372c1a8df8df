"""Markdown as passages of plain text: what the bot says and search results show (H1.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.askings import is_function_word
from intents.text import to_mainland, to_simplified, tokens

PASSAGE_LENGTH = 400

_FENCED = re.compile(r"^\s*(?:```|~~~)")
_HEADING_LINE = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"^(\s*)(?:[-*+]|(\d+)[.)])\s+")
_QUOTE = re.compile(r"^\s*(?:>\s?)+")
_RULE = re.compile(r"^\s*(?:[-*_]\s*){3,}$|^\s*\|?\s*:?-{2,}[-:|\s]*$")
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]*)[^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|~~|\*|(?<![A-Za-z0-9])_(?=\S)|(?<=\S)_(?![A-Za-z0-9])|`+)")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_SENTENCE_END = re.compile(r"[。！？；!?;](?!$)|\.(?=\s)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage with the article that it stands in."""

    slug: str
    title: str
    text: str


def headings(body: str) -> list[str]:
    """The texts of a Markdown text's headings."""
    return [found[1] for line in body.splitlines() if (found := _HEADING_LINE.match(line))]


def marks(text: str, asked: str) -> tuple[tuple[int, int], ...]:
    """Where words of a question stand in a text, as starts and ends, in order and apart."""
    plain = text.casefold()
    simplified = to_simplified(plain)
    plain = simplified if len(simplified) == len(text) else plain
    if len(plain) != len(text):
        return ()
    is_marked = bytearray(len(text))
    for word in dict.fromkeys(tokens(to_mainland(asked))):
        if len(word) == 1 or is_function_word(word):
            continue
        place = plain.find(word)
        while place >= 0:
            is_marked[place : place + len(word)] = b"\x01" * len(word)
            place = plain.find(word, place + len(word))
    return tuple(found.span() for found in re.finditer(rb"\x01+", bytes(is_marked)))


def split_passages(body: str) -> list[str]:
    """The paragraphs of a Markdown text as plain text; a list stays together, headings go."""
    passages: list[list[str]] = [[]]
    fenced = False
    for line in body.splitlines():
        if _FENCED.match(line):
            fenced = not fenced
        elif not fenced and (_HEADING_LINE.match(line) or not line.strip()):
            passages.append([])
        elif fenced or not _RULE.match(line):
            passages[-1].append(line.strip() if fenced else _plain_line(line))
    return _joined([[line for line in lines if line] for lines in passages])


def _joined(passages: Sequence[Sequence[str]]) -> list[str]:
    """Join lines, and a paragraph that announces (`…:`) with what it announces."""
    found: list[str] = []
    for lines in passages:
        if not lines:
            continue
        text = "\n".join(lines)
        if found and found[-1].endswith((":", "：")):
            found[-1] = f"{found[-1]}\n{text}"
        else:
            found.append(text)
    return found


def _plain_line(line: str) -> str:
    line = _QUOTE.sub("", line)
    item = _ITEM.match(line)
    mark = ""
    if item is not None:
        mark = f"{item[2]}. " if item[2] else "• "
        line = line[item.end() :]
    line = line.strip()
    if line.startswith("|"):
        line = " · ".join(cell.strip() for cell in line.strip("|").split("|"))
    line = _LINK.sub(_link_text, _IMAGE.sub(r"\1", line))
    return mark + _TAG.sub("", _EMPHASIS.sub("", line)).strip()


def _link_text(match: re.Match[str]) -> str:
    title, address = match[1], match[2]
    if address.startswith(("http://", "https://")) and address != title:
        return f"{title} ({address})"
    return title


def shorten(text: str, length: int = PASSAGE_LENGTH) -> str:
    """Cut a text to at most `length` characters, after a sentence or line where one ends."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    ends = [match.end() for match in _SENTENCE_END.finditer(head)]
    ends += [n for n, character in enumerate(head) if character == "\n"]
    cut = max(ends, default=0)
    return head[:cut].rstrip() if cut >= length // 3 else f"{head.rstrip()}…"
