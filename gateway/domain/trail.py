"""The trail: what happened to a message, hop by hop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Hop(StrEnum):
    """A step on a message's way."""

    ACCEPTED = "accepted"  # stored from the bus
    DUPLICATE = "duplicate"  # came again, nothing done
    TURN = "turn"  # the bot considered it
    QUEUED = "queued"  # an outgoing message was written
    SENT = "sent"  # a try to deliver it
    DELIVERED = "delivered"
    READ = "read"
    RESENT = "resent"  # an agent asked for another try


class Outcome(StrEnum):
    """How a hop ended."""

    OK = "ok"
    DROPPED = "dropped"
    RETRY = "retry"
    FAILED = "failed"
    HANDOFF = "handoff"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailEntry:
    """One hop. `ms` is how long the hop took, from its cause; `at` in ms since the epoch."""

    message_id: str
    hop: Hop
    outcome: Outcome
    reason: str
    ms: int
    at: int
