"""Fits the linear heads, their fusion and the judge; used in training only (needs SciPy).

Everything is deterministic: no sampling, fixed starting points, fixed numbers of rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.postings import Floats

Objective = Callable[[Floats], tuple[float, Floats]]
_REMEMBERED_STEPS = 5
_SMALLEST_STEP = 1e-4


def softmax_regression(
    matrix: Any, targets: Floats, *, strength: float, rounds: int
) -> tuple[Floats, Floats]:
    """Weights and constants of a multinomial logistic regression.

    Starts from scaled class sums, from where a third of the rounds suffices.

    Args:
        matrix: examples by feature, sparse or dense, float32.
        targets: examples by class: 1 at the example's class.
        strength: inverse of the regularisation, as scikit-learn's `C`.
        rounds: L-BFGS rounds.
    """
    width, classes = matrix.shape[1], targets.shape[1]
    flipped = matrix.T.tocsr() if hasattr(matrix, "tocsr") else matrix.T
    start: Floats = 3 * (flipped @ targets) / np.sqrt(np.maximum(targets.sum(0), 1))
    start -= start.mean(axis=1, keepdims=True)

    def objective(point: Floats) -> tuple[float, Floats]:
        weights = point[: width * classes].reshape(width, classes)
        scores = matrix @ weights + point[width * classes :]
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        totals = shares.sum(axis=1, keepdims=True)
        loss = -float((targets * (scores - np.log(totals))).sum())
        loss += 0.5 / strength * float(np.vdot(weights, weights))
        missed = shares / totals - targets
        slope = flipped @ missed + weights / np.float32(strength)
        return loss, np.concatenate([slope.ravel(), missed.sum(axis=0)])

    begin = np.concatenate([start.ravel(), np.zeros(classes, np.float32)]).astype(np.float32)
    best = descend(objective, begin, rounds)
    return best[: width * classes].reshape(width, classes), best[width * classes :]


def descend(objective: Objective, point: Floats, rounds: int) -> Floats:
    """L-BFGS with backtracking, in float32: half the memory of SciPy's, and twice as fast."""
    loss, slope = objective(point)
    steps: list[tuple[Floats, Floats]] = []
    for _ in range(rounds):
        way = _direction(slope, steps)
        fall = float(np.dot(slope, way))
        size = 1.0
        while True:
            there = point - np.float32(size) * way
            new_loss, new_slope = objective(there)
            if new_loss <= loss - 1e-4 * size * fall or size < _SMALLEST_STEP:
                break
            size /= 2
        if new_loss > loss:
            break
        step, change = there - point, new_slope - slope
        if float(np.dot(step, change)) > 1e-10:
            steps = [*steps, (step, change)][-_REMEMBERED_STEPS:]
        point, loss, slope = there, new_loss, new_slope
    return point


def _direction(slope: Floats, steps: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The inverse curvature, as the last steps tell it, times the slope."""
    way = slope.copy()
    shares = []
    for step, change in reversed(steps):
        scale = 1 / np.dot(step, change)
        share = scale * np.dot(step, way)
        shares.append((scale, share, step, change))
        way -= share * change
    if steps:
        step, change = steps[-1]
        way *= np.dot(step, change) / np.dot(change, change)
    else:
        way /= 3 * max(1.0, float(np.linalg.norm(slope)))
    for scale, share, step, change in reversed(shares):
        way += step * (share - scale * np.dot(change, way))
    return way


def ridge_regression(matrix: Any, targets: Floats) -> Floats:
    """Weights of a least-squares classifier, solved over pairs of examples: for few of them."""
    gram = (matrix @ matrix.T).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += 1.0
    centred = targets - targets.mean(axis=0)
    solved = np.linalg.solve(gram, centred).astype(np.float32)
    weights: Floats = np.asarray(matrix.T @ solved, dtype=np.float32)
    return weights


def fuse(signals: NDArray[Any], owners: NDArray[Any]) -> tuple[float, ...]:
    """Weights, none negative, that make the sum of signals tell the right class best.

    Args:
        signals: by lesson, class and signal; the first signal is trusted from the start.
        owners: the right class of each lesson.
    """
    from scipy.optimize import minimize

    count = signals.shape[2]
    start = np.eye(1, count)[0]
    rows = np.arange(len(owners))

    def objective(weights: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        scores = signals @ weights
        scores = scores - scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        totals = shares.sum(axis=1, keepdims=True)
        loss = -float((scores[rows, owners] - np.log(totals[:, 0])).mean())
        missed = shares / totals
        missed[rows, owners] -= 1
        slope = np.einsum("lc,lcs->s", missed, signals) / len(owners)
        away = weights - start
        return loss + 0.02 * float(away @ away), slope + 0.04 * away

    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * count)
    return tuple(float(weight) for weight in found.x)


def fit_judge(table: NDArray[Any], right: NDArray[Any], weight: NDArray[Any]) -> tuple[float, ...]:
    """The constant and the weights of a logistic regression without negative weights.

    More evidence must never make the judge less sure, so an input that would gets weight 0.

    Args:
        table: lessons by kind of evidence.
        right: whether the best intent was right, 0 or 1.
        weight: how much each lesson counts.
    """
    from scipy.optimize import minimize

    scale = table.std(axis=0) + 1e-6
    scaled = np.column_stack([np.ones(len(table)), table / scale])

    def objective(point: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        odds = scaled @ point
        loss = float((weight * (np.logaddexp(0, odds) - right * odds)).sum())
        missed = weight * (1 / (1 + np.exp(-odds)) - right)
        slope = scaled.T @ missed
        slope[1:] += point[1:]
        return loss + 0.5 * float(point[1:] @ point[1:]), slope

    bounds = [(None, None)] + [(0, None)] * table.shape[1]
    found = minimize(
        objective, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds
    )
    constant, *weights = (float(value) for value in found.x)
    return (constant, *(value / float(size) for value, size in zip(weights, scale, strict=True)))
