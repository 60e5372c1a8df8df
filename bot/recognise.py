"""Recognises the intent of a text: trained linear models that know what they do not know.

Serving needs NumPy alone. `bot.training` makes the file that `Recogniser.load` maps into
memory. It holds one model per language: on the sample catalogue two models were as good as one
in English, two points better in Chinese, and train three times as fast.

A text becomes a sparse TF-IDF vector of length 1. Linear heads (softmax regression, least
squares, class centres, all summed into one matrix at training) and the nearest example of each
intent vote, with weights that training learnt on turns it had held back; an encoder's vector
votes too when there is one. How sure the winner may be is then judged from the evidence
(`Evidence`) by a small calibrated judge, fitted on turns that the model had not seen, some of
them about nothing it knows.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from bot.contract import Understanding
from bot.cues import cues
from bot.encoder import Encoder
from bot.errors import ModelMissingError
from bot.learner import LEARNER
from bot.model_file import read_model, write_model
from bot.postings import Floats, Integers, Postings
from bot.speller import Speller, Syllables

OUT_OF_SCOPE = "out_of_scope"
_RANKED = 5
_SAME = 0.9999
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_ARRAYS = (
    "idf",
    "weights",
    "bias",
    "postings",
    "holders",
    "shares",
    "owners",
    "points",
    "pull",
    "fitness",
)
_TOLD = (
    "intents",
    "vocabulary",
    "spelt",
    "rare",
    "nearest",
    "meaning",
    "judge",
    "threshold",
)


def model_path(folder: Path, catalogue_version: str, encoder: str | None = None) -> Path:
    """Where the model that this release learns from a catalogue version lies in `folder`.

    Args:
        folder: the folder of models.
        catalogue_version: the catalogue's version.
        encoder: the fingerprint of the encoder that it was trained with.
    """
    mark = f"-{encoder}" if encoder else ""
    return folder / f"model-{catalogue_version}-{LEARNER}{mark}.model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What speaks for the best intent: the judge's inputs, in this order.

    `odds` is the log-odds of the best intent, `margin` the distance of its score to the
    second, `height` that to the average of all, `fitness` how near to 1 least squares put it
    (0 in large catalogues, which go without), `nearest` the cosine to the most similar
    example, `known` the share of the text's weight that the vocabulary knows, and `meaning`
    the cosine to the nearest example by the encoder, 0 without one.
    """

    odds: float
    margin: float
    height: float
    fitness: float
    nearest: float
    known: float
    meaning: float

    def values(self) -> list[float]:
        """The figures in the order of the judge's weights."""
        return [getattr(self, field.name) for field in fields(self)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a model made of a text.

    `same` is the intent of an example that has the very same words, or None.
    """

    scores: Floats
    evidence: Evidence
    same: int | None


class Vectors:
    """Vocabulary and weights that turn cues into a vector.

    `rare` is the weight of a cue that no example holds.
    """

    def __init__(self, vocabulary: Sequence[str], idf: Floats, rare: float) -> None:
        self.idf = idf
        self.rare = rare
        self._places = {cue: place for place, cue in enumerate(vocabulary)}

    def vector(self, found: Sequence[str]) -> tuple[Integers, Floats, float]:
        """Positions, values (length 1 together) and the known share of the weight."""
        places: list[int] = []
        counts: list[float] = []
        unknown = 0.0
        find = self._places.get
        for cue, count in Counter(found).items():
            place = find(cue)
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
    """What a model file holds for one language.

    `vocabulary` starts with the commonest cue; `spelt` are words and pairs that are known to
    be right but too rare to be cues. `nearest` and `meaning` are the votes of the nearest
    example by words and by the encoder; `judge` are the judge's weights, the constant first,
    and `threshold` the confidence that told turns of no intent apart best. `postings`,
    `holders` and `shares` are the examples by cue: cue `i` occurs in the examples
    `holders[postings[i]:postings[i + 1]]` with those `shares` of their vectors; `owners` are
    the intents of the examples, in rising order. `points` are the examples' vectors by the
    encoder and `pull` its weights by intent, both empty where it has no vote; `fitness` are
    the weights of least squares, empty where there are too many examples for it.
    """

    intents: tuple[str, ...]
    vocabulary: tuple[str, ...]
    spelt: tuple[str, ...]
    rare: float
    nearest: float
    meaning: float
    judge: tuple[float, ...]
    threshold: float
    idf: Floats
    weights: Floats
    bias: Floats
    postings: Integers
    holders: Integers
    shares: Floats
    owners: Integers
    points: Floats
    pull: Floats
    fitness: Floats


class Model:
    """Ranks the intents of one language; immutable, safe to share between threads.

    Args:
        parts: what training found.
        syllables: the sounds of Chinese characters.
        encoder: what `points` and `pull` were made with.
    """

    def __init__(self, parts: Parts, syllables: Syllables, encoder: Encoder | None) -> None:
        self._parts = parts
        self._vectors = Vectors(parts.vocabulary, parts.idf, parts.rare)
        self._speller = Speller(spellings(parts.vocabulary, parts.spelt), syllables)
        self._examples = Postings(parts.postings, parts.holders, parts.shares, len(parts.owners))
        self._starts = np.searchsorted(parts.owners, np.arange(len(parts.intents)))
        self._encoder = encoder if parts.pull.size else None

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents that it can tell apart."""
        return self._parts.intents

    @property
    def threshold(self) -> float:
        """The confidence, 0 to 1, that told turns of no intent apart best in training."""
        return self._parts.threshold

    def weigh(self, text: str) -> Finding | None:
        """Scores of all intents with their evidence; None when nothing in the text is known."""
        parts = self._parts
        positions, values, known = self._vectors.vector(cues(text, self._speller))
        if not len(positions) and self._encoder is None:
            return None
        scores: Floats = values @ parts.weights[positions] + parts.bias
        likeness = self._examples.gained(positions, values)
        nearest = int(np.argmax(likeness))
        cosine = float(likeness[nearest])
        scores += parts.nearest * np.maximum.reduceat(likeness, self._starts)
        same = int(parts.owners[nearest]) if cosine >= _SAME and known >= _SAME else None
        meaning = 0.0
        if self._encoder is not None and same is None:
            point = self._encoder.encode([text])[0]
            closeness = parts.points @ point
            meaning = float(closeness.max())
            scores += point @ parts.pull
            scores += parts.meaning * np.maximum.reduceat(closeness, self._starts)
        fitness = 0.0
        if parts.fitness.size:
            fitness = float(values @ parts.fitness[positions, int(np.argmax(scores))])
        evidence = gather(scores, fitness, cosine, known, meaning)
        return Finding(scores=scores, evidence=evidence, same=same)

    def recognise(self, text: str) -> Understanding:
        """The likeliest intents, best first, with a calibrated confidence."""
        found = self.weigh(text)
        if found is None:
            return Understanding(intent=None, confidence=0.0)
        order = [int(place) for place in np.argsort(-found.scores, kind="stable")[:_RANKED]]
        confidence = judge(self._parts.judge, found.evidence)
        if found.same is not None:
            order = [found.same, *(place for place in order if place != found.same)]
            confidence = 1.0
        shares = np.exp(found.scores - found.scores.max())
        shares /= shares.sum()
        names = self._parts.intents
        best = float(shares[order[0]])
        ranking = [(names[order[0]], round(confidence, 4))]
        for place in order[1:]:
            share = float(shares[place])
            figure = min(share / best * confidence, 1.0 - confidence, share)
            ranking.append((names[place], round(max(figure, 0.0), 4)))
        return Understanding(
            intent=ranking[0][0], confidence=ranking[0][1], ranking=tuple(ranking)
        )


class Recogniser:
    """Recognises texts of every language of a catalogue; immutable.

    Args:
        catalogue_version: what the models were trained from.
        parts: a model's parts for each language.
        syllables: the sounds of Chinese characters.
        encoder: the encoder that they were trained with.
    """

    def __init__(
        self,
        catalogue_version: str,
        parts: Mapping[str, Parts],
        syllables: Syllables,
        encoder: Encoder | None = None,
    ) -> None:
        self._version = catalogue_version
        self._models = {
            language: Model(part, syllables, encoder) for language, part in parts.items()
        }

    @property
    def catalogue_version(self) -> str:
        """The version of the catalogue that the models were trained from."""
        return self._version

    @classmethod
    def load(cls, path: Path, encoder: Encoder | None = None) -> Recogniser:
        """Map a model file into memory.

        Args:
            path: the file.
            encoder: what it was trained with, None for none.

        Raises:
            ModelMissingError: there is no such file, it is not a model of this format, or it
                was trained with another encoder or by another release.
        """
        head, arrays = read_model(path)
        if head.get("learner") != LEARNER:
            message = f"{path} was trained by another release; train again"
            raise ModelMissingError(message)
        trained_with = head["encoder"]
        if trained_with != (encoder.fingerprint if encoder is not None else None):
            message = f"{path} was trained with another encoder; train again"
            raise ModelMissingError(message)
        parts = {
            language: Parts(
                **{name: _frozen(told[name]) for name in _TOLD},
                **{name: arrays[f"{language}_{name}"] for name in _ARRAYS},
            )
            for language, told in head["languages"].items()
        }
        return cls(head["version"], parts, arrays["syllables"], encoder)

    def serving(self, catalogue_version: str) -> Recogniser:
        """The same models for a catalogue that has equal examples and may differ elsewhere."""
        other = copy(self)
        other._version = catalogue_version
        return other

    def recognise(self, text: str) -> Understanding:
        """Return the likeliest intents of `text`, best first, with a calibrated confidence.

        Text with a Chinese character goes to the Chinese model, other text to the English one,
        to the other when a catalogue has one language only. A text without anything known has
        no intent and confidence 0. `out_of_scope` is an intent like others when the catalogue
        has examples of it.
        """
        return self._model(text).recognise(text)

    def threshold(self, text: str) -> float:
        """The confidence from which `text` is rather about a known intent than about none."""
        return self._model(text).threshold

    def _model(self, text: str) -> Model:
        language = "zh" if _HAN.search(text) else "en"
        return self._models.get(language) or next(iter(self._models.values()))


def gather(
    scores: Floats, fitness: float, nearest: float, known: float, meaning: float
) -> Evidence:
    """Return what speaks for the intent with the best score."""
    best = int(np.argmax(scores))
    top = float(scores[best])
    others = scores.copy()
    others[best] = -np.inf
    second = float(others.max())
    rest = second + math.log(float(np.exp(others - second).sum()))
    return Evidence(
        odds=max(-8.0, min(8.0, top - rest)),
        margin=min(8.0, top - second),
        height=top - float(scores.mean()),
        fitness=fitness,
        nearest=nearest,
        known=known,
        meaning=meaning,
    )


def judge(weights: Sequence[float], evidence: Evidence) -> float:
    """The chance, 0 to 1, that the best intent is right; `weights` starts with the constant."""
    total = weights[0] + sum(
        weight * value for weight, value in zip(weights[1:], evidence.values(), strict=True)
    )
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def spellings(vocabulary: Sequence[str], spelt: Sequence[str]) -> list[str]:
    """The words and pairs of Chinese characters among the cues, then those too rare for one."""
    known = [cue[1:] for cue in vocabulary if cue[0] == "w" or (cue[0] == "c" and len(cue) == 3)]
    return [*known, *spelt]


def write_parts(
    version: str,
    parts: Mapping[str, Parts],
    syllables: Syllables,
    path: Path,
    encoder: str | None = None,
) -> None:
    """Write a model file, complete or not at all; `encoder` is the encoder's fingerprint."""
    languages: dict[str, Any] = {}
    arrays: dict[str, Any] = {"syllables": syllables}
    for language, part in parts.items():
        languages[language] = {name: getattr(part, name) for name in _TOLD}
        arrays |= {f"{language}_{name}": getattr(part, name) for name in _ARRAYS}
    head = {"version": version, "encoder": encoder, "learner": LEARNER, "languages": languages}
    write_model(path, head, arrays)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
