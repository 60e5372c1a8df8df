"""Reads files into articles: Markdown, HTML and Word, also as Confluence and 语雀 export them."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bot.askings import plain, syllables
from gateway.domain.article import TITLE_LIMIT, ArticleText, Audience, make_slug
from gateway.services.article_archive import ArchiveError, SourceFile, check_archive, suffix_of
from gateway.services.article_batches import BatchArticle
from intents.document import Document
from intents.errors import CatalogueError
from intents.model import Language
from intents.text import detect_language

Progress = Callable[[int, int], None]
_FENCE: Final = "---"
_HEADING = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)
_LANGUAGE_PARTS: Final = {
    **dict.fromkeys(("zh", "zh-cn", "zh-hans", "zh-tw", "zh-hant", "cn", "chinese"), "zh"),
    **dict.fromkeys(("en", "en-us", "en-gb", "english"), "en"),
}
_HAN = re.compile(r"[\u3400-\u9fff]+")
# What exports put around the text: Confluence's furniture, scripts, pictures of all sorts.
_FURNITURE: Final = (
    "script, style, nav, noscript, svg, img, iframe, object, form, #footer, #breadcrumb-section, "
    ".page-metadata, #breadcrumbs, .pageSection.group, .aui-icon"
)
# Scripts and styles between the lines of Markdown; code that quotes them stays.
_MACHINERY = re.compile(
    r"(?P<code>^(?P<fence>```|~~~).*?(?:^(?P=fence)|\Z)|`[^`\n]+`)"
    r"|<(?P<tag>script|style)\b[^>]*(?:>|\Z).*?(?:</(?P=tag)\s*>|\Z)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
# Where the text is: Confluence's page, 语雀's editor, else a marked main part.
_TEXT: Final = ("#main-content", ".lake-content", ".ne-viewer-body", "article", "main", "body")
_KEYS: Final = ("title", "category", "audience", "questions", "slug")


@dataclass(slots=True)
class ReadFiles:
    """What was read: articles, files that hold none, and what is wrong, by file."""

    articles: list[BatchArticle] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _BrokenFileError(Exception):
    """A file cannot be read; the message says why."""


def read_files(files: Sequence[SourceFile], default: str, progress: Progress) -> ReadFiles:
    """Reads every file; what is wrong with one does not stop the others.

    Args:
        files: as they were found.
        default: `zh` or `en`, for texts that do not tell their language.
        progress: told how many of how many files are read.
    """
    found = ReadFiles()
    taken: set[tuple[str, str]] = set()
    for number, file in enumerate(files, 1):
        try:
            article = _read(file, default, found)
        except (_BrokenFileError, ArchiveError) as error:
            found.problems.append(f"{file.path}: {error}")
        else:
            if article is not None:
                article = _apart(article, taken)
                taken.add((article.slug, article.language))
                found.articles.append(article)
        progress(number, len(files))
    if not found.articles and not found.problems:
        found.problems.append("there is no article in it; give .md, .html or .docx files")
    return found


def _read(file: SourceFile, default: str, found: ReadFiles) -> BatchArticle | None:
    kind = suffix_of(file.path)
    if file.content is None:
        found.skipped.append(f"{file.path}: files of this kind are not read")
        return None
    head: dict[str, Any] = {}
    if kind in ("md", "markdown"):
        head, title, body = _read_markdown(file, found)
    elif kind == "docx":
        title, body = _read_word(file.content)
    else:
        if file.path.rpartition("/")[2].lower() in ("index.html", "index.htm"):
            found.skipped.append(f"{file.path}: a table of contents")
            return None
        title, body = _read_html(file.content)
    stem = file.path.rpartition("/")[2].rpartition(".")[0]
    stem, _, ending = stem.rpartition(".") if "." in stem else (stem, "", "")
    own = _LANGUAGE_PARTS.get(ending.lower())
    if ending and own is None:
        stem = f"{stem}.{ending}"
    title = " ".join((head.get("title") or title or stem).split())[:TITLE_LIMIT]
    if not body.strip():
        raise _BrokenFileError("there is no text in it; write some, or leave the file out")
    folders = file.path.split("/")[:-1]
    return BatchArticle(
        place=file.path,
        slug=head.get("slug") or _slug(stem),
        language=own or _language(folders, f"{title}\n{body[:2000]}", default),
        text=ArticleText(
            title=title, body=body.strip(), questions=tuple(head.get("questions", ()))
        ),
        category=head.get("category") or _category(folders),
        audience=Audience(head["audience"]) if head.get("audience") else None,
    )


def _apart(article: BatchArticle, taken: set[tuple[str, str]]) -> BatchArticle:
    """The article under an address of its own: its folder's name leads, where two are alike."""
    if (article.slug, article.language) not in taken:
        return article
    folders = article.place.split("/")[:-1]
    leading = _slug(folders[-1]) if folders else "article"
    return replace(article, slug=f"{leading}-{article.slug}"[:80].strip("-"))


