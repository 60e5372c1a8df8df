"""Which sentences are alike: the nearest examples of a text, and groups of like texts.

Likeness is the cosine of TF-IDF vectors over the features of `bot.features`, so that it can be
told for sentences that no model has learnt yet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.features import text_features
from bot.postings import Floats, Integers, Postings

_ALIKE = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """An example, or a text that is to be grouped; `intent` is "" where there is none."""

    text: str
    intent: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A sentence with its likeness to a text, from 0 to 1."""

    sentence: Sentence
    similarity: float


@dataclass(frozen=True, slots=True)
class _Reading:
    """The features of a text by number, each once, and what its count is worth."""

    features: Integers
    weights: Floats


class Likeness:
    """Finds the sentences that are most like a text; immutable.

    Args:
        sentences: those that are looked at.
        before: an earlier one; texts that it holds are not read again, which makes most of the
            work when a catalogue changes by a few sentences. The result is the same without it.
    """

    def __init__(self, sentences: Iterable[Sentence], before: Likeness | None = None) -> None:
        self.sentences = tuple(sentences)
        known = before is not None and not before._is_stale()
        self._numbers: dict[str, int] = dict(before._numbers) if before and known else {}
        read = before._readings if before and known else {}
        self._readings: dict[str, _Reading] = {}
        for text in dict.fromkeys(each.text for each in self.sentences):
            self._readings[text] = read.get(text) or self._read(text)
        own = [self._readings[each.text] for each in self.sentences]
        lengths = [len(reading.features) for reading in own]
        features = _joined([reading.features for reading in own], np.int32)
        holders = np.repeat(np.arange(len(own), dtype=np.int32), lengths)
        self._held = np.bincount(features, minlength=len(self._numbers))
        self._unknown = math.log(1 + len(own)) + 1.0
        self._rarity = np.log((1 + len(own)) / (1 + self._held)) + 1.0
        shares = _joined([reading.weights for reading in own], np.float32) * self._rarity[features]
        norms = np.sqrt(np.bincount(holders, weights=shares * shares, minlength=len(own)))
        shares /= norms[holders]
        order = np.argsort(features, kind="stable")
        self._postings = Postings(
            np.concatenate([[0], np.cumsum(self._held)]).astype(np.int32),
            holders[order],
            shares[order].astype(np.float32),
            len(own),
        )

    def nearest(
        self,
        text: str,
        limit: int,
        *,
        least: float = 0.0,
        wanted: Callable[[Sentence], bool] | None = None,
    ) -> list[Alike]:
        """Return the sentences most like `text`, best first.

        Args:
            text: what they are compared with.
            limit: how many at most.
            least: the similarity from which one counts.
            wanted: which sentences are looked at; all unless told.
        """
        scores = self._scores(text)
        found: list[Alike] = []
        for place in np.argsort(-scores, kind="stable"):
            score = float(scores[place])
            if len(found) == limit or score < max(least, 1e-6):
                break
            sentence = self.sentences[place]
            if wanted is None or wanted(sentence):
                found.append(Alike(sentence=sentence, similarity=round(min(score, 1.0), 4)))
        return found

    def groups(self) -> list[list[int]]:
        """Return the places of like sentences, largest group first; the same for equal input.

        The commonest words lead: each sentence joins the first leader that it is like.
        """
        order = sorted(range(len(self.sentences)), key=lambda p: (len(self.sentences[p].text), p))
        leaders: dict[int, list[int]] = {}
        free = np.ones(len(order), dtype=bool)
        for leader in order:
            if not free[leader]:
                continue
            scores = self._scores(self.sentences[leader].text)
            scores[leader] = 1.0
            near = np.flatnonzero((scores >= _ALIKE) & free)
            leaders[leader] = [leader, *(int(p) for p in near if p != leader)]
            free[near] = False
        return sorted(leaders.values(), key=lambda found: (-len(found), found[0]))

    def _is_stale(self) -> bool:
        """Whether most of the features that it numbers belong to sentences long gone."""
        return 2 * int(np.count_nonzero(self._held)) < len(self._held)

    def _read(self, text: str) -> _Reading:
        counts = Counter(text_features(text))
        numbers = [self._numbers.setdefault(each, len(self._numbers)) for each in counts]
        return _Reading(np.array(numbers, dtype=np.int32), _worth(counts.values()))

    def _scores(self, text: str) -> NDArray[Any]:
        counts = Counter(text_features(text))
        numbers = np.array([self._numbers.get(each, -1) for each in counts], dtype=np.int32)
        known = numbers >= 0
        weights = _worth(counts.values()) * self._unknown
        weights[known] *= self._rarity[numbers[known]] / self._unknown
        length = math.sqrt(float(weights @ weights)) or 1.0
        return self._postings.gained(numbers[known], weights[known] / np.float32(length))


def _worth(counts: Iterable[int]) -> Floats:
    """What a feature is worth that a text holds so often."""
    return np.array([1.0 + math.log(count) for count in counts], dtype=np.float32)


def _joined(parts: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)


def shared_words(text: str, others: Sequence[str]) -> list[str]:
    """Return the words, or pairs of Chinese characters, of `text` that `others` hold too."""
    own = dict.fromkeys(_words(text))
    held = {word for other in others for word in _words(other)}
    return [word for word in own if word in held]


def _words(text: str) -> list[str]:
    return [
        feature[1:]
        for feature in text_features(text)
        if feature[0] == "w" or (feature[0] == "c" and len(feature) == 3)
    ]
