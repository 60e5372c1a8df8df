"""Review of questions, suggestions, conversations kept as tests, figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from channels.contract import MessageKind, MessageState
from gateway.domain.article import Article, Audience
from gateway.domain.catalogue import JobKind, JobState
from gateway.domain.conversation import Message, append_outgoing
from gateway.domain.records import TurnRecord
from gateway.ports.store import UnitOfWork
from intents.documents import Kind
from tests.chat_server import chat_server
from tests.gateway.http.place import Console, Opener, Place
from tests.gateway.http.test_language_model import with_model


@pytest.fixture
async def place(open_at: Opener, shop_models: Path) -> Place:
    opened = await open_at(models=shop_models)
    await opened.workbench.plant()
    return opened


async def asked(place: Place, text: str, *, handle: str = "visitor", **turn: Any) -> str:
    """A customer's message on which the bot took a turn; the message's id."""
    conversation = await place.customer_writes(text, handle=handle)

    def work(uow: UnitOfWork) -> str:
        (message,) = uow.messages.page(conversation.id, limit=1)
        told = {
            "intent": "refund",
            "confidence": 0.2,
            "decision": "reply",
            "reason": "",
            "article": None,
            **turn,
        }
        uow.turns.add(
            [
                TurnRecord(
                    message_id=message.id,
                    conversation_id=conversation.id,
                    catalogue_version="v",
                    ms=1,
                    created_at=place.now(),
                    **told,
                )
            ]
        )
        return message.id

    return await place.store.write(work)


async def solved(place: Place, question: str, answer: str, handle: str) -> None:
    """A question that the bot handed over and an agent answered."""
    message_id = await asked(place, question, handle=handle, decision="handoff", reason="wish")

    def work(uow: UnitOfWork) -> None:
        message = uow.messages.get(message_id)
        found = append_outgoing(
            uow.conversations.get(message.conversation_id), answer, place.now()
        )
        reply = Message(
            id=place.parts.new_id(),
            conversation_id=found.id,
            inbox_id=found.inbox_id,
            seq=found.last_seq,
            kind=MessageKind.AGENT,
            state=MessageState.SENT,
            text=answer,
            created_at=place.now(),
            author_id="ann",
            author_name="Ann",
        )
        uow.messages.add([reply])
        uow.conversations.update([found])

    await place.store.write(work)
    console = await place.console("ada")
    conversation = await place.store.read(lambda uow: uow.messages.get(message_id))
    claimed = await console.post(f"/conversations/{conversation.conversation_id}/claim")
    assert claimed.status == 200, claimed.json
    ended = await console.post(f"/conversations/{conversation.conversation_id}/solve")
    assert ended.status == 200, ended.json


async def revision(console: Console, intent: str) -> int:
    answer = await console.get(f"/catalogue/document?kind=intent&name={intent}")
    return int(answer.json["revision"])


async def test_like_questions_come_as_one_group(place: Place) -> None:
    ids = [
        await asked(place, text, handle=f"h{n}")
        for n, text in enumerate(
            ["where is my parcel", "where's my parcel now", "Where is my parcel?", "sing along"]
        )
    ]
    await asked(place, "refund my order", handle="sure", confidence=0.99)
    console = await place.console("lee")

    queue = (await console.get("/review")).json

    assert queue["total"] == 4
    first, second = queue["items"]
    assert (first["count"], second["count"]) == (3, 1)
    assert {each["message_id"] for each in first["sentences"]} == set(ids[:3])
    assert first["reasons"] == {"unanswered": 3, "low_confidence": 3}
    assert second["likely"][0]["intent"] == "out_of_scope"
    assert (await console.get("/review")).json == queue


async def test_a_sentence_becomes_an_example_without_personal_data(place: Place) -> None:
    first = await asked(place, "mail me the refund at li@example.org or 13912345678")
    second = await asked(place, "refund my order", handle="b")
    console = await place.console("lee")
    body = {
        "sentences": [{"message_id": first}, {"message_id": second}],
        "outcome": "utterance",
        "intent": "refund",
        "revision": await revision(console, "refund"),
    }

    answer = (await console.post("/review/resolve", body)).json

    assert answer["resolved"] == 2
    last = answer["document"]["body"]["utterances"][-1]["text"]
    assert last == "mail me the refund at customer@example.com or 13800000000"
    texts = [each["text"] for each in answer["document"]["body"]["utterances"]]
    assert texts.count("refund my order") == 1
    assert (await console.get("/review")).json["total"] == 0
    assert (await console.post("/review/resolve", body)).status == 409
    assert "catalogue.reviewed" in await place.actions()


async def test_a_sentence_becomes_a_check_or_noise(place: Place) -> None:
    first, second = await asked(place, "asdf"), await asked(place, "give me money", handle="b")
    console = await place.console("lee")
    noise = {"sentences": [{"message_id": first}], "outcome": "noise"}
    assert (await console.post("/review/resolve", noise)).json["document"] is None
    check = {
        "sentences": [{"message_id": second, "text": "please give me my money"}],
        "outcome": "check",
        "intent": "refund",
        "revision": await revision(console, "refund"),
    }
    answer = (await console.post("/review/resolve", check)).json
    assert answer["document"]["body"]["checks"][-1]["text"] == "please give me my money"
    without = {"sentences": [{"message_id": first}], "outcome": "utterance"}
    assert (await console.post("/review/resolve", without)).status == 422
    unknown = {"sentences": [{"message_id": "nobody"}], "outcome": "noise"}
    assert (await console.post("/review/resolve", unknown)).status == 404


async def test_agents_file_what_they_see(place: Place) -> None:
    message_id = await asked(place, "refund my order", confidence=0.99)
    ann, lee = await place.console("ann"), await place.console("lee")

    body = {"message_id": message_id, "note": "wrong answer"}
    assert (await ann.post("/review/file", body)).status == 204

    (group,) = (await lee.get("/review")).json["items"]
    assert group["reasons"] == {"filed": 1}
    assert group["sentences"][0]["note"] == "wrong answer"
    assert (await ann.post("/review/file", {"message_id": "nobody"})).status == 404


async def test_what_people_solved_is_suggested_with_its_evidence(place: Place) -> None:
    await solved(place, "is the shop open on sunday", "Yes, from 10 to 16.", "a")
    await solved(place, "is the shop open on sundays?", "Sundays we open from 10 to 16.", "b")
    console = await place.console("lee")

    (found,) = (await console.get("/review/suggestions")).json["items"]

    assert found["count"] == 2
    assert found["question"] == "is the shop open on sunday"
    assert "10 to 16" in found["answer"]
    assert {each["agent"] for each in found["evidence"]} == {"Ann"}
    reasons = (await console.get("/review")).json["items"][0]["reasons"]
    assert reasons["solved_by_people"] == 2


async def test_a_conversation_is_kept_as_a_test_and_replayed(place: Place) -> None:
    message_id = await asked(
        place, "how do I get a refund", intent="greet", confidence=0.9, article=None
    )
    message = await place.store.read(lambda uow: uow.messages.get(message_id))
    console = await place.console("lee")
    body = {
        "conversation_id": message.conversation_id,
        "name": "Refunds are explained",
        "expected": [{"seq": 1, "intent": "refund", "decision": "reply", "article": "refunds"}],
    }
    kept = (await console.post("/regression-tests", body)).json
    wrong = (await console.post("/regression-tests", {**body, "expected": []})).json
    assert kept["steps"][0]["intent"] == "refund"

    answer = await console.post("/regression-tests/replay", {"version": "1"})
    assert answer.status == 202
    assert await place.workbench.workshop.run_next()
    job = (await console.get(f"/catalogue/jobs/{answer.json['id']}")).json

    results = {each["id"]: each for each in job["result"]["tests"]}
    differences = {d["field"]: d for d in results[wrong["id"]]["differences"]}
    assert differences["intent"]["expected"] == "greet"
    assert differences["intent"]["found"] == "refund"
    assert "7 days" in results[kept["id"]]["texts"][0][0]

    document = await place.workbench.find(Kind.RESPONSE, "utter_greet")
    variants = [{**each, "text": each["text"] + "!"} for each in document.body["variants"]]
    await place.workbench.put(Kind.RESPONSE, "utter_greet", variants=variants)
    refused = await place.workbench.do(JobKind.PUBLISH)
    assert refused.state is JobState.REFUSED
    assert "tests" in {refusal["rule"] for refusal in refused.result["refusals"]}
    shown = (await console.get(f"/catalogue/jobs/{refused.id}")).json["result"]["refusals"]
    assert wrong["id"] in {t["id"] for r in shown for t in r["tests"]}

    for test in (kept, wrong):
        gone = await console.ask("DELETE", f"/regression-tests/{test['id']}")
        assert gone.status == 204
    assert (await console.get("/regression-tests")).json["items"] == []
    assert (await place.workbench.do(JobKind.PUBLISH)).state is JobState.DONE


async def test_figures_by_intent_and_day(place: Place) -> None:
    await asked(place, "refund my order", confidence=0.99)
    await asked(place, "a person", handle="b", decision="handoff", intent=None, confidence=0.0)
    console = await place.console("ann")

    figures = (await console.get("/catalogue/figures?days=7")).json

    uses = {use["intent"]: use for use in figures["intents"]}
    assert (uses["refund"]["hits"], uses[None]["handed_off"]) == (1, 1)
    assert len(figures["days"]) == 7
    assert (figures["days"][-1]["turns"], figures["days"][-1]["conversations"]) == (2, 2)
    rows = (await console.get("/catalogue/intents")).json["items"]
    assert {row["name"]: row["hits"] for row in rows}["refund"] == 1


async def test_a_group_becomes_an_article_draft_in_one_click(place: Place) -> None:
    words = ("is the shop open on sunday", "are you open on sundays, my mail is li@example.org")
    answers = (
        "Hello Visitor! Yes, on Sundays we open from 10 to 16. Thanks for asking.",
        "On Sundays we open from 10 to 16. Call 13912345678 before you come by train.",
    )
    for number, (question, answer) in enumerate(zip(words, answers, strict=True)):
        await solved(place, question, answer, f"h{number}")
    console = await place.console("lee")
    cluster = (await console.get("/review")).json["items"]
    ids = [each["message_id"] for group in cluster for each in group["sentences"]]

    made = (await console.post("/review/article-drafts", {"message_ids": ids})).json

    assert made == {**made, "language": "en", "worded": False, "conversations": 2}
    article = (await console.get(f"/articles/{made['article_id']}")).json
    (text,) = article["texts"]
    assert (text["state"], text["title"]) == ("draft", "is the shop open on sunday")
    assert text["questions"] == [words[0], "are you open on sundays, my mail is […]"]
    body = text["body"]
    assert body.count("from 10 to 16") == 1
    assert "Call […] before you come by train." in body
    for removed in ("Hello", "Thanks", "13912345678", "Ann"):
        assert removed not in body
    for conversation in {each["conversation_id"] for g in cluster for each in g["sentences"]}:
        assert conversation in text["reason"]
    assert (await console.get("/review")).json["total"] == 0
    assert (await console.get("/review/suggestions")).json["items"] == []
    assert {"article.added", "catalogue.article_drafted"} <= set(await place.actions())


async def test_what_was_asked_before_a_person_was_wanted_is_drafted(place: Place) -> None:
    first = "Hello! Do you install scanners? My number is 13912345678."
    await asked(place, first, handle="a")
    await solved(place, "a person please", "We do, for 80 yuan.", "a")
    console = await place.console("lee")
    (wish,) = [
        each
        for group in (await console.get("/review")).json["items"]
        for each in group["sentences"]
        if each["text"] == "a person please"
    ]
    body = {"message_ids": [wish["message_id"]], "language": "zh-Hans"}
    made = (await console.post("/review/article-drafts", body)).json
    (text,) = (await console.get(f"/articles/{made['article_id']}")).json["texts"]
    assert (text["title"], text["body"]) == ("Do you install scanners?", "We do, for 80 yuan.")
    assert text["reason"].startswith("来自会话：")


async def test_a_draft_needs_messages_and_a_right(place: Place) -> None:
    await solved(place, "is the shop open on sunday", "Yes.", "a")
    console = await place.console("lee")
    gone = await console.post("/review/article-drafts", {"message_ids": ["nobody"]})
    assert gone.status == 404
    assert (await console.post("/review/article-drafts", {"message_ids": []})).status == 422
    ann = await place.console("ann")
    refused = await ann.post("/review/article-drafts", {"message_ids": ["nobody"]})
    assert refused.code == "not_allowed"


async def test_a_question_that_nobody_answered_is_drafted_too(place: Place) -> None:
    message_id = await asked(place, "能不能寄到火星？")
    console = await place.console("lee")
    made = (await console.post("/review/article-drafts", {"message_ids": [message_id]})).json
    (text,) = (await console.get(f"/articles/{made['article_id']}")).json["texts"]
    assert (text["language"], text["title"]) == ("zh", "能不能寄到火星？")
    assert text["body"] == "（没有同事回答过，请在此写下答案。）"


async def test_a_dismissed_suggestion_does_not_come_again(place: Place) -> None:
    await solved(place, "is the shop open on sunday", "Yes, from 10 to 16.", "a")
    # The question came before the message on which the bot gave up.
    await asked(place, "do you have parking at the shop on the market square", handle="b")
    await solved(place, "a person", "Yes, behind the house.", "b")
    console = await place.console("lee")
    found = (await console.get("/review/suggestions")).json["items"]
    assert len(found) == 2
    for each in found:
        body = {
            "sentences": [{"message_id": key} for key in each["message_ids"]],
            "outcome": "noise",
        }
        assert (await console.post("/review/resolve", body)).status == 200
    assert (await console.get("/review/suggestions")).json["items"] == []


async def test_a_suggestion_names_the_article_that_is_there(place: Place) -> None:
    await solved(place, "How do I get my money back?", "Ask on the order page.", "a")
    console = await place.console("lee")
    (found,) = (await console.get("/review/suggestions")).json["items"]
    assert found["known"] is None  # the index knows it, the store does not
    kept = Article(
        id="r",
        slug="refunds",
        category="billing",
        audience=Audience.PUBLIC,
        owner_id=None,
        review_at=None,
        expires_at=None,
        archived=False,
        created_at=1,
        updated_at=1,
    )
    await place.store.write(lambda uow: uow.articles.add(kept))
    (found,) = (await console.get("/review/suggestions")).json["items"]
    assert found["known"] == {"id": "r", "title": "Refunds"}


async def test_a_language_model_words_a_draft_from_the_answers(place: Place) -> None:
    await solved(place, "is the shop open on sunday", "Sundays we open from 10 to 16.", "a")
    console = await place.console("lee")
    (found,) = (await console.get("/review/suggestions")).json["items"]
    async with chat_server() as server:
        with_model(place, server)
        server.says("The shop opens on Sunday from 10 to 16 [1].")
        made = await console.post("/review/article-drafts", {"message_ids": found["message_ids"]})
    assert made.json["worded"] is True
    (text,) = (await console.get(f"/articles/{made.json['article_id']}")).json["texts"]
    assert text["body"] == "The shop opens on Sunday from 10 to 16."
    (kept,) = await place.store.read(lambda uow: uow.exchanges.page(before=None, limit=9))
    assert (kept.purpose, kept.outcome.value) == ("draft", "answered")


async def test_what_a_language_model_makes_up_is_not_drafted(place: Place) -> None:
    await solved(place, "is the shop open on sunday", "Sundays we open from 10 to 16.", "a")
    console = await place.console("lee")
    (found,) = (await console.get("/review/suggestions")).json["items"]
    async with chat_server() as server:
        with_model(place, server)
        server.says("The shop opens on Sunday from 8 to 20 [1].")
        made = await console.post("/review/article-drafts", {"message_ids": found["message_ids"]})
    assert made.json["worded"] is False
    (text,) = (await console.get(f"/articles/{made.json['article_id']}")).json["texts"]
    assert text["body"] == "Sundays we open from 10 to 16."
