"""What the ranking keeps of each entry: numbered features of its askings and of its body."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.askings import Asking, Reading

Floats = NDArray[Any]
Integers = NDArray[np.int32]

# The spaces; each has features of its own. The first four are the views of an asking; the pool
# holds the letters of all askings of an entry, and matters are the concepts of a body.
LETTERS, SENSE, CONCEPTS, SOUND, POOL, BODY, MATTERS = range(7)
SPACES = 7
ASKED = 4

_SATURATION = 3.0


@dataclass(slots=True)
class Entry:
    """An entry: its askings segment by segment (four for each), and what it holds in all.

    `held` are the features of pool, body and matters, rising, and `counts` how often. `norms`
    are the lengths of its vectors while the ranking is of that `version`.
    """

    key: str
    features: Integers
    weights: Floats
    lengths: Integers  # of the segments, each at least 1
    held: Integers
    counts: Floats
    sizes: tuple[float, float]  # how many features pool and body hold, repeated ones repeated
    units: int
    asked: bool
    named: int  # concepts in any asking
    shared: int  # concepts in all askings
    version: int = -1
    norms: Floats | None = None


class _Ids(dict[str, int]):
    """The features of a space by name; one that is looked up for the first time is numbered."""

    def __init__(self, learn: Callable[[str], int]) -> None:
        super().__init__()
        self._learn = learn

    def __missing__(self, feature: str) -> int:
        number = self[feature] = self._learn(feature)
        return number


class Vocabulary:
    """Numbers for features; feature 0 fills empty segments."""

    def __init__(self) -> None:
        self.ids = [_Ids(partial(self._learn, space)) for space in range(SPACES)]
        self._spaces = np.full(1024, -1, dtype=np.int8)
        self._telling = np.zeros(1024, dtype=bool)
        self._known = 1

    def __len__(self) -> int:
        return self._known

    @property
    def spaces(self) -> NDArray[np.int8]:
        """The space of each feature; -1 of feature 0."""
        return self._spaces[: self._known]

    @property
    def telling(self) -> NDArray[np.bool_]:
        """Whether an entry is looked up by the feature: it is in few enough of them."""
        return self._telling[: self._known]

    def number(self, space: int, view: Iterable[str]) -> list[int]:
        """The numbers of features, given out where they are new."""
        return list(map(self.ids[space].__getitem__, view))

    def _learn(self, space: int, feature: str) -> int:
        number = self._known
        if number >= len(self._spaces):
            room = np.full(len(self._spaces), -1, dtype=np.int8)
            self._spaces = np.concatenate([self._spaces, room])
            self._telling = np.concatenate([self._telling, np.zeros(len(room), dtype=bool)])
        self._spaces[number] = space
        is_word = space == BODY and len(feature) > 1 and feature[0] != "g"
        self._telling[number] = space in (SENSE, CONCEPTS, SOUND) or is_word
        self._known += 1
        return number


def views(asking: Asking) -> tuple[Mapping[str, float], ...]:
    """The views of an asking in the order of their spaces."""
    return asking.letters, asking.sense, asking.concepts, asking.sound


def damped(count: float) -> float:
    """What repeating a feature is worth."""
    return 1 + math.log(count) if count > 1 else count


def body_weights(spaces: NDArray[np.int8], counts: Floats) -> Floats:
    """What features of body and matters weigh before their rarity; 0 for those of the pool."""
    damp = np.where(counts > 1, 1 + np.log(np.maximum(counts, 1)), counts)
    saturated = counts * (_SATURATION + 1) / (counts + _SATURATION)
    weights: Floats = np.where(spaces == BODY, saturated, damp) * (spaces != POOL)
    return weights


def make_entry(
    vocabulary: Vocabulary, key: str, askings: Sequence[Asking], reading: Reading
) -> Entry:
    """An entry of these askings and this body."""
    pool: dict[str, float] = {}
    features: list[int] = []
    weights: list[float] = []
    lengths: list[int] = []
    named, shared = 0, -1
    for asking in askings or [Asking()]:
        for space, view in enumerate(views(asking)):
            numbers = vocabulary.number(space, view)
            features += numbers or [0]
            weights += [c if c <= 1 else damped(c) for c in view.values()] or [0.0]
            lengths.append(len(numbers) or 1)
        for letter, count in asking.letters.items():
            pool[letter] = pool.get(letter, 0.0) + count
        named |= asking.named
        shared &= asking.named
    held: list[int] = []
    counts: list[float] = []
    for space, view in ((POOL, pool), (BODY, reading.pairs), (MATTERS, reading.concepts)):
        held += vocabulary.number(space, view)
        counts += view.values()
    order = np.argsort(np.array(held, dtype=np.int32), kind="stable")
    return Entry(
        key=key,
        features=np.array(features, dtype=np.int32),
        weights=np.array(weights, dtype=np.float32),
        lengths=np.array(lengths, dtype=np.int32),
        held=np.array(held, dtype=np.int32)[order],
        counts=np.array(counts, dtype=np.float32)[order],
        sizes=(sum(pool.values()), sum(reading.pairs.values())),
        units=max(len(askings), 1),
        asked=bool(askings),
        named=named,
        shared=shared if askings else 0,
    )
