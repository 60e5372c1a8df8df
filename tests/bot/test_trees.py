"""Guided diagnoses: every path of the shipped trees ends, answers by words, dates, drawing."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import pytest

from bot.trees import NOT_HELPED, TREE_PAYLOAD, answer_node, describe_tree, payload_of
from intents.model import Catalogue, Outcome, Tree, TreeNode

TODAY = date(2026, 11, 26)


def tree_of(catalogue: Catalogue, name: str) -> Tree:
    return next(tree for tree in catalogue.trees if tree.name == name)


def paths(tree: Tree, name: str, past: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every way from a node to an end, as the nodes along it."""
    node = tree.nodes[name]
    here = (*past, name)
    if not node.targets():
        yield here
    if node.outcome is Outcome.FIX:
        yield (*here, "solved")
    for target in node.targets():
        yield from paths(tree, target, here)


def go(tree: Tree, node: TreeNode, target: str) -> str | None:
    """Presses what leads to the target."""
    if node.years is not None:
        said = "2025-01-01" if target == node.within else "2020-01-01"
        step = answer_node(
            tree, node, text="", payload=None, language="zh", dates=(said,), today=TODAY
        )
    else:
        if node.outcome is Outcome.FIX:
            choice: int | str = "yes" if target == "solved" else NOT_HELPED
        else:
            choice = next(n for n, each in enumerate(node.choices) if each.to == target)
        step = answer_node(
            tree,
            node,
            text="x",
            payload=payload_of(tree, node, choice),
            language="en",
            today=TODAY,
        )
    assert step is not None
    return step.target


@pytest.mark.parametrize("name", ["broadband", "eseal_warranty"])
def test_every_path_ends_in_a_fix_a_ticket_or_a_reply(shipped: Catalogue, name: str) -> None:
    tree = tree_of(shipped, name)
    ends = set()
    seen = set()
    for path in paths(tree, tree.start):
        seen |= set(path)
        for here, target in pairwise(path):
            reached = go(tree, tree.nodes[here], target)
            assert reached == (None if target == "solved" else target)
        last = tree.nodes.get(path[-1])
        assert last is None or last.outcome is not None
        assert len(path) <= 8
        ends.add(path[-1])
    assert seen - {"solved"} == set(tree.nodes)
    assert {tree.nodes[end].outcome for end in ends - {"solved"}} >= {
        Outcome.TICKET,
        Outcome.REPLY,
    }


@pytest.mark.parametrize(
    ("node", "text", "target"),
    [
        ("symptom", "光猫亮红灯", "modem"),
        ("symptom", "2", "router"),
        ("symptom", "第三个", "computer"),
        ("symptom", "my wifi does not work", "router"),
        ("symptom", "None of these", "engineer"),
        ("symptom", "密码错误", "account"),
        ("symptom", "九", None),
        ("symptom", "今天天气不错", None),
        ("symptom", "光猫和路由器都坏了", None),
        ("router", "可以", "router_kind"),
        ("router", "no", "modem_reset"),
        ("modem_reset", "还是不行", "modem_broken"),
        ("modem_reset", "it still doesn't work", "modem_broken"),
        ("modem_reset", "怎么重启", None),
    ],
)
def test_answers_in_words(shipped: Catalogue, node: str, text: str, target: str | None) -> None:
    tree = tree_of(shipped, "broadband")
    step = answer_node(tree, tree.nodes[node], text=text, payload=None, language="zh", today=TODAY)
    assert (None if step is None else step.target) == target


@pytest.mark.parametrize("text", ["好了，可以上网了", "yes it works", "解决了", "是的"])
def test_a_fix_that_helped_ends_the_tree(shipped: Catalogue, text: str) -> None:
    tree = tree_of(shipped, "broadband")
    step = answer_node(
        tree, tree.nodes["modem_reset"], text=text, payload=None, language="zh", today=TODAY
    )
    assert step is not None
    assert (step.target, step.answer) == (None, "yes")


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("2023-11-26", "free"),
        ("2023-11-25", "list_price"),
        ("2024-02-29", "free"),
        ("2024", "free"),
        ("2022", "list_price"),
        ("2023", None),
        ("2023-11", None),
        ("2023-10", "list_price"),
        ("2023-12", "free"),
        ("2026-11", "free"),
        ("2027-01-01", None),
    ],
)
def test_the_warranty_of_three_years(shipped: Catalogue, said: str, target: str | None) -> None:
    tree = tree_of(shipped, "eseal_warranty")
    step = answer_node(
        tree,
        tree.nodes["applied"],
        text="",
        payload=None,
        language="zh",
        dates=(said,),
        today=TODAY,
    )
    assert (None if step is None else step.target) == target


def test_a_foreign_button_answers_nothing(shipped: Catalogue) -> None:
    tree = tree_of(shipped, "broadband")
    for payload in (f"{TREE_PAYLOAD}broadband/symptom/99", f"{TREE_PAYLOAD}broadband/symptom/x"):
        step = answer_node(
            tree, tree.nodes["symptom"], text="", payload=payload, language="zh", today=TODAY
        )
        assert step is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_description_is_enough_to_draw_it(shipped: Catalogue, language: str) -> None:
    tree = tree_of(shipped, "eseal_warranty")
    drawn = describe_tree(tree, language)
    ids = {node["id"] for node in drawn["nodes"]}
    assert drawn["start"] in ids
    assert {node["kind"] for node in drawn["nodes"]} == {"question", "date", "reply", "ticket"}
    assert all(node["label"] for node in drawn["nodes"])
    assert len(drawn["edges"]) == sum(len(n.targets()) for n in tree.nodes.values())
    assert all(e["from"] in ids and e["to"] in ids and e["label"] for e in drawn["edges"])
