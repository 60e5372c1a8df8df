"""Bounces and receipts: what is shown on a message of ours after it went out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from channels.contract import DeliveryReport, MessageKind, MessageState, SignedId
from gateway.bus.embedded import EmbeddedBus
from gateway.domain.conversation import Message
from gateway.domain.events import MessageStateChanged
from gateway.domain.records import StateUpdate
from gateway.domain.trail import Hop, Outcome
from gateway.services.delivery import (
    Attempt,
    Result,
    claim_deliveries,
    finish_deliveries,
    send_again,
)
from gateway.services.sink import BusSink
from gateway.wiring.ids import clock
from tests.gateway.services.desk import MAILBOX, PUSH, Desk, ScriptedBot, inbound, reply
from tests.gateway.services.test_delivery import claim, finish

BOUNCE = DeliveryReport(
    inbox_id=PUSH.id, state=MessageState.FAILED, reason="The mailbox is full.", external_id="p-1"
)


class Outgoing:
    """One message of the bot's that the platform took under the id `p-1`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.sink = BusSink(EmbeddedBus(desk.store, clock=clock), desk.store, clock)

    async def message(self) -> Message:
        found = await self.desk.store.read(lambda uow: uow.messages.sent_as(PUSH.id, "p-1"))
        assert found is not None
        return found

    async def hops(self) -> list[tuple[Hop, Outcome, str]]:
        message = await self.message()
        trail = await self.desk.store.read(lambda uow: uow.trail.of_message(message.id))
        return [(entry.hop, entry.outcome, entry.reason) for entry in trail]

    async def report(self, **changes: object) -> bool:
        self.desk.events.clear()
        return await self.sink.report(replace(BOUNCE, **changes))  # type: ignore[arg-type]


@pytest.fixture
async def outgoing(desk: Desk) -> Outgoing:
    await desk.turn(inbound(1, inbox=PUSH), ScriptedBot(reply("hello")))
    (ready,) = await claim(desk, clock())
    await finish(desk, clock(), Attempt(ready=ready, result=Result.SENT, external_id="p-1"))
    return Outgoing(desk)


async def test_a_bounce_shows_on_its_message(outgoing: Outgoing) -> None:
    assert await outgoing.report()
    message = await outgoing.message()
    assert (message.state, message.failure) == (MessageState.FAILED, "The mailbox is full.")
    assert (await outgoing.hops())[-1] == (
        Hop.DELIVERED,
        Outcome.FAILED,
        "The mailbox is full.",
    )
    (event,) = outgoing.desk.events
    assert isinstance(event, MessageStateChanged)
    assert (event.state, event.failure) == (MessageState.FAILED, "The mailbox is full.")


async def test_a_repeat_changes_nothing(outgoing: Outgoing) -> None:
    await outgoing.report()
    before = (await outgoing.message(), await outgoing.hops())
    assert await outgoing.report()
    assert (await outgoing.message(), await outgoing.hops()) == before
    assert outgoing.desk.events == []


async def test_our_signed_id_serves_before_the_platforms_is_known(desk: Desk) -> None:
    await desk.turn(inbound(1, inbox=PUSH), ScriptedBot(reply("hello")))
    (ready,) = await claim(desk, clock())
    outgoing, ours = Outgoing(desk), ready.delivery.message_id
    mine = SignedId(ready.conversation.id, SignedId.end_of(ours))
    assert not await outgoing.report(signed_as=mine._replace(end="0" * 12))
    assert not await outgoing.report(signed_as=mine._replace(conversation_id="another"))
    assert await outgoing.report(signed_as=mine)
    message = await desk.store.read(lambda uow: uow.messages.get(ours))
    assert message.state is MessageState.FAILED


async def test_the_same_bounce_shows_again_when_the_message_was_sent_again(
    outgoing: Outgoing, desk: Desk
) -> None:
    await outgoing.report()
    broken = await outgoing.message()
    conversation = await desk.store.read(lambda uow: uow.conversations.get(broken.conversation_id))
    await desk.store.write(lambda uow: send_again(uow, broken, conversation, now=clock()))
    await outgoing.report()
    assert (await outgoing.message()).state is MessageState.FAILED


async def test_our_own_id_serves_too(outgoing: Outgoing) -> None:
    message = await outgoing.message()
    assert await outgoing.report(message_id=message.id, external_id=None)
    assert (await outgoing.message()).state is MessageState.FAILED


async def test_reasons_of_several_recipients_stand_together(outgoing: Outgoing) -> None:
    await outgoing.report(reason="a: full")
    await outgoing.report(reason="b: unknown")
    assert (await outgoing.message()).failure == "a: full\nb: unknown"


