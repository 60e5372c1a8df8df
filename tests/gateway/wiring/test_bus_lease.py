"""The embedded bus on a shared database: one process, and the next one after its lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.settings import Settings
from gateway.store import SqlStore
from gateway.wiring import bus_lease
from gateway.wiring.bus_lease import LEASE, BusLease, LeaseLostError
from gateway.wiring.data_dir import StartError
from gateway.wiring.storage import open_storage


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = open_storage(Settings(data_dir=tmp_path)).store
    yield store
    await store.close()


async def test_a_second_process_is_refused_while_the_first_lives(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_lease, "WAIT_SECONDS", 1)
    time = Time()
    first, second = BusLease(store, "first", time), BusLease(store, "second", time)
    await first.acquire()
    with pytest.raises(StartError, match="YINGDA_REDIS_URL"):
        await second.acquire()
    await first.release()
    await second.acquire()


async def test_a_killed_process_loses_its_lease_and_a_sleeper_learns_of_it(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_lease, "RENEW_SECONDS", 0.01)
    time = Time()
    first, second = BusLease(store, "first", time), BusLease(store, "second", time)
    await first.acquire()
    time.now += LEASE + 1
    await second.acquire()
    with pytest.raises(LeaseLostError):
        async with asyncio.timeout(5):
            await first.keep()
