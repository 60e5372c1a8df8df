"""What is particular to the bus on Redis: several processes, and a Redis that goes away."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.bus.keys import partition_of
from gateway.bus.redis_link import Link, Script, Word
from gateway.bus.redis_scripts import READ
from gateway.bus.redis_streams import RedisBus
from gateway.ports.bus import BusUnavailableError
from tests.gateway.bus.grounds import LEASE_MS, RedisGround
from tests.gateway.bus.test_contract import eventually, handle, nothing, take
from tests.servers import RedisServer

PARTITIONS = 16
WORKER = Path(__file__).with_name("redis_worker.py")


@pytest.fixture
async def ground(redis_url: str) -> AsyncIterator[RedisGround]:
    ground = RedisGround(redis_url)
    yield ground
    await ground.close()


async def opened(ground: RedisGround) -> RedisBus:
    bus = await ground.open()
    assert isinstance(bus, RedisBus)
    return bus


def held(bus: RedisBus) -> set[int]:
    return set(bus._consumer._held)


class Crew:
    """Workers on several buses; notes who handled what, in order, and checks the rules."""

    def __init__(self) -> None:
        self.done: dict[str, list[int]] = defaultdict(list)
        self.seen: Counter[tuple[str, int]] = Counter()
        self.by_bus: Counter[int] = Counter()
        self._busy: set[str] = set()
        self._tasks: dict[int, list[asyncio.Task[None]]] = {}

    def employ(self, bus: RedisBus, number: int = 4) -> None:
        self._tasks[id(bus)] = [asyncio.create_task(self._work(bus)) for _ in range(number)]

    async def dismiss(self, bus: RedisBus) -> None:
        """Workers finish what they have in hand, as on SIGTERM, and take nothing more."""
        tasks = self._tasks.pop(id(bus))
        bus._consumer.dispenser.close()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)

    async def dismiss_all(self) -> None:
        for tasks in self._tasks.values():
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    async def _work(self, bus: RedisBus) -> None:
        while entries := await bus.take(4):
            for entry in entries:
                assert entry.key not in self._busy
                self._busy.add(entry.key)
            await asyncio.sleep(0.002)
            for entry in entries:
                self._busy.remove(entry.key)
                number = int(entry.payload)
                self.done[entry.key].append(number)
                self.seen[entry.key, number] += 1
                self.by_bus[id(bus)] += 1
            await bus.acknowledge(entries)

    def check(self) -> None:
        for tasks in self._tasks.values():
            for task in tasks:
                if task.done():
                    task.result()


async def produce(bus: RedisBus, sent: Counter[str], until: Callable[[], bool]) -> None:
    while not until():
        for key in range(40):
            name = f"k{key}"
            sent[name] += 1
            await bus.append(name, b"%d" % sent[name])
        await asyncio.sleep(0.005)


async def all_done(crew: Crew, sent: Counter[str]) -> None:
    async def handled() -> bool:
        crew.check()
        return sum(map(len, crew.done.values())) >= sent.total()

    await eventually(handled)


async def test_a_process_that_only_appends_claims_nothing(
    ground: RedisGround, redis_server: RedisServer
) -> None:
    sender, worker = await opened(ground), await opened(ground)
    await sender.append("k", b"1")
    assert (await sender.lag()).depth == 1
    await asyncio.sleep(0.3)
    assert redis_server.ask("EXISTS", "yingda:bus:consumers") == ":0"
    assert await handle(worker, 1) == [b"1"]
    assert held(worker) == set(range(PARTITIONS))
    assert held(sender) == set()


async def test_consumers_share_and_hand_over_without_disorder_or_doubles(
    ground: RedisGround,
) -> None:
    first, sender = await opened(ground), await opened(ground)
    crew, sent = Crew(), Counter[str]()
    crew.employ(first)
    stopped = False
    producing = asyncio.create_task(produce(sender, sent, lambda: stopped))
    await asyncio.sleep(0.2)
    second, third = await opened(ground), await opened(ground)
    crew.employ(second)

    async def halves() -> bool:
        return (len(held(first)), len(held(second))) == (8, 8)

    await eventually(halves)
    crew.employ(third)

    async def thirds() -> bool:
        return sorted(len(held(bus)) for bus in (first, second, third)) == [5, 5, 6]

    await eventually(thirds)
    assert held(first) | held(second) | held(third) == set(range(PARTITIONS))
    await asyncio.sleep(0.1)
    await crew.dismiss(first)
    await ground.leave(first)

    async def halves_again() -> bool:
        return (len(held(second)), len(held(third))) == (8, 8)

    await eventually(halves_again)
    await asyncio.sleep(0.1)
    stopped = True
    await producing
    await all_done(crew, sent)
    await crew.dismiss_all()
    assert crew.done == {key: list(range(1, number + 1)) for key, number in sent.items()}
    assert min(crew.by_bus[id(bus)] for bus in (first, second, third)) > 0


async def test_what_was_read_but_not_tried_is_not_counted_as_tried(ground: RedisGround) -> None:
    first, sender = await opened(ground), await opened(ground)
    for number in range(5):
        await sender.append("k", b"%d" % number)
    (entry,) = await take(first, 1)
    await first.retry(entry, delay=30, reason="later")
    await ground.leave(first)
    second = await opened(ground)
    attempts = []
    for _ in range(5):
        (entry,) = await take(second, 1)
        attempts.append((entry.payload, entry.attempts))
        await second.acknowledge([entry])
    assert attempts == [(b"0", 1), (b"1", 0), (b"2", 0), (b"3", 0), (b"4", 0)]


async def test_what_a_killed_process_held_goes_to_another_in_order(
    ground: RedisGround, redis_url: str
) -> None:
    sender = await opened(ground)
    for number in range(30):
        await sender.append(f"k{number % 3}", b"%d" % number)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(WORKER),
        redis_url,
        str(LEASE_MS),
        "3",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    printed = {int(await asyncio.wait_for(process.stdout.readline(), 20)) for _ in range(3)}
    assert printed == {0, 1, 2}
    heir = await opened(ground)
    await nothing(heir, LEASE_MS / 3000)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    killed_at = time.monotonic()
    got: dict[str, list[int]] = defaultdict(list)
    attempts: dict[int, int] = {}
    for _ in range(30):
        (entry,) = await take(heir, 1)
        if not got:
            assert time.monotonic() - killed_at < LEASE_MS / 1000 + 1
        got[entry.key].append(int(entry.payload))
        attempts[int(entry.payload)] = entry.attempts
        await heir.acknowledge([entry])
    assert got == {f"k{key}": list(range(key, 30, 3)) for key in range(3)}
    assert [attempts[number] for number in range(3)] == [1, 1, 1]
    await nothing(heir)


async def test_who_slept_through_the_end_of_its_lease_gets_nothing(ground: RedisGround) -> None:
    sleeper, heir = await opened(ground), await opened(ground)
    await sleeper.append("k", b"0")
    await handle(sleeper, 1)
    consumer = sleeper._consumer
    consumer._tasks[0].cancel()  # it extends no lease, and is sure that it has one
    await asyncio.sleep(LEASE_MS / 1000 + 0.1)
    consumer._held_until = math.inf
    waiting = asyncio.create_task(heir.take(1))

    async def inherited() -> bool:
        return held(heir) == set(range(PARTITIONS))

    await eventually(inherited)
    for number in range(1, 20):
        await heir.append("k", b"%d" % number)
    (entry,) = await asyncio.wait_for(waiting, 5)
    assert entry.payload == b"1"
    await heir.acknowledge([entry])
    assert await handle(heir, 18) == [b"%d" % number for number in range(2, 20)]
    await nothing(sleeper)


async def test_who_notices_the_end_of_its_lease_forgets_what_it_read(ground: RedisGround) -> None:
    bus = await opened(ground)
    for number in range(5):
        await bus.append("k", b"%d" % number)
    (entry,) = await take(bus, 1)
    consumer = bus._consumer
    consumer._tasks[0].cancel()
    consumer._held_until = 0.0
    await bus.acknowledge([entry])
    await nothing(bus)
    assert not consumer._held
    assert len(consumer.dispenser.lanes) == 0
    other = await opened(ground)
    await ground.crash(bus)
    assert await handle(other, 4) == [b"1", b"2", b"3", b"4"]


async def test_a_new_entry_reaches_a_waiting_worker_at_once(ground: RedisGround) -> None:
    bus = await opened(ground)
    await bus.append("k", b"")
    await handle(bus, 1)
    spent = []
    for number in range(40):
        waiting = asyncio.create_task(bus.take(1))
        await asyncio.sleep(0.005)
        await bus.append(f"k{number}", b"")
        appended = time.perf_counter()
        await bus.acknowledge(await waiting)
        spent.append(time.perf_counter() - appended)
    assert sorted(spent)[len(spent) // 2] < 0.01  # about 0.3 ms on an idle machine


async def test_waiting_does_not_spin(redis_url: str, redis_server: RedisServer) -> None:
    bus = RedisBus(redis_url, consumer="test")
    await bus.start()
    for number in range(20):
        await bus.append(f"k{number}", b"")
    entries = await take(bus, 20)  # outstanding, but no news
    before = commands(redis_server)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bus.take(1), 1.0)
    # Some six reads, and two rounds of leases; scripts count each command that they call.
    assert commands(redis_server) - before < 120
    await bus.acknowledge(entries)
    await bus.close()


def commands(server: RedisServer) -> int:
    """How many commands the server has run so far."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"INFO stats\r\n")
        text = b""
        while b"total_commands_processed:" not in text or not text.endswith(b"\r\n"):
            text += connection.recv(65536)
    return int(text.split(b"total_commands_processed:")[1].split(b"\r\n")[0])


