"""Ranks texts of one language by how well they answer a question.

An entry has *askings* (its title and the questions that it lists) and a *body*. The likeness of
a question to the askings is taken in four views and as a whole, that to the body by cosine and
by BM25; what a question wants done, refuses or undoes must fit. The weights were
fitted on Chinese service questions and on the shipped articles.

Entries are added and removed one by one. Nothing that depends on the others is kept with an
entry for longer than they stay as they are, so an index has no history: the same entries give
the same scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.askings import Asking, Reading, ask, ask_all, read
from bot.concepts import DEEDS, PERMISSIONS, QUESTIONS, REFUSALS, UNDOING
from bot.entries import (
    ASKED,
    BODY,
    MATTERS,
    POOL,
    SENSE,
    SPACES,
    Entry,
    Floats,
    Integers,
    Vocabulary,
    body_weights,
    damped,
    make_entry,
    views,
)
from bot.layers import Layers

_K1, _B = 1.2, 0.6

# How many entries are looked at closely, and how many postings are read to choose them.
_CANDIDATES = 64
_MOST_POSTINGS = 20_000
_BODY_CLUE = 0.5

# Fitted; see above.
_VIEW_WEIGHTS = np.array([1.07, 1.13, 1.40, 1.09], dtype=np.float32)
_POOL_WEIGHT, _MEAN_WEIGHT = 2.51, 2.94
_BODY_WEIGHT, _HELD_WEIGHT, _MATTERS_WEIGHT = 3.64, 7.05, 4.69
_ALONE_WEIGHT = 10.0  # of the body of an entry without askings
_PRICES = ((REFUSALS, 0.83), (UNDOING, 0.49), (PERMISSIONS, 0.43))
_NOTHING = -100.0
_DEED_MISSING, _DEED_EXTRA, _WAY_EXTRA = 0.85, 0.67, 0.28


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
class _Wish:
    """A question's own vectors.

    `asked` is dense, over the features of the four views. Pool, body and matters are told for
    the features `sought`: their shares of a cosine (`cosine`), of BM25 (`gain`), and whose they
    are (`space`); `ceilings` are what full coverage of pool and body would gain.
    """

    asked: Floats
    sought: Integers
    cosine: Floats
    gain: Floats
    space: Integers
    ceilings: tuple[float, float]


class Ranking:
    """The entries of one language, searchable."""

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._holding = np.zeros(1024, dtype=np.int32)  # segments that hold a feature
        self._numbers: dict[str, int] = {}
        self._entries: list[Entry | None] = []
        self._layers = Layers(self._telling)
        self._totals = np.zeros(SPACES)  # segments of each space
        self._sizes = np.zeros(2)
        self._version = 0
        self._rarity: tuple[Floats, Floats] | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, key: str, askings: Sequence[str], body: str) -> None:
        """Adds an entry, or replaces the one with the same key."""
        self.remove(key)
        entry = make_entry(self._vocabulary, key, ask_all(askings) if askings else [], read(body))
        self._numbers[key] = len(self._entries)
        self._entries.append(entry)
        self._count(entry, 1)

    def remove(self, key: str) -> None:
        """Removes an entry; nothing happens if there is none."""
        number = self._numbers.pop(key, None)
        entry = self._entries[number] if number is not None else None
        if number is None or entry is None:
            return
        self._entries[number] = None
        self._count(entry, -1)
        if len(self._entries) > 2 * len(self._numbers) + _CANDIDATES:
            self._entries = [entry for entry in self._entries if entry is not None]
            self._numbers = {
                entry.key: n for n, entry in enumerate(self._entries) if entry is not None
            }
            self._layers = Layers(self._telling)

    def search(self, text: str, limit: int) -> Evidence:
        """The entries that answer best."""
        asking = ask(text)
        reading = read(text)
        entries = self._candidates(asking, reading)
        if not entries:
            none = np.zeros(0)
            return Evidence([], none, none, none, none, none)
        return self._judge(entries, asking, reading, limit)

    def rarity_in_bodies(self, feature: str, *, concept: bool = False) -> float:
        """How much a feature of a body, or one of its concepts, tells; 0 when none has it."""
        number = self._vocabulary.ids[MATTERS if concept else BODY].get(feature)
        return 0.0 if number is None else float(self._rarities()[0][number]) ** 2

    def _count(self, entry: Entry, sign: int) -> None:
        missing = len(self._vocabulary) - len(self._holding)
        if missing > 0:
            room = np.zeros(max(missing, len(self._holding)), dtype=np.int32)
            self._holding = np.concatenate([self._holding, room])
        np.add.at(self._holding, entry.features, sign)
        self._holding[entry.held] += sign
        self._holding[0] = 0
        self._totals[:ASKED] += sign * entry.units * entry.asked
        self._totals[POOL] += sign * entry.asked
        self._totals[BODY:] += sign * (entry.sizes[1] > 0)
        self._sizes += sign * np.array(entry.sizes)
        self._version += 1
        self._rarity = None

    def _telling(self, number: int) -> Integers:
        """The features under which an entry is looked up."""
        entry = self._entries[number]
        if entry is None:
            return np.zeros(0, dtype=np.int32)
        telling = self._vocabulary.telling
        asked = np.unique(entry.features)
        found: Integers = np.concatenate([asked[telling[asked]], entry.held[telling[entry.held]]])
        return found

    def _rarities(self) -> tuple[Floats, Floats]:
        """How much each feature tells, by how few hold it; in bodies more evenly for a cosine."""
        if self._rarity is None:
            spaces = self._vocabulary.spaces
            held = self._holding[: len(spaces)].astype(np.float32)
            totals = self._totals[spaces].astype(np.float32)
            totals[0] = 0.0
            rarity = np.sqrt(np.log((totals + 1) / (held + 0.5)))
            bodies = spaces == BODY
            even = rarity.copy()
            even[bodies] = np.sqrt(np.log((totals[bodies] + 1) / (held[bodies] + 1)) + 1)
            self._rarity = rarity, even
        return self._rarity

    def _candidates(self, asking: Asking, reading: Reading) -> list[Entry]:
        """The entries worth a closer look: those that share the rarest features."""
        if len(self._numbers) <= _CANDIDATES:
            return [entry for entry in self._entries if entry is not None]
        self._layers.extend(len(self._entries))
        rarity, _ = self._rarities()
        numbers: list[int] = []
        factors: list[float] = []
        for space, view in (*enumerate(views(asking)), (BODY, reading.pairs)):
            factor = _BODY_CLUE if space == BODY else 1.0
            ids = self._vocabulary.ids[space]
            for feature, count in view.items():
                number = ids.get(feature)
                if number is not None:
                    numbers.append(number)
                    factors.append(factor * min(count, 1.0))
        features = np.array(numbers, dtype=np.int32)
        spread = self._layers.spread(features)
        rarest = np.argsort(spread, kind="stable")
        within = np.cumsum(spread[rarest]) <= max(_MOST_POSTINGS, spread.min(initial=0))
        chosen = rarest[within]
        clues = rarity[features[chosen]] ** 2 * np.array(factors, dtype=np.float32)[chosen]
        gained = np.zeros(len(self._entries), dtype=np.float32)
        for place, holders in self._layers.holders(features[chosen]):
            gained[holders] += clues[place]
        found = np.flatnonzero(gained)
        if len(found) > _CANDIDATES:
            found = found[np.argpartition(-gained[found], _CANDIDATES)[:_CANDIDATES]]
        picked = (self._entries[number] for number in found.tolist())
        return [entry for entry in picked if entry is not None]

    def _judge(
        self, entries: Sequence[Entry], asking: Asking, reading: Reading, limit: int
    ) -> Evidence:
        self._measure(entries)
        wish = self._wish(asking, reading)
        norms = np.array([entry.norms[:2] for entry in entries if entry.norms is not None])
        likeness, mean = self._likeness(entries, wish.asked)
        covered, held, body, matters = self._held(entries, wish)
        body = body / norms[:, 0]
        fits = np.array([_misfit(asking.named, entry) for entry in entries])
        score = (
            likeness @ _VIEW_WEIGHTS
            + _POOL_WEIGHT * covered
            + _MEAN_WEIGHT * mean
            + _BODY_WEIGHT * body
            + _HELD_WEIGHT * held
            + _MATTERS_WEIGHT * matters / norms[:, 1]
            - fits
        )
        alone = np.array([not entry.asked for entry in entries])
        score = np.where(alone, _ALONE_WEIGHT * body, score)
        # What shares nothing must not win by wanting nothing else.
        shares = likeness.sum(axis=1) + covered + held + body > 0
        score = np.where(shares, score, _NOTHING)
        order = sorted(
            range(len(entries)), key=lambda n: (-round(float(score[n]), 5), entries[n].key)
        )[:limit]
        return Evidence(
            [entries[number].key for number in order],
            score[order],
            likeness.mean(axis=1)[order],
            covered[order],
            body[order],
            held[order],
        )

    def _measure(self, entries: Sequence[Entry]) -> None:
        """Brings the lengths of the entries' vectors up to date: body, matters, segments."""
        stale = [entry for entry in entries if entry.version != self._version]
        if not stale:
            return
        _, even = self._rarities()
        held = np.concatenate([entry.held for entry in stale])
        owners = np.repeat(np.arange(len(stale)), [len(entry.held) for entry in stale])
        own = self._vocabulary.spaces[held]
        counts = np.concatenate([entry.counts for entry in stale])
        weights = body_weights(own, counts) * even[held]
        squares = np.bincount(
            owners * SPACES + own, weights=weights * weights, minlength=len(stale) * SPACES
        ).reshape(-1, SPACES)[:, [BODY, MATTERS]]
        features = np.concatenate([entry.features for entry in stale])
        asked = (np.concatenate([entry.weights for entry in stale]) * even[features]) ** 2
        lengths = np.concatenate([entry.lengths for entry in stale])
        segments = np.add.reduceat(asked, np.cumsum(lengths) - lengths)
        ends = np.cumsum([len(entry.lengths) for entry in stale])
        for number, entry in enumerate(stale):
            part = segments[ends[number] - len(entry.lengths) : ends[number]]
            both = np.concatenate([squares[number], part])
            entry.norms = np.sqrt(np.maximum(both, 1e-9)).astype(np.float32)
            entry.version = self._version

    def _likeness(self, entries: Sequence[Entry], asked: Floats) -> tuple[Floats, Floats]:
        """Of each entry's askings: the likest in each view, and the three likest in sense."""
        features = np.concatenate([entry.features for entry in entries])
        weights = np.concatenate([entry.weights for entry in entries])
        lengths = np.concatenate([entry.lengths for entry in entries])
        norms = np.concatenate([e.norms[2:] for e in entries if e.norms is not None])
        # `asked` holds the rarities already, squared.
        gained = weights * asked[features]
        cosines = np.add.reduceat(gained, np.cumsum(lengths) - lengths) / norms
        rows = cosines.reshape(-1, ASKED)
        units = np.array([entry.units for entry in entries])
        firsts = np.cumsum(units) - units
        best: Floats = np.maximum.reduceat(rows, firsts, axis=0)
        return best, _mean_of_best(rows[:, SENSE], units, firsts)

    def _held(self, entries: Sequence[Entry], wish: _Wish) -> tuple[Floats, ...]:
        """Coverage by pool and by body; dot products with body and matters."""
        counts = np.zeros((len(entries), len(wish.sought)), dtype=np.float32)
        for row, entry in enumerate(entries):
            if not len(entry.held):
                continue
            places = np.searchsorted(entry.held, wish.sought)
            places[places == len(entry.held)] = 0
            hit = entry.held[places] == wish.sought
            counts[row, hit] = entry.counts[places[hit]]
        averages = self._sizes / np.maximum(self._totals[[POOL, BODY]], 1)
        sizes = np.array([entry.sizes for entry in entries])
        slack = _K1 * (1 - _B + _B * sizes / np.maximum(averages, 1e-9))
        found = []
        for part, space in enumerate((POOL, BODY)):
            own = wish.space == space
            count = counts[:, own]
            gained = count * (_K1 + 1) / (count + slack[:, part : part + 1] + 1e-9)
            found.append(gained @ wish.gain[own] / max(wish.ceilings[part], 1e-9))
        for space in (BODY, MATTERS):
            own = wish.space == space
            spaces = np.full(int(own.sum()), space, dtype=np.int8)
            found.append(body_weights(spaces, counts[:, own]) @ wish.cosine[own])
        return tuple(found)

    def _wish(self, asking: Asking, reading: Reading) -> _Wish:
        asked = np.zeros(len(self._vocabulary), dtype=np.float32)
        for space, view in enumerate(views(asking)):
            numbers, shares, _, _ = self._vector(space, view)
            asked[numbers] = shares
        sought: list[int] = []
        cosine: list[float] = []
        gain: list[float] = []
        spaces: list[int] = []
        ceilings = []
        for space, view in (
            (POOL, asking.letters),
            (BODY, reading.pairs),
            (MATTERS, reading.concepts),
        ):
            numbers, shares, gains, ceiling = self._vector(space, view)
            sought += numbers
            cosine += shares
            gain += gains
            spaces += [space] * len(numbers)
            ceilings.append(ceiling * (_K1 + 1))
        return _Wish(
            asked=asked,
            sought=np.array(sought, dtype=np.int32),
            cosine=np.array(cosine, dtype=np.float32),
            gain=np.array(gain, dtype=np.float32),
            space=np.array(spaces, dtype=np.int32),
            ceilings=(ceilings[0], ceilings[1]),
        )

    def _vector(
        self, space: int, view: Mapping[str, float]
    ) -> tuple[list[int], list[float], list[float], float]:
        """Features that entries know, their shares of a cosine and of BM25, and its ceiling.

        A share of a cosine holds the entry's rarity too.
        """
        rarity, even = self._rarities()
        unknown = math.sqrt(math.log((self._totals[space] + 1) / 0.5))
        unknown_even = unknown
        if space == BODY:
            unknown_even = math.sqrt(math.log(self._totals[space] + 1) + 1)
        ids = self._vocabulary.ids[space]
        numbers: list[int] = []
        shares: list[float] = []
        gains: list[float] = []
        length = ceiling = 0.0
        for feature, count in view.items():
            number = ids.get(feature)
            told = unknown if number is None else float(rarity[number])
            factor = unknown_even if number is None else float(even[number])
            weight = damped(count) * factor
            length += weight * weight
            gain = told * min(count, 1.0)
            ceiling += gain
            if number is not None:
                numbers.append(number)
                shares.append(weight * factor)
                gains.append(gain)
        norm = math.sqrt(length) or 1.0
        return numbers, [share / norm for share in shares], gains, ceiling


