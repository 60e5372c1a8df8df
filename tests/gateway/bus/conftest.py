"""The grounds that the contract suite runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store import open_store
from gateway.store.keys import load_keys
from gateway.store.migrations import migrate
from tests.gateway.bus.grounds import EmbeddedGround, Ground, RedisGround
from tests.gateway.bus.memory_journal import MemoryStore


@pytest.fixture(params=["memory", "sqlite", "postgres", "redis"])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    """An empty ground of each kind; buses still open at the end are closed."""
    if request.param == "redis":
        redis: Ground = RedisGround(request.getfixturevalue("redis_url"))
        yield redis
        await redis.close()
        return
    if request.param == "memory":
        memory = EmbeddedGround(MemoryStore())
        yield memory
        await memory.close()
        return
    url = f"sqlite:///{tmp_path}/bus.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    migrate(url)
    store = open_store(url, secrets=load_keys(tmp_path / "test.key").box)
    sql = EmbeddedGround(store)
    yield sql
    await sql.close()
    await store.close()
