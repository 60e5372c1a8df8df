"""Articles and their versions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, func, literal_column, or_, select, update

from gateway.domain.article import (
    OPEN,
    Article,
    ArticleText,
    ArticleVersion,
    Audience,
    VersionState,
)
from gateway.domain.errors import ConflictError, NotFoundError
from gateway.ports.knowledge import (
    ArticleFilter,
    Feedback,
    FeedbackCounts,
    ImportJob,
    LiveArticle,
    MissedSearch,
    VersionHead,
)
from gateway.store.article_bookkeeping import SqlArticleBookkeeping
from gateway.store.article_tables import article_versions, articles
from gateway.store.rows import insert_into, pick, select_by, update_by
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import counters

_COLUMNS = (
    "id",
    "slug",
    "category",
    "audience",
    "owner_id",
    "review_at",
    "expires_at",
    "archived",
    "created_at",
    "updated_at",
    "version",
)
_VERSION = (
    "id",
    "article_id",
    "language",
    "number",
    "state",
    "title",
    "body",
    "questions",
    "author_id",
    "reason",
    "created_at",
    "updated_at",
    "published_at",
    "published_by",
)
_HEAD = tuple(name for name in _VERSION if name not in {"body", "questions"})
_LIVE = ("slug", "category", "audience", "expires_at")

_BY_ID = select_by(articles, _COLUMNS, "id")
_BY_ID_LOCKED = select_by(articles, _COLUMNS, "id", lock=True)
_BY_SLUG = select_by(articles, _COLUMNS, "slug")
_INSERT = insert_into(articles, _COLUMNS)
_UPDATE = update_by(articles, _COLUMNS[1:], "id")
_VERSION_BY_ID = select_by(article_versions, _VERSION, "id")
_INSERT_VERSION = insert_into(article_versions, _VERSION)
_UPDATE_VERSION = update_by(article_versions, _VERSION[1:], "id")
_MARK = Statement(
    update(counters)
    .where(counters.c.name == bindparam("counter"))
    .values(value=counters.c.value + literal_column("1")),
    "counter",
)
_COUNT = select_by(counters, ("value",), "name")
_COUNTER = "articles"
_CURRENT = (*OPEN, VersionState.PUBLISHED)


class SqlArticles:
    """`gateway.ports.knowledge.Articles`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._books = SqlArticleBookkeeping(session)

    def get(self, article_id: str, *, lock: bool = False) -> Article:
        """One."""
        row = self._session.row(_BY_ID_LOCKED if lock else _BY_ID, (article_id,))
        if row is None:
            raise NotFoundError("There is no such article.")
        return _to_article(row)

    def by_slugs(self, slugs: Sequence[str]) -> dict[str, Article]:
        """Those that exist."""
        found = self._session.each(_BY_SLUG, [(slug,) for slug in slugs])
        return {row[1]: _to_article(row) for rows in found for row in rows}

    def any(self) -> bool:
        """Whether there is an article, archived ones included."""
        return bool(self._session.select(select(articles.c.id).limit(1)))

    def page(self, wanted: ArticleFilter) -> list[Article]:
        """A page of the list."""
        query = select(*pick(articles, _COLUMNS)).where(articles.c.archived.is_(wanted.archived))
        if wanted.after is not None:
            query = query.where(articles.c.slug > wanted.after)
        if wanted.category is not None:
            query = query.where(articles.c.category == wanted.category)
        if wanted.audience is not None:
            query = query.where(articles.c.audience == wanted.audience.value)
        if wanted.due_before is not None:
            query = query.where(articles.c.review_at < wanted.due_before)
        versions = article_versions.c
        own = select(versions.id).where(versions.article_id == articles.c.id)
        if wanted.state is not None:
            query = query.where(own.where(versions.state == wanted.state.value).exists())
        if wanted.words:
            titled = own.where(
                versions.state.in_([state.value for state in _CURRENT]),
                func.lower(versions.title).contains(wanted.words.lower(), autoescape=True),
            )
            in_slug = articles.c.slug.contains(wanted.words.lower(), autoescape=True)
            query = query.where(or_(in_slug, titled.exists()))
        rows = self._session.select(query.order_by(articles.c.slug).limit(wanted.limit))
        return [_to_article(tuple(row)) for row in rows]

    def categories(self) -> list[str]:
        """Every category that an article in use has."""
        query = select(articles.c.category).distinct().where(articles.c.archived.is_(False))
        return sorted(row[0] for row in self._session.select(query))

    def add(self, article: Article) -> None:
        """Inserts."""
        self._check_slug(article)
        self._session.run(_INSERT, _from_article(article))

    def update(self, article: Article) -> None:
        """Writes all columns."""
        self._check_slug(article)
        self._session.run(_UPDATE, (*_from_article(article)[1:], article.id))

    def _check_slug(self, article: Article) -> None:
        row = self._session.row(_BY_SLUG, (article.slug,))
        if row is not None and row[0] != article.id:
            raise ConflictError(
                f"The address {article.slug} is taken; choose another.", field="/slug"
            )

    def add_versions(self, versions: Sequence[ArticleVersion]) -> None:
        """Inserts."""
        self._session.run_many(_INSERT_VERSION, [_from_version(item) for item in versions])

    def update_version(self, version: ArticleVersion) -> None:
        """Writes all columns."""
        self._session.run(_UPDATE_VERSION, (*_from_version(version)[1:], version.id))

    def version(self, version_id: str) -> ArticleVersion:
        """One."""
        row = self._session.row(_VERSION_BY_ID, (version_id,))
        if row is None:
            raise NotFoundError("There is no such version.")
        return _to_version(row)

    def versions(self, version_ids: Iterable[str]) -> list[ArticleVersion]:
        """Those with these ids."""
        found = self._session.each(_VERSION_BY_ID, [(version_id,) for version_id in version_ids])
        return [_to_version(row) for rows in found for row in rows]

    def heads(self, article_ids: Sequence[str], *, current: bool = False) -> list[VersionHead]:
        """Versions of articles, newest first; open and published ones only, if `current`."""
        versions = article_versions.c
        query = select(*pick(article_versions, _HEAD)).where(versions.article_id.in_(article_ids))
        if current:
            query = query.where(versions.state.in_([state.value for state in _CURRENT]))
        rows = self._session.select(
            query.order_by(versions.article_id, versions.language, versions.number.desc())
        )
        return [
            VersionHead(**{**dict(zip(_HEAD, row, strict=True)), "state": VersionState(row[4])})
            for row in rows
        ]

    def live(self, *, now: int) -> list[LiveArticle]:
        """Every published version of an article that is neither archived nor expired."""
        versions = article_versions.c
        query = (
            select(versions.language, versions.id, *pick(articles, _LIVE))
            .join(articles, articles.c.id == versions.article_id)
            .where(
                versions.state == VersionState.PUBLISHED.value,
                articles.c.archived.is_(False),
                or_(articles.c.expires_at.is_(None), articles.c.expires_at > now),
            )
            .order_by(articles.c.slug, versions.language)
        )
        return [
            LiveArticle(
                language=row[0],
                version_id=row[1],
                slug=row[2],
                category=row[3],
                audience=Audience(row[4]),
                expires_at=row[5],
            )
            for row in self._session.select(query)
        ]

    def mark_changed(self) -> None:
        """Tells those who follow that what is live may have changed."""
        self._session.run(_MARK, (_COUNTER,))

    def changes(self) -> int:
        """Rises with each `mark_changed`."""
        row = self._session.row(_COUNT, (_COUNTER,))
        return int(row[0]) if row is not None else 0

    def add_feedback(self, feedback: Feedback) -> None:
        """Inserts; a second word about the same answer replaces the first."""
        self._books.add_feedback(feedback)

    def last_turn_with(self, conversation_id: str, slug: str) -> str | None:
        """The customer's message that the bot last answered from the article."""
        return self._books.last_turn_with(conversation_id, slug)

    def counts(self, slugs: Sequence[str]) -> dict[str, FeedbackCounts]:
        """What readers said, by slug."""
        return self._books.counts(slugs)

    def note_miss(self, language: str, words: str, *, now: int) -> None:
        """Counts a search that found nothing."""
        self._books.note_miss(language, words, now=now)

    def misses(self, limit: int) -> list[MissedSearch]:
        """Searches that found nothing, most frequent first."""
        return self._books.misses(limit)

    def save_import(self, job: ImportJob) -> None:
        """Inserts or replaces."""
        self._books.save_import(job)

    def import_job(self, job_id: str) -> ImportJob:
        """One."""
        return self._books.import_job(job_id)


def _to_article(row: Row) -> Article:
    values = dict(zip(_COLUMNS, row, strict=True))
    values |= {"audience": Audience(values["audience"]), "archived": bool(values["archived"])}
    return Article(**values)


def _from_article(article: Article) -> tuple[Any, ...]:
    values = {name: getattr(article, name) for name in _COLUMNS}
    values["audience"] = article.audience.value
    return tuple(values.values())


def _to_version(row: Row) -> ArticleVersion:
    values = dict(zip(_VERSION, row, strict=True))
    text = ArticleText(
        title=values.pop("title"),
        body=values.pop("body"),
        questions=tuple(orjson.loads(values.pop("questions"))),
    )
    return ArticleVersion(**{**values, "state": VersionState(values["state"]), "text": text})


def _from_version(version: ArticleVersion) -> tuple[Any, ...]:
    text = version.text
    values = {
        "state": version.state.value,
        "title": text.title,
        "body": text.body,
        "questions": orjson.dumps(text.questions).decode(),
    }
    return tuple(values[name] if name in values else getattr(version, name) for name in _VERSION)
