"""The heads that vote on an intent, fitted to a table of examples; used in training only.

A `Table` holds the examples of one language, sorted by intent. `Heads` are fitted to some rows
of it and tell, for texts they have not seen, what each head says: the signals that
`bot.learning.fuse` weighs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.cues import cues
from bot.encoder import Encoder
from bot.learning import ridge_regression, softmax_regression
from bot.postings import Floats, Integers
from bot.recognise import Vectors, spellings
from bot.speller import Speller, learn_syllables

REGRESSION = "regression"
LEAST_SQUARES = "least squares"
CENTRES = "centres"
RARITY = "rarity"
NEAREST = "nearest"
MEANING = "meaning"
MEANING_NEAREST = "meaning nearest"

_FLATTENED = 0.8  # how far a cue's rarity counts: the power of its inverse document frequency
_KINDS = {"s": 1.5, "b": 1.2}  # stems tell more than the many pieces of their words
_SCALE = np.float32(10)  # brings cosines and least squares to the size of log-odds
_STRENGTH = 30.0
_STRENGTH_FOR_MANY = 10.0  # label noise and near neighbours weigh more among many examples
_MEANING_STRENGTH = 30.0
_STRENGTH_FOR_MANY = 10.0  # label noise and near neighbours weigh more among many examples
_ROUNDS = 25
_ROUNDS_FOR_MANY = 16
_MANY = 7000
_CHUNK = 500
_FEW = 2500


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Examples of one language, sorted by intent.

    `owners` are places in `intents`; `points` the encoder's vectors or None.
    """

    texts: tuple[str, ...]
    cues: tuple[tuple[str, ...], ...]
    intents: tuple[str, ...]
    owners: Integers
    points: Floats | None

    @property
    def few(self) -> bool:
        """Whether there are so few examples that the heads can afford more."""
        return len(self.texts) <= _FEW

    def subset(self, rows: NDArray[Any]) -> Table:
        """The table of some rows, with the intents that are left."""
        kept, owners = np.unique(self.owners[rows], return_inverse=True)
        return Table(
            texts=tuple(self.texts[row] for row in rows),
            cues=tuple(self.cues[row] for row in rows),
            intents=tuple(self.intents[place] for place in kept),
            owners=owners.astype(np.int32),
            points=None if self.points is None else self.points[rows],
        )


