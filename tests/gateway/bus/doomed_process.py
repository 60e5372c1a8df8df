"""Run as a process of its own by the tests, to be killed while it appends and handles entries.

Arguments: the address of a database or of Redis, the key file, the first number to append.
Prints `+N` when number N is durable, and `-N` before it acknowledges N.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.bus.embedded import EmbeddedBus
from gateway.bus.redis_streams import RedisBus
from gateway.ports.bus import Bus
from gateway.store import open_store
from gateway.store.keys import load_keys
from tests.gateway.bus.grounds import LEASE_MS, now

KEYS = 5


def build(url: str, key_file: Path) -> Bus:
    if url.startswith("redis"):
        return RedisBus(url, consumer="doomed", lease_ms=LEASE_MS)
    return EmbeddedBus(open_store(url, secrets=load_keys(key_file).box), clock=now)


async def send(bus: Bus, key: int, first: int) -> None:
    number = first + key
    while True:
        await bus.append(f"k{key}", b"%d" % number)
        print(f"+{number}", flush=True)
        number += KEYS
        await asyncio.sleep(0.002)


async def work(bus: Bus) -> None:
    while True:
        for entry in await bus.take(3):
            print(f"-{entry.payload.decode()}", flush=True)
            await bus.acknowledge([entry])
        await asyncio.sleep(0.01)


async def main(url: str, key_file: Path, first: int) -> None:
    bus = build(url, key_file)
    await bus.start()
    await asyncio.gather(work(bus), *(send(bus, key, first) for key in range(KEYS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
