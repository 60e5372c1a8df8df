"""Agents, teams, contacts, canned responses and inboxes."""

from typing import Any

import pytest

from gateway.domain.conversation import Controller
from tests.gateway.http.place import Place

NEW = {
    "email": "Eve@Qingchuan.example",
    "name": "Eve",
    "role": "agent",
    "language": "zh-Hant",
    "team_ids": ["first", "first"],
}


async def test_a_new_agent_signs_in_with_the_password_shown_once(place: Place) -> None:
    ada, eve = await place.console("ada"), await place.console()

    added = await ada.post("/agents", NEW)

    agent = added.json["agent"]
    assert agent["email"] == "eve@qingchuan.example"
    assert agent["team_ids"] == ["first"]
    assert agent["must_change_password"] is True
    password = added.json["one_time_password"]
    assert (await eve.sign_in("eve", password)).status == 200
    listed = await ada.get("/agents")
    assert password.encode() not in listed.body
    assert password.encode() not in (await ada.get("/audit")).body


async def test_an_address_works_here_once(place: Place) -> None:
    ada = await place.console("ada")
    await ada.post("/agents", NEW)

    again = await ada.post("/agents", {**NEW, "email": "EVE@qingchuan.example"})

    assert (again.status, again.code) == (409, "conflict")
    assert again.json["errors"][0]["pointer"] == "/email"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": "not an address"}, "/email"),
        ({"email": f"{'x' * 300}@y.example"}, "/email"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "Eve\u202egnp.exe"}, "/name"),
        ({"name": "E\u200bve"}, "/name"),
        ({"name": "E\x00ve"}, "/name"),
        ({"role": "owner"}, "/role"),
        ({"language": "fr"}, "/language"),
        ({"team_ids": ["third"]}, "/team_ids/0"),
        ({"team_ids": "first"}, "/team_ids"),
        ({"active": True}, "/active"),
        ({"name": 7}, "/name"),
    ],
)
async def test_a_wrong_field_is_named(
    place: Place, change: dict[str, object], pointer: str
) -> None:
    ada = await place.console("ada")

    answer = await ada.post("/agents", {**NEW, **change})

    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == pointer


async def test_a_name_with_an_emoji_family_is_a_name(place: Place) -> None:
    ada = await place.console("ada")

    answer = await ada.post("/agents", {**NEW, "name": "Eve 👩\u200d💻"})

    assert answer.status == 201


async def test_deactivating_ends_sessions_and_frees_conversations(place: Place) -> None:
    waiting = await place.queued()
    ann, ada = await place.console("ann"), await place.console("ada")
    await ann.post(f"/conversations/{waiting.id}/claim")

    answer = await ada.patch("/agents/ann", {"active": False})

    assert answer.json["active"] is False
    assert (await ann.get("/me")).status == 401
    freed = await place.conversation(waiting.id)
    assert (freed.controller, freed.agent_id) == (Controller.QUEUE, None)


@pytest.mark.parametrize("change", [{"active": False}, {"role": "leader"}])
async def test_the_last_administrator_stays(place: Place, change: dict[str, object]) -> None:
    ada = await place.console("ada")

    answer = await ada.patch("/agents/ada", change)

    assert answer.code == "conflict"


async def test_there_may_be_another_administrator(place: Place) -> None:
    ada = await place.console("ada")
    await ada.patch("/agents/lee", {"role": "administrator"})

    answer = await ada.patch("/agents/ada", {"role": "agent"})

    assert answer.json["role"] == "agent"
    assert (await ada.get("/audit")).code == "not_allowed"


async def test_resetting_a_password_signs_out(place: Place) -> None:
    ann, ada = await place.console("ann"), await place.console("ada")

    answer = await ada.post("/agents/ann/reset-password")

    assert (await ann.get("/me")).status == 401
    again = await ann.sign_in("ann", answer.json["one_time_password"])
    assert again.json["must_change_password"] is True
    unknown = await ada.post("/agents/nobody/reset-password")
    assert unknown.code == "not_found"


