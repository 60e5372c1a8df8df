"""Rich text that agents write: what of it may leave the house, and the same in plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

from typing_extensions import override

_TAGS: Final = frozenset(
    [
        "a",
        "b",
        "blockquote",
        "br",
        "code",
        "del",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "hr",
        "i",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ]
)
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "span": {"style"},
    "p": {"style"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
}
_STYLES: Final = {"color", "background-color", "font-weight", "font-style", "text-align"}
_BLOCKS: Final = frozenset(
    ["blockquote", "div", "h1", "h2", "h3", "hr", "li", "ol", "p", "pre", "table", "tr", "ul"]
)
_SPACED: Final = frozenset(["blockquote", "h1", "h2", "h3", "ol", "p", "pre", "table", "ul"])
_BLANKS: Final = re.compile(r"\n{3,}")
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")


def clean_html(html: str) -> str:
    """The markup without anything that runs or loads; "" when nothing is to be seen in it."""
    import nh3

    clean = nh3.clean(
        html,
        tags=set(_TAGS),
        attributes={name: set(allowed) for name, allowed in _ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto", "tel"},
        filter_style_properties=set(_STYLES),
        link_rel="noopener noreferrer",
    ).strip()
    return clean if plain_text(clean) else ""


def plain_text(html: str) -> str:
    """Clean markup as text, with the addresses of links behind their words."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    lines = "".join(writer.parts).split("\n")
    return _BLANKS.sub("\n\n", "\n".join(line.strip(" ") for line in lines)).strip()


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._links: list[tuple[str, int]] = []
        self._pre = 0

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.parts.append("\n")
        elif tag in _BLOCKS:
            self._break(tag)
        if tag == "li":
            self.parts.append("- ")
        elif tag in {"td", "th"}:
            self.parts.append("  ")
        elif tag == "pre":
            self._pre += 1
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.parts)))

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links:
            href, start = self._links.pop()
            words = "".join(self.parts[start:]).strip()
            bare = href.removeprefix("mailto:").removeprefix("tel:")
            if bare and bare != words:
                self.parts.append(f" <{bare}>")
        elif tag == "pre":
            self._pre -= 1
        if tag in _BLOCKS:
            self._break(tag)

    @override
    def handle_data(self, data: str) -> None:
        self.parts.append(data if self._pre else _SPACES.sub(" ", data))

    def _break(self, tag: str) -> None:
        self.parts.append("\n\n" if tag in _SPACED else "\n")
