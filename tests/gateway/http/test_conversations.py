"""What agents do with conversations."""

import asyncio

import pytest

from gateway.domain.conversation import Controller, ConversationStatus
from gateway.domain.ticket import TicketState
from tests.gateway.http.place import Place


async def test_claiming_takes_the_ticket_too(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    answer = await ann.post(f"/conversations/{waiting.id}/claim")

    assert answer.json["controller"] == "agent"
    assert answer.json["agent"] == {"id": "ann", "name": "Ann"}
    assert answer.json["ticket"]["state"] == "open"
    assert answer.json["contact"]["tickets"][0]["agent"]["name"] == "Ann"
    assert "conversation.claimed" in await place.actions()
    messages = await ann.get(f"/conversations/{waiting.id}/messages")
    details = messages.json["items"][-1]["details"]
    assert details["activity"] == "claimed"
    assert details["values"]["actor"] == "Ann"


async def test_claiming_ones_own_changes_nothing(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    first = await ann.post(f"/conversations/{waiting.id}/claim")

    again = await ann.post(f"/conversations/{waiting.id}/claim")

    assert again.json["version"] == first.json["version"]
    assert again.json["last_seq"] == first.json["last_seq"]


async def test_of_two_claims_at_once_one_wins_and_the_other_is_told_who(place: Place) -> None:
    waiting = await place.queued()
    ann, bob = await place.console("ann"), await place.console("bob")

    answers = await asyncio.gather(
        *(c.post(f"/conversations/{waiting.id}/claim") for c in (ann, bob))
    )

    winner, loser = sorted(answers, key=lambda answer: answer.status)
    assert (winner.status, loser.status) == (200, 409)
    assert loser.code == "already_claimed"
    assert loser.json["agent"] == winner.json["agent"]["name"]
    assert (await place.actions()).count("conversation.claimed") == 1


async def test_a_claim_of_what_has_changed_meanwhile_is_refused(place: Place) -> None:
    waiting = await place.queued()
    lee, ann = await place.console("lee"), await place.console("ann")
    await lee.post(f"/conversations/{waiting.id}/assign", {"team_id": None})

    stale = await ann.post(f"/conversations/{waiting.id}/claim", {"version": waiting.version})

    assert (stale.status, stale.code) == (409, "conflict")
    assert (await place.conversation(waiting.id)).controller is Controller.QUEUE


async def test_taking_over_is_a_leaders_right(place: Place) -> None:
    waiting = await place.queued()
    ann, bob, lee = [await place.console(name) for name in ("ann", "bob", "lee")]
    await ann.post(f"/conversations/{waiting.id}/claim")

    by_colleague = await bob.post(f"/conversations/{waiting.id}/claim", {"force": True})
    without_force = await lee.post(f"/conversations/{waiting.id}/claim")
    by_leader = await lee.post(f"/conversations/{waiting.id}/claim", {"force": True})

    assert by_colleague.code == "not_allowed"
    assert without_force.code == "already_claimed"
    assert by_leader.json["agent"]["name"] == "Lee"
    messages = await lee.get(f"/conversations/{waiting.id}/messages")
    details = messages.json["items"][-1]["details"]
    assert (details["activity"], details["values"]["from"]) == ("taken_over", "Ann")


async def test_taking_over_from_the_bot_opens_a_ticket_with_what_was_said(place: Place) -> None:
    chatting = await place.customer_writes("My invoice has the wrong title")
    ann = await place.console("ann")

    answer = await ann.post(f"/conversations/{chatting.id}/claim")

    ticket = (await ann.get(f"/tickets/{answer.json['ticket']['number']}")).json
    assert ticket["state"] == "open"
    assert ticket["subject"] == "My invoice has the wrong title"
    assert ticket["summary"] == "• My invoice has the wrong title"
    assert ticket["team"]["name"] == "First line"


async def test_releasing_puts_it_back_into_the_queue(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    await ann.post(f"/conversations/{waiting.id}/claim")

    released = await ann.post(f"/conversations/{waiting.id}/release")

    assert (released.json["controller"], released.json["agent"]) == ("queue", None)
    assert released.json["contact"]["tickets"][0]["agent"] is None
    again = await ann.post(f"/conversations/{waiting.id}/release")
    assert again.code == "conflict"


async def test_handing_back_gives_it_to_the_bot_and_ends_the_ticket(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    claimed = await ann.post(f"/conversations/{waiting.id}/claim")

    returned = await ann.post(f"/conversations/{waiting.id}/hand-back")

    assert returned.json["controller"] == "bot"
    assert returned.json["agent"] is None
    assert returned.json["ticket"] is None
    ticket = await ann.get(f"/tickets/{claimed.json['ticket']['id']}")
    assert ticket.json["state"] == "solved"
    stored = await place.conversation(waiting.id)
    assert stored.bot_state == {}
    assert stored.turned_seq > waiting.last_seq
    again = await ann.post(f"/conversations/{waiting.id}/hand-back")
    assert again.code == "conflict"


async def test_an_inbox_without_a_bot_takes_nothing_back(place: Place) -> None:
    conversation = await place.customer_writes("hello", inbox_id="desk")
    ann = await place.console("ann")
    await ann.post(f"/conversations/{conversation.id}/claim")

    answer = await ann.post(f"/conversations/{conversation.id}/hand-back")

    assert answer.code == "conflict"
    assert (await place.conversation(conversation.id)).controller is Controller.AGENT


async def test_assigning_to_a_colleague_is_a_leaders_right(place: Place) -> None:
    waiting = await place.queued()
    ann, lee = await place.console("ann"), await place.console("lee")

    refused = await ann.post(f"/conversations/{waiting.id}/assign", {"agent_id": "bob"})
    given = await lee.post(f"/conversations/{waiting.id}/assign", {"agent_id": "bob"})
    taken = await lee.post(f"/conversations/{waiting.id}/assign", {"agent_id": None})

    assert refused.code == "not_allowed"
    assert given.json["agent"]["name"] == "Bob"
    assert (taken.json["controller"], taken.json["agent"]) == ("queue", None)


@pytest.mark.parametrize("agent", ["nobody", "off"])
async def test_assigning_to_nobody_who_works_here_names_the_field(
    place: Place, agent: str
) -> None:
    waiting = await place.queued()
    lee = await place.console("lee")

    answer = await lee.post(f"/conversations/{waiting.id}/assign", {"agent_id": agent})

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == "/agent_id"


async def test_agents_pass_on_to_the_second_line_and_lose_sight_of_it(place: Place) -> None:
    waiting = await place.queued()
    ann, cai = await place.console("ann"), await place.console("cai")
    await ann.post(f"/conversations/{waiting.id}/claim")
    assert (await cai.get(f"/conversations/{waiting.id}")).status == 404

    passed = await ann.post(f"/conversations/{waiting.id}/assign", {"team_id": "second"})

    assert passed.json["team"] == {"id": "second", "name": "Second line"}
    assert (passed.json["controller"], passed.json["agent"]) == ("queue", None)
    assert (await ann.get(f"/conversations/{waiting.id}")).status == 404
    seen = await cai.get(f"/conversations/{waiting.id}")
    assert seen.json["contact"]["tickets"][0]["team"]["name"] == "Second line"


async def test_passing_the_bots_conversation_to_a_team_opens_a_ticket(place: Place) -> None:
    chatting = await place.customer_writes("my modem is broken")
    ann = await place.console("ann")

    passed = await ann.post(f"/conversations/{chatting.id}/assign", {"team_id": "first"})

    assert passed.json["controller"] == "queue"
    assert passed.json["ticket"]["state"] == "new"


async def test_an_unknown_team_is_named(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    answer = await ann.post(f"/conversations/{waiting.id}/assign", {"team_id": "third"})

    assert answer.json["errors"][0]["pointer"] == "/team_id"


async def test_an_answer_on_a_mailbox_channel_counts_as_sent(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    answer = await ann.post(
        f"/conversations/{waiting.id}/messages", {"text": " It is on its way. "}
    )

    assert answer.json["text"] == "It is on its way."
    assert answer.json["state"] == "sent"
    assert answer.json["author"] == {"id": "ann", "name": "Ann"}
    assert [hop["hop"] for hop in answer.json["trail"]] == ["sent"]
    stored = await place.conversation(waiting.id)
    assert (stored.controller, stored.agent_id) == (Controller.AGENT, "ann")
    assert (stored.unread, stored.waiting_since) == (0, None)
    assert await place.store.read(lambda uow: uow.outbox.depth()) == 0


async def test_an_answer_on_another_channel_waits_in_the_outbox(place: Place) -> None:
    conversation = await place.customer_writes("hello", inbox_id="shop")
    ann = await place.console("ann")

    answer = await ann.post(f"/conversations/{conversation.id}/messages", {"text": "Hello"})

    assert answer.json["state"] == "pending"
    assert [hop["hop"] for hop in answer.json["trail"]] == ["queued"]
    assert await place.store.read(lambda uow: uow.outbox.depth()) == 1


async def test_what_the_channel_cannot_carry_is_refused_at_once(place: Place) -> None:
    waiting = await place.customer_writes("hello", inbox_id="site")
    ann = await place.console("ann")
    inboxes = {inbox["id"]: inbox for inbox in (await ann.get("/inboxes")).json["items"]}
    limits = inboxes["site"]["limits"]
    path = f"/conversations/{waiting.id}/messages"

    longest = await ann.post(path, {"text": "好" * limits["max_text"]})
    longer = await ann.post(path, {"text": "好" * (limits["max_text"] + 1)})

    assert longest.status == 201
    assert (longer.status, longer.json["errors"][0]["pointer"]) == (422, "/text")
    assert f"{limits['max_text']:,}" in longer.json["errors"][0]["detail"]


async def test_nobody_answers_in_a_colleagues_conversation(place: Place) -> None:
    waiting = await place.queued()
    ann, bob = await place.console("ann"), await place.console("bob")
    await ann.post(f"/conversations/{waiting.id}/claim")

    answer = await bob.post(f"/conversations/{waiting.id}/messages", {"text": "Me too"})

    assert (answer.code, answer.json["agent"]) == ("already_claimed", "Ann")


async def test_an_answer_waits_when_the_customer_wrote_since(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    seen = (await ann.get(f"/conversations/{waiting.id}")).json["last_seq"]
    await place.customer_writes("It works now, thanks")

    body = {"text": "Please restart it", "expected_seq": seen}
    refused = await ann.post(f"/conversations/{waiting.id}/messages", body)
    anyway = await ann.post(f"/conversations/{waiting.id}/messages", {"text": "Good!"})

    assert (refused.status, refused.code) == (409, "conflict")
    assert refused.json["newer"] == "true"
    assert anyway.status == 201


async def test_ones_own_messages_do_not_hold_an_answer_up(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    seen = (await ann.get(f"/conversations/{waiting.id}")).json["last_seq"]
    await ann.post(f"/conversations/{waiting.id}/notes", {"text": "looks familiar"})

    answer = await ann.post(
        f"/conversations/{waiting.id}/messages", {"text": "Hello", "expected_seq": seen}
    )

    assert answer.status == 201


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_an_empty_answer_is_refused(place: Place, text: str) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    for path in ("messages", "notes"):
        answer = await ann.post(f"/conversations/{waiting.id}/{path}", {"text": text})
        assert answer.status == 422
        assert answer.json["errors"][0]["pointer"] == "/text"


async def test_notes_stay_among_colleagues_and_do_not_answer(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    note = await ann.post(f"/conversations/{waiting.id}/notes", {"text": "VIP"})

    assert (note.json["kind"], note.json["text"]) == ("note", "VIP")
    stored = await place.conversation(waiting.id)
    assert stored.controller is Controller.QUEUE
    assert stored.waiting_since == waiting.waiting_since
    assert stored.preview == waiting.preview


async def test_reading_takes_the_mark_off_except_in_a_colleagues(place: Place) -> None:
    waiting = await place.queued()
    ann, lee = await place.console("ann"), await place.console("lee")
    await ann.post(f"/conversations/{waiting.id}/claim")
    await place.customer_writes("hello?")

    await lee.post(f"/conversations/{waiting.id}/read")
    assert (await place.conversation(waiting.id)).unread > 0
    await ann.post(f"/conversations/{waiting.id}/read")
    assert (await place.conversation(waiting.id)).unread == 0


async def test_solving_and_the_customers_next_message(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    await ann.post(f"/conversations/{waiting.id}/claim")

    solved = await ann.post(f"/conversations/{waiting.id}/solve")

    assert (solved.json["status"], solved.json["ticket"]["state"]) == ("solved", "solved")
    again = await ann.post(f"/conversations/{waiting.id}/solve")
    assert again.json["version"] == solved.json["version"]
    await place.customer_writes("it broke again")
    opened = await ann.get(f"/conversations/{waiting.id}")
    assert (opened.json["status"], opened.json["ticket"]["state"]) == ("open", "open")


async def test_solving_without_a_ticket(place: Place) -> None:
    chatting = await place.customer_writes("thanks")
    ann = await place.console("ann")

    solved = await ann.post(f"/conversations/{chatting.id}/solve")
    opened = await ann.post(f"/conversations/{chatting.id}/reopen")

    assert (solved.json["status"], solved.json["ticket"]) == ("solved", None)
    assert (opened.json["status"], opened.json["controller"]) == ("open", "bot")


async def test_reopening(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    claimed = await ann.post(f"/conversations/{waiting.id}/claim")
    await ann.post(f"/conversations/{waiting.id}/solve")

    opened = await ann.post(f"/conversations/{waiting.id}/reopen")

    assert (opened.json["status"], opened.json["ticket"]["state"]) == ("open", "open")
    unchanged = await ann.post(f"/conversations/{waiting.id}/reopen")
    assert unchanged.json["version"] == opened.json["version"]
    await ann.post(f"/conversations/{waiting.id}/solve")
    await ann.patch(f"/tickets/{claimed.json['ticket']['id']}", {"state": "closed"})
    closed = await ann.post(f"/conversations/{waiting.id}/reopen")
    assert closed.code == "conflict"


async def test_claiming_what_was_closed_opens_a_new_ticket(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    first = await ann.post(f"/conversations/{waiting.id}/claim")
    await ann.post(f"/conversations/{waiting.id}/solve")
    await ann.patch(f"/tickets/{first.json['ticket']['id']}", {"state": "closed"})

    second = await ann.post(f"/conversations/{waiting.id}/claim")

    assert second.json["ticket"]["number"] == first.json["ticket"]["number"] + 1
    assert second.json["status"] == "open"


async def test_a_failed_message_is_sent_again_on_wish(place: Place) -> None:
    conversation = await place.customer_writes("hello", inbox_id="shop")
    ann = await place.console("ann")
    sent = await ann.post(f"/conversations/{conversation.id}/messages", {"text": "Hello"})
    await place.fail(sent.json["id"], "the address is unknown")

    again = await ann.post(f"/messages/{sent.json['id']}/resend")

    assert (again.json["state"], again.json["failure"]) == ("pending", None)
    assert [hop["hop"] for hop in again.json["trail"]] == ["queued", "resent"]
    trail = await ann.get(f"/messages/{sent.json['id']}/trail")
    assert trail.json["items"] == again.json["trail"]
    twice = await ann.post(f"/messages/{sent.json['id']}/resend")
    assert twice.code == "conflict"
    assert "message.resent" in await place.actions()


async def test_messages_come_in_pages_both_ways(place: Place) -> None:
    for number in range(5):
        conversation = await place.customer_writes(f"line {number}")
    ann = await place.console("ann")
    path = f"/conversations/{conversation.id}/messages"

    def texts(answer: object) -> list[str]:
        return [m["text"] for m in answer.json["items"]]  # type: ignore[attr-defined]

    newest = await ann.get(f"{path}?limit=2")
    older = await ann.get(f"{path}?limit=2&before={newest.json['items'][0]['seq']}")
    later = await ann.get(f"{path}?limit=2&after={older.json['items'][0]['seq']}")
    last = await ann.get(f"{path}?limit=2&after={newest.json['items'][0]['seq']}")

    assert texts(newest) == ["line 3", "line 4"]
    assert texts(older) == ["line 1", "line 2"]
    assert texts(later) == ["line 2", "line 3"]
    assert texts(last) == ["line 4"]
    flags = [a.json["has_more"] for a in (newest, older, later, last)]
    assert flags == [True, True, True, False]


async def test_a_customers_message_shows_whose_it_is_and_its_trail(place: Place) -> None:
    conversation = await place.customer_writes(
        "hello", profile={"name": "王小明", "email": "wang@shop.example"}
    )
    ann = await place.console("ann")

    messages = await ann.get(f"/conversations/{conversation.id}/messages")

    (message,) = messages.json["items"]
    assert message["author"]["name"] == "王小明"
    assert [hop["hop"] for hop in message["trail"]] == ["accepted"]
    detail = (await ann.get(f"/conversations/{conversation.id}")).json
    assert detail["handle"] == "visitor"
    assert detail["contact"]["email"] == "wang@shop.example"
    assert detail["contact"]["handles"] == [
        {"inbox_id": "site", "inbox_name": "The site", "value": "visitor"}
    ]


async def test_states_of_stored_rows(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    await ann.post(f"/conversations/{waiting.id}/claim")
    await ann.post(f"/conversations/{waiting.id}/messages", {"text": "Hello"})

    sent = await place.store.read(lambda uow: uow.messages.unfetched(waiting.id))
    stored = await place.conversation(waiting.id)
    ticket = await place.store.read(lambda uow: uow.tickets.get(str(stored.ticket_id)))

    assert [m.text for m in sent] == ["Hello"]
    assert stored.status is ConversationStatus.OPEN
    assert ticket.state is TicketState.OPEN
