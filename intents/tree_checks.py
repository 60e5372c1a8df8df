"""Judges guided diagnoses: what leads nowhere, in a circle, or lacks its words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intents.findings import Finding, error, warning
from intents.model import Catalogue, Outcome, Tree, TreeNode
from intents.trees import KINDS, LANGUAGES, SEVERITIES

_NAMES = {"zh": ("Chinese", "中文"), "en": ("English", "英文")}


def check_tree(tree: Tree, catalogue: Catalogue) -> Iterator[Finding]:
    """Yield what is wrong with a diagnosis."""
    place = f"tree {tree.name}"
    for number, intent in enumerate(tree.intents):
        if intent not in catalogue.intent_names():
            yield no_such_intent(place, intent, f"/intents/{number}")
    yield from _check_words(place, tree.title, "/title", whose="the title", zh="标题")
    if tree.start not in tree.nodes:
        yield error(
            place,
            f"it starts at {tree.start!r}, which is no node",
            "choose where it starts",
            zh=f"起点 {tree.start} 不是节点；请选一个起点",
            at="/start",
        )
    yield from _check_ways(tree)
    for node in tree.nodes.values():
        yield from _check_node(tree, node, catalogue)
    if not any(node.outcome is Outcome.TICKET for node in tree.nodes.values()):
        yield warning(
            place,
            "no path ends in a ticket",
            "add one for who is not helped",
            zh="没有一条路通向工单；请为没解决问题的客户加一个",
        )


def _check_ways(tree: Tree) -> Iterator[Finding]:
    """Every node is reached, and no way leads in a circle."""
    place = f"tree {tree.name}"
    leads = {node.id: set(node.targets()) & tree.nodes.keys() for node in tree.nodes.values()}
    for circle in circles(leads):
        yield error(
            place,
            f"it leads in a circle: {' → '.join(circle)}",
            "let one of these nodes end in a fix, a ticket or a reply",
            zh=f"它在兜圈子：{' → '.join(circle)}；请让其中一个节点以办法、工单或回答结束",
            at=f"/nodes/{circle[-2]}",
        )
    reached = _reached(tree.start, leads)
    for name in tree.nodes:
        if name not in reached:
            yield warning(
                place,
                f"node {name!r} cannot be reached",
                "lead to it or remove it",
                zh=f"走不到节点 {name}；请让别的节点通向它，或删去",
                at=f"/nodes/{name}",
            )


def _check_node(tree: Tree, node: TreeNode, catalogue: Catalogue) -> Iterator[Finding]:
    place, at = f"tree {tree.name}", f"/nodes/{node.id}"
    yield from _check_words(
        place, node.text, f"{at}/text", whose=f"node {node.id!r}", zh=f"节点 {node.id} "
    )
    for target, where in _targets(node):
        if not target:
            yield error(
                place,
                f"an answer of node {node.id!r} leads nowhere",
                "choose where it leads",
                zh=f"节点 {node.id} 有个回答没有去处；请选一个",
                at=f"{at}{where}",
            )
        elif target not in tree.nodes:
            yield error(
                place,
                f"node {node.id!r} leads to {target!r}, which is no node",
                "choose where it leads",
                zh=f"节点 {node.id} 通向 {target}，而那不是节点；请选一个去处",
                at=f"{at}{where}",
            )
    yield from _check_form_of(tree, node)
    slugs = {article.slug for article in catalogue.articles}
    if node.article is not None and slugs and node.article not in slugs:
        yield error(
            place,
            f"the article {node.article!r} of node {node.id!r} does not exist",
            "correct it",
            zh=f"节点 {node.id} 的文章 {node.article} 不存在；请改正",
            at=f"{at}/article",
        )
    for number, choice in enumerate(node.choices):
        yield from _check_words(
            place,
            choice.title,
            f"{at}/choices/{number}/title",
            whose=f"choice {number + 1} of node {node.id!r}",
            zh=f"节点 {node.id} 的第 {number + 1} 个选项",
        )
    for language in LANGUAGES:
        titles = [title for c in node.choices if (title := c.title.get(language, "").strip())]
        if len(set(titles)) < len(titles):
            yield error(
                place,
                f"two choices of node {node.id!r} read alike",
                "word them differently",
                zh=f"节点 {node.id} 有两个选项读起来一样；请换个说法",
                at=f"{at}/choices",
            )


def _check_form_of(tree: Tree, node: TreeNode) -> Iterator[Finding]:
    """A question has choices or years with both ways on; an end has neither."""
    place, at = f"tree {tree.name}", f"/nodes/{node.id}"
    asks = bool(node.choices) or node.years is not None
    if node.outcome is None and not asks:
        yield error(
            place,
            f"node {node.id!r} offers no choice",
            "add choices",
            zh=f"节点 {node.id} 没有选项；请加选项",
            at=f"{at}/choices",
        )
    if (node.outcome is not None and asks) or (node.choices and node.years is not None):
        yield error(
            place,
            f"node {node.id!r} is two things at once",
            "make it a question with choices, a question for a date, or an end",
            zh=f"节点 {node.id} 身兼两职；请让它要么给选项，要么问日期，要么结束",
            at=at,
        )
    if node.years is not None and (node.within is None or node.beyond is None):
        yield error(
            place,
            f"node {node.id!r} does not say where both answers lead",
            "choose where it goes on within the years and beyond them",
            zh=f"节点 {node.id} 没有说年限内外各去哪里；请都选好",
            at=f"{at}/within" if node.within is None else f"{at}/beyond",
        )
    if node.otherwise is not None and node.outcome is not Outcome.FIX:
        yield error(
            place,
            f"node {node.id!r} is no fix, and yet says what follows when it does not help",
            "make it a fix, or leave that out",
            zh=f"节点 {node.id} 不是办法，却写了没解决时去哪里；请改成办法，或删去",
            at=f"{at}/otherwise",
        )
    for key, value, allowed in (
        ("kind", node.kind, KINDS),
        ("severity", node.severity, SEVERITIES),
    ):
        if value not in allowed:
            yield error(
                place,
                f"node {node.id!r}: {value!r} is no {key} of a ticket",
                f"use one of {', '.join(allowed)}",
                zh=f"节点 {node.id}：{value} 不是工单的取值；请从 {'、'.join(allowed)} 里选",
                at=f"{at}/{key}",
            )


def _targets(node: TreeNode) -> Iterator[tuple[str, str]]:
    """Where a node leads, each with the field that says so."""
    for number, choice in enumerate(node.choices):
        yield choice.to, f"/choices/{number}/to"
    for key in ("within", "beyond", "otherwise"):
        if (target := getattr(node, key)) is not None:
            yield target, f"/{key}"


def _check_words(
    place: str, words: Mapping[str, str], at: str, *, whose: str, zh: str
) -> Iterator[Finding]:
    """Customers read every text of a diagnosis in their language."""
    for language in LANGUAGES:
        if not words.get(language, "").strip():
            name, own = _NAMES[language]
            yield error(
                place,
                f"{whose} has no {name}",
                "write it",
                zh=f"{zh}缺少{own}；请写上",
                at=f"{at}/{language}",
            )


def no_such_intent(place: str, intent: str, at: str) -> Finding:
    """An intent is named that there is not."""
    return error(
        place,
        f"the intent {intent!r} does not exist",
        "correct it",
        zh=f"意图 {intent} 不存在；请改正",
        at=at,
    )


def _reached(start: str, leads: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += leads.get(name, ())
    return found


def circles(leads: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Circles in a graph, each once, as the names along it, the first repeated at the end."""
    done: set[str] = set()
    for start in leads:
        path: list[str] = []
        branches = [iter([start])]
        while branches:
            name = next(branches[-1], None)
            if name is None:
                branches.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                yield [*path[path.index(name) :], name]
            elif name not in done:
                path.append(name)
                branches.append(iter(sorted(leads.get(name, ()))))
