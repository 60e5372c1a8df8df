"""A process is killed while it appends and handles entries; the next ones lose nothing."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from gateway.store.keys import load_keys
from gateway.store.migrations import migrate
from tests.gateway.bus.doomed_process import KEYS, build
from tests.gateway.bus.test_contract import handle

PROCESS = Path(__file__).with_name("doomed_process.py")
ROUNDS = 3


async def run_and_kill(url: str, key_file: Path, first: int, seconds: float) -> list[int]:
    """What the process said: numbers that are durable, and negative ones that were handled."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROCESS),
        url,
        str(key_file),
        str(first),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    said = [await asyncio.wait_for(process.stdout.readline(), 20)]
    await asyncio.sleep(seconds)
    process.kill()
    said += (await process.stdout.read()).splitlines()
    await process.wait()
    return [int(line) for line in said if line.strip()]


@pytest.mark.crash
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_a_killed_process_loses_nothing(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    key_file = tmp_path / "test.key"
    load_keys(key_file)
    url = f"sqlite:///{tmp_path}/bus.db"
    if kind == "redis":
        url = request.getfixturevalue("redis_url")
    else:
        migrate(url)
    said: list[int] = []
    for number in range(1, ROUNDS + 1):
        seconds = random.uniform(0.2, 0.9)
        said += await run_and_kill(url, key_file, number * 100_000, seconds)
    durable = {number for number in said if number > 0}
    handled = [-number for number in said if number < 0]
    bus = build(url, key_file)
    await bus.start()
    handled += map(int, await handle(bus, (await bus.lag()).depth))
    await bus.close()
    assert len(durable) > 50
    assert durable <= set(handled)
    by_key: dict[int, list[int]] = defaultdict(list)
    for number in dict.fromkeys(handled):
        by_key[number % KEYS].append(number)
    for numbers in by_key.values():
        assert numbers == sorted(numbers)
    # What comes twice was in hand, or acknowledged within the last moment, when it was killed.
    assert len(handled) - len(set(handled)) <= ROUNDS * KEYS * 3
