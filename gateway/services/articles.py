"""Articles of the knowledge base: drafts, review, publishing, versions (H1.5, H4.5).

Agents read and draft; leaders and administrators publish. Each change is audited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.domain.article import (
    LANGUAGES,
    OPEN,
    Article,
    ArticleText,
    ArticleVersion,
    Audience,
    VersionState,
    check_slug,
    check_text,
    publish,
    retire,
    send_back,
    submit,
)
from gateway.domain.errors import ConflictError, InvalidInputError
from gateway.domain.events import ArticlesChanged
from gateway.domain.people import Agent, Right
from gateway.ports.clock import NewId
from gateway.ports.knowledge import VersionHead
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.article_lookup import ArticleRecord, article_records, version_of
from gateway.services.auditing import note


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleDetails:
    """What all languages of an article share."""

    slug: str
    category: str
    audience: Audience
    owner_id: str | None = None
    review_at: int | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an author hands in; `base` is the version that they saw, None for a first one."""

    language: str
    text: ArticleText
    reason: str
    base: str | None = None
    base_updated_at: int | None = None


def add_article(
    uow: UnitOfWork,
    actor: Agent,
    details: ArticleDetails,
    draft: Draft,
    *,
    now: int,
    new_id: NewId,
) -> ArticleRecord:
    """Adds an article with a first draft.

    Raises:
        NotAllowedError: the role does not permit it.
        InvalidInputError: a field is wrong.
        ConflictError: the slug is taken.
    """
    require(actor, Right.DRAFT_ARTICLES)
    _check_details(uow, details)
    article = Article(
        id=new_id(), archived=False, created_at=now, updated_at=now, **_fields(details)
    )
    uow.articles.add(article)
    _write_draft(uow, actor, article, draft, now=now, new_id=new_id)
    _note(uow, actor, "article.added", article, now, after=_told(article))
    return article_records(uow, [article])[0]


def change_details(
    uow: UnitOfWork,
    actor: Agent,
    article_id: str,
    changes: Mapping[str, Any],
    *,
    version: int,
    now: int,
) -> ArticleRecord:
    """Changes what all languages share, as far as `changes` names it.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is no such article.
        InvalidInputError: a field is wrong.
        ConflictError: it changed meanwhile, or the slug is taken.
    """
    require(actor, Right.PUBLISH_ARTICLES)
    before = uow.articles.get(article_id, lock=True)
    if before.version != version:
        raise ConflictError("Somebody changed this article meanwhile; look at it again.")
    after = replace(before, **changes, version=before.version + 1, updated_at=now)
    _check_details(uow, ArticleDetails(**{name: getattr(after, name) for name in _DETAIL_FIELDS}))
    uow.articles.update(after)
    _note(uow, actor, "article.changed", after, now, before=_told(before), after=_told(after))
    _tell(uow)
    return article_records(uow, [after])[0]


def save_draft(
    uow: UnitOfWork,
    actor: Agent,
    article_id: str,
    draft: Draft,
    *,
    now: int,
    new_id: NewId,
) -> ArticleVersion:
    """Writes the open version of a language, or begins one.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is no such article.
        InvalidInputError: a field is wrong.
        ConflictError: somebody else wrote another draft meanwhile; `extra` names it.
    """
    require(actor, Right.DRAFT_ARTICLES)
    article = uow.articles.get(article_id, lock=True)
    version = _write_draft(uow, actor, article, draft, now=now, new_id=new_id)
    _note(uow, actor, "article.drafted", article, now, after=_version_told(version))
    return version


def submit_version(
    uow: UnitOfWork, actor: Agent, article_id: str, version_id: str, *, now: int
) -> ArticleVersion:
    """Hands a draft in for review.

    Raises:
        NotFoundError: the article has none with that id.
        ConflictError: it is no draft.
    """
    require(actor, Right.DRAFT_ARTICLES)
    article = uow.articles.get(article_id, lock=True)
    version = submit(version_of(uow, article_id, version_id), now=now)
    uow.articles.update_version(version)
    _note(uow, actor, "article.submitted", article, now, after=_version_told(version))
    return version


def send_version_back(
    uow: UnitOfWork, actor: Agent, article_id: str, version_id: str, *, reason: str, now: int
) -> ArticleVersion:
    """Gives a reviewed version back to its author, with the reason.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: the article has none with that id.
        ConflictError: it is not in review.
    """
    require(actor, Right.PUBLISH_ARTICLES)
    article = uow.articles.get(article_id, lock=True)
    version = send_back(version_of(uow, article_id, version_id), reason=reason, now=now)
    uow.articles.update_version(version)
    _note(uow, actor, "article.sent_back", article, now, after=_version_told(version))
    return version


def publish_version(
    uow: UnitOfWork, actor: Agent, article_id: str, version_id: str, *, now: int
) -> ArticleVersion:
    """Publishes a draft or reviewed version in place of what was published before.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: the article has none with that id.
        ConflictError: it is not open, or the article is archived.
    """
    require(actor, Right.PUBLISH_ARTICLES)
    article = uow.articles.get(article_id, lock=True)
    if article.archived:
        raise ConflictError("The article is archived; take it out of the archive first.")
    version = _publish(uow, version_of(uow, article_id, version_id), by=actor.id, now=now)
    _note(uow, actor, "article.published", article, now, after=_version_told(version))
    _tell(uow)
    return version


