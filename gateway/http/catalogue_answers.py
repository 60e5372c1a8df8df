"""What the editor's endpoints answer."""

from __future__ import annotations

from typing import Any, Literal

from gateway.domain.catalogue import JobKind, JobState
from gateway.domain.gate import GateRule
from gateway.http.answers import Reference
from gateway.http.catalogue_bodies import AnyBody
from gateway.http.fields import Output, When
from intents.documents import Kind

DocumentState = Literal["same", "changed", "new"]


class CatalogueDocument(Output):
    """A document of the draft; `state` against the published version."""

    kind: Kind
    name: str
    body: AnyBody
    revision: int
    editor: Reference | None
    changed_at: When
    state: DocumentState


class Reverted(Output):
    """The document as it is published; null when it was not, and was removed."""

    document: CatalogueDocument | None


class DocumentRow(Output):
    """A document in a list."""

    kind: Kind
    name: str
    revision: int
    changed_at: When
    state: DocumentState
    errors: int
    warnings: int


class DocumentRows(Output):
    """Documents without their bodies."""

    items: list[DocumentRow]


class SentenceCounts(Output):
    """Sentences by language."""

    zh: int
    en: int


class IntentRow(Output):
    """An intent in the list; `hits` are its turns of the last 30 days.

    `matches` are sentences that hold the words searched for.
    """

    name: str
    group: str
    description: str
    title: str
    utterances: SentenceCounts
    checks: SentenceCounts
    hits: int
    revision: int
    changed_at: When
    state: DocumentState
    errors: int
    warnings: int
    matches: list[str]


class IntentRows(Output):
    """The intents of the draft, in its order."""

    items: list[IntentRow]


class CatalogueFinding(Output):
    """A mistake in the draft: where, what, and what to do.

    `at` is the place within the document (a JSON pointer, "" for all of it); `words` say
    message and remedy in other languages.
    """

    severity: Literal["error", "warning", "note"]
    kind: Kind | None
    name: str | None
    place: str
    message: str
    remedy: str
    at: str
    words: dict[Literal["zh-Hans", "zh-Hant"], str]


class DocumentSource(Output):
    """A document as Rasa YAML."""

    text: str


class DocumentContent(Output):
    """What a source comes to."""

    body: AnyBody


class NamedCount(Output):
    """How many marks have a role or a group."""

    name: str
    count: int


class EntityUse(Output):
    """An entity: how many words of sentences are marked as it, and what else knows it."""

    name: str
    marks: int
    roles: list[NamedCount]
    groups: list[NamedCount]
    examples: list[str]
    slots: list[str]
    patterns: int
    words: int


class EntityUseList(Output):
    """In the order of the catalogue."""

    items: list[EntityUse]


class FindingList(Output):
    """Errors first."""

    items: list[CatalogueFinding]


class GateMargins(Output):
    """How far figures may fall; shares from 0 to 1."""

    accuracy_drop: float
    recall_drop: float
    refusal_drop: float
    recall_floor: float
    run_tests: bool


class FigureSummary(Output):
    """A version's main figures; null where nothing was measured."""

    accuracy: float | None
    refused: float | None
    total: int
    foreign: int


class CatalogueVersion(Output):
    """A published version; `restored` is the number of the older one that it repeats."""

    number: int
    hash: str
    author: Reference | None
    reason: str
    created_at: When
    restored: int | None
    overridden: bool
    published: bool
    figures: FigureSummary | None


class VersionList(Output):
    """Newest first."""

    items: list[CatalogueVersion]


class CurvePoint(Output):
    """What a threshold does; shares from 0 to 1."""

    threshold: float
    answered: float
    right: float
    refused: float
    precision: float


class CalibrationBin(Output):
    """Sentences of one range of confidence, and the share of them that was right."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


class IntentFigures(Output):
    """One intent's figures: `right` of `total`; `taken` sentences were given it."""

    intent: str
    total: int
    right: int
    taken: int
    precision: float
    recall: float
    f1: float


class LikeSentence(Output):
    """An example that a sentence is like; `similarity` from 0 to 1."""

    text: str
    intent: str
    language: str
    similarity: float


class Failure(Output):
    """A sentence that was not recognised; `new` when the published version recognises it.

    `nearest` is the example of the wrong intent that is most like it.
    """

    text: str
    language: str
    expected: str
    recognised: str | None
    confidence: float
    new: bool
    nearest: LikeSentence | None


