"""Ranks texts of one language by how well they answer a question.

An entry has *askings* (its title and the questions that it lists) and a *body*. The likeness of
a question to the askings is taken in four views and as a whole, that to the body by cosine and
by BM25; what a question wants done, refuses or undoes must fit. The weights were
fitted on Chinese service questions and on the shipped articles.

Entries are added and removed one by one. Nothing that depends on the others is stored with
an entry, so an index has no history: the same entries give the same scores.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.askings import Asking, Reading, ask, ask_all, read
from bot.concepts import DEEDS, PERMISSIONS, QUESTIONS, REFUSALS, UNDOING

Floats = NDArray[Any]
Integers = NDArray[np.int32]

# The views; each has features of its own.
_LETTERS, _SENSE, _CONCEPTS, _SOUND, _POOL, _BODY, _MATTERS = range(7)
_ASKED = 4  # views of an asking
_SPACES = 7
_MATTER = _SPACES - _ASKED  # further segments of each entry: pool, body, matters

_K1, _B = 1.2, 0.6
_SATURATION = 3.0

# How many entries are looked at closely, and how many postings are read to choose them.
_CANDIDATES = 96
_MOST_POSTINGS = 30_000
_BODY_CLUE = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the entries of `keys`, best first: `score` ranks, the rest explains."""

    keys: list[str]
    score: Floats
    likeness: Floats  # of the likest asking, 0 to 1
    covered: Floats  # how much of the question the askings hold, 0 to 1
    body: Floats  # cosine of the body, 0 to 1
    held: Floats  # how much of the question the body holds, 0 to 1


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry: segments of features, the askings' first, then pool, body and matters."""

    key: str
    features: Integers
    weights: Floats  # of each feature within its segment, before its rarity
    counts: Floats  # of pool's and body's features, how often
    lengths: Integers  # of the segments, each at least 1
    sizes: tuple[float, float]  # words in pool and body
    units: int
    asked: bool
    named: int  # concepts in any asking
    shared: int  # concepts in all askings


