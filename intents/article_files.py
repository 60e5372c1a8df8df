"""Reads knowledge-base articles: Markdown with YAML front matter (H1.5)."""

from __future__ import annotations

from pathlib import Path

from intents.document import Document, read_text, refuse_unfit
from intents.errors import CatalogueError
from intents.model import Article

_AUDIENCES = ("public", "internal")
_KEYS = ("title", "category", "audience", "questions")
_FENCE = "---"


def read_article(path: Path, name: str, language: str) -> Article:
    """Return the article in one Markdown file; its slug is the file's stem.

    Args:
        path: the file.
        name: what messages call it.
        language: `zh` or `en`.

    Raises:
        CatalogueError: the front matter is missing, broken or holds something unknown.
    """
    text = read_text(path, name)
    refuse_unfit(text, name, 1)
    lines = text.splitlines()
    if not lines or lines[0].strip() != _FENCE:
        message = "must start with a line `---`, then `title:` and `category:`, then `---`"
        raise CatalogueError(message, file=name, line=1)
    close = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    if close is None:
        message = "the front matter is not closed; add a line `---` after it"
        raise CatalogueError(message, file=name, line=1)
    document = Document("\n".join(lines[1:close]), name, first_line=2)
    head = document.mapping(document.data, (), "the front matter")
    document.only(head, (), "the front matter", _KEYS)
    body = "\n".join(lines[close + 1 :]).strip()
    if not body:
        message = "the article has no text; write it under the front matter"
        raise CatalogueError(message, file=name, line=close + 1)
    audience = head.get("audience", "public")
    if audience not in _AUDIENCES:
        document.refuse(("audience",), f"`audience` must be one of {', '.join(_AUDIENCES)}")
    questions = document.items(head.get("questions", []), ("questions",), "`questions`")
    return Article(
        slug=path.stem,
        language=language,
        title=document.text(head.get("title"), ("title",), "`title`").strip(),
        category=document.text(head.get("category"), ("category",), "`category`").strip(),
        body=body,
        questions=tuple(
            document.text(question, ("questions", number), "a question").strip()
            for number, question in enumerate(questions)
        ),
        audience=audience,
    )
