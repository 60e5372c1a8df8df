"""What requests about articles may hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from gateway.domain.article import (
    BODY_LIMIT,
    QUESTION_LIMIT,
    QUESTIONS_LIMIT,
    SLUG_LIMIT,
    TITLE_LIMIT,
    Audience,
    VersionState,
)
from gateway.http.fields import Change, Id, Input, Query, _one_line, _plain
from gateway.http.inputs import PageQuery, _empty_is_none

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_LIMIT),
    AfterValidator(_one_line),
]
Question = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=QUESTION_LIMIT),
    AfterValidator(_one_line),
]
Body = Annotated[
    str, StringConstraints(min_length=1, max_length=BODY_LIMIT), AfterValidator(_plain)
]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=SLUG_LIMIT)]
Category = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),
    AfterValidator(_one_line),
]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_plain)
]
ArticleLanguage = Literal["zh", "en"]


class DraftInput(Input):
    """A text in one language.

    `base_id` and `base_updated_at` (in ms) are those of the open version that the author saw;
    none when there was none.
    """

    language: ArticleLanguage
    title: Title
    body: Body
    questions: Annotated[list[Question], Field(max_length=QUESTIONS_LIMIT, default_factory=list)]
    reason: Reason = ""
    base_id: Id | None = None
    base_updated_at: Annotated[int, Field(ge=0, le=2**53)] | None = None


class ArticleInput(Input):
    """A new article with its first draft."""

    slug: Slug
    category: Category
    audience: Audience = Audience.PUBLIC
    draft: DraftInput


class ArticleChange(Change):
    """What is to change of what all languages share; `version` as seen."""

    version: int
    slug: Slug = ""
    category: Category = ""
    audience: Audience = Audience.PUBLIC
    owner_id: Id | None = None
    review_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None


class SendBackInput(Input):
    """Why a version goes back to its author."""

    reason: Annotated[Reason, StringConstraints(min_length=1)]


class PreviewInput(Input):
    """Markdown to be seen as readers see it."""

    body: Annotated[str, StringConstraints(max_length=BODY_LIMIT), AfterValidator(_plain)]


class ArticleQuery(PageQuery):
    """Which articles; `due` keeps those whose review date has come."""

    q: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    category: Annotated[Category | None, BeforeValidator(_empty_is_none)] = None
    audience: Annotated[Audience | None, BeforeValidator(_empty_is_none)] = None
    state: Annotated[VersionState | None, BeforeValidator(_empty_is_none)] = None
    archived: bool = False
    due: bool = False


class ArticleSearchQuery(Query):
    """Which words, in which language."""

    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    language: Literal["zh-Hans", "zh-Hant", "en"] = "zh-Hans"
    limit: Annotated[int, Field(ge=1, le=20)] = 8


class DiffQuery(Query):
    """With which version to compare."""

    against: Id


class ImportQuery(Query):
    """The file's name, the language of texts that do not tell, and whether to publish."""

    name: Annotated[str, StringConstraints(max_length=255)] = ""
    language: ArticleLanguage = "zh"
    publish: bool = False


def milliseconds(moment: datetime | None) -> int | None:
    """A moment as the store keeps it."""
    return None if moment is None else round(moment.timestamp() * 1000)


def detail_changes(sent: dict[str, Any]) -> dict[str, Any]:
    """The changed fields as the service takes them."""
    found = {name: value for name, value in sent.items() if name != "version"}
    for name in ("review_at", "expires_at"):
        if name in found:
            found[name] = milliseconds(found[name])
    return found