class Ranking:
    """The entries of one language, searchable."""

    def __init__(self) -> None:
        self._ids: list[dict[str, int]] = [{} for _ in range(_SPACES)]
        self._spaces = np.zeros(1, dtype=np.int8)  # feature 0 fills empty segments
        self._held = np.zeros(1, dtype=np.int32)  # segments that hold a feature
        self._known = 1
        self._numbers: dict[str, int] = {}
        self._rows: list[_Row | None] = []
        self._postings: dict[int, array[int]] = {}
        self._totals = np.zeros(_SPACES)  # segments of each space
        self._sizes = np.zeros(2)
        self._rarity: tuple[Floats, Floats] | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, key: str, askings: Sequence[str], body: str) -> None:
        """Adds an entry, or replaces the one with the same key."""
        self.remove(key)
        row = self._make_row(key, ask_all(askings) if askings else [], read(body))
        self._numbers[key] = len(self._rows)
        self._place(row)
        self._weigh(row, 1)

    def remove(self, key: str) -> None:
        """Removes an entry; nothing happens if there is none."""
        number = self._numbers.pop(key, None)
        if number is None:
            return
        row = self._rows[number]
        assert row is not None  # noqa: S101 -- it was numbered
        self._rows[number] = None
        self._weigh(row, -1)
        if len(self._rows) > 2 * len(self._numbers) + _CANDIDATES:
            self._compact()

    def search(self, text: str, limit: int) -> Evidence:
        """The entries that answer best."""
        asking = ask(text)
        reading = read(text)
        numbers = self._candidates(asking, reading)
        rows = [row for number in numbers if (row := self._rows[number]) is not None]
        if not rows:
            empty = np.zeros(0, dtype=np.float32)
            return Evidence([], empty, empty, empty, empty, empty)
        return self._judge(rows, asking, reading, limit)

    def rarity_in_bodies(self, feature: str, *, concept: bool = False) -> float:
        """How much a feature of a body, or one of its concepts, tells; 0 when none has it."""
        number = self._ids[_MATTERS if concept else _BODY].get(feature)
        return 0.0 if number is None else float(self._rarities()[0][number]) ** 2

    # Adding and removing.

    def _make_row(self, key: str, askings: Sequence[Asking], reading: Reading) -> _Row:
        pool: dict[str, float] = {}
        segments: list[list[int]] = []
        weights: list[float] = []
        for asking in askings or [Asking()]:
            for space, view in enumerate(_views(asking)):
                segments.append(self._numbered(space, view))
                weights += [_damped(count) for count in view.values()] or [0.0]
            for letter, count in asking.letters.items():
                pool[letter] = pool.get(letter, 0.0) + count
        counts: list[float] = []
        for space, held in ((_POOL, pool), (_BODY, reading.pairs)):
            segments.append(self._numbered(space, held))
            counts += held.values() or [0.0]
        weights += [0.0] * len(segments[-2])
        weights += [
            count * (_SATURATION + 1) / (count + _SATURATION) for count in reading.pairs.values()
        ] or [0.0]
        segments.append(self._numbered(_MATTERS, reading.concepts))
        weights += [_damped(count) for count in reading.concepts.values()] or [0.0]
        named, shared = 0, -1
        for asking in askings:
            named |= asking.named
            shared &= asking.named
        return _Row(
            key=key,
            features=np.array([f for segment in segments for f in segment], dtype=np.int32),
            weights=np.array(weights, dtype=np.float32),
            counts=np.array(counts, dtype=np.float32),
            lengths=np.array([len(segment) for segment in segments], dtype=np.int32),
            sizes=(sum(pool.values()), sum(reading.pairs.values())),
            units=max(len(askings), 1),
            asked=bool(askings),
            named=named,
            shared=shared if askings else 0,
        )

    def _numbered(self, space: int, view: Mapping[str, float]) -> list[int]:
        ids = self._ids[space]
        found = []
        for feature in view:
            number = ids.get(feature)
            if number is None:
                number = ids[feature] = self._learn(space)
            found.append(number)
        return found or [0]

    def _learn(self, space: int) -> int:
        number = self._known
        if number >= len(self._spaces):
            grown = 2 * number + 1024
            self._spaces = np.resize(self._spaces, grown)
            self._held = np.concatenate(
                [self._held, np.zeros(grown - len(self._held), dtype=np.int32)]
            )
        self._spaces[number] = space
        self._known += 1
        return number

    def _place(self, row: _Row) -> None:
        number = len(self._rows)
        self._rows.append(row)
        postings = self._postings
        for feature in np.unique(row.features).tolist():
            listed = postings.get(feature)
            if listed is None:
                postings[feature] = array("i", (number,))
            else:
                listed.append(number)

    def _weigh(self, row: _Row, sign: int) -> None:
        np.add.at(self._held, row.features, sign)
        self._held[0] = 0
        for space in range(_ASKED):
            self._totals[space] += sign * row.units * row.asked
        self._totals[_POOL] += sign * row.asked
        self._totals[_BODY:] += sign * (row.sizes[1] > 0)
        self._sizes += sign * np.array(row.sizes)
        self._rarity = None

    def _compact(self) -> None:
        rows = [row for row in self._rows if row is not None]
        self._rows, self._postings = [], {}
        for row in rows:
            self._numbers[row.key] = len(self._rows)
            self._place(row)

    # Searching.

    def _rarities(self) -> tuple[Floats, Floats]:
        """How much each feature tells, by how few hold it; in bodies more evenly for a cosine."""
        if self._rarity is None:
            held = self._held[: self._known]
            totals = self._totals[self._spaces[: self._known]]
            rarity = np.sqrt(np.log((totals + 1) / (held + 0.5))).astype(np.float32)
            even = rarity.copy()
            bodies = self._spaces[: self._known] == _BODY
            even[bodies] = np.sqrt(np.log((totals[bodies] + 1) / (held[bodies] + 1)) + 1)
            self._rarity = rarity, even
        return self._rarity

    def _candidates(self, asking: Asking, reading: Reading) -> list[int]:
        """Numbers of the entries worth a closer look: those that share the rarest features."""
        if len(self._numbers) <= _CANDIDATES:
            return list(self._numbers.values())
        rarity, _ = self._rarities()
        clues: list[tuple[float, array[int]]] = []
        for space, view in (*enumerate(_views(asking)), (_BODY, reading.pairs)):
            if space == _LETTERS:
                continue  # they are in sense, but for what is in it in better form
            ids = self._ids[space]
            factor = _BODY_CLUE if space == _BODY else 1.0
            for feature, count in view.items():
                number = ids.get(feature)
                if number is not None:
                    clue = float(rarity[number]) ** 2 * factor * min(count, 1.0)
                    clues.append((clue, self._postings[number]))
        clues.sort(key=lambda clue: len(clue[1]))
        sums = np.zeros(len(self._rows))
        read_already = 0
        for clue, listed in clues:
            read_already += len(listed)
            if read_already > _MOST_POSTINGS and sums.any():
                break
            sums[np.frombuffer(listed, dtype=np.int32)] += clue
        found = np.flatnonzero(sums)
        if len(found) > _CANDIDATES:
            found = found[np.argpartition(-sums[found], _CANDIDATES)[:_CANDIDATES]]
        return [int(number) for number in found]

    def _judge(
        self, rows: Sequence[_Row], asking: Asking, reading: Reading, limit: int
    ) -> Evidence:
        _, even = self._rarities()
        wanted = np.zeros(self._known, dtype=np.float32)
        sought = np.zeros(self._known, dtype=np.float32)
        ceilings = self._want(asking, reading, wanted, sought)
        features = np.concatenate([row.features for row in rows])
        weights = np.concatenate([row.weights for row in rows]) * even[features]
        lengths = np.concatenate([row.lengths for row in rows])
        starts = np.cumsum(lengths) - lengths
        dots = np.add.reduceat(weights * wanted[features], starts)
        norms = np.add.reduceat(weights * weights, starts)
        cosines = dots / np.sqrt(np.maximum(norms, 1e-9))
        units = np.array([row.units for row in rows])
        ends = np.cumsum(units * _ASKED + _MATTER)
        is_asked = np.ones(len(lengths), dtype=bool)
        for back in range(1, _MATTER + 1):
            is_asked[ends - back] = False
        asked = cosines[is_asked].reshape(-1, _ASKED)
        firsts = np.cumsum(units) - units
        best = np.maximum.reduceat(asked, firsts, axis=0)
        covered, held = self._gains(rows, sought, ceilings)
        body, matters = cosines[ends - 2], cosines[ends - 1]
        fits = np.array([_misfit(asking.named, row) for row in rows], dtype=np.float32)
        alone = np.array([not row.asked for row in rows])
        score = (
            best @ _VIEW_WEIGHTS
            + _POOL_WEIGHT * covered
            + _MEAN_WEIGHT * _mean_of_best(asked[:, _SENSE], units)
            + _BODY_WEIGHT * body
            + _HELD_WEIGHT * held
            + _MATTERS_WEIGHT * matters
            - fits
        )
        score = np.where(alone, _ALONE_WEIGHT * body, score)
        order = sorted(range(len(rows)), key=lambda n: (-float(score[n]), rows[n].key))[:limit]
        picked = np.array(order)
        return Evidence(
            [rows[number].key for number in order],
            score[picked],
            best.mean(axis=1)[picked],
            covered[picked],
            body[picked],
            held[picked],
        )

    def _want(
        self, asking: Asking, reading: Reading, wanted: Floats, sought: Floats
    ) -> tuple[float, float]:
        """Fills in the question's own vectors; returns what full coverage would gain."""
        rarity, even = self._rarities()
        views = (*_views(asking), asking.letters, reading.pairs, reading.concepts)
        ceilings = []
        for space, view in enumerate(views):
            unknown = math.sqrt(math.log((self._totals[space] + 1) / 0.5))
            unknown_even = unknown
            if space == _BODY:
                unknown_even = math.sqrt(math.log(self._totals[space] + 1) + 1)
            ids = self._ids[space]
            length = ceiling = 0.0
            own: list[tuple[int, float]] = []
            for feature, count in view.items():
                number = ids.get(feature)
                told = unknown if number is None else float(rarity[number])
                ceiling += told * min(count, 1.0)
                weight = _damped(count) * (unknown_even if number is None else float(even[number]))
                length += weight * weight
                if number is not None:
                    own.append((number, weight))
                    if space in (_POOL, _BODY):
                        sought[number] = told * min(count, 1.0)
            norm = math.sqrt(length) or 1.0
            if space != _POOL:
                for number, weight in own:
                    wanted[number] = weight / norm
            ceilings.append(ceiling * (_K1 + 1))
        return ceilings[_POOL], ceilings[_BODY]

    def _gains(
        self,
        rows: Sequence[_Row],
        sought: Floats,
        ceilings: tuple[float, float],
    ) -> tuple[Floats, Floats]:
        """BM25 of pool and body, as shares of what full coverage would gain."""
        counts = np.concatenate([row.counts for row in rows])
        features = np.concatenate([_counted(row) for row in rows])
        lengths = np.concatenate([row.lengths[-_MATTER:-1] for row in rows])
        shares = sought[features]
        hit = np.flatnonzero(shares)
        averages = self._sizes / np.maximum(self._totals[[_POOL, _BODY]], 1)
        sizes = np.array([row.sizes for row in rows])
        slack = _K1 * (1 - _B + _B * sizes / np.maximum(averages, 1e-9))
        segment = np.repeat(np.arange(len(lengths)), lengths)[hit]
        count = counts[hit]
        gained = shares[hit] * count * (_K1 + 1) / (count + slack.ravel()[segment])
        sums = np.bincount(segment, weights=gained, minlength=len(lengths)).reshape(-1, 2)
        gains = [(sums[:, part] / max(ceilings[part], 1e-9)).astype(np.float32) for part in (0, 1)]
        return gains[0], gains[1]


