"""Many articles at once: those that come with the product, and those that are imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.domain.article import (
    OPEN,
    Article,
    ArticleText,
    ArticleVersion,
    Audience,
    VersionState,
    check_slug,
    check_text,
    retire,
)
from gateway.domain.errors import GatewayError
from gateway.domain.events import ArticlesChanged
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.auditing import SYSTEM, note
from intents.model import Article as CatalogueArticle


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchArticle:
    """One language of an article on its way in; `place` is what messages call it.

    `category` and `audience` None keep what an article that is there already has.
    """

    place: str
    slug: str
    language: str
    text: ArticleText
    category: str | None = None
    audience: Audience | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """How many articles (in a language) were added, changed, and left since nothing is new."""

    added: int
    changed: int
    unchanged: int


class BatchRefusedError(Exception):
    """Nothing was taken in; `problems` tell why, file by file."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class _Taking:
    """Who takes a batch in, why and when, and whether it is published."""

    author: str
    reason: str
    publishes: bool
    now: int
    new_id: NewId


def plant_articles(
    uow: UnitOfWork, articles: Sequence[CatalogueArticle], *, now: int, new_id: NewId
) -> None:
    """Publishes the catalogue's articles in a knowledge base that has none yet."""
    if uow.articles.any():
        return
    batch = [
        BatchArticle(
            place=f"articles/{article.language}/{article.slug}.md",
            slug=article.slug,
            language=article.language,
            text=ArticleText(title=article.title, body=article.body, questions=article.questions),
            category=article.category,
            audience=Audience(article.audience),
        )
        for article in articles
    ]
    take_in(uow, batch, actor_id=None, reason="", publishes=True, now=now, new_id=new_id)


def take_in(
    uow: UnitOfWork,
    batch: Sequence[BatchArticle],
    *,
    actor_id: str | None,
    reason: str,
    publishes: bool,
    now: int,
    new_id: NewId,
) -> BatchOutcome:
    """Takes all of a batch in, or nothing.

    Args:
        uow: one transaction.
        batch: articles by slug and language, each once.
        actor_id: who imports; None for the system.
        reason: what the versions say of themselves.
        publishes: whether they are published; drafts otherwise.
        now: ms since the epoch.
        new_id: gives ids.

    Raises:
        BatchRefusedError: something in it cannot be taken in.
    """
    problems = _problems(batch)
    known = uow.articles.by_slugs(sorted({item.slug for item in batch}))
    heads = {
        (head.article_id, head.language, head.state): head
        for head in uow.articles.heads([article.id for article in known.values()], current=True)
    }
    for item in batch:
        article = known.get(item.slug)
        if article is None:
            continue
        if article.archived:
            problems.append(f"{item.place}: {item.slug} is archived; take it out of the archive")
        elif any((article.id, item.language, state) in heads for state in OPEN):
            problems.append(
                f"{item.place}: {item.slug} has an open draft; publish or withdraw it first"
            )
    if problems:
        raise BatchRefusedError(problems)
    added = changed = unchanged = 0
    for item in batch:
        article = known.get(item.slug)
        present = None
        if article is None:
            article = known[item.slug] = _new_article(item, now, new_id)
            uow.articles.add(article)
        else:
            article = known[item.slug] = _updated(uow, article, item, now)
            head = heads.get((article.id, item.language, VersionState.PUBLISHED))
            present = uow.articles.version(head.id) if head is not None else None
        if present is not None and present.text == item.text:
            unchanged += 1
            continue
        taking = _Taking(actor_id or SYSTEM, reason, publishes, now, new_id)
        _add_version(uow, article, item, present, taking)
        added, changed = added + (present is None), changed + (present is not None)
    outcome = BatchOutcome(added=added, changed=changed, unchanged=unchanged)
    told = {"added": added, "changed": changed, "published": publishes}
    note(uow, actor_id, "articles.imported", ("article", "*"), now=now, after=told)
    uow.articles.mark_changed()
    uow.emit(ArticlesChanged())
    return outcome


def _problems(batch: Sequence[BatchArticle]) -> list[str]:
    problems = []
    seen: dict[tuple[str, str], str] = {}
    for item in batch:
        try:
            check_slug(item.slug)
            check_text(item.text)
        except GatewayError as error:
            problems.append(f"{item.place}: {error.detail}")
        first = seen.setdefault((item.slug, item.language), item.place)
        if first != item.place:
            problems.append(f"{item.place}: {item.slug} ({item.language}) is in {first} already")
    return problems


def _new_article(item: BatchArticle, now: int, new_id: NewId) -> Article:
    return Article(
        id=new_id(),
        slug=item.slug,
        category=item.category or "general",
        audience=item.audience or Audience.PUBLIC,
        owner_id=None,
        review_at=None,
        expires_at=None,
        archived=False,
        created_at=now,
        updated_at=now,
    )


def _updated(uow: UnitOfWork, article: Article, item: BatchArticle, now: int) -> Article:
    """The article with the category and audience that the batch gives it."""
    wanted = replace(
        article,
        category=item.category or article.category,
        audience=item.audience or article.audience,
    )
    if wanted == article:
        return article
    changed = replace(wanted, version=article.version + 1, updated_at=now)
    uow.articles.update(changed)
    return changed


def _add_version(
    uow: UnitOfWork,
    article: Article,
    item: BatchArticle,
    present: ArticleVersion | None,
    taking: _Taking,
) -> None:
    now = taking.now
    if present is not None and taking.publishes:
        uow.articles.update_version(retire(present, now=now))
    numbers = [
        head.number
        for head in (uow.articles.heads([article.id]) if article.created_at != now else ())
        if head.language == item.language
    ]
    uow.articles.add_versions(
        [
            ArticleVersion(
                id=taking.new_id(),
                article_id=article.id,
                language=item.language,
                number=max(numbers, default=0) + 1,
                state=VersionState.PUBLISHED if taking.publishes else VersionState.DRAFT,
                text=item.text,
                author_id=taking.author,
                reason=taking.reason,
                created_at=now,
                updated_at=now,
                published_at=now if taking.publishes else None,
                published_by=taking.author if taking.publishes else None,
            )
        ]
    )
