"""Turns: what the bot decides is applied once, and only while it is in charge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.contract import Handoff, HandoffReason, Reply
from bot.errors import BotError
from channels.contract import Attachment, MessageKind, MessageState
from gateway.domain.conversation import Controller, hand_back
from gateway.domain.events import MessageAdded, TurnDone
from gateway.domain.inbox import RecogniserKind
from gateway.domain.trail import Hop, Outcome
from gateway.ports.store import UnitOfWork
from gateway.services.intake import IDLE
from gateway.services.turns import build_turn
from tests.gateway.services.desk import (
    CLEAR,
    MAILBOX,
    NO_BOT,
    PUSH,
    Desk,
    ScriptedBot,
    handoff,
    inbound,
    reply,
    texts_of,
)


async def test_a_reply_reaches_a_mailbox_as_sent(desk: Desk) -> None:
    accepted = await desk.turn(inbound(1), ScriptedBot(reply("Hi", "What is it about?")))
    messages = await desk.messages(accepted)
    assert [(m.kind, m.seq) for m in messages] == [
        (MessageKind.CUSTOMER, 1),
        (MessageKind.BOT, 2),
        (MessageKind.BOT, 3),
    ]
    assert {m.state for m in messages[1:]} == {MessageState.SENT}
    told = [type(e) for e in desk.events[-3:]]
    assert told == [MessageAdded, MessageAdded, TurnDone], "the answers come before the end"
    assert (await desk.conversation(accepted)).waiting_since is None


async def test_a_reply_for_a_pushing_channel_waits_in_the_outbox(desk: Desk) -> None:
    accepted = await desk.turn(inbound(1, inbox=PUSH), ScriptedBot(reply("Hi")))
    assert (await desk.messages(accepted))[-1].state is MessageState.PENDING
    assert await desk.store.read(lambda uow: uow.outbox.depth()) == 1


@pytest.mark.parametrize(
    "reason",
    [
        HandoffReason.WISH,
        HandoffReason.LOW_CONFIDENCE,
        HandoffReason.TURN_CAP,
        HandoffReason.COMPLAINT,
        HandoffReason.ACTION,
    ],
)
async def test_each_hand_off_opens_one_ticket_and_says_so(
    desk: Desk, reason: HandoffReason
) -> None:
    accepted = await desk.turn(inbound(1, "my line is down"), ScriptedBot(handoff(reason)))
    conversation = await desk.conversation(accepted)
    assert conversation.controller is Controller.QUEUE
    assert conversation.ticket_id is not None
    ticket = await desk.store.read(lambda uow: uow.tickets.get(conversation.ticket_id or ""))
    assert (ticket.reason, ticket.kind.value, ticket.severity.value) == (
        reason.value,
        "fault",
        "important",
    )
    messages = await desk.messages(accepted)
    assert texts_of(messages, MessageKind.BOT) == [
        f"A colleague will answer.\nYour ticket number: {ticket.number}"
    ]
    assert conversation.waiting_since is not None, "the customer still waits for a person"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (BotError("no model"), HandoffReason.ERROR),
        (ZeroDivisionError("bug"), HandoffReason.ERROR),
        (5.0, HandoffReason.TIMEOUT),
    ],
)
async def test_what_the_bot_does_wrong_ends_with_people(
    desk: Desk, fault: Exception | float, reason: HandoffReason
) -> None:
    accepted = await desk.accept(inbound(1))
    await desk.apply(await desk.take(ScriptedBot(fault), accepted, limit=0.05))
    messages = await desk.messages(accepted)
    (said,) = texts_of(messages, MessageKind.BOT)
    assert said.startswith(f"hold {reason.value} en")
    assert (await desk.conversation(accepted)).controller is Controller.QUEUE


async def test_a_file_without_words_goes_to_people(desk: Desk) -> None:
    file = Attachment(blob="0" * 64, name="photo.png", mime="image/png", size=10)
    message = replace(inbound(1, ""), attachments=(file,))
    bot = ScriptedBot(reply("never"))
    accepted = await desk.turn(message, bot)
    assert bot.asked == []
    assert (await desk.conversation(accepted)).controller is Controller.QUEUE


async def test_the_bot_is_silent_when_an_agent_claims_meanwhile(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1))
    decided = await desk.take(ScriptedBot(reply("too late")), accepted)
    await desk.claim(accepted)
    await desk.apply(decided)
    messages = await desk.messages(accepted)
    assert texts_of(messages, MessageKind.BOT) == []
    trail = await desk.store.read(lambda uow: uow.trail.of_message(accepted.message.id))
    assert [(t.hop, t.outcome) for t in trail] == [
        (Hop.ACCEPTED, Outcome.OK),
        (Hop.TURN, Outcome.DROPPED),
    ]


async def test_no_turn_is_owed_while_an_agent_has_it(desk: Desk) -> None:
    first = await desk.turn(inbound(1), ScriptedBot(reply("Hi")))
    await desk.claim(first)
    second = await desk.accept(inbound(2, "are you there?"))
    assert not second.owes_turn


async def test_the_same_message_twice_changes_nothing(desk: Desk) -> None:
    first = await desk.turn(inbound(1), ScriptedBot(reply("Hi")))
    again = await desk.accept(inbound(1))
    assert not again.owes_turn
    assert len(await desk.messages(first)) == 2


async def test_a_crash_between_storing_and_deciding_leaves_the_turn_owed(desk: Desk) -> None:
    first = await desk.accept(inbound(1))
    again = await desk.accept(inbound(1))
    assert again.owes_turn
    assert again.message.id == first.message.id
    await desk.apply(await desk.take(ScriptedBot(reply("Hi")), again))
    assert texts_of(await desk.messages(first), MessageKind.BOT) == ["Hi"]


async def test_a_decision_applied_twice_counts_once(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1))
    decided = await desk.take(ScriptedBot(handoff(HandoffReason.WISH)), accepted)
    await desk.apply(decided)
    await desk.apply(decided)
    messages = await desk.messages(accepted)
    assert len(texts_of(messages, MessageKind.BOT)) == 1
    assert len(texts_of(messages, MessageKind.ACTIVITY)) == 1


async def test_the_bot_sees_what_was_said_before(desk: Desk) -> None:
    await desk.turn(inbound(1, "hello"), ScriptedBot(reply("Hi")))
    bot = ScriptedBot(reply("Ok"))
    await desk.turn(inbound(2, "and my invoice?"), bot)
    assert [line.text for line in bot.asked[0].lines] == ["hello", "Hi"]
    assert bot.asked[0].state.turns == 1


async def test_an_inbox_without_a_bot_goes_to_the_queue(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1, inbox=NO_BOT))
    assert not accepted.owes_turn
    conversation = await desk.conversation(accepted)
    assert conversation.controller is Controller.QUEUE
    assert conversation.ticket_id is not None


async def test_the_ticket_keeps_the_bots_card(desk: Desk) -> None:
    accepted = await desk.turn(inbound(1, "hello"), ScriptedBot(handoff(HandoffReason.WISH)))

    conversation = await desk.conversation(accepted)
    ticket = await desk.store.read(lambda uow: uow.tickets.get(conversation.ticket_id or ""))

    assert ticket.card == {
        "topic": "a line that is down",
        "asked": ["my line is down"],
        "tried": [],
        "collected": {"line": "7"},
        "answers": [["Lights?", "off"]],
        "mood": "annoyed",
        "call_back": None,
        "customer": {
            "name": "Wang",
            "verified": False,
            "key": False,
            "tickets": 0,
            "open_tickets": ["10001"],
        },
    }


async def test_a_ticket_is_about_what_the_bot_says(desk: Desk) -> None:
    await desk.turn(inbound(1, "my invoice is wrong"), ScriptedBot(reply("Hi")))
    bot = ScriptedBot(handoff(HandoffReason.WISH, "my invoice is wrong"))
    accepted = await desk.turn(inbound(2, "a person please"), bot)
    conversation = await desk.conversation(accepted)
    ticket = await desk.store.read(lambda uow: uow.tickets.get(conversation.ticket_id or ""))
    assert ticket.subject == "my invoice is wrong"


async def test_the_bot_begins_anew_after_an_hour(desk: Desk) -> None:
    first = await desk.turn(inbound(1, "hello"), ScriptedBot(reply("Hi")))

    def age(uow: UnitOfWork) -> None:
        found = uow.conversations.get(first.conversation.id, lock=True)
        uow.conversations.update(
            [replace(found, last_message_at=found.last_message_at - IDLE - 1)]
        )

    await desk.store.write(age)
    bot = ScriptedBot(reply("Ok"))
    await desk.turn(inbound(2, "hello again"), bot)
    assert bot.asked[0].state.turns == 0


@pytest.mark.parametrize(
    ("decision", "begin"), [(reply("Hi"), ""), (handoff(HandoffReason.WISH), "wish; ")]
)
async def test_the_trail_says_why_another_recogniser_answered(
    desk: Desk, decision: Reply | Handoff, begin: str
) -> None:
    failed = replace(CLEAR, note="RasaServerRecogniser: it took too long")
    accepted = await desk.turn(inbound(1), ScriptedBot(replace(decision, understanding=failed)))
    trail = await desk.store.read(lambda uow: uow.trail.of_message(accepted.message.id))
    assert trail[-1].reason == f"{begin}RasaServerRecogniser: it took too long"


async def test_what_was_said_to_people_is_not_the_bots_concern(desk: Desk) -> None:
    await desk.turn(inbound(1, "my invoice is wrong"), ScriptedBot(reply("Hi")))
    accepted = await desk.turn(inbound(2, "a person"), ScriptedBot(handoff(HandoffReason.WISH)))
    await desk.accept(inbound(3, "hello, colleague"))

    def back(uow: UnitOfWork) -> None:
        found = uow.conversations.get(accepted.conversation.id, lock=True)
        uow.conversations.update([hand_back(found)])

    await desk.store.write(back)
    bot = ScriptedBot(reply("Hi again"))
    await desk.turn(inbound(4, "and now?"), bot)
    await desk.turn(inbound(5, "really?"), bot)
    assert [[line.text for line in turn.lines] for turn in bot.asked] == [
        [],
        ["and now?", "Hi again"],
    ]


async def test_titles_of_buttons_are_marked(desk: Desk) -> None:
    bot = ScriptedBot(reply("Hi"))
    await desk.turn(replace(inbound(1, "Talk to a person"), payload="/human_handoff"), bot)
    await desk.turn(inbound(2, "hm"), bot)
    assert [line.pressed for line in bot.asked[-1].lines] == [True, False]


async def test_an_inbox_names_its_recogniser(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1))
    chosen = [
        build_turn(
            accepted.inbound,
            accepted.conversation,
            (),
            replace(MAILBOX, recogniser=kind),
            customer=None,
            desk=None,
        ).recogniser
        for kind in RecogniserKind
    ]
    assert chosen == ["", "rasa", "llm"]
