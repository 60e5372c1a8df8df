"""The gate: what holds a draft back, as a table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.gate import GateSettings, judge

SETTINGS = GateSettings()


def failure(text: str, expected: str, *, new: bool = True) -> dict[str, Any]:
    return {"text": text, "expected": expected, "recognised": "x", "new": new}


def figures(
    accuracy: float | None = 0.9, refused: float | None = 0.9, **recalls: float
) -> dict[str, Any]:
    rows = [{"intent": name, "total": 5, "recall": value} for name, value in recalls.items()]
    return {
        "accuracy": accuracy,
        "refused": refused,
        "intents": rows,
        "known": list(recalls),
        "failures": [
            failure("a", "refund"),
            failure("b", "refund", new=False),
            failure("c", "out_of_scope"),
        ],
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (figures(), figures(), []),
        (figures(0.9), figures(0.891), []),
        (figures(0.9), figures(0.88), [("accuracy", None)]),
        (figures(0.9, 0.9), figures(0.9, 0.84), [("refusal", None)]),
        (figures(0.9, None), figures(0.9, 0.1), []),
        (figures(refund=1.0), figures(refund=0.8), []),
        (figures(refund=1.0), figures(refund=0.6), [("recall", "refund")]),
        (figures(), figures(novel=0.6), []),
        (figures(), figures(novel=0.4), [("recall", "novel")]),
        (figures(out_of_scope=1.0), figures(out_of_scope=0.0), []),
        (figures(0.9), figures(0.5, refund=0.1), [("accuracy", None), ("recall", "refund")]),
    ],
)
def test_what_holds_a_draft_back(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, str | None]]
) -> None:
    found = judge(SETTINGS, draft=after, published=before)
    assert [(refusal.rule.value, refusal.intent) for refusal in found] == expected


def test_the_first_version_has_nothing_to_fall_from() -> None:
    assert judge(SETTINGS, draft=figures(0.1, 0.1, refund=0.0), published=None) == []


def test_sentences_that_the_published_version_knows_are_named() -> None:
    (accuracy,) = judge(SETTINGS, draft=figures(0.5), published=figures(0.9))
    assert [row["text"] for row in accuracy.sentences] == ["a"]
    (refusal,) = judge(SETTINGS, draft=figures(0.9, 0.5), published=figures(0.9, 0.9))
    assert [row["text"] for row in refusal.sentences] == ["c"]


def test_saved_conversations_count_while_the_setting_says_so() -> None:
    tests = [{"name": "A", "passed": True}, {"name": "B", "passed": False}]
    (found,) = judge(SETTINGS, draft=figures(), published=None, tests=tests)
    assert [row["name"] for row in found.sentences] == ["B"]
    without = GateSettings(run_tests=False)
    assert judge(without, draft=figures(), published=None, tests=tests) == []


shares = st.floats(0, 1)


@given(before=shares, after=shares, drop=shares)
def test_what_does_not_fall_passes_and_a_wider_margin_never_refuses_more(
    before: float, after: float, drop: float
) -> None:
    def refused(margin: float) -> bool:
        settings = GateSettings(accuracy_drop=margin)
        return bool(judge(settings, draft=figures(after), published=figures(before)))

    if after >= before:
        assert not refused(drop)
    if refused(drop):
        assert refused(drop / 2)
