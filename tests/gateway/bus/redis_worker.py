"""Run as a process of its own by the tests: takes entries, tells which, and never acknowledges.

Arguments: the address of Redis, the length of a lease in ms, how many entries to take.
"""

from __future__ import annotations

import asyncio
import sys

from gateway.bus.redis_streams import RedisBus


async def main(url: str, lease_ms: int, number: int) -> None:
    bus = RedisBus(url, consumer="doomed", lease_ms=lease_ms)
    await bus.start()
    while number:
        for entry in await bus.take(number):
            number -= 1
            print(entry.payload.decode(), flush=True)
    await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
