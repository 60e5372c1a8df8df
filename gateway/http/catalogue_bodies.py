"""What documents of the catalogue may hold, as the editor sends them; checked at the edge.

The bodies mirror `intents.model`; what they mean is judged by `intents.validation`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gateway.http.fields import Input, Text
from intents.documents import Kind

TrainingLanguage = Literal["zh", "en"]
_MOST_SENTENCES = 20_000


def _sentence(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise ValueError("must be one line")
    return text


Sentence = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    AfterValidator(_sentence),
]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
IntentName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(/[A-Za-z0-9_]+)?$", max_length=100),
]
ShortText = Annotated[str, StringConstraints(max_length=1000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class SpanBody(Input):
    """An annotated part of a sentence; `start` and `end` count characters."""

    entity: Key
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=1)]
    value: ShortText
    role: Key | None = None
    group: Key | None = None


class UtteranceBody(Input):
    """A sentence of an intent."""

    text: Sentence
    language: TrainingLanguage
    entities: Annotated[list[SpanBody], Field(max_length=50, default_factory=list)]

    @model_validator(mode="after")
    def _spans_lie_within(self) -> UtteranceBody:
        end = 0
        for span in sorted(self.entities, key=lambda each: (each.start, each.end)):
            if span.end > len(self.text) or span.start >= span.end:
                raise ValueError(
                    f"the span {span.start}–{span.end} does not lie within the sentence"
                )
            if span.start < end:
                raise ValueError("two spans overlap; mark them again")
            end = span.end
        return self


class IntentBody(Input):
    """Examples and held-out checks; group and description are for editors."""

    group: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    description: ShortText = ""
    utterances: Annotated[
        list[UtteranceBody], Field(max_length=_MOST_SENTENCES, default_factory=list)
    ]
    checks: Annotated[list[UtteranceBody], Field(max_length=_MOST_SENTENCES, default_factory=list)]


class ButtonBody(Input):
    """A quick reply."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    payload: Annotated[str, StringConstraints(pattern=r"^/\S+$", max_length=300)]


class ConditionBody(Input):
    """Holds while a slot has a value."""

    slot: Key
    value: Any = None
    any_value: bool = False


class VariantBody(Input):
    """One wording of a response; `channel` limits it to a kind of channel."""

    text: Text
    language: TrainingLanguage
    buttons: Annotated[list[ButtonBody], Field(max_length=20, default_factory=list)]
    channel: Key | None = None
    conditions: Annotated[list[ConditionBody], Field(max_length=20, default_factory=list)]
    image: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2000)] | None = (
        None
    )
    custom: dict[str, Any] | None = None


class ResponseBody(Input):
    """The wordings of a response."""

    variants: Annotated[list[VariantBody], Field(max_length=100)]


class RuleBody(Input):
    """After an intent, these steps; see `intents.model.Rule`."""

    intent: IntentName | None
    steps: Annotated[list[ShortText], Field(max_length=50)]
    conditions: Annotated[list[ConditionBody], Field(max_length=20, default_factory=list)]
    loop: Key | None = None
    after: ShortText | None = None
    starts: bool = False


class FormBody(Input):
    """Slots that are asked for one after another; `optional` ones may be skipped."""

    required: Annotated[list[Key], Field(max_length=50)]
    optional: Annotated[list[Key], Field(max_length=50, default_factory=list)]
    ignored_intents: Annotated[list[IntentName], Field(max_length=200, default_factory=list)]


class MappingBody(Input):
    """One way to fill a slot; `loops` are pairs of form and requested slot."""

    source: Literal["from_entity", "from_text", "from_intent", "from_trigger_intent", "custom"]
    entity: Key | None = None
    role: Key | None = None
    group: Key | None = None
    value: Any = None
    action: Key | None = None
    intents: Annotated[list[IntentName], Field(default_factory=list)]
    not_intents: Annotated[list[IntentName], Field(default_factory=list)]
    loops: Annotated[
        list[Annotated[list[Key | None], Field(min_length=2, max_length=2)]],
        Field(default_factory=list),
    ]


