"""The catalogue as values: what editors write and the bot is trained from.

Pure data. `intents.loading` reads it from Rasa 3 training files and Markdown articles;
`intents.validation` judges it; `bot` is trained from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Language(StrEnum):
    """A language that customers write and read in (BCP 47)."""

    ZH_HANS = "zh-Hans"
    ZH_HANT = "zh-Hant"
    EN = "en"

    @property
    def training(self) -> str:
        """The language whose utterances and articles serve it: `zh` or `en`."""
        return "en" if self is Language.EN else "zh"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitySpan:
    """An annotated part of an utterance (Rasa: `[text]{"entity": …}`)."""

    entity: str
    start: int
    end: int
    value: str
    role: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One example sentence of an intent."""

    text: str
    language: str  # "zh" or "en"
    entities: tuple[EntitySpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a customer may want, with its examples and held-out checks.

    `name` is Rasa's intent name; a retrieval intent carries its key (`faq/refund`).
    """

    name: str
    utterances: tuple[Utterance, ...]
    checks: tuple[Utterance, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A quick reply: `title` is shown, `payload` (Rasa: `/intent`) is sent."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseVariant:
    """One wording of a response.

    `language` is `zh` or `en` (in the files: a Rasa `condition`-free variant with
    `metadata: {language: zh}`); `channel` limits it to a channel kind.
    """

    text: str
    language: str
    buttons: tuple[Button, ...] = ()
    channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """After an intent, do these steps in order (`utter_…` responses or `action_…` actions)."""

    name: str
    intent: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A value that the conversation remembers; `entities` fill it (Rasa: `from_entity`)."""

    name: str
    type: str
    entities: tuple[str, ...] = ()
    initial_value: str | bool | float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A knowledge-base article in one language (H1.5).

    `slug` is shared by its translations. `questions` are the ways customers ask for it.
    `body` is Markdown without the front matter.
    """

    slug: str
    language: str  # "zh" or "en"
    title: str
    category: str
    body: str
    questions: tuple[str, ...] = ()
    audience: str = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything that the bot knows, as one immutable version.

    `version` is a hash of the source files' content: equal content, equal version.
    `responses` maps `utter_…` to its variants. `session_minutes` is how long a silence may
    last before slots are forgotten (Rasa: `session_expiration_time`; 0 means for ever).
    """

    version: str
    intents: tuple[Intent, ...]
    responses: dict[str, tuple[ResponseVariant, ...]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    actions: tuple[str, ...] = ()
    articles: tuple[Article, ...] = ()
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    entities: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()
    session_minutes: int = 60