async def test_a_lost_answer_loses_no_entry(
    ground: RedisGround, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = await opened(ground)
    run = Link.run
    lost = 0

    async def forgetful(
        self: Link, script: Script, keys: Sequence[str], args: Sequence[Word]
    ) -> Any:
        nonlocal lost
        answer = await run(self, script, keys, args)
        if script is READ and any(answer) and lost < 3:
            lost += 1
            raise BusUnavailableError("the answer was lost")
        return answer

    monkeypatch.setattr(Link, "run", forgetful)
    got: list[tuple[bytes, int]] = []

    async def work() -> None:
        while len(got) < 40:
            (entry,) = await take(bus, 1)
            got.append((entry.payload, entry.attempts))
            if len(got) % 7 == 3:
                await bus.retry(entry, delay=0.01, reason="again")
                got.pop()
                (entry,) = await take(bus, 1)
                got.append((entry.payload, 0))
            await bus.acknowledge([entry])

    working = asyncio.create_task(work())
    for number in range(40):
        await bus.append("k", b"%d" % number)
        await asyncio.sleep(0.005)
    await asyncio.wait_for(working, 10)
    assert lost == 3
    assert [payload for payload, _ in got] == [b"%d" % number for number in range(40)]
    await nothing(bus)


async def test_an_emptied_redis_is_set_up_again(
    ground: RedisGround, redis_server: RedisServer
) -> None:
    bus = await opened(ground)
    await bus.append("k", b"1")
    await handle(bus, 1)
    redis_server.flush()
    assert redis_server.ask("SCRIPT", "FLUSH") == "+OK"
    await bus.append("k", b"2")
    assert await handle(bus, 1) == [b"2"]


async def test_all_processes_must_agree_on_the_number_of_partitions(
    ground: RedisGround, redis_url: str
) -> None:
    await opened(ground)
    other = RedisBus(redis_url, consumer="other", partitions=8)
    with pytest.raises(ValueError, match="16 partitions"):
        await other.start()
    await other.close()


async def test_unsafe_settings_of_redis_are_named(
    ground: RedisGround, own_redis: Callable[[], RedisServer]
) -> None:
    safe = await opened(ground)
    assert await safe.durability() == []
    server = own_redis()
    bus = RedisBus(server.url(), consumer="test")
    server.ask("CONFIG", "SET", "appendfsync", "everysec")
    (warning,) = await bus.durability()
    assert "appendfsync always" in warning
    server.ask("CONFIG", "SET", "appendonly", "no")
    server.ask("CONFIG", "SET", "maxmemory", "1gb")
    server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    warnings = await bus.durability()
    assert ["appendonly yes" in warnings[0], "noeviction" in warnings[1]] == [True, True]
    await bus.close()


async def test_without_redis_nothing_is_accepted_and_it_is_said_at_once(
    own_redis: Callable[[], RedisServer],
) -> None:
    server = own_redis()
    bus = RedisBus(server.url(), consumer="test")
    await bus.start()
    await bus.append("k", b"1")
    server.stop()
    began = time.monotonic()
    with pytest.raises(BusUnavailableError):
        await bus.append("k", b"not kept")
    for ask in (bus.check, bus.lag, bus.durability):
        with pytest.raises(BusUnavailableError):
            await ask()
    assert time.monotonic() - began < 2
    other = RedisBus(server.url(), consumer="test")
    with pytest.raises(BusUnavailableError):
        await other.start()
    server.start()
    await bus.append("k", b"2")
    assert await handle(bus, 2) == [b"1", b"2"]
    await bus.close()
    await other.close()


async def test_a_redis_that_does_not_answer_is_unavailable_within_two_seconds(
    own_redis: Callable[[], RedisServer],
) -> None:
    server = own_redis()
    bus = RedisBus(server.url(), consumer="test")
    await bus.start()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        spent: list[float] = []

        async def send() -> None:
            began = time.monotonic()
            with pytest.raises(BusUnavailableError):
                await bus.append("k", b"")
            spent.append(time.monotonic() - began)

        first = asyncio.create_task(send())
        await asyncio.sleep(0.5)
        await asyncio.gather(first, *(send() for _ in range(20)))
        assert max(spent) < 2
        with pytest.raises(BusUnavailableError):
            await asyncio.wait_for(bus.check(), 2)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await bus.append("k", b"after")
    assert b"after" in await handle(bus, (await bus.lag()).depth)
    await bus.close()


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("lease_ms", [600, 10_000])
async def test_an_outage_loses_nothing_and_needs_no_help(
    own_redis: Callable[[], RedisServer], end: str, lease_ms: int
) -> None:
    server = own_redis()
    bus = RedisBus(server.url(), consumer="test", lease_ms=lease_ms)
    await bus.start()
    kept: dict[str, list[int]] = defaultdict(list)
    got: dict[str, list[int]] = defaultdict(list)
    stopped = False

    async def send(key: str) -> None:
        number = 0
        while not stopped:
            number += 1
            try:
                await bus.append(key, b"%d" % number)
            except BusUnavailableError:
                await asyncio.sleep(0.02)
            else:
                kept[key].append(number)
                await asyncio.sleep(0.001)

    async def work() -> None:
        while entries := await bus.take(5):
            await asyncio.sleep(0.003)
            for entry in entries:
                got[entry.key].append(int(entry.payload))
            await bus.acknowledge(entries)

    workers = [asyncio.create_task(work()) for _ in range(4)]
    senders = [asyncio.create_task(send(f"k{number}")) for number in range(8)]
    for _ in range(2):
        await asyncio.sleep(0.4)
        await asyncio.to_thread(getattr(server, end))
        await asyncio.sleep(1.0)
        await asyncio.to_thread(server.start)
    await asyncio.sleep(0.4)
    stopped = True
    await asyncio.gather(*senders)

    async def all_got() -> bool:
        for task in workers:
            if task.done():
                task.result()
        return all(set(kept[key]) <= set(got[key]) for key in kept)

    await eventually(all_got)

    async def empty() -> bool:
        try:
            return (await bus.lag()).depth == 0
        except BusUnavailableError:  # a starved machine may need longer to answer
            return False

    await eventually(empty)
    for key, numbers in got.items():
        firsts = list(dict.fromkeys(numbers))
        assert firsts == sorted(firsts), f"{key} out of order"
    assert sum(map(len, kept.values())) > 100
    await bus.close()
    await asyncio.gather(*workers)


async def test_what_was_acknowledged_during_an_outage_does_not_come_again(
    own_redis: Callable[[], RedisServer],
) -> None:
    server = own_redis()
    bus = RedisBus(server.url(), consumer="test", lease_ms=600)
    await bus.start()
    for number in range(6):
        await bus.append("k", b"%d" % number)
    (first,) = await take(bus, 1)
    server.kill()
    await bus.acknowledge([first])
    (second,) = await take(bus, 1)
    await asyncio.sleep(1.0)  # longer than the lease
    server.start()
    await asyncio.sleep(1.0)  # it takes its partitions again; one entry is still in hand
    await bus.acknowledge([second])
    assert await handle(bus, 4) == [b"2", b"3", b"4", b"5"]
    await nothing(bus)
    await bus.close()


def test_entries_keep_the_partition_of_their_key() -> None:
    assert [partition_of(key, 16) for key in (b"a", b"inbox:1", "王".encode())] == [3, 1, 10]
