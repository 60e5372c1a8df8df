"""A load generator that costs little: raw HTTP/1.1 over kept connections.

The generator shares the machine with what it measures, so it does no more than write a request and
read up to the end of its answer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

TURNS_PER_CUSTOMER = 5  # then a new one begins, as in life


@dataclass(frozen=True, slots=True)
class Sample:
    """What a run of the load gave. Times in seconds; `silent` counts turns after a hand-off."""

    senders: int
    turns: int
    seconds: float
    latencies: Sequence[float]
    errors: int
    silent: int

    @property
    def rate(self) -> float:
        return self.turns / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that this share of the turns stayed under, in ms."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection:
    """One kept HTTP connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 80
        self._path = parts.path or "/"
        self._head = (
            f"POST {self._path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """Sends one request; returns the status and the body."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        if at >= 0:
            length = int(lowered[at + 15 : lowered.index(b"\r\n", at)])
            return status, await self._reader.readexactly(length)
        return status, await self._chunked(self._reader)

    async def _chunked(self, reader: asyncio.StreamReader) -> bytes:
        parts = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readexactly(2)
        return b"".join(parts)

    def close(self) -> None:
        """Closes the connection."""
        if self._writer is not None:
            self._writer.close()


class Customers:
    """What one sender's customers say: a new customer every few turns, and after a hand-off.

    Once a person is to answer, the bot is rightly silent: that is no turn to be counted.
    """

    def __init__(
        self, texts: Sequence[str], prefix: str, offset: int, *, always_new: bool = False
    ) -> None:
        self._texts = texts
        self._always_new = always_new
        self._prefix = prefix
        self._said = offset
        self._turns = 0
        self._customer = 0

    def next(self) -> bytes:
        """The next request's body."""
        if self._turns >= TURNS_PER_CUSTOMER:
            self.change()
        self._turns += 1
        self._said += 7
        text = self._texts[self._said % len(self._texts)]
        if self._always_new:
            text = f"{text} ({self._said})"
        asked = {"sender": f"{self._prefix}-{self._customer}", "message": text}
        return json.dumps(asked, ensure_ascii=False).encode()

    def change(self) -> None:
        """Begins a new customer."""
        self._customer += 1
        self._turns = 0


async def _send(
    url: str, customers: Customers, until: float, latencies: list[float], bad: list[int]
) -> None:
    connection = Connection(url)
    try:
        while (started := time.perf_counter()) < until:
            status, answer = await connection.post(customers.next())
            if status != 200:
                bad[0] += 1
            elif len(answer) < 3:
                bad[1] += 1
                customers.change()
            else:
                latencies.append(time.perf_counter() - started)
    finally:
        connection.close()


async def drive(
    url: str,
    texts: Sequence[str],
    *,
    senders: int,
    seconds: float,
    prefix: str,
    always_new: bool = False,
) -> Sample:
    """Sends turns for a while from that many concurrent senders.

    Args:
        url: a REST channel in Rasa's shape.
        texts: what the senders say, in turn.
        senders: how many at once, each waiting for its answer before the next turn.
        seconds: how long.
        prefix: begins the senders' names; new for each run.
        always_new: gives each text a number, so that no two are the same.
    """
    latencies: list[float] = []
    bad = [0, 0]
    started = time.perf_counter()
    await asyncio.gather(
        *(
            _send(
                url,
                Customers(texts, f"{prefix}-{n}", n * 31, always_new=always_new),
                started + seconds,
                latencies,
                bad,
            )
            for n in range(senders)
        )
    )
    spent = time.perf_counter() - started
    return Sample(senders, len(latencies), spent, latencies, bad[0], bad[1])
