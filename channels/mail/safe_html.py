"""HTML that may be shown: nothing runs, nothing loads, nothing leaves its frame."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from channels.mail.markup import VOID, Tag, Token

_DEPTH = 60
_FORMATS = 8  # open at once: parsers repeat each of them in every block that follows
_FORMATTING = frozenset(
    ["a", "b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"]
)
_TAGS = _FORMATTING | frozenset(
    [
        "abbr",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "col",
        "colgroup",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "img",
        "ins",
        "kbd",
        "li",
        "ol",
        "p",
        "pre",
        "q",
        "samp",
        "span",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "var",
        "wbr",
    ]
)
_GENERIC = {"style", "dir", "lang", "align", "valign", "width", "height", "bgcolor"}
_ATTRIBUTES = {
    "a": {"href"},
    "img": {"src", "alt", "border", "data-remote-src"},
    "font": {"color", "face", "size"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap"},
    "table": {"border", "cellpadding", "cellspacing"},
    "col": {"span"},
    "ol": {"start", "type"},
    "ul": {"type"},
}
_ALLOWED = {name: _GENERIC | _ATTRIBUTES.get(name, set()) for name in _TAGS}
_STYLES = {
    "color", "background-color", "font", "font-family", "font-size", "font-style", "font-weight",
    "text-align", "text-decoration", "text-indent", "line-height", "letter-spacing", "direction",
    "white-space", "vertical-align", "margin", "margin-top", "margin-right", "margin-bottom",
    "margin-left", "padding", "padding-top", "padding-right", "padding-bottom", "padding-left",
    "border", "border-top", "border-right", "border-bottom", "border-left", "border-collapse",
    "border-color", "border-style", "border-width", "border-radius", "border-spacing", "width",
    "max-width", "height", "list-style-type", "display", "word-break", "overflow-wrap",
}  # fmt: skip
_WITHIN_TABLE = frozenset(["caption", "tbody", "td", "tfoot", "th", "thead", "tr"])
_ROWS = frozenset(["colgroup", "table", "tbody", "tfoot", "thead", "tr"])
# Stands for "&" within text on its way through nh3, which is slow with many entities.
_AMPERSAND = "\uf8fe"
_LOADING = re.compile(r"(?i)url\s*\(|image|expression|@import|\\|/\*|<")
_INLINE = re.compile(r"(?i)cid:[^\s<>\"']{1,500}$|data:image/(?:png|jpe?g|gif|webp|bmp);base64,")
_REMOTE = re.compile(r"(?i)\s*(?:https?:)?//")
_LINK = re.compile(r"(?i)\s*(?:https?:|mailto:|tel:)")
# An opening tag closes the earlier ones of its group, up to the container that holds them.
_SIBLINGS = {
    "li": ({"li"}, {"ul", "ol"}),
    "dt": ({"dt", "dd"}, {"dl"}),
    "dd": ({"dt", "dd"}, {"dl"}),
    "tr": ({"tr"}, {"table"}),
    "td": ({"td", "th"}, {"tr", "table"}),
    "th": ({"td", "th"}, {"tr", "table"}),
    "p": ({"p"}, {"td", "th", "li", "div", "blockquote"}),
}


@dataclass(frozen=True, slots=True)
class SafeHtml:
    """Markup that may be shown, and whether pictures were kept from loading.

    A picture on the web has its address in `data-remote-src`, so that a reader may ask for it;
    pictures within the mail keep `cid:` as their source.
    """

    markup: str
    remote_images: bool


def safe_html(page: Iterable[Token]) -> SafeHtml:
    """Writes safe markup from the tokens of a page.

    The text written first is well-formed and of limited depth; nh3 is the gate that decides.
    """
    import nh3

    writer = _Writer()
    for token in page:
        writer.take(token)
    clean = nh3.clean(
        writer.finish(),
        tags=set(_TAGS),
        attributes=_ALLOWED,
        attribute_filter=_passing,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        link_rel="noopener noreferrer nofollow",
        filter_style_properties=_STYLES,
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return SafeHtml(clean.strip().replace(_AMPERSAND, "&amp;"), writer.remote)


def _passing(tag: str, name: str, value: str) -> str | None:
    """The value of an attribute that may stay."""
    if name == "src":
        return value if _INLINE.match(value) else None
    if name == "href":
        return value if _LINK.match(value) else None
    if name == "style":
        return None if _LOADING.search(value) else value
    return value


class _Writer:
    """Writes tags that close properly."""

    def __init__(self) -> None:
        self.remote = False
        self._out: list[str] = []
        self._stack: list[str] = []
        self._open: Counter[str] = Counter()
        self._formats = 0

    def take(self, token: Token) -> None:
        if isinstance(token, str):
            if self._out and self._out[-1].startswith("<pre"):
                token = token.removeprefix("\n")  # which parsers leave out
            if token:
                self._out.append(_escaped(token))
        elif token.closing:
            if self._open[token.name]:
                self._close_to(token.name)
        else:
            self._begin(token)

    def finish(self) -> str:
        while self._stack:
            self._pop()
        return "".join(self._out)

    def _begin(self, tag: Tag) -> None:
        if "background" in tag.attributes or "url(" in tag.attributes.get("style", "").lower():
            self.remote = True
        if tag.name not in _TAGS or self._misplaced(tag.name):
            return
        if tag.name in VOID:
            self._out.append(self._written(tag))
            return
        if tag.name in _SIBLINGS and self._open[tag.name]:
            self._close_siblings(*_SIBLINGS[tag.name])
        formatting = tag.name in _FORMATTING
        if len(self._stack) >= _DEPTH or (formatting and self._formats >= _FORMATS):
            return
        self._formats += formatting
        self._stack.append(tag.name)
        self._open[tag.name] += 1
        self._out.append(self._written(tag))

    def _misplaced(self, name: str) -> bool:
        """Whether a parser would move or drop a tag: a row without table, text beside cells."""
        above = self._stack[-1] if self._stack else ""
        if name in ("col", "colgroup"):
            return above not in ("table", "colgroup")
        if name in _WITHIN_TABLE:
            return not self._open["table"]
        if name in ("dt", "dd") and not self._open["dl"]:
            return True
        return above in _ROWS or (name == "a" and self._open["a"] > 0)

    def _close_siblings(self, siblings: set[str], containers: set[str]) -> None:
        for name in reversed(self._stack):
            if name in containers:
                return
            if name in siblings:
                self._close_to(name)
                return

    def _close_to(self, name: str) -> None:
        while self._pop() != name:
            pass

    def _pop(self) -> str:
        name = self._stack.pop()
        self._open[name] -= 1
        self._formats -= name in _FORMATTING
        self._out.append(f"</{name}>")
        return name

    def _written(self, tag: Tag) -> str:
        attributes = dict(tag.attributes)
        if tag.name == "img":
            source = attributes.get("src", "").strip()
            if _REMOTE.match(source):
                attributes["data-remote-src"] = attributes.pop("src").strip()
            self.remote = self.remote or "data-remote-src" in attributes
        allowed = _ALLOWED[tag.name]
        pairs = [
            f' {name}="{html.escape(_tame(name, value))}"'
            for name, value in attributes.items()
            if name in allowed
        ]
        return f"<{tag.name}{''.join(pairs)}>"


def _escaped(text: str) -> str:
    text = text.replace("\x00", "").replace(_AMPERSAND, "").replace("&", _AMPERSAND)
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _tame(name: str, value: str) -> str:
    """The value of an attribute; of a style the declarations that load nothing."""
    value = value.replace(_AMPERSAND, "")
    if name != "style" or not _LOADING.search(value):
        return value
    return ";".join(each for each in value.split(";") if not _LOADING.search(each))
