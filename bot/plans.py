"""What a turn may come to, and what is known when it is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bot.contract import BotState, Customer, Desk, HandoffReason, Mood, Understanding
from bot.knowledge import Hit
from bot.slots import Heard
from bot.times import DEFAULT_ZONE


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """Limits of the dialogue; an administrator may change each.

    `accept` and `suggest` are confidences from 0 to 1 from which an intent is answered, or
    offered as a choice; `article_accept` and `article_suggest` the same for articles.
    `turn_cap` is the number of bot turns after which a person takes over, `miss_limit` the
    number of turns in a row that may fail, the last of them ending at a person.
    `action_seconds` is how long an action may take. `time_zone` is the zone (IANA) in which
    customers are told times. `flow_tries` is how often a question of a form or diagnosis may
    be answered in vain, `repeat_limit` how often the same answer may be given in a row, the
    last of each ending at a person. `recogniser_seconds` is how long a recogniser outside of
    this process may take before the built-in one answers. `letter_accept` is the confidence from
    which a letter is answered: nobody asks back there. `help_url` is where articles are read,
    with `{slug}` in it; "" when nobody said where.
    """

    accept: float = 0.5
    suggest: float = 0.2
    article_accept: float = 0.75
    article_suggest: float = 0.35
    turn_cap: int = 12
    miss_limit: int = 2
    action_seconds: float = 8.0
    time_zone: str = DEFAULT_ZONE
    flow_tries: int = 3
    repeat_limit: int = 3
    recogniser_seconds: float = 2.0
    letter_accept: float = 0.7
    help_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a turn.

    `titles` are the texts of the choices in `state.offered`, in the same order. `declined` says
    that the customer wants no person; `text` is then what else was said, or "". `slots` are
    what is collected with this message's values, `heard` is what the message gives for forms,
    `language` is `zh` or `en`, and `today` a day in the customer's zone.
    """

    text: str
    payload: str | None
    state: BotState
    understanding: Understanding
    hits: Sequence[Hit] = ()
    titles: Sequence[str] = ()
    declined: bool = False
    slots: Mapping[str, Any] = field(default_factory=dict)
    heard: Heard = field(default_factory=lambda: Heard(text="", intent=None))
    language: str = "zh"
    today: date = date(1970, 1, 1)
    mood: Mood = Mood.CALM
    customer: Customer | None = None
    desk: Desk | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Do an intent's steps; `article` is the slug of the article that stands behind it.

    `missed` is true when the bot says that it cannot help with that.
    """

    intent: str
    steps: tuple[str, ...]
    article: str | None = None
    missed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FromArticle:
    """Answer with an article's passage."""

    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thank:
    """Thank for the word on an article; offer a person when it did not help."""

    slug: str
    helped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Ask which of these payloads was meant."""

    payloads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUnderstood:
    """Ask the customer to say it in other words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Say one of the bot's own texts, by the name of its response."""

    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Give the conversation to people.

    `text` is said before the holding reply, `answers` are those of a diagnosis, `topic` its
    name; `call_back` tells when and where to call.
    """

    reason: HandoffReason
    kind: str
    severity: str = "general"
    text: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    topic: str | None = None
    call_back: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One step of a form or diagnosis: what is said first, then where it stands.

    `flow` is its state afterwards, None when it has ended; `slots` are what it collected,
    `inner` is an answer to a question in the middle, `steps` follow a filled form, `node` is
    the outcome of a diagnosis. `failed` counts as a miss of the flow, not of the dialogue.
    """

    flow: Mapping[str, Any] | None
    slots: Mapping[str, Any] = field(default_factory=dict)
    say: tuple[str, ...] = ()
    inner: Plan | None = None
    steps: tuple[str, ...] = ()
    node: str | None = None
    name: str = ""
    failed: bool = False


Plan = Answer | FromArticle | Thank | Offer | NotUnderstood | Say | HandOver | Move
