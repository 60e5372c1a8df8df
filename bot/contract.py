"""What the bot is asked and what it may answer.

The gateway builds a `Turn`, the bot answers with a `Decision`. The bot decides and never
writes: what a decision does to the conversation is the gateway's part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from bot.values.found import Found
from intents.model import Language


class Speaker(StrEnum):
    """Who said an earlier line of the conversation."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One earlier line, newest last; `pressed` says that it is the title of a button."""

    speaker: Speaker
    text: str
    pressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BotState:
    """What the bot remembers between turns; stored with the conversation as JSON.

    `misses` counts turns in a row that it did not understand, the last of them at `missed_at`
    (ms since the epoch); `turns` counts the bot's
    turns since it last got the conversation; `topic` is the last intent; `slots` are
    collected values; `offered` holds the payloads of the choices offered last. `flow` is the
    form or diagnosis that runs (see `bot.flows`), `last` the last step that was done, `subject`
    the product that was talked of last. `said` names the last answer and `repeats` how often
    it was given in a row. `question` is what the customer asked last that was understood, in
    their own words.
    """

    misses: int = 0
    missed_at: int | None = None
    turns: int = 0
    topic: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    offered: tuple[str, ...] = ()
    flow: Mapping[str, Any] | None = None
    last: str | None = None
    subject: str | None = None
    said: str | None = None
    repeats: int = 0
    question: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """How the team that would take over stands: what the customer may be promised (H1.4).

    `opens_at` is when people work again, in ms since the epoch, while it is closed; `waiting`
    are the conversations in the queue before this one. `due` is until when a letter that comes
    now is answered (ms), by the severity of its ticket.
    """

    open: bool
    agents_online: int = 0
    waiting: int = 0
    opens_at: int | None = None
    due: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who asks (H6.1): `key` customers go to people first; `tickets` counts all they had.

    `verified` says that somebody vouches for who they are.
    """

    name: str = ""
    verified: bool = False
    key: bool = False
    tickets: int = 0
    open_tickets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One consideration by the bot: a customer message in its conversation.

    `payload` is the pressed button's payload (`/intent`, `/article/slug`) when the message was
    a button; `language` is the contact's known language or None when the bot is to detect it.
    `sender` identifies the conversation towards actions. `channel` is the channel kind. `now` is
    when the message came, in ms since the epoch. `recogniser` names the one that the inbox
    chose; "" is the built-in one. A `letter` has a `subject`, and is answered as one: with
    what stands for itself, or by people.
    """

    conversation_id: str
    sender: str
    channel: str
    text: str
    payload: str | None = None
    language: Language | None = None
    lines: tuple[Line, ...] = ()
    state: BotState = BotState()
    now: int = 0
    desk: Desk | None = None
    customer: Customer | None = None
    recogniser: str = ""
    letter: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A quick reply under a bot message."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotMessage:
    """One outgoing bot message; `article` is the slug of its source (H1.5).

    `worded` says that a language model put it into words.
    """

    text: str
    choices: tuple[Choice, ...] = ()
    article: str | None = None
    worded: bool = False


class HandoffReason(StrEnum):
    """Why the bot gives a conversation to people; each ends in a ticket and a holding reply."""

    WISH = "wish"
    LOW_CONFIDENCE = "low_confidence"
    TURN_CAP = "turn_cap"
    COMPLAINT = "complaint"
    ACTION = "action"
    ERROR = "error"
    TIMEOUT = "timeout"
    ATTACHMENT = "attachment"
    LOOP = "loop"
    ANGER = "anger"
    KEY_CUSTOMER = "key_customer"
    TOPIC = "topic"
    TICKET = "ticket"
    CALL_BACK = "call_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What the recogniser made of the text; stored with the turn for tracing.

    `confidence` is calibrated: the share of right answers among turns with that figure. `found`
    are the values with their places, `entities` the first of each kind. `note` says why another
    recogniser than the chosen one answered.
    """

    intent: str | None
    confidence: float
    ranking: tuple[tuple[str, float], ...] = ()
    entities: Mapping[str, str] = field(default_factory=dict)
    found: tuple[Found, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleFeedback:
    """What the customer says of an answer: whether the article of that slug helped."""

    slug: str
    helped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer with these messages, in order; none where a letter needs no answer.

    `feedback` is what the customer's message said of an earlier answer.
    """

    messages: tuple[BotMessage, ...]
    state: BotState
    language: Language
    catalogue_version: str
    understanding: Understanding
    feedback: ArticleFeedback | None = None


class Mood(StrEnum):
    """How the customer sounds."""

    CALM = "calm"
    ANNOYED = "annoyed"
    ANGRY = "angry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What the agent should know before the first word (H2.6), as data.

    `asked` and `tried` are the last lines of customer and bot, `answers` the questions of a
    diagnosis with their answers, `call_back` when and where to call if that was agreed.
    """

    topic: str | None
    asked: tuple[str, ...]
    tried: tuple[str, ...]
    collected: Mapping[str, str]
    answers: tuple[tuple[str, str], ...]
    mood: Mood
    language: Language
    customer: Customer | None = None
    call_back: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """Give the conversation to people; `messages` is the holding reply the customer sees.

    `summary` is `card` in words: what was asked, what was tried and what was collected;
    `subject` is what it is about on one line, "" when nothing but the last message tells; `kind`
    and `severity` are suggestions for the ticket (values of the gateway's ticket kinds and
    severities, H2.1 and H2.2).
    """

    reason: HandoffReason
    messages: tuple[BotMessage, ...]
    summary: str
    kind: str
    severity: str
    state: BotState
    language: Language
    catalogue_version: str
    understanding: Understanding
    card: Card | None = None
    subject: str = ""


Decision = Reply | Handoff


class ActionContext(Protocol):
    """What actions may ask of the gateway.

    Methods are coroutines, since the answer comes from the store.
    """

    async def find_contact(self, *, conversation_id: str) -> Mapping[str, str] | None:
        """The conversation's contact, None when there is no such conversation.

        Keys of the mapping: `name`, `email`, `phone`, `company`, each "" when not known.
        """
        ...

    async def mail_code(self, *, conversation_id: str, code: str, language: Language) -> bool:
        """Mail a code to the address on file; False without mail set up or an address known."""
        ...

    async def change_contact(self, *, conversation_id: str, field: str, value: str) -> None:
        """Write `email` or `phone` of the contact, who has proved to be who they are."""
        ...

    async def find_ticket(self, *, conversation_id: str, number: str) -> Mapping[str, str] | None:
        """The ticket with that number if it belongs to the same contact, else None.

        Keys of the mapping: `number`, `status`, `subject`, `updated_at` (ISO 8601, UTC).
        """
        ...


class Bot(Protocol):
    """Takes turns. Implemented by `bot.engine.CatalogueBot`."""

    @property
    def catalogue_version(self) -> str:
        """The version of the catalogue that answers now."""
        ...

    async def respond(self, turn: Turn) -> Decision:
        """Decide on one turn.

        Raises:
            BotError: nothing could be decided; the caller hands over with reason ERROR.
        """
        ...

    def holding_reply(self, reason: HandoffReason, turn: Turn) -> BotMessage:
        """What the customer is told when the gateway itself hands a turn over."""
        ...

    def greeting(self, language: Language) -> BotMessage:
        """The first words on a channel that can greet, with quick replies (H1.3)."""
        ...
