"""The hub: tells consoles and widgets what changed, best effort.

`LocalHub` serves one process. `RedisHub` adds the frames of other processes through one Redis
channel. Whoever falls behind, or may have missed something, is told so by one overflow frame
and reads the store again.
"""

from __future__ import annotations

import asyncio
from collections import deque

from gateway.ports.bus import Frame, HubClosedError

QUEUE = 512
"""Frames that may wait for a subscriber before it is told that it fell behind."""
OVERFLOW: Frame = {"type": "overflow"}


class LocalSubscription:
    """Frames that wait for one subscriber.

    Args:
        hub: where it is registered.
        topics: what it wants.
        limit: frames that may wait.
    """

    def __init__(self, hub: LocalHub, topics: tuple[str, ...], limit: int) -> None:
        self.topics = topics
        self._hub = hub
        self._limit = limit
        self._frames: deque[Frame] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    async def get(self) -> Frame:
        """The next frame; `{"type": "overflow"}` once when frames were lost.

        Raises:
            HubClosedError: the subscription has ended.
        """
        while not self._frames:
            if self._closed:
                raise HubClosedError
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._frames.popleft()

    def clear(self) -> None:
        """Forgets the frames that wait."""
        self._frames.clear()

    def close(self) -> None:
        """Ends it; what waits is forgotten."""
        self._closed = True
        self._frames.clear()
        self._hub.forget(self)
        self._wake()

    def offer(self, frame: Frame) -> None:
        """Puts a frame into the queue; a full queue becomes one overflow frame."""
        if len(self._frames) >= self._limit:
            self.overflow()
        else:
            self._frames.append(frame)
            self._wake()

    def overflow(self) -> None:
        """Replaces what waits by one overflow frame: the subscriber reads the store anyway."""
        self._frames.clear()
        self._frames.append(OVERFLOW)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class LocalHub:
    """The hub of a single process; see `gateway.ports.bus.Hub`.

    Args:
        queue: frames that may wait for a subscriber.
    """

    def __init__(self, *, queue: int = QUEUE) -> None:
        self._queue = queue
        self._subscriptions: dict[str, dict[LocalSubscription, None]] = {}

    def publish(self, topic: str, frame: Frame) -> None:
        """To all subscribers of the topic; never waits."""
        for subscription in self._subscriptions.get(topic, ()):
            subscription.offer(frame)

    def wanted(self, topic: str) -> bool:
        """Whether anybody subscribes to the topic."""
        return topic in self._subscriptions

    def subscribe(self, *topics: str) -> LocalSubscription:
        """Frames of these topics, from now on."""
        subscription = LocalSubscription(self, topics, self._queue)
        for topic in topics:
            self._subscriptions.setdefault(topic, {})[subscription] = None
        return subscription

    def forget(self, subscription: LocalSubscription) -> None:
        """Takes a subscription out of its topics."""
        for topic in subscription.topics:
            others = self._subscriptions.get(topic, {})
            others.pop(subscription, None)
            if not others:
                self._subscriptions.pop(topic, None)

    def overflow(self) -> None:
        """Tells every subscriber that it may have missed frames."""
        for subscription in self._everyone():
            subscription.overflow()

    async def start(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Ends all subscriptions."""
        for subscription in self._everyone():
            subscription.close()

    def _everyone(self) -> set[LocalSubscription]:
        return {one for several in self._subscriptions.values() for one in several}