def read_table(texts: Sequence[str], intents: Sequence[str], encoder: Encoder | None) -> Table:
    """Return the table of texts with their intents; equal ones of an intent are kept once."""
    pairs = dict.fromkeys(zip(intents, texts, strict=True))
    names = tuple(dict.fromkeys(intents))
    places = {name: place for place, name in enumerate(names)}
    ordered = sorted(pairs, key=lambda pair: places[pair[0]])
    found = tuple(text for _, text in ordered)
    return Table(
        texts=found,
        cues=tuple(tuple(cues(text)) for text in found),
        intents=names,
        owners=np.array([places[intent] for intent, _ in ordered], dtype=np.int32),
        points=None if encoder is None else encoder.encode(found),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What the heads say of some texts.

    `votes` is by text, intent and head; `fitness` by text and intent; `nearest`, `known` and
    `meaning` are the evidence of each text.
    """

    votes: NDArray[Any]
    fitness: NDArray[Any]
    nearest: NDArray[Any]
    known: NDArray[Any]
    meaning: NDArray[Any]


class Heads:
    """Heads fitted to a table.

    Args:
        table: the examples; at least two intents.
        few: whether the whole table, of which this may be a part, is so small that least
            squares is quick and rare cues are worth a place.
    """

    def __init__(self, table: Table, *, few: bool) -> None:
        self.table = table
        self.vocabulary, self.spelt, self.vectors = _learn_vocabulary(table.cues, 1 if few else 2)
        self._speller = Speller(spellings(self.vocabulary, self.spelt), learn_syllables())
        self.matrix, _ = _matrix(self.vectors, len(self.vocabulary), table.cues)
        count = len(table.intents)
        targets: Floats = np.eye(count, dtype=np.float32)[table.owners]
        rounds = _ROUNDS if len(table.texts) <= _MANY else _ROUNDS_FOR_MANY
        strength = _STRENGTH if few else _STRENGTH_FOR_MANY
        weights, self.bias = softmax_regression(
            self.matrix, targets, strength=strength, rounds=rounds
        )
        self.linear = {REGRESSION: weights}
        if few:
            self.linear[LEAST_SQUARES] = _SCALE * ridge_regression(self.matrix, targets)
        self.linear[CENTRES] = _SCALE * _centres(self.matrix, targets)
        self.rarity: Floats = -np.log(targets.sum(axis=0) + 1)
        self._starts = np.searchsorted(table.owners, np.arange(count))
        self.pull: Floats = np.zeros((0, count), np.float32)
        self.pull_bias: Floats = np.zeros(count, np.float32)
        if table.points is not None:
            self.pull, self.pull_bias = softmax_regression(
                table.points, targets, strength=_MEANING_STRENGTH, rounds=rounds
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The heads in the order of the votes."""
        own = (*self.linear, RARITY, NEAREST)
        return own if self.table.points is None else (*own, MEANING, MEANING_NEAREST)

    def ask(self, texts: Sequence[str], points: Floats | None) -> Signals:
        """What the heads say of texts with these vectors by the encoder."""
        found = [cues(text, self._speller) for text in texts]
        matrix, known = _matrix(self.vectors, len(self.vocabulary), found)
        count = len(self.table.intents)
        votes = [matrix @ weights for weights in self.linear.values()]
        votes[0] = votes[0] + self.bias
        votes.append(np.tile(self.rarity, (len(texts), 1)))
        nearest = self._by_intent(matrix, self.matrix.T.tocsr())
        votes.append(_SCALE * nearest)
        closeness = np.zeros((len(texts), count), np.float32)
        if points is not None and self.table.points is not None:
            closeness = self._by_intent(points, self.table.points.T)
            votes += [points @ self.pull + self.pull_bias, _SCALE * closeness]
        fitness = np.zeros((len(texts), count), np.float32)
        if LEAST_SQUARES in self.linear:
            fitness = matrix @ self.linear[LEAST_SQUARES] / _SCALE
        return Signals(
            votes=np.stack(votes, axis=-1),
            fitness=fitness,
            nearest=nearest.max(axis=1),
            known=known,
            meaning=closeness.max(axis=1),
        )

    def _by_intent(self, asked: Any, examples: Any) -> Floats:
        """For each text the cosine to the nearest example of each intent."""
        found = []
        for start in range(0, asked.shape[0], _CHUNK):
            likeness = asked[start : start + _CHUNK] @ examples
            dense = likeness.toarray() if hasattr(likeness, "toarray") else likeness
            found.append(np.maximum.reduceat(dense, self._starts, axis=1))
        return np.concatenate(found).astype(np.float32)

    def merged(self, fusion: Sequence[float]) -> dict[str, Any]:
        """The arrays and votes of a model whose heads weigh as `fusion` tells."""
        share = dict(zip(self.names, fusion, strict=True))
        weights = np.zeros_like(self.linear[REGRESSION])
        for name, own in self.linear.items():
            weights += np.float32(share[name]) * own
        bias = share[REGRESSION] * self.bias + share[RARITY] * self.rarity
        pull = np.zeros((0, len(self.bias)), np.float32)
        points = np.zeros((0, 0), np.float32)
        by_meaning = share.get(MEANING, 0.0), share.get(MEANING_NEAREST, 0.0)
        if any(by_meaning) and self.table.points is not None:
            pull = by_meaning[0] * self.pull
            bias = bias + by_meaning[0] * self.pull_bias
            points = self.table.points
        columns = self.matrix.tocsc()
        return {
            "weights": weights,
            "bias": bias.astype(np.float32),
            "nearest": float(_SCALE * share[NEAREST]),
            "meaning": float(_SCALE * by_meaning[1]),
            "postings": columns.indptr.astype(np.int32),
            "holders": columns.indices.astype(np.int32),
            "shares": columns.data.astype(np.float32),
            "points": points.astype(np.float32),
            "pull": pull.astype(np.float32),
            "fitness": self.linear.get(LEAST_SQUARES, np.zeros((0, 0), np.float32)) / _SCALE,
        }


def _learn_vocabulary(
    found: Sequence[Sequence[str]], least: int
) -> tuple[tuple[str, ...], tuple[str, ...], Vectors]:
    """The cues worth a place, the rarer words that are known to be right, and the vectors."""
    holders = Counter(cue for own in found for cue in dict.fromkeys(own))
    count = len(found)
    ranked = holders.most_common()
    vocabulary = tuple(cue for cue, holding in ranked if holding >= least)
    spelt = tuple(spellings([cue for cue, holding in ranked if holding < least], ()))
    rarity = [
        (math.log((1 + count) / (1 + holders[cue])) + 1) ** _FLATTENED * _KINDS.get(cue[0], 1.0)
        for cue in vocabulary
    ]
    rare = (math.log(1 + count) + 1) ** _FLATTENED
    return vocabulary, spelt, Vectors(vocabulary, np.array(rarity, dtype=np.float32), rare)


def _matrix(
    vectors: Vectors, width: int, found: Iterable[Sequence[str]]
) -> tuple[Any, NDArray[Any]]:
    """One row for each text, and the known share of each."""
    from scipy.sparse import csr_matrix

    columns: list[Integers] = []
    values: list[Floats] = []
    known = []
    for own in found:
        positions, shares, knowing = vectors.vector(own)
        columns.append(positions)
        values.append(shares)
        known.append(knowing)
    starts = np.cumsum([0, *(len(positions) for positions in columns)])
    matrix = csr_matrix(
        (np.concatenate(values), np.concatenate(columns), starts), shape=(len(known), width)
    )
    return matrix, np.array(known)


def _centres(matrix: Any, targets: Floats) -> Floats:
    """The mean vector of each intent's examples, at length 1."""
    sums = matrix.T @ targets
    lengths = np.linalg.norm(sums, axis=0, keepdims=True)
    centres: Floats = np.asarray(sums / np.maximum(lengths, 1e-9), dtype=np.float32)
    return centres
