"""Measures a recogniser on sentences that it has not learnt.

The figures are plain values: an editor draws them, and a publishing gate compares them with an
earlier version's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.contract import Understanding
from bot.recognise import OUT_OF_SCOPE, Recogniser
from bot.training import Row, catalogue_rows
from intents.model import Catalogue

_BINS = 10
_CURVE_STEPS = 20
_TOLD_EVERY = 500


class Recognising(Protocol):
    """What is measured: `bot.recognise.Recogniser`, or another one."""

    def recognise(self, text: str) -> Understanding:
        """The likeliest intents of a text."""
        ...

    def threshold(self, text: str) -> float:
        """The confidence from which the text counts as recognised."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A sentence that was recognised as something else."""

    text: str
    language: str
    expected: str
    recognised: str | None
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageFigures:
    """Counts of one language's checks.

    `right` of `total` sentences of real intents had their intent first, `accepted` of them at
    or above the threshold, `wrong` were given another intent at or above it. `refused` of
    `foreign` sentences out of scope were not taken for a real intent at or above it.
    """

    total: int
    right: int
    accepted: int
    wrong: int
    foreign: int
    refused: int

    @property
    def accuracy(self) -> float:
        """Share of right intents, 0 to 1; 1 when there is nothing to check."""
        return self.right / self.total if self.total else 1.0

    @property
    def rejection(self) -> float:
        """Share of out-of-scope sentences that were refused; 1 when there are none."""
        return self.refused / self.foreign if self.foreign else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the held-out checks say about a model."""

    catalogue_version: str
    threshold: float
    languages: dict[str, LanguageFigures]
    confusions: tuple[Confusion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentFigures:
    """One intent: `right` of its `total` sentences; `taken` sentences were given it in all."""

    intent: str
    total: int
    right: int
    taken: int

    @property
    def recall(self) -> float:
        """Share of its sentences that were recognised, 0 to 1; 1 when it has none."""
        return self.right / self.total if self.total else 1.0

    @property
    def precision(self) -> float:
        """Share of the sentences given it that are its own, 0 to 1; 1 when there are none."""
        return self.right / self.taken if self.taken else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Sentences whose confidence lies from `low` to below `high` (1 belongs to the last).

    `confidence` is their mean; `right` the share that it promises, 0 to 1. Out-of-scope
    sentences count as right when recognised as such.
    """

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """What a threshold would do, as shares from 0 to 1.

    `answered` of the sentences of real intents reach it, `right` of them with the right
    intent; `refused` of those out of scope do not, and `precision` of all that do not reach it
    are out of scope.
    """

    threshold: float
    answered: float
    right: float
    refused: float
    precision: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A recogniser's figures on labelled sentences.

    Args:
        total: sentences of real intents.
        foreign: sentences out of scope.
        accuracy: share of `total` with the right intent first, whatever the confidence; None
            without any.
        threshold: the mean of the thresholds that training chose.
        at_threshold: what these do.
        auroc: chance that a sentence of a real intent has a higher confidence than one out of
            scope, 0 to 1; None unless there are both.
        intents: by name.
        confusions: the sentences with another intent first, as they came.
        bins: calibration, ten of equal width, empty ones left out.
        curve: what other thresholds would do, rising.
        p50_ms: half of the sentences took at most this many milliseconds.
        p99_ms: 99 of 100 did.
    """

    total: int
    foreign: int
    accuracy: float | None
    threshold: float
    at_threshold: CurvePoint
    auroc: float | None
    intents: tuple[IntentFigures, ...]
    confusions: tuple[Confusion, ...]
    bins: tuple[Bin, ...]
    curve: tuple[CurvePoint, ...]
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """A sentence with what was made of it."""

    row: Row
    seen: Understanding
    threshold: float
    ms: float

    @property
    def foreign(self) -> bool:
        return self.row.intent == OUT_OF_SCOPE

    @property
    def right(self) -> bool:
        return self.seen.intent == self.row.intent

    @property
    def sure(self) -> float:
        """How sure it is that the sentence is about a real intent."""
        return 0.0 if self.seen.intent in {None, OUT_OF_SCOPE} else self.seen.confidence


def measure(
    recogniser: Recognising, rows: Sequence[Row], progress: Callable[[str], None] | None = None
) -> Evaluation:
    """Measure a recogniser on labelled sentences, at the thresholds that training chose.

    Args:
        recogniser: a model that has not learnt them.
        rows: at least one sentence; intent `out_of_scope` must be refused.
        progress: is told how far it is.
    """
    answers = []
    for number, row in enumerate(rows):
        if progress is not None and number and number % _TOLD_EVERY == 0:
            progress(f"recognised {number} of {len(rows)}")
        begun = time.perf_counter()
        seen = recogniser.recognise(row.text)
        ms = (time.perf_counter() - begun) * 1000
        answers.append(
            _Answer(row=row, seen=seen, threshold=recogniser.threshold(row.text), ms=ms)
        )
    own = [answer for answer in answers if not answer.foreign]
    foreign = [answer for answer in answers if answer.foreign]
    spent = sorted(answer.ms for answer in answers)
    threshold = sum(answer.threshold for answer in answers) / len(answers)
    steps = [step / _CURVE_STEPS for step in range(_CURVE_STEPS + 1)]
    return Evaluation(
        total=len(own),
        foreign=len(foreign),
        accuracy=_share(sum(answer.right for answer in own), len(own)) if own else None,
        threshold=threshold,
        at_threshold=_point(answers, None, threshold),
        auroc=_auroc([a.sure for a in own], [a.sure for a in foreign]),
        intents=_by_intent(answers),
        confusions=tuple(
            _confusion(answer.row, answer.seen) for answer in answers if not answer.right
        ),
        bins=tuple(_bins(answers)),
        curve=tuple(_point(answers, step, step) for step in steps),
        p50_ms=spent[(len(spent) - 1) // 2],
        p99_ms=spent[(len(spent) - 1) * 99 // 100],
    )


def evaluate(catalogue: Catalogue, recogniser: Recogniser, *, threshold: float = 0.5) -> Report:
    """Measure a model on the catalogue's checks.

    Args:
        catalogue: whose `checks` are recognised; none of them are trained on.
        recogniser: the model.
        threshold: the confidence from which the bot answers without asking back, 0 to 1.
    """
    rows = catalogue_rows(catalogue, checks=True)
    figures: dict[str, Counter[str]] = {row.language: Counter() for row in rows}
    confusions = []
    for row in rows:
        found = recogniser.recognise(row.text)
        figures[row.language].update(_outcome(row, found.intent, found.confidence >= threshold))
        if found.intent != row.intent:
            confusions.append(_confusion(row, found))
    names = LanguageFigures.__dataclass_fields__
    return Report(
        catalogue_version=catalogue.version,
        threshold=threshold,
        languages={
            language: LanguageFigures(**{name: counts[name] for name in names})
            for language, counts in figures.items()
        },
        confusions=tuple(confusions),
    )


def _outcome(row: Row, intent: str | None, sure: bool) -> Iterator[str]:
    """The names of the figures that a check adds one to."""
    if row.intent == OUT_OF_SCOPE:
        yield "foreign"
        if not sure or intent in {None, OUT_OF_SCOPE}:
            yield "refused"
        return
    yield "total"
    if intent == row.intent:
        yield "right"
    if sure and intent != OUT_OF_SCOPE:
        yield "accepted" if intent == row.intent else "wrong"


def _confusion(row: Row, seen: Understanding) -> Confusion:
    return Confusion(
        text=row.text,
        language=row.language,
        expected=row.intent,
        recognised=seen.intent,
        confidence=seen.confidence,
    )


def _point(answers: Sequence[_Answer], step: float | None, told: float) -> CurvePoint:
    """What a threshold does; None stands for each answer's own, and `told` is shown."""
    counts: Counter[str] = Counter()
    for answer in answers:
        answered = answer.sure > 0 and answer.sure >= (answer.threshold if step is None else step)
        kind = "foreign" if answer.foreign else "own"
        counts[kind] += 1
        counts[f"{kind} answered"] += answered
        counts["right"] += answered and answer.right
    refused = counts["foreign"] - counts["foreign answered"]
    silent = refused + counts["own"] - counts["own answered"]
    return CurvePoint(
        threshold=told,
        answered=_share(counts["own answered"], counts["own"]),
        right=_share(counts["right"], counts["own"]),
        refused=_share(refused, counts["foreign"]),
        precision=_share(refused, silent),
    )


