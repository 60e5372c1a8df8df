"""Inverted lists as flat arrays: what shares a feature with a text, added up at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


class Postings:
    """For each feature, its holders and their shares of it.

    Feature `i` occurs in `holders[starts[i]:starts[i + 1]]` with those `shares`; holders are
    numbered from 0 to `count - 1`.
    """

    def __init__(self, starts: Integers, holders: Integers, shares: Floats, count: int) -> None:
        self._starts = starts
        self._holders = holders
        self._shares = shares
        self._count = count

    def gained(self, features: Integers, values: Floats) -> NDArray[Any]:
        """What every holder gains from features of these values: the sum of value x share."""
        if not len(features):
            return np.zeros(self._count)
        starts = self._starts[features]
        lengths = self._starts[features + 1] - starts
        ends = np.cumsum(lengths)
        picks = np.arange(ends[-1]) + np.repeat(starts - ends + lengths, lengths)
        weights = np.repeat(values, lengths) * self._shares[picks]
        return np.bincount(self._holders[picks], weights=weights, minlength=self._count)