def _language(folders: Sequence[str], text: str, default: str) -> str:
    for folder in reversed(folders):
        if (own := _LANGUAGE_PARTS.get(folder.lower())) is not None:
            return own
    fallback = Language.EN if default == "en" else Language.ZH_HANS
    return detect_language(text, fallback).training


def _category(folders: Sequence[str]) -> str | None:
    """The folder's name, unless it only names the language or says what it holds."""
    named = [f for f in folders if f.lower() not in {*_LANGUAGE_PARTS, "articles", "docs"}]
    return named[-1].strip()[:60] or None if named else None


def _slug(name: str) -> str:
    """An address from a name; Chinese in pinyin."""
    spelt = _HAN.sub(
        lambda run: "-" + "-".join(s[1:] for s in syllables(plain(run[0]))) + "-", name
    )
    return make_slug(spelt) or f"article-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _decode(content: bytes) -> str:
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    for encoding in (*encodings, "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise _BrokenFileError("is no text in UTF-8 or GB 18030; save it as UTF-8")


def _read_markdown(file: SourceFile, found: ReadFiles) -> tuple[dict[str, Any], str, str]:
    text = _decode(file.content or b"")
    lines = text.split("\n")
    head: dict[str, Any] = {}
    if lines and lines[0].strip() == _FENCE:
        close = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
        if close is None:
            raise _BrokenFileError("the front matter is not closed; add a line `---` after it")
        head = _front_matter("\n".join(lines[1:close]), file.path, found)
        text = "\n".join(lines[close + 1 :])
    text = _MACHINERY.sub(lambda found: found["code"] or "", text)
    first = _HEADING.search(text)
    if first is not None and not text[: first.start()].strip() and "title" not in head:
        return head, first[1], text[first.end() :]
    return head, first[1] if first is not None else "", text


def _front_matter(yaml: str, path: str, found: ReadFiles) -> dict[str, Any]:
    try:
        document = Document(yaml, path, first_line=2)
        head = document.mapping(document.data or {}, (), "the front matter")
        values = {name: head[name] for name in _KEYS if head.get(name) is not None}
        for name in ("title", "category", "audience", "slug"):
            if name in values:
                values[name] = document.text(values[name], (name,), f"`{name}`").strip()
        if "questions" in values:
            items = document.items(values["questions"], ("questions",), "`questions`")
            values["questions"] = [
                document.text(item, ("questions", number), "a question").strip()
                for number, item in enumerate(items)
            ]
    except CatalogueError as error:
        raise _BrokenFileError(str(error).removeprefix(f"{path}: ")) from error
    if values.get("audience") not in (None, "public", "internal"):
        raise _BrokenFileError("`audience` must be public or internal")
    unread = sorted(str(name) for name in head if name not in _KEYS)
    if unread:
        found.skipped.append(f"{path}: {', '.join(unread)} of the front matter")
    return values


def _read_word(content: bytes) -> tuple[str, str]:
    check_archive(content)
    import mammoth

    try:
        made = mammoth.convert_to_html(io.BytesIO(content))
    except Exception as error:  # a hostile document may break the reader anywhere
        raise _BrokenFileError("is no Word document that can be read; save it anew") from error
    return _read_html(made.value.encode())


def _read_html(content: bytes) -> tuple[str, str]:
    """Title and Markdown of a page."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    try:
        page = BeautifulSoup(content, "html.parser")
        named = page.select_one("#title-text, h1") or page.title
        title = named.get_text(" ", strip=True) if named is not None else ""
        # Confluence calls its pages `Space : Page`.
        if page.select_one("#main-content") is not None:
            title = title.rpartition(" : ")[2]
        for piece in page.select(_FURNITURE):
            piece.decompose()
        body = next((part for part in map(page.select_one, _TEXT) if part is not None), page)
        heading = body.find("h1")
        if heading is not None and heading.get_text(" ", strip=True) == title:
            heading.decompose()
        text = MarkdownConverter(heading_style="ATX", bullets="-").convert_soup(body)
    except (RecursionError, ValueError, AssertionError) as error:
        raise _BrokenFileError("is no page that can be read; save it anew") from error
    return title, re.sub(r"\n{3,}", "\n\n", text).strip()
