"""Tickets: changes and states."""

import pytest

from tests.gateway.http.place import Place


async def test_a_ticket_is_found_by_id_and_number(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    by_id = (await ann.get(f"/tickets/{waiting.ticket_id}")).json
    by_number = (await ann.get(f"/tickets/{by_id['number']}")).json
    by_hash = (await ann.get(f"/tickets/%23{by_id['number']}")).json

    assert by_id == by_number == by_hash
    assert by_id["number"] >= 10001
    assert by_id["team"]["name"] == "First line"


@pytest.mark.parametrize("name", ["99999", "x", "1" * 40, "10001%00", "²"])
async def test_a_ticket_that_is_none(place: Place, name: str) -> None:
    ann = await place.console("ann")

    answer = await ann.get(f"/tickets/{name}")

    assert answer.status in {404, 422}


async def test_severity_kind_and_subject_change_with_activities(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    changed = await ann.patch(
        f"/tickets/{waiting.ticket_id}",
        {"severity": "critical", "kind": "fault", "subject": "Nothing works"},
    )

    assert changed.json["severity"] == "critical"
    assert changed.json["kind"] == "fault"
    assert changed.json["subject"] == "Nothing works"
    messages = (await ann.get(f"/conversations/{waiting.id}/messages")).json["items"]
    details = [m["details"] for m in messages if m["kind"] == "activity"]
    assert [d["activity"] for d in details] == ["severity_changed", "kind_changed"]
    assert details[0]["values"] == {"actor": "Ann", "from": "general", "to": "critical"}
    row = (await ann.get("/conversations")).json["items"][0]
    assert row["ticket"]["severity"] == "critical"
    assert row["last_seq"] == messages[-1]["seq"]


async def test_changing_nothing_leaves_no_trace(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    before = await place.actions()

    await ann.patch(f"/tickets/{waiting.ticket_id}", {"severity": "general"})
    await ann.patch(f"/tickets/{waiting.ticket_id}", {})

    assert await place.actions() == before


async def test_the_walk_through_the_states(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    await ann.post(f"/conversations/{waiting.id}/claim")
    path = f"/tickets/{waiting.ticket_id}"

    walk = []
    for state in ("pending", "open", "solved", "open", "solved", "closed"):
        answer = await ann.patch(path, {"state": state})
        status = (await ann.get(f"/conversations/{waiting.id}")).json["status"]
        walk.append((answer.json["state"], status))

    assert walk == [
        ("pending", "pending"),
        ("open", "open"),
        ("solved", "solved"),
        ("open", "open"),
        ("solved", "solved"),
        ("closed", "solved"),
    ]
    back = await ann.patch(path, {"state": "open"})
    assert back.code == "conflict"
    messages = (await ann.get(f"/conversations/{waiting.id}/messages")).json["items"]
    activities = [m["details"]["activity"] for m in messages if m["kind"] == "activity"]
    assert activities == [
        "claimed",
        "pending",
        "reopened",
        "solved",
        "reopened",
        "solved",
        "closed",
    ]


async def test_the_state_of_a_colleagues_ticket_stays(place: Place) -> None:
    waiting = await place.queued()
    ann, bob, lee = [await place.console(name) for name in ("ann", "bob", "lee")]
    await ann.post(f"/conversations/{waiting.id}/claim")
    path = f"/tickets/{waiting.ticket_id}"

    by_colleague = await bob.patch(path, {"state": "solved"})
    severity = await bob.patch(path, {"severity": "urgent"})
    by_leader = await lee.patch(path, {"state": "solved"})

    assert (by_colleague.code, by_colleague.json["agent"]) == ("already_claimed", "Ann")
    assert severity.status == 200
    assert by_leader.json["state"] == "solved"


async def test_a_ticket_of_the_past_does_not_come_to_life_again(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    await ann.post(f"/conversations/{waiting.id}/claim")
    await ann.post(f"/conversations/{waiting.id}/hand-back")

    again = await ann.patch(f"/tickets/{waiting.ticket_id}", {"state": "open"})
    closed = await ann.patch(f"/tickets/{waiting.ticket_id}", {"state": "closed"})

    assert again.code == "conflict"
    assert closed.json["state"] == "closed"


async def test_a_pending_ticket_opens_when_the_customer_writes(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    await ann.post(f"/conversations/{waiting.id}/claim")
    await ann.patch(f"/tickets/{waiting.ticket_id}", {"state": "pending"})

    await place.customer_writes("here is the number")

    assert (await ann.get(f"/tickets/{waiting.ticket_id}")).json["state"] == "open"


async def test_lists_by_state_in_pages(place: Place) -> None:
    for number in range(3):
        await place.queued(f"matter {number}", handle=f"visitor {number}")
    solved = await place.queued("solved", handle="solved")
    ann = await place.console("ann")
    await ann.post(f"/conversations/{solved.id}/solve")

    first = (await ann.get("/tickets?state=new&limit=2")).json
    second = (await ann.get(f"/tickets?state=new&limit=2&cursor={first['next_cursor']}")).json
    done = (await ann.get("/tickets?state=solved")).json

    subjects = [t["subject"] for t in first["items"] + second["items"]]
    assert subjects == ["matter 2", "matter 1", "matter 0"]
    assert second["next_cursor"] is None
    assert [t["subject"] for t in done["items"]] == ["solved"]
