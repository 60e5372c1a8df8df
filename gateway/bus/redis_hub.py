"""The hub across processes: frames travel through one Redis channel, many at a time.

Local subscribers get a frame at once; the copy that comes back is recognised and skipped. Redis
keeps nothing for those who were away, so after an outage, on either side, every subscriber is
told by an overflow frame.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from gateway.bus.flushing import Flusher
from gateway.bus.hub import QUEUE, LocalHub, LocalSubscription
from gateway.bus.redis_link import ANSWER_WITHIN, Link, make_connection
from gateway.ports.bus import BusUnavailableError, Frame

CHANNEL = "yingda:hub"
OUTGOING = 10_000
"""Frames that may wait to be sent; beyond it they are lost, and the others are told."""
PING_EVERY = 5.0
SILENT_FOR = 15.0
"""Seconds without a word from Redis after which the subscription is made anew."""
PAUSE = 0.2
"""Seconds between attempts to subscribe."""

# origin, 1 when frames before these were lost; then for each frame the lengths of topic and frame
_HEAD = struct.Struct("!8sB")
_LENGTHS = struct.Struct("!HI")

log = logging.getLogger(__name__)


class RedisHub:
    """The hub of several processes; see `gateway.ports.bus.Hub`.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        encode: a frame as bytes.
        decode: a frame from bytes; what it raises costs that frame only.
        channel: the channel in Redis; the same in all processes.
        queue: frames that may wait for a subscriber.
    """

    def __init__(
        self,
        url: str,
        *,
        encode: Callable[[Frame], bytes],
        decode: Callable[[bytes], Frame],
        channel: str = CHANNEL,
        queue: int = QUEUE,
    ) -> None:
        self._url = url
        self._encode = encode
        self._decode = decode
        self._channel = channel
        self._origin = secrets.token_bytes(8)
        self._local = LocalHub(queue=queue)
        self._link = Link(url)
        self._flusher = Flusher(self._flush, linger=0)
        self._outgoing: list[tuple[bytes, bytes]] = []
        self._lost = False
        self._listening: asyncio.Task[None] | None = None

    def publish(self, topic: str, frame: Frame) -> None:
        """To local subscribers at once, to other processes within a moment; never waits."""
        self._local.publish(topic, frame)
        if len(self._outgoing) >= OUTGOING:
            self._outgoing.clear()
            self._lost = True
        self._outgoing.append((topic.encode(), self._encode(frame)))
        self._flusher.soon()

    def wanted(self, topic: str) -> bool:
        """Always: whether other processes have subscribers is not known here."""
        return True

    def subscribe(self, *topics: str) -> LocalSubscription:
        """Frames of these topics, from now on."""
        return self._local.subscribe(*topics)

    async def start(self) -> None:
        """Subscribes.

        Raises:
            BusUnavailableError: Redis does not answer.
        """
        try:
            connection = await self._connect()
        except (RedisError, OSError, TimeoutError) as error:
            raise BusUnavailableError(f"Redis is not available: {error}") from error
        self._listening = asyncio.get_running_loop().create_task(self._listen(connection))

    async def close(self) -> None:
        """Sends what waits and ends all subscriptions."""
        await self._flusher.finish()
        self._flusher.stop()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._local.close()
        await self._link.close()

    async def _flush(self) -> bool:
        frames, self._outgoing = self._outgoing, []
        if not frames and not self._lost:
            return True
        parts = [_HEAD.pack(self._origin, self._lost)]
        for topic, frame in frames:
            parts += (_LENGTHS.pack(len(topic), len(frame)), topic, frame)
        try:
            await self._link.call("PUBLISH", self._channel, b"".join(parts))
        except BusUnavailableError:
            self._lost = True
            return False
        self._lost = False
        return True

    async def _listen(self, connection: AbstractConnection) -> None:
        while True:
            try:
                await self._hear(connection)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("the hub lost Redis: %s", error)
            finally:
                with suppress(RedisError, OSError):
                    await connection.disconnect(nowait=True)
            connection = await self._connect_again()
            self._local.overflow()

    async def _connect_again(self) -> AbstractConnection:
        while True:
            try:
                return await self._connect()
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(PAUSE)

    async def _connect(self) -> AbstractConnection:
        connection = make_connection(self._url)
        async with asyncio.timeout(ANSWER_WITHIN):
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command("SUBSCRIBE", self._channel, check_health=False)
            await connection.read_response()
        return connection

    async def _hear(self, connection: AbstractConnection) -> None:
        """Delivers what comes until the connection fails or falls silent."""
        loop = asyncio.get_running_loop()
        pinging = loop.create_task(_ping(connection))
        try:
            async with asyncio.timeout(SILENT_FOR) as patience:
                while True:
                    answer = await connection.read_response()
                    patience.reschedule(loop.time() + SILENT_FOR)
                    if answer[0] == b"message":
                        self._deliver(answer[2])
        finally:
            pinging.cancel()
            await asyncio.gather(pinging, return_exceptions=True)

    def _deliver(self, message: bytes) -> None:
        try:
            origin, lost = _HEAD.unpack_from(message)
            if origin == self._origin:
                return
            if lost:
                self._local.overflow()
            for topic, frame in _frames(message):
                if self._local.wanted(topic):
                    self._local.publish(topic, self._decode(frame))
        except Exception as error:
            log.warning("a frame of another process cannot be read: %r", error)
            self._local.overflow()


async def _ping(connection: AbstractConnection) -> None:
    while True:
        await asyncio.sleep(PING_EVERY)
        await connection.send_command("PING", check_health=False)


def _frames(message: bytes) -> Iterator[tuple[str, bytes]]:
    at = _HEAD.size
    while at < len(message):
        topic_length, frame_length = _LENGTHS.unpack_from(message, at)
        at += _LENGTHS.size
        topic = message[at : at + topic_length].decode()
        at += topic_length
        yield topic, message[at : at + frame_length]
        at += frame_length