async def test_receipts_move_a_message_on_and_never_back(outgoing: Outgoing) -> None:
    for state in (MessageState.READ, MessageState.DELIVERED):
        assert await outgoing.report(state=state, reason="")
    assert (await outgoing.message()).state is MessageState.READ
    await outgoing.report()
    await outgoing.report(state=MessageState.DELIVERED, reason="after all")
    assert (await outgoing.message()).state is MessageState.FAILED


async def test_a_delay_is_a_hop_and_no_state(outgoing: Outgoing) -> None:
    await outgoing.report(state=MessageState.SENT, reason="The other side is slow.")
    assert (await outgoing.message()).state is MessageState.SENT
    assert (await outgoing.hops())[-1] == (Hop.SENT, Outcome.RETRY, "The other side is slow.")


async def test_what_is_not_ours_is_said_to_be_so(outgoing: Outgoing, desk: Desk) -> None:
    assert not await outgoing.report(external_id="p-2")
    assert not await outgoing.report(inbox_id=MAILBOX.id)
    (asked,) = await desk.store.read(
        lambda uow: list(uow.messages.known([(PUSH.id, "visitor//1")]).values())
    )
    assert not await outgoing.report(message_id=asked.id, external_id=None)


async def test_a_bounce_that_overtakes_the_end_of_its_try_stands(desk: Desk) -> None:
    await desk.turn(inbound(1, inbox=PUSH), ScriptedBot(reply("hello")))
    (ready,) = await claim(desk, clock())
    outgoing = Outgoing(desk)
    assert await outgoing.report(message_id=ready.delivery.message_id, external_id=None)
    sent = Attempt(ready=ready, result=Result.SENT, external_id="p-1")
    await desk.store.write(partial(finish_deliveries, attempts=[sent], now=clock()))
    message = await desk.store.read(lambda uow: uow.messages.get(ready.delivery.message_id))
    assert (message.state, message.failure) == (MessageState.FAILED, "The mailbox is full.")
    later = partial(claim_deliveries, worker="w2", now=10**15, lease=1, limit=10, busy={})
    assert await desk.store.write(later) == []
    assert await outgoing.report(reason="Another one is unknown."), "known by the platform's id"
    assert (await outgoing.message()).failure == "The mailbox is full.\nAnother one is unknown."


async def test_who_waits_is_tried_on_when_another_is_refused(desk: Desk) -> None:
    await desk.turn(inbound(1, inbox=PUSH), ScriptedBot(reply("hello")))
    (ready,) = await claim(desk, clock())
    outgoing = Outgoing(desk)
    await outgoing.report(
        message_id=ready.delivery.message_id, external_id=None, reason="a: unknown"
    )
    await finish(desk, clock(), Attempt(ready=ready, result=Result.RETRY, reason="b: later"))
    (again,) = await claim(desk, 10**15, "w2")
    await finish(desk, clock(), Attempt(ready=again, result=Result.FAILED, reason="b: refused"))
    message = await desk.store.read(lambda uow: uow.messages.get(ready.delivery.message_id))
    assert (message.state, message.failure) == (MessageState.FAILED, "a: unknown\nb: refused")
    (event,) = [one for one in desk.events if isinstance(one, MessageStateChanged)]
    assert event.failure == message.failure


async def test_a_receipt_that_overtakes_the_end_of_its_try_stands(desk: Desk) -> None:
    await desk.turn(inbound(1, inbox=PUSH), ScriptedBot(reply("hello")))
    (ready,) = await claim(desk, clock())
    outgoing = Outgoing(desk)
    await outgoing.report(
        message_id=ready.delivery.message_id, external_id=None, state=MessageState.READ, reason=""
    )
    await finish(desk, clock(), Attempt(ready=ready, result=Result.SENT, external_id="p-1"))
    assert (await outgoing.message()).state is MessageState.READ


async def test_a_letter_that_is_no_answer_may_bounce_too(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1, inbox=PUSH))
    letter = replace(
        accepted.message,
        id="letter",
        seq=2,
        kind=MessageKind.NOTE,
        state=MessageState.SENT,
        external_id=None,
        details={"letter": {"third": True}},
    )
    note = replace(letter, id="note", seq=3, details={})
    await desk.store.write(lambda uow: uow.messages.add([letter, note]))
    outgoing = Outgoing(desk)
    assert await outgoing.report(message_id="letter", external_id=None)
    await desk.store.write(
        lambda uow: uow.messages.set_states(
            [
                StateUpdate(
                    message_id="letter", state=MessageState.SENT, at=1, external_id="p-letter"
                )
            ]
        )
    )
    assert await outgoing.report(external_id="p-letter", reason="Another one is full.")
    assert not await outgoing.report(message_id="note", external_id=None)
    found = await desk.store.read(lambda uow: uow.messages.get("letter"))
    assert found.state is MessageState.FAILED
