"""What the test box answers."""

from __future__ import annotations

from typing import Literal

from gateway.http.catalogue_answers import LikeSentence
from gateway.http.fields import Output


class RankedIntent(Output):
    """A likely intent with the examples that speak for it; `words` are shared."""

    intent: str
    title: str
    confidence: float
    reasons: list[LikeSentence]
    words: list[str]


class FoundEntity(Output):
    """A value found in the text."""

    entity: str
    value: str


class TrialArticle(Output):
    """An article that may answer."""

    slug: str
    title: str
    passage: str
    score: float


class TrialChoice(Output):
    """A quick reply."""

    title: str
    payload: str


class TrialMessage(Output):
    """What the customer would see."""

    text: str
    choices: list[TrialChoice]
    article: str | None


class TrialTicket(Output):
    """The ticket that a hand-off would open."""

    kind: str
    severity: str
    summary: str


class TrialResult(Output):
    """The whole turn; nothing was written.

    `source` and `version` tell what answered: a draft that is not `trained` cannot, and then
    it is the published version.
    """

    source: Literal["draft", "published"]
    version: int | None
    trained: bool
    language: str
    ranking: list[RankedIntent]
    entities: list[FoundEntity]
    articles: list[TrialArticle]
    decision: Literal["reply", "handoff"]
    reason: str
    messages: list[TrialMessage]
    ticket: TrialTicket | None
    ms: float
