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
from bot.postings import Floats, Integers
from bot.recognise import (
    OUT_OF_SCOPE,
    Evidence,
    Model,
    Parts,
    Recogniser,
    Vectors,
    model_path,
    write_parts,
)
from intents.model import Catalogue

_SEED = 20260
_FOLDS = 4
_FOREIGN_FOLDS = 3
_REGULARISATION = 10.0
_RARITY = 0.8
_ROUNDS = 300
_FOREIGN_SHARE = 0.2
_EVEN_ODDS = (0.0,) * 5


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


def train(catalogue: Catalogue, folder: Path) -> Path:
    """Train the recogniser and write its file; equal catalogues give equal models.

    A language is left out when it has examples of fewer than two intents.

    Returns:
        The file, `model-<catalogue version>.npz` in `folder`.

    Raises:
        BotError: no language has examples of two intents.
    """
    rows = _rows(catalogue, checks=False)
    parts = {}
    for language in sorted({row.language for row in rows}):
        own = [row for row in rows if row.language == language]
        if len({row.intent for row in own}) >= 2:
            parts[language] = replace(fit(own), judge=_fit_judge(own))
    if not parts:
        message = "the catalogue needs examples of at least two intents to train from"
        raise BotError(message)
    path = model_path(folder, catalogue.version)
    write_parts(catalogue.version, parts, path)
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


def fit(rows: Sequence[Row]) -> Parts:
    """Fit the linear model to the rows; its judge is still undecided (0.5 for everything)."""
    features = [text_features(row.text) for row in rows]
    vocabulary, vectors = _vectors(features)
    intents = tuple(dict.fromkeys(row.intent for row in rows))
    owners = np.array([intents.index(row.intent) for row in rows], dtype=np.int32)
    matrix = _matrix(features, vectors, len(vocabulary))
    weights, bias = _regression(matrix, owners, len(intents))
    columns = matrix.tocsc()
    return Parts(
        intents=intents,
        vocabulary=vocabulary,
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


def _vectors(features: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], Vectors]:
    holders = Counter(feature for found in features for feature in dict.fromkeys(found))
    count = len(features)
    idf = [(math.log((1 + count) / (1 + n)) + 1) ** _RARITY for n in holders.values()]
    vocabulary = tuple(holders)
    rare = (math.log(1 + count) + 1) ** _RARITY
    return vocabulary, Vectors(vocabulary, np.array(idf, dtype=np.float32), rare)


def _matrix(features: Sequence[Sequence[str]], vectors: Vectors, width: int) -> Any:
    from scipy.sparse import csr_matrix

    columns: list[Integers] = []
    values: list[Floats] = []
    for found in features:
        positions, shares, _ = vectors.vector(found)
        columns.append(positions)
        values.append(shares)
    starts = np.cumsum([0, *(len(positions) for positions in columns)])
    return csr_matrix(
        (np.concatenate(values), np.concatenate(columns), starts), shape=(len(features), width)
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


def _fit_judge(rows: Sequence[Row]) -> tuple[float, ...]:
    """Fit the judge on examples that each fold's model had not seen.

    One half of the lessons leaves single examples out; the other leaves whole intents out, so
    that the judge meets sentences whose right answer does not exist. Those weigh as a share
    of `_FOREIGN_SHARE` of all.
    """
    known = list(_lessons(rows, _folds_by_example(rows)))
    foreign = list(_lessons(rows, _folds_by_intent(rows)))
    right = np.array([right for _, right in (*known, *foreign)], dtype=np.int32)
    if len(set(right.tolist())) < 2:
        return _EVEN_ODDS
    table = np.array([evidence.values() for evidence, _ in (*known, *foreign)])
    weight = np.ones(len(table))
    weight[len(known) :] = (
        len(known) / max(len(foreign), 1) * _FOREIGN_SHARE / (1 - _FOREIGN_SHARE)
    )
    return _logistic(table, right, weight)


def _logistic(table: Any, right: Any, weight: Any) -> tuple[float, ...]:
    """The constant and the weights of a logistic regression without negative weights.

    More evidence must never make the judge less sure, so an input that would is left out.
    """
    from sklearn.linear_model import LogisticRegression

    scale = table.std(axis=0) + 1e-6
    kept = list(range(table.shape[1]))
    weights = [0.0] * table.shape[1]
    constant = math.log(max(right.mean(), 1e-3) / max(1 - right.mean(), 1e-3))
    while kept:
        model = LogisticRegression(C=1.0, max_iter=_ROUNDS)
        model.fit(table[:, kept] / scale[kept], right, sample_weight=weight)
        found = model.coef_[0]
        worst = int(np.argmin(found))
        if found[worst] >= 0:
            constant = float(model.intercept_[0])
            for place, value in zip(kept, found / scale[kept], strict=True):
                weights[place] = float(value)
            break
        del kept[worst]
    return (constant, *weights)


def _lessons(rows: Sequence[Row], folds: Sequence[int]) -> Iterator[tuple[Evidence, int]]:
    """Evidence of every row from a model that was trained without its fold, and if it was right.

    When its intent was left out altogether, `out_of_scope` is the right answer.
    """
    for fold in sorted(set(folds)):
        learnt = [row for row, other in zip(rows, folds, strict=True) if other != fold]
        if len({row.intent for row in learnt}) < 2:
            continue
        model = Model(fit(learnt))
        for row, other in zip(rows, folds, strict=True):
            if other == fold and (found := model.weigh(row.text)) is not None:
                best = model.intents[int(np.argmax(found.scores))]
                wanted = row.intent if row.intent in model.intents else OUT_OF_SCOPE
                yield found.evidence, int(best == wanted)


def _folds_by_example(rows: Sequence[Row]) -> list[int]:
    """A fold for each row; an intent's examples are spread over all folds."""
    seen: Counter[str] = Counter()
    folds = [0] * len(rows)
    for place in _shuffled(len(rows)):
        intent = rows[place].intent
        folds[place] = seen[intent] % _FOLDS
        seen[intent] += 1
    return folds


def _folds_by_intent(rows: Sequence[Row]) -> list[int]:
    """A fold for each row; all of an intent's examples share one."""
    intents = list(dict.fromkeys(row.intent for row in rows))
    fold = {intents[place]: n % _FOREIGN_FOLDS for n, place in enumerate(_shuffled(len(intents)))}
    return [fold[row.intent] for row in rows]


def _shuffled(count: int) -> list[int]:
    order: NDArray[np.int64] = np.random.default_rng(_SEED).permutation(count)
    return [int(place) for place in order]
