"""What `gateway.ports.bus.Bus` promises, on every ground."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable

import pytest

from gateway.ports.bus import Bus, BusEntry, BusFullError
from tests.gateway.bus.grounds import Ground, now

WAIT = 10.0


async def take(bus: Bus, number: int) -> list[BusEntry]:
    """Takes exactly that many entries, acknowledging none."""
    taken: list[BusEntry] = []
    async with asyncio.timeout(WAIT):
        while len(taken) < number:
            taken += await bus.take(number - len(taken))
    return taken


async def handle(bus: Bus, number: int) -> list[bytes]:
    """Takes and acknowledges that many entries and returns their payloads."""
    handled: list[bytes] = []
    while len(handled) < number:
        entries = await take(bus, 1)
        handled += [entry.payload for entry in entries]
        await bus.acknowledge(entries)
    return handled


async def nothing(bus: Bus, seconds: float = 0.3) -> None:
    """Fails when the bus gives something out within that time."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bus.take(10), seconds)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT):
        while not await holds():
            await asyncio.sleep(0.01)


async def test_an_entry_comes_as_it_was_appended(ground: Ground) -> None:
    bus = await ground.open()
    before = now()
    payload = bytes(range(256)) * 4
    await bus.append("inbox:王小明:\u200f!", payload)
    (entry,) = await take(bus, 1)
    assert (entry.key, entry.payload, entry.attempts) == ("inbox:王小明:\u200f!", payload, 0)
    assert before - 1000 <= entry.appended_at <= now() + 1000


async def test_a_large_entry_and_an_empty_one_come_whole(ground: Ground) -> None:
    bus = await ground.open()
    large = random.Random(1).randbytes(2_000_000)
    await bus.append("a", large)
    await bus.append("b", b"")
    assert sorted(await handle(bus, 2)) == sorted([large, b""])


async def test_an_appended_entry_survives_a_crash(ground: Ground) -> None:
    bus = await ground.open()
    await asyncio.gather(*(bus.append(f"k{n}", b"%d" % n) for n in range(50)))
    await ground.crash(bus)
    again = await ground.open()
    assert sorted(await handle(again, 50)) == sorted(b"%d" % n for n in range(50))
    await nothing(again)


async def test_later_entries_of_a_key_wait_until_the_one_in_hand_is_acknowledged(
    ground: Ground,
) -> None:
    bus = await ground.open()
    for payload in (b"1", b"2", b"3"):
        await bus.append("k", payload)
    (first,) = await take(bus, 1)
    assert first.payload == b"1"
    await nothing(bus)
    await bus.acknowledge([first])
    assert await handle(bus, 2) == [b"2", b"3"]


async def test_different_keys_are_in_hand_at_once(ground: Ground) -> None:
    bus = await ground.open()
    for number in range(60):
        await bus.append(f"k{number % 30}", b"%d" % number)
    entries = await take(bus, 30)
    assert {entry.key for entry in entries} == {f"k{number}" for number in range(30)}
    await nothing(bus, 0.1)
    await bus.acknowledge(entries)
    assert len(await take(bus, 30)) == 30


async def test_a_busy_key_does_not_hold_up_a_quiet_one(ground: Ground) -> None:
    bus = await ground.open()
    for number in range(50):
        await bus.append("busy", b"%d" % number)
    await bus.append("quiet", b"hello")
    assert b"hello" in await handle(bus, 3)


async def test_what_a_dead_worker_held_comes_again_in_order(ground: Ground) -> None:
    bus = await ground.open()
    for number in range(6):
        await bus.append("a", b"a%d" % number)
        await bus.append("b", b"b%d" % number)
    assert len(await take(bus, 2)) == 2
    await ground.crash(bus)
    again = await ground.open()
    handled = await handle(again, 12)
    assert [payload for payload in handled if payload[:1] == b"a"] == [
        b"a%d" % number for number in range(6)
    ]
    assert [payload for payload in handled if payload[:1] == b"b"] == [
        b"b%d" % number for number in range(6)
    ]
    await nothing(again)


async def test_what_was_acknowledged_before_closing_does_not_come_again(ground: Ground) -> None:
    bus = await ground.open()
    for number in range(20):
        await bus.append(f"k{number % 3}", b"%d" % number)
    await handle(bus, 15)
    await ground.leave(bus)
    again = await ground.open()
    assert (await again.lag()).depth == 5
    assert len(await handle(again, 5)) == 5
    await nothing(again)


