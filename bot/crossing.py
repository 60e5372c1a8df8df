"""Cross-validation: each example is recognised by a model that has not learnt it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bot.contract import Understanding
from bot.encoder import Encoder
from bot.evaluation import Evaluation, measure
from bot.recognise import Recogniser
from bot.training import Row, train_rows

_STEPS = 18


class _Folds:
    """Recognises each example by the model of the fold that left it out."""

    def __init__(self, models: Sequence[Recogniser], folds: Mapping[str, int]) -> None:
        self._models = models
        self._folds = folds

    def recognise(self, text: str) -> Understanding:
        return self._models[self._folds[text]].recognise(text)

    def threshold(self, text: str) -> float:
        return self._models[self._folds[text]].threshold(text)


def cross_validate(
    rows: Sequence[Row],
    folds: int,
    encoder: Encoder | None = None,
    tell: Callable[[str, float], None] | None = None,
) -> Evaluation:
    """Measure how well examples are recognised by models that were trained without them.

    Args:
        rows: the examples of a catalogue; every fold holds some of each intent that has enough.
        folds: how many models are trained, at least 2.
        encoder: has a vote.
        tell: is told what is being done, and what share of it is done.

    Raises:
        BotError: no language has examples of two intents.
    """
    dealt = _deal(rows, folds)
    models = []
    for fold in range(folds):
        steps = 0

        def said(step: str, fold: int = fold) -> None:
            nonlocal steps
            steps += 1
            if tell is not None:
                part = min(steps / _STEPS, 0.99)
                tell(f"cross-validation {fold + 1} of {folds}: {step}", (fold + part) / folds)

        learnt = [row for row in rows if dealt[row.text] != fold]
        models.append(train_rows(learnt, f"fold {fold + 1}", encoder, said))
    return measure(_Folds(models, dealt), rows)


def _deal(rows: Sequence[Row], folds: int) -> dict[str, int]:
    """A fold for each text; those of one intent and language are spread over all."""
    seen: Counter[tuple[str, str]] = Counter()
    dealt: dict[str, int] = {}
    for row in rows:
        if row.text not in dealt:
            key = (row.intent, row.language)
            dealt[row.text] = seen[key] % folds
            seen[key] += 1
    return dealt
