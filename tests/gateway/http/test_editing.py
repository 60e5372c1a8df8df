"""Documents under work: mistakes at their fields, Rasa's YAML and back, use of entities."""

from typing import Any

import pytest

from intents.documents import Kind, to_documents
from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from tests.gateway.http.place import Answer, Console, Opener, Place

SHIPPED = {document.key: document for document in to_documents(load_catalogue(SHIPPED_CATALOGUE))}


@pytest.fixture
async def place(open_at: Opener, shop_models: Any) -> Place:
    opened = await open_at(models=shop_models)
    await opened.workbench.plant()
    return opened


def node(name: str, **told: Any) -> dict[str, Any]:
    return {"id": name, "text": {"zh": f"{name} 吗？", "en": f"{name}?"}, **told}


def choice(to: str, title: str = "yes") -> dict[str, Any]:
    return {"title": {"zh": title, "en": title}, "to": to}


def tree(*nodes: dict[str, Any], **told: Any) -> dict[str, Any]:
    return {
        "title": {"zh": "诊断", "en": "Diagnosis"},
        "start": nodes[0]["id"],
        "nodes": {each["id"]: each for each in nodes},
        "intents": [],
        **told,
    }


async def examine(console: Console, kind: str, name: str, body: dict[str, Any]) -> Answer:
    return await console.post("/catalogue/examine", {"kind": kind, "name": name, "body": body})


async def places(console: Console, body: dict[str, Any]) -> dict[str, str]:
    answer = await examine(console, "tree", "mine", body)
    assert answer.status == 200, answer.json
    return {each["at"]: each["severity"] for each in answer.json["items"]}


async def test_mistakes_of_a_diagnosis_stand_at_their_nodes(place: Place) -> None:
    lee = await place.console("lee")
    good = tree(
        node("plug", choices=[choice("push"), choice("done", "no")]),
        node("push", outcome="fix"),
        node("done", outcome="ticket"),
    )
    assert await places(lee, good) == {}

    ring = tree(node("a", choices=[choice("b")]), node("b", choices=[choice("a")]))
    assert await places(lee, ring) == {"/nodes/b": "error", "": "warning"}
    found = await places(
        lee,
        tree(
            node("a", choices=[choice("gone"), choice("end")]),
            node("end", outcome="ticket", kind="song"),
            node("lost", outcome="reply", otherwise="end"),
            {**node("half", years=2), "text": {"zh": "只有中文"}},
            start="nowhere",
            intents=["refund", "flying"],
            title={"en": "Only English"},
        ),
    )
    assert found.items() >= {
        ("/start", "error"),
        ("/intents/1", "error"),
        ("/title/zh", "error"),
        ("/nodes/a/choices/0/to", "error"),
        ("/nodes/a/choices", "error"),
        ("/nodes/end/kind", "error"),
        ("/nodes/lost", "warning"),
        ("/nodes/lost/otherwise", "error"),
        ("/nodes/half/within", "error"),
        ("/nodes/half/text/en", "error"),
    }


async def test_mistakes_are_told_in_three_languages(place: Place) -> None:
    lee = await place.console("lee")
    answer = await examine(lee, "form", "mine", {"required": ["nothing"]})
    (finding,) = answer.json["items"]
    assert finding["at"] == "/required/0"
    assert finding["message"] == "the slot 'nothing' does not exist"
    assert finding["words"]["zh-Hans"].startswith("槽位 nothing 不存在")
    assert finding["words"]["zh-Hant"].startswith("槽位 nothing 不存在")


async def test_a_form_that_leads_to_itself_is_a_mistake(place: Place) -> None:
    lee = await place.console("lee")

    async def put(kind: str, name: str, body: dict[str, Any]) -> None:
        answer = await lee.ask(
            "PUT", "/catalogue/document", json={"kind": kind, "name": name, "body": body}
        )
        assert answer.status == 200, answer.json

    await put("slot", "colour", {"type": "text", "mappings": [{"source": "from_text"}]})
    wording = [{"text": "Which?", "language": "en"}, {"text": "哪个？", "language": "zh"}]
    await put("response", "utter_ask_colour", {"variants": wording})
    await put("form", "paint", {"required": ["colour"]})
    assert (await examine(lee, "form", "paint", {"required": ["colour"]})).json["items"] == []
    await put("rule", "again", {"intent": None, "loop": "paint", "steps": ["paint"]})
    (found,) = (await examine(lee, "form", "paint", {"required": ["colour"]})).json["items"]
    assert "leads back to itself" in found["message"]
    twice = await examine(lee, "form", "paint", {"required": ["colour", "colour"]})
    assert "/required/1" in {each["at"] for each in twice.json["items"]}


