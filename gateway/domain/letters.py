"""Who takes part in a conversation by letter, and what of it waits for a person's look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from channels.contract import Discard


class Part(StrEnum):
    """How somebody beside the customer takes part.

    Who is in `to` or `cc` gets what agents answer; a `third` party was asked about something and
    answers to the agents alone.
    """

    TO = "to"
    CC = "cc"
    THIRD = "third"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation:
    """Somebody who takes part in a conversation; `address` is in lower case."""

    conversation_id: str
    address: str
    name: str
    part: Part


class Aside(StrEnum):
    """Why a message that came is not the customer's word.

    A `stranger` wrote into the conversation, it is `unreadable`, `oversize` (only its head was
    fetched) or `suspicious` (spam, a forged sender), or it looks `automatic` and answers nothing
    of ours: these are held until an agent decides. An `auto-reply` (out of office) to what we
    wrote changes nothing; a `third` party answers to the agents alone.
    """

    STRANGER = "stranger"
    UNREADABLE = "unreadable"
    OVERSIZE = "oversize"
    SUSPICIOUS = "suspicious"
    AUTOMATIC = "automatic"
    AUTO_REPLY = "auto-reply"
    THIRD = "third"


HELD = frozenset(Aside) - {Aside.AUTO_REPLY, Aside.THIRD}
"""The asides that wait for a decision."""


class Verdict(StrEnum):
    """What an agent decided about a held message."""

    JOINED = "joined"
    SEPARATED = "separated"
    RELEASED = "released"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A message that waits for a decision; `since` in ms since the epoch."""

    message_id: str
    conversation_id: str
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """A message that came and is not shown; `at` in ms since the epoch."""

    discard: Discard
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What became of what an inbox received on one day.

    `day` counts from 1 January 1970; `shown` stand in conversations, `held` wait for a decision,
    `discarded` were put aside by the channel.
    """

    inbox_id: str
    day: int
    shown: int = 0
    held: int = 0
    discarded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A conversation of which the visitor has not fetched the newest answers."""

    conversation_id: str
    mailed_seq: int


def address_key(address: str) -> str:
    """An address as it is compared: domains know no case, and nobody tells people apart by it."""
    return address.strip().lower()


def details_author(details: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Who wrote a message when that was not the customer, from its details."""
    author: Mapping[str, Any] | None = details.get("author")
    return author
