"""Published articles as Markdown files, in the form in which they are imported."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gateway.domain.article import Audience
from gateway.ports.knowledge import LiveArticle
from gateway.ports.store import UnitOfWork

_PIECE = 200


def export_articles(uow: UnitOfWork, *, now: int) -> Iterator[tuple[str, str]]:
    """Paths (`zh/refunds.md`) and texts of everything that is published."""
    live = uow.articles.live(now=now)
    for start in range(0, len(live), _PIECE):
        piece = live[start : start + _PIECE]
        texts = {v.id: v.text for v in uow.articles.versions([i.version_id for i in piece])}
        for item in piece:
            text = texts[item.version_id]
            head = _head(item, text.title, text.questions)
            yield f"{item.language}/{item.slug}.md", f"{head}\n{text.body.strip()}\n"


def _head(item: LiveArticle, title: str, questions: tuple[str, ...]) -> str:
    lines = ["---", f"title: {_quoted(title)}", f"category: {_quoted(item.category)}"]
    if item.audience is Audience.INTERNAL:
        lines.append("audience: internal")
    if questions:
        lines.append("questions:")
        lines += [f"  - {_quoted(question)}" for question in questions]
    return "\n".join([*lines, "---", ""])


def _quoted(text: str) -> str:
    """A text as YAML writes it between double quotes, of which JSON's way is one."""
    return json.dumps(text, ensure_ascii=False)
