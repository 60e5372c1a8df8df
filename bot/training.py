"""Trains the recogniser from a catalogue or from plain rows.

Only training needs SciPy and pypinyin; a process that answers customers never imports them.

First come rehearsals: heads are fitted to most of the examples, with some intents left out
altogether, and asked about the rest. From what they say the fusion learns how far to trust
each head, the judge how sure the bot may be, and the threshold where turns about nothing known
begin. Then the heads are fitted to everything. When the rehearsals contradict the labels too
often, the examples that contradict the others are left out first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.encoder import Encoder
from bot.errors import BotError
from bot.heads import Heads, Signals, Table, read_table
from bot.learning import fit_judge, fuse
from bot.recognise import (
    OUT_OF_SCOPE,
    Evidence,
    Parts,
    Recogniser,
    gather,
    judge,
    model_path,
    write_parts,
)
from bot.speller import learn_syllables
from bot.texts import TITLE
from intents.model import Catalogue

Progress = Callable[[str], None]

_SEED = 20260
_FOREIGN_SHARE = 0.1
_BY_ODDS = (0.0, 1.0, *(0.0,) * 6)  # the share of the best intent, when nothing can be learnt
_EVEN_THRESHOLD = 0.5
_REFUSING = 0.6
_RESERVES = (0.0, 1.0, 2.0, 3.0)
_LESSONS = 1500
_PARTS = 3
_LEAST_INTENTS_TO_HIDE = 4
_NOISE_FOLDS = 3
_NOISE = 0.09
_LEAST_FOR_NOISE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One example or check: a sentence and its intent."""

    text: str
    intent: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lessons:
    """What the heads of one rehearsal said of rows that they had not seen.

    `wanted` is the place of the right intent among the rehearsal's intents, -1 for a row
    whose intent was left out.
    """

    signals: Signals
    intents: tuple[str, ...]
    wanted: NDArray[Any]


