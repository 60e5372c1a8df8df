"""Inverted lists that grow: which entries hold a feature, in layers of rising age and size.

New entries form a small layer of their own. A layer that has grown to half of the next is
merged with it, so that adding stays cheap however many entries there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Layer:
    """The lists of entries `first` to `end`: those of `features[i]` begin at `starts[i]`."""

    first: int
    end: int
    features: Integers
    starts: NDArray[np.intp]
    holders: Integers

    def span(self, features: Integers) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where the lists of these features begin and end; both alike where there is none."""
        if not len(self.features):
            none = np.zeros(len(features), dtype=np.intp)
            return none, none
        places = np.searchsorted(self.features, features)
        places[places == len(self.features)] = 0
        first = self.starts[places]
        there = self.features[places] == features
        return first, np.where(there, self.starts[places + 1], first)


class Layers:
    """The lists of all entries.

    Args:
        told: gives the features under which an entry of a number is found, each once; none when
            it is gone.
    """

    def __init__(self, told: Callable[[int], Integers]) -> None:
        self._told = told
        self._layers: list[_Layer] = []
        self._end = 0

    def extend(self, end: int) -> None:
        """Takes in the entries up to `end`, exclusive."""
        if end == self._end:
            return
        first = self._end
        while self._layers and 2 * (end - first) >= first - self._layers[-1].first:
            first = self._layers.pop().first
        self._layers.append(self._invert(first, end))
        self._end = end

    def spread(self, features: Integers) -> NDArray[np.int64]:
        """How many entries hold each of the features, those gone included."""
        found = np.zeros(len(features), dtype=np.int64)
        for layer in self._layers:
            first, end = layer.span(features)
            found += end - first
        return found

    def holders(self, features: Integers) -> Iterator[tuple[int, Integers]]:
        """For each of the features, its place among them and entries that hold it."""
        for layer in self._layers:
            first, end = layer.span(features)
            for place in np.flatnonzero(end > first).tolist():
                yield place, layer.holders[first[place] : end[place]]

    def _invert(self, first: int, end: int) -> _Layer:
        told = [self._told(number) for number in range(first, end)]
        holders = np.repeat(np.arange(first, end, dtype=np.int32), [len(found) for found in told])
        flat = _joined(told)
        order = np.argsort(flat, kind="stable")
        features, starts = np.unique(flat[order], return_index=True)
        return _Layer(first, end, features, np.append(starts, len(flat)), holders[order])


def _joined(parts: Sequence[Integers]) -> Integers:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
