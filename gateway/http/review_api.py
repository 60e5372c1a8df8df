"""Review of customers' questions, conversations kept as tests, figures."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.domain.catalogue import JobKind
from gateway.domain.people import Right
from gateway.http import catalogue_answers
from gateway.http import catalogue_inputs as inputs
from gateway.http import catalogue_json as shown
from gateway.http import review_answers as answers
from gateway.http.call import Call
from gateway.http.catalogue_api import describe, stale
from gateway.http.publishing_api import queue
from gateway.http.registry import Endpoint
from gateway.http.serial import Json
from gateway.ports.store import UnitOfWork
from gateway.services import drafting, review
from gateway.services.access import require
from gateway.services.catalogue_figures import DAY, read_figures
from gateway.services.draft import StaleError
from gateway.services.wording import DRAFT
from intents.model import Language


async def list_review(call: Call) -> Json:
    """Questions that deserve a look, in groups of like ones."""
    query = call.query(inputs.ReviewQuery)
    since = call.now - query.days * DAY
    turns = await call.read(lambda uow: review.questionable(uow, call.agent, since=since))
    draft = await call.parts.bench.likeness()
    found = await asyncio.to_thread(review.cluster, turns, draft)
    return {
        "items": [shown.cluster_json(each) for each in found[: query.limit]],
        "total": len(turns),
    }


async def resolve_sentences(call: Call) -> Json:
    """Notes what became of sentences; examples and checks go into the draft."""
    body = call.body(inputs.ResolveInput)
    texts = {each.message_id: each.text for each in body.sentences}
    try:
        resolved, document = await call.write(
            lambda uow: review.resolve(
                uow,
                call.agent,
                texts,
                body.outcome,
                intent=body.intent,
                seen=body.revision,
                now=call.now,
            )
        )
    except StaleError as error:
        raise await stale(call, error) from error
    told = await describe(call, document) if document is not None else None
    return {"resolved": resolved, "document": told}


async def file_sentence(call: Call) -> None:
    """Puts a customer's message before the editors."""
    body = call.body(inputs.FileInput)
    await call.write(
        lambda uow: review.file_sentence(uow, call.agent, body.message_id, body.note, now=call.now)
    )


async def suggest_faq(call: Call) -> Json:
    """Questions and answers from conversations that people solved."""
    query = call.query(inputs.ReviewQuery)
    since = call.now - query.days * DAY
    answered = await call.read(lambda uow: review.answered_by_people(uow, call.agent, since=since))
    found = await asyncio.to_thread(review.suggest, answered)
    wanted = found[: query.limit]
    known = await asyncio.to_thread(review.known_articles, wanted, call.parts.articles)
    ids = await call.read(lambda uow: uow.articles.by_slugs([hit.slug for hit in known.values()]))
    told = {
        place: {"id": ids[hit.slug].id, "title": hit.title}
        for place, hit in known.items()
        if hit.slug in ids
    }
    return {
        "items": [shown.suggestion_json(each, told.get(n)) for n, each in enumerate(wanted)],
    }


async def draft_article(call: Call) -> web.Response:
    """Drafts an article from customers' questions and agents' answers to them."""
    body = call.body(inputs.ArticleDraftInput)
    evidence = await call.read(lambda uow: drafting.gather(uow, call.agent, body.message_ids))
    draft = await asyncio.to_thread(drafting.propose, evidence)
    answer, wording = None, call.parts.wording
    asked = drafting.question_for(draft)
    if wording is not None and asked is not None:
        _, answer = await wording.ask(asked, purpose=DRAFT)
    final = draft if answer is None else drafting.worded(draft, answer)

    def work(uow: UnitOfWork) -> Json:
        record = drafting.add_draft(
            uow,
            call.agent,
            final,
            reader=Language(body.language),
            now=call.now,
            new_id=call.new_id,
        )
        return {
            "article_id": record.article.id,
            "slug": record.article.slug,
            "language": final.language,
            "worded": answer is not None,
            "conversations": len({each.conversation_id for each in final.evidence}),
        }

    return await call.create(work)


async def list_tests(call: Call) -> Json:
    """Conversations kept as tests."""
    require(call.agent, Right.WORK)
    found = await call.read(lambda uow: uow.review.tests())
    return {"items": [shown.test_json(test) for test in found]}


