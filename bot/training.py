"""Trains the recogniser from a catalogue and measures it on the held-out checks.

Only this module needs scikit-learn; a process that answers customers never imports it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.errors import BotError
from bot.features import text_features
from bot.recognise import (
    OUT_OF_SCOPE,
    Evidence,
    Floats,
    Integers,
    Parts,
    Recogniser,
    Vectors,
    write_parts,
)
from intents.model import Catalogue

_SEED = 20260
_FOLDS = 5
_REGULARISATION = 10.0
_RARITY = 0.8
_ROUNDS = 300
_FOREIGN_SHARE = 0.3
_EVEN_ODDS = (0.0,) * 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One example or check: a sentence and its intent."""

    text: str
    intent: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A check that was recognised as something else."""

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


def model_path(folder: Path, catalogue_version: str) -> Path:
    """Where the model of a catalogue version lies in `folder`."""
    return folder / f"model-{catalogue_version}.npz"


def train(catalogue: Catalogue, folder: Path) -> Path:
    """Train the recogniser and write its file; equal catalogues give equal models.

    Returns:
        The file, `model-<catalogue version>.npz` in `folder`.

    Raises:
        BotError: the catalogue has examples of fewer than two intents.
    """
    rows = _rows(catalogue, checks=False)
    if len({row.intent for row in rows}) < 2:
        message = "the catalogue needs examples of at least two intents to train from"
        raise BotError(message)
    parts = fit(rows, catalogue.version)
    parts = replace(parts, judge=_fit_judge(rows, catalogue.version))
    path = model_path(folder, catalogue.version)
    write_parts(parts, path)
    return path


def evaluate(catalogue: Catalogue, recogniser: Recogniser, *, threshold: float = 0.5) -> Report:
    """Measure a model on the catalogue's checks.

    Args:
        catalogue: whose `checks` are recognised; none of them are trained on.
        recogniser: the model.
        threshold: the confidence from which the bot answers without asking back, 0 to 1.
    """
    rows = _rows(catalogue, checks=True)
    figures: dict[str, Counter[str]] = {row.language: Counter() for row in rows}
    confusions = []
    for row in rows:
        found = recogniser.recognise(row.text)
        figures[row.language].update(_outcome(row, found.intent, found.confidence >= threshold))
        if found.intent != row.intent:
            confusions.append(
                Confusion(
                    text=row.text,
                    language=row.language,
                    expected=row.intent,
                    recognised=found.intent,
                    confidence=found.confidence,
                )
            )
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


def _rows(catalogue: Catalogue, *, checks: bool) -> list[Row]:
    return [
        Row(text=utterance.text, intent=intent.name, language=utterance.language)
        for intent in catalogue.intents
        for utterance in (intent.checks if checks else intent.utterances)
    ]


def fit(rows: Sequence[Row], version: str) -> Parts:
    """Fit the linear model to the rows; its judge is still undecided (0.5 for everything)."""
    features = [text_features(row.text) for row in rows]
    vectors = _vectors(features)
    intents = tuple(dict.fromkeys(row.intent for row in rows))
    owners = np.array([intents.index(row.intent) for row in rows], dtype=np.int32)
    matrix = _matrix(features, vectors)
    weights, bias = _regression(matrix, owners, len(intents))
    columns = matrix.tocsc()
    return Parts(
        version=version,
        intents=intents,
        vocabulary=tuple(vectors.index),
        rare=vectors.rare,
        judge=_EVEN_ODDS,
        idf=vectors.idf,
        weights=weights,
        bias=bias,
        postings=columns.indptr.astype(np.int32),
        holders=columns.indices.astype(np.int32),
        shares=columns.data.astype(np.float32),
        owners=owners,
    )


def _vectors(features: Sequence[Sequence[str]]) -> Vectors:
    holders = Counter(feature for found in features for feature in dict.fromkeys(found))
    count = len(features)
    idf = [(math.log((1 + count) / (1 + n)) + 1) ** _RARITY for n in holders.values()]
    return Vectors(
        index={feature: place for place, feature in enumerate(holders)},
        idf=np.array(idf, dtype=np.float32),
        rare=(math.log(1 + count) + 1) ** _RARITY,
    )


def _matrix(features: Sequence[Sequence[str]], vectors: Vectors) -> Any:
    from scipy.sparse import csr_matrix

    columns: list[Integers] = []
    values: list[Floats] = []
    for found in features:
        positions, shares, _ = vectors.vector(found)
        columns.append(positions)
        values.append(shares)
    starts = np.cumsum([0, *(len(positions) for positions in columns)])
    return csr_matrix(
        (np.concatenate(values), np.concatenate(columns), starts),
        shape=(len(features), len(vectors.index)),
    )


def _regression(matrix: Any, owners: Integers, intents: int) -> tuple[Floats, Floats]:
    """Weights by feature and intent, and the constants, of a multinomial regression."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=_REGULARISATION, max_iter=_ROUNDS, tol=1e-3)
    model.fit(matrix, owners)
    weights = model.coef_
    bias = model.intercept_
    if intents == 2:
        weights = np.concatenate([-weights, weights]) / 2
        bias = np.concatenate([-bias, bias]) / 2
    return (
        np.ascontiguousarray(weights.T, dtype=np.float32),
        np.ascontiguousarray(bias, dtype=np.float32),
    )