def _mean_of_best(likeness: Floats, units: Integers, firsts: Integers) -> Floats:
    """Of each entry's askings, the mean of the three likest."""
    owners = np.repeat(np.arange(len(units)), units)
    order = np.lexsort((-likeness, owners))
    rank = np.arange(len(owners)) - firsts[owners]
    kept = order[rank < 3]
    sums = np.bincount(owners[kept], weights=likeness[kept], minlength=len(units))
    means: Floats = sums / np.minimum(units, 3)
    return means


def _misfit(named: int, entry: Entry) -> float:
    """What it costs that question and entry want, refuse or undo different things."""
    if not entry.asked:
        return 0.0
    cost = 0.0
    for mask, price in _PRICES:
        asks, some, every = named & mask, entry.named & mask, entry.shared & mask
        cost += price * bool((asks and not some) or (every and not asks))
    deeds, questions = entry.shared & DEEDS, entry.shared & QUESTIONS
    unmet, wanted = named & DEEDS & ~entry.named, named & DEEDS
    cost += _DEED_MISSING * unmet.bit_count() / max(wanted.bit_count(), 1)
    cost += _DEED_EXTRA * (deeds & ~named).bit_count() / max(deeds.bit_count(), 1)
    return cost + _WAY_EXTRA * (questions & ~named).bit_count() / max(questions.bit_count(), 1)
