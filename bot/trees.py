"""Walks guided diagnoses (H1.6, H1.7), and describes them so that they can be drawn; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from intents.model import Outcome, Tree, TreeNode
from intents.text import normalise_text

TREE_PAYLOAD = "/tree/"
HELPED, NOT_HELPED = "yes", "no"
_ORDINAL = re.compile(r"(?:第|选|no\.? ?|#|\()?([1-9]|[一二三四五六七八九])(?:个|项|条|[.)、。])?")
_DIGITS = "一二三四五六七八九"
_NOT_YET = re.compile(
    r"还是|仍然|依然|没(?:有)?(?:用|好|解决|变化|恢复)|不行|不好|未解决|没能|照样|无效"
    r"|\b(?:no|nope|not|still|doesn['’]?t|didn['’]?t|same)\b"
)
_SOLVED = re.compile(
    r"好了|可以了|解决了|行了|恢复了|能(?:上|用)了|正常了|搞定|^(?:是|是的|对|对的|有用|好的)$"
    r"|\b(?:yes|yep|yeah|works|working|fixed|solved|helped|thanks)\b"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step along a tree: where it leads, and how the answer reads.

    `target` is None when the tree has ended with a helpful fix.
    """

    target: str | None
    answer: str


def payload_of(tree: Tree, node: TreeNode, choice: int | str) -> str:
    """What the button for a choice sends."""
    return f"{TREE_PAYLOAD}{tree.name}/{node.id}/{choice}"


def answer_node(
    tree: Tree,
    node: TreeNode,
    *,
    text: str,
    payload: str | None,
    language: str,
    dates: tuple[str, ...] = (),
    today: date,
) -> Step | None:
    """Return where the customer's answer leads; None when it answers nothing.

    Args:
        tree: the tree that is walked.
        node: the node that asked.
        text: what the customer wrote.
        payload: of the pressed button.
        language: `zh` or `en`, for the wording of the answer.
        dates: dates found in the text (ISO 8601, possibly without day or month).
        today: from which years are counted.
    """
    own = f"{TREE_PAYLOAD}{tree.name}/{node.id}/"
    pressed = payload.removeprefix(own) if payload and payload.startswith(own) else None
    if node.outcome is Outcome.FIX:
        return _helped(node, pressed, text)
    if node.years is not None:
        return _dated(node, dates, today)
    number = _chosen(node, pressed, text)
    if number is None:
        return None
    choice = node.choices[number]
    return Step(choice.to, choice.title[language])


def _helped(node: TreeNode, pressed: str | None, text: str) -> Step | None:
    flat = normalise_text(text)
    if pressed == NOT_HELPED or (pressed is None and _NOT_YET.search(flat)):
        return Step(node.otherwise, NOT_HELPED)
    if pressed == HELPED or (pressed is None and _SOLVED.search(flat)):
        return Step(None, HELPED)
    return None


def _dated(node: TreeNode, dates: tuple[str, ...], today: date) -> Step | None:
    """Both ends of an inexact date must agree; a day to come answers nothing."""
    for said in dates:
        first, last = _bounds(said)
        if first > today:
            continue
        sides = {_within(day, node.years or 0, today) for day in (first, min(last, today))}
        if len(sides) == 1:
            return Step(node.within if sides.pop() else node.beyond, said)
    return None


def _bounds(said: str) -> tuple[date, date]:
    parts = [int(part) for part in said.split("-")]
    year, month = parts[0], parts[1] if len(parts) > 1 else None
    if len(parts) > 2:
        day = date(*parts)
        return day, day
    if month is None:
        return date(year, 1, 1), date(year, 12, 31)
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), date.fromordinal(following.toordinal() - 1)


def _within(day: date, years: int, today: date) -> bool:
    try:
        end = day.replace(year=day.year + years)
    except ValueError:  # 29 February
        end = day.replace(year=day.year + years, day=28)
    return today <= end


def _chosen(node: TreeNode, pressed: str | None, text: str) -> int | None:
    """The position of the choice: pressed, typed as number or title, or by its words."""
    count = len(node.choices)
    if pressed is not None:
        return int(pressed) if pressed.isdecimal() and int(pressed) < count else None
    said = normalise_text(text)
    if not said:
        return None
    ordinal = _ORDINAL.fullmatch(said)
    if ordinal is not None:
        figure = ordinal[1]
        place = _DIGITS.index(figure) if figure in _DIGITS else int(figure) - 1
        return place if place < count else None
    for number, choice in enumerate(node.choices):
        if said in {normalise_text(title) for title in choice.title.values()}:
            return number
    hits = [
        number
        for number, choice in enumerate(node.choices)
        if any(
            _holds(said, normalise_text(word))
            for words in (choice.title.values(), *choice.words.values())
            for word in words
        )
    ]
    return hits[0] if len(hits) == 1 else None


def _holds(said: str, word: str) -> bool:
    if word.isascii():
        return re.search(rf"\b{re.escape(word)}\b", said) is not None
    return word in said


def describe_tree(tree: Tree, language: str) -> dict[str, Any]:
    """Return a tree as nodes and edges, enough to draw it.

    Args:
        tree: the tree.
        language: `zh` or `en`, of the labels.

    Returns:
        `{"name", "title", "start", "nodes": [{"id", "kind", "label"}], "edges": [{"from", "to",
        "label"}]}`; a node's kind is `question`, `date`, `fix`, `ticket` or `reply`.
    """
    nodes = [
        {"id": node.id, "kind": _kind(node), "label": node.text[language]}
        for node in tree.nodes.values()
    ]
    edges = [
        {"from": node.id, "to": target, "label": label}
        for node in tree.nodes.values()
        for target, label in _edges(node, language)
    ]
    return {
        "name": tree.name,
        "title": tree.title[language],
        "start": tree.start,
        "nodes": nodes,
        "edges": edges,
    }


def _kind(node: TreeNode) -> str:
    if node.outcome is not None:
        return node.outcome.value
    return "question" if node.years is None else "date"


def _edges(node: TreeNode, language: str) -> list[tuple[str, str]]:
    found = [(choice.to, choice.title[language]) for choice in node.choices]
    if node.years is not None and node.within is not None and node.beyond is not None:
        within, beyond = _YEARS[language]
        found += [
            (node.within, within.format(node.years)),
            (node.beyond, beyond.format(node.years)),
        ]
    if node.otherwise is not None:
        found.append((node.otherwise, _NO[language]))
    return found


_NO: Mapping[str, str] = {"zh": "没有解决", "en": "did not help"}
_YEARS: Mapping[str, tuple[str, str]] = {
    "zh": ("{} 年以内", "超过 {} 年"),
    "en": ("within {} years", "more than {} years"),
}
