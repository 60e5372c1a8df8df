"""What readers say of articles, searches that found nothing, and imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import bindparam, case, delete, func, literal_column, select, update

from gateway.domain.errors import NotFoundError
from gateway.ports.knowledge import Feedback, FeedbackCounts, ImportJob, MissedSearch
from gateway.store.article_tables import article_feedback, article_imports, article_misses
from gateway.store.rows import NO_OFFSET, insert_into, select_by, update_by
from gateway.store.session import Session, Statement
from gateway.store.tables import turns

_FEEDBACK = ("message_id", "turn_message_id", "slug", "helped", "created_at")
_IMPORT = (
    "id",
    "agent_id",
    "name",
    "state",
    "done",
    "total",
    "added",
    "changed",
    "skipped",
    "problems",
    "created_at",
    "updated_at",
)
_MISS = ("language", "words", "times", "last_at")
_MOST_MISSES = 10_000  # whoever searches for nonsense must not fill the database

_INSERT_FEEDBACK = insert_into(article_feedback, _FEEDBACK)
_FORGET_PRESS = Statement(
    delete(article_feedback).where(article_feedback.c.message_id == bindparam("message_id")),
    "message_id",
)
_FORGET_FEEDBACK = Statement(
    delete(article_feedback).where(article_feedback.c.turn_message_id == bindparam("turn")),
    "turn",
)
_LAST_TURN = Statement(
    select(turns.c.message_id)
    .where(
        turns.c.article.is_not(None),
        turns.c.article == bindparam("slug"),
        turns.c.conversation_id == bindparam("conversation_id"),
    )
    .order_by(turns.c.created_at.desc())
    .limit(literal_column("1"))
    .offset(NO_OFFSET),
    "slug",
    "conversation_id",
)
_COUNT_MISS = Statement(
    update(article_misses)
    .where(
        article_misses.c.language == bindparam("language"),
        article_misses.c.words == bindparam("asked"),
    )
    .values(times=article_misses.c.times + literal_column("1"), last_at=bindparam("new_last_at")),
    "new_last_at",
    "language",
    "asked",
)
_INSERT_MISS = insert_into(article_misses, _MISS)
_IMPORT_BY_ID = select_by(article_imports, _IMPORT, "id")
_INSERT_IMPORT = insert_into(article_imports, _IMPORT)
_UPDATE_IMPORT = update_by(article_imports, _IMPORT[1:], "id")


class SqlArticleBookkeeping:
    """The part of `gateway.ports.knowledge.Articles` that is not about texts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_feedback(self, feedback: Feedback) -> None:
        """Inserts; a second word about the same answer replaces the first."""
        self._session.run(_FORGET_PRESS, (feedback.message_id,))
        if feedback.turn_message_id is not None:
            self._session.run(_FORGET_FEEDBACK, (feedback.turn_message_id,))
        values = tuple(getattr(feedback, name) for name in _FEEDBACK)
        self._session.run(_INSERT_FEEDBACK, values)

    def last_turn_with(self, conversation_id: str, slug: str) -> str | None:
        """The customer's message that the bot last answered from the article."""
        row = self._session.row(_LAST_TURN, (slug, conversation_id))
        return None if row is None else str(row[0])

    def counts(self, slugs: Sequence[str]) -> dict[str, FeedbackCounts]:
        """What readers said, by slug."""
        said = article_feedback.c
        spoken = select(
            said.slug,
            func.sum(case((said.helped, 1), else_=0)),
            func.sum(case((said.helped, 0), else_=1)),
        )
        shown = select(turns.c.article, func.count()).where(turns.c.article.is_not(None))
        found: dict[str, FeedbackCounts] = {}
        for slug, count in self._session.select(
            shown.where(turns.c.article.in_(slugs)).group_by(turns.c.article)
        ):
            found[slug] = FeedbackCounts(shown=count)
        rows = self._session.select(spoken.where(said.slug.in_(slugs)).group_by(said.slug))
        for slug, helped, unhelped in rows:
            known = found.get(slug, FeedbackCounts())
            found[slug] = replace(known, helped=int(helped), unhelped=int(unhelped))
        return found

    def note_miss(self, language: str, words: str, *, now: int) -> None:
        """Counts a search that found nothing."""
        if self._session.run(_COUNT_MISS, (now, language, words)):
            return
        query = select(func.count()).select_from(article_misses)
        if self._session.select(query)[0][0] < _MOST_MISSES:
            self._session.run(_INSERT_MISS, (language, words, 1, now))

    def misses(self, limit: int) -> list[MissedSearch]:
        """Searches that found nothing, most frequent first."""
        columns = article_misses.c
        query = select(*(columns[name] for name in _MISS)).order_by(
            columns.times.desc(), columns.last_at.desc()
        )
        rows = self._session.select(query.limit(limit))
        return [MissedSearch(**dict(zip(_MISS, row, strict=True))) for row in rows]

    def save_import(self, job: ImportJob) -> None:
        """Inserts or replaces."""
        values = tuple(_plain(getattr(job, name)) for name in _IMPORT)
        if not self._session.run(_UPDATE_IMPORT, (*values[1:], job.id)):
            self._session.run(_INSERT_IMPORT, values)

    def import_job(self, job_id: str) -> ImportJob:
        """One."""
        row = self._session.row(_IMPORT_BY_ID, (job_id,))
        if row is None:
            raise NotFoundError("There is no such import.")
        values = dict(zip(_IMPORT, row, strict=True))
        lists = {name: tuple(orjson.loads(values[name])) for name in ("skipped", "problems")}
        return ImportJob(**{**values, **lists})


def _plain(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, tuple) else value
