"""Time and ids of a running process."""

import itertools
import random
import time

_COUNTER = itertools.count()
# Seeded by the operating system. Ids tell things apart and are no secrets: asking the kernel for
# each would cost more than all the rest of making one.

_RANDOM = random.Random(random.SystemRandom().getrandbits(256))


def clock() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """32 hex digits: time, a counter and chance, so that ids of one process rise."""
    count = next(_COUNTER) & 0xFFFF
    return f"{clock():012x}{count:04x}{_RANDOM.getrandbits(64):016x}"
