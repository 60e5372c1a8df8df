"""The heads that vote on an intent, fitted to a table of examples; used in training only.

A `Table` holds the examples of one language, sorted by intent. `Heads` are fitted to some rows
of it and tell, for texts they have not seen, what each head says: the signals that
`bot.learning.fuse` weighs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.cues import cues
from bot.encoder import Encoder
from bot.learning import ridge_regression, softmax_regression
from bot.postings import Floats, Integers
from bot.recognise import OUT_OF_SCOPE, Vectors, spellings
from bot.speller import Speller, learn_syllables

REGRESSION = "regression"
LEAST_SQUARES = "least squares"
CENTRES = "centres"
RARITY = "rarity"
NEAREST = "nearest"
MEANING = "meaning"
MEANING_NEAREST = "meaning nearest"

_NAME_BREAK = re.compile(r"[\W_]+")
_HUMP = re.compile("(?<=[a-z])(?=[A-Z])")
# How far a cue's rarity counts: the powers of its rarity among examples and among intents.
_FLATTENED = (0.4, 0.4)
_FLATTENED_FOR_FEW = (0.0, 1.0)
# Stems, concepts and sorts tell more than the many pieces of their words.
_KINDS = {"s": 1.5, "b": 1.2, "n": 1.5, "k": 1.2}
_SCALE = np.float32(10)  # brings cosines and least squares to the size of log-odds
_STRENGTH = 30.0
_STRENGTH_FOR_MANY = 10.0  # label noise and near neighbours weigh more among many examples
_MEANING_STRENGTH = 30.0
_ROUNDS = 25
_ROUNDS_FOR_MANY = 16
_MANY = 7000
_CHUNK = 500
_FEW = 2500


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Examples of one language, sorted by intent.

    `owners` are places in `intents`; `points` the encoder's vectors or None. The name of an
    intent (`card_arrival`) is the last of its examples, as `named` tells: learnt from, but
    nothing that a customer says.
    """

    texts: tuple[str, ...]
    cues: tuple[tuple[str, ...], ...]
    intents: tuple[str, ...]
    owners: Integers
    named: NDArray[np.bool_]
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
            named=self.named[rows],
            points=None if self.points is None else self.points[rows],
        )


def read_table(texts: Sequence[str], intents: Sequence[str], encoder: Encoder | None) -> Table:
    """Return the table of texts with their intents; equal ones of an intent are kept once.

    What an intent is called tells what it is about: with 10 examples each that brought 1.0
    points (Banking77), elsewhere 0 to 0.7.
    """
    said = dict.fromkeys(zip(intents, texts, strict=True))
    names = tuple(dict.fromkeys(intents))
    called = {(name, words): None for name in names if (words := _in_words(name))}
    places = {name: place for place, name in enumerate(names)}
    pairs = [(*pair, False) for pair in said] + [
        (*pair, True) for pair in called if pair not in said
    ]
    ordered = sorted(pairs, key=lambda pair: places[pair[0]])
    found = tuple(text for _, text, _ in ordered)
    return Table(
        texts=found,
        cues=tuple(tuple(cues(text)) for text in found),
        intents=names,
        owners=np.array([places[intent] for intent, _, _ in ordered], dtype=np.int32),
        named=np.array([is_name for _, _, is_name in ordered]),
        points=None if encoder is None else encoder.encode(found),
    )


def _in_words(name: str) -> str:
    """An intent's name as words: `card_arrival` and `CardArrival` are `card arrival`."""
    if name == OUT_OF_SCOPE:
        return ""
    return " ".join(_NAME_BREAK.sub(" ", _HUMP.sub(" ", name)).split())


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
        self.vocabulary, self.spelt, self.vectors = _learn_vocabulary(table, few)
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


def _learn_vocabulary(table: Table, few: bool) -> tuple[tuple[str, ...], tuple[str, ...], Vectors]:
    """The cues worth a place, the rarer words that are known to be right, and the vectors.

    What few intents hold tells more than what few examples hold, the more so when there are few
    examples: beside the inverse document frequency alone that brought up to 1.5 points.
    """
    places: dict[str, int] = {}
    found = [
        [places.setdefault(cue, len(places)) for cue in dict.fromkeys(own)] for own in table.cues
    ]
    owners = np.repeat(table.owners, [len(own) for own in found])
    holders, breadth = _spread_of(np.concatenate(found), owners, len(table.intents))
    weights = np.array([_KINDS.get(cue[0], 1.0) for cue in places])
    rare = 1.0
    powers = _FLATTENED_FOR_FEW if few else _FLATTENED
    totals = len(table.texts), len(table.intents)
    for holding, total, power in zip((holders, breadth), totals, powers, strict=True):
        weights *= (np.log((1 + total) / (1 + holding)) + 1) ** power
        rare *= (math.log(1 + total) + 1) ** power
    ranked = np.argsort(-holders, kind="stable")
    names = list(places)
    kept = ranked[holders[ranked] >= (1 if few else 2)]
    vocabulary = tuple(names[place] for place in kept)
    spelt = tuple(spellings([names[place] for place in ranked[len(kept) :]], ()))
    return vocabulary, spelt, Vectors(vocabulary, weights[kept].astype(np.float32), rare)


def _spread_of(
    cues_held: NDArray[Any], owners: Integers, intents: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """How many examples hold each cue, and over how many intents it is spread.

    An intent counts as far as it holds its share, by the exponential of the entropy: 1 for a
    single intent, 2 for two that share a cue evenly.
    """
    pairs, counts = np.unique(cues_held.astype(np.int64) * intents + owners, return_counts=True)
    holders = np.bincount(cues_held)
    inner = np.bincount(pairs // intents, weights=counts * np.log(counts))
    return holders, np.exp(np.log(holders) - inner / holders)


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