async def test_teams(place: Place) -> None:
    ada = await place.console("ada")

    added = await ada.post("/teams", {"name": " 质量组 "}, headers={"Idempotency-Key": "t"})
    repeated = await ada.post("/teams", {"name": " 质量组 "}, headers={"Idempotency-Key": "t"})
    taken = await ada.post("/teams", {"name": "first LINE"})
    renamed = await ada.patch(f"/teams/{added.json['id']}", {"name": "Quality"})
    unknown = await ada.patch("/teams/none", {"name": "Nothing"})

    assert added.json["name"] == "质量组"
    assert repeated.json == added.json
    assert taken.code == "conflict"
    assert renamed.json["name"] == "Quality"
    assert unknown.code == "not_found"
    names = [team["name"] for team in (await ada.get("/teams")).json["items"]]
    assert sorted(names) == ["First line", "Quality", "Second line"]


async def test_contacts_are_corrected_with_a_trace(place: Place) -> None:
    conversation = await place.customer_writes("hello", profile={"name": "Wang"})
    ann, ada = await place.console("ann"), await place.console("ada")
    path = f"/contacts/{conversation.contact_id}"

    changed = await ann.patch(
        path,
        {
            "name": "王小明",
            "email": "Wang@Shop.example",
            "phone": "+86 400 555 0199",
            "attributes": {"plan": "Team"},
        },
    )

    assert changed.json["name"] == "王小明"
    assert changed.json["email"] == "wang@shop.example"
    assert changed.json["attributes"] == {"plan": "Team"}
    row = (await ada.get("/audit")).json["items"][0]
    assert row["action"] == "contact.changed"
    assert row["before"]["name"] == "Wang"
    emptied = await ann.patch(path, {"email": "", "name": ""})
    assert emptied.json["email"] == ""
    listed = (await ann.get("/conversations")).json["items"][0]
    assert listed["contact"]["name"] == ""


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": "nonsense"}, "/email"),
        ({"language": "中文"}, "/language"),
        ({"attributes": {"a": "x" * 501}}, "/attributes/a"),
        ({"attributes": {f"k{n}": "v" for n in range(51)}}, "/attributes"),
        ({"attributes": {"a": {"b": "c"}}}, "/attributes/a"),
        ({"verified": True}, "/verified"),
    ],
)
async def test_a_contacts_wrong_field_is_named(
    place: Place, change: dict[str, object], pointer: str
) -> None:
    conversation = await place.customer_writes("hello")
    ann = await place.console("ann")

    answer = await ann.patch(f"/contacts/{conversation.contact_id}", change)

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == pointer


CANNED = {"shortcut": "hi", "title": "Hi", "text": "Hi {contact.name}", "language": "en"}


async def test_canned_responses_of_all_and_of_teams(place: Place) -> None:
    lee, ann, cai = [await place.console(name) for name in ("lee", "ann", "cai")]

    common = await lee.post("/canned-responses", CANNED)
    own = await lee.post(
        "/canned-responses", {**CANNED, "shortcut": "first-hi", "team_id": "first"}
    )

    def shortcuts(answer: object) -> list[str]:
        return [c["shortcut"] for c in answer.json["items"]]  # type: ignore[attr-defined]

    assert shortcuts(await ann.get("/canned-responses")) == ["first-hi", "hi"]
    assert shortcuts(await cai.get("/canned-responses")) == ["hi"]
    taken = await lee.post("/canned-responses", CANNED)
    assert taken.code == "conflict"
    foreign = await lee.post("/canned-responses", {**CANNED, "shortcut": "x", "team_id": "second"})
    assert foreign.code == "not_allowed"
    changed = await lee.ask(
        "PUT", f"/canned-responses/{common.json['id']}", json={**CANNED, "title": "Hello"}
    )
    assert changed.json["title"] == "Hello"
    removed = await lee.ask("DELETE", f"/canned-responses/{own.json['id']}")
    assert removed.status == 204
    gone = await lee.ask("DELETE", f"/canned-responses/{own.json['id']}")
    assert gone.code == "not_found"
    actions = await place.actions()
    assert actions[:2] == ["canned_response.removed", "canned_response.changed"]


async def test_leaders_keep_off_other_teams_canned_responses(place: Place) -> None:
    ada, lee = await place.console("ada"), await place.console("lee")
    theirs = await ada.post("/canned-responses", {**CANNED, "team_id": "second"})

    changed = await lee.ask("PUT", f"/canned-responses/{theirs.json['id']}", json=CANNED)
    removed = await lee.ask("DELETE", f"/canned-responses/{theirs.json['id']}")

    assert (changed.code, removed.code) == ("not_found", "not_found")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"shortcut": "with space"}, "/shortcut"),
        ({"shortcut": ""}, "/shortcut"),
        ({"text": ""}, "/text"),
        ({"text": "x" * 10_001}, "/text"),
        ({"team_id": "third"}, "/team_id"),
    ],
)
async def test_a_canned_responses_wrong_field_is_named(
    place: Place, change: dict[str, object], pointer: str
) -> None:
    lee = await place.console("lee")

    answer = await lee.post("/canned-responses", {**CANNED, **change})

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == pointer


