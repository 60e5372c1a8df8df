"""What is particular to the bus on the journal: groups, and a store that goes away."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from gateway.bus.embedded import EmbeddedBus
from gateway.ports.bus import BusEntry, BusUnavailableError
from tests.gateway.bus.grounds import now
from tests.gateway.bus.memory_journal import MemoryStore
from tests.gateway.bus.test_contract import eventually, handle, take


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


async def started(store: MemoryStore) -> EmbeddedBus:
    bus = EmbeddedBus(store, clock=now)
    await bus.start()
    store.writes = 0
    return bus


async def test_what_arrives_while_the_store_is_busy_is_written_together(
    store: MemoryStore,
) -> None:
    bus = await started(store)
    store.commit_seconds = 0.02
    await asyncio.gather(*(bus.append(f"k{number}", b"") for number in range(200)))
    assert store.writes <= 2
    await bus.close()


async def test_a_lone_append_is_one_write_and_waits_for_nothing_else(store: MemoryStore) -> None:
    bus = await started(store)
    began = time.perf_counter()
    for _ in range(20):
        await bus.append("k", b"")
    assert store.writes == 20
    assert time.perf_counter() - began < 0.5
    await bus.close()


async def test_acknowledgements_go_with_the_next_entries(store: MemoryStore) -> None:
    bus = await started(store)
    for number in range(10):
        await bus.append("k", b"%d" % number)
        await handle(bus, 1)
    assert store.writes == 10
    assert len(store.journal.rows) == 1

    async def empty() -> bool:
        return not store.journal.rows

    await eventually(empty)
    assert store.writes == 11
    await bus.close()


async def test_without_the_store_nothing_is_accepted_and_work_in_hand_goes_on(
    store: MemoryStore,
) -> None:
    bus = await started(store)
    for payload in (b"1", b"2", b"3"):
        await bus.append("k", payload)
    (entry,) = await take(bus, 1)
    store.available = False
    with pytest.raises(BusUnavailableError):
        await bus.append("k", b"not kept")
    with pytest.raises(BusUnavailableError):
        await bus.check()
    await bus.acknowledge([entry])
    (second,) = await take(bus, 1)
    await bus.retry(second, delay=0, reason="the store is away")
    (again,) = await take(bus, 1)
    assert (again.payload, again.attempts) == (b"2", 1)
    await asyncio.sleep(0.1)
    assert (await bus.lag()).depth == 2
    store.available = True
    await bus.check()
    await bus.append("k", b"4")
    await bus.acknowledge([again])
    assert await handle(bus, 2) == [b"3", b"4"]
    await bus.close()
    assert not store.journal.rows


async def test_what_could_not_be_written_is_written_when_the_store_is_back(
    store: MemoryStore,
) -> None:
    bus = await started(store)
    await bus.append("a", b"1")
    await bus.append("b", b"2")
    first, second = await take(bus, 2)
    store.available = False
    await bus.acknowledge([first])
    await bus.retry(second, delay=30, reason="later")
    await asyncio.sleep(0.1)
    assert len(store.journal.rows) == 2
    store.available = True

    async def caught_up() -> bool:
        return [row.attempts for row in store.journal.rows.values()] == [1]

    await eventually(caught_up)
    await bus.close()


async def test_an_entry_that_cannot_be_buried_comes_again(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.bus.embedded.BURY_PAUSE", 0.05)
    bus = await started(store)
    await bus.append("k", b"bad")
    (entry,) = await take(bus, 1)
    store.available = False
    await bus.bury(entry, "bad")
    store.available = True
    (again,) = await take(bus, 1)
    assert (again.payload, again.attempts) == (b"bad", 1)
    await bus.bury(again, "bad")
    assert [letter.payload for letter in await bus.dead_letters(5)] == [b"bad"]
    await bus.close()


async def test_it_does_not_start_without_its_store(store: MemoryStore) -> None:
    store.available = False
    with pytest.raises(BusUnavailableError):
        await started(store)


async def test_numbers_are_never_given_twice(store: MemoryStore) -> None:
    bus = await started(store)
    await bus.append("k", b"1")
    (entry,) = await take(bus, 1)
    await bus.acknowledge([entry])
    await bus.close()
    again = await started(store)
    await again.append("k", b"2")
    (later,) = await take(again, 1)
    assert int(later.id) > int(entry.id)
    await again.close()


async def test_a_sender_that_goes_away_does_not_disturb_the_others(store: MemoryStore) -> None:
    bus = await started(store)
    store.commit_seconds = 0.02
    leaving = asyncio.create_task(bus.append("a", b"1"))
    staying = asyncio.create_task(bus.append("b", b"2"))
    await asyncio.sleep(0.005)
    leaving.cancel()
    await staying
    assert b"2" in await handle(bus, 2)
    assert (await bus.lag()).depth == 0
    await bus.close()


async def test_what_was_refused_because_its_answer_was_lost_does_not_come_up_later(
    store: MemoryStore,
) -> None:
    bus = await started(store)
    store.loses_answers = True
    with pytest.raises(BusUnavailableError):
        await bus.append("k", b"refused")
    store.loses_answers = False
    await bus.append("k", b"kept")
    assert await handle(bus, 1) == [b"kept"]
    await bus.close()
    again = await started(store)
    assert (await again.lag()).depth == 0
    await again.close()


async def test_a_burial_whose_answer_was_lost_is_done_once(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.bus.embedded.BURY_PAUSE", 0.01)
    bus = await started(store)
    await bus.append("k", b"bad")
    (entry,) = await take(bus, 1)
    store.loses_answers = True
    await bus.bury(entry, "bad")
    store.loses_answers = False
    (entry,) = await take(bus, 1)
    await bus.bury(entry, "bad")
    assert len(await bus.dead_letters(5)) == 1
    lag = await bus.lag()
    assert (lag.depth, lag.dead, lag.in_flight) == (0, 1, 0)
    await bus.close()


class Waiting:
    """A worker that waits at the bus, so that entries come before they are in the journal."""

    def __init__(self, bus: EmbeddedBus) -> None:
        self._bus = bus
        self._taking = asyncio.create_task(bus.take(10))

    async def given(self) -> list[BusEntry]:
        async with asyncio.timeout(5):
            return await self._taking


async def send(bus: EmbeddedBus, key: str, payload: bytes) -> asyncio.Task[None]:
    """A sender that waits; its entry is in the lanes when this returns."""
    sending = asyncio.create_task(bus.append(key, payload))
    await asyncio.sleep(0)
    return sending


async def attended(bus: EmbeddedBus) -> Waiting:
    worker = Waiting(bus)
    await asyncio.sleep(0)
    return worker


async def test_the_journal_never_hears_of_what_is_handled_at_once(store: MemoryStore) -> None:
    bus = await started(store)
    for number in range(20):
        worker = await attended(bus)
        sending = await send(bus, "k", b"%d" % number)
        entries = await worker.given()
        assert not sending.done(), "nothing durable yet"
        await bus.acknowledge(entries)
        await sending
    assert store.writes == 0
    assert (await bus.lag()).depth == 0
    await bus.close()
    assert not store.journal.rows


async def test_what_a_worker_is_slow_with_is_journaled_and_its_sender_goes_on(
    store: MemoryStore,
) -> None:
    bus = await started(store)
    worker = await attended(bus)
    await asyncio.wait_for(await send(bus, "k", b"slow"), 1)
    assert [row.payload for row in store.journal.rows.values()] == [b"slow"]
    await bus.acknowledge(await worker.given())
    await bus.close()
    assert not store.journal.rows


async def test_a_sender_whose_entry_could_not_be_handled_or_kept_has_it_still(
    store: MemoryStore,
) -> None:
    bus = await started(store)
    worker = await attended(bus)
    store.available = False
    sending = await send(bus, "k", b"1")
    behind = await send(bus, "k", b"2")
    (entry,) = await worker.given()
    with pytest.raises(BusUnavailableError):
        await behind  # nobody works on it: refused when the journal fails
    assert not sending.done(), "a worker has it: how that ends decides"
    await bus.retry(entry, delay=0, reason="the store is away", counts=False)
    with pytest.raises(BusUnavailableError):
        await sending
    store.available = True
    await bus.append("k", b"3")
    assert await handle(bus, 1) == [b"3"], "what was refused does not come up"
    assert (await bus.lag()).depth == 0
    await bus.close()


async def test_what_a_worker_could_handle_all_the_same_is_kept(store: MemoryStore) -> None:
    bus = await started(store)
    worker = await attended(bus)
    store.available = False
    sending = await send(bus, "k", b"1")
    (entry,) = await worker.given()
    await asyncio.sleep(0.1)
    await bus.acknowledge([entry])
    await sending
    store.available = True
    await bus.close()
    assert not store.journal.rows


async def test_an_entry_buried_before_it_was_journaled_is_a_dead_letter_only(
    store: MemoryStore,
) -> None:
    bus = await started(store)
    worker = await attended(bus)
    sending = await send(bus, "k", b"bad")
    (entry,) = await worker.given()
    await bus.bury(entry, "bad")
    await sending
    await bus.close()
    assert [letter.payload for letter in store.journal.letters.values()] == [b"bad"]
    assert not store.journal.rows


async def test_a_dead_letter_that_returns_amid_new_entries_is_given_out_once(
    store: MemoryStore,
) -> None:
    bus = await started(store)
    await bus.append("k", b"dead")
    (entry,) = await take(bus, 1)
    await bus.bury(entry, "for now")
    store.commit_seconds = 0.01
    requeued = asyncio.create_task(bus.requeue(entry.id))
    await asyncio.sleep(0)
    later = [await send(bus, "k", b"%d" % number) for number in range(3)]
    assert await handle(bus, 4) == [b"dead", b"0", b"1", b"2"]
    assert await requeued
    await asyncio.gather(*later)
    assert (await bus.lag()).depth == 0
    await bus.close()


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_kept_entries_are_handled_in_order_and_refused_ones_never(
    store: MemoryStore, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.bus.embedded.WRITTEN_WITHIN", 0.002)
    chance = random.Random(seed)
    bus = EmbeddedBus(store, clock=now, window=6)
    await bus.start()
    store.commit_seconds = 0.001
    handled: list[bytes] = []
    kept: dict[str, list[bytes]] = {key: [] for key in "abc"}
    refused: set[bytes] = set()

    async def sender(key: str) -> None:
        for number in range(40):
            payload = f"{key}{number:03}".encode()
            try:
                await bus.append(key, payload)
                kept[key].append(payload)
            except BusUnavailableError:
                refused.add(payload)
            if chance.random() < 0.3:
                await asyncio.sleep(chance.random() * 0.004)

    async def worker() -> None:
        while entries := await bus.take(2):
            await asyncio.sleep(chance.choice((0, 0, 0.001, 0.005)))
            for entry in entries:
                if store.available and chance.random() < 0.8:
                    handled.append(entry.payload)
                    await bus.acknowledge([entry])
                else:
                    await bus.retry(entry, delay=0.001, reason="chance", counts=False)

    async def weather() -> None:
        while True:
            await asyncio.sleep(chance.random() * 0.03)
            store.available = not store.available

    working = [asyncio.create_task(worker()) for _ in range(2)]
    storm = asyncio.create_task(weather())
    await asyncio.gather(*map(sender, kept))
    storm.cancel()
    store.available = True

    async def idle() -> bool:
        return (await bus.lag()).depth == 0

    await eventually(idle)
    await bus.close()
    await asyncio.gather(*working)
    assert len(handled) == len(set(handled)), "nothing twice"
    assert not refused & set(handled)
    for key, sent in kept.items():
        assert [p for p in handled if p.startswith(key.encode())] == sent
    assert not store.journal.rows
