"""The intake over the real bus and database: order, faults that stay alone, and stops."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

import pytest

from bot.contract import Decision, HandoffReason, Turn
from channels.contract import MessageState
from gateway.domain.conversation import Controller
from gateway.domain.events import ContactChanged, MessageAdded
from gateway.domain.people import Team
from gateway.ports.bus import BusEntry, BusUnavailableError
from gateway.ports.store import UnitOfWork
from gateway.workers import intake
from gateway.workers.intake import MAX_ATTEMPTS
from tests.gateway.services.desk import (
    MAILBOX,
    NO_BOT,
    Desk,
    ScriptedBot,
    handoff,
    inbound,
    reply,
)
from tests.gateway.workers.flow import EchoBot, Flow


@pytest.fixture
async def flow(desk: Desk) -> AsyncIterator[Flow]:
    flow = Flow(desk)
    await flow.start()
    yield flow
    await flow.stop()


async def test_a_message_is_stored_answered_and_acknowledged(flow: Flow) -> None:
    await flow.deliver(inbound(1, "hello"))
    await flow.settled()
    assert await flow.said("visitor") == ["hello", "re: hello"]
    assert flow.count("yingda_inbound_total", channel="rest", outcome="accepted") == 1
    assert flow.count("yingda_turns_total", decision="reply") == 1
    assert flow.count("yingda_turn_seconds_count") == 1


async def test_what_owes_no_turn_is_acknowledged_too(flow: Flow) -> None:
    await flow.deliver(inbound(1, "hello", NO_BOT))
    await flow.settled()
    assert isinstance(flow.bot, EchoBot)
    assert flow.bot.asked == []


async def test_each_conversation_keeps_its_order_among_many(desk: Desk) -> None:
    async def at_its_own_pace(turn: Turn) -> Decision:
        await asyncio.sleep(random.choice((0, 0.001, 0.03)))
        return reply(f"re: {turn.text}")

    flow = Flow(desk, EchoBot(at_its_own_pace))
    await flow.start()
    handles = [f"visitor {n}" for n in range(12)]

    async def customer(handle: str) -> None:
        for number in range(1, 6):
            await flow.deliver(inbound(number, f"{handle} says {number}", handle=handle))

    await asyncio.gather(*map(customer, handles))
    await flow.settled()
    for handle in handles:
        expected = []
        for number in range(1, 6):
            expected += [f"{handle} says {number}", f"re: {handle} says {number}"]
        assert await flow.said(handle) == expected
    await flow.stop()


async def test_slow_turns_hold_up_nobody_but_their_own_customers(desk: Desk) -> None:
    awake = asyncio.Event()

    async def slow_for_lin(turn: Turn) -> Decision:
        if turn.text == "think":
            await awake.wait()
        return reply(f"re: {turn.text}")

    flow = Flow(desk, EchoBot(slow_for_lin))
    await flow.start()
    await flow.deliver(inbound(1, "think", handle="lin"), inbound(2, "well?", handle="lin"))
    for number in range(2 * intake.IN_FLIGHT):  # each alone: in batches of their own
        await flow.deliver(inbound(1, "think", handle=f"thinker {number}"))
        await flow.until(partial(flow.bot.was_asked, number + 2))
    for number in range(30):
        await flow.deliver(inbound(1, "hello", handle=f"other {number}"))
    await flow.until(lambda: flow.count("yingda_turns_total", decision="reply") == 30)
    assert await flow.said("lin") == ["think"]
    awake.set()
    await flow.settled()
    assert await flow.said("lin") == ["think", "re: think", "well?", "re: well?"]
    await flow.stop()


async def test_a_poison_message_is_tried_alone_and_buried(desk: Desk) -> None:
    flow = Flow(desk)
    flow.weather.poison = {"poison"}
    await flow.start(
        inbound(1, "before", handle="a"),
        inbound(1, "poison", handle="b"),
        inbound(2, "after the poison", handle="b"),
        inbound(1, "beside", handle="c"),
    )
    await flow.settled()
    assert await flow.said("a") == ["before", "re: before"]
    assert await flow.said("c") == ["beside", "re: beside"]
    assert await flow.said("b") == ["after the poison", "re: after the poison"], "b goes on"
    (letter,) = await flow.letters()
    assert (letter.attempts, letter.reason) == (MAX_ATTEMPTS, "RuntimeError: cannot be stored")
    assert flow.bus.delays == [1.0, 2.0, 4.0, 8.0]
    assert flow.count("yingda_buried_total") == 1
    await flow.stop()


async def test_a_poison_message_that_is_cured_goes_its_way(flow: Flow) -> None:
    flow.weather.poison = {"poison"}
    sending = asyncio.create_task(flow.deliver(inbound(1, "poison")))
    await flow.until(lambda: len(flow.bus.delays) == 2)
    flow.weather.poison = set()
    await sending
    await flow.settled()
    assert await flow.said("visitor") == ["poison", "re: poison"]
    assert await flow.letters() == []


async def test_an_answer_that_cannot_be_stored_becomes_a_hand_off(flow: Flow) -> None:
    flow.weather.poisoned_turns = {"bad", "bad again"}
    await flow.deliver(inbound(1, "bad", handle="new"), inbound(1, "hello", handle="known"))
    await flow.settled()
    await flow.deliver(inbound(2, "bad again", handle="known"))  # its turn is taken ahead
    await flow.settled()

    for handle in ("new", "known"):
        conversation = await flow.conversation(handle)
        assert conversation.controller is Controller.QUEUE
        assert conversation.ticket_id is not None
    assert (await flow.said("new"))[0] == "bad"
    assert len(await flow.said("new")) == 2, "the holding reply"
    assert len(await flow.said("known")) == 4
    assert await flow.letters() == []
    assert flow.count("yingda_turns_total", decision="handoff") == 2


async def test_a_turn_that_cannot_be_applied_is_buried_and_others_go_on(desk: Desk) -> None:
    flow = Flow(desk)
    flow.weather.cursed_turns = {"bad"}
    await flow.start(inbound(1, "bad", handle="a"), inbound(1, "good", handle="b"))
    await flow.settled()
    assert await flow.said("b") == ["good", "re: good"]
    assert await flow.said("a") == ["bad"], "the message itself is kept"
    (letter,) = await flow.letters()
    assert letter.reason == "RuntimeError: cannot be applied"
    await flow.stop()


async def test_a_buried_message_can_be_queued_again(flow: Flow) -> None:
    flow.weather.poison = {"poison"}
    await flow.deliver(inbound(1, "poison"))
    await flow.settled()
    flow.weather.poison = set()
    (letter,) = await flow.letters()
    assert await flow.bus.requeue(letter.id)
    await flow.settled()
    assert await flow.said("visitor") == ["poison", "re: poison"]


async def test_what_the_database_cannot_hold_is_buried_without_its_text(
    flow: Flow, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    impossible = replace(inbound(1, "my secret", handle="a"), sent_at=2**63)
    await flow.deliver(impossible, inbound(1, "hello", handle="b"))
    await flow.settled()
    assert await flow.said("b") == ["hello", "re: hello"]
    assert len(await flow.letters()) == 1
    assert "my secret" not in caplog.text


async def test_an_unknown_inbox_is_buried_and_the_rest_goes_on(flow: Flow) -> None:
    stranger = replace(MAILBOX, id="nowhere")
    await flow.deliver(inbound(1, "lost", stranger), inbound(1, "hello"))
    await flow.settled()
    assert await flow.said("visitor") == ["hello", "re: hello"]
    (letter,) = await flow.letters()
    assert letter.reason == "LookupError: no inbox nowhere"
    assert flow.bus.delays == [1.0, 2.0, 4.0, 8.0], "it may have been made a moment ago"


@pytest.mark.parametrize(
    "payload",
    [
        b"\x00 not JSON",
        b'{"text": "from another release"}',
        b'{"attachments": [], "inbox_id": {}, "handle": "h", "external_id": "e", "text": "t", '
        b'"received_at": 1}',
    ],
)
async def test_what_cannot_be_read_is_buried_and_the_rest_goes_on(
    flow: Flow, payload: bytes
) -> None:
    await asyncio.gather(
        flow.bus.append("mailbox\x1fx\x1f", payload), flow.deliver(inbound(1, "hello"))
    )
    await flow.settled()
    assert await flow.said("visitor") == ["hello", "re: hello"]
    (letter,) = await flow.letters()
    assert (letter.payload, letter.attempts) == (payload, 1)


async def test_a_database_that_is_away_costs_no_message(flow: Flow) -> None:
    await flow.deliver(inbound(1, "before"))
    await flow.settled()
    flow.weather.whole = False
    await flow.deliver(inbound(2, "during"), inbound(1, "also", handle="other"))
    await flow.until(lambda: len(flow.bus.delays) >= 2 * (MAX_ATTEMPTS + 1))
    flow.weather.whole = True
    await flow.settled()
    assert await flow.said("visitor") == ["before", "re: before", "during", "re: during"]
    assert await flow.said("other") == ["also", "re: also"]
    assert await flow.letters() == [], "an outage is nobody's fault: attempts do not count"
    assert set(flow.bus.delays) == {intake.UNAVAILABLE_DELAY}


async def test_a_database_that_goes_during_the_turn_costs_no_answer(desk: Desk) -> None:
    async def cutting(turn: Turn) -> Decision:
        flow.weather.whole = len(bot.asked) > 1
        return reply(f"re: {turn.text}")

    bot = EchoBot(cutting)
    flow = Flow(desk, bot)
    await flow.start()
    await flow.deliver(inbound(1, "hello"))
    await flow.until(lambda: len(flow.bus.delays) == 1)
    flow.weather.whole = True
    await flow.settled()
    assert await flow.said("visitor") == ["hello", "re: hello"]
    assert len(bot.asked) == 2, "asked again, answered once"
    await flow.stop()


async def test_a_database_that_is_away_at_the_first_message(desk: Desk) -> None:
    flow = Flow(desk)
    flow.weather.whole = False  # not even the inboxes are known yet
    await flow.start()
    await flow.deliver(inbound(1, "hello"))
    await flow.until(lambda: len(flow.bus.delays) >= 2)
    flow.weather.whole = True
    await flow.settled()
    assert await flow.said("visitor") == ["hello", "re: hello"]
    await flow.stop()


async def test_a_bot_that_never_answers_ends_with_people(desk: Desk) -> None:
    async def never(turn: Turn) -> Decision:
        await asyncio.Event().wait()
        raise AssertionError("nobody set it")

    flow = Flow(desk, EchoBot(never), limit=0.05)
    await flow.start()
    await flow.deliver(inbound(1, "hello"))
    await flow.settled()
    asked, held = await flow.said("visitor")
    assert asked == "hello"
    assert held.startswith("hold timeout en")
    assert flow.count("yingda_turns_total", decision="handoff") == 1
    await flow.stop()


async def test_after_a_hand_off_the_bot_is_not_asked(desk: Desk) -> None:
    async def hand_over(turn: Turn) -> Decision:
        return handoff(HandoffReason.WISH)

    bot = EchoBot(hand_over)
    flow = Flow(desk, bot)
    await flow.start()
    await flow.deliver(*(inbound(number, f"please {number}") for number in range(1, 5)))
    await flow.settled()
    assert len(bot.asked) == 1
    assert len(await flow.said("visitor")) == 5
    await flow.stop()


async def test_a_stop_finishes_what_is_in_hand(desk: Desk) -> None:
    asked = asyncio.Event()

    async def thinking(turn: Turn) -> Decision:
        asked.set()
        await asyncio.sleep(0.1)
        return reply(f"re: {turn.text}")

    flow = Flow(desk, EchoBot(thinking))
    await flow.start()
    await flow.deliver(inbound(1, "hello"))
    await asked.wait()
    await flow.stop()
    assert await flow.said("visitor") == ["hello", "re: hello"]
    assert (await Flow(desk).bus.lag()).depth == 0


async def test_what_was_not_taken_waits_for_the_next_start(desk: Desk) -> None:
    stopped = Flow(desk)
    await stopped.bus.start()
    await stopped.deliver(inbound(1, "hello"), inbound(2, "anyone?"))
    await stopped.stop()
    flow = Flow(desk)
    await flow.start()
    await flow.settled()
    assert await flow.said("visitor") == ["hello", "re: hello", "anyone?", "re: anyone?"]
    await flow.stop()


async def test_a_turn_that_died_before_its_end_is_taken_by_the_next_start(desk: Desk) -> None:
    asked = asyncio.Event()

    async def dying(turn: Turn) -> Decision:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody set it")

    dead = Flow(desk, EchoBot(dying))
    await dead.start()
    await dead.deliver(inbound(1, "hello"))
    await asked.wait()
    assert await dead.said("visitor") == ["hello"]
    flow = Flow(desk)  # as after a crash: the dead one never acknowledged
    await flow.start()
    await flow.settled()
    assert await flow.said("visitor") == ["hello", "re: hello"]
    await flow.stop()
    for task in dead.worker._running:
        task.cancel()
    await dead.stop()


async def test_the_loop_ends_when_the_bus_closes(desk: Desk) -> None:
    flow = Flow(desk)
    await flow.bus.start()
    loop = asyncio.create_task(flow.worker.run())
    await asyncio.sleep(0)
    await flow.bus.close()
    async with asyncio.timeout(2):
        await loop


async def test_repeats_on_the_bus_are_answered_once(flow: Flow) -> None:
    message = inbound(1, "hello")
    await asyncio.gather(*(flow.deliver(message) for _ in range(5)))
    await flow.settled()
    assert await flow.said("visitor") == ["hello", "re: hello"]
    stored = await flow.desk.store.read(
        lambda uow: uow.messages.known([(MAILBOX.id, message.external_id)])
    )
    (kept,) = stored.values()
    assert kept.state is MessageState.DELIVERED


async def test_an_acknowledgement_that_fails_stops_nobody(
    flow: Flow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(entries: Sequence[BusEntry]) -> None:
        raise BusUnavailableError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(flow.bus, "acknowledge", away)
        await flow.deliver(inbound(1, "hello", handle="a"))
        await flow.until(lambda: "not acknowledged: gone" in caplog.text)
    await flow.deliver(inbound(1, "hello", handle="b"))
    await flow.until(lambda: flow.count("yingda_turns_total", decision="reply") == 2)
    assert await flow.said("b") == ["hello", "re: hello"]


async def test_an_inbox_made_a_moment_ago_is_waited_for(flow: Flow) -> None:
    young = replace(MAILBOX, id="young", name="Young")
    await flow.deliver(inbound(1, "hello", young))
    await asyncio.sleep(0.02)
    await flow.desk.store.write(lambda uow: uow.inboxes.add(young))
    await flow.inboxes.reload()
    await flow.settled()
    assert await flow.letters() == []


async def test_the_next_message_is_stored_with_its_answer(flow: Flow) -> None:
    await flow.deliver(inbound(1, "one"))
    await flow.settled()
    before = flow.weather.writes
    await flow.deliver(inbound(2, "two"))
    await flow.settled()
    assert flow.weather.writes == before + 1, "one transaction"
    assert await flow.said("visitor") == ["one", "re: one", "two", "re: two"]
    assert flow.count("yingda_inbound_total", channel="rest", outcome="accepted") == 2
    assert flow.count("yingda_turns_total", decision="reply") == 2


async def test_a_turn_ahead_of_a_claimed_conversation_is_not_said(desk: Desk) -> None:
    flow = Flow(desk)
    await flow.start(inbound(1, "one"))
    await flow.settled()
    await desk.claim(await desk.accept(inbound(1, "one")))
    await flow.deliver(inbound(2, "two"))
    await flow.settled()
    assert await flow.said("visitor") == ["one", "re: one", "two"]
    await flow.stop()


async def test_the_bot_is_asked_again_when_its_question_was_out_of_date(desk: Desk) -> None:
    flow = Flow(desk)
    await flow.start(inbound(1, "one"))
    await flow.settled()
    # Another worker had a message of the conversation meanwhile.
    await desk.turn(inbound(2, "elsewhere"), ScriptedBot(reply("re: elsewhere")))
    await flow.deliver(inbound(3, "three"))
    await flow.settled()
    asked = [[line.text for line in turn.lines] for turn in flow.bot.asked]
    assert asked == [[], ["one", "re: one"], ["one", "re: one", "elsewhere", "re: elsewhere"]]
    assert (await flow.said("visitor"))[-2:] == ["three", "re: three"]
    await flow.stop()


async def test_a_slow_turn_ahead_is_asked_once_and_its_message_is_seen_meanwhile(
    desk: Desk,
) -> None:
    awake = asyncio.Event()

    async def slow(turn: Turn) -> Decision:
        if turn.text == "think":
            await awake.wait()
        return reply(f"re: {turn.text}")

    flow = Flow(desk, EchoBot(slow))
    await flow.start(inbound(1, "one"))
    await flow.settled()
    await flow.deliver(inbound(2, "think"))
    assert await flow.said("visitor") == ["one", "re: one", "think"]
    awake.set()
    await flow.settled()
    assert await flow.said("visitor") == ["one", "re: one", "think", "re: think"]
    assert flow.bot.was_asked(2)
    await flow.stop()


async def test_a_turn_ahead_that_cannot_be_stored_goes_the_ordinary_way(desk: Desk) -> None:
    flow = Flow(desk)
    await flow.start(inbound(1, "one", handle="a"), inbound(1, "one", handle="b"))
    await flow.settled()
    flow.weather.poison = {"poison"}
    senders = [
        asyncio.create_task(flow.deliver(inbound(2, text, handle=handle)))
        for handle, text in (("a", "poison"), ("b", "two"))
    ]
    await asyncio.gather(*senders)
    await flow.settled()
    assert await flow.said("a") == ["one", "re: one"]
    assert await flow.said("b") == ["one", "re: one", "two", "re: two"]
    assert [letter.reason for letter in await flow.letters()] == ["RuntimeError: cannot be stored"]
    await flow.stop()


async def test_a_state_of_another_bot_version_does_not_stop_a_conversation(desk: Desk) -> None:
    """An upgrade may leave state that this bot cannot read: it begins anew, and answers."""
    accepted = await desk.turn(inbound(1, "one"), ScriptedBot(reply("re: one")))

    def spoil(uow: UnitOfWork) -> None:
        found = uow.conversations.get(accepted.conversation.id, lock=True)
        state = {"misses": 1, "renamed": [1], "offered": 7}
        uow.conversations.update([replace(found, bot_state=state)])

    await desk.store.write(spoil)
    flow = Flow(desk)
    await flow.start(inbound(2, "two"), inbound(1, "beside", handle="mei"))
    await flow.settled()
    assert await flow.said("visitor") == ["one", "re: one", "two", "re: two"]
    assert await flow.said("mei") == ["beside", "re: beside"]
    await flow.stop()


async def test_the_bot_is_not_asked_once_people_answer(desk: Desk) -> None:
    flow = Flow(desk)
    await flow.start(inbound(1, "one"))
    await flow.settled()
    await desk.claim(await desk.accept(inbound(1, "one")))
    for number in range(2, 6):
        await flow.deliver(inbound(number, f"text {number}"))
        await flow.settled()
    assert len(flow.bot.asked) <= 2, "at most one turn was under way when the agent claimed"
    await flow.stop()


async def test_an_owed_turn_is_in_the_journal_before_anybody_hears_of_its_message(
    desk: Desk,
) -> None:
    """A process that dies while the bot thinks leaves the turn to the next one."""
    thinking = asyncio.Event()

    async def never(turn: Turn) -> Decision:
        thinking.set()
        await asyncio.Event().wait()
        raise AssertionError

    flow = Flow(desk, EchoBot(never))
    await flow.start()
    sending = asyncio.create_task(flow.deliver(inbound(1, "one")))
    await thinking.wait()
    await flow.until(lambda: any(isinstance(e, MessageAdded) for e in desk.events))
    outstanding = await desk.store.read(lambda uow: uow.journal.outstanding(after=0, limit=9))
    assert len(outstanding) == 1
    await asyncio.wait_for(sending, 1)
    # (The process dies here: nothing of it is stopped in order.)
    heir = Flow(desk)
    await heir.start()
    await heir.settled()
    assert await heir.said("visitor") == ["one", "re: one"]
    await heir.stop()


async def test_a_turn_ahead_knows_a_customer_who_changed(desk: Desk) -> None:
    flow = Flow(desk)
    follower = asyncio.create_task(flow.worker.follow_customers(flow.hub))
    await flow.start(inbound(1, "one"))
    await flow.settled()
    await flow.deliver(inbound(2, "two"))
    await flow.settled()
    key = inbound(1).conversation_key

    def mark(uow: UnitOfWork) -> None:
        contact = uow.contacts.get(uow.conversations.by_keys([key])[key].contact_id)
        changed = replace(contact, key=True)
        uow.contacts.update(changed)
        uow.emit(ContactChanged(contact=changed))

    await desk.store.write(mark)
    writes = flow.weather.writes
    for number in (3, 4):
        await flow.deliver(inbound(number, "more"))
        await flow.settled()
    asked = [turn.customer for turn in flow.bot.asked]
    assert [customer is not None and customer.key for customer in asked] == [
        False,
        False,
        True,
        True,
    ]
    assert flow.weather.writes == writes + 3, "read once, then remembered again"
    await flow.stop()
    await flow.hub.close()
    await follower


async def test_turns_are_told_how_the_desk_stands(desk: Desk) -> None:
    await desk.store.write(lambda uow: uow.agents.add_team(Team(id="first", name="First")))
    flow = Flow(desk)
    await flow.desks.refresh()
    await flow.start(inbound(1, "one"))
    await flow.settled()
    await flow.deliver(inbound(2, "two"))
    await flow.settled()
    seen = flow.desks.of(None)
    assert seen is not None
    assert [turn.desk for turn in flow.bot.asked] == [seen, seen]
    await flow.stop()