async def test_kinds_of_channel_come_as_forms(place: Place) -> None:
    ada = await place.console("ada")

    kinds = {k["kind"]: k for k in (await ada.get("/channel-kinds")).json["items"]}

    assert {"webchat", "rest", "api"} <= set(kinds)
    fields = {field["name"]: field for field in kinds["webchat"]["settings"]}
    assert fields["identity_secret"]["secret"] is True
    assert fields["identity_secret"]["default"] == ""
    assert set(fields["accent"]["label"]) == {"en", "zh-Hans", "zh-Hant"}
    assert kinds["webchat"]["capabilities"]["mailbox"] is True


INBOX = {"kind": "webchat", "name": "Shop chat", "language": "zh-Hans", "team_id": "first"}


async def test_an_inbox_is_configured_and_its_secret_kept(place: Place) -> None:
    ada = await place.console("ada")
    secret = "a-secret-of-32-characters-length"

    added = await ada.post(
        "/inboxes",
        {
            **INBOX,
            "settings": {"accent": "#123456"},
            "secrets": {"identity_secret": secret},
        },
    )

    assert added.json["settings"] == {"accent": "#123456"}
    assert added.json["secrets_set"] == ["identity_secret"]
    assert len(place.reloads) == 1
    stored = await place.store.read(lambda uow: uow.inboxes.get(added.json["id"]))
    assert stored.secrets == {"identity_secret": secret}
    for path in ("/inboxes", "/audit"):
        assert secret.encode() not in (await ada.get(path)).body


async def test_changing_an_inbox_keeps_what_is_not_named(place: Place) -> None:
    ada = await place.console("ada")
    added = await ada.post(
        "/inboxes", {**INBOX, "settings": {"accent": "#123456", "greeting": False}}
    )
    path = f"/inboxes/{added.json['id']}"

    changed = await ada.patch(
        path,
        {
            "settings": {"accent": "#abcdef"},
            "secrets": {"identity_secret": "a-secret-of-32-characters-length"},
            "enabled": False,
        },
    )
    cleared = await ada.patch(path, {"secrets": {"identity_secret": None}, "team_id": None})

    assert changed.json["settings"] == {"accent": "#abcdef", "greeting": False}
    assert changed.json["enabled"] is False
    assert changed.json["secrets_set"] == ["identity_secret"]
    assert cleared.json["secrets_set"] == []
    assert cleared.json["team_id"] is None
    assert len(place.reloads) == 3


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "pigeon"}, "/kind"),
        ({"kind": "../../etc"}, "/kind"),
        ({"team_id": "third"}, "/team_id"),
        ({"settings": {"accent": "red"}}, "/settings/accent"),
        ({"settings": {"accent": 7}}, "/settings/accent"),
        ({"settings": {"colour": "red"}}, "/settings/colour"),
        ({"settings": {"identity_secret": "x"}}, "/settings/identity_secret"),
        ({"secrets": {"identity_secret": "short"}}, "/secrets/identity_secret"),
        ({"secrets": {"other": "x"}}, "/secrets/other"),
        ({"secrets": {"identity_secret": None}}, "/secrets/identity_secret"),
        ({"kind": "api"}, "/secrets/signing_secret"),
        ({"bot": "yes"}, "/bot"),
    ],
)
async def test_an_inboxs_wrong_field_is_named(
    place: Place, change: dict[str, object], pointer: str
) -> None:
    ada = await place.console("ada")

    answer = await ada.post("/inboxes", {**INBOX, **change})

    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert place.reloads == []


WEEK = [[{"start": "09:00", "end": "12:00"}, {"start": "13:00", "end": "24:00"}], *[[]] * 6]
HOURS = {"zone": "Europe/Berlin", "week": WEEK, "days": [{"date": "2026-10-01", "ranges": []}]}


