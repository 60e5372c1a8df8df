"""Recognises the intent of a text: trained linear models that know what they do not know.

Serving needs numpy alone. `bot.training` makes the file that `Recogniser.load` reads. It holds
one model per language: on the sample catalogue two models were as good as one in English,
two points better in Chinese, and train three times as fast.

A text becomes a sparse TF-IDF vector of length 1. A linear model ranks the intents; how sure
it may be is then judged from the evidence (`Evidence`) by a small calibrated judge, fitted on
turns that the model had not seen, some of them about nothing it knows.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from bot.contract import Understanding
from bot.errors import ModelMissingError
from bot.features import text_features
from bot.postings import Floats, Integers, Postings

FORMAT = 1
OUT_OF_SCOPE = "out_of_scope"
_RANKED = 5
_SAME = 0.9999
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_ARRAYS = ("idf", "weights", "bias", "postings", "holders", "shares", "owners")


def model_path(folder: Path, catalogue_version: str) -> Path:
    """Where the model of a catalogue version lies in `folder`."""
    return folder / f"model-{catalogue_version}.npz"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the best intent: the judge's inputs, in this order.

    `odds` is the log-odds of the linear model's best intent, `margin` the distance of its score
    to the second, `nearest` the cosine to the most similar example, and `known` the share of
    the text's weight that the vocabulary knows.
    """

    odds: float
    margin: float
    nearest: float
    known: float

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
    """Vocabulary and weights that turn features into a vector.

    `rare` is the weight of a feature that no example holds.
    """

    def __init__(self, vocabulary: Sequence[str], idf: Floats, rare: float) -> None:
        self.idf = idf
        self.rare = rare
        self._places = {feature: place for place, feature in enumerate(vocabulary)}

    def vector(self, features: Sequence[str]) -> tuple[Integers, Floats, float]:
        """Positions, values (length 1 together) and the known share of the weight."""
        places: list[int] = []
        counts: list[float] = []
        unknown = 0.0
        find = self._places.get
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
    """What a model file holds for one language.

    `judge` are the judge's weights, the constant first. `postings`, `holders` and `shares` are
    the examples by feature: feature `i` occurs in the examples
    `holders[postings[i]:postings[i + 1]]` with those `shares` of their vectors; `owners` are the
    intents of the examples.
    """

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


class Model:
    """Ranks the intents of one language; immutable, safe to share between threads."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._vectors = Vectors(parts.vocabulary, parts.idf, parts.rare)
        self._examples = Postings(parts.postings, parts.holders, parts.shares, len(parts.owners))

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents that it can tell apart."""
        return self._parts.intents

    def weigh(self, text: str) -> Finding | None:
        """Scores of all intents with their evidence; None when nothing in the text is known."""
        parts = self._parts
        positions, values, known = self._vectors.vector(text_features(text))
        if not len(positions):
            return None
        scores: Floats = values @ parts.weights[positions] + parts.bias
        likeness = self._examples.gained(positions, values)
        nearest = int(np.argmax(likeness))
        cosine = float(likeness[nearest])
        same = int(parts.owners[nearest]) if cosine >= _SAME and known >= _SAME else None
        return Finding(scores=scores, evidence=gather(scores, cosine, known), same=same)

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
    """Recognises texts of every language of a catalogue; immutable."""

    def __init__(self, catalogue_version: str, models: Mapping[str, Model]) -> None:
        self._version = catalogue_version
        self._models = dict(models)

    @property
    def catalogue_version(self) -> str:
        """The version of the catalogue that the models were trained from."""
        return self._version

    @classmethod
    def load(cls, path: Path) -> Recogniser:
        """Read a model file.

        Raises:
            ModelMissingError: there is no such file, or it is not a model of this format.
        """
        version, parts = read_parts(path)
        return cls(version, {language: Model(part) for language, part in parts.items()})

    def recognise(self, text: str) -> Understanding:
        """Return the likeliest intents of `text`, best first, with a calibrated confidence.

        Text with a Chinese character goes to the Chinese model, other text to the English one,
        to the other when a catalogue has one language only. A text without anything known has
        no intent and confidence 0. `out_of_scope` is an intent like others when the catalogue
        has examples of it.
        """
        language = "zh" if _HAN.search(text) else "en"
        model = self._models.get(language) or next(iter(self._models.values()))
        return model.recognise(text)


def gather(scores: Floats, nearest: float, known: float) -> Evidence:
    """Return what speaks for the intent with the best score."""
    best = int(np.argmax(scores))
    top = float(scores[best])
    others = np.delete(scores, best)
    second = float(others.max())
    rest = second + math.log(float(np.exp(others - second).sum()))
    return Evidence(
        odds=max(-8.0, min(8.0, top - rest)),
        margin=min(8.0, top - second),
        nearest=nearest,
        known=known,
    )


def judge(weights: Sequence[float], evidence: Evidence) -> float:
    """The chance, 0 to 1, that the best intent is right; `weights` starts with the constant."""
    total = weights[0] + sum(
        weight * value for weight, value in zip(weights[1:], evidence.values(), strict=True)
    )
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def write_parts(version: str, parts: Mapping[str, Parts], path: Path) -> None:
    """Write a model file, complete or not at all."""
    head: dict[str, Any] = {"format": FORMAT, "version": version, "languages": {}}
    arrays: dict[str, Any] = {}
    for language, part in parts.items():
        head["languages"][language] = {
            "intents": part.intents,
            "vocabulary": part.vocabulary,
            "rare": part.rare,
            "judge": part.judge,
        }
        arrays |= {f"{language}_{name}": getattr(part, name) for name in _ARRAYS}
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.part")
    with half.open("wb") as file:
        np.savez(file, allow_pickle=False, head=np.frombuffer(text, dtype=np.uint8), **arrays)
    half.replace(path)


def read_parts(path: Path) -> tuple[str, dict[str, Parts]]:
    """Return a model file's catalogue version and its parts by language.

    Raises:
        ModelMissingError: there is no such file, or it is not a model of this format.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            head = json.loads(file["head"].tobytes())
            if head["format"] != FORMAT:
                message = f"{path} has model format {head['format']}, not {FORMAT}; train again"
                raise ModelMissingError(message)
            return head["version"], {
                language: Parts(
                    intents=tuple(told["intents"]),
                    vocabulary=tuple(told["vocabulary"]),
                    rare=told["rare"],
                    judge=tuple(told["judge"]),
                    **{name: file[f"{language}_{name}"] for name in _ARRAYS},
                )
                for language, told in head["languages"].items()
            }
    except FileNotFoundError as error:
        message = f"{path} does not exist; train the model with `yingda bot train`"
        raise ModelMissingError(message) from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        message = f"{path} is not a model file; train it again with `yingda bot train`"
        raise ModelMissingError(message) from error
