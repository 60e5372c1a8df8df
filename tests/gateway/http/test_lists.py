"""Lists, filters, cursors and search."""

import pytest

from tests.gateway.http.place import Place


async def test_the_views_and_their_counts(place: Place) -> None:
    await place.customer_writes("with the bot", handle="bot")
    await place.queued("waits", handle="queue")
    mine = await place.queued("in my hands", handle="mine")
    done = await place.queued("all done", handle="done")
    ann = await place.console("ann")
    await ann.post(f"/conversations/{mine.id}/claim")
    await ann.post(f"/conversations/{done.id}/claim")
    await ann.post(f"/conversations/{done.id}/solve")

    seen = {}
    for view in ("mine", "unassigned", "bot", "solved", "all"):
        rows = (await ann.get(f"/conversations?view={view}")).json["items"]
        seen[view] = {row["preview"] for row in rows}

    assert seen["mine"] == {"in my hands"}
    assert seen["unassigned"] == {"waits"}
    assert seen["bot"] == {"with the bot"}
    assert seen["solved"] == {"all done"}
    assert seen["all"] >= {"with the bot", "waits", "in my hands"}
    counts = (await ann.get("/conversations/counts")).json
    assert counts["mine"] == counts["unassigned"] == counts["bot"] == counts["solved"] == 1
    assert counts["all"] == len(seen["all"])


async def test_filters(place: Place) -> None:
    urgent = await place.queued("urgent", handle="urgent")
    await place.customer_writes("from the shop", handle="shopper", inbox_id="shop")
    ann = await place.console("ann")
    await ann.patch(f"/tickets/{urgent.ticket_id}", {"severity": "urgent"})

    async def previews(query: str) -> list[str]:
        answer = await ann.get(f"/conversations?{query}")
        return [row["preview"] for row in answer.json["items"]]

    assert await previews("inbox_id=shop") == ["from the shop"]
    assert await previews("severity=urgent") == ["urgent"]
    assert await previews("team_id=first") == ["urgent"]
    assert await previews("team_id=second") == []
    assert len(await previews("inbox_id=&severity=")) == 2


async def test_pages_hold_every_row_once_newest_first(place: Place) -> None:
    for number in range(7):
        await place.customer_writes(f"matter {number}", handle=f"visitor {number}")
    ann = await place.console("ann")

    seen, path = [], "/conversations?limit=3"
    while path:
        page = (await ann.get(path)).json
        seen += [row["preview"] for row in page["items"]]
        cursor = page["next_cursor"]
        path = f"/conversations?limit=3&cursor={cursor}" if cursor else ""

    assert seen == [f"matter {number}" for number in reversed(range(7))]


async def test_cursors_belong_to_their_list_filter_and_agent(place: Place) -> None:
    for number in range(3):
        await place.queued(f"matter {number}", handle=f"visitor {number}")
    ann, bob, ada = [await place.console(name) for name in ("ann", "bob", "ada")]
    cursor = (await ann.get("/conversations?limit=1")).json["next_cursor"]
    tickets = (await ann.get("/tickets?limit=1")).json["next_cursor"]
    audit = (await ada.get("/audit?limit=1")).json["next_cursor"]

    refused = [
        await bob.get(f"/conversations?limit=1&cursor={cursor}"),
        await ann.get(f"/conversations?limit=1&view=mine&cursor={cursor}"),
        await ann.get(f"/conversations?limit=1&cursor={tickets}"),
        await ann.get(f"/tickets?limit=1&cursor={cursor}"),
        await ada.get(f"/audit?cursor={tickets}"),
        await ann.get(f"/conversations?cursor={cursor[:-2]}xx"),
        await ann.get("/conversations?cursor=eyJhIjoxfQ.abc"),
        await ann.get("/conversations?cursor=%00%F0%9F%98%80"),
    ]

    assert {(a.status, a.code) for a in refused} == {(400, "invalid_cursor")}
    assert (await ann.get(f"/tickets?limit=1&cursor={tickets}")).status == 200
    assert (await ada.get(f"/audit?limit=1&cursor={audit}")).status == 200
    place.pass_time(2 * 24 * 3_600_000)
    fresh = await place.console("ann")
    old = await fresh.get(f"/conversations?limit=1&cursor={cursor}")
    assert old.code == "invalid_cursor"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("view=theirs", "view"),
        ("severity=awful", "severity"),
        ("colour=blue", "colour"),
    ],
)
async def test_a_wrong_query_names_its_parameter(place: Place, query: str, name: str) -> None:
    ann = await place.console("ann")

    answer = await ann.get(f"/conversations?{query}")

    assert (answer.status, answer.code) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == name


@pytest.mark.parametrize("words", ["发票抬头", "抬头", "invoice", "INVOICE", "王小明"])
async def test_search_is_right_for_chinese_too(place: Place, words: str) -> None:
    await place.customer_writes(
        "我的发票抬头写错了 invoice", handle="a", profile={"name": "王小明"}
    )
    await place.customer_writes("宽带太慢", handle="b")
    await place.store.write(lambda uow: uow.messages.index_pending(100))
    ann = await place.console("ann")

    hits = (await ann.get("/conversations/search", params={"q": words})).json["items"]

    assert [hit["conversation"]["contact"]["name"] for hit in hits] == ["王小明"]


async def test_search_finds_tickets_by_number(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    number = (await ann.get(f"/tickets/{waiting.ticket_id}")).json["number"]

    hits = (await ann.get("/conversations/search", params={"q": str(number)})).json["items"]

    assert [hit["conversation"]["id"] for hit in hits] == [waiting.id]


@pytest.mark.parametrize(
    "words", ["'; DROP TABLE message; --", "%", "_", '"', "*", "AND OR (", "\x00"]
)
async def test_search_takes_any_words(place: Place, words: str) -> None:
    await place.customer_writes("hello")
    ann = await place.console("ann")

    answer = await ann.get("/conversations/search", params={"q": words})

    assert answer.status in {200, 422}


async def test_audit_rows_tell_who_did_what(place: Place) -> None:
    waiting = await place.queued()
    ann, ada = await place.console("ann"), await place.console("ada")
    await ann.patch(f"/tickets/{waiting.ticket_id}", {"severity": "urgent"})

    rows = (await ada.get("/audit")).json["items"]

    change = next(row for row in rows if row["action"] == "ticket.changed")
    assert change["actor"] == {"id": "ann", "name": "Ann"}
    assert change["before"]["severity"] == "general"
    assert change["after"]["severity"] == "urgent"
    opened = next(row for row in rows if row["action"] == "ticket.opened")
    assert opened["actor"] == {"id": "system", "name": "system"}
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
