"""The catalogue as values: what editors write and the bot is trained from.

Pure data. `intents.loading` reads it from Rasa 3 training files and Markdown articles;
`intents.validation` judges it; `bot` is trained from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


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
class SlotCondition:
    """Holds while a slot has a value; `value` None means: while it has none.

    `any_value` means that every value but none will do (Rasa: `slot_was_set: [- name]`).
    """

    slot: str
    value: Any = None
    any_value: bool = False

    def holds(self, slots: Mapping[str, Any]) -> bool:
        """Whether it holds for these slots."""
        found = slots.get(self.slot)
        return found is not None if self.any_value else found == self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseVariant:
    """One wording of a response.

    `language` is `zh` or `en` (in the files: `metadata: {language: zh}`, else as the text
    reads); `channel` limits it to a channel kind; all `conditions` must hold. `image` is an
    address that is sent with the text, `custom` is data that programs may read.
    """

    text: str
    language: str
    buttons: tuple[Button, ...] = ()
    channel: str | None = None
    conditions: tuple[SlotCondition, ...] = ()
    image: str | None = None
    custom: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """After an intent, do these steps in order.

    Steps are `utter_…` responses, `action_…` actions and forms. All `conditions` must hold.
    With `loop` the rule answers within that form only, which then goes on; without an
    `intent` it tells what follows when that form is filled. With `after` it answers only where
    that was the last step before (Rasa: a story). With `starts` it opens a conversation.
    """

    name: str
    intent: str | None
    steps: tuple[str, ...]
    conditions: tuple[SlotCondition, ...] = ()
    loop: str | None = None
    after: str | None = None
    starts: bool = False


class Source(StrEnum):
    """Where a slot's value comes from; values are Rasa's mapping types."""

    ENTITY = "from_entity"
    TEXT = "from_text"
    INTENT = "from_intent"
    TRIGGER_INTENT = "from_trigger_intent"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotMapping:
    """One way to fill a slot.

    `entity`, `role` and `group` say which entity, `value` what an intent sets, `action` which
    action sets it (custom). It applies to the `intents` (all when empty) but not to the
    `not_intents`, and only within the `loops`: pairs of a form (None: no form) and the slot
    that the form asked for (None: any); everywhere when there are none.
    """

    source: Source
    entity: str | None = None
    role: str | None = None
    group: str | None = None
    value: Any = None
    action: str | None = None
    intents: tuple[str, ...] = ()
    not_intents: tuple[str, ...] = ()
    loops: tuple[tuple[str | None, str | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A value that the conversation remembers.

    `values` are the allowed ones of a categorical slot, `lowest` and `highest` the bounds of a
    float slot.
    """

    name: str
    type: str
    mappings: tuple[SlotMapping, ...] = ()
    initial_value: Any = None
    influences: bool = False
    values: tuple[Any, ...] = ()
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Slots that are asked for one after another (`utter_ask_<form>_<slot>`, `utter_ask_<slot>`).

    Messages of the `ignored_intents` fill nothing. Of the `required` slots those that are
    `optional` may be skipped by the customer.
    """

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    ignored_intents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeChoice:
    """An answer to a tree's question: titles and further words by language, and where it leads."""

    title: Mapping[str, str]
    to: str
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Outcome(StrEnum):
    """How a tree may end: something to try, a ticket, or a mere answer."""

    FIX = "fix"
    TICKET = "ticket"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    """A question with choices, a question for a date, or an outcome (H1.6, H1.7).

    A date question leads to `within` when the date lies at most `years` back, to `beyond`
    otherwise. A `fix` asks whether it helped and goes on at `otherwise` when it did not; `kind`
    and `severity` are those of the ticket.
    """

    id: str
    text: Mapping[str, str]
    choices: tuple[TreeChoice, ...] = ()
    years: int | None = None
    within: str | None = None
    beyond: str | None = None
    outcome: Outcome | None = None
    otherwise: str | None = None
    article: str | None = None
    kind: str = "consultation"
    severity: str = "general"

    def targets(self) -> tuple[str, ...]:
        """The nodes that may follow."""
        found = (*(c.to for c in self.choices), self.within, self.beyond, self.otherwise)
        return tuple(target for target in found if target is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A guided diagnosis (H1.6): started by its `intents`, from the node `start`."""

    name: str
    title: Mapping[str, str]
    start: str
    nodes: Mapping[str, TreeNode]
    intents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFirst:
    """Who goes to people before the bot tries: topics by intent, key customers, angry ones.

    `anger` are words, by language, that show anger beside those the product knows.
    """

    intents: tuple[str, ...] = ()
    key_customers: bool = True
    angry: bool = True
    anger: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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
class Note:
    """Something in the files that is allowed and has no effect here."""

    place: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything that the bot knows, as one immutable version.

    `version` is a hash of the source files' content: equal content, equal version.
    `responses` maps `utter_…` to its variants. `session_minutes` is how long a silence may
    last before slots are forgotten (Rasa: `session_expiration_time`; 0 means for ever). `notes`
    name what was read but has no effect here.
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
    forms: tuple[Form, ...] = ()
    trees: tuple[Tree, ...] = ()
    people_first: PeopleFirst = PeopleFirst()
    session_minutes: int = 60
    notes: tuple[Note, ...] = ()

    def intent_names(self) -> set[str]:
        """Intents, and the groups of retrieval intents: rules and buttons may name either."""
        names = {intent.name for intent in self.intents}
        return names | {name.partition("/")[0] for name in names}
