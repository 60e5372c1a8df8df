"""Turns taken ahead: stored with their message, or not used when anything changed meanwhile."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bot.contract import ArticleFeedback, BotMessage, BotState, Decision, HandoffReason
from channels.contract import InboundMessage, MessageKind, MessageState
from gateway.domain.conversation import Controller
from gateway.domain.events import MessageAdded, TurnDone
from gateway.domain.trail import Hop, Outcome
from gateway.ports.knowledge import FeedbackCounts
from gateway.services import accepting
from gateway.services.accepting import Incoming, Memory, Remembered, accept_batch
from gateway.services.intake import IDLE, LINES_FOR_TURN, Accepted
from gateway.services.turns import Applied, Decided, Taken, apply_batch
from tests.gateway.services.desk import (
    PUSH,
    Desk,
    ScriptedBot,
    handoff,
    inbound,
    reply,
    texts_of,
)


async def answered(
    desk: Desk, memory: Memory, message: InboundMessage, made: Decision | str
) -> Accepted:
    """A turn the ordinary way, remembered."""
    decision = reply(made) if isinstance(made, str) else made
    accepted = await desk.accept(message)
    decided = await desk.take(ScriptedBot(decision), accepted)
    work = partial(apply_batch, batch=[decided], context=desk.context())
    (applied,) = await desk.store.write(work)
    memory.keep(accepted, applied)
    return accepted


def recalled(memory: Memory, message: InboundMessage, now: int = 0) -> Remembered:
    found = memory.recall(message.conversation_key, now)
    assert found is not None
    return found


async def store(desk: Desk, *batch: Incoming) -> list[tuple[Accepted, Applied | None]]:
    return await desk.store.write(partial(accept_batch, batch=batch, context=desk.context()))


def foreseen(
    memory: Memory, message: InboundMessage, decision: Any = None, *, ms: int = 3
) -> Incoming:
    return Incoming(
        message, recalled(memory, message), Taken(decision or reply(f"re: {message.text}"), ms)
    )


async def test_message_and_answer_are_stored_together(desk: Desk) -> None:
    memory = Memory()
    first = await answered(desk, memory, inbound(1, "one"), "re: one")
    desk.events.clear()
    ((accepted, applied),) = await store(desk, foreseen(memory, inbound(2, "two")))
    assert applied is not None
    assert accepted.lines == recalled(memory, inbound(2)).lines
    messages = await desk.messages(first)
    assert [(m.seq, m.text) for m in messages] == [
        (1, "one"),
        (2, "re: one"),
        (3, "two"),
        (4, "re: two"),
    ]
    assert messages[2].state is MessageState.DELIVERED
    conversation = await desk.conversation(first)
    assert (conversation.turned_seq, conversation.last_seq, conversation.unread) == (3, 4, 0)
    assert [type(e) for e in desk.events] == [MessageAdded, MessageAdded, TurnDone]
    trail = await desk.store.read(lambda uow: uow.trail.of_message(messages[2].id))
    assert [(t.hop, t.outcome) for t in trail] == [
        (Hop.ACCEPTED, Outcome.OK),
        (Hop.TURN, Outcome.OK),
    ]
    turn = await desk.store.read(lambda uow: uow.turns.of_message(messages[2].id))
    assert turn is not None
    assert (turn.decision, turn.ms) == ("reply", 3)


async def test_a_word_on_an_article_counts_for_it(desk: Desk) -> None:
    memory = Memory()
    told = replace(reply("30 days."), messages=(BotMessage(text="30 days.", article="refunds"),))
    glad = replace(reply("Good!"), feedback=ArticleFeedback(slug="refunds", helped=True))
    await answered(desk, memory, inbound(1), told)
    await store(desk, foreseen(memory, inbound(2), glad))
    counts = await desk.store.read(lambda uow: uow.articles.counts(["refunds"]))
    assert counts == {"refunds": FeedbackCounts(shown=1, helped=1)}


async def test_a_chain_of_turns_is_remembered_turn_by_turn(desk: Desk) -> None:
    memory = Memory()
    first = await answered(desk, memory, inbound(1, "ask 1"), "re: ask 1")
    for number in range(2, 6):
        (settled,) = await store(desk, foreseen(memory, inbound(number, f"ask {number}")))
        memory.keep(*settled)
    lines = recalled(memory, inbound(6)).lines
    stored = await desk.store.read(
        lambda uow: uow.messages.recent([first.conversation.id], LINES_FOR_TURN)
    )
    assert list(lines) == stored[first.conversation.id]
    conversation = await desk.conversation(first)
    assert recalled(memory, inbound(6)).conversation == conversation, "as the store has it"


async def test_a_pushing_channel_gets_its_delivery(desk: Desk) -> None:
    memory = Memory()
    first = await answered(desk, memory, inbound(1, "one", PUSH), "re: one")
    await store(desk, foreseen(memory, inbound(2, "two", PUSH)))
    assert (await desk.messages(first))[-1].state is MessageState.PENDING
    assert await desk.store.read(lambda uow: uow.outbox.depth()) == 2


async def test_a_hand_off_ahead_opens_its_ticket_and_is_not_remembered(desk: Desk) -> None:
    memory = Memory()
    first = await answered(desk, memory, inbound(1, "one"), "re: one")
    (settled,) = await store(
        desk, foreseen(memory, inbound(2, "a person please"), handoff(HandoffReason.WISH, "one"))
    )
    memory.keep(*settled)
    conversation = await desk.conversation(first)
    assert conversation.controller is Controller.QUEUE
    ticket = await desk.store.read(lambda uow: uow.tickets.get(conversation.ticket_id or ""))
    assert (ticket.reason, ticket.subject) == ("wish", "one")
    assert memory.recall(inbound(3).conversation_key, 0) is None


async def test_a_turn_is_not_used_when_an_agent_claimed_meanwhile(desk: Desk) -> None:
    memory = Memory()
    first = await answered(desk, memory, inbound(1, "one"), "re: one")
    await desk.claim(first)
    ((accepted, applied),) = await store(desk, foreseen(memory, inbound(2, "two")))
    assert (accepted.owes_turn, applied) == (False, None)
    assert [m.text for m in await desk.messages(first)] == ["one", "re: one", "two"]


async def test_a_turn_is_not_used_when_something_was_said_meanwhile(desk: Desk) -> None:
    memory = Memory()
    await answered(desk, memory, inbound(1, "one"), "re: one")
    late = foreseen(memory, inbound(3, "three"))
    await desk.turn(inbound(2, "two"), ScriptedBot(reply("re: two")))
    ((accepted, applied),) = await store(desk, late)
    assert (accepted.owes_turn, applied) == (True, None), "the bot is to be asked anew"
    assert [line.text for line in accepted.lines] == ["one", "re: one", "two", "re: two"]


async def test_a_turn_on_a_message_that_came_before_is_not_used(desk: Desk) -> None:
    memory = Memory()
    first = await answered(desk, memory, inbound(1, "one"), "re: one")
    ((accepted, applied),) = await store(desk, foreseen(memory, inbound(1, "one")))
    assert (accepted.new, accepted.owes_turn, applied) == (False, False, None)
    assert len(await desk.messages(first)) == 2


async def test_a_message_with_its_answer_tells_of_the_contact_too(desk: Desk) -> None:
    memory = Memory()
    first = await answered(desk, memory, inbound(1, "one"), "re: one")
    told = inbound(2, "two", profile={"name": "Lin", "email": "lin@example.com"})
    ((_, applied),) = await store(desk, foreseen(memory, told))
    assert applied is not None
    contact = await desk.store.read(lambda uow: uow.contacts.get(first.conversation.contact_id))
    assert (contact.name, contact.email) == ("Lin", "lin@example.com")


async def test_one_transaction_takes_answered_and_unanswered_messages(desk: Desk) -> None:
    memory = Memory()
    mine = await answered(desk, memory, inbound(1, "one", handle="lin"), "re: one")
    other = await answered(desk, memory, inbound(1, "eins", handle="mei"), "re: eins")
    batch = [
        foreseen(memory, inbound(2, "two", handle="lin")),
        foreseen(memory, inbound(2, "zwei", handle="mei")),
        Incoming(inbound(1, "hello", handle="new")),
    ]
    await desk.claim(mine)
    claimed, stored, started = await store(desk, *batch)
    assert claimed[1] is None
    assert stored[1] is not None
    assert (started[0].owes_turn, started[1]) == (True, None)
    assert texts_of(await desk.messages(other), MessageKind.BOT) == ["re: eins", "re: zwei"]
    assert [m.text for m in await desk.messages(started[0])] == ["hello"]


async def test_the_bots_state_is_remembered_as_the_store_gives_it_back(desk: Desk) -> None:
    memory = Memory()
    accepted = await desk.accept(inbound(1, "one"))
    state = BotState(turns=1, offered=("/a", "/b"), slots={"order": "10023"})
    decided = Decided(accepted, Taken(replace(reply("re: one"), state=state), 1))
    work = partial(apply_batch, batch=[decided], context=desk.context())
    (applied,) = await desk.store.write(work)
    memory.keep(accepted, applied)
    found = recalled(memory, inbound(2)).conversation
    assert found.bot_state == (await desk.conversation(accepted)).bot_state


async def test_an_old_silence_is_not_recalled(desk: Desk) -> None:
    memory = Memory()
    first = await answered(desk, memory, inbound(1, "one"), "re: one")
    since = (await desk.conversation(first)).last_message_at
    assert memory.recall(inbound(2).conversation_key, since + IDLE) is not None
    assert memory.recall(inbound(2).conversation_key, since + IDLE + 1) is None


async def test_a_dropped_or_repeated_turn_is_forgotten(desk: Desk) -> None:
    memory = Memory()
    first = await answered(desk, memory, inbound(1, "one"), "re: one")
    memory.keep(first, None)
    assert memory.recall(inbound(2).conversation_key, 0) is None


async def test_long_conversations_and_too_many_are_not_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "MOST", 2 * accepting.LEAST + 100)
    memory = Memory()
    await answered(desk, memory, inbound(1, "x" * accepting.LONGEST, handle="long"), "re")
    assert memory.recall(inbound(2, handle="long").conversation_key, 0) is None
    for handle in ("a", "b", "a", "c"):
        number = 1 if memory.recall(inbound(1, handle=handle).conversation_key, 0) is None else 2
        await answered(desk, memory, inbound(number, "hi", handle=handle), "re: hi")
    kept = [h for h in "abc" if memory.recall(inbound(9, handle=h).conversation_key, 0)]
    assert kept == ["a", "c"], "the one quiet longest was forgotten"