def _fit_judge(rows: Sequence[Row], version: str) -> tuple[float, ...]:
    """Fit the judge on examples that each fold's model had not seen.

    Half of the lessons leave single examples out; the other half leave whole intents out, so
    that the judge meets sentences whose right answer does not exist. Those weigh as a share
    of `_FOREIGN_SHARE` of all.
    """
    known = list(_lessons(rows, version, _folds_by_example(rows)))
    foreign = list(_lessons(rows, version, _folds_by_intent(rows)))
    lessons = [*known, *foreign]
    right = np.array([right for _, right in lessons], dtype=np.int32)
    if len(set(right.tolist())) < 2:
        return _EVEN_ODDS
    from sklearn.linear_model import LogisticRegression

    table = np.array([evidence.values() for evidence, _ in lessons])
    weight = np.ones(len(lessons))
    weight[len(known) :] = len(known) / max(len(foreign), 1) * _FOREIGN_SHARE
    weight[len(known) :] /= 1 - _FOREIGN_SHARE
    scale = table.std(axis=0) + 1e-6
    model = LogisticRegression(C=1.0, max_iter=_ROUNDS)
    model.fit(table / scale, right, sample_weight=weight)
    return (float(model.intercept_[0]), *(float(w) for w in model.coef_[0] / scale))


def _lessons(
    rows: Sequence[Row], version: str, folds: Sequence[int]
) -> Iterator[tuple[Evidence, int]]:
    for fold in sorted(set(folds)):
        learnt = [row for row, other in zip(rows, folds, strict=True) if other != fold]
        if len({row.intent for row in learnt}) < 2:
            continue
        model = Recogniser(fit(learnt, version))
        for row, other in zip(rows, folds, strict=True):
            if other == fold:
                scores, evidence = model.weigh(row.text)
                if evidence is not None:
                    best = model.intents[int(np.argmax(scores))]
                    wanted = row.intent if row.intent in model.intents else OUT_OF_SCOPE
                    yield evidence, int(best == wanted)


def _folds_by_example(rows: Sequence[Row]) -> list[int]:
    """A fold for each row; an intent's examples are spread over all folds."""
    shuffled = _shuffled(len(rows))
    seen: Counter[tuple[str, str]] = Counter()
    folds = [0] * len(rows)
    for place in shuffled:
        row = rows[place]
        folds[place] = seen[row.intent, row.language] % _FOLDS
        seen[row.intent, row.language] += 1
    return folds


def _folds_by_intent(rows: Sequence[Row]) -> list[int]:
    """A fold for each row; all of an intent's examples share one."""
    intents = list(dict.fromkeys(row.intent for row in rows))
    fold = {intents[place]: n % _FOLDS for n, place in enumerate(_shuffled(len(intents)))}
    return [fold[row.intent] for row in rows]


def _shuffled(count: int) -> list[int]:
    order: NDArray[np.int64] = np.random.default_rng(_SEED).permutation(count)
    return [int(place) for place in order]
