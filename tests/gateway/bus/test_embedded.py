"""What is particular to the bus on the journal: groups, and a store that goes away."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.bus.embedded import EmbeddedBus
from gateway.ports.bus import BusUnavailableError
from tests.gateway.bus.grounds import now
from tests.gateway.bus.memory_journal import MemoryStore
from tests.gateway.bus.test_contract import eventually, handle, take


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


async def started(store: MemoryStore) -> EmbeddedBus:
    bus = EmbeddedBus(store, clock=now)
    await bus.start()
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
