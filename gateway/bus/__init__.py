"""The conversation bus (embedded or Redis Streams) and the hub; built by `gateway.wiring`.

What needs Redis is imported when it is first asked for: an installation without Redis starts
faster and smaller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.bus.embedded import EmbeddedBus
from gateway.bus.hub import LocalHub

if TYPE_CHECKING:
    from gateway.bus.redis_hub import RedisHub
    from gateway.bus.redis_streams import RedisBus

__all__ = ["EmbeddedBus", "LocalHub", "RedisBus", "RedisHub"]


def __getattr__(name: str) -> Any:
    if name == "RedisBus":
        from gateway.bus.redis_streams import RedisBus

        return RedisBus
    if name == "RedisHub":
        from gateway.bus.redis_hub import RedisHub

        return RedisHub
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
