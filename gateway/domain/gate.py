"""The gate: whether a draft may be published, judged by what its checks say; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

OUT_OF_SCOPE = "out_of_scope"
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """How far figures may fall; shares from 0 to 1.

    Draft and published version answer the same sentences: the draft's held-out checks.

    Args:
        accuracy_drop: of all held-out sentences of real intents.
        recall_drop: of one intent's.
        refusal_drop: of the sentences out of scope that must be refused.
        recall_floor: what the recall of an intent that is new must reach.
        run_tests: whether a conversation saved as a test must go as expected.
    """

    accuracy_drop: float = 0.01
    recall_drop: float = 0.2
    refusal_drop: float = 0.05
    recall_floor: float = 0.5
    run_tests: bool = True


class GateRule(StrEnum):
    """What a refusal is about."""

    FINDINGS = "findings"  # mistakes in the catalogue; cannot be overridden
    ACCURACY = "accuracy"
    RECALL = "recall"
    REFUSAL = "refusal"
    TESTS = "tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason against publishing, with the sentences behind it.

    `before` and `after` are the published version's figure and the draft's, `limit` the least
    that would pass; None where the reason is no figure.
    """

    rule: GateRule
    intent: str | None = None
    before: float | None = None
    after: float | None = None
    limit: float | None = None
    sentences: tuple[Mapping[str, Any], ...] = ()


def judge(
    settings: GateSettings,
    *,
    draft: Mapping[str, Any],
    published: Mapping[str, Any] | None,
    tests: Sequence[Mapping[str, Any]] = (),
) -> list[Refusal]:
    """Return the reasons against publishing; none when the draft may pass.

    Args:
        settings: the margins.
        draft: the figures of the draft, as `bot.lab` gives them.
        published: those of the published version on the same sentences; None when there is
            none, and then nothing can fall.
        tests: how the saved conversations went.
    """
    found: list[Refusal] = []
    if published is not None:
        found += _fallen(settings, draft, published)
        found += _recall(settings, draft, published)
    failed = tuple(test for test in tests if not test["passed"])
    if failed and settings.run_tests:
        found.append(Refusal(rule=GateRule.TESTS, sentences=failed))
    return found


def _fallen(
    settings: GateSettings, draft: Mapping[str, Any], published: Mapping[str, Any]
) -> Iterator[Refusal]:
    pairs = (
        (GateRule.ACCURACY, "accuracy", settings.accuracy_drop),
        (GateRule.REFUSAL, "refused", settings.refusal_drop),
    )
    for rule, figure, drop in pairs:
        before, after = published[figure], draft[figure]
        if before is None or after is None or after >= before - drop - _TOLERANCE:
            continue
        foreign = rule is GateRule.REFUSAL
        yield Refusal(
            rule=rule,
            before=before,
            after=after,
            limit=max(before - drop, 0.0),
            sentences=tuple(
                row
                for row in draft["failures"]
                if row["new"] and (row["expected"] == OUT_OF_SCOPE) == foreign
            ),
        )


def _recall(
    settings: GateSettings, draft: Mapping[str, Any], published: Mapping[str, Any]
) -> Iterator[Refusal]:
    """Intents whose recall fell, and new ones that are hardly recognised."""
    recalls = {row["intent"]: row["recall"] for row in published["intents"]}
    for row in draft["intents"]:
        name = row["intent"]
        if not row["total"] or name == OUT_OF_SCOPE:
            continue
        before = recalls.get(name) if name in published["known"] else None
        limit = settings.recall_floor if before is None else before - settings.recall_drop
        if row["recall"] >= limit - _TOLERANCE:
            continue
        yield Refusal(
            rule=GateRule.RECALL,
            intent=name,
            before=before,
            after=row["recall"],
            limit=max(limit, 0.0),
            sentences=tuple(f for f in draft["failures"] if f["expected"] == name),
        )
