"""Deliveries by the real loop: what a channel may do, and what becomes of the message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, cast

import pytest
from typing_extensions import override

from channels.contract import (
    Channel,
    ChannelContext,
    DeliveryReceipt,
    InboxConfig,
    MessageState,
    OutboundMessage,
)
from channels.errors import PermanentDeliveryError, TransientDeliveryError
from gateway.bus.hub import LocalHub
from gateway.domain.conversation import Message
from gateway.domain.inbox import Inbox
from gateway.domain.trail import TrailEntry
from gateway.metrics import Metrics
from gateway.ports.store import UnitOfWork
from gateway.services.publishing import Publisher
from gateway.wiring.ids import clock
from gateway.workers import delivery
from gateway.workers.delivery import DeliveryParts, DeliveryWorker
from tests.gateway.bus.grounds import Wire
from tests.gateway.services.desk import (
    PUSH,
    PUSH_TOO,
    Desk,
    ScriptedBot,
    inbound,
    next_due,
    reply,
)

Answer = Exception | str | None
"""What a platform does: fails, takes the message under an id, or hangs."""


class Platform(Channel[None]):
    """A channel whose platform does what the test says, by text; by default it takes all."""

    def __init__(self) -> None:
        config: InboxConfig[None] = InboxConfig(id="push", name="P", language="en", settings=None)
        super().__init__(config, cast("ChannelContext", None))
        self.answers: dict[str, list[Answer]] = {}
        self.got: list[OutboundMessage] = []

    @override
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        self.got.append(message)
        planned = self.answers.get(message.message.text, [])
        answer = planned.pop(0) if planned else f"platform:{message.message.id}"
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return DeliveryReceipt(external_id=answer)

    @property
    def texts(self) -> list[str]:
        return [message.message.text for message in self.got]


class Time:
    """The gateway's clock, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return clock() + self.ahead


class Post:
    """A worker over a real database, and the channel that it finds."""

    def __init__(self, desk: Desk, time: Time, platform: Platform | None, name: str) -> None:
        self.desk = desk
        self.time = time
        self.platform = platform or Platform()
        self.channel: Platform | None = self.platform
        self.store = Wire(desk.store)
        self.metrics = Metrics()
        self.hub = LocalHub()
        desk.store.listen(Publisher(self.hub).publish)
        self.worker = DeliveryWorker(
            DeliveryParts(
                store=self.store,
                hub=self.hub,
                channels=self,
                clock=time,
                metrics=self.metrics,
                worker=name,
            )
        )
        self._loop: asyncio.Task[None] | None = None

    def find_channel(self, inbox_id: str) -> Channel[Any] | None:
        return self.channel if inbox_id in {PUSH.id, PUSH_TOO.id} else None

    def letter_inboxes(self) -> frozenset[str]:
        return frozenset()

    async def start(self) -> None:
        self._loop = asyncio.create_task(self.worker.run())
        await asyncio.sleep(0)

    async def halt(self) -> None:
        """Takes nothing more."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
            self._loop = None

    async def die(self) -> None:
        """Ends as a killed process does: in the middle of what it does."""
        await self.halt()
        running = list(self.worker._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def say(self, handle: str, *texts: str, inbox: Inbox = PUSH) -> None:
        await self.desk.turn(inbound(1, inbox=inbox, handle=handle), ScriptedBot(reply(*texts)))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.005)

    def tries(self, result: str) -> float:
        """How many tries ended so, whatever the channel."""
        return sum(
            sample.value
            for metric in self.metrics.deliveries.collect()
            for sample in metric.samples
            if sample.name.endswith("_total") and sample.labels["result"] == result
        )

    async def idle(self) -> None:
        """Waits until the ends of all tries are written."""
        await self.until(lambda: not self.worker._running)

    async def waiting(self) -> int:
        return await self.desk.store.read(lambda uow: uow.outbox.depth())

    async def wait_after(self, text: str) -> float:
        """Seconds from the last try of a message to its next one."""
        due = await self.desk.store.write(next_due)
        return (due - (await self.trail(text))[-1].at) / 1000

    async def message(self, text: str) -> Message:
        def work(uow: UnitOfWork) -> Message:
            wanted = next(m.message.id for m in self.platform.got if m.message.text == text)
            return uow.messages.get(wanted)

        return await self.desk.store.read(work)

    async def trail(self, text: str) -> list[TrailEntry]:
        message = await self.message(text)
        return await self.desk.store.read(lambda uow: uow.trail.of_message(message.id))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a poke the worker looks again soon."""
    monkeypatch.setattr(delivery, "SWEEP", 0.02)


