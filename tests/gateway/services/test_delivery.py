"""The way out: order, tries, and what people learn when a message cannot be delivered."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from channels.contract import Attachment, MessageState
from gateway.domain.conversation import Message
from gateway.domain.errors import ConflictError
from gateway.domain.events import DeliveryQueued, MessageStateChanged
from gateway.domain.records import StateUpdate
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.services.delivery import (
    BACKOFF,
    FEWEST_TRIES,
    GIVE_UP_AFTER,
    Attempt,
    Ready,
    Result,
    claim_deliveries,
    delay_before_next,
    finish_deliveries,
    seconds_for_files,
    send_again,
)
from gateway.wiring.ids import clock
from tests.gateway.services.desk import PUSH, Desk, ScriptedBot, inbound, next_due, reply

LEASE = 90_000
LATER = 10**15  # ms: after any back-off and any lease


async def queue(desk: Desk, handle: str, *texts: str) -> None:
    """The bot says these texts to a customer of a channel that pushes."""
    await desk.turn(inbound(1, inbox=PUSH, handle=handle), ScriptedBot(reply(*texts)))


async def claim(desk: Desk, now: int, worker: str = "w1", limit: int = 10) -> list[Ready]:
    return await desk.store.write(
        partial(claim_deliveries, worker=worker, now=now, lease=LEASE, limit=limit, busy={})
    )


async def finish(desk: Desk, now: int, *attempts: Attempt) -> None:
    desk.events.clear()
    await desk.store.write(partial(finish_deliveries, attempts=attempts, now=now))


async def message(desk: Desk, ready: Ready) -> Message:
    return await desk.store.read(lambda uow: uow.messages.get(ready.delivery.message_id))


async def trail(desk: Desk, ready: Ready) -> list[TrailEntry]:
    return await desk.store.read(lambda uow: uow.trail.of_message(ready.delivery.message_id))


def texts(ready: list[Ready]) -> list[str]:
    return [item.outbound.message.text for item in ready]


def sent(ready: Ready) -> Attempt:
    return Attempt(ready=ready, result=Result.SENT, external_id="platform-1", ms=7)


def retry(ready: Ready, *, retry_after: float | None = None) -> Attempt:
    reason = "The platform is busy."
    return Attempt(ready=ready, result=Result.RETRY, reason=reason, retry_after=retry_after)


def failed(ready: Ready) -> Attempt:
    return Attempt(ready=ready, result=Result.FAILED, reason="The customer left.")


async def test_a_claim_gives_what_sending_needs(desk: Desk) -> None:
    await queue(desk, "lin", "Hi")
    (ready,) = await claim(desk, clock())
    assert (ready.outbound.inbox_id, ready.outbound.handle) == (PUSH.id, "lin")
    assert ready.outbound.message.text == "Hi"
    assert ready.outbound.message.id == ready.delivery.message_id
    assert ready.outbound.attempt == 1


async def test_only_the_oldest_of_each_conversation_is_given_out(desk: Desk) -> None:
    await queue(desk, "lin", "one", "two", "three")
    await queue(desk, "mei", "uno", "dos")
    assert texts(await claim(desk, clock())) == ["one", "uno"]
    assert await claim(desk, clock()) == []


async def test_what_another_holds_is_given_out_when_the_lease_has_ended(desk: Desk) -> None:
    await queue(desk, "lin", "Hi")
    now = clock()
    assert len(await claim(desk, now, "dead")) == 1
    assert await claim(desk, now + LEASE - 1, "other") == []
    assert texts(await claim(desk, now + LEASE, "other")) == ["Hi"]


async def test_a_claim_takes_no_more_than_it_may(desk: Desk) -> None:
    for handle in ("a", "b", "c"):
        await queue(desk, handle, handle)
    assert texts(await claim(desk, clock(), limit=2)) == ["a", "b"]


async def test_a_sent_message_lets_the_next_one_go(desk: Desk) -> None:
    await queue(desk, "lin", "one", "two")
    (ready,) = await claim(desk, clock())
    await finish(desk, clock(), sent(ready))
    after = await message(desk, ready)
    assert (after.state, after.external_id) == (MessageState.SENT, "platform-1")
    changed, queued = desk.events
    assert isinstance(changed, MessageStateChanged)
    assert (changed.message_ids, changed.state) == ((after.id,), MessageState.SENT)
    assert queued == DeliveryQueued(conversation_ids=(ready.conversation.id,))
    last = (await trail(desk, ready))[-1]
    assert (last.hop, last.outcome, last.ms) == (Hop.SENT, Outcome.OK, 7)
    assert texts(await claim(desk, clock())) == ["two"]


async def test_a_permanent_failure_is_shown_and_the_next_one_goes(desk: Desk) -> None:
    await queue(desk, "lin", "one", "two")
    (ready,) = await claim(desk, clock())
    await finish(desk, clock(), failed(ready))
    after = await message(desk, ready)
    assert (after.state, after.failure) == (MessageState.FAILED, "The customer left.")
    (changed,) = [e for e in desk.events if isinstance(e, MessageStateChanged)]
    assert (changed.state, changed.failure) == (MessageState.FAILED, "The customer left.")
    assert DeliveryQueued(conversation_ids=(ready.conversation.id,)) in desk.events
    assert (await trail(desk, ready))[-1].outcome is Outcome.FAILED
    assert texts(await claim(desk, clock())) == ["two"]


async def test_the_rest_waits_behind_a_head_that_is_tried_again(desk: Desk) -> None:
    await queue(desk, "lin", "one", "two")
    (ready,) = await claim(desk, clock())
    now = clock()
    await finish(desk, now, retry(ready, retry_after=30))
    assert desk.events == []
    assert (await message(desk, ready)).state is MessageState.PENDING
    assert await claim(desk, now + 29_999) == []
    (again,) = await claim(desk, now + 30_000)
    assert (again.outbound.message.text, again.outbound.attempt) == ("one", 2)
    last = (await trail(desk, ready))[-1]
    assert (last.outcome, last.reason) == (Outcome.RETRY, "The platform is busy.")


async def test_one_conversations_wait_is_no_other_ones(desk: Desk) -> None:
    await queue(desk, "lin", "one")
    await queue(desk, "mei", "uno", "dos")
    lin, mei = await claim(desk, clock())
    now = clock()
    await finish(desk, now, retry(lin), sent(mei))
    assert texts(await claim(desk, now)) == ["dos"]


async def test_each_wait_follows_the_schedule(desk: Desk) -> None:
    await queue(desk, "lin", "Hi")
    now = clock()
    for wait in BACKOFF:
        (ready,) = await claim(desk, now)
        await finish(desk, now, retry(ready))
        due = await desk.store.write(next_due)
        assert 0.89 * wait <= (due - now) / 1000 <= 1.11 * wait
        now = due
    assert sum(BACKOFF) == pytest.approx(86_400, rel=0.05), "given up after a day"


async def test_after_the_schedule_a_message_is_given_up(desk: Desk) -> None:
    await queue(desk, "lin", "one", "two")
    for _ in BACKOFF:
        (ready,) = await claim(desk, LATER)
        await finish(desk, clock(), retry(ready))
        assert (await message(desk, ready)).state is MessageState.PENDING
    (ready,) = await claim(desk, LATER)
    assert ready.outbound.attempt == len(BACKOFF) + 1
    await finish(desk, clock() + GIVE_UP_AFTER, retry(ready))
    after = await message(desk, ready)
    assert (after.state, after.failure) == (MessageState.FAILED, "The platform is busy.")
    last = (await trail(desk, ready))[-1]
    assert last.outcome is Outcome.FAILED
    assert DeliveryQueued(conversation_ids=(ready.conversation.id,)) in desk.events
    assert texts(await claim(desk, clock())) == ["two"]


@pytest.mark.parametrize(
    ("named", "waited"),
    [(0.0, 0.5), (-5.0, 0.5), (12.5, 12.5), (10**9, 86_400.0), (float("inf"), 86_400.0)],
)
async def test_the_platforms_own_time_is_kept_within_reason(
    desk: Desk, named: float, waited: float
) -> None:
    await queue(desk, "lin", "Hi")
    (ready,) = await claim(desk, clock())
    assert delay_before_next(retry(ready, retry_after=named)) == waited


async def test_waits_are_spread(desk: Desk) -> None:
    await queue(desk, "lin", "Hi")
    (ready,) = await claim(desk, clock())
    assert len({delay_before_next(retry(ready)) for _ in range(20)}) > 10


async def test_a_failed_message_is_sent_again_behind_what_waits(desk: Desk) -> None:
    await queue(desk, "lin", "one", "two")
    (ready,) = await claim(desk, clock())
    await finish(desk, clock(), failed(ready))
    broken = await message(desk, ready)
    desk.events.clear()
    again = await desk.store.write(
        lambda uow: send_again(uow, broken, ready.conversation, now=clock())
    )
    assert (again.state, again.failure) == (MessageState.PENDING, None)
    assert DeliveryQueued(conversation_ids=(ready.conversation.id,)) in desk.events
    assert (await trail(desk, ready))[-1].hop is Hop.RESENT
    (two,) = await claim(desk, clock())
    await finish(desk, clock(), sent(two))
    (one,) = await claim(desk, clock())
    assert (one.outbound.message.text, one.outbound.attempt) == ("one", 1)
    await finish(desk, clock(), sent(one))
    assert (await message(desk, one)).state is MessageState.SENT


@pytest.mark.parametrize("state", [s for s in MessageState if s is not MessageState.FAILED])
async def test_only_a_failed_message_is_sent_again(desk: Desk, state: MessageState) -> None:
    await queue(desk, "lin", "Hi")
    (ready,) = await claim(desk, clock())
    well = replace(await message(desk, ready), state=state)
    with pytest.raises(ConflictError):
        await desk.store.write(lambda uow: send_again(uow, well, ready.conversation, now=1))
    assert await desk.store.read(lambda uow: uow.outbox.depth()) == 1


async def test_what_still_waits_for_some_goes_out_once_however_often_it_is_sent_again(
    desk: Desk,
) -> None:
    await queue(desk, "lin", "Hi")
    (ready,) = await claim(desk, clock())
    refused = StateUpdate(
        message_id=ready.delivery.message_id, state=MessageState.FAILED, at=1, failure="a: unknown"
    )
    await desk.store.write(lambda uow: uow.messages.set_states([refused]))
    await finish(desk, clock(), retry(ready))
    half = await message(desk, ready)
    assert half.state is MessageState.FAILED
    await desk.store.write(lambda uow: send_again(uow, half, ready.conversation, now=clock()))
    assert (await message(desk, ready)).state is MessageState.PENDING
    assert await desk.store.read(lambda uow: uow.outbox.depth()) == 1


async def test_a_turn_waited_for_is_no_try(desk: Desk) -> None:
    await queue(desk, "lin", "Hi")
    for _ in range(3 * len(BACKOFF)):
        (ready,) = await claim(desk, LATER)
        assert ready.outbound.attempt == 1
        await finish(desk, clock(), replace(retry(ready, retry_after=60), attempted=False))
    assert (await message(desk, ready)).state is MessageState.PENDING
    (ready,) = await claim(desk, LATER)
    late = clock() + GIVE_UP_AFTER
    await finish(desk, late, replace(retry(ready, retry_after=60), attempted=False))
    assert (await message(desk, ready)).state is MessageState.FAILED


async def test_what_waited_for_a_day_behind_others_gets_its_tries(desk: Desk) -> None:
    await queue(desk, "lin", "Hi")
    late = clock() + GIVE_UP_AFTER
    for _ in range(FEWEST_TRIES):
        (ready,) = await claim(desk, LATER)
        assert (await message(desk, ready)).state is MessageState.PENDING
        await finish(desk, late, retry(ready, retry_after=1))
    assert (await message(desk, ready)).state is MessageState.FAILED


async def test_short_times_are_believed_for_the_first_tries_only(desk: Desk) -> None:
    await queue(desk, "lin", "Hi")
    (ready,) = await claim(desk, clock())
    often = replace(ready, delivery=replace(ready.delivery, attempts=FEWEST_TRIES))
    assert delay_before_next(retry(often, retry_after=1)) > 5000
    assert delay_before_next(replace(retry(often, retry_after=1), attempted=False)) == 1


async def test_files_get_more_time_and_a_longer_lease(desk: Desk) -> None:
    await queue(desk, "lin", "Hi")
    (ready,) = await claim(desk, clock())
    large = Attachment(name="scan.pdf", mime="application/pdf", size=5_000_000, blob="b")
    heavy = replace(await message(desk, ready), attachments=(large,))
    assert seconds_for_files(heavy) == 100
    await desk.store.write(lambda uow: uow.messages.update(heavy))
    now = clock() + LEASE
    (again,) = await claim(desk, now, "w2")
    assert again.delivery.id == ready.delivery.id
    assert await claim(desk, now + LEASE + 99_999, "w3") == []
    assert len(await claim(desk, now + LEASE + 100_001, "w3")) == 1
