"""Requests of the editor: bodies and queries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from gateway.domain.catalogue import ReviewOutcome
from gateway.http.catalogue_bodies import IntentName, Sentence, ShortText, TrainingLanguage
from gateway.http.fields import Id, Input, Line, Name, Query, StaffLanguage
from gateway.http.fields import _one_line as one_line
from intents.documents import Kind
from intents.sources import SOURCE_KINDS

DocumentName = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(one_line)
]
Revision = Annotated[int, Field(ge=0, le=2**53)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
WordyKind = Annotated[Kind, BeforeValidator(Kind)]


def _sourced(kind: Kind) -> Kind:
    if kind not in SOURCE_KINDS:
        raise ValueError(f"has no source; it must be one of {', '.join(SOURCE_KINDS)}")
    return kind


SourceKind = Annotated[WordyKind, AfterValidator(_sourced)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class Nothing(Input):
    """No fields."""


class DocumentQuery(Query):
    """Which document."""

    kind: Kind
    name: DocumentName


class RemoveQuery(DocumentQuery):
    """Which document, as it was seen."""

    revision: Revision


class DocumentListQuery(Query):
    """Which documents: of a kind, with these words in name or sentences."""

    kind: Kind | None = None
    q: Line = ""


class DocumentInput(Input):
    """A document as it shall be; `revision` as it was seen, null for a new one.

    `body` has the fields of the kind's own body: `IntentBody`, `ResponseBody` and so on.
    """

    kind: WordyKind
    name: DocumentName
    body: dict[str, Any]
    revision: Revision | None = None


class ContentInput(Input):
    """A document as it stands in an editor; `body` as in `DocumentInput`."""

    kind: WordyKind
    name: DocumentName
    body: dict[str, Any]


class SourcedContentInput(ContentInput):
    """The same, of a kind that has a source."""

    kind: SourceKind


class SourceInput(Input):
    """The Rasa YAML of one document."""

    kind: SourceKind
    name: DocumentName
    text: Annotated[str, StringConstraints(max_length=2_000_000)]


class RevertInput(Input):
    """Which document shall be as it is published again."""

    kind: WordyKind
    name: DocumentName
    revision: Revision | None = None


class RenameInput(Input):
    """A new name for an intent, in everything that names it."""

    name: IntentName
    new_name: IntentName
    revision: Revision


class PasteInput(Input):
    """Sentences, one a line, in Rasa's notation; `check` makes them held-out checks.

    Without a language each line counts as it reads. With `dry_run` nothing is changed.
    """

    intent: IntentName
    text: Annotated[str, StringConstraints(max_length=500_000)]
    language: TrainingLanguage | None = None
    check: bool = False
    revision: Revision
    dry_run: bool = False


class CheckInput(Input):
    """How the draft is evaluated: `folds` of cross-validation, 0 for held-out checks alone."""

    folds: Annotated[int, Field(ge=0, le=10)] = 5


class PublishInput(Input):
    """Why; `override` publishes against the gate and needs a reason."""

    reason: Reason = ""
    override: bool = False


class GateInput(Input):
    """How far figures may fall before publishing is refused; shares from 0 to 1."""

    accuracy_drop: Share
    recall_drop: Share
    refusal_drop: Share
    recall_floor: Share
    run_tests: bool


class CollisionInput(Input):
    """A sentence under work, and the intent it is written for (none yet: null)."""

    text: Sentence
    intent: IntentName | None = None


class TrialInput(Input):
    """A customer's words in the test box; `earlier` are what the customer said before."""

    text: Annotated[str, StringConstraints(max_length=10_000)]
    language: StaffLanguage | None = None
    channel: Annotated[str, StringConstraints(pattern=r"^\w{1,40}$")] = "webchat"
    source: Literal["draft", "published"] = "draft"
    earlier: Annotated[
        list[Annotated[str, StringConstraints(max_length=10_000)]],
        Field(max_length=20, default_factory=list),
    ]


class ChangesQuery(Query):
    """Two states to compare: numbers of versions, or `draft`."""

    before: Annotated[str, StringConstraints(pattern=r"^(draft|\d{1,9})$")]
    after: Annotated[str, StringConstraints(pattern=r"^(draft|\d{1,9})$")] = "draft"


class ExportQuery(Query):
    """Format, and which state: a version's number or `draft`."""

    format: Literal["zip", "csv", "xlsx"] = "zip"
    version: Annotated[str, StringConstraints(pattern=r"^(draft|\d{1,9})$")] = "draft"


class CatalogueImportQuery(Query):
    """The file's name, whose ending tells its format: .zip, .csv or .xlsx."""

    name: Name


class FiguresQuery(Query):
    """How many days up to now."""

    days: Annotated[int, Field(ge=1, le=366)] = 30


class ReviewQuery(Query):
    """How many days back, and how many groups at most."""

    days: Annotated[int, Field(ge=1, le=366)] = 30
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ReviewedSentence(Input):
    """A customer's message; `text` replaces its words where they need an edit."""

    message_id: Id
    text: Sentence | None = None


class ResolveInput(Input):
    """What becomes of sentences: `utterance` and `check` need the intent and its revision."""

    sentences: Annotated[list[ReviewedSentence], Field(min_length=1, max_length=500)]
    outcome: Annotated[ReviewOutcome, BeforeValidator(ReviewOutcome)]
    intent: IntentName | None = None
    revision: Revision | None = None


class ArticleDraftInput(Input):
    """Customers' messages whose questions shall become an article.

    `language` is the one in which the draft tells staff where it comes from.
    """

    message_ids: Annotated[list[Id], Field(min_length=1, max_length=500)]
    language: StaffLanguage = "en"


class FileInput(Input):
    """A message for the editors, with a word on why."""

    message_id: Id
    note: ShortText = ""


class ExpectationInput(Input):
    """What the bot should have made of the customer's message with that `seq`."""

    seq: Annotated[int, Field(ge=1)]
    intent: IntentName | None = None
    decision: Literal["reply", "handoff"] = "reply"
    article: ShortText | None = None


class TestInput(Input):
    """A conversation to keep as a test; `expected` corrects what went wrong in it."""

    conversation_id: Id
    name: Name
    expected: Annotated[list[ExpectationInput], Field(max_length=100, default_factory=list)]


class ReplayInput(Input):
    """Which tests (all when empty) against which state: a version's number or `draft`."""

    version: Annotated[str, StringConstraints(pattern=r"^(draft|\d{1,9})$")] = "draft"
    tests: Annotated[list[Id], Field(max_length=500, default_factory=list)]
