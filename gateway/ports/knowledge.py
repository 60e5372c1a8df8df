"""Articles, their versions and what readers say of them, as the store keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.article import Article, ArticleVersion, Audience, VersionState


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleFilter:
    """One page of a list, by slug; `after` is the last slug of the previous page.

    `words` must stand in the slug or in a title of an open or published version. `due_before`
    keeps those whose review date lies before it, in ms.
    """

    limit: int
    after: str | None = None
    words: str = ""
    category: str | None = None
    audience: Audience | None = None
    state: VersionState | None = None
    archived: bool = False
    due_before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionHead:
    """A version without its body."""

    id: str
    article_id: str
    language: str
    number: int
    state: VersionState
    title: str
    author_id: str
    reason: str
    created_at: int
    updated_at: int
    published_at: int | None
    published_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveArticle:
    """What is published now: which version stands for an article in a language."""

    slug: str
    language: str
    version_id: str
    category: str
    audience: Audience
    expires_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackCounts:
    """What readers said of an article, and how often the bot answered from it."""

    helped: int = 0
    unhelped: int = 0
    shown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a customer said of an answer; `message_id` is the customer's own press."""

    message_id: str
    turn_message_id: str | None
    slug: str
    helped: bool
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedSearch:
    """Words that found nothing in the help centre."""

    language: str
    words: str
    times: int
    last_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob:
    """An import on its way. `state` is running, done or failed; `problems` say what is wrong."""

    id: str
    agent_id: str
    name: str
    state: str
    done: int
    total: int
    added: int
    changed: int
    skipped: tuple[str, ...]
    problems: tuple[str, ...]
    created_at: int
    updated_at: int


class Articles(Protocol):
    """The knowledge base."""

    def get(self, article_id: str, *, lock: bool = False) -> Article:
        """One.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def by_slugs(self, slugs: Sequence[str]) -> dict[str, Article]:
        """Those that exist."""
        ...

    def any(self) -> bool:
        """Whether there is an article, archived ones included."""
        ...

    def page(self, wanted: ArticleFilter) -> list[Article]:
        """A page of the list."""
        ...

    def categories(self) -> list[str]:
        """Every category that an article in use has."""
        ...

    def add(self, article: Article) -> None:
        """Inserts.

        Raises:
            ConflictError: the slug is taken.
        """
        ...

    def update(self, article: Article) -> None:
        """Writes all columns.

        Raises:
            ConflictError: the slug is taken.
        """
        ...

    def add_versions(self, versions: Sequence[ArticleVersion]) -> None:
        """Inserts."""
        ...

    def update_version(self, version: ArticleVersion) -> None:
        """Writes all columns."""
        ...

    def version(self, version_id: str) -> ArticleVersion:
        """One.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def versions(self, version_ids: Iterable[str]) -> list[ArticleVersion]:
        """Those with these ids."""
        ...

    def heads(self, article_ids: Sequence[str], *, current: bool = False) -> list[VersionHead]:
        """Versions of articles, newest first; open and published ones only, if `current`."""
        ...

    def live(self, *, now: int) -> list[LiveArticle]:
        """Every published version of an article that is neither archived nor expired."""
        ...

    def mark_changed(self) -> None:
        """Tells those who follow that what is live may have changed."""
        ...

    def changes(self) -> int:
        """Rises with each `mark_changed`."""
        ...

    def add_feedback(self, feedback: Feedback) -> None:
        """Inserts; a second word about the same answer replaces the first."""
        ...

    def last_turn_with(self, conversation_id: str, slug: str) -> str | None:
        """The customer's message that the bot last answered from the article."""
        ...

    def counts(self, slugs: Sequence[str]) -> dict[str, FeedbackCounts]:
        """What readers said, by slug."""
        ...

    def note_miss(self, language: str, words: str, *, now: int) -> None:
        """Counts a search that found nothing."""
        ...

    def misses(self, limit: int) -> list[MissedSearch]:
        """Searches that found nothing, most frequent first."""
        ...

    def save_import(self, job: ImportJob) -> None:
        """Inserts or replaces."""
        ...

    def import_job(self, job_id: str) -> ImportJob:
        """One.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...
