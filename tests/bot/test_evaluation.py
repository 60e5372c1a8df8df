"""Evaluation: the figures against counts made by hand, and the files it reads."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contract import Understanding
from bot.evaluation import IntentFigures, measure
from bot.recognise import Recogniser
from bot.samples import read_samples, sample
from bot.training import Row
from intents.errors import CatalogueError


class Told:
    """A recogniser that was told its answers; a port of what `measure` asks."""

    def __init__(self, answers: Mapping[str, tuple[str | None, float]], threshold: float) -> None:
        self._answers = answers
        self._threshold = threshold

    def recognise(self, text: str) -> Understanding:
        intent, confidence = self._answers[text]
        return Understanding(intent=intent, confidence=confidence)

    def threshold(self, text: str) -> float:
        return self._threshold


def row(text: str, intent: str) -> Row:
    return Row(text=text, intent=intent, language="en")


ANSWERS = {
    "a1": ("a", 0.9),
    "a2": ("a", 0.4),
    "a3": ("b", 0.8),
    "b1": ("b", 1.0),
    "x1": ("out_of_scope", 0.7),
    "x2": ("a", 0.85),
    "x3": (None, 0.0),
    "x4": ("b", 0.4),
}
ROWS = [row(text, {"a": "a", "b": "b", "x": "out_of_scope"}[text[0]]) for text in ANSWERS]


def test_figures() -> None:
    found = measure(Told(ANSWERS, 0.5), ROWS)
    assert (found.total, found.foreign, found.accuracy) == (4, 4, 0.75)
    point = found.at_threshold
    assert (point.threshold, point.answered, point.right) == (0.5, 0.75, 0.5)
    assert (point.refused, point.precision) == (0.75, 0.75)
    # Pairs of a sentence in scope and one out of it: 16; in order 12, tied (a2, x4) 1.
    assert found.auroc == (4 + 2.5 + 3 + 4) / 16
    assert [(f.intent, f.total, f.right, f.taken) for f in found.intents] == [
        ("a", 3, 2, 3),
        ("b", 1, 1, 3),
        ("out_of_scope", 4, 1, 1),
    ]
    assert [c.text for c in found.confusions] == ["a3", "x2", "x3", "x4"]
    assert [(b.low, b.count, b.right) for b in found.bins] == [
        (0.0, 1, 0.0), (0.4, 2, 0.5), (0.7, 1, 1.0), (0.8, 2, 0.0), (0.9, 2, 1.0),
    ]  # fmt: skip
    assert [p.threshold for p in found.curve[::10]] == [0.0, 0.5, 1.0]
    assert found.curve[10] == point
    assert found.curve[0].refused == 0.5  # what has no intent is never answered
    assert 0 <= found.p50_ms <= found.p99_ms


def test_figures_of_an_intent() -> None:
    figures = IntentFigures(intent="a", total=4, right=2, taken=8)
    assert (figures.recall, figures.precision) == (0.5, 0.25)
    assert figures.f1 == pytest.approx(1 / 3)
    never = IntentFigures(intent="a", total=1, right=0, taken=0)
    assert (never.recall, never.precision, never.f1) == (0.0, 1.0, 0.0)


def test_without_foreign_sentences_there_is_no_curve_to_measure() -> None:
    found = measure(Told(ANSWERS, 0.5), ROWS[:4])
    assert found.auroc is None
    assert found.at_threshold.refused == 1.0
    assert measure(Told(ANSWERS, 0.5), ROWS[4:]).accuracy is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=1, max_size=40))
def test_the_area_is_the_chance_of_the_right_order(given: list[tuple[bool, int]]) -> None:
    answers = {str(n): ("a", figure / 10) for n, (_, figure) in enumerate(given)}
    rows = [row(str(n), "a" if own else "out_of_scope") for n, (own, _) in enumerate(given)]
    own = [figure for mine, figure in given if mine]
    foreign = [figure for mine, figure in given if not mine]
    found = measure(Told(answers, 0.5), rows).auroc
    if not own or not foreign:
        assert found is None
        return
    order = sum((a > b) + (a == b) / 2 for a in own for b in foreign)
    assert found == pytest.approx(order / len(own) / len(foreign))


def test_a_higher_threshold_never_answers_more(recogniser: Recogniser) -> None:
    rows = [row("hello", "greet"), row("refund please", "refund"), row("dance", "out_of_scope")]
    curve = measure(recogniser, rows).curve
    assert [p.answered for p in curve] == sorted((p.answered for p in curve), reverse=True)
    assert [p.refused for p in curve] == sorted(p.refused for p in curve)


def test_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lines = [
        {"text": "hello", "intent": "greet", "split": "train", "extra": 1},
        {"text": "bye", "intent": "leave", "split": "test", "lang": "en"},
        {"text": "sing", "intent": "chat", "oos": True, "split": "train"},
        {"text": "dance", "intent": "__oos__", "split": "train"},
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n", "utf-8")
    assert [r.intent for r in read_samples(file)] == [
        "greet", "leave", "out_of_scope", "out_of_scope",
    ]  # fmt: skip
    assert [r.text for r in read_samples(file, split="test")] == ["bye"]
    assert len(sample(read_samples(file), 1)) == 3
    with pytest.raises(CatalogueError, match="no sentence with `split` 'valid'"):
        read_samples(file, split="valid")


def test_rasa_files(tmp_path: Path) -> None:
    file = tmp_path / "nlu.yml"
    file.write_text(
        'version: "3.1"\nnlu:\n- intent: refund\n  examples: |\n    - money back\n'
        "    - refund [T-1](ticket)\n- intent: out_of_scope\n  examples: |\n    - sing\n",
        "utf-8",
    )
    assert [(r.text, r.intent, r.language) for r in read_samples(file)] == [
        ("money back", "refund", "en"),
        ("refund T-1", "refund", "en"),
        ("sing", "out_of_scope", "en"),
    ]
    assert {r.language for r in read_samples(file, language="zh")} == {"zh"}
    with pytest.raises(CatalogueError, match="YAML, which has no `split`"):
        read_samples(file, split="train")


def test_a_product_name_makes_no_second_language(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    texts = ["VPN", *(f"怎么退款{n}" for n in range(15))]
    file.write_text("\n".join(json.dumps({"text": t, "intent": "a"}) for t in texts), "utf-8")
    assert {r.language for r in read_samples(file)} == {"zh"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"text": "a", "intent": "b"}\n{"text": ', r":2: is not JSON"),
        (b"[1]", r":1: must be an object"),
        (b'{"intent": "b"}', r":1: `text` must be text"),
        (b'{"text": "a", "intent": " "}', r":1: `intent` must be text"),
        (b'{"text": "a", "intent": "b", "oos": 1}', r":1: `oos` must be true or false"),
        (b'{"text": "a", "intent": "b", "lang": "fr"}', r":1: `lang` must be zh or en"),
        (b'{"text": "a", "intent": "b"}\n\xff\xfe', r":2: is not UTF-8"),
        (b"[" * 100_000, r":1: is not JSON"),
        (b"", r"has no sentence; check the file"),
    ],
)
def test_bad_files_are_refused_with_their_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_bytes(content)
    with pytest.raises(CatalogueError, match=message):
        read_samples(file)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read"):
        read_samples(tmp_path / "none.jsonl")