@pytest.fixture
async def post(desk: Desk, time: Time) -> AsyncIterator[Post]:
    post = Post(desk, time, None, "w1")
    await post.start()
    yield post
    await post.die()


async def test_messages_go_out_in_order_and_are_noted(post: Post) -> None:
    await post.say("lin", "one", "two", "three")
    await post.until(lambda: post.tries("sent") == 3)
    await post.idle()
    assert post.platform.texts == ["one", "two", "three"]
    one = await post.message("one")
    assert (one.state, one.external_id) == (MessageState.SENT, f"platform:{one.id}")
    assert await post.waiting() == 0


async def test_a_poke_is_enough(desk: Desk, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "SWEEP", 60.0)
    post = Post(desk, time, None, "w1")
    await post.start()
    await asyncio.sleep(0.05)  # it has looked and found nothing
    await post.say("lin", "one", "two")
    await post.until(lambda: post.tries("sent") == 2)
    await post.die()


async def test_a_transient_fault_is_tried_again_before_the_next_one_goes(post: Post) -> None:
    busy = TransientDeliveryError("The platform is busy.", retry_after=0.0)
    post.platform.answers["one"] = [busy, busy]
    await post.say("lin", "one", "two")
    await post.until(lambda: post.tries("sent") == 2)
    assert post.platform.texts == ["one", "one", "one", "two"]
    assert [m.attempt for m in post.platform.got] == [1, 2, 3, 1]
    assert len({m.message.id for m in post.platform.got[:3]}) == 1
    await post.idle()
    outcomes = [(t.outcome.value, t.reason) for t in await post.trail("one")]
    assert outcomes[-3:] == [
        ("retry", "The platform is busy."),
        ("retry", "The platform is busy."),
        ("ok", ""),
    ]


async def test_the_platforms_time_is_waited_for(post: Post) -> None:
    post.platform.answers["one"] = [TransientDeliveryError("Slow down.", retry_after=40.0)]
    await post.say("lin", "one")
    await post.until(lambda: post.tries("retry") == 1)
    await post.idle()
    assert await post.wait_after("one") == 40


async def test_a_permanent_fault_is_shown_and_the_next_one_goes(post: Post) -> None:
    post.platform.answers["one"] = [PermanentDeliveryError("The customer left.")]
    await post.say("lin", "one", "two")
    await post.until(lambda: post.tries("sent") == 1)
    assert post.platform.texts == ["one", "two"]
    one = await post.message("one")
    assert (one.state, one.failure) == (MessageState.FAILED, "The customer left.")