async def test_a_retry_comes_after_its_delay_and_before_later_entries(ground: Ground) -> None:
    bus = await ground.open()
    await bus.append("k", b"first")
    await bus.append("k", b"second")
    (entry,) = await take(bus, 1)
    asked = time.monotonic()
    await bus.retry(entry, delay=0.3, reason="the store is away")
    (again,) = await take(bus, 1)
    assert time.monotonic() - asked >= 0.29
    assert (again.payload, again.attempts, again.id) == (b"first", 1, entry.id)
    await bus.retry(again, delay=0, reason="still away")
    (third,) = await take(bus, 1)
    assert (third.payload, third.attempts) == (b"first", 2)
    await bus.acknowledge([third])
    assert await handle(bus, 1) == [b"second"]


async def test_a_retry_does_not_hold_up_other_keys(ground: Ground) -> None:
    bus = await ground.open()
    await bus.append("slow", b"slow")
    (entry,) = await take(bus, 1)
    await bus.retry(entry, delay=30, reason="later")
    await bus.append("other", b"other")
    assert await handle(bus, 1) == [b"other"]


async def test_attempts_are_remembered_when_the_bus_is_opened_anew(ground: Ground) -> None:
    bus = await ground.open()
    await bus.append("k", b"1")
    for _ in range(3):
        (entry,) = await take(bus, 1)
        await bus.retry(entry, delay=0, reason="no luck")
    await ground.leave(bus)
    again = await ground.open()
    (entry,) = await take(again, 1)
    assert (entry.payload, entry.attempts) == (b"1", 3)


async def test_a_buried_entry_is_a_dead_letter_and_its_key_goes_on(ground: Ground) -> None:
    bus = await ground.open()
    for payload in (b"bad", b"good", b"bad too"):
        await bus.append("k", payload)
    (entry,) = await take(bus, 1)
    before = now()
    await bus.bury(entry, "坏的 payload")
    assert await handle(bus, 1) == [b"good"]
    (entry,) = await take(bus, 1)
    await asyncio.sleep(0.003)
    await bus.bury(entry, "again")
    letters = await bus.dead_letters(10)
    assert [letter.payload for letter in letters] == [b"bad too", b"bad"]
    assert (letters[1].key, letters[1].reason, letters[1].attempts) == ("k", "坏的 payload", 1)
    assert before - 1000 <= letters[1].died_at <= now() + 1000
    assert [letter.payload for letter in await bus.dead_letters(1)] == [b"bad too"]

    async def counted() -> bool:
        lag = await bus.lag()
        return (lag.depth, lag.dead, lag.in_flight) == (0, 2, 0)

    await eventually(counted)
    await nothing(bus)


async def test_dead_letters_outlive_the_bus_and_can_be_queued_again(ground: Ground) -> None:
    bus = await ground.open()
    await bus.append("k", b"bad")
    (entry,) = await take(bus, 1)
    await bus.retry(entry, delay=0, reason="first")
    (entry,) = await take(bus, 1)
    await bus.bury(entry, "second")
    await ground.crash(bus)
    again = await ground.open()
    (letter,) = await again.dead_letters(10)
    assert (letter.payload, letter.attempts) == (b"bad", 2)
    await again.append("k", b"newer")
    assert await again.requeue(letter.id)
    assert not await again.requeue(letter.id)
    assert await handle(again, 2) == [b"newer", b"bad"]
    assert (await again.lag()).dead == 0
    assert await again.dead_letters(10) == []


@pytest.mark.parametrize("letter_id", ["", "no such letter", "0-1", "999999", "1-1\r\nFLUSHALL"])
async def test_an_unknown_dead_letter_is_not_queued(ground: Ground, letter_id: str) -> None:
    bus = await ground.open()
    assert not await bus.requeue(letter_id)
    assert (await bus.lag()).depth == 0


async def test_a_letter_queued_again_is_tried_from_the_start(ground: Ground) -> None:
    bus = await ground.open()
    await bus.append("k", b"bad")
    (entry,) = await take(bus, 1)
    await bus.bury(entry, "no")
    (letter,) = await bus.dead_letters(1)
    assert await bus.requeue(letter.id)
    (entry,) = await take(bus, 1)
    assert (entry.payload, entry.attempts) == (b"bad", 0)
    await bus.bury(entry, "no again")
    assert len(await bus.dead_letters(10)) == 1