async def keep_test(call: Call) -> web.Response:
    """Keeps a conversation as a test."""
    body = call.body(inputs.TestInput)
    expected = {
        each.seq: {"intent": each.intent, "decision": each.decision, "article": each.article}
        for each in body.expected
    }
    return await call.create(
        lambda uow: shown.test_json(
            review.keep_as_test(
                uow,
                call.agent,
                body.conversation_id,
                body.name,
                expected,
                now=call.now,
                new_id=call.new_id,
            )
        )
    )


async def remove_test(call: Call) -> None:
    """Removes a test."""
    test_id = call.path("id")
    await call.write(lambda uow: review.remove_test(uow, call.agent, test_id, now=call.now))


async def replay_tests(call: Call) -> web.Response:
    """Plays saved conversations to the draft or to a version."""
    body = call.body(inputs.ReplayInput)
    return await queue(call, JobKind.REPLAY, {"state": body.version, "tests": body.tests})


async def read_use(call: Call) -> Json:
    """What came of the bot's turns."""
    days = call.query(inputs.FiguresQuery).days
    zone = call.parts.time_zone
    return shown.figures_json(
        await call.read(
            lambda uow: read_figures(uow, call.agent, days=days, zone=zone, now=call.now)
        )
    )


_TAG = "Review"
_EDIT = Right.EDIT_CATALOGUE

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/review",
        handler=list_review,
        tag=_TAG,
        summary="Questions that deserve a look, in groups",
        query=inputs.ReviewQuery,
        answer=answers.ReviewQueue,
        right=_EDIT,
    ),
    Endpoint(
        method="POST",
        path="/review/resolve",
        handler=resolve_sentences,
        tag=_TAG,
        summary="Make sentences examples, checks, or noise",
        body=inputs.ResolveInput,
        answer=answers.ResolveResult,
        right=_EDIT,
        errors=("conflict", "not_found"),
    ),
    Endpoint(
        method="POST",
        path="/review/file",
        handler=file_sentence,
        tag=_TAG,
        summary="Put a customer's message before the editors",
        body=inputs.FileInput,
        status=204,
        right=Right.WORK,
        errors=("not_found",),
    ),
    Endpoint(
        method="POST",
        path="/review/article-drafts",
        handler=draft_article,
        tag=_TAG,
        summary="Draft an article from customers' questions and agents' answers",
        body=inputs.ArticleDraftInput,
        answer=answers.DraftedArticle,
        status=201,
        right=_EDIT,
        creates=True,
        errors=("not_found",),
    ),
    Endpoint(
        method="GET",
        path="/review/suggestions",
        handler=suggest_faq,
        tag=_TAG,
        summary="Questions and answers from conversations that people solved",
        query=inputs.ReviewQuery,
        answer=answers.FaqSuggestions,
        right=_EDIT,
    ),
    Endpoint(
        method="GET",
        path="/regression-tests",
        handler=list_tests,
        tag=_TAG,
        summary="Conversations kept as tests",
        answer=answers.TestList,
        right=Right.WORK,
    ),
    Endpoint(
        method="POST",
        path="/regression-tests",
        handler=keep_test,
        tag=_TAG,
        summary="Keep a conversation as a test",
        body=inputs.TestInput,
        answer=answers.RegressionTest,
        status=201,
        right=_EDIT,
        creates=True,
        errors=("not_found",),
    ),
    Endpoint(
        method="DELETE",
        path="/regression-tests/{id}",
        handler=remove_test,
        tag=_TAG,
        summary="Remove a test",
        status=204,
        right=_EDIT,
    ),
    Endpoint(
        method="POST",
        path="/regression-tests/replay",
        handler=replay_tests,
        tag=_TAG,
        summary="Play saved conversations to the draft or to a version",
        body=inputs.ReplayInput,
        answer=catalogue_answers.CatalogueJob,
        status=202,
        right=_EDIT,
        errors=("conflict", "not_found"),
    ),
    Endpoint(
        method="GET",
        path="/catalogue/figures",
        handler=read_use,
        tag=_TAG,
        summary="What came of the bot's turns, by intent and by day",
        query=inputs.FiguresQuery,
        answer=answers.CatalogueFigures,
        right=Right.WORK,
    ),
)
