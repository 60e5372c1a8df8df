"""What administrators are told about an inbox: whether its settings work, and how it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from channels.errors import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of trying settings out: what was tried, and what came of it.

    `detail` says what is wrong and how to mend it, with the other side's own words.
    """

    name: Words
    ok: bool
    detail: Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an inbox does. Times in ms since the epoch.

    `heard_at` is when the other side last answered, `message_at` when a message last came.
    `error` is why it does not work now, since `error_at`; None while it does. `facts` are
    further figures by name, such as a cursor.
    """

    heard_at: int | None
    message_at: int | None
    error: Words | None = None
    error_at: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
