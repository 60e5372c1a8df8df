"""Articles of the knowledge base: list, read, draft, review, publish, search."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gateway.domain.article import ArticleText, ArticleVersion
from gateway.domain.people import Right
from gateway.http import article_answers as shapes
from gateway.http import article_inputs as inputs
from gateway.http.article_answers import head_json, record_json, version_json
from gateway.http.call import Call
from gateway.http.cursors import read_cursor, write_cursor
from gateway.http.help_pages import render_article
from gateway.http.inputs import LimitQuery
from gateway.http.registry import Endpoint
from gateway.http.serial import Json
from gateway.ports.knowledge import ArticleFilter
from gateway.ports.store import UnitOfWork
from gateway.services import article_lookup as lookup
from gateway.services import articles
from gateway.services.access import require
from intents.model import Language
from intents.text import to_traditional

_LIST = "articles"


async def list_articles(call: Call) -> Json:
    """One page of articles."""
    query = call.query(inputs.ArticleQuery)
    conditions = [
        call.agent.id,
        query.q,
        query.category,
        query.audience,
        query.state,
        str(query.archived),
        str(query.due),
    ]
    after: str | None = None
    if query.cursor is not None:
        (after,) = read_cursor(call.parts.signer, _LIST, conditions, query.cursor, now=call.now)
    wanted = ArticleFilter(
        limit=query.limit + 1,
        after=after,
        words=query.q,
        category=query.category,
        audience=query.audience,
        state=query.state,
        archived=query.archived,
        due_before=call.now if query.due else None,
    )

    def work(uow: UnitOfWork) -> tuple[list[Json], list[str]]:
        records, categories = lookup.list_articles(uow, call.agent, wanted)
        names = _names(uow)
        return [record_json(record, names) for record in records], categories

    items, categories = await call.read(work)
    shown, cursor = items[: query.limit], None
    if len(items) > query.limit:
        last = (shown[-1]["slug"],)
        cursor = write_cursor(call.parts.signer, _LIST, conditions, last, now=call.now)
    return {"items": shown, "next_cursor": cursor, "categories": categories}


def _names(uow: UnitOfWork) -> dict[str, str]:
    return {agent.id: agent.name for agent in uow.agents.all()}


def _full(uow: UnitOfWork, record: lookup.ArticleRecord) -> Json:
    names = _names(uow)
    texts = [version_json(text, names) for text in lookup.read_texts(uow, record)]
    return {**record_json(record, names), "texts": texts}


def _draft(body: inputs.DraftInput) -> articles.Draft:
    return articles.Draft(
        language=body.language,
        text=ArticleText(title=body.title, body=body.body, questions=tuple(body.questions)),
        reason=body.reason,
        base=body.base_id,
        base_updated_at=body.base_updated_at,
    )


async def add_article(call: Call) -> web.Response:
    """Adds an article with its first draft."""
    body = call.body(inputs.ArticleInput)
    details = articles.ArticleDetails(
        slug=body.slug, category=body.category, audience=body.audience, owner_id=call.agent.id
    )

    def work(uow: UnitOfWork) -> Json:
        record = articles.add_article(
            uow, call.agent, details, _draft(body.draft), now=call.now, new_id=call.new_id
        )
        return _full(uow, record)

    return await call.create(work)


async def read_article(call: Call) -> Json:
    """An article with the texts of its open and published versions."""
    key = call.path("id")
    return await call.read(lambda uow: _full(uow, lookup.read_article(uow, call.agent, key)))


async def change_article(call: Call) -> Json:
    """Changes address, category, audience, owner, review date or expiry."""
    body = call.body(inputs.ArticleChange)
    changes = inputs.detail_changes(call.changes())
    key = call.path("id")

    def work(uow: UnitOfWork) -> Json:
        return _full(
            uow,
            articles.change_details(
                uow, call.agent, key, changes, version=body.version, now=call.now
            ),
        )

    return await call.write(work)


async def save_article_draft(call: Call) -> Json:
    """Writes the open version of a language, or begins one."""
    draft = _draft(call.body(inputs.DraftInput))
    key = call.path("id")

    def work(uow: UnitOfWork) -> Json:
        version = articles.save_draft(
            uow, call.agent, key, draft, now=call.now, new_id=call.new_id
        )
        return version_json(version, _names(uow))

    return await call.write(work)


async def list_article_versions(call: Call) -> Json:
    """Every version, newest first in each language."""
    key = call.path("id")

    def work(uow: UnitOfWork) -> list[Json]:
        names = _names(uow)
        return [head_json(h, names) for h in lookup.list_versions(uow, call.agent, key)]

    return {"items": await call.read(work)}


async def read_article_version(call: Call) -> Json:
    """One version with its text."""
    key, version = call.path("id"), call.path("version_id")
    return await call.read(
        lambda uow: version_json(lookup.read_version(uow, call.agent, key, version), _names(uow))
    )


async def compare_article_versions(call: Call) -> Json:
    """What changed from the version `against` to this one."""
    key, version = call.path("id"), call.path("version_id")
    against = call.query(inputs.DiffQuery).against
    return shapes.diff_json(
        await call.read(
            lambda uow: lookup.compare_versions(uow, call.agent, key, against, version)
        )
    )


async def _move(call: Call, step: Callable[[UnitOfWork, str, str], ArticleVersion]) -> Json:
    """A step of one version, and the version after it."""
    key, version = call.path("id"), call.path("version_id")
    return await call.write(lambda uow: version_json(step(uow, key, version), _names(uow)))


async def submit_article_version(call: Call) -> Json:
    """Hands a draft in for review."""
    return await _move(
        call, lambda uow, a, v: articles.submit_version(uow, call.agent, a, v, now=call.now)
    )


async def send_back_article_version(call: Call) -> Json:
    """Gives a reviewed version back to its author."""
    reason = call.body(inputs.SendBackInput).reason
    return await _move(
        call,
        lambda uow, a, v: articles.send_version_back(
            uow, call.agent, a, v, reason=reason, now=call.now
        ),
    )


async def publish_article_version(call: Call) -> Json:
    """Publishes a draft or reviewed version."""
    return await _move(
        call, lambda uow, a, v: articles.publish_version(uow, call.agent, a, v, now=call.now)
    )


async def withdraw_article_version(call: Call) -> Json:
    """Takes a version out of use."""
    return await _move(
        call, lambda uow, a, v: articles.withdraw_version(uow, call.agent, a, v, now=call.now)
    )


async def restore_article_version(call: Call) -> Json:
    """Begins a draft from an old version."""
    return await _move(
        call,
        lambda uow, a, v: articles.restore_version(
            uow, call.agent, a, v, now=call.now, new_id=call.new_id
        ),
    )


async def archive_article(call: Call) -> Json:
    """Takes an article out of use with all its languages."""
    return await _shelve(call, archived=True)


async def unarchive_article(call: Call) -> Json:
    """Takes an article back into use."""
    return await _shelve(call, archived=False)


async def _shelve(call: Call, *, archived: bool) -> Json:
    key = call.path("id")

    def work(uow: UnitOfWork) -> Json:
        record = articles.archive_article(uow, call.agent, key, archived=archived, now=call.now)
        return _full(uow, record)

    return await call.write(work)


async def search_articles(call: Call) -> Json:
    """Published articles that answer a question, internal ones among them."""
    require(call.agent, Right.DRAFT_ARTICLES)
    query = call.query(inputs.ArticleSearchQuery)
    language = Language(query.language)
    hits = call.parts.articles.search(query.q, language, query.limit, internal=True)

    def shown(text: str) -> str:
        converted = to_traditional(text) if language is Language.ZH_HANT else text
        return converted if len(converted) == len(text) else text  # marks are places in it

    items = [
        {
            "slug": hit.slug,
            "title": shown(hit.title),
            "passage": shown(hit.passage),
            "marks": [list(mark) for mark in hit.marks],
            "score": hit.score,
            "audience": hit.audience,
            "url": f"/help/{hit.slug}" if hit.audience == "public" else None,
        }
        for hit in hits
    ]
    return {"items": items}


async def list_article_misses(call: Call) -> Json:
    """What customers searched for in the help centre and did not find."""
    limit = call.query(LimitQuery).limit
    found = await call.read(lambda uow: lookup.list_misses(uow, call.agent, limit))
    return {"items": [shapes.miss_json(miss) for miss in found]}


async def preview_article(call: Call) -> Json:
    """Markdown as the help pages show it."""
    require(call.agent, Right.DRAFT_ARTICLES)
    return {"html": render_article(call.body(inputs.PreviewInput).body)}


_TAG = "Knowledge base"
_ONE = "/articles/{id}"
_VERSION = "/articles/{id}/versions/{version_id}"


def _step(name: str, handler: Callable[[Call], object], summary: str, right: Right) -> Endpoint:
    return Endpoint(
        method="POST",
        path=f"{_VERSION}/{name}",
        handler=handler,  # type: ignore[arg-type]
        tag=_TAG,
        summary=summary,
        answer=shapes.ArticleVersionText,
        right=right,
        errors=("conflict",),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/articles",
        handler=list_articles,
        tag=_TAG,
        summary="Articles by address",
        query=inputs.ArticleQuery,
        answer=shapes.ArticlePage,
        right=Right.DRAFT_ARTICLES,
        errors=("invalid_cursor",),
    ),
    Endpoint(
        method="POST",
        path="/articles",
        handler=add_article,
        tag=_TAG,
        summary="Add an article with its first draft",
        body=inputs.ArticleInput,
        answer=shapes.ArticleFull,
        status=201,
        right=Right.DRAFT_ARTICLES,
        creates=True,
    ),
    Endpoint(
        method="GET",
        path=_ONE,
        handler=read_article,
        tag=_TAG,
        summary="An article with its open and published texts",
        answer=shapes.ArticleFull,
        right=Right.DRAFT_ARTICLES,
    ),
    Endpoint(
        method="PATCH",
        path=_ONE,
        handler=change_article,
        tag=_TAG,
        summary="Change what all languages of an article share",
        body=inputs.ArticleChange,
        answer=shapes.ArticleFull,
        right=Right.PUBLISH_ARTICLES,
        errors=("conflict",),
    ),
    Endpoint(
        method="PUT",
        path=f"{_ONE}/draft",
        handler=save_article_draft,
        tag=_TAG,
        summary="Write the open version of a language, or begin one",
        body=inputs.DraftInput,
        answer=shapes.ArticleVersionText,
        right=Right.DRAFT_ARTICLES,
        errors=("conflict",),
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE}/archive",
        handler=archive_article,
        tag=_TAG,
        summary="Take an article out of use",
        answer=shapes.ArticleFull,
        right=Right.PUBLISH_ARTICLES,
    ),
    Endpoint(
        method="POST",
        path=f"{_ONE}/unarchive",
        handler=unarchive_article,
        tag=_TAG,
        summary="Take an article back into use",
        answer=shapes.ArticleFull,
        right=Right.PUBLISH_ARTICLES,
    ),
    Endpoint(
        method="GET",
        path=f"{_ONE}/versions",
        handler=list_article_versions,
        tag=_TAG,
        summary="Every version of an article",
        answer=shapes.ArticleHeadList,
        right=Right.DRAFT_ARTICLES,
    ),
    Endpoint(
        method="GET",
        path=_VERSION,
        handler=read_article_version,
        tag=_TAG,
        summary="A version with its text",
        answer=shapes.ArticleVersionText,
        right=Right.DRAFT_ARTICLES,
    ),
    Endpoint(
        method="GET",
        path=f"{_VERSION}/diff",
        handler=compare_article_versions,
        tag=_TAG,
        summary="What changed from another version to this one",
        query=inputs.DiffQuery,
        answer=shapes.ArticleDiff,
        right=Right.DRAFT_ARTICLES,
    ),
    _step("submit", submit_article_version, "Hand a draft in for review", Right.DRAFT_ARTICLES),
    Endpoint(
        method="POST",
        path=f"{_VERSION}/send-back",
        handler=send_back_article_version,
        tag=_TAG,
        summary="Give a reviewed version back to its author",
        body=inputs.SendBackInput,
        answer=shapes.ArticleVersionText,
        right=Right.PUBLISH_ARTICLES,
        errors=("conflict",),
    ),
    _step("publish", publish_article_version, "Publish a version", Right.PUBLISH_ARTICLES),
    _step("withdraw", withdraw_article_version, "Take a version out of use", Right.DRAFT_ARTICLES),
    _step("restore", restore_article_version, "Draft from an old version", Right.DRAFT_ARTICLES),
    Endpoint(
        method="GET",
        path="/article-search",
        handler=search_articles,
        tag=_TAG,
        summary="Published articles that answer a question",
        query=inputs.ArticleSearchQuery,
        answer=shapes.ArticleHitList,
        right=Right.DRAFT_ARTICLES,
    ),
    Endpoint(
        method="GET",
        path="/article-misses",
        handler=list_article_misses,
        tag=_TAG,
        summary="Searches of the help centre that found nothing",
        query=LimitQuery,
        answer=shapes.ArticleMissList,
        right=Right.DRAFT_ARTICLES,
    ),
    Endpoint(
        method="POST",
        path="/article-preview",
        handler=preview_article,
        tag=_TAG,
        summary="Markdown as the help pages show it",
        body=inputs.PreviewInput,
        answer=shapes.ArticlePreview,
        right=Right.DRAFT_ARTICLES,
    ),
)
