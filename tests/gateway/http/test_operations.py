"""Dead letters, failed messages, status."""

import pytest

from channels.contract import InboundMessage
from gateway.ports.store import StoreUnavailableError
from gateway.services import operations
from gateway.services.wire import encode_inbound
from tests.gateway.http.place import Place


async def bury(place: Place, payload: bytes, reason: str) -> None:
    await place.parts.bus.append("site\x1fvisitor\x1f", payload)
    (entry,) = await place.parts.bus.take(1)
    await place.parts.bus.bury(entry, reason)


async def test_dead_letters_are_looked_at_and_put_back(place: Place) -> None:
    ada = await place.console("ada")
    inbound = InboundMessage(
        inbox_id="site", handle="visitor", external_id="1", text="lost words", received_at=1
    )
    await bury(place, encode_inbound(inbound), "the inbox is gone")

    (letter,) = (await ada.get("/operations/dead-letters")).json["items"]

    assert letter["preview"] == "lost words"
    assert letter["reason"] == "the inbox is gone"
    assert letter["key"] == "site / visitor"
    answer = await ada.post(f"/operations/dead-letters/{letter['id']}/requeue")
    assert answer.status == 204
    (entry,) = await place.parts.bus.take(1)
    assert entry.payload == encode_inbound(inbound)
    again = await ada.post(f"/operations/dead-letters/{letter['id']}/requeue")
    assert again.code == "not_found"
    assert (await place.actions())[0] == "dead_letter.requeue_requested"


async def test_a_letter_is_put_back_only_when_that_is_written_down(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await place.console("ada")
    await bury(place, b"{}", "nobody knows")
    (letter,) = await place.parts.bus.dead_letters(1)

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(operations, "note_requeue", away)
    answer = await ada.post(f"/operations/dead-letters/{letter.id}/requeue")

    assert answer.status == 503
    assert await place.parts.bus.dead_letters(1) == [letter]


async def test_an_unreadable_letter_is_shown_as_such(place: Place) -> None:
    ada = await place.console("ada")
    await bury(place, b"\xff\x00 not ours", "unreadable")

    (letter,) = (await ada.get("/operations/dead-letters")).json["items"]

    assert letter["preview"] == "(unreadable)"


async def test_failed_messages_are_listed(place: Place) -> None:
    conversation = await place.customer_writes("hello", inbox_id="shop")
    ann, ada = await place.console("ann"), await place.console("ada")
    sent = await ann.post(f"/conversations/{conversation.id}/messages", {"text": "Hello"})
    await place.fail(sent.json["id"], "the address is unknown")

    (failed,) = (await ada.get("/operations/failed-messages")).json["items"]

    assert failed["id"] == sent.json["id"]
    assert (failed["state"], failed["failure"]) == ("failed", "the address is unknown")


async def test_the_status_counts(place: Place) -> None:
    ada = await place.console("ada")
    await place.parts.bus.append("key", b"{}")

    async with await ada.events():
        status = (await ada.get("/operations/status")).json

    assert status["bus"]["depth"] == 1
    assert status["sockets"] == 1
    assert status["outbox"] == {"depth": 0}
    assert (status["version"], status["catalogue_version"]) == ("9.9.9", "v1")
    assert status["roles"] == ["http", "worker"]


async def test_the_audit_calls_tickets_by_their_numbers(place: Place) -> None:
    ada = await place.console("ada")
    waiting = await place.queued("the press stands still")
    ticket_id = str(waiting.ticket_id)
    await ada.post(f"/conversations/{waiting.id}/claim")
    await ada.patch(f"/tickets/{ticket_id}", {"severity": "urgent"})
    await ada.post(f"/conversations/{waiting.id}/messages", {"text": "On our way."})
    number = (await ada.get(f"/tickets/{ticket_id}")).json["number"]

    page = (await ada.get("/audit")).json

    rows = {row["action"]: row for row in page["items"]}
    for action in ("ticket.changed", "conversation.claimed", "message.written"):
        assert rows[action]["ticket_id"] == ticket_id
    assert page["tickets"] == {ticket_id: number}
