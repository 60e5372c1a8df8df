"""What channels keep: the store's services and those of the adapters' tests behave alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from channels.errors import UnavailableError
from channels.keeping import Leases, Thread
from channels.memory import MemoryLeases, MemoryState, MemoryThreads
from gateway.services import channel_keeping
from gateway.services.channel_keeping import LEASE, StoreLeases, StoreState, StoreThreads
from gateway.wiring.ids import clock, new_id
from tests.gateway.bus.grounds import Wire
from tests.gateway.services.desk import MAILBOX, PUSH, Desk, inbound

ROOT = Thread(inbox_id=PUSH.id, handle="wang@qingchuan.example", thread="root")
OTHER = Thread(inbox_id=MAILBOX.id, handle="visitor")
Make = Callable[[Desk], Any]


@pytest.mark.parametrize(
    "make", [lambda desk: StoreState(desk.store, PUSH.id), lambda _: MemoryState()]
)
async def test_state_is_kept_and_swapped(desk: Desk, make: Make) -> None:
    state = make(desk)
    assert await state.get("cursor") is None
    assert not await state.swap("cursor", "1", "2")
    assert await state.swap("cursor", None, "1")
    assert not await state.swap("cursor", None, "2")
    assert await state.get("cursor") == "1"
    assert await state.swap("cursor", "1", "2")
    await state.put("cursor", "3")
    await state.put("token", "令牌")
    assert [await state.get(name) for name in ("cursor", "token")] == ["3", "令牌"]


async def test_each_inbox_has_a_state_of_its_own(desk: Desk) -> None:
    await StoreState(desk.store, PUSH.id).put("cursor", "1")
    assert await StoreState(desk.store, MAILBOX.id).get("cursor") is None


@pytest.mark.parametrize(
    "make", [lambda desk: StoreThreads(desk.store, PUSH.id, clock), lambda _: MemoryThreads()]
)
async def test_the_first_known_reference_leads(desk: Desk, make: Make) -> None:
    threads = make(desk)
    assert await threads.find([]) is None
    assert await threads.find(["a"]) is None
    assert await threads.remember(["b", "c"], ROOT) == ROOT
    assert await threads.remember(["d"], OTHER) == OTHER
    assert await threads.find(["a", "d", "b"]) == OTHER
    assert await threads.find(["c", "d"]) == ROOT


@pytest.mark.parametrize(
    "make", [lambda desk: StoreThreads(desk.store, PUSH.id, clock), lambda _: MemoryThreads()]
)
async def test_what_is_tied_stays(desk: Desk, make: Make) -> None:
    threads = make(desk)
    await threads.remember(["a"], ROOT)
    assert await threads.remember(["a", "b"], OTHER) == ROOT
    assert await threads.find(["b"]) == OTHER
    assert await threads.remember([], OTHER) == OTHER


async def test_a_conversation_is_found_by_its_id(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1, inbox=PUSH, handle="wang", thread="t"))
    threads = StoreThreads(desk.store, MAILBOX.id, clock)
    found = await threads.of_conversation(accepted.conversation.id)
    assert found == Thread(inbox_id=PUSH.id, handle="wang", thread="t")
    assert await threads.of_conversation("nobody's") is None


async def test_a_store_that_is_away_is_told_in_the_channels_words(desk: Desk) -> None:
    wire = Wire(desk.store)
    wire.whole = False
    state, threads = StoreState(wire, PUSH.id), StoreThreads(wire, PUSH.id, clock)
    for work in (state.get("a"), state.put("a", "b"), threads.find(["a"])):
        with pytest.raises(UnavailableError):
            await work


class Time:
    def __init__(self) -> None:
        self.now = clock()

    def __call__(self) -> int:
        return self.now


class Place:
    """Two processes that want the same lease, and what their work did."""

    def __init__(self, first: Leases, second: Leases, lose: Callable[[], Any]) -> None:
        self.first = first
        self.second = second
        self.lose = lose
        self.working: list[str] = []
        self.begun: list[str] = []

    def start(self, name: str, leases: Leases) -> asyncio.Task[None]:
        async def work() -> None:
            self.begun.append(name)
            self.working.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                self.working.remove(name)

        async def run() -> None:
            await leases.run("poll", work)

        return asyncio.create_task(run())


@pytest.fixture(params=["memory", "store"])
def place(request: pytest.FixtureRequest, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Place:
    if request.param == "memory":
        leases = MemoryLeases()
        return Place(leases, leases, lambda: leases.lose("poll"))
    monkeypatch.setattr(channel_keeping, "RENEW_SECONDS", 0.02)
    monkeypatch.setattr(channel_keeping, "WAIT_SECONDS", 0.01)
    time = Time()

    async def take_away() -> None:
        """Another process takes it after the first one slept too long, and dies."""
        name = f"channel:{PUSH.id}:poll"
        until = time.now + LEASE + 5
        await desk.store.write(
            lambda uow: uow.leases.take(name, "stranger", now=time.now + LEASE + 1, until=until)
        )
        await asyncio.sleep(0.1)
        time.now = until + 1

    made = [StoreLeases(desk.store, PUSH.id, time, new_id) for _ in range(2)]
    return Place(made[0], made[1], lambda: asyncio.create_task(take_away()))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


async def test_work_runs_once_and_goes_on_elsewhere(place: Place) -> None:
    one = place.start("one", place.first)
    await until(lambda: place.working == ["one"])
    two = place.start("two", place.second)
    await asyncio.sleep(0.1)
    assert place.working == ["one"]
    one.cancel()
    with suppress(asyncio.CancelledError):
        await one
    await until(lambda: place.working == ["two"])
    two.cancel()
    with suppress(asyncio.CancelledError):
        await two
    assert place.working == []


async def test_work_begins_anew_after_its_lease_was_lost(place: Place) -> None:
    one = place.start("one", place.first)
    await until(lambda: place.working == ["one"])
    lost = place.lose()
    await until(lambda: place.begun == ["one", "one"])
    one.cancel()
    with suppress(asyncio.CancelledError):
        await one
    if lost is not None:
        await lost


@pytest.mark.parametrize("kind", ["memory", "store"])
async def test_the_works_end_is_the_runs_end(desk: Desk, kind: str) -> None:
    leases = (
        MemoryLeases() if kind == "memory" else StoreLeases(desk.store, PUSH.id, clock, new_id)
    )
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    async def fail() -> None:
        raise ConnectionError("gone")

    async with asyncio.timeout(5):
        await leases.run("poll", work)
        with pytest.raises(ConnectionError):
            await leases.run("poll", fail)
        await leases.run("poll", work)
    assert done == [1, 1]


async def test_a_lease_that_cannot_be_renewed_is_given_up_in_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_keeping, "RENEW_SECONDS", 0.02)
    monkeypatch.setattr(channel_keeping, "WAIT_SECONDS", 0.01)
    time, wire = Time(), Wire(desk.store)
    leases = StoreLeases(wire, PUSH.id, time, new_id)
    place = Place(leases, leases, lambda: None)
    one = place.start("one", leases)
    await until(lambda: place.working == ["one"])
    wire.whole = False
    await asyncio.sleep(0.1)
    assert place.working == ["one"]
    time.now += LEASE
    await until(lambda: place.working == [])
    wire.whole = True
    await until(lambda: place.working == ["one"])
    one.cancel()
    with suppress(asyncio.CancelledError):
        await one
