"""A customer's side of a conversation: what it may read, and how far messages got."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar, cast

import pytest
from typing_extensions import override

from channels.contract import MessageKind, MessageState, PublicMessage
from channels.errors import UnavailableError
from gateway.bus.hub import LocalHub
from gateway.domain.conversation import append_internal
from gateway.domain.events import MessageStateChanged
from gateway.domain.trail import Hop
from gateway.ports.store import Store, UnitOfWork
from gateway.services.intake import Accepted
from gateway.services.mailbox import StoreMailbox
from gateway.services.publishing import CONSOLE, handle_topic
from gateway.wiring.ids import clock, new_id
from tests.gateway.bus.grounds import Wire
from tests.gateway.services.desk import MAILBOX, Desk, ScriptedBot, inbound, reply

T = TypeVar("T")
DELIVERED, READ, SENT = MessageState.DELIVERED, MessageState.READ, MessageState.SENT


class CountingStore(Wire):
    """Counts the writes that reach the database."""

    writes = 0

    @override
    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        self.writes += 1
        return await super().write(work)


@pytest.fixture
def store(desk: Desk) -> CountingStore:
    return CountingStore(desk.store)


@pytest.fixture
def mailbox(store: CountingStore) -> StoreMailbox:
    return StoreMailbox(store, LocalHub(), clock)


async def talk(desk: Desk, turns: int, *, handle: str = "visitor") -> Accepted:
    """Each turn: the customer asks, the bot answers; seqs 1 to 2 × turns."""
    for number in range(1, turns + 1):
        accepted = await desk.turn(
            inbound(number, f"ask {number}", handle=handle),
            ScriptedBot(reply(f"answer {number}")),
        )
    return accepted


async def add_note(desk: Desk, accepted: Accepted) -> None:
    """An agent's note among the messages, which is none of the customer's business."""

    def work(uow: UnitOfWork) -> None:
        conversation = append_internal(uow.conversations.get(accepted.conversation.id, lock=True))
        uow.conversations.update([conversation])
        note = replace(
            accepted.message,
            id=new_id(),
            seq=conversation.last_seq,
            kind=MessageKind.NOTE,
            text="he is angry",
            external_id=None,
        )
        uow.messages.add([note])

    await desk.store.write(work)


def texts(messages: Sequence[PublicMessage]) -> list[str]:
    return [message.text for message in messages]


async def states(desk: Desk, accepted: Accepted) -> dict[int, MessageState]:
    messages = await desk.messages(accepted)
    return {m.seq: m.state for m in messages if m.kind is MessageKind.BOT}


async def test_history_is_what_was_said_aloud(desk: Desk, mailbox: StoreMailbox) -> None:
    accepted = await talk(desk, 1)
    await add_note(desk, accepted)
    await desk.turn(inbound(2, "ask 2"), ScriptedBot(reply("answer 2")))
    found = await mailbox.history(MAILBOX.id, "visitor")
    assert texts(found) == ["ask 1", "answer 1", "ask 2", "answer 2"]
    assert [m.seq for m in found] == [1, 2, 4, 5]


async def test_history_after_a_seq_and_the_newest(desk: Desk, mailbox: StoreMailbox) -> None:
    await talk(desk, 3)
    assert texts(await mailbox.history(MAILBOX.id, "visitor", after=4)) == ["ask 3", "answer 3"]
    assert texts(await mailbox.history(MAILBOX.id, "visitor", after=1, limit=1)) == ["answer 1"]
    assert texts(await mailbox.history(MAILBOX.id, "visitor", limit=2)) == ["ask 3", "answer 3"]
    assert await mailbox.history(MAILBOX.id, "visitor", after=6) == []


async def test_history_of_others_stays_theirs(desk: Desk, mailbox: StoreMailbox) -> None:
    await talk(desk, 1)
    for inbox_id, handle in ((MAILBOX.id, "stranger"), ("push", "visitor")):
        assert await mailbox.history(inbox_id, handle) == []
        assert await mailbox.undelivered(inbox_id, handle) == []


async def test_a_database_that_is_away_is_told_in_the_channels_words() -> None:
    hub = LocalHub()
    store = Wire(cast("Store", None))
    store.whole = False
    mailbox = StoreMailbox(store, hub, clock)
    console = hub.subscribe(CONSOLE)
    for reading in (
        mailbox.history(MAILBOX.id, "visitor"),
        mailbox.controller(MAILBOX.id, "visitor"),
        mailbox.undelivered(MAILBOX.id, "visitor"),
        mailbox.typing(MAILBOX.id, "visitor"),
    ):
        with pytest.raises(UnavailableError) as caught:
            await reading
        assert caught.value.retry_after == 5
        assert "cut off" not in str(caught.value)
    console.close()


async def test_undelivered_is_what_was_not_fetched(desk: Desk, mailbox: StoreMailbox) -> None:
    await talk(desk, 3)
    await mailbox.mark(MAILBOX.id, "visitor", up_to=4, state=DELIVERED)
    assert texts(await mailbox.undelivered(MAILBOX.id, "visitor")) == ["answer 3"]


async def test_marks_raise_states_up_to_their_seq(desk: Desk, mailbox: StoreMailbox) -> None:
    accepted = await talk(desk, 3)
    await mailbox.mark(MAILBOX.id, "visitor", up_to=4, state=DELIVERED)
    await mailbox.mark(MAILBOX.id, "visitor", up_to=2, state=READ)
    assert await states(desk, accepted) == {2: READ, 4: DELIVERED, 6: SENT}


async def test_reading_what_was_never_delivered_counts_as_both(
    desk: Desk, mailbox: StoreMailbox
) -> None:
    accepted = await talk(desk, 1)
    await mailbox.mark(MAILBOX.id, "visitor", up_to=2, state=READ)
    assert await states(desk, accepted) == {2: READ}


async def test_a_mark_of_one_answer_leaves_the_others(desk: Desk, mailbox: StoreMailbox) -> None:
    accepted = await talk(desk, 3)
    second = (await desk.messages(accepted))[3]
    assert second.in_reply_to is not None
    for answers_to in ("unknown", second.in_reply_to):
        await mailbox.mark(MAILBOX.id, "visitor", up_to=6, state=DELIVERED, in_reply_to=answers_to)
    assert await states(desk, accepted) == {2: SENT, 4: DELIVERED, 6: SENT}


async def test_marks_never_lower_a_state_and_count_once(desk: Desk, mailbox: StoreMailbox) -> None:
    accepted = await talk(desk, 1)
    desk.events.clear()
    for state in (READ, DELIVERED, READ, DELIVERED):
        await mailbox.mark(MAILBOX.id, "visitor", up_to=2, state=state)
    assert await states(desk, accepted) == {2: READ}
    changes = [e for e in desk.events if isinstance(e, MessageStateChanged)]
    assert [e.state for e in changes] == [READ]
    answer = (await desk.messages(accepted))[-1]
    trail = await desk.store.read(lambda uow: uow.trail.of_message(answer.id))
    assert [entry.hop for entry in trail] == [Hop.SENT, Hop.READ]


async def test_the_customers_own_messages_are_not_marked(
    desk: Desk, mailbox: StoreMailbox
) -> None:
    accepted = await talk(desk, 1)
    await mailbox.mark(MAILBOX.id, "visitor", up_to=2, state=READ)
    (asked, _) = await desk.messages(accepted)
    assert asked.state is DELIVERED


async def test_a_mark_of_a_stranger_changes_nothing(desk: Desk, mailbox: StoreMailbox) -> None:
    accepted = await talk(desk, 1)
    desk.events.clear()
    await mailbox.mark(MAILBOX.id, "stranger", up_to=99, state=READ)
    assert await states(desk, accepted) == {2: SENT}
    assert desk.events == []


async def test_many_marks_at_once_all_return_and_share_writes(
    desk: Desk, mailbox: StoreMailbox, store: CountingStore
) -> None:
    handles = [f"visitor {n}" for n in range(5)]
    accepted = {handle: await talk(desk, 2, handle=handle) for handle in handles}
    marks = [
        mailbox.mark(MAILBOX.id, handle, up_to=up_to, state=state)
        for up_to in (2, 4)
        for state in (DELIVERED, READ)
        for handle in handles
        for _ in range(5)
    ]
    async with asyncio.timeout(5):
        await asyncio.gather(*marks)
    for handle in handles:
        assert await states(desk, accepted[handle]) == {2: READ, 4: READ}
    assert store.writes < len(marks) // 5


async def test_a_mark_that_comes_during_a_write_is_in_the_next(
    desk: Desk, mailbox: StoreMailbox
) -> None:
    accepted = await talk(desk, 2)
    first = asyncio.create_task(mailbox.mark(MAILBOX.id, "visitor", up_to=2, state=DELIVERED))
    await asyncio.sleep(0)  # its write is under way
    await mailbox.mark(MAILBOX.id, "visitor", up_to=4, state=DELIVERED)
    assert first.done()
    assert await states(desk, accepted) == {2: DELIVERED, 4: DELIVERED}


async def test_of_two_marks_that_wait_the_higher_one_counts(
    desk: Desk, mailbox: StoreMailbox
) -> None:
    accepted = await talk(desk, 2)
    marks = [
        asyncio.create_task(mailbox.mark(MAILBOX.id, "visitor", up_to=up_to, state=DELIVERED))
        for up_to in (4, 2)
    ]
    await asyncio.gather(*marks)
    assert await states(desk, accepted) == {2: DELIVERED, 4: DELIVERED}


async def test_a_failing_store_releases_its_callers_and_later_marks_work(
    desk: Desk,
    mailbox: StoreMailbox,
    store: CountingStore,
    caplog: pytest.LogCaptureFixture,
) -> None:
    accepted = await talk(desk, 1)
    store.whole = False
    async with asyncio.timeout(5):
        await asyncio.gather(
            *(mailbox.mark(MAILBOX.id, "visitor", up_to=2, state=READ) for _ in range(10))
        )
    assert await states(desk, accepted) == {2: SENT}
    assert "marks are lost" in caplog.text
    store.whole = True
    await mailbox.mark(MAILBOX.id, "visitor", up_to=2, state=READ)
    assert await states(desk, accepted) == {2: READ}


async def test_a_caller_that_goes_away_takes_no_mark_with_it(
    desk: Desk, mailbox: StoreMailbox
) -> None:
    accepted = await talk(desk, 1)
    gone = asyncio.create_task(mailbox.mark(MAILBOX.id, "visitor", up_to=2, state=DELIVERED))
    await asyncio.sleep(0)
    gone.cancel()
    await mailbox.mark(MAILBOX.id, "stranger", up_to=1, state=DELIVERED)
    assert await states(desk, accepted) == {2: DELIVERED}


async def test_typing_reaches_the_consoles(desk: Desk) -> None:
    hub = LocalHub()
    mailbox = StoreMailbox(desk.store, hub, clock)
    accepted = await talk(desk, 1)
    await mailbox.typing(MAILBOX.id, "visitor")  # nobody listens: nothing to do
    console = hub.subscribe(CONSOLE)
    await mailbox.typing(MAILBOX.id, "stranger")
    await mailbox.typing(MAILBOX.id, "visitor")
    assert await console.get() == {
        "type": "typing",
        "conversation_id": accepted.conversation.id,
        "who": "customer",
        "name": "",
    }


async def test_a_subscription_hears_its_own_handle_only(desk: Desk) -> None:
    hub = LocalHub()
    mailbox = StoreMailbox(desk.store, hub, clock)
    subscription = mailbox.subscribe(MAILBOX.id, "visitor")
    hub.publish(handle_topic(MAILBOX.id, "stranger"), {"type": "state"})
    hub.publish(handle_topic(MAILBOX.id, "visitor"), {"type": "typing", "author": "Lin"})
    assert await subscription.get() == {"type": "typing", "author": "Lin"}