def _share(part: int, whole: int) -> float:
    """A share from 0 to 1; 1 of nothing, since nothing went wrong."""
    return part / whole if whole else 1.0


def _auroc(own: Sequence[float], foreign: Sequence[float]) -> float | None:
    """The area under the curve by ranks; equal values count half."""
    if not own or not foreign:
        return None
    ranked = sorted([*((value, True) for value in own), *((value, False) for value in foreign)])
    total, start = 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        total += (start + end + 1) / 2 * sum(mine for _, mine in ranked[start:end])
        start = end
    return (total - len(own) * (len(own) + 1) / 2) / (len(own) * len(foreign))


def _by_intent(answers: Sequence[_Answer]) -> tuple[IntentFigures, ...]:
    total = Counter(answer.row.intent for answer in answers)
    taken = Counter(answer.seen.intent for answer in answers if answer.seen.intent is not None)
    right = Counter(answer.row.intent for answer in answers if answer.right)
    return tuple(
        IntentFigures(intent=name, total=total[name], right=right[name], taken=taken[name])
        for name in sorted({*total, *taken})
    )


def _bins(answers: Sequence[_Answer]) -> Iterator[Bin]:
    for place in range(_BINS):
        low, high = place / _BINS, (place + 1) / _BINS
        held = [a for a in answers if min(int(a.seen.confidence * _BINS), _BINS - 1) == place]
        if held:
            yield Bin(
                low=low,
                high=high,
                count=len(held),
                confidence=sum(answer.seen.confidence for answer in held) / len(held),
                right=sum(answer.right for answer in held) / len(held),
            )