async def test_a_full_bus_refuses_and_loses_nothing(ground: Ground) -> None:
    bus = await ground.open(max_depth=10)
    kept: list[bytes] = []
    refusals: list[BusFullError] = []

    async def send(number: int) -> None:
        try:
            await bus.append(f"k{number % 4}", b"%d" % number)
        except BusFullError as error:
            refusals.append(error)
        else:
            kept.append(b"%d" % number)

    await asyncio.gather(*(send(number) for number in range(25)))
    assert (len(kept), len(refusals)) == (10, 15)
    assert all(error.retry_after > 0 for error in refusals)
    assert sorted(await handle(bus, 10)) == sorted(kept)

    async def accepts() -> bool:
        try:
            await bus.append("late", b"late")
        except BusFullError:
            return False
        return True

    await eventually(accepts)
    assert await handle(bus, 1) == [b"late"]
    await nothing(bus)


async def test_a_full_bus_is_full_for_the_next_process_too(ground: Ground) -> None:
    bus = await ground.open(max_depth=5)
    for number in range(5):
        await bus.append("k", b"%d" % number)
    await ground.crash(bus)
    again = await ground.open(max_depth=5)
    with pytest.raises(BusFullError):
        await again.append("k", b"more")


async def test_lag_tells_depth_age_and_what_is_in_hand(ground: Ground) -> None:
    bus = await ground.open()
    empty = await bus.lag()
    assert (empty.depth, empty.oldest_age, empty.in_flight, empty.dead) == (0, 0, 0, 0)
    await bus.append("a", b"1")
    await asyncio.sleep(0.12)
    for number in range(6):
        await bus.append(f"k{number}", b"2")
    lag = await bus.lag()
    assert (lag.depth, lag.in_flight) == (7, 0)
    assert 100 <= lag.oldest_age < 5_000
    entries = await take(bus, 3)
    assert (await bus.lag()).in_flight == 3
    await bus.acknowledge(entries)

    async def counted() -> bool:
        figures = await bus.lag()
        return (figures.depth, figures.in_flight) == (4, 0)

    await eventually(counted)
    await handle(bus, 4)

    async def done() -> bool:
        figures = await bus.lag()
        return (figures.depth, figures.oldest_age) == (0, 0)

    await eventually(done)


async def test_a_waiting_worker_that_gives_up_loses_nothing(ground: Ground) -> None:
    bus = await ground.open()
    for _ in range(5):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bus.take(1), 0.01)
    waiting = [asyncio.create_task(bus.take(1)) for _ in range(4)]
    await asyncio.sleep(0.05)
    for task in waiting[:3]:
        task.cancel()
    await bus.append("k", b"1")
    (entry,) = await asyncio.wait_for(waiting[3], WAIT)
    assert entry.payload == b"1"


async def test_cancelling_workers_while_entries_arrive_loses_nothing(ground: Ground) -> None:
    bus = await ground.open()
    dice = random.Random(7)
    seen: list[bytes] = []

    async def worker() -> None:
        while True:
            entries = await bus.take(dice.randint(1, 3))
            seen.extend(entry.payload for entry in entries)
            await bus.acknowledge(entries)

    workers = [asyncio.create_task(worker()) for _ in range(6)]
    for number in range(120):
        await bus.append(f"k{number % 17}", b"%d" % number)
        victim = dice.randrange(6)
        workers[victim].cancel()
        workers[victim] = asyncio.create_task(worker())

    async def all_seen() -> bool:
        return len(seen) >= 120

    await eventually(all_seen)
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert sorted(seen) == sorted(b"%d" % number for number in range(120))


async def test_closing_ends_waiting_workers(ground: Ground) -> None:
    bus = await ground.open()
    waiting = asyncio.create_task(bus.take(1))
    await asyncio.sleep(0.05)
    await ground.leave(bus)
    assert await asyncio.wait_for(waiting, WAIT) == []
    assert await bus.take(1) == []


