"""The catalogue's draft, versions, models, jobs and review on both databases."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from channels.contract import MessageKind
from gateway.domain.catalogue import (
    DraftDocument,
    FiledSentence,
    Job,
    JobKind,
    JobState,
    RegressionTest,
    ReviewMark,
    ReviewOutcome,
    Version,
)
from gateway.domain.conversation import Controller, ConversationStatus
from gateway.domain.errors import ConflictError, NotFoundError
from gateway.domain.records import TurnRecord
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore
from intents.documents import CatalogueDocument, Kind
from tests.gateway.store.samples import conversation, message, ticket

DAY = 86_400_000


def intent(name: str, *texts: str) -> CatalogueDocument:
    said = [{"text": text, "language": "en", "entities": []} for text in texts]
    return CatalogueDocument(kind=Kind.INTENT, name=name, body={"utterances": said})


async def put(
    store: SqlStore, document: CatalogueDocument, seen: int | None
) -> DraftDocument | None:
    return await store.write(
        lambda uow: uow.draft.put(document, expected=seen, editor="li", now=5)
    )


async def test_a_document_is_replaced_only_as_it_was_seen(store: SqlStore) -> None:
    first = await put(store, intent("greet", "hi"), None)
    assert first is not None
    assert await put(store, intent("greet", "hey"), None) is None
    second = await put(store, intent("greet", "hey"), first.revision)
    assert second is not None
    assert second.revision > first.revision
    assert await put(store, intent("greet", "yo"), first.revision) is None
    found = await store.read(lambda uow: uow.draft.find(Kind.INTENT, "greet"))
    assert found == second
    gone = await store.write(
        lambda uow: (
            uow.draft.remove(Kind.INTENT, "greet", expected=first.revision),
            uow.draft.remove(Kind.INTENT, "greet", expected=second.revision),
        )
    )
    assert gone == (False, True)


async def test_a_whole_draft_is_replaced_and_what_stays_keeps_its_revision(
    store: SqlStore,
) -> None:
    documents = [
        intent("b", "x"),
        intent("a", "y"),
        CatalogueDocument(kind=Kind.RULE, name="r", body={}),
    ]
    await store.write(lambda uow: uow.draft.replace_all(documents, editor=None, now=1))
    added = await put(store, intent("c", "z"), None)
    before = await store.read(lambda uow: {d.name: d for d in uow.draft.all()})
    changed = [intent("b", "x"), intent("a", "other"), added.document] if added else []
    await store.write(lambda uow: uow.draft.replace_all(changed, editor="li", now=9))
    after = await store.read(lambda uow: uow.draft.all())
    assert [own.name for own in after] == ["b", "a", "c"]
    by_name = {own.name: own for own in after}
    assert by_name["b"] == before["b"]
    assert by_name["a"].revision > before["a"].revision
    assert by_name["a"].editor_id == "li"


def version(number: int, **changes: Any) -> Version:
    made = Version(
        number=number, hash=f"h{number}", lessons="l", author_id="li", reason="", created_at=number
    )
    return replace(made, **changes)


async def test_versions_are_numbered_once(store: SqlStore) -> None:
    assert await store.read(lambda uow: uow.versions.published()) is None
    second = version(2, figures={"accuracy": 0.5}, restored=1, overridden=True)
    await store.write(lambda uow: uow.versions.add(version(1), "[]"))
    await store.write(lambda uow: uow.versions.add(second, '[["intent","a",{}]]'))
    assert await store.read(lambda uow: uow.versions.published()) == second
    assert await store.read(lambda uow: uow.versions.content(2)) == '[["intent","a",{}]]'
    assert await store.read(lambda uow: uow.versions.by_hash("h1")) == version(1)
    with pytest.raises(ConflictError):
        await store.write(lambda uow: uow.versions.add(version(2), ""))
    with pytest.raises(NotFoundError):
        await store.read(lambda uow: uow.versions.get(3))


async def test_a_model_is_there_only_when_it_is_complete(store: SqlStore) -> None:
    await store.write(lambda uow: uow.models.put_piece("a", 0, b"\x00half"))
    assert await store.read(lambda uow: uow.models.size("a")) is None
    await store.write(lambda uow: uow.models.put_piece("a", 0, b"\x00\xff"))
    await store.write(lambda uow: uow.models.complete("a", 2, 1))
    await store.write(lambda uow: uow.models.complete("b", 0, 1))
    assert await store.read(lambda uow: uow.models.piece("a", 0)) == b"\x00\xff"
    assert await store.write(lambda uow: uow.models.keep_only(["b"])) == 1
    assert await store.read(lambda uow: (uow.models.size("a"), uow.models.piece("a", 0))) == (
        None,
        None,
    )


def job(job_id: str, **changes: Any) -> Job:
    made = Job(
        id=job_id,
        kind=JobKind.CHECK,
        state=JobState.WAITING,
        actor_id="li",
        created_at=1,
        task={"folds": 5},
    )
    return replace(made, **changes)


def _add_job(uow: UnitOfWork, job: Job) -> None:
    uow.jobs.add(job)


async def test_jobs_run_one_after_another_and_outlive_their_holders(store: SqlStore) -> None:
    for each in (job("a"), job("b", created_at=2)):
        await store.write(partial(_add_job, job=each))
    first = await store.write(lambda uow: uow.jobs.claim("w1", now=10, until=20))
    assert first is not None
    assert (first.id, first.attempts, first.holder) == ("a", 1, "w1")
    assert await store.write(lambda uow: uow.jobs.claim("w2", now=19, until=30)) is None
    again = await store.write(lambda uow: uow.jobs.claim("w2", now=20, until=30))
    assert again is not None
    assert (again.id, again.attempts, again.holder) == ("a", 2, "w2")
    done = replace(again, state=JobState.DONE, result={"x": [1]}, finished_at=25)
    await store.write(lambda uow: uow.jobs.update(done))
    assert await store.read(lambda uow: uow.jobs.get("a")) == done
    nxt = await store.write(lambda uow: uow.jobs.claim("w2", now=26, until=30))
    assert nxt is not None
    assert nxt.id == "b"
    assert [each.id for each in await store.read(lambda uow: uow.jobs.newest(5))] == ["b", "a"]
    assert await store.write(lambda uow: uow.jobs.remove_older(26)) == 1


def turn(message_id: str, **changes: Any) -> TurnRecord:
    made = TurnRecord(
        message_id=message_id,
        conversation_id="conversation",
        intent="refund",
        confidence=0.9,
        decision="reply",
        reason="",
        article=None,
        catalogue_version="v",
        ms=1,
        created_at=DAY,
    )
    return replace(made, **changes)


def talk_of_many(uow: UnitOfWork) -> None:
    """A sure answer, a doubtful one, a hand-off that an agent answers."""
    uow.messages.add(
        [
            message(1, "refund please", id="sure"),
            message(2, "money?", id="doubt"),
            message(3, "my thing broke", id="handed"),
            message(4, "Turn it off and on.", id="help", kind=MessageKind.AGENT, author_name="Li"),
            message(5, "", id="button", payload="/refund"),
        ]
    )
    uow.turns.add(
        [
            turn("sure"),
            turn("doubt", confidence=0.2),
            turn("handed", intent=None, confidence=0.0, decision="handoff", reason="wish"),
            turn("button", confidence=0.1),
        ]
    )
    uow.tickets.add(ticket(10001))
    found = uow.conversations.get("conversation", lock=True)
    uow.conversations.update(
        [
            replace(
                found,
                status=ConversationStatus.SOLVED,
                controller=Controller.AGENT,
                ticket_id="ticket-10001",
            )
        ]
    )
    uow.conversations.add([conversation(id="other", created_at=DAY)])
    uow.messages.add(
        [
            message(1, "hello", id="alone", conversation_id="other"),
            message(2, "Hi!", id="said", conversation_id="other", kind=MessageKind.BOT),
        ]
    )
    uow.turns.add([turn("alone", conversation_id="other", intent="greet")])


async def test_doubtful_turns_are_reviewed_once(talk: SqlStore) -> None:
    await talk.write(talk_of_many)

    def look(uow: UnitOfWork) -> list[str]:
        return [t.message_id for t in uow.review.questionable(since=1, below=0.5, limit=9)]

    assert sorted(await talk.read(look)) == ["doubt", "handed"]
    filed = FiledSentence(message_id="sure", note="odd", actor_id="li", at=2)
    await talk.write(lambda uow: uow.review.file(filed))
    await talk.write(lambda uow: uow.review.file(replace(filed, note="very odd")))
    found = await talk.read(lambda uow: uow.review.questionable(since=1, below=0.5, limit=9))
    assert {t.message_id: t.filed for t in found}["sure"] == "very odd"
    handed = next(t for t in found if t.message_id == "handed")
    assert (handed.solved, handed.answered_by_agent, handed.intent) == (True, True, None)
    (solved,) = await talk.read(lambda uow: uow.review.solved_by_people(since=1, limit=9))
    assert solved == handed

    mark = ReviewMark(
        message_id="doubt", outcome=ReviewOutcome.NOISE, intent=None, actor_id="li", at=3
    )
    await talk.write(lambda uow: uow.review.mark([mark]))
    await talk.write(lambda uow: uow.review.mark([replace(mark, outcome=ReviewOutcome.CHECK)]))
    assert sorted(await talk.read(look)) == ["handed", "sure"]


async def test_figures_keep_bot_and_people_apart(talk: SqlStore) -> None:
    await talk.write(talk_of_many)
    wrong = ReviewMark(
        message_id="sure", outcome=ReviewOutcome.UTTERANCE, intent="order", actor_id="li", at=3
    )
    await talk.write(lambda uow: uow.review.mark([wrong]))

    rows = await talk.read(lambda uow: uow.figures.intents(since=0, until=2 * DAY))
    by_intent = {counts.intent: counts for _, counts in rows}
    assert {quarter for quarter, _ in rows} == {DAY}
    assert (by_intent["refund"].hits, by_intent["refund"].false_answers) == (3, 1)
    assert (by_intent[None].hits, by_intent[None].handed_off) == (1, 1)

    days = dict(await talk.read(lambda uow: uow.figures.days(since=0, until=2 * DAY)))
    first, second = days[0], days[DAY]
    assert (first.conversations, first.bot_only, first.with_people) == (1, 0, 1)
    assert (first.agent_messages, first.bot_messages) == (1, 0)
    assert (second.bot_only, second.with_people, second.bot_messages) == (1, 0, 1)


async def test_conversations_are_kept_as_tests(store: SqlStore) -> None:
    test = RegressionTest(
        id="t",
        name="T",
        language="zh-Hans",
        channel="webchat",
        steps=({"text": "退款", "payload": None, "intent": "refund"},),
        conversation_id=None,
        author_id="li",
        created_at=1,
    )
    await store.write(lambda uow: uow.review.add_test(test))
    assert await store.read(lambda uow: uow.review.tests()) == [test]
    assert await store.write(lambda uow: uow.review.remove_test("t"))
    assert not await store.write(lambda uow: uow.review.remove_test("t"))


async def test_single_values(store: SqlStore) -> None:
    assert await store.read(lambda uow: uow.catalogue_state.get("gate")) is None
    await store.write(lambda uow: uow.catalogue_state.put("gate", {"a": 1}))
    await store.write(lambda uow: uow.catalogue_state.put("gate", {"b": None}))
    assert await store.read(lambda uow: uow.catalogue_state.get("gate")) == {"b": None}