def train(
    catalogue: Catalogue,
    folder: Path,
    encoder: Encoder | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train the recogniser and write its file; equal catalogues give equal models.

    A language is left out when it has examples of fewer than two intents.

    Args:
        catalogue: whose utterances are learnt; its checks are not looked at.
        folder: where the model goes.
        encoder: has a vote, and must be given to `Recogniser.load` as well.
        progress: is told what is being done.

    Returns:
        The file, at `model_path` in `folder`.

    Raises:
        BotError: no language has examples of two intents.
    """
    rows = catalogue_rows(catalogue, checks=False)
    parts = fit(rows, encoder, progress)
    mark = encoder.fingerprint if encoder is not None else None
    path = model_path(folder, catalogue.version, mark)
    write_parts(catalogue.version, parts, learn_syllables(), path, mark)
    return path


def train_rows(
    rows: Sequence[Row],
    version: str,
    encoder: Encoder | None = None,
    progress: Progress | None = None,
) -> Recogniser:
    """Return a recogniser of plain rows, kept in memory.

    Raises:
        BotError: no language has examples of two intents.
    """
    return Recogniser(version, fit(rows, encoder, progress), learn_syllables(), encoder)


def catalogue_rows(catalogue: Catalogue, *, checks: bool) -> list[Row]:
    """The catalogue's examples, or its held-out checks.

    The title under which an intent is offered (`utter_title_…`) is an example of it: over the
    sample catalogue's examples that brought 0.8 points in Chinese and 1.5 in English.
    """
    rows = [
        Row(text=utterance.text, intent=intent.name, language=utterance.language)
        for intent in catalogue.intents
        for utterance in (intent.checks if checks else intent.utterances)
    ]
    if checks:
        return rows
    return rows + [
        Row(text=variant.text, intent=intent.name, language=variant.language)
        for intent in catalogue.intents
        if intent.utterances and intent.name != OUT_OF_SCOPE
        for variant in catalogue.responses.get(f"{TITLE}{intent.name}", ())
    ]


def fit(
    rows: Iterable[Row], encoder: Encoder | None = None, progress: Progress | None = None
) -> dict[str, Parts]:
    """Fit a model for each language that has examples of at least two intents.

    Raises:
        BotError: none has.
    """
    tell = progress or (lambda _: None)
    by_language: dict[str, list[Row]] = {}
    for row in rows:
        by_language.setdefault(row.language, []).append(row)
    parts = {}
    for language, own in sorted(by_language.items()):
        if len({row.intent for row in own}) < 2:
            continue
        tell(f"{language}: reading {len(own)} examples")
        table = read_table([row.text for row in own], [row.intent for row in own], encoder)
        parts[language] = _fit_table(table, partial(_tell_of, language, tell))
    if not parts:
        message = "the catalogue needs examples of at least two intents to train from"
        raise BotError(message)
    return parts


def _tell_of(language: str, tell: Progress, said: str) -> None:
    tell(f"{language}: {said}")


def _fit_table(table: Table, tell: Progress) -> Parts:
    lessons = _rehearse(table, tell)
    fusion = _fuse(lessons)
    if len(table.texts) >= _LEAST_FOR_NOISE and _contradicted(lessons, fusion) > _NOISE:
        table = _cleaned(table, fusion, tell)
        lessons = _rehearse(table, tell)
        fusion = _fuse(lessons)
    verdict = _fit_verdict(lessons, fusion)
    tell(f"learning from {len(table.texts)} examples, intents' names among them")
    heads = Heads(table, few=table.few)
    merged = heads.merged(fusion or _trusting(heads))
    if OUT_OF_SCOPE in table.intents:
        merged["bias"][table.intents.index(OUT_OF_SCOPE)] -= verdict.reserve
    return Parts(
        intents=table.intents,
        vocabulary=heads.vocabulary,
        spelt=heads.spelt,
        rare=heads.vectors.rare,
        judge=verdict.judge,
        threshold=verdict.threshold,
        idf=heads.vectors.idf,
        owners=table.owners,
        **merged,
    )


def _trusting(heads: Heads) -> tuple[float, ...]:
    """The fusion when nothing could be rehearsed: the first head alone."""
    return tuple(float(place == 0) for place in range(len(heads.names)))


def _rehearse(table: Table, tell: Progress) -> list[_Lessons]:
    """Lessons from heads that had not seen the rows they are asked about.

    The more examples there are, the fewer rehearsals are needed, and the longer each takes.
    """
    count = len(table.texts)
    rounds = 6 if count <= 1500 else 3 if count <= 2500 else 2 if count <= 7000 else 1
    lessons = []
    for turn in range(rounds):
        tell(f"rehearsal {turn + 1} of {rounds}")
        deal, part = divmod(turn, _PARTS)
        folds = _spread(table.owners, _PARTS + 1, deal)
        secret = _hidden_intents(table, _PARTS, deal)[table.owners] == part
        learnt = table.subset(np.flatnonzero(~secret & ((folds != part) | table.named)))
        if len(learnt.intents) < 2:
            continue
        seen = np.isin(table.owners, [table.intents.index(name) for name in learnt.intents])
        said = ~table.named
        asked = _sample(np.flatnonzero(~secret & (folds == part) & seen & said), _LESSONS)
        foreign = _sample(np.flatnonzero(secret & said), max(len(asked), 1))
        rows = np.concatenate([asked, foreign])
        if len(rows):
            lessons.append(_ask(Heads(learnt, few=table.few), table, rows))
    return lessons


def _ask(heads: Heads, table: Table, rows: NDArray[Any]) -> _Lessons:
    points = None if table.points is None else table.points[rows]
    places = {name: place for place, name in enumerate(heads.table.intents)}
    return _Lessons(
        signals=heads.ask([table.texts[row] for row in rows], points),
        intents=heads.table.intents,
        wanted=np.array([places.get(table.intents[table.owners[row]], -1) for row in rows]),
    )


def _fuse(lessons: Sequence[_Lessons]) -> tuple[float, ...]:
    """The weights of the heads; empty when there is no lesson of a known intent."""
    votes, wanted = [], []
    width = max((len(lesson.intents) for lesson in lessons), default=0)
    for lesson in lessons:
        known = lesson.wanted >= 0
        own = lesson.signals.votes[known]
        room = ((0, 0), (0, width - own.shape[1]), (0, 0))
        votes.append(np.pad(own, room, constant_values=-50.0))
        wanted.append(lesson.wanted[known])
    if not sum(len(own) for own in wanted):
        return ()
    return fuse(np.concatenate(votes), np.concatenate(wanted))


def _contradicted(lessons: Sequence[_Lessons], fusion: Sequence[float]) -> float:
    """The share of rows whose label the heads hold for all but impossible: label noise."""
    found = []
    for lesson in lessons:
        known = lesson.wanted >= 0
        own, best = _shares(lesson.signals.votes[known], fusion, lesson.wanted[known])
        found.append((own < 0.05) & (best > 0.5))
    return float(np.concatenate(found).mean()) if found else 0.0


def _cleaned(table: Table, fusion: Sequence[float], tell: Progress) -> Table:
    """The table without the examples that the others contradict; no intent loses its last."""
    folds = _spread(table.owners, _NOISE_FOLDS)
    doubtful = np.zeros(len(table.texts), dtype=bool)
    for fold in range(_NOISE_FOLDS):
        tell(f"looking for wrong labels, {fold + 1} of {_NOISE_FOLDS}")
        learnt = table.subset(np.flatnonzero((folds != fold) | table.named))
        heads = Heads(learnt, few=table.few)
        rows = np.flatnonzero((folds == fold) & ~table.named)
        lesson = _ask(heads, table, rows)
        rows, known = rows[lesson.wanted >= 0], lesson.wanted >= 0
        own, best = _shares(lesson.signals.votes[known], fusion, lesson.wanted[known])
        doubtful[rows] = (own < 0.1) & (best > 0.4)
    for place in range(len(table.intents)):
        own = (table.owners == place) & ~table.named
        if doubtful[own].all():
            doubtful[own] = False
    return table.subset(np.flatnonzero(~doubtful))


def _shares(
    votes: NDArray[Any], fusion: Sequence[float], wanted: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The share of the wanted intent and that of the best, for each row."""
    scores = votes @ np.array(fusion)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares[np.arange(len(wanted)), wanted], shares.max(axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """How evidence is judged.

    `judge` are the judge's weights, `threshold` is the confidence below which a turn is about
    nothing known, and `reserve` is taken off the score of `out_of_scope`. `gain` tells how well
    that did in the rehearsals: the shares of known turns with the right intent first, of those
    answered with it at even odds, and of foreign turns refused there.
    """

    judge: tuple[float, ...]
    threshold: float
    reserve: float
    gain: float


def _fit_verdict(lessons: Sequence[_Lessons], fusion: Sequence[float]) -> _Verdict:
    """The judge, the threshold and the reserve that did best.

    As an intent among others `out_of_scope` takes turns of the known ones away, and needs not:
    a turn that is about nothing known is refused by the threshold too.
    """
    is_known = any(OUT_OF_SCOPE in lesson.intents for lesson in lessons)
    tried = [
        _verdict(lessons, fusion, reserve)
        for reserve in (_RESERVES if is_known else _RESERVES[:1])
    ]
    return max(tried, key=lambda verdict: verdict.gain)


def _verdict(lessons: Sequence[_Lessons], fusion: Sequence[float], reserve: float) -> _Verdict:
    """What is learnt with this reserve.

    Rows whose intent was left out weigh as a share of `_FOREIGN_SHARE` of all; the right
    answer to them is `out_of_scope`.
    """
    evidence: list[Evidence] = []
    right: list[int] = []
    foreign: list[bool] = []
    outside: list[bool] = []
    for lesson in lessons if fusion else ():
        scores = lesson.signals.votes @ np.array(fusion)
        scores -= reserve * np.array([name == OUT_OF_SCOPE for name in lesson.intents])
        for row, wanted in enumerate(lesson.wanted):
            facts = lesson.signals
            best = int(np.argmax(scores[row]))
            evidence.append(
                gather(
                    scores[row],
                    float(facts.fitness[row, best]),
                    float(facts.nearest[row]),
                    float(facts.known[row]),
                    float(facts.meaning[row]),
                )
            )
            outside.append(lesson.intents[best] == OUT_OF_SCOPE)
            right.append(int(best == wanted or (wanted < 0 and outside[-1])))
            foreign.append(wanted < 0 or lesson.intents[wanted] == OUT_OF_SCOPE)
    if len(set(right)) < 2:
        return _Verdict(judge=_BY_ODDS, threshold=_EVEN_THRESHOLD, reserve=reserve, gain=0.0)
    table = np.array([found.values() for found in evidence])
    unseen = np.concatenate([lesson.wanted < 0 for lesson in lessons])
    weight = np.ones(len(table))
    weight[unseen] = (~unseen).sum() / max(unseen.sum(), 1) * _FOREIGN_SHARE / (1 - _FOREIGN_SHARE)
    verdict = fit_judge(table, np.array(right), weight)
    sure = np.array([judge(verdict, found) for found in evidence])
    sure[np.array(outside)] = 0.0
    strange, hits = np.array(foreign), np.array(right, dtype=bool)
    threshold = _best_threshold(sure, strange)
    gain = 0.0
    if not strange.all():
        answered = hits & (sure >= _EVEN_THRESHOLD)
        gain += float(hits[~strange].mean() + answered[~strange].mean())
    real = strange & ~unseen
    gain += float((sure[real] < _EVEN_THRESHOLD).mean()) if real.any() else 0.0
    return _Verdict(judge=verdict, threshold=threshold, reserve=reserve, gain=gain)


def _best_threshold(sure: NDArray[Any], foreign: NDArray[Any]) -> float:
    """The confidence that keeps most turns of known intents and refuses most others.

    What is refused weighs `_REFUSING`: rehearsals ask about intents that were left out, which
    are nearer to the known ones than what customers say out of scope (with 74 to 84 % of them
    refused, it were 89 to 96 % of real ones).
    """
    if foreign.all() or not foreign.any():
        return _EVEN_THRESHOLD
    steps = np.unique(np.quantile(sure, np.linspace(0, 1, 101)))
    gains = [
        float((sure[~foreign] >= step).mean() + _REFUSING * (sure[foreign] < step).mean())
        for step in steps
    ]
    return round(float(steps[int(np.argmax(gains))]), 4)


def _spread(owners: NDArray[Any], folds: int, deal: int = 0) -> NDArray[Any]:
    """A fold for each row; an intent's examples are spread over all folds."""
    seen: Counter[int] = Counter()
    found = np.zeros(len(owners), dtype=np.int32)
    for place in _shuffled(len(owners), deal):
        owner = int(owners[place])
        found[place] = seen[owner] % folds
        seen[owner] += 1
    return found


def _hidden_intents(table: Table, turns: int, deal: int) -> NDArray[Any]:
    """For each intent the turn in which it is left out; none of few, never `out_of_scope`."""
    found = np.full(len(table.intents), -1)
    if len(found) < _LEAST_INTENTS_TO_HIDE:
        return found
    order = [
        place for place in _shuffled(len(found), deal) if table.intents[place] != OUT_OF_SCOPE
    ]
    for number, place in enumerate(order):
        found[place] = number % turns
    return found


def _sample(rows: NDArray[Any], most: int) -> NDArray[Any]:
    if len(rows) <= most:
        return rows
    return np.sort(rows[_shuffled(len(rows))[:most]])


def _shuffled(count: int, deal: int = 0) -> NDArray[np.int64]:
    order: NDArray[np.int64] = np.random.default_rng(_SEED + deal).permutation(count)
    return order
