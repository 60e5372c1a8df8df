"""Recognises the intent of a text: a trained linear model that knows what it does not know.

Serving needs numpy alone. `bot.training` makes the file that `Recogniser.load` reads.

A text becomes a sparse TF-IDF vector of length 1. A linear model ranks the intents; how sure
it may be is then judged from the evidence (`Evidence`) by a small calibrated judge, fitted on
turns that the model had not seen, some of them about nothing it knows.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bot.contract import Understanding
from bot.errors import ModelMissingError
from bot.features import text_features

FORMAT = 1
OUT_OF_SCOPE = "out_of_scope"
_RANKED = 5

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the best intent: the judge's inputs, in this order.

    `odds` is the log-odds of the linear model's best intent, `margin` the distance of its score
    to the second, `similarity` the cosine to the most similar example of that intent, `nearest`
    the cosine to the most similar example of all, and `known` the share of the text's weight
    that the vocabulary knows.
    """

    odds: float
    margin: float
    similarity: float
    nearest: float
    known: float

    def values(self) -> list[float]:
        """The figures in the order of the judge's weights."""
        return [getattr(self, field.name) for field in fields(self)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Vocabulary and weights that turn features into a vector.

    `rare` is the weight of a feature that no example holds.
    """

    index: Mapping[str, int]
    idf: Floats
    rare: float

    def vector(self, features: Sequence[str]) -> tuple[Integers, Floats, float]:
        """Positions, values (length 1 together) and the known share of the weight."""
        places: list[int] = []
        counts: list[float] = []
        unknown = 0.0
        find = self.index.get
        for feature, count in Counter(features).items():
            place = find(feature)
            weight = 1.0 if count == 1 else 1.0 + math.log(count)
            if place is None:
                unknown += (weight * self.rare) ** 2
            else:
                places.append(place)
                counts.append(weight)
        positions = np.array(places, dtype=np.int32)
        values: Floats = np.array(counts, dtype=np.float32) * self.idf[positions]
        total = float(values @ values)
        if total == 0.0:
            return positions, values, 0.0
        return positions, values / np.float32(math.sqrt(total)), total / (total + unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a model file holds.

    `postings`, `holders` and `shares` are the examples by feature: feature `i` occurs in
    examples `holders[postings[i]:postings[i + 1]]` with those `shares` of their vectors.
    """

    version: str
    intents: tuple[str, ...]
    vocabulary: tuple[str, ...]
    rare: float
    judge: tuple[float, ...]
    idf: Floats
    weights: Floats
    bias: Floats
    postings: Integers
    holders: Integers
    shares: Floats
    owners: Integers


class Recogniser:
    """Ranks intents for a text; immutable, safe to share between threads."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._vectors = Vectors(
            index={feature: place for place, feature in enumerate(parts.vocabulary)},
            idf=parts.idf,
            rare=parts.rare,
        )

    @property
    def catalogue_version(self) -> str:
        """The version of the catalogue that the model was trained from."""
        return self._parts.version

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents that it can tell apart."""
        return self._parts.intents

    @classmethod
    def load(cls, path: Path) -> Recogniser:
        """Read a model file.

        Raises:
            ModelMissingError: there is no such file, or it is not a model of this format.
        """
        return cls(read_parts(path))

    def recognise(self, text: str) -> Understanding:
        """Return the likeliest intents of `text`, best first, with a calibrated confidence.

        A text without anything known has no intent and confidence 0. `out_of_scope` is an
        intent like others when the catalogue has examples of it.
        """
        parts = self._parts
        scores, evidence = self.weigh(text)
        if evidence is None:
            return Understanding(intent=None, confidence=0.0)
        order = np.argsort(-scores, kind="stable")[:_RANKED]
        shares = np.exp(scores - scores[order[0]])
        shares /= shares.sum()
        confidence = judge(parts.judge, evidence)
        best = float(shares[order[0]])
        ranking = [(parts.intents[order[0]], round(confidence, 4))]
        for place in order[1:]:
            share = float(shares[place])
            figure = min(share / best * confidence, 1.0 - confidence, share)
            ranking.append((parts.intents[place], round(max(figure, 0.0), 4)))
        return Understanding(
            intent=ranking[0][0], confidence=ranking[0][1], ranking=tuple(ranking)
        )

    def weigh(self, text: str) -> tuple[Floats, Evidence | None]:
        """Scores of all intents, and the evidence; None when nothing in the text is known."""
        parts = self._parts
        positions, values, known = self._vectors.vector(text_features(text))
        scores: Floats = values @ parts.weights[positions] + parts.bias
        if not len(positions):
            return scores, None
        return scores, gather(scores, self._similarities(positions, values), known)

    def _similarities(self, positions: Integers, values: Floats) -> Floats:
        """Cosine to the most similar example of each intent."""
        parts = self._parts
        starts = parts.postings[positions]
        lengths = parts.postings[positions + 1] - starts
        ends = np.cumsum(lengths)
        picks = np.arange(ends[-1]) + np.repeat(starts - ends + lengths, lengths)
        gained = np.repeat(values, lengths) * parts.shares[picks]
        by_example = np.bincount(
            parts.holders[picks], weights=gained, minlength=len(parts.owners)
        )
        best = np.zeros(len(parts.intents), dtype=np.float32)
        np.maximum.at(best, parts.owners, by_example.astype(np.float32))
        return best


def gather(scores: Floats, similarities: Floats, known: float) -> Evidence:
    """Return what speaks for the intent with the best score."""
    best = int(np.argmax(scores))
    others = np.delete(scores, best)
    if not len(others):
        return Evidence(8.0, 8.0, float(similarities[best]), float(similarities.max()), known)
    second = float(others.max())
    rest = second + math.log(float(np.exp(others - second).sum()))
    top = float(scores[best])
    return Evidence(
        odds=max(-8.0, min(8.0, top - rest)),
        margin=min(8.0, top - second),
        similarity=float(similarities[best]),
        nearest=float(similarities.max()),
        known=known,
    )


def judge(weights: Sequence[float], evidence: Evidence) -> float:
    """The chance, 0 to 1, that the best intent is right; `weights` starts with the constant."""
    total = weights[0] + sum(
        weight * value for weight, value in zip(weights[1:], evidence.values(), strict=True)
    )
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def write_parts(parts: Parts, path: Path) -> None:
    """Write a model file, complete or not at all."""
    head = {
        "format": FORMAT,
        "version": parts.version,
        "intents": parts.intents,
        "vocabulary": parts.vocabulary,
        "rare": parts.rare,
        "judge": parts.judge,
    }
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    with half.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            head=np.frombuffer(text, dtype=np.uint8),
            idf=parts.idf,
            weights=parts.weights,
            bias=parts.bias,
            postings=parts.postings,
            holders=parts.holders,
            shares=parts.shares,
            owners=parts.owners,
        )
    half.replace(path)


def read_parts(path: Path) -> Parts:
    """Read a model file.

    Raises:
        ModelMissingError: there is no such file, or it is not a model of this format.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            head = json.loads(file["head"].tobytes())
            if head["format"] != FORMAT:
                message = f"{path} has model format {head['format']}, not {FORMAT}; train again"
                raise ModelMissingError(message)
            return Parts(
                version=head["version"],
                intents=tuple(head["intents"]),
                vocabulary=tuple(head["vocabulary"]),
                rare=head["rare"],
                judge=tuple(head["judge"]),
                idf=file["idf"],
                weights=file["weights"],
                bias=file["bias"],
                postings=file["postings"],
                holders=file["holders"],
                shares=file["shares"],
                owners=file["owners"],
            )
    except FileNotFoundError as error:
        message = f"{path} does not exist; train the model with `yingda bot train`"
        raise ModelMissingError(message) from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        message = f"{path} is not a model file; train it again with `yingda bot train`"
        raise ModelMissingError(message) from error
