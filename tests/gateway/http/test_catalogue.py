"""The editor's API over a real store: saving, two editors, collisions, the test box, files."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.catalogue import JobKind
from intents.documents import Kind
from tests.gateway.http.place import Answer, Console, Opener, Place
from tests.gateway.workbench import sentence


@pytest.fixture
async def place(open_at: Opener, shop_models: Path) -> Place:
    opened = await open_at(models=shop_models)
    await opened.workbench.plant()
    return opened


async def read(console: Console, kind: str, name: str) -> dict[str, Any]:
    answer = await console.get(f"/catalogue/document?kind={kind}&name={name}")
    assert answer.status == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


async def save(console: Console, document: dict[str, Any], **body: Any) -> Answer:
    wanted = {
        "kind": document["kind"],
        "name": document["name"],
        "revision": document.get("revision"),
        "body": {**document["body"], **body},
    }
    return await console.ask("PUT", "/catalogue/document", json=wanted)


async def test_the_second_of_two_editors_sees_what_the_first_wrote(place: Place) -> None:
    lee, ada = await place.console("lee"), await place.console("ada")
    seen_by_both = await read(lee, "intent", "refund")
    utterances = seen_by_both["body"]["utterances"]
    first = await save(lee, seen_by_both, utterances=[*utterances, sentence("money back now")])
    second = await save(ada, seen_by_both, utterances=[*utterances, sentence("give it back")])

    assert first.status == 200
    assert first.json["editor"]["name"] == "Lee"
    assert first.json["state"] == "changed"
    assert (second.status, second.code) == (409, "conflict")
    theirs = second.json["theirs"]
    assert theirs["body"]["utterances"][-1]["text"] == "money back now"
    again = await save(ada, theirs, utterances=[*theirs["body"]["utterances"]])
    assert again.status == 200


async def test_a_removed_document_is_told_to_the_other_editor(place: Place) -> None:
    lee, ada = await place.console("lee"), await place.console("ada")
    seen = await read(lee, "response", "utter_title_refund")
    revision = seen["revision"]
    path = f"/catalogue/document?kind=response&name=utter_title_refund&revision={revision}"

    assert (await lee.ask("DELETE", path)).status == 204
    answer = await save(ada, seen)

    assert (answer.status, answer.json["theirs"]) == (409, None)
    reverted = await ada.post(
        "/catalogue/document/revert", {"kind": "response", "name": "utter_title_refund"}
    )
    assert reverted.json["document"]["state"] == "same"


@pytest.mark.parametrize(
    ("kind", "name", "body", "pointer"),
    [
        ("intent", "no spaces please", {}, "/name"),
        ("response", "refund", {"variants": []}, "/name"),
        (
            "intent",
            "x",
            {"utterances": [{"text": "", "language": "en"}]},
            "/body/utterances/0/text",
        ),
        (
            "intent",
            "x",
            {
                "utterances": [
                    {
                        "text": "hi",
                        "language": "en",
                        "entities": [{"entity": "a", "start": 1, "end": 9, "value": "i"}],
                    }
                ]
            },
            "/body/utterances/0",
        ),
        ("intent", "x", {"colour": "red"}, "/body/colour"),
        ("response", "utter_x", {"variants": [{"text": "x", "language": "fr"}]}, "/body"),
    ],
)
async def test_what_is_wrong_is_named(
    place: Place, kind: str, name: str, body: dict[str, Any], pointer: str
) -> None:
    console = await place.console("lee")
    answer = await console.ask(
        "PUT", "/catalogue/document", json={"kind": kind, "name": name, "body": body}
    )
    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"].startswith(pointer)


async def test_entities_and_synonyms_follow_the_spans(place: Place) -> None:
    console = await place.console("lee")
    document = await read(console, "intent", "refund")
    span = {"entity": "city", "start": 12, "end": 14, "value": "Shanghai"}
    marked = {"text": "refund from SH please", "language": "en", "entities": [span]}
    await save(console, document, utterances=[*document["body"]["utterances"], marked])

    assert (await read(console, "entity", "city"))["state"] == "new"
    assert (await read(console, "synonym", "Shanghai"))["body"] == {"words": ["SH"]}


async def test_lists_count_and_search(place: Place) -> None:
    console = await place.console("ann")
    rows = (await console.get("/catalogue/intents")).json["items"]
    by_name = {row["name"]: row for row in rows}
    assert by_name["refund"]["utterances"] == {"zh": 4, "en": 3}
    assert by_name["refund"]["checks"] == {"zh": 0, "en": 2}
    assert by_name["refund"]["title"] == "申请退款"

    found = (await console.get("/catalogue/intents?q=FILM")).json["items"]
    assert [(row["name"], row["matches"]) for row in found] == [
        ("out_of_scope", ["recommend a film"])
    ]
    responses = (await console.get("/catalogue/documents?kind=response")).json["items"]
    assert "utter_refund" in {row["name"] for row in responses}
    status = (await console.get("/catalogue")).json
    assert (status["changes"], status["trained"], status["published"]["number"]) == (0, True, 1)


async def test_a_paste_tells_what_became_of_each_line(place: Place) -> None:
    console = await place.console("lee")
    document = await read(console, "intent", "refund")
    paste = {
        "intent": "refund",
        "text": "- my money, please\n\nrefund my order\nHELLO\n[x](a:b) old form\n退我钱\n",
        "revision": document["revision"],
    }
    dry = await console.post("/catalogue/paste", {**paste, "dry_run": True})
    assert dry.json["document"] is None
    answer = (await console.post("/catalogue/paste", paste)).json

    assert [(line["line"], line["text"]) for line in answer["added"]] == [
        (1, "my money, please"),
        (6, "退我钱"),
    ]
    assert [line["text"] for line in answer["duplicates"]] == ["refund my order"]
    assert [(line["text"], line["intent"]) for line in answer["clashes"]] == [("HELLO", "greet")]
    assert "old form" in answer["wrong"][0]["message"]
    added = answer["document"]["body"]["utterances"][-2:]
    assert [(each["text"], each["language"]) for each in added] == [
        ("my money, please", "en"),
        ("退我钱", "zh"),
    ]
    stale = await console.post("/catalogue/paste", paste)
    assert stale.status == 409


async def test_collisions_are_shown_while_typing(place: Place) -> None:
    console = await place.console("ann")
    body = {"text": "how do I get a refund?", "intent": "complaint"}
    answer = (await console.post("/catalogue/collisions", body)).json
    assert answer["items"][0]["intent"] == "refund"
    assert answer["items"][0]["similarity"] == 1.0
    assert answer["recognised"][0]["version"] == 1
    assert answer["recognised"][0]["intent"] == "refund"
    own = (await console.post("/catalogue/collisions", {**body, "intent": "refund"})).json
    assert own["own"][0]["text"] == "how do I get a refund"
    assert all(each["intent"] != "refund" for each in own["items"])
    document = await read(await place.console("lee"), "intent", "complaint")
    lee = await place.console("lee")
    await save(
        lee, document, utterances=[*document["body"]["utterances"], sentence("my cat died")]
    )
    fresh = (await console.post("/catalogue/collisions", {"text": "the cat died"})).json
    assert fresh["items"][0]["text"] == "my cat died"


async def test_the_test_box_shows_the_whole_turn_and_writes_nothing(place: Place) -> None:
    console = await place.console("ann")
    answer = (
        await console.post("/catalogue/try", {"text": "how do I get a refund", "language": "en"})
    ).json
    assert (answer["source"], answer["version"], answer["trained"]) == ("draft", None, True)
    assert answer["ranking"][0]["intent"] == "refund"
    assert answer["ranking"][0]["reasons"][0]["similarity"] == 1.0
    assert "refund" in answer["ranking"][0]["words"]
    assert "7 days" in answer["messages"][0]["text"]
    assert answer["articles"][0]["slug"] == "refunds"
    handed = (await console.post("/catalogue/try", {"text": "talk to a person"})).json
    assert (handed["decision"], handed["reason"]) == ("handoff", "wish")
    assert handed["ticket"]["kind"] == "consultation"
    assert await place.store.read(lambda uow: uow.tickets.by_number(10001)) is None


async def test_an_untrained_draft_says_which_version_answered(place: Place) -> None:
    document = await place.workbench.find(Kind.INTENT, "greet")
    await place.workbench.put(
        Kind.INTENT, "greet", utterances=[*document.body["utterances"], sentence("yo")]
    )
    console = await place.console("ann")
    answer = (await console.post("/catalogue/try", {"text": "hello"})).json
    assert (answer["source"], answer["version"], answer["trained"]) == ("published", 1, False)
    assert (await console.get("/catalogue")).json["trained"] is False


async def test_changes_between_two_states(place: Place) -> None:
    document = await place.workbench.find(Kind.INTENT, "greet")
    kept = document.body["utterances"][1:]
    await place.workbench.put(Kind.INTENT, "greet", utterances=[*kept, sentence("yo")])
    console = await place.console("ann")
    (change,) = (await console.get("/catalogue/changes?before=1&after=draft")).json["items"]
    assert (change["kind"], change["name"], change["change"]) == ("intent", "greet", "changed")
    assert (change["added"], change["removed"]) == (["yo"], ["你好"])
    assert (await console.get("/catalogue/changes?before=7")).status == 404


async def test_renaming_an_intent_follows_everywhere(place: Place) -> None:
    console = await place.console("lee")
    document = await read(console, "intent", "greet")
    body = {"name": "greet", "new_name": "hello", "revision": document["revision"]}
    assert (await console.post("/catalogue/intents/rename", body)).status == 200
    assert (await read(console, "rule", "r1"))["body"]["intent"] == "hello"
    refund = await read(console, "response", "utter_refund")
    assert refund["body"]["variants"][0]["buttons"][0]["payload"] == "/hello"
    taken = {"name": "hello", "new_name": "refund", "revision": 0}
    assert (await console.post("/catalogue/intents/rename", taken)).status == 409


async def test_export_and_import_carry_the_draft(place: Place) -> None:
    console = await place.console("lee")
    document = await read(console, "intent", "greet")
    await save(console, document, group="small talk", description="greetings")
    table = (await console.get("/catalogue/export?format=csv")).body
    rows = list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))
    rows.append(["utterance", "greet", "en", "howdy partner", "", ""])
    out = io.StringIO()
    csv.writer(out).writerows(rows)

    answer = await console.ask(
        "POST", "/catalogue/import?name=table.csv", data=out.getvalue().encode()
    )
    assert answer.status == 202
    assert await place.workbench.workshop.run_next()
    job = (await console.get(f"/catalogue/jobs/{answer.json['id']}")).json
    assert (job["state"], job["error"]) == ("done", "")
    after = await read(console, "intent", "greet")
    assert "howdy partner" in {each["text"] for each in after["body"]["utterances"]}
    assert (after["body"]["group"], after["body"]["description"]) == ("small talk", "greetings")
    archive = (await console.get("/catalogue/export?format=zip&version=1")).body
    assert "domain.yml" in zipfile.ZipFile(io.BytesIO(archive)).namelist()


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"kind,name,language,text\nutterance,greet,en,refund my order\n", "refused"),
        (b"kind,name,language,text\nutterance,greet,fr,salut\n", "failed"),
        (b"\xff\xfe broken", "failed"),
    ],
)
async def test_an_import_with_mistakes_changes_nothing(
    place: Place, content: bytes, state: str
) -> None:
    console = await place.console("lee")
    before = (await console.get("/catalogue")).json["hash"]
    answer = await console.ask("POST", "/catalogue/import?name=table.csv", data=content)
    await place.workbench.workshop.run_next()
    job = (await console.get(f"/catalogue/jobs/{answer.json['id']}")).json
    assert job["state"] == state
    assert job["error"]
    assert (state == "refused") == bool(job["result"] and job["result"]["findings"])
    assert (await console.get("/catalogue")).json["hash"] == before


async def test_uploads_that_cannot_be_catalogues_are_refused_at_once(place: Place) -> None:
    console = await place.console("lee")
    large = await console.ask(
        "POST", "/catalogue/import?name=x.zip", data=io.BytesIO(bytes(50_000_001))
    )
    assert (large.status, large.code) == (413, "too_large")
    assert (await console.ask("POST", "/catalogue/import?name=x.exe", data=b"x")).status == 422
    assert (await console.ask("POST", "/catalogue/import?name=x.zip", data=b"")).status == 422


async def test_the_changed_folder_is_offered(place: Place) -> None:
    offer = {"folder": "/nowhere", "version": "2"}
    console = await place.console("lee")
    assert (await console.post("/catalogue/offer")).status == 404
    await place.store.write(lambda uow: uow.catalogue_state.put("offer", offer))
    assert (await console.get("/catalogue")).json["offer"] == offer
    assert (await console.ask("DELETE", "/catalogue/offer")).status == 204
    assert (await console.get("/catalogue")).json["offer"] is None


async def test_who_may_do_what(place: Place) -> None:
    document = await place.workbench.find(Kind.INTENT, "greet")
    await place.workbench.put(Kind.INTENT, "greet", description="x")
    ann, lee, ada = [await place.console(name) for name in ("ann", "lee", "ada")]
    seen = await read(ann, "intent", "greet")
    assert (await save(ann, seen)).status == 403
    assert (await ann.get("/review")).status == 403
    assert (await lee.post("/catalogue/publish", {"reason": "x"})).status == 403
    gate = {
        "accuracy_drop": 0.0,
        "recall_drop": 0.5,
        "refusal_drop": 0.1,
        "recall_floor": 0.2,
        "run_tests": True,
    }
    assert (await lee.ask("PUT", "/catalogue/gate", json=gate)).status == 403
    assert (await ada.ask("PUT", "/catalogue/gate", json=gate)).json == gate
    assert (await lee.post("/catalogue/check", {"folds": 0})).status == 202
    assert (await ada.post("/catalogue/publish", {"override": True})).status == 422
    assert (await ada.post("/catalogue/publish", {})).status == 202
    assert (await ada.post("/catalogue/publish", {})).status == 409
    assert document.revision > 0
    assert "catalogue.gate_changed" in await place.actions()


async def test_every_change_is_audited(place: Place) -> None:
    console = await place.console("lee")
    document = await read(console, "intent", "greet")
    await save(console, document, description="greetings")
    job = await place.workbench.do(JobKind.CHECK, folds=0)
    assert job.result["report"]["draft"]["accuracy"] is not None
    assert (await place.actions())[0] == "catalogue.saved"
