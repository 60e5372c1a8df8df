"""The event socket: what consoles are told, and who is told."""

import asyncio

import pytest
from aiohttp import ClientResponseError, WSServerHandshakeError

from channels.contract import MessageState
from gateway.bus.hub import LocalHub
from gateway.domain.events import MessageStateChanged
from gateway.domain.records import StateUpdate
from gateway.http.console_feed import ConsoleFeed
from gateway.services.presence import Presence
from tests.gateway.http.place import Opener, Place


async def test_a_customers_message_arrives_with_its_conversation(place: Place) -> None:
    ann = await place.console("ann")
    async with await ann.events() as events:
        conversation = await place.customer_writes("hello", profile={"name": "Wang"})

        frame = await events.next("message")

    assert frame["conversation_id"] == conversation.id
    assert frame["message"]["text"] == "hello"
    assert frame["message"]["author"]["name"] == "Wang"
    assert [hop["hop"] for hop in frame["message"]["trail"]] == ["accepted"]
    assert frame["conversation"]["preview"] == "hello"
    assert frame["conversation"]["unread"] == 1


async def test_frames_are_what_the_api_answers(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    async with await ann.events() as events:
        sent = await ann.post(f"/conversations/{waiting.id}/messages", {"text": "Hello"})

        shown = None
        while shown is None or shown["message"]["kind"] != "agent":
            shown = await events.next("message")
        listed = (await ann.get("/conversations")).json["items"][0]

    assert shown["message"] == sent.json
    assert shown["conversation"] == listed


async def test_changes_of_conversations_and_tickets(place: Place) -> None:
    ann, bob = await place.console("ann"), await place.console("bob")
    async with await bob.events() as events:
        waiting = await place.queued()
        opened = await events.next("ticket")
        await ann.post(f"/conversations/{waiting.id}/claim")
        changed = await events.next("ticket")
        row = await events.next("conversation")

    assert opened["opened"] is True
    assert opened["ticket"]["subject"] == "I want a person"
    assert (changed["opened"], changed["ticket"]["agent"]["name"]) == (False, "Ann")
    assert row["conversation"]["agent"]["name"] == "Ann"


async def test_delivery_states(place: Place) -> None:
    conversation = await place.customer_writes("hello", inbox_id="shop")
    ann = await place.console("ann")
    sent = await ann.post(f"/conversations/{conversation.id}/messages", {"text": "Hello"})
    async with await ann.events() as events:

        def work(uow: object) -> None:
            uow.messages.set_states(  # type: ignore[attr-defined]
                [
                    StateUpdate(
                        message_id=sent.json["id"],
                        state=MessageState.FAILED,
                        at=place.now(),
                        failure="unknown address",
                    )
                ]
            )
            uow.emit(  # type: ignore[attr-defined]
                MessageStateChanged(
                    conversation_id=conversation.id,
                    inbox_id=conversation.inbox_id,
                    handle=conversation.handle,
                    message_ids=(sent.json["id"],),
                    state=MessageState.FAILED,
                    failure="unknown address",
                )
            )

        await place.store.write(work)
        frame = await events.next("message_state")

    assert frame == {
        "type": "message_state",
        "conversation_id": conversation.id,
        "ids": [sent.json["id"]],
        "state": "failed",
        "failure": "unknown address",
    }


async def test_another_teams_work_is_not_told(place: Place) -> None:
    ann, cai = await place.console("ann"), await place.console("cai")
    async with await ann.events() as hers, await cai.events() as theirs:
        waiting = await place.queued("second line matter", team="second")
        await cai.post(f"/conversations/{waiting.id}/notes", {"text": "confidential"})
        await theirs.next("ticket")
        seen = await hers.rest()

    assert "confidential" not in str(seen)
    assert {f["type"] for f in seen} <= {"message", "gone", "agent_presence", "conversation"}
    # What the bot had was everyone's; with the hand-off it is gone from the other team's sight.
    assert {"type": "gone", "conversation_id": waiting.id} in seen


async def test_the_customer_is_typing(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    async with await ann.events() as events:
        place.parts.hub.publish(
            "console",
            {"type": "typing", "conversation_id": waiting.id, "who": "customer", "name": ""},
        )

        frame = await events.next("typing")

    assert (frame["who"], frame["conversation_id"]) == ("customer", waiting.id)


async def test_colleagues_see_who_looks_and_who_types(place: Place) -> None:
    waiting = await place.queued()
    ann, bob = await place.console("ann"), await place.console("bob")
    async with await ann.events() as hers, await bob.events() as his:
        await hers.say(type="view", conversation_id=waiting.id)
        first = await his.next("presence")
        await his.say(type="view", conversation_id=waiting.id)
        both = await hers.next("presence")
        while len(both["viewers"]) < 2:
            both = await hers.next("presence")
        await hers.say(type="typing", conversation_id=waiting.id)
        typing = await his.next("typing")
        await hers.say(type="view", conversation_id=None)
        left = await his.next("presence")
        while len(left["viewers"]) > 1:
            left = await his.next("presence")

    assert first["viewers"] == [{"id": "ann", "name": "Ann"}]
    assert both["viewers"] == [{"id": "ann", "name": "Ann"}, {"id": "bob", "name": "Bob"}]
    assert (typing["who"], typing["agent_id"], typing["name"]) == ("agent", "ann", "Ann")
    assert left["viewers"] == [{"id": "bob", "name": "Bob"}]


async def test_looking_at_another_teams_conversation_shows_nothing(place: Place) -> None:
    hidden = await place.queued("second line matter", team="second")
    ann, cai = await place.console("ann"), await place.console("cai")
    async with await ann.events() as hers, await cai.events() as theirs:
        await hers.say(type="view", conversation_id=hidden.id)
        await hers.say(type="typing", conversation_id=hidden.id)
        await hers.say(type="view", conversation_id={"a": 1})
        frames = await theirs.rest()

    assert {f["type"] for f in frames} <= {"agent_presence"}


async def test_who_is_there(place: Place) -> None:
    ann, bob = await place.console("ann"), await place.console("bob")
    async with await ann.events() as hers:
        async with await bob.events():
            came = await hers.next("agent_presence")
            while came["agent_id"] != "bob":
                came = await hers.next("agent_presence")
            present = {a["id"]: a["present"] for a in (await ann.get("/agents")).json["items"]}
        went = await hers.next("agent_presence")
        await bob.patch("/me", {"availability": "away"})

    assert came["present"] is True
    assert (present["ann"], present["bob"], present["lee"]) == (True, True, False)
    assert (went["agent_id"], went["present"]) == ("bob", False)


async def test_going_away_is_told(place: Place) -> None:
    ann, bob = await place.console("ann"), await place.console("bob")
    async with await ann.events() as hers, await bob.events():
        await bob.patch("/me", {"availability": "away"})

        frame = await hers.next("agent_presence")
        while frame["availability"] != "away":
            frame = await hers.next("agent_presence")

    assert (frame["agent_id"], frame["present"]) == ("bob", True)


async def test_signing_out_closes_only_that_session(place: Place) -> None:
    here, there = await place.console("ann"), await place.console("ann")
    async with await here.events() as one, await there.events() as two:
        await here.post("/sign-out")

        assert await one.end() == 4001
        await two.say(type="ping")
        await two.next("pong")


async def test_a_deactivated_agents_socket_closes(place: Place) -> None:
    ann, ada = await place.console("ann"), await place.console("ada")
    async with await ann.events() as events:
        await ada.patch("/agents/ann", {"active": False})

        assert await events.end() == 4001


async def test_a_change_of_team_changes_what_is_told_at_once(place: Place) -> None:
    ann, ada, cai = [await place.console(name) for name in ("ann", "ada", "cai")]
    hidden = await place.queued("second line matter", team="second")
    async with await ann.events() as events:
        await ada.patch("/agents/ann", {"team_ids": ["second"]})
        await events.next("overflow")
        await cai.post(f"/conversations/{hidden.id}/notes", {"text": "for us"})

        frame = await events.next("message")

    assert frame["message"]["text"] == "for us"


async def test_a_socket_without_a_session_is_told_so(place: Place) -> None:
    console = await place.console()

    events = await console.events()

    assert await events.end() == 4001


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_another_sites_page_gets_no_socket(place: Place, origin: str) -> None:
    ann = await place.console("ann")

    with pytest.raises(WSServerHandshakeError) as refusal:
        await ann.events(Origin=origin)

    assert refusal.value.status == 403


async def test_a_one_time_password_opens_no_socket(place: Place) -> None:
    console = await place.console("new")

    with pytest.raises(ClientResponseError) as refusal:
        await console.events()

    assert refusal.value.status == 403


async def test_too_many_frames_end_the_socket(place: Place) -> None:
    ann = await place.console("ann")
    async with await ann.events() as events:
        for _ in range(1000):
            if events.socket.closed:
                break
            await events.say(type="ping")

        assert await events.end() == 1008


@pytest.mark.parametrize(("text", "code"), [("nonsense", 1007), ("[1]", 1007), ("x" * 5000, 1009)])
async def test_what_is_no_frame_ends_the_socket(place: Place, text: str, code: int) -> None:
    ann = await place.console("ann")
    async with await ann.events() as events:
        await events.socket.send_str(text)

        assert await events.end() == code


async def test_unknown_frames_are_passed_over(place: Place) -> None:
    ann = await place.console("ann")
    async with await ann.events() as events:
        await events.say(type="dance")
        await events.say(no="type")
        await events.say(type="ping")

        assert await events.next("pong")


async def test_a_console_that_falls_behind_reloads(place: Place) -> None:
    ann = await place.console("ann")
    async with await ann.events() as events:
        for number in range(600):
            place.parts.hub.publish(
                "console", {"type": "conversation", "conversation_id": f"{number}"}
            )

        assert await events.next("overflow")


async def test_a_socket_that_never_reads_harms_nobody(place: Place) -> None:
    ann, bob = await place.console("ann"), await place.console("bob")
    stuck = await ann.events()
    transport = stuck.socket._response.connection.transport  # type: ignore[union-attr]
    transport.pause_reading()  # type: ignore[union-attr]
    async with await bob.events() as events:
        await asyncio.gather(
            *(
                place.customer_writes("x" * 3000, handle=f"visitor {number}")
                for number in range(300)
            )
        )
        last = await place.customer_writes("the last one")

        frame = await events.next("message", seconds=10)
        while frame["conversation_id"] != last.id:
            frame = await events.next("message", seconds=10)

    transport.abort()  # type: ignore[union-attr]


async def test_the_feed_sleeps_while_nobody_looks(place: Place) -> None:
    assert not place.parts.hub.wanted("console")
    ann = await place.console("ann")

    async with await ann.events():
        assert place.parts.hub.wanted("console")

    async with asyncio.timeout(3):
        while place.parts.hub.wanted("console"):
            await asyncio.sleep(0.01)


async def test_the_server_says_good_bye_when_it_stops(place: Place) -> None:
    ann = await place.console("ann")
    events = await ann.events()
    await events.next("hello")

    closing = asyncio.create_task(place.server.close())

    assert await events.end() == 1001
    await closing


async def test_presence_is_shared_between_processes(open_at: Opener) -> None:
    hub = LocalHub()
    place = await open_at(hub=hub)
    elsewhere = Presence(hub, place.now)
    feed = ConsoleFeed(place.parts, elsewhere)
    ann = await place.console("ann")
    async with await ann.events():
        elsewhere.start(feed.listener())
        async with asyncio.timeout(3):
            while not elsewhere.is_present("ann"):
                await asyncio.sleep(0.01)
    async with asyncio.timeout(3):
        while elsewhere.is_present("ann"):
            await asyncio.sleep(0.01)
    await elsewhere.stop()