def withdraw_version(
    uow: UnitOfWork, actor: Agent, article_id: str, version_id: str, *, now: int
) -> ArticleVersion:
    """Takes a version out of use: a published one from readers, an open one from editors.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: the article has none with that id.
        ConflictError: it is out of use already.
    """
    version = version_of(uow, article_id, version_id)
    is_own = version.state in OPEN and version.author_id == actor.id
    require(actor, Right.DRAFT_ARTICLES if is_own else Right.PUBLISH_ARTICLES)
    article = uow.articles.get(article_id, lock=True)
    if version.state is VersionState.RETIRED:
        raise ConflictError("This version is out of use already.")
    retired = retire(version, now=now)
    uow.articles.update_version(retired)
    _note(
        uow,
        actor,
        "article.withdrawn",
        article,
        now,
        before=_version_told(version),
        after=_version_told(retired),
    )
    _tell(uow)
    return retired


def restore_version(
    uow: UnitOfWork, actor: Agent, article_id: str, version_id: str, *, now: int, new_id: NewId
) -> ArticleVersion:
    """Begins a draft from an old version; an open one must be dealt with first.

    Raises:
        NotFoundError: the article has none with that id.
        ConflictError: there is an open version already.
    """
    require(actor, Right.DRAFT_ARTICLES)
    article = uow.articles.get(article_id, lock=True)
    old = version_of(uow, article_id, version_id)
    if _open_head(uow, article_id, old.language) is not None:
        raise ConflictError("There is an open draft; publish or withdraw it first.")
    draft = Draft(language=old.language, text=old.text, reason=f"from version {old.number}")
    version = _write_draft(uow, actor, article, draft, now=now, new_id=new_id)
    _note(uow, actor, "article.restored", article, now, after=_version_told(version))
    return version


def archive_article(
    uow: UnitOfWork, actor: Agent, article_id: str, *, archived: bool, now: int
) -> ArticleRecord:
    """Takes an article out of use with all its languages, or back into use.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is no such article.
    """
    require(actor, Right.PUBLISH_ARTICLES)
    before = uow.articles.get(article_id, lock=True)
    after = replace(before, archived=archived, version=before.version + 1, updated_at=now)
    uow.articles.update(after)
    action = "article.archived" if archived else "article.unarchived"
    _note(uow, actor, action, after, now, before=_told(before), after=_told(after))
    _tell(uow)
    return article_records(uow, [after])[0]


_DETAIL_FIELDS = ("slug", "category", "audience", "owner_id", "review_at", "expires_at")


def _fields(details: ArticleDetails) -> dict[str, Any]:
    return {name: getattr(details, name) for name in _DETAIL_FIELDS}


def _open_head(uow: UnitOfWork, article_id: str, language: str) -> VersionHead | None:
    heads = uow.articles.heads([article_id], current=True)
    return next((h for h in heads if h.language == language and h.state in OPEN), None)


def _write_draft(
    uow: UnitOfWork,
    actor: Agent,
    article: Article,
    draft: Draft,
    *,
    now: int,
    new_id: NewId,
) -> ArticleVersion:
    if draft.language not in LANGUAGES:
        raise InvalidInputError("Articles are written in zh or en.", field="/language")
    check_text(draft.text)
    present = _open_head(uow, article.id, draft.language)
    if present is not None:
        seen = (present.id, present.updated_at)
        if (draft.base, draft.base_updated_at) != seen:
            raise ConflictError(
                "Somebody wrote another draft meanwhile; compare before you save yours.",
                version_id=present.id,
            )
        changed = replace(
            uow.articles.version(present.id),
            state=VersionState.DRAFT,
            text=draft.text,
            author_id=actor.id,
            reason=draft.reason,
            updated_at=max(now, present.updated_at + 1),
        )
        uow.articles.update_version(changed)
        return changed
    numbers = [h.number for h in uow.articles.heads([article.id]) if h.language == draft.language]
    version = ArticleVersion(
        id=new_id(),
        article_id=article.id,
        language=draft.language,
        number=max(numbers, default=0) + 1,
        state=VersionState.DRAFT,
        text=draft.text,
        author_id=actor.id,
        reason=draft.reason,
        created_at=now,
        updated_at=now,
    )
    uow.articles.add_versions([version])
    return version


def _publish(uow: UnitOfWork, version: ArticleVersion, *, by: str, now: int) -> ArticleVersion:
    published = publish(version, by=by, now=now)
    for head in uow.articles.heads([version.article_id], current=True):
        if head.language == version.language and head.state is VersionState.PUBLISHED:
            uow.articles.update_version(retire(uow.articles.version(head.id), now=now))
    uow.articles.update_version(published)
    return published


def _check_details(uow: UnitOfWork, details: ArticleDetails) -> None:
    check_slug(details.slug)
    if not details.category.strip():
        raise InvalidInputError("Name a category.", field="/category")
    if details.owner_id is not None and details.owner_id not in {
        agent.id for agent in uow.agents.all()
    }:
        raise InvalidInputError("There is no such agent.", field="/owner_id")


def _tell(uow: UnitOfWork) -> None:
    uow.articles.mark_changed()
    uow.emit(ArticlesChanged())


def _told(article: Article) -> dict[str, Any]:
    fields = asdict(article)
    return {name: value for name, value in fields.items() if name not in {"id", "created_at"}}


def _version_told(version: ArticleVersion) -> dict[str, Any]:
    return {
        "version_id": version.id,
        "language": version.language,
        "number": version.number,
        "state": version.state.value,
        "title": version.text.title,
        "reason": version.reason,
    }


def _note(
    uow: UnitOfWork,
    actor: Agent,
    action: str,
    article: Article,
    now: int,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    note(uow, actor.id, action, ("article", article.id), now=now, before=before, after=after)