def _views(asking: Asking) -> tuple[Mapping[str, float], ...]:
    return asking.letters, asking.sense, asking.concepts, asking.sound


def _damped(count: float) -> float:
    return 1 + math.log(count) if count > 1 else count


def _counted(row: _Row) -> Integers:
    """The features of pool and body."""
    end = len(row.features) - int(row.lengths[-1])
    return row.features[end - len(row.counts) : end]


def _mean_of_best(likeness: Floats, units: NDArray[Any]) -> Floats:
    """Of each entry's askings, the mean of the three likest."""
    owners = np.repeat(np.arange(len(units)), units)
    order = np.lexsort((-likeness, owners))
    firsts = np.cumsum(units) - units
    rank = np.arange(len(owners)) - firsts[owners]
    kept = order[rank < 3]
    sums = np.bincount(owners[kept], weights=likeness[kept], minlength=len(units))
    means: Floats = sums / np.minimum(units, 3)
    return means


def _misfit(named: int, row: _Row) -> float:
    """What it costs that question and entry want, refuse or undo different things."""
    if not row.asked:
        return 0.0
    cost = 0.0
    for mask, price in _PRICES:
        asks, some, every = named & mask, row.named & mask, row.shared & mask
        cost += price * bool((asks and not some) or (every and not asks))
    deeds, questions = row.shared & DEEDS, row.shared & QUESTIONS
    unmet, wanted = named & DEEDS & ~row.named, named & DEEDS
    cost += _DEED_MISSING * unmet.bit_count() / max(wanted.bit_count(), 1)
    cost += _DEED_EXTRA * (deeds & ~named).bit_count() / max(deeds.bit_count(), 1)
    return cost + _WAY_EXTRA * (questions & ~named).bit_count() / max(questions.bit_count(), 1)


# Fitted; see the module's docstring.
_VIEW_WEIGHTS = np.array([1.07, 1.13, 1.40, 1.09], dtype=np.float32)
_POOL_WEIGHT, _MEAN_WEIGHT = 2.51, 2.94
_BODY_WEIGHT, _HELD_WEIGHT, _MATTERS_WEIGHT = 3.64, 7.05, 4.69
_ALONE_WEIGHT = 10.0
_PRICES = ((REFUSALS, 0.83), (UNDOING, 0.49), (PERMISSIONS, 0.43))
_DEED_MISSING, _DEED_EXTRA, _WAY_EXTRA = 0.85, 0.67, 0.28