async def test_what_cannot_be_a_body_is_refused_by_field(place: Place) -> None:
    lee = await place.console("lee")
    wrong = tree(node("a", outcome="song"))
    answer = await examine(lee, "tree", "mine", wrong)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/body/nodes/a/outcome")
    other = await examine(
        lee,
        "tree",
        "mine",
        tree({**node("a", outcome="reply"), "id": "b"})
        | {"nodes": {"a": node("b", outcome="reply")}},
    )
    assert other.status == 422
    broken = await examine(lee, "regex", "code", {"patterns": ["ok", "("]})
    assert broken.json["errors"][0]["pointer"] == "/body/patterns/1"


@pytest.mark.parametrize("kind", ["form", "tree", "slot", "rule", "response"])
async def test_a_document_as_yaml_and_back(place: Place, kind: str) -> None:
    lee = await place.console("lee")
    document = next(each for each in SHIPPED.values() if each.kind is Kind(kind))
    content = {"kind": kind, "name": document.name, "body": document.body}
    written = await lee.post("/catalogue/source/write", content)
    assert written.status == 200, written.json
    if kind != "slot":  # those name entities that the small catalogue lacks
        source = {"kind": kind, "name": document.name, "text": written.json["text"]}
        back = await lee.post("/catalogue/source/read", source)
        assert back.status == 200, back.json
        again = await lee.post("/catalogue/source/write", {**content, "body": back.json["body"]})
        assert again.json["text"] == written.json["text"]


async def test_broken_yaml_is_told_by_line(place: Place) -> None:
    lee = await place.console("lee")
    text = "forms:\n  mine:\n    required_slots: [a\n"
    answer = await lee.post(
        "/catalogue/source/read", {"kind": "form", "name": "mine", "text": text}
    )
    assert (answer.status, answer.json["line"]) == (422, 4)
    assert answer.json["errors"][0]["pointer"] == "/text"
    assert answer.json["detail"].startswith("form mine:4: is not valid YAML")
    none = await lee.post(
        "/catalogue/source/read", {"kind": "intent", "name": "greet", "text": "nlu: []"}
    )
    assert none.status == 422


@pytest.mark.parametrize("escape", ["\\0", "\\ud800"])
async def test_yaml_of_what_no_database_holds_is_told_by_line(place: Place, escape: str) -> None:
    lee = await place.console("lee")
    text = f'responses:\n  utter_x:\n  - text: "a{escape}b"\n'
    source = {"kind": "response", "name": "utter_x", "text": text}
    answer = await lee.post("/catalogue/source/read", source)
    assert (answer.status, answer.json["line"]) == (422, 3)
    assert "remove it" in answer.json["detail"]


async def test_whoever_may_not_edit_examines_nothing_and_large_texts_are_refused(
    place: Place,
) -> None:
    lee, ann = await place.console("lee"), await place.console("ann")
    yaml = "responses:\n  utter_x:\n" + "  - text: hello\n" * 20_000
    bodies: dict[str, dict[str, Any]] = {
        "/catalogue/examine": {"body": {"patterns": ["x" * 200_000]}},
        "/catalogue/source/write": {"body": {"patterns": ["x" * 200_000]}},
        "/catalogue/source/read": {"text": yaml},
    }
    for path, content in bodies.items():
        assert (await lee.post(path, {"kind": "regex", "name": "a", **content})).status == 413
        small: dict[str, Any] = {"text": ""} if "text" in content else {"body": {}}
        answer = await ann.post(path, {"kind": "regex", "name": "a", **small})
        assert answer.status == 403


async def test_entities_tell_their_roles_and_where_they_are_used(place: Place) -> None:
    lee = await place.console("lee")
    seen = (await lee.get("/catalogue/document?kind=intent&name=refund")).json
    spans = [
        {"entity": "city", "start": 5, "end": 9, "value": "Rome", "role": "from"},
        {"entity": "city", "start": 13, "end": 17, "value": "Bern", "role": "to", "group": "1"},
    ]
    marked = {"text": "from Rome to Bern", "language": "en", "entities": spans}
    bad = {**seen["body"], "utterances": [*seen["body"]["utterances"], marked]}
    saving = {"kind": "intent", "name": "refund", "revision": seen["revision"], "body": bad}
    refused = await lee.ask("PUT", "/catalogue/document", json=saving)
    assert refused.status == 422, "a group is a name"
    spans[1]["group"] = "first"
    assert (await lee.ask("PUT", "/catalogue/document", json=saving)).status == 200

    found = (await lee.get("/catalogue/entities")).json["items"]
    city = next(each for each in found if each["name"] == "city")
    assert (city["marks"], city["examples"]) == (2, ["from Rome to Bern"])
    assert city["roles"] == [{"name": "from", "count": 1}, {"name": "to", "count": 1}]
    assert city["groups"] == [{"name": "first", "count": 1}]
    gone = (await lee.get("/catalogue/document?kind=entity&name=city")).json
    await lee.ask(
        "DELETE", f"/catalogue/document?kind=entity&name=city&revision={gone['revision']}"
    )
    findings = (await lee.get("/catalogue/findings")).json["items"]
    assert any("'city'" in each["message"] and each["name"] == "refund" for each in findings)
