"""What the endpoints of the review answer."""

from __future__ import annotations

from gateway.http.catalogue_answers import CatalogueDocument, LikeSentence
from gateway.http.fields import Output, When


class ReviewSentence(Output):
    """A customer's message in review."""

    message_id: str
    conversation_id: str
    text: str
    language: str
    intent: str | None
    confidence: float
    reasons: list[str]
    note: str | None
    at: When


class ReviewCluster(Output):
    """Sentences that are alike. `reasons` counts why they are here.

    `likely` are examples of the draft that they are like.
    """

    text: str
    language: str
    count: int
    reasons: dict[str, int]
    likely: list[LikeSentence]
    sentences: list[ReviewSentence]


class ReviewQueue(Output):
    """Largest first; `total` sentences in all groups."""

    items: list[ReviewCluster]
    total: int


class ResolveResult(Output):
    """How many sentences were dealt with, and the intent's document when it changed."""

    resolved: int
    document: CatalogueDocument | None


class Evidence(Output):
    """A conversation that a person solved: the question, and what the agent answered."""

    conversation_id: str
    message_id: str
    question: str
    answer: str
    agent: str
    at: When


class KnownArticle(Output):
    """A published article that may answer already."""

    id: str
    title: str


class FaqSuggestion(Output):
    """A question that people answered, with the answer that fits it best.

    `message_ids` are all of the questions, `evidence` shows some of them; `known` is a published
    article that is about the same.
    """

    question: str
    language: str
    answer: str
    count: int
    message_ids: list[str]
    evidence: list[Evidence]
    known: KnownArticle | None


class DraftedArticle(Output):
    """The article that was drafted; `worded` says that a language model put it into words."""

    article_id: str
    slug: str
    language: str
    worded: bool
    conversations: int


class FaqSuggestions(Output):
    """Most asked first."""

    items: list[FaqSuggestion]


class TestStep(Output):
    """A customer's words and what is expected of the bot."""

    text: str
    payload: str | None
    intent: str | None
    decision: str
    article: str | None


class RegressionTest(Output):
    """A conversation kept as a test; mail addresses and telephone numbers are replaced."""

    id: str
    name: str
    language: str
    channel: str
    conversation_id: str | None
    created_at: When
    steps: list[TestStep]


class TestList(Output):
    """Oldest first."""

    items: list[RegressionTest]


class IntentUse(Output):
    """What happened to an intent's turns; null: nothing was recognised."""

    intent: str | None
    hits: int
    handed_off: int
    helped: int
    not_helped: int
    false_answers: int


class DayUse(Output):
    """A day. `deflection` is the share of conversations that the bot dealt with alone."""

    day: str
    turns: int
    handed_off: int
    conversations: int
    bot_only: int
    with_people: int
    deflection: float | None
    bot_messages: int
    agent_messages: int


class CatalogueFigures(Output):
    """Bot and people apart, by intent and by day."""

    intents: list[IntentUse]
    days: list[DayUse]
    deflection: float | None
