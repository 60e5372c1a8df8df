"""Reading the knowledge base: lists, texts, versions and what changed between them (H1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.article import Article, ArticleVersion, DiffLine, compare
from gateway.domain.errors import NotFoundError
from gateway.domain.people import Agent, Right
from gateway.ports.knowledge import ArticleFilter, FeedbackCounts, MissedSearch, VersionHead
from gateway.ports.store import UnitOfWork
from gateway.services.access import require


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRecord:
    """An article with its current versions (open and published) and what readers say."""

    article: Article
    heads: tuple[VersionHead, ...]
    counts: FeedbackCounts


def list_articles(
    uow: UnitOfWork, actor: Agent, wanted: ArticleFilter
) -> tuple[list[ArticleRecord], list[str]]:
    """A page of articles, and every category there is."""
    require(actor, Right.DRAFT_ARTICLES)
    return article_records(uow, uow.articles.page(wanted)), uow.articles.categories()


def read_article(uow: UnitOfWork, actor: Agent, article_id: str) -> ArticleRecord:
    """One article.

    Raises:
        NotFoundError: there is none with that id.
    """
    require(actor, Right.DRAFT_ARTICLES)
    return article_records(uow, [uow.articles.get(article_id)])[0]


def read_texts(uow: UnitOfWork, record: ArticleRecord) -> list[ArticleVersion]:
    """The article's current versions in full."""
    return uow.articles.versions([head.id for head in record.heads])


def list_versions(uow: UnitOfWork, actor: Agent, article_id: str) -> list[VersionHead]:
    """Every version of an article, newest first in each language.

    Raises:
        NotFoundError: there is no such article.
    """
    require(actor, Right.DRAFT_ARTICLES)
    uow.articles.get(article_id)
    return uow.articles.heads([article_id])


def read_version(
    uow: UnitOfWork, actor: Agent, article_id: str, version_id: str
) -> ArticleVersion:
    """One version.

    Raises:
        NotFoundError: the article has none with that id.
    """
    require(actor, Right.DRAFT_ARTICLES)
    return version_of(uow, article_id, version_id)


def compare_versions(
    uow: UnitOfWork, actor: Agent, article_id: str, old_id: str, new_id: str
) -> tuple[DiffLine, ...]:
    """What changed from one version to another.

    Raises:
        NotFoundError: the article has not both.
    """
    old = read_version(uow, actor, article_id, old_id)
    new = read_version(uow, actor, article_id, new_id)
    return compare(old.text, new.text)


def list_misses(uow: UnitOfWork, actor: Agent, limit: int) -> list[MissedSearch]:
    """Searches of the help centre that found nothing, most frequent first."""
    require(actor, Right.DRAFT_ARTICLES)
    return uow.articles.misses(limit)


def article_records(uow: UnitOfWork, found: Sequence[Article]) -> list[ArticleRecord]:
    """Articles with their current versions and what readers say."""
    heads = uow.articles.heads([article.id for article in found], current=True)
    counts = uow.articles.counts([article.slug for article in found])
    return [
        ArticleRecord(
            article=article,
            heads=tuple(head for head in heads if head.article_id == article.id),
            counts=counts.get(article.slug, FeedbackCounts()),
        )
        for article in found
    ]


def version_of(uow: UnitOfWork, article_id: str, version_id: str) -> ArticleVersion:
    """A version of that article.

    Raises:
        NotFoundError: the article has none with that id.
    """
    version = uow.articles.version(version_id)
    if version.article_id != article_id:
        raise NotFoundError("There is no such version.")
    return version
