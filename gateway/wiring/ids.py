"""Time and ids of a running process."""

import itertools
import os
import time

_COUNTER = itertools.count()


def clock() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """32 hex digits: time, a counter and chance, so that ids of one process rise."""
    count = next(_COUNTER) & 0xFFFF
    return f"{clock():012x}{count:04x}{os.urandom(8).hex()}"
