"""One connection to Redis and the scripts that run on it.

redis-py's pooled commands cost more than the rest of the bus together, so a link speaks through
one of its connections directly. All that Redis or the network can do wrong becomes
`BusUnavailableError`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from gateway.ports.bus import BusUnavailableError

ANSWER_WITHIN = 1.5
"""Seconds in which Redis has to answer, connecting included."""

Word = str | bytes | int


class RefusedError(BusUnavailableError):
    """Redis answers, but refuses the command: out of memory, read-only, no such group."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script; Redis runs it as a whole or not at all."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "digest", digest)


class Link:
    """A connection that is made when it is needed, and again after a failure.

    One command at a time; a link shared by several tasks lets them wait for each other.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
    """

    def __init__(self, url: str) -> None:
        self._connection = make_connection(url)
        self._turn = asyncio.Lock()

    async def call(self, *words: Word, wait: float = 0.0) -> Any:
        """Sends a command and returns the answer.

        Args:
            words: the command and its arguments.
            wait: seconds that the command itself may block.

        Raises:
            RefusedError: Redis refused it.
            BusUnavailableError: no answer, or not in time.
        """
        try:
            async with asyncio.timeout(ANSWER_WITHIN + wait), self._turn:
                return await self._exchange(words)
        except ResponseError as error:
            raise RefusedError(f"Redis refused: {error}") from error
        except TimeoutError as error:
            raise BusUnavailableError("Redis does not answer in time") from error
        except (RedisError, OSError) as error:
            raise BusUnavailableError(f"Redis is not available: {error}") from error

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Word]) -> Any:
        """Runs a script, loading it where Redis does not know it yet.

        Raises:
            RefusedError: Redis refused it.
            BusUnavailableError: no answer, or not in time.
        """
        try:
            return await self.call("EVALSHA", script.digest, len(keys), *keys, *args)
        except RefusedError as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
        return await self.call("EVAL", script.text, len(keys), *keys, *args)

    async def close(self) -> None:
        """Closes the connection; a later call would open it again."""
        with suppress(RedisError, OSError):
            await self._connection.disconnect()

    async def _exchange(self, words: Sequence[Word]) -> Any:
        connection = self._connection
        try:
            if connection.is_connected and await connection.can_read():
                # Nothing was asked, so this is the end of the connection: Redis was restarted.
                await connection.disconnect(nowait=True)
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command(*words, check_health=False)
            answer = await connection.read_response()
        except ResponseError:
            raise
        except BaseException:  # an answer may still come; the next command must not read it
            await connection.disconnect(nowait=True)
            raise
        if isinstance(answer, RedisError):
            raise answer
        return answer


def make_connection(url: str) -> AbstractConnection:
    """A connection that is not open yet and does not retry by itself.

    Raises:
        ValueError: the address is not one of a Redis server.
    """
    # RESP2 keeps answers plain lists. Timeouts are the link's; redis-py's cost a task each.
    pool = ConnectionPool.from_url(
        url,
        protocol=2,
        socket_timeout=None,
        socket_connect_timeout=ANSWER_WITHIN,
        retry=Retry(NoBackoff(), 0),
        decode_responses=False,
    )
    connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
    return connection
