"""HTML to text that people can read, with the marks that mail programs leave in their markup."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from channels.mail.markup import VOID, Tag, Token


class Mark(enum.Enum):
    """What the markup says of a line."""

    ATTRIBUTION = "attribution"  # "On … wrote:"
    SIGNATURE = "signature"
    CUT = "cut"  # from here on the earlier mail


@dataclass(slots=True)
class Rendered:
    """Lines of text; quotations carry `> `. `marks` holds what is known of a line by its number.

    `hinted` tells that the markup says where the quotation is.
    """

    lines: list[str] = field(default_factory=list)
    marks: dict[int, Mark] = field(default_factory=dict)
    hinted: bool = False

    @property
    def text(self) -> str:
        """The text, without blank lines around it."""
        return "\n".join(self.lines).strip("\n")


_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
        "includetail",
    ]
)
_SPACED = frozenset(
    ["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote"]
)
_HIDDEN = re.compile(r"(?i)display\s*:\s*none|mso-hide\s*:\s*all|visibility\s*:\s*hidden")
_ATTRIBUTIONS = re.compile(
    r"(?i)(?:^|\s)(?:gmail_attr|moz-cite-prefix|reply-intro|zmail_extra_hr|yj6qo|"
    r"front-attribution|protonmail_quote_header)(?:\s|$)"
)
_CUTS = re.compile(
    r"(?i)(?:^|\s)(?:x_)*(?:divRplyFwdMsg|OLK_SRC_BODY_SECTION|appendonsend|isReplyContent|"
    r"mail-editor-reference-message-container|yahoo_quoted\w*|zmail_extra|cm_quote_msg|origbody|"
    r"protonmail_quote|tutanota_quote|includetail|isForwardContent|qmQuote|hmmessage_quote|"
    r"ms-outlook-mobile-reference-message)(?:\s|$)"
)
_SIGNATURES = re.compile(
    r"(?i)(?:^|\s)(?:x_)*(?:gmail_signature|moz-signature|ms-outlook-mobile-signature|"
    r"__aliyun_signature_wrap|divNeteaseMailCard|ntes_signature|FoxmailSign|xm_write_sign|"
    r"protonmail_signature_block(?:-user)?|appleMailSignature|AppleMailSignature|tutanota_sig|"
    r"spark_signature|yahoo-signature|bloop_sign\w*)(?:\s|$)"
)
_QUOTES = re.compile(r"(?i)(?:^|\s)(?:gmail_quote|protonmail_quote|front-blockquote)(?:\s|$)")
_SPACES = re.compile(r"[ \t\r\n\f\u200b\ufeff]+")
_LABEL = 40  # characters; a longer label says what the link is for
_WIDTH = 200_000  # characters of one line


def render(page: Iterable[Token]) -> Rendered:
    """Writes the text of a page."""
    writer = _Writer()
    for token in page:
        if isinstance(token, str):
            writer.text(token)
        elif token.closing:
            writer.close(token)
        else:
            writer.open(token)
    return writer.finish()


@dataclass(slots=True)
class _Open:
    """An element that is open."""

    name: str
    mark: Mark | None = None
    hidden: bool = False
    quote: bool = False
    href: str = ""
    label_from: int = 0
    number: int = 0


class _Writer:
    def __init__(self) -> None:
        self._found = Rendered()
        self._line: list[str] = []
        self._stack: list[_Open] = []
        self._depth = 0  # of quotations
        self._last_depth = 0  # of the line before
        self._hidden = 0
        self._pre = 0
        self._blank = False
        self._line_mark: Mark | None = None

    def finish(self) -> Rendered:
        self._break()
        return self._found

    def text(self, text: str) -> None:
        if self._hidden:
            return
        if self._pre:
            *whole, last = text.replace("\r\n", "\n").split("\n")
            for line in whole:
                self._put(line)
                self._break(always=True)
            self._put(last)
            return
        spaced = _SPACES.sub(" ", text)
        if not self._line or self._line[-1].endswith((" ", "\n")):
            spaced = spaced.lstrip(" ")
        self._put(spaced)

    def open(self, tag: Tag) -> None:
        name = tag.name
        if name == "br":
            self._break(always=True)
            return
        if name in _BLOCKS:
            self._break()
            compact = "mso" in tag.attributes.get("class", "").lower()
            self._blank = self._blank or (name in _SPACED and not compact)
        if name in VOID:
            self._void(tag)
            return
        if len(self._stack) >= 2000:
            return
        element = self._element(tag)
        self._stack.append(element)
        self._hidden += element.hidden
        self._depth += element.quote
        self._pre += name == "pre"
        if element.mark is Mark.CUT and not self._hidden:
            self._found.marks.setdefault(len(self._found.lines), Mark.CUT)
        if name == "li" and not self._hidden:
            self._put(self._bullet())
        elif name in ("td", "th") and self._line:
            self._put("  ")

    def close(self, tag: Tag) -> None:
        if tag.name in _BLOCKS:
            self._break()
            self._blank = self._blank or (tag.name in _SPACED and tag.name != "p")
        for back in range(1, min(len(self._stack), 60) + 1):
            if self._stack[-back].name == tag.name:
                for _ in range(back):
                    self._leave(self._stack.pop())
                return

    def _leave(self, element: _Open) -> None:
        if element.href and not self._hidden:
            label = "".join(self._line[element.label_from :]).strip()
            if 0 < len(label) <= _LABEL and not _same_link(label, element.href):
                self._put(f" <{element.href}>")
        if element.mark in (Mark.SIGNATURE, Mark.ATTRIBUTION):
            self._break()
        self._hidden -= element.hidden
        self._depth -= element.quote
        self._pre -= element.name == "pre"

    def _element(self, tag: Tag) -> _Open:
        names = f"{tag.attributes.get('class', '')} {tag.attributes.get('id', '')} {tag.name}"
        element = _Open(tag.name, hidden=bool(_HIDDEN.search(tag.attributes.get("style", ""))))
        if tag.name == "blockquote":
            element.quote = True
            kind = tag.attributes.get("type", "").lower()
            if kind == "cite" or _QUOTES.search(names) or _CUTS.search(names):
                self._found.hinted = True
        elif _ATTRIBUTIONS.search(names):
            element.mark = Mark.ATTRIBUTION
        elif _CUTS.search(names):
            element.mark = Mark.CUT
        elif _SIGNATURES.search(names):
            element.mark = Mark.SIGNATURE
        if element.mark is not None:
            self._break()
            self._found.hinted = self._found.hinted or element.mark is not Mark.SIGNATURE
        if tag.name == "a":
            href = tag.attributes.get("href", "").strip()
            if re.match(r"(?i)https?://[^\s<>]+$", href) and len(href) <= 500:
                element.href, element.label_from = href, len(self._line)
        return element

    def _void(self, tag: Tag) -> None:
        if self._hidden:
            return
        if tag.name == "hr":
            self._put("_" * 20)
            self._break()
        elif tag.name == "img":
            alt = _SPACES.sub(" ", tag.attributes.get("alt", "")).strip()
            if alt:
                self._put(f"[{alt}]")

    def _bullet(self) -> str:
        for element in reversed(self._stack[-60:]):
            if element.name == "ol":
                element.number += 1
                return f"{element.number}. "
            if element.name == "ul":
                break
        return "- "

    def _put(self, text: str) -> None:
        if text:
            self._line.append(text)

    def _break(self, *, always: bool = False) -> None:
        """Ends the line; `always` also when nothing stands on it."""
        line = "".join(self._line).replace("\xa0", " ")
        line = line.rstrip() if self._pre else line.strip()
        self._line.clear()
        if not line and not always:
            return
        lines = self._found.lines
        prefix = "> " * min(self._depth, 20)
        if self._blank and lines and lines[-1].strip("> "):
            lines.append(("> " * min(self._depth, self._last_depth)).rstrip())
        self._blank = False
        self._last_depth = min(self._depth, 20)
        for element in reversed(self._stack[-60:]):
            if element.mark in (Mark.SIGNATURE, Mark.ATTRIBUTION):
                self._found.marks.setdefault(len(lines), element.mark)
                break
        lines.append((prefix + line).rstrip()[:_WIDTH])


def _same_link(label: str, href: str) -> bool:
    """Whether the label says the address already."""
    bare = re.sub(r"(?i)^https?://(www\.)?", "", href).rstrip("/")
    return bare.lower() in label.lower() or "@" in label
