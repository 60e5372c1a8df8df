"""HTML cut into tags and text, in linear time and without ever failing.

Parsers of the standard become quadratic on tags that nest without end, so nothing foreign reaches
one: `channels.mail.safe_html` writes well-formed markup of limited depth from these tokens.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

TAGS = 40_000  # tags that are read; the rest of a page is text
VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "o:p",
    ]
)
_SWALLOWED = frozenset(
    ["script", "style", "title", "textarea", "xmp", "noframes", "noembed", "iframe"]
)
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]{0,40})")
_ATTRIBUTE = re.compile(
    r"[\s/]*([^\s/>=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"'][^\s>]*)))?"
)
_TAG_END = re.compile(r"[\s/\"'=]*>?")
_END = {name: re.compile(rf"(?i)</{name}[\s/>]") for name in _SWALLOWED}


@dataclass(frozen=True, slots=True)
class Tag:
    """An opening or closing tag; names in lower case."""

    name: str
    closing: bool
    attributes: dict[str, str]


Token = Tag | str


def tokens(source: str) -> Iterator[Token]:
    """Yields tags and unescaped text; comments, scripts, styles and titles are left out."""
    return _Tokens(source).read()


class _Tokens:
    """Remembers what was not found once, so that no search is made twice for nothing."""

    def __init__(self, source: str) -> None:
        # What is left open closes here, so that no pattern scans to the end in vain.
        self._source = source
        self._end = len(source)
        self._padded = source + "\"'>"
        self._quoted = True
        self._missing: set[str] = set()
        self._count = 0

    def read(self) -> Iterator[Token]:
        source, position = self._source, 0
        while position < self._end:
            opening = source.find("<", position)
            if opening < 0 or self._count > TAGS:
                yield html.unescape(source[position:])
                return
            if opening > position:
                yield html.unescape(source[position:opening])
            tag, position = self._markup(opening)
            if tag is not None:
                yield tag

    def _markup(self, at: int) -> tuple[Token | None, int]:
        """What begins with the bracket, and where reading goes on."""
        source = self._source
        named = _NAME.match(source, at)
        if named is None:
            if source.startswith("<!--", at):
                return None, self._after("-->", at + 4)
            if source.startswith(("<!", "<?", "</"), at):
                return None, self._after(">", at + 2)
            return "<", at + 1
        self._count += 1
        name, closing = named[1].lower(), source[at + 1] == "/"
        attributes, position = self._attributes(named.end())
        if name in _SWALLOWED and not closing:
            return None, self._swallow(name, position)
        return Tag(name, closing, attributes), position

    def _after(self, mark: str, start: int) -> int:
        """The place after a mark; the start when the page never has it."""
        if mark not in self._missing:
            found = self._source.find(mark, start)
            if found >= 0:
                return found + len(mark)
            self._missing.add(mark)
        return start

    def _swallow(self, name: str, start: int) -> int:
        if name not in self._missing:
            found = _END[name].search(self._source, start)
            if found is not None:
                return self._after(">", found.end() - 1)
            self._missing.add(name)
        return start

    def _attributes(self, start: int) -> tuple[dict[str, str], int]:
        if not self._quoted:
            return {}, self._after(">", start)
        found: dict[str, str] = {}
        position = start
        while self._padded[position] != ">":
            attribute = _ATTRIBUTE.match(self._padded, position)
            if attribute is None or attribute.end() == position:
                position = _TAG_END.match(self._padded, position).end()  # type: ignore[union-attr]
                if self._padded[position - 1] == ">":
                    position -= 1
                    break
                position += 1
            else:
                value = attribute[2] or attribute[3] or attribute[4] or ""
                found.setdefault(attribute[1].lower(), html.unescape(value))
                position = attribute.end()
            if position >= self._end:
                # A quotation mark or a tag that never ends: from here tags end at any bracket,
                # so that the text behind is not lost.
                self._quoted = False
                return {}, self._after(">", start)
        return found, position + 1
