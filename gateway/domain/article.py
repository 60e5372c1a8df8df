"""Articles of the knowledge base and their versions (H1.5, H4.5): what they are, and may become.

An article is one piece of knowledge under one address (`slug`) in one or more languages. Each
language has versions with rising numbers, at most one of which is open (a draft, or in review)
and at most one published. Chinese is written once, in either script, and shown in the reader's.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.domain.errors import ConflictError, InvalidInputError

LANGUAGES = ("zh", "en")
TITLE_LIMIT = 200
BODY_LIMIT = 100_000
QUESTIONS_LIMIT = 100
QUESTION_LIMIT = 200
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LIMIT = 80


class Audience(StrEnum):
    """Who may read an article."""

    PUBLIC = "public"
    INTERNAL = "internal"


class VersionState(StrEnum):
    """How far a version has come."""

    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    RETIRED = "retired"  # was published, or given up


OPEN = (VersionState.DRAFT, VersionState.REVIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What all languages share. Times in ms; `version` rises with each change of these fields."""

    id: str
    slug: str
    category: str
    audience: Audience
    owner_id: str | None
    review_at: int | None
    expires_at: int | None
    archived: bool
    created_at: int
    updated_at: int
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleText:
    """What is written: `questions` are the ways customers ask for it, `body` is Markdown."""

    title: str
    body: str
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleVersion:
    """One version in one language; `reason` is what its author says of the change."""

    id: str
    article_id: str
    language: str
    number: int
    state: VersionState
    text: ArticleText
    author_id: str
    reason: str
    created_at: int
    updated_at: int
    published_at: int | None = None
    published_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """A line of two versions side by side: `same`, `added` or `removed`, and where it stands."""

    part: str  # title, questions or body
    change: str
    text: str


def check_slug(slug: str) -> None:
    """Lets addresses pass that read well in a link.

    Raises:
        InvalidInputError: it is none.
    """
    if len(slug) > SLUG_LIMIT or not _SLUG.fullmatch(slug):
        raise InvalidInputError(
            f"Use lower-case letters, digits and single hyphens, at most {SLUG_LIMIT}, such as "
            "reset-password.",
            field="/slug",
        )


def make_slug(name: str) -> str:
    """An address from a file's name or a title; empty when nothing of it can be used."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:SLUG_LIMIT].strip("-")


def check_text(text: ArticleText) -> None:
    """Lets texts pass that can be published.

    Raises:
        InvalidInputError: a field is empty or too long.
    """
    if not text.title.strip() or len(text.title) > TITLE_LIMIT:
        raise InvalidInputError(
            f"Give the article a title of at most {TITLE_LIMIT} characters.", field="/title"
        )
    if not text.body.strip() or len(text.body) > BODY_LIMIT:
        raise InvalidInputError(
            f"Write the article's text, at most {BODY_LIMIT:,} characters; divide a longer one.",
            field="/body",
        )
    if len(text.questions) > QUESTIONS_LIMIT:
        raise InvalidInputError(f"List at most {QUESTIONS_LIMIT} questions.", field="/questions")
    for place, question in enumerate(text.questions):
        if not question.strip() or len(question) > QUESTION_LIMIT:
            raise InvalidInputError(
                f"A question must have 1 to {QUESTION_LIMIT} characters.",
                field=f"/questions/{place}",
            )


def submit(version: ArticleVersion, *, now: int) -> ArticleVersion:
    """The draft, handed in for review.

    Raises:
        ConflictError: it is no draft.
    """
    if version.state is not VersionState.DRAFT:
        raise ConflictError("Only a draft can be handed in for review.")
    return replace(version, state=VersionState.REVIEW, updated_at=now)


def send_back(version: ArticleVersion, *, reason: str, now: int) -> ArticleVersion:
    """The reviewed version, a draft again, with what the reviewer says.

    Raises:
        ConflictError: it is not in review.
    """
    if version.state is not VersionState.REVIEW:
        raise ConflictError("Only a version in review can be sent back.")
    return replace(version, state=VersionState.DRAFT, reason=reason, updated_at=now)


def publish(version: ArticleVersion, *, by: str, now: int) -> ArticleVersion:
    """The open version, published.

    Raises:
        ConflictError: it is not open.
    """
    if version.state not in OPEN:
        raise ConflictError("Only a draft or a version in review can be published.")
    return replace(
        version, state=VersionState.PUBLISHED, published_at=now, published_by=by, updated_at=now
    )


def retire(version: ArticleVersion, *, now: int) -> ArticleVersion:
    """The version, out of use."""
    return replace(version, state=VersionState.RETIRED, updated_at=now)


def compare(old: ArticleText, new: ArticleText) -> tuple[DiffLine, ...]:
    """What changed from one text to another, line by line."""
    parts = (
        ("title", [old.title], [new.title]),
        ("questions", list(old.questions), list(new.questions)),
        ("body", old.body.splitlines(), new.body.splitlines()),
    )
    return tuple(line for part, a, b in parts for line in _compare_lines(part, a, b))


def _compare_lines(part: str, old: list[str], new: list[str]) -> Iterator[DiffLine]:
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for kind, a, a_end, b, b_end in matcher.get_opcodes():
        if kind == "equal":
            for text in old[a:a_end]:
                yield DiffLine(part=part, change="same", text=text)
            continue
        for text in old[a:a_end]:
            yield DiffLine(part=part, change="removed", text=text)
        for text in new[b:b_end]:
            yield DiffLine(part=part, change="added", text=text)