async def test_an_adapters_fault_harms_nobody_else(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.platform.answers["one"] = [ZeroDivisionError("a customer's words")]
    await post.say("lin", "one")
    await post.say("mei", "uno")
    await post.until(lambda: post.tries("sent") == 1)
    await post.until(lambda: post.tries("retry") == 1)
    await post.idle()
    assert (await post.message("one")).state is MessageState.PENDING
    assert 4.5 <= await post.wait_after("one") <= 5.5
    assert (await post.trail("one"))[-1].reason == "The channel failed: ZeroDivisionError."
    assert "an adapter failed to send" in caplog.text


async def test_a_platform_that_hangs_is_given_up_for_now(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SEND_LIMIT", 0.05)
    post.platform.answers["one"] = [None]
    await post.say("lin", "one")
    await post.say("mei", "uno")
    await post.until(lambda: post.tries("sent") == 1)
    await post.until(lambda: post.tries("retry") == 1)
    await post.idle()
    last = (await post.trail("one"))[-1]
    assert last.reason == "The platform did not answer."
    assert last.ms >= 50


async def test_a_lease_outlasts_the_longest_try() -> None:
    assert delivery.LEASE / 1000 > delivery.SEND_LIMIT


async def test_an_inbox_that_is_switched_off_keeps_its_messages(post: Post, time: Time) -> None:
    post.channel = None
    await post.say("lin", "one", "two")
    await post.until(lambda: post.tries("retry") == 1)
    await post.idle()
    assert post.platform.got == []
    assert await post.waiting() == 2
    post.channel = post.platform
    time.ahead = 6_000
    await post.until(lambda: post.tries("sent") == 2)
    assert post.platform.texts == ["one", "two"]


async def test_many_conversations_go_out_side_by_side(post: Post) -> None:
    for number in range(40):  # more than are sent at once
        await post.say(f"customer {number}", f"hello {number}")
    await post.until(lambda: post.tries("sent") == 40)
    assert sorted(post.platform.texts) == sorted(f"hello {n}" for n in range(40))


async def test_with_no_room_it_waits_for_the_first_that_ends(
    desk: Desk, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "AT_ONCE", 2)
    monkeypatch.setattr(delivery, "SEND_LIMIT", 0.1)
    post = Post(desk, time, None, "w1")
    post.platform.answers = {"a": [None], "b": [None]}
    for text in ("a", "b", "c"):
        await post.say(text, text)
    await post.start()
    await post.until(lambda: len(post.platform.got) == 2)
    assert post.platform.texts == ["a", "b"]
    await post.until(lambda: post.tries("sent") == 1)
    assert post.platform.texts == ["a", "b", "c"]
    await post.die()


async def test_a_platform_that_hangs_holds_up_no_other_inbox(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "AT_ONCE", 2)
    post.platform.answers = {"a": [None], "b": [None]}
    for text in ("a", "b", "c"):
        await post.say(text, text)
    await post.until(lambda: len(post.platform.got) == 2)
    await post.say("lin", "elsewhere", inbox=PUSH_TOO)
    await post.until(lambda: post.tries("sent") == 1)
    assert post.platform.texts == ["a", "b", "elsewhere"]
    await post.die()


async def test_a_stop_finishes_what_is_in_hand(post: Post) -> None:
    release = asyncio.Event()
    real = post.platform.send

    async def slow(message: OutboundMessage) -> DeliveryReceipt:
        await release.wait()
        return await real(message)

    post.platform.send = slow  # type: ignore[method-assign]
    await post.say("lin", "one", "two")
    await post.until(lambda: len(post.worker._running) == 1)
    await post.halt()
    release.set()
    await post.worker.drain(10)
    assert (await post.message("one")).state is MessageState.SENT
    assert post.platform.texts == ["one"], "the next one is the next process's"
    assert await post.waiting() == 1


async def test_what_a_dead_process_held_goes_out_after_its_lease(desk: Desk, time: Time) -> None:
    dead = Post(desk, time, None, "dead")
    dead.platform.answers["one"] = [None]
    await dead.start()
    await dead.say("lin", "one", "two")
    await dead.until(lambda: len(dead.platform.got) == 1)
    await dead.die()
    heir = Post(desk, time, None, "heir")
    await heir.start()
    await asyncio.sleep(0.1)
    assert heir.platform.got == [], "the lease still guards it"
    time.ahead = delivery.LEASE
    await heir.until(lambda: heir.tries("sent") == 2)
    assert heir.platform.texts == ["one", "two"]
    assert heir.platform.got[0].message.id == dead.platform.got[0].message.id
    await heir.die()


async def test_two_processes_never_send_the_same(desk: Desk, time: Time) -> None:
    platform = Platform()
    posts = [Post(desk, time, platform, name) for name in ("w1", "w2")]
    for post in posts:
        await post.start()
    for number in range(15):
        await posts[0].say(f"customer {number}", f"a {number}", f"b {number}")
    await posts[0].until(lambda: sum(post.tries("sent") for post in posts) == 30)
    assert len(platform.texts) == len(set(platform.texts)) == 30
    for number in range(15):
        assert platform.texts.index(f"a {number}") < platform.texts.index(f"b {number}")
    for post in posts:
        await post.die()


async def test_an_outage_before_the_end_is_written_sends_once(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = post.platform.send

    async def cutting(message: OutboundMessage) -> DeliveryReceipt:
        post.store.whole = False
        return await real(message)

    post.platform.send = cutting  # type: ignore[method-assign]
    await post.say("lin", "one")
    await post.until(lambda: post.tries("sent") == 1)
    assert await post.waiting() == 1
    post.store.whole = True
    await post.idle()
    assert (await post.message("one")).state is MessageState.SENT
    assert post.platform.texts == ["one"]


async def test_an_outage_does_not_end_the_loop(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.store.whole = False
    await post.until(lambda: "the outbox is out of reach" in caplog.text)
    await post.say("lin", "one")
    post.store.whole = True
    await post.until(lambda: post.tries("sent") == 1)