async def test_a_teams_hours_are_changed_with_a_trace(place: Place) -> None:
    ada, ann = await place.console("ada"), await place.console("ann")
    (first, *_) = (await ann.get("/teams")).json["items"]
    assert first["hours"]["zone"] == "Asia/Shanghai"
    assert first["hours"]["week"][0] == [{"start": "09:00", "end": "18:00"}]
    assert first["hours"]["week"][6] == []

    changed = await ada.patch(f"/teams/{first['id']}", {"hours": HOURS})
    refused = await ann.patch(f"/teams/{first['id']}", {"hours": HOURS})

    assert (changed.json["name"], changed.json["hours"]) == (first["name"], HOURS)
    assert (await ann.get("/teams")).json["items"][0] == changed.json
    assert refused.code == "not_allowed"
    row = (await ada.get("/audit")).json["items"][0]
    assert (row["action"], row["object_id"]) == ("team.changed", first["id"])
    assert (row["before"], row["after"]) == ({"hours": first["hours"]}, {"hours": HOURS})


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"zone": "Mars/Olympus"}, "/hours/zone"),
        ({"week": WEEK[:6]}, "/hours/week"),
        ({"week": [[{"start": "9:00", "end": "18:00"}], *WEEK[1:]]}, "/hours/week/0/0/start"),
        ({"week": [[{"start": "18:00", "end": "09:00"}], *WEEK[1:]]}, "/hours/week/0/0"),
        ({"days": [{"date": "2026-02-30", "ranges": []}]}, "/hours/days/0/date"),
        (
            {"days": [{"date": "2026-10-01", "ranges": [{"start": "09:00", "end": "09:00"}]}]},
            "/hours/days/0/ranges/0",
        ),
        ({"days": [{"date": "2026-10-01", "ranges": []}] * 2}, "/hours/days/1/date"),
    ],
)
async def test_wrong_hours_are_named(
    place: Place, change: dict[str, object], pointer: str
) -> None:
    ada = await place.console("ada")
    answer = await ada.patch("/teams/first", {"hours": {**HOURS, **change}})
    assert answer.code == "invalid_input"
    assert answer.json["errors"][0]["pointer"] == pointer


async def test_key_customers_are_marked_by_leaders(place: Place) -> None:
    at = await place.queued()
    ann, lee = await place.console("ann"), await place.console("lee")
    path = f"/contacts/{at.contact_id}"
    assert (await ann.patch(path, {"key": True})).code == "not_allowed"
    assert (await ann.get(path)).json["key"] is False
    assert (await lee.patch(path, {"key": True})).json["key"] is True
    assert (await ann.patch(path, {"key": True, "company": "Shop"})).status == 200, "as it was"


async def test_a_recogniser_without_an_address_is_refused(place: Place) -> None:
    ada = await place.console("ada")
    refused = await ada.post("/inboxes", {**INBOX, "recogniser": "rasa"})
    assert refused.json["errors"][0]["pointer"] == "/recogniser"
    assert "YINGDA_RASA_URL" in refused.json["detail"]
    added = await ada.post("/inboxes", INBOX)
    assert added.json["recogniser"] == "built_in"
    again = await ada.patch(f"/inboxes/{added.json['id']}", {"recogniser": "llm"})
    assert "YINGDA_LLM_URL" in again.json["detail"]


@pytest.mark.parametrize(
    ("settings", "secret", "hans", "hant"),
    [
        ({"callback_url": "http://shop.example/in"}, "0" * 44, "请使用 https", "請使用 https"),
        ({"callback_url": "shop"}, "0" * 44, "完整的地址", "完整的網址"),
        ({"allowed_networks": ["a b"]}, "0" * 44, "网段", "網段"),
        ({}, "whsec_MTI=", "密钥有 2 字节", "金鑰有 2 位元組"),
        ({}, "", "必填", "必填"),
    ],
)
async def test_a_wrong_setting_is_told_in_three_languages(
    place: Place, settings: dict[str, Any], secret: str, hans: str, hant: str
) -> None:
    ada = await place.console("ada")

    answer = await ada.post(
        "/inboxes",
        {
            **INBOX,
            "kind": "api",
            "settings": settings,
            "secrets": {"signing_secret": secret},
        },
    )

    [error] = answer.json["errors"]
    assert answer.status == 422
    assert error["words"]["en"] == error["detail"]
    assert hans in error["words"]["zh-Hans"]
    assert hant in error["words"]["zh-Hant"]
