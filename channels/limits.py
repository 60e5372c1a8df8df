"""How much a customer or an address may ask for, counted in the memory of one process."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

from channels.errors import RateLimitedError

MAX_KEYS: Final = 20_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: int


class RateLimiter:
    """A token bucket for each key: `count` at once, refilled evenly within `period_ms`.

    A count of 0 sets no limit.
    At most `max_keys` buckets are kept; the one unused longest goes first, which at worst
    gives a key its full allowance again.
    """

    def __init__(self, count: int, period_ms: int, *, max_keys: int = MAX_KEYS) -> None:
        self._count = count
        self._per_ms = count / period_ms
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def check(self, key: str, now: int, what: str) -> None:
        """Takes one from the key's allowance.

        Args:
            key: who asks.
            now: milliseconds since the epoch.
            what: what there would be too much of.

        Raises:
            RateLimitedError: the allowance is used up.
        """
        wait = self.wait_seconds(key, now)
        if wait:
            raise RateLimitedError(what, wait)

    def wait_seconds(self, key: str, now: int) -> int:
        """Takes one from the key's allowance: 0 when it was there, else seconds to wait.

        Args:
            key: who asks.
            now: milliseconds since the epoch.
        """
        if not self._count:
            return 0
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._open(key, now)
        self._buckets.move_to_end(key)
        elapsed = max(0, now - bucket.filled_at)
        bucket.tokens = min(float(self._count), bucket.tokens + elapsed * self._per_ms)
        bucket.filled_at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0
        return max(1, math.ceil((1 - bucket.tokens) / self._per_ms / 1000))

    def _open(self, key: str, now: int) -> _Bucket:
        while len(self._buckets) >= self._max_keys:
            self._buckets.popitem(last=False)
        bucket = self._buckets[key] = _Bucket(float(self._count), now)
        return bucket


class RecentKeys:
    """The keys that were seen of late, at most `max_keys`; the one seen longest ago goes first."""

    def __init__(self, *, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._keys: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, key: str) -> None:
        """Remembers the key as the latest."""
        self._keys[key] = None
        self._keys.move_to_end(key)
        if len(self._keys) > self._max_keys:
            self._keys.popitem(last=False)


def is_own_host(address: str) -> bool:
    """Whether a request comes from a program on the same host."""
    return address.removeprefix("::ffff:").startswith("127.") or address == "::1"


def network_of(address: str) -> str:
    """What one caller has: the address, or of IPv6 the /64 that a line is given (RFC 6177)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:  # RFC 4291 §2.5.5.2
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed) >> 64 << 64, 64)))