class EvaluationFigures(Output):
    """A model's figures on sentences that it had not learnt.

    `refused` is the share of out-of-scope sentences that were refused at the threshold.
    """

    total: int
    foreign: int
    accuracy: float | None
    refused: float | None
    threshold: float
    auroc: float | None
    at_threshold: CurvePoint
    intents: list[IntentFigures]
    failures: list[Failure]
    bins: list[CalibrationBin]
    curve: list[CurvePoint]
    p50_ms: float
    p99_ms: float
    known: list[str]


class RemovedCheck(Output):
    """A held-out sentence that the published version has and the draft has no more."""

    intent: str
    text: str
    language: str


class CheckReport(Output):
    """The draft and the published version on the draft's held-out checks.

    `cross` are the figures of cross-validation over the draft's utterances.
    """

    hash: str
    revision: int | None
    draft: EvaluationFigures | None
    published: EvaluationFigures | None
    cross: EvaluationFigures | None
    removed_checks: list[RemovedCheck]
    seconds: float


class Difference(Output):
    """A turn of a saved conversation that went otherwise than expected."""

    step: int
    said: str
    field: str
    expected: str | None
    found: str | None


class TestResult(Output):
    """How a saved conversation went; `texts` are the bot's words at each step."""

    id: str
    name: str
    passed: bool
    differences: list[Difference]
    texts: list[list[str]]


class GateRefusal(Output):
    """A reason against publishing; `limit` is the least that would have passed."""

    rule: GateRule
    intent: str | None
    before: float | None
    after: float | None
    limit: float | None
    sentences: list[Failure]
    tests: list[TestResult]
    findings: list[CatalogueFinding]


class JobResult(Output):
    """What came of a job, as far as its kind has it."""

    report: CheckReport | None
    refusals: list[GateRefusal]
    tests: list[TestResult]
    findings: list[CatalogueFinding]
    version: int | None
    intents: int | None


class CatalogueJob(Output):
    """Long work. `done` from 0 to 1; `step` what is being done now, in English.

    `refused`: the gate, or mistakes in the file; `result` tells why. `restores` is the number
    of the version that shall be published again.
    """

    id: str
    kind: JobKind
    state: JobState
    actor: Reference | None
    step: str
    done: float
    created_at: When
    started_at: When | None
    finished_at: When | None
    error: str
    restores: int | None
    result: JobResult | None


class JobList(Output):
    """Newest first, without results."""

    items: list[CatalogueJob]


class FolderOffer(Output):
    """The catalogue folder changed since it was read; `POST /catalogue/offer` imports it."""

    folder: str
    version: str


class CatalogueStatus(Output):
    """How the draft stands.

    `trained` tells whether a model of the draft's examples exists, `changes` how many
    documents differ from the published version. `job` is what runs or waits.
    """

    revision: int
    hash: str
    trained: bool
    changes: int
    errors: int
    warnings: int
    published: CatalogueVersion
    serving: str
    offer: FolderOffer | None
    gate: GateMargins
    job: CatalogueJob | None


class DocumentChange(Output):
    """What differs in one document; sentences and wordings apart from the rest."""

    kind: Kind
    name: str
    change: Literal["added", "removed", "changed"]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    added: list[str]
    removed: list[str]


class ChangeList(Output):
    """The differences between two states."""

    items: list[DocumentChange]


class PastedLine(Output):
    """A line of a paste; `intent` is the other intent that has the sentence already."""

    line: int
    text: str
    intent: str | None
    message: str


class PasteResult(Output):
    """What became of each line; `document` is null when nothing was changed."""

    added: list[PastedLine]
    duplicates: list[PastedLine]
    clashes: list[PastedLine]
    wrong: list[PastedLine]
    document: CatalogueDocument | None


class Recognised(Output):
    """What a model makes of a sentence now; `version` null: of the draft."""

    version: int | None
    intent: str | None
    confidence: float


class CollisionList(Output):
    """Examples and checks of other intents that are like the sentence, most alike first.

    `own` are those of the same intent.
    """

    items: list[LikeSentence]
    own: list[LikeSentence]
    recognised: list[Recognised]
    ms: float