@pytest.mark.parametrize("key", ["", "a\0b", "\ud800"])
async def test_a_key_that_cannot_be_kept_is_refused_alone(ground: Ground, key: str) -> None:
    bus = await ground.open()
    results = await asyncio.gather(
        bus.append("good", b"1"),
        bus.append(key, b"2"),
        bus.append("good", b"3"),
        return_exceptions=True,
    )
    assert results[0] is None
    assert isinstance(results[1], ValueError)
    assert results[2] is None
    assert await handle(bus, 2) == [b"1", b"3"]


async def test_acknowledging_twice_changes_nothing(ground: Ground) -> None:
    bus = await ground.open()
    for payload in (b"1", b"2", b"3"):
        await bus.append("k", payload)
    (entry,) = await take(bus, 1)
    await bus.acknowledge([entry])
    (second,) = await take(bus, 1)
    await bus.acknowledge([entry])
    await bus.retry(entry, delay=0, reason="too late")
    await nothing(bus, 0.1)
    assert second.payload == b"2"
    await bus.acknowledge([second])
    assert await handle(bus, 1) == [b"3"]
    await nothing(bus, 0.1)
    await ground.leave(bus)
    assert (await (await ground.open()).lag()).depth == 0


@pytest.mark.parametrize("window", [8, 40])
async def test_more_than_fits_into_memory_comes_in_order(ground: Ground, window: int) -> None:
    first = await ground.open()
    expected: dict[str, list[bytes]] = defaultdict(list)
    for number in range(150):
        await first.append(f"k{number % 7}", b"%d" % number)
        expected[f"k{number % 7}"].append(b"%d" % number)
    await ground.crash(first)
    bus = await ground.open(window=window)
    assert (await bus.lag()).depth == 150
    seen: dict[str, list[bytes]] = defaultdict(list)

    async def send() -> None:
        for number in range(150, 300):
            await bus.append(f"k{number % 7}", b"%d" % number)
            expected[f"k{number % 7}"].append(b"%d" % number)

    async def work() -> None:
        for _ in range(300):
            (entry,) = await take(bus, 1)
            seen[entry.key].append(entry.payload)
            await bus.acknowledge([entry])

    await asyncio.gather(send(), work())
    assert seen == expected
    await nothing(bus)


@pytest.mark.parametrize("seed", range(4))
async def test_order_for_each_key_whatever_happens(ground: Ground, seed: int) -> None:
    dice = random.Random(seed)
    bus = await ground.open(window=dice.choice([10, 2_000]))
    keys = [f"k{number}" for number in range(dice.randint(3, 25))]
    sent: dict[str, int] = dict.fromkeys(keys, 0)
    done: dict[str, list[int]] = defaultdict(list)
    held: set[str] = set()
    tries: Counter[bytes] = Counter()
    total = 300

    async def produce(mine: list[str], number: int) -> None:
        for _ in range(number):
            key = dice.choice(mine)
            sent[key] += 1
            await bus.append(key, b"%s:%d" % (key.encode(), sent[key]))
            if dice.random() < 0.3:
                await asyncio.sleep(dice.random() / 500)

    async def deal_with(entry: BusEntry) -> None:
        assert entry.key not in held, "two entries of a key in hand"
        held.add(entry.key)
        await asyncio.sleep(dice.choice([0, 0, 0.001, 0.004]))
        held.remove(entry.key)
        assert entry.attempts == tries[entry.payload]
        if dice.random() < 0.15:
            tries[entry.payload] += 1
            await bus.retry(entry, delay=dice.choice([0, 0.005]), reason="dice")
        elif dice.random() < 0.05:
            done[entry.key].append(int(entry.payload.partition(b":")[2]))
            await bus.bury(entry, "dice")
        else:
            done[entry.key].append(int(entry.payload.partition(b":")[2]))
            await bus.acknowledge([entry])

    async def work() -> None:
        while True:
            await asyncio.gather(*map(deal_with, await bus.take(dice.randint(1, 5))))

    workers = [asyncio.create_task(work()) for _ in range(dice.randint(1, 8))]
    shares = [keys[number::5] or keys[:1] for number in range(5)]
    if len(keys) < 5:  # two producers of one key would make its order a matter of chance
        shares = [keys]
    await asyncio.gather(*(produce(share, total // len(shares)) for share in shares))

    async def finished() -> bool:
        for task in workers:
            if task.done():
                task.result()
        return sum(map(len, done.values())) >= total

    await eventually(finished)
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert {key: list(range(1, number + 1)) for key, number in sent.items() if number} == done
