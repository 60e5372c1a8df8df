"""Processes are killed under load: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.gateway import Administrator, GatewayProcess
from tests.journeys.ledger import Ledger
from tests.journeys.traffic import CallbackReceiver, Traffic, make_secret
from tests.servers import PostgresServer, RedisServer

pytestmark = pytest.mark.crash

KILLS = 10
SENDERS = 6
QUIET_SECONDS = 90.0


async def open_api_inbox(url: str, callback: str, secret: str) -> str:
    """An API inbox whose answers go to `callback`; returns its messages address."""
    async with Administrator(url) as administrator:
        inbox = await administrator.call(
            "POST",
            "/inboxes",
            {
                "kind": "api",
                "name": "Integrator",
                "language": "zh-Hans",
                "team_id": None,
                "bot": True,
                "enabled": True,
                "settings": {"callback_url": callback, "allowed_networks": ["127.0.0.0/8"]},
                "secrets": {"signing_secret": secret},
            },
        )
        return f"{url}/channels/api/{inbox['id']}/messages"


async def until_quiet(url: str) -> dict[str, Any]:
    """Waits until the bus and the outbox are empty; returns the status."""
    async with Administrator(url) as administrator:
        for _ in range(round(QUIET_SECONDS / 0.25)):
            status = await administrator.call("GET", "/operations/status")
            if not status["bus"]["depth"] and not status["outbox"]["depth"]:
                return dict(status)
            await asyncio.sleep(0.25)
        raise AssertionError(f"still busy after {QUIET_SECONDS:.0f} s: {status}")


def check_all(database: str, traffic: Traffic, receiver: CallbackReceiver) -> None:
    """Holds the promises against the database and what the integrator received."""
    ledger = Ledger(database)
    try:
        stored = ledger.check_nothing_lost(traffic.acknowledged)
        ledger.check_each_settled_once()
        ledger.check_one_open_ticket()
        ledger.check_replies_not_doubled()
        ledger.check_delivered(receiver.received)
    finally:
        ledger.close()
    repeats = len(receiver.received) - len({item["id"] for item in receiver.received})
    print(f"{stored} messages, {len(receiver.received)} answers, {repeats} recognisable repeats")
    assert stored > SENDERS * 3, "too little traffic to mean anything"


async def storm(
    front: GatewayProcess,
    victims: Sequence[GatewayProcess],
    kills: int,
    chance: random.Random,
) -> tuple[Traffic, CallbackReceiver]:
    """Traffic through `front` while the victims are killed and started again."""
    secret = make_secret()
    receiver = CallbackReceiver(secret)
    await receiver.start()
    url = await open_api_inbox(front.url, receiver.url, secret)
    traffic = Traffic(url=url, secret=secret, senders=SENDERS, seed=chance.randrange(1 << 30))
    traffic.start()
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        victim = chance.choice(victims)
        victim.kill()
        await asyncio.to_thread(victim.start)
    await asyncio.sleep(0.5)
    await traffic.stop()
    await until_quiet(front.url)
    await receiver.stop()
    return traffic, receiver


async def test_one_process_killed_ten_times(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path).start()
    try:
        traffic, receiver = await storm(gateway, [gateway], KILLS, random.Random(4711))
        assert gateway.terminate() == 0
    finally:
        gateway.close()
    check_all(f"sqlite:///{tmp_path}/yingda.db", traffic, receiver)


@pytest.fixture
def split(
    tmp_path: Path,
    own_postgres: Callable[[], PostgresServer],
    own_redis: Callable[[], RedisServer],
) -> Any:
    """HTTP and two workers on PostgreSQL and Redis of their own."""
    postgres, redis = own_postgres(), own_redis()
    environ = {"YINGDA_DATABASE_URL": postgres.url(), "YINGDA_REDIS_URL": redis.url()}
    processes = [
        GatewayProcess(tmp_path, roles=["http", "timer"], environ=environ),
        GatewayProcess(tmp_path, roles=["worker", "receiver"], environ=environ),
        GatewayProcess(tmp_path, roles=["worker"], environ=environ),
    ]
    for process in processes:
        process.start()
    yield postgres, redis, processes
    for process in processes:
        process.close()


async def test_split_processes_killed_ten_times(split: Any) -> None:
    postgres, _, processes = split
    traffic, receiver = await storm(processes[0], processes, KILLS, random.Random(815))
    assert [process.terminate() for process in processes] == [0, 0, 0]
    check_all(postgres.url(), traffic, receiver)


@pytest.mark.parametrize("outage", ["redis", "postgres"])
async def test_a_server_away_for_twenty_seconds(split: Any, outage: str) -> None:
    postgres, redis, processes = split
    front = processes[0]
    secret = make_secret()
    receiver = CallbackReceiver(secret)
    await receiver.start()
    url = await open_api_inbox(front.url, receiver.url, secret)
    traffic = Traffic(url=url, secret=secret, senders=SENDERS, seed=99)
    traffic.start()
    await asyncio.sleep(1)
    server = redis if outage == "redis" else postgres
    await asyncio.to_thread(server.stop)
    await asyncio.sleep(10)
    assert await asyncio.to_thread(front.readiness) == 503, "readiness hides the outage"
    await asyncio.sleep(10)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(front.wait_ready)
    await asyncio.sleep(2)
    await traffic.stop()
    await until_quiet(front.url)
    await receiver.stop()
    assert [process.terminate() for process in processes] == [0, 0, 0]
    check_all(postgres.url(), traffic, receiver)


async def test_sigterm_drains_under_load(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path).start()
    secret = make_secret()
    receiver = CallbackReceiver(secret)
    await receiver.start()
    try:
        url = await open_api_inbox(gateway.url, receiver.url, secret)
        traffic = Traffic(url=url, secret=secret, senders=SENDERS, seed=7)
        traffic.start()
        await asyncio.sleep(1.5)
        assert await asyncio.to_thread(gateway.terminate) == 0
        await asyncio.to_thread(gateway.start)
        await asyncio.sleep(0.5)
        await traffic.stop()
        await until_quiet(gateway.url)
        assert await asyncio.to_thread(gateway.terminate) == 0
    finally:
        gateway.close()
        await receiver.stop()
    check_all(f"sqlite:///{tmp_path}/yingda.db", traffic, receiver)
    sent_ids = [item["id"] for item in receiver.received]
    assert len(sent_ids) == len(set(sent_ids)), "a clean stop must not repeat deliveries"
