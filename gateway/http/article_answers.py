"""The API's objects for the knowledge base, as it answers them."""

from __future__ import annotations

from typing import Any, Literal

from gateway.domain.article import Article, ArticleVersion, Audience, DiffLine, VersionState
from gateway.http.answers import Reference
from gateway.http.fields import Output, When
from gateway.http.serial import Json, reference, when, when_or_none
from gateway.ports.knowledge import ImportJob, MissedSearch, VersionHead
from gateway.services.article_lookup import ArticleRecord


class ArticleHead(Output):
    """A version without its text; `updated_ms` is what `base_updated_at` of a draft takes."""

    id: str
    language: Literal["zh", "en"]
    number: int
    state: VersionState
    title: str
    author: Reference
    reason: str
    created_at: When
    updated_at: When
    updated_ms: int
    published_at: When | None
    published_by: Reference | None


class ArticleVersionText(ArticleHead):
    """A version with its text."""

    body: str
    questions: list[str]


class ArticleCounts(Output):
    """How often the bot answered from it, and what customers said."""

    shown: int
    helped: int
    unhelped: int


class ArticleRow(Output):
    """An article in a list, with its open and published versions."""

    id: str
    slug: str
    category: str
    audience: Audience
    owner: Reference | None
    review_at: When | None
    expires_at: When | None
    archived: bool
    created_at: When
    updated_at: When
    version: int
    versions: list[ArticleHead]
    counts: ArticleCounts


class ArticleFull(ArticleRow):
    """An article with the texts of its open and published versions."""

    texts: list[ArticleVersionText]


class ArticlePage(Output):
    """One page of articles, and every category there is."""

    items: list[ArticleRow]
    next_cursor: str | None
    categories: list[str]


class ArticleHeadList(Output):
    """Versions, newest first in each language."""

    items: list[ArticleHead]


class ArticleDiffLine(Output):
    """A line of a comparison."""

    part: Literal["title", "questions", "body"]
    change: Literal["same", "added", "removed"]
    text: str


class ArticleDiff(Output):
    """What changed, line by line."""

    items: list[ArticleDiffLine]


class ArticleHit(Output):
    """An article found; `marks` are starts and ends in `passage` where words asked for stand."""

    slug: str
    title: str
    passage: str
    marks: list[list[int]]
    score: float
    audience: Audience
    url: str | None


class ArticleHitList(Output):
    """Articles found, best first."""

    items: list[ArticleHit]


class ArticleMiss(Output):
    """Words that found nothing in the help centre."""

    language: str
    words: str
    times: int
    last_at: When


class ArticleMissList(Output):
    """Searches that found nothing, most frequent first."""

    items: list[ArticleMiss]


class ArticlePreview(Output):
    """Harmless HTML."""

    html: str


class ArticleImport(Output):
    """An import on its way: all of it is taken in at its end, or nothing."""

    id: str
    name: str
    state: Literal["running", "done", "failed"]
    done: int
    total: int
    added: int
    changed: int
    skipped: list[str]
    problems: list[str]
    created_at: When


Names = dict[str, str]


def _named(key: str, names: Names) -> Json:
    return {"id": key, "name": names.get(key, "Yingda" if key == "system" else key)}


def head_json(head: VersionHead, names: Names) -> Json:
    """A version without its text."""
    return {
        "id": head.id,
        "language": head.language,
        "number": head.number,
        "state": head.state.value,
        "title": head.title,
        "author": _named(head.author_id, names),
        "reason": head.reason,
        "created_at": when(head.created_at),
        "updated_at": when(head.updated_at),
        "updated_ms": head.updated_at,
        "published_at": when_or_none(head.published_at),
        "published_by": _named(head.published_by, names) if head.published_by else None,
    }


def version_json(version: ArticleVersion, names: Names) -> Json:
    """A version with its text."""
    head = VersionHead(
        id=version.id,
        article_id=version.article_id,
        language=version.language,
        number=version.number,
        state=version.state,
        title=version.text.title,
        author_id=version.author_id,
        reason=version.reason,
        created_at=version.created_at,
        updated_at=version.updated_at,
        published_at=version.published_at,
        published_by=version.published_by,
    )
    text = {"body": version.text.body, "questions": list(version.text.questions)}
    return {**head_json(head, names), **text}


def record_json(record: ArticleRecord, names: Names) -> Json:
    """An article in a list."""
    article: Article = record.article
    owner = article.owner_id
    return {
        "id": article.id,
        "slug": article.slug,
        "category": article.category,
        "audience": article.audience.value,
        "owner": reference(owner, names.get(owner, "")) if owner else None,
        "review_at": when_or_none(article.review_at),
        "expires_at": when_or_none(article.expires_at),
        "archived": article.archived,
        "created_at": when(article.created_at),
        "updated_at": when(article.updated_at),
        "version": article.version,
        "versions": [head_json(head, names) for head in record.heads],
        "counts": {
            "shown": record.counts.shown,
            "helped": record.counts.helped,
            "unhelped": record.counts.unhelped,
        },
    }


def diff_json(lines: tuple[DiffLine, ...]) -> Json:
    """A comparison."""
    return {
        "items": [{"part": li.part, "change": li.change, "text": li.text} for li in lines],
    }


def miss_json(miss: MissedSearch) -> Json:
    """A search that found nothing."""
    return {
        "language": miss.language,
        "words": miss.words,
        "times": miss.times,
        "last_at": when(miss.last_at),
    }


def import_json(job: ImportJob) -> dict[str, Any]:
    """An import."""
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "added": job.added,
        "changed": job.changed,
        "skipped": list(job.skipped),
        "problems": list(job.problems),
        "created_at": when(job.created_at),
    }