class SlotBody(Input):
    """A value that the conversation remembers."""

    type: Literal["text", "bool", "categorical", "float", "list", "any"]
    mappings: Annotated[list[MappingBody], Field(max_length=50, default_factory=list)]
    initial_value: Any = None
    influences: bool = False
    values: Annotated[list[Any], Field(max_length=500, default_factory=list)]
    lowest: Number | None = None
    highest: Number | None = None


class ChoiceBody(Input):
    """An answer to a tree's question; `to` may be empty in a draft."""

    title: dict[TrainingLanguage, ShortText]
    to: Key | Literal[""]
    words: Annotated[dict[TrainingLanguage, list[ShortText]], Field(default_factory=dict)]


class NodeBody(Input):
    """A question or an outcome; see `intents.model.TreeNode`."""

    id: Key
    text: dict[TrainingLanguage, ShortText]
    choices: Annotated[list[ChoiceBody], Field(max_length=20, default_factory=list)]
    years: Annotated[int, Field(ge=1, le=100)] | None = None
    within: Key | None = None
    beyond: Key | None = None
    outcome: Literal["fix", "ticket", "reply"] | None = None
    otherwise: Key | None = None
    article: ShortText | None = None
    kind: Key = "consultation"
    severity: Key = "general"


class TreeBody(Input):
    """A guided diagnosis; `nodes` by their id."""

    title: dict[TrainingLanguage, ShortText]
    start: Key
    nodes: Annotated[dict[Key, NodeBody], Field(max_length=500)]
    intents: Annotated[list[IntentName], Field(max_length=100, default_factory=list)]

    @model_validator(mode="after")
    def _nodes_bear_their_names(self) -> TreeBody:
        for name, node in self.nodes.items():
            if node.id != name:
                raise ValueError(f"the node {name!r} calls itself {node.id!r}")
        return self


class EntityBody(Input):
    """An entity has a name and nothing else."""


class WordsBody(Input):
    """Synonyms of the document's name, or the words of a lookup table."""

    words: Annotated[list[ShortText], Field(max_length=100_000)]


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return text


Pattern = Annotated[ShortText, AfterValidator(_pattern)]


class PatternsBody(Input):
    """Regular expressions of Python's `re`."""

    patterns: Annotated[
        list[Annotated[ShortText, AfterValidator(_pattern)]], Field(max_length=200)
    ]


class PeopleFirstBody(Input):
    """Who goes to people before the bot tries."""

    intents: Annotated[list[IntentName], Field(default_factory=list)]
    key_customers: bool = True
    angry: bool = True
    anger: Annotated[dict[TrainingLanguage, list[ShortText]], Field(default_factory=dict)]


class DialogueBody(Input):
    """What holds for the whole bot."""

    actions: Annotated[list[Key], Field(max_length=500, default_factory=list)]
    session_minutes: Annotated[int, Field(ge=0, le=100_000)] = 60
    people_first: Annotated[PeopleFirstBody, Field(default_factory=PeopleFirstBody)]


BODIES: dict[Kind, type[Input]] = {
    Kind.INTENT: IntentBody,
    Kind.RESPONSE: ResponseBody,
    Kind.RULE: RuleBody,
    Kind.FORM: FormBody,
    Kind.TREE: TreeBody,
    Kind.SLOT: SlotBody,
    Kind.ENTITY: EntityBody,
    Kind.SYNONYM: WordsBody,
    Kind.REGEX: PatternsBody,
    Kind.LOOKUP: WordsBody,
    Kind.DIALOGUE: DialogueBody,
}

AnyBody = (
    IntentBody
    | ResponseBody
    | RuleBody
    | FormBody
    | TreeBody
    | SlotBody
    | WordsBody
    | PatternsBody
    | DialogueBody
    | EntityBody
)
"""For the API's document; what is sent is held against the body of its kind."""
