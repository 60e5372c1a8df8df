"""What each role may do and see (H2.5)."""

import pytest

from gateway.domain.conversation import Conversation
from gateway.http.app import ENDPOINTS
from gateway.http.registry import Endpoint
from tests.gateway.http.place import Place

# Every request with the lowest role that may make it; {c} is a queued conversation of the first
# team, {t} its ticket, {m} one of its messages, {k} its contact.
TABLE = [
    ("GET", "/conversations", None, "agent"),
    ("GET", "/conversations/counts", None, "agent"),
    ("GET", "/conversations/search?q=person", None, "agent"),
    ("GET", "/conversations/{c}", None, "agent"),
    ("GET", "/conversations/{c}/messages", None, "agent"),
    ("POST", "/conversations/{c}/read", {}, "agent"),
    ("POST", "/conversations/{c}/typing", {}, "agent"),
    ("POST", "/conversations/{c}/claim", {}, "agent"),
    ("POST", "/conversations/{c}/messages", {"text": "hi"}, "agent"),
    ("POST", "/conversations/{c}/notes", {"text": "hi"}, "agent"),
    ("POST", "/conversations/{c}/solve", {}, "agent"),
    ("POST", "/conversations/{c}/reopen", {}, "agent"),
    ("POST", "/conversations/{c}/assign", {"team_id": "first"}, "agent"),
    ("POST", "/conversations/{c}/assign", {"agent_id": "bob"}, "leader"),
    ("GET", "/messages/{m}/trail", None, "agent"),
    ("GET", "/tickets", None, "agent"),
    ("GET", "/tickets/{t}", None, "agent"),
    ("PATCH", "/tickets/{t}", {"severity": "urgent"}, "agent"),
    ("GET", "/contacts/{k}", None, "agent"),
    ("PATCH", "/contacts/{k}", {"company": "Shop"}, "agent"),
    ("GET", "/canned-responses", None, "agent"),
    (
        "POST",
        "/canned-responses",
        {"shortcut": "hi", "title": "Hi", "text": "Hi", "language": "en"},
        "leader",
    ),
    ("GET", "/catalogue/findings", None, "agent"),
    ("GET", "/catalogue/jobs", None, "agent"),
    ("GET", "/catalogue/versions", None, "agent"),
    ("GET", "/catalogue/figures", None, "agent"),
    ("GET", "/regression-tests", None, "agent"),
    ("GET", "/review", None, "leader"),
    ("GET", "/review/suggestions", None, "leader"),
    ("GET", "/catalogue/export?format=csv", None, "leader"),
    ("POST", "/catalogue/check", {"folds": 0}, "leader"),
    ("POST", "/regression-tests/replay", {}, "leader"),
    ("POST", "/catalogue/publish", {}, "administrator"),
    ("POST", "/catalogue/reset", {}, "administrator"),
    ("GET", "/agents", None, "agent"),
    ("GET", "/teams", None, "agent"),
    ("GET", "/inboxes", None, "agent"),
    (
        "POST",
        "/agents",
        {"email": "x@y.example", "name": "X", "role": "agent", "language": "en"},
        "administrator",
    ),
    ("PATCH", "/agents/bob", {"name": "Robert"}, "administrator"),
    ("POST", "/agents/bob/reset-password", {}, "administrator"),
    ("POST", "/teams", {"name": "Third line"}, "administrator"),
    ("PATCH", "/teams/first", {"name": "Front"}, "administrator"),
    ("GET", "/channel-kinds", None, "administrator"),
    ("POST", "/inboxes", {"kind": "rest", "name": "R", "language": "en"}, "administrator"),
    ("PATCH", "/inboxes/site", {"name": "Website"}, "administrator"),
    ("GET", "/audit", None, "administrator"),
    ("GET", "/language-model", None, "administrator"),
    ("GET", "/language-model/exchanges", None, "administrator"),
    ("GET", "/operations/status", None, "administrator"),
    ("GET", "/operations/dead-letters", None, "administrator"),
    ("GET", "/operations/failed-messages", None, "administrator"),
]
RANK = {"agent": ("ann", 0), "leader": ("lee", 1), "administrator": ("ada", 2)}


@pytest.mark.parametrize("role", RANK)
async def test_the_table_of_rights(place: Place, role: str) -> None:
    waiting = await place.queued()
    name, rank = RANK[role]
    console = await place.console(name)
    message = (await console.get(f"/conversations/{waiting.id}/messages")).json["items"][0]

    wrong = []
    for method, template, body, lowest in TABLE:
        path = template.format(
            c=waiting.id, t=waiting.ticket_id, m=message["id"], k=waiting.contact_id
        )
        options = {} if body is None else {"json": body}
        answer = await console.ask(method, path, **options)
        expected = "allowed" if rank >= RANK[lowest][1] else "refused"
        refused = answer.status == 403 and answer.code == "not_allowed"
        if (expected == "refused") != refused or (expected == "allowed" and answer.status >= 400):
            wrong.append((method, path, expected, answer.status, answer.json))

    assert wrong == []


@pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if not e.public], ids=lambda e: f"{e.method} {e.path}"
)
async def test_nothing_is_open_to_strangers(place: Place, endpoint: Endpoint) -> None:
    console = await place.console()
    path = endpoint.path.replace("{", "").replace("}", "")

    answer = await console.ask(endpoint.method, path)

    assert (answer.status, answer.code) == (401, "not_signed_in")


@pytest.mark.parametrize(
    "path",
    [
        "/conversations/{c}",
        "/conversations/{c}/messages",
        "/messages/{m}/trail",
        "/attachments/{m}/0",
        "/tickets/{t}",
        "/tickets/{n}",
        "/contacts/{k}",
    ],
)
async def test_another_teams_work_does_not_exist(place: Place, path: str) -> None:
    waiting, filled = await _held_by_the_second_line(place, path)
    ann, cai = await place.console("ann"), await place.console("cai")

    answer = await ann.get(filled)

    assert (answer.status, answer.code) == (404, "not_found")
    made_up = await ann.get(filled.replace(waiting.id, "0" * 32))
    assert made_up.json["detail"] == answer.json["detail"]
    assert (await cai.get(filled)).status in {200, 404 if "attachments" in path else 200}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/conversations/{c}/claim", {}),
        ("/conversations/{c}/claim", {"force": True}),
        ("/conversations/{c}/release", {}),
        ("/conversations/{c}/hand-back", {}),
        ("/conversations/{c}/assign", {"agent_id": "ann"}),
        ("/conversations/{c}/messages", {"text": "hi"}),
        ("/conversations/{c}/notes", {"text": "hi"}),
        ("/conversations/{c}/read", {}),
        ("/conversations/{c}/typing", {}),
        ("/conversations/{c}/solve", {}),
        ("/conversations/{c}/reopen", {}),
        ("/messages/{m}/resend", {}),
    ],
)
async def test_another_teams_work_cannot_be_touched(place: Place, path: str, body: object) -> None:
    waiting, filled = await _held_by_the_second_line(place, path)
    for name in ("ann", "lee"):
        console = await place.console(name)

        answer = await console.post(filled, body)

        assert (answer.status, answer.code) == (404, "not_found")
    assert await place.conversation(waiting.id) == waiting


async def test_another_teams_work_is_in_no_list(place: Place) -> None:
    await _held_by_the_second_line(place, "")
    ann, ada = await place.console("ann"), await place.console("ada")

    assert (await ann.get("/conversations?view=all")).json["items"] == []
    assert (await ann.get("/conversations/search?q=second")).json["items"] == []
    assert (await ann.get("/tickets")).json["items"] == []
    assert (await ann.get("/conversations/counts")).json["all"] == 0
    assert len((await ada.get("/conversations?view=all")).json["items"]) == 1
    assert len((await ada.get("/tickets")).json["items"]) == 1


async def test_a_customers_history_with_another_team_stays_hidden(place: Place) -> None:
    await place.queued("second line matter", team="second")
    lee = await place.console("lee")
    ada = await place.console("ada")
    everything = (await ada.get("/conversations?view=all")).json["items"][0]
    other = await place.customer_writes("a new matter", thread="two")
    assert other.contact_id == everything["contact"]["id"]

    contact = (await lee.get(f"/contacts/{other.contact_id}")).json

    assert [c["id"] for c in contact["conversations"]] == [other.id]
    assert contact["tickets"] == []
    full = (await ada.get(f"/contacts/{other.contact_id}")).json
    assert len(full["conversations"]) == 2
    assert len(full["tickets"]) == 1


async def test_settings_of_inboxes_are_for_those_who_configure(place: Place) -> None:
    ann, ada = await place.console("ann"), await place.console("ada")
    secret = {"identity_secret": "a-secret-of-32-characters-length"}
    await ada.patch("/inboxes/site", {"settings": {"accent": "#112233"}, "secrets": secret})

    seen = {i["id"]: i for i in (await ann.get("/inboxes")).json["items"]}["site"]
    full = {i["id"]: i for i in (await ada.get("/inboxes")).json["items"]}["site"]

    assert (seen["settings"], seen["secrets_set"]) == ({}, [])
    assert full["settings"] == {"accent": "#112233"}
    assert full["secrets_set"] == ["identity_secret"]


async def _held_by_the_second_line(place: Place, path: str) -> tuple[Conversation, str]:
    waiting = await place.queued("second line matter", team="second")
    ticket = await place.store.read(lambda uow: uow.tickets.get(str(waiting.ticket_id)))
    messages = await place.store.read(lambda uow: uow.messages.page(waiting.id, limit=1))
    filled = path.format(
        c=waiting.id, t=ticket.id, n=ticket.number, m=messages[0].id, k=waiting.contact_id
    )
    return waiting, filled
