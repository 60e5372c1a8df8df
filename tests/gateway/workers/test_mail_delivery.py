"""Mails through outbox, channel and mail server together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from channels.contract import DeliveryReport, MessageState
from channels.letters import Letter, Party
from gateway.bus.embedded import EmbeddedBus
from gateway.domain.conversation import Message
from gateway.services.delivery import claim_deliveries, finish_deliveries
from gateway.services.sink import BusSink
from gateway.wiring.ids import clock
from gateway.workers.delivery import _try_to_send
from tests.channels.adapters.email.post import WANG, Post
from tests.gateway.services.desk import PUSH, Desk, ScriptedBot, inbound, reply
from tests.mail_servers import SmtpSink

LI, CHEN = "li@qingchuan.example", "chen@qingchuan.example"
TO_ALL = Letter(
    subject="s", to=(Party(address=WANG),), cc=(Party(address=LI), Party(address=CHEN))
)
LATER = 10**15


class Way:
    """The whole way of one mail to three people."""

    def __init__(self, desk: Desk, smtp: SmtpSink) -> None:
        self.desk = desk
        self.smtp = smtp
        self.post = Post(None, smtp)
        self.sink = BusSink(EmbeddedBus(desk.store, clock=clock), desk.store, clock)
        self.post.bench.sink.report = self.sink.report  # type: ignore[method-assign]

    async def go(self, now: int) -> Message:
        """One try, and the message after it."""
        claim = partial(
            claim_deliveries, worker="w", now=now, lease=1, limit=1, busy={}, letters=()
        )
        (ready,) = await self.desk.store.write(claim)
        outbound = replace(ready.outbound, inbox_id=PUSH.id, letter=TO_ALL)
        attempt = await _try_to_send(self.post.channel, replace(ready, outbound=outbound))
        attempt = replace(attempt, ready=ready)
        await self.desk.store.write(partial(finish_deliveries, attempts=[attempt], now=clock()))
        return await self.desk.store.read(lambda uow: uow.messages.get(ready.delivery.message_id))

    async def waits(self) -> int:
        return await self.desk.store.read(lambda uow: uow.outbox.depth())

    @property
    def recipients(self) -> list[list[str]]:
        return [mail.recipients for mail in self.smtp.mails]


@pytest.fixture
async def way(desk: Desk) -> AsyncIterator[Way]:
    await desk.turn(inbound(1, inbox=PUSH, handle=WANG), ScriptedBot(reply("hello")))
    smtp = SmtpSink()
    async with smtp.running():
        way = Way(desk, smtp)
        yield way
        await way.post.channel.stop()


async def test_the_greylisted_get_it_though_another_is_refused(way: Way) -> None:
    way.smtp.refused |= {LI: "550 5.1.1 no such user", CHEN: "451 4.7.1 greylisted"}
    message = await way.go(clock())
    assert message.state is MessageState.FAILED
    assert await way.waits() == 1
    del way.smtp.refused[CHEN]
    message = await way.go(LATER)
    assert way.recipients == [[WANG], [CHEN]]
    assert (message.state, await way.waits()) == (MessageState.FAILED, 0)
    assert LI in (message.failure or "")
    assert CHEN not in (message.failure or "")
    bounce = DeliveryReport(
        inbox_id=PUSH.id,
        state=MessageState.FAILED,
        reason=f"{WANG}: full",
        external_id=message.external_id,
    )
    assert await way.sink.report(bounce), "its Message-ID is known"


async def test_a_bounce_of_one_leaves_the_others_their_tries(way: Way) -> None:
    way.smtp.refused |= {CHEN: "451 4.7.1 greylisted"}
    message = await way.go(clock())
    assert message.state is MessageState.PENDING
    bounce = DeliveryReport(
        inbox_id=PUSH.id,
        state=MessageState.FAILED,
        reason=f"{WANG}: full",
        message_id=message.id,
    )
    await way.sink.report(bounce)
    way.smtp.refused[CHEN] = "550 5.7.1 refused after all"
    message = await way.go(LATER)
    assert way.recipients == [[WANG, LI]]
    assert (message.state, await way.waits()) == (MessageState.FAILED, 0)
    assert message.failure is not None
    assert WANG in message.failure
    assert CHEN in message.failure
