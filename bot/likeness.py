"""Which sentences are alike: the nearest examples of a text, and groups of like texts.

Likeness is the cosine of TF-IDF vectors over the features of `bot.features`, so that it can be
told for sentences that no model has learnt yet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.features import text_features
from bot.postings import invert

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


class Likeness:
    """Finds the sentences that are most like a text; immutable."""

    def __init__(self, sentences: Iterable[Sentence]) -> None:
        self.sentences = tuple(sentences)
        counts = [Counter(text_features(each.text)) for each in self.sentences]
        held = Counter(feature for found in counts for feature in found)
        total = len(counts)
        self._rarity = {
            feature: math.log((1 + total) / (1 + count)) + 1.0 for feature, count in held.items()
        }
        self._unknown = math.log(1 + total) + 1.0
        self._places, self._postings = invert([self._unit(found) for found in counts])

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

    def _scores(self, text: str) -> NDArray[Any]:
        unit = self._unit(Counter(text_features(text)))
        known = [(self._places[f], share) for f, share in unit.items() if f in self._places]
        return self._postings.gained(
            np.array([place for place, _ in known], dtype=np.int32),
            np.array([share for _, share in known], dtype=np.float32),
        )

    def _unit(self, counts: Mapping[str, int]) -> dict[str, float]:
        weights = {
            feature: (1.0 + math.log(count)) * self._rarity.get(feature, self._unknown)
            for feature, count in counts.items()
        }
        length = math.sqrt(sum(weight * weight for weight in weights.values()))
        return {feature: weight / length for feature, weight in weights.items()} if length else {}


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
