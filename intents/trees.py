"""Reads guided diagnoses (`trees:`) and who goes to people first (`people_first:`).

These are the product's own keys; Rasa passes over files that hold nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intents.document import Document, Place
from intents.model import Outcome, PeopleFirst, Tree, TreeChoice, TreeNode

LANGUAGES = ("zh", "en")
_NODE_KEYS = (
    "ask",
    "choices",
    "date",
    *(outcome.value for outcome in Outcome),
    "otherwise",
    "article",
    "kind",
    "severity",
)
KINDS = ("consultation", "fault", "complaint", "suggestion", "service", "order", "bug")
SEVERITIES = ("general", "important", "urgent", "critical")


def read_trees(document: Document, value: Any) -> list[Tree]:
    """Return the trees of a file; `value` is what stands under its `trees:`.

    Raises:
        CatalogueError: a tree is not as intents/README.md describes.
    """
    trees = []
    for number, item in enumerate(document.items(value, ("trees",), "`trees`")):
        place: Place = ("trees", number)
        entry = document.mapping(item, place, "a tree")
        document.only(entry, place, "a tree", ("tree", "title", "intents", "start", "nodes"))
        name = document.text(entry.get("tree"), (*place, "tree"), "the name after `tree:`")
        nodes = document.mapping(entry.get("nodes"), (*place, "nodes"), f"`nodes` of {name!r}")
        start = document.text(entry.get("start"), (*place, "start"), f"`start` of {name!r}")
        tree = Tree(
            name=name,
            title=_texts(document, (*place, "title"), entry.get("title"), f"title of {name!r}"),
            start=start,
            nodes={
                key: _node(document, (*place, "nodes", key), key, node)
                for key, node in nodes.items()
            },
            intents=tuple(
                document.text(intent, (*place, "intents"), "an intent's name")
                for intent in document.items(
                    entry.get("intents", []), (*place, "intents"), "`intents`"
                )
            ),
        )
        _check_targets(document, place, tree)
        trees.append(tree)
    return trees


def _check_targets(document: Document, place: Place, tree: Tree) -> None:
    if tree.start not in tree.nodes:
        document.refuse((*place, "start"), f"tree {tree.name!r} has no node {tree.start!r}")
    for node in tree.nodes.values():
        for target in node.targets():
            if target not in tree.nodes:
                document.refuse(
                    (*place, "nodes", node.id),
                    f"node {node.id!r} leads to {target!r}, which is no node of {tree.name!r}",
                )


def _node(document: Document, place: Place, key: str, value: Any) -> TreeNode:
    what = f"node {key!r}"
    entry = document.mapping(value, place, what)
    document.only(entry, place, what, _NODE_KEYS)
    says = [name for name in ("ask", *(o.value for o in Outcome)) if name in entry]
    if len(says) != 1:
        document.refuse(place, f"{what} must have one of `ask`, `fix`, `ticket`, `reply`")
    said = says[0]
    outcome = None if said == "ask" else Outcome(said)
    if outcome is not None and ("choices" in entry or "date" in entry):
        document.refuse(place, f"{what} ends the tree; `choices` and `date` belong to `ask`")
    if outcome is None and ("choices" in entry) is ("date" in entry):
        document.refuse(place, f"{what} asks; give it either `choices` or `date`")
    if "otherwise" in entry and outcome is not Outcome.FIX:
        document.refuse((*place, "otherwise"), f"{what}: `otherwise` belongs to `fix`")
    date = _date(document, (*place, "date"), what, entry.get("date"))
    return TreeNode(
        id=key,
        text=_texts(document, (*place, said), entry[said], f"`{said}` of {what}"),
        choices=tuple(
            _choice(document, (*place, "choices", number), what, item)
            for number, item in enumerate(
                document.items(entry.get("choices", []), (*place, "choices"), f"choices of {what}")
            )
        ),
        years=date.get("years"),
        within=date.get("within"),
        beyond=date.get("beyond"),
        outcome=outcome,
        otherwise=entry.get("otherwise"),
        article=entry.get("article"),
        kind=_one_of(document, place, what, entry, "kind", KINDS),
        severity=_one_of(document, place, what, entry, "severity", SEVERITIES),
    )


def _one_of(  # noqa: PLR0917 -- where, what, and which of which
    document: Document,
    place: Place,
    what: str,
    entry: Mapping[str, Any],
    key: str,
    allowed: tuple[str, ...],
) -> str:
    value = entry.get(key, allowed[0])
    if value not in allowed:
        document.refuse((*place, key), f"{what}: `{key}` must be one of {', '.join(allowed)}")
    return str(value)


def _date(document: Document, place: Place, what: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    entry = document.mapping(value, place, f"`date` of {what}")
    document.only(entry, place, f"`date` of {what}", ("years", "within", "beyond"))
    years = entry.get("years")
    if not isinstance(years, int) or isinstance(years, bool) or years < 1:
        document.refuse(place, f"{what}: `years` must be a whole number, 1 or more")
    for key in ("within", "beyond"):
        document.text(entry.get(key), (*place, key), f"`{key}` of {what}")
    return entry


def _choice(document: Document, place: Place, what: str, value: Any) -> TreeChoice:
    entry = document.mapping(value, place, f"a choice of {what}")
    document.only(entry, place, f"a choice of {what}", ("title", "words", "to"))
    words = document.mapping(entry.get("words", {}), (*place, "words"), f"`words` of {what}")
    document.only(words, (*place, "words"), f"`words` of {what}", LANGUAGES)
    return TreeChoice(
        title=_texts(document, (*place, "title"), entry.get("title"), f"a title of {what}"),
        to=document.text(entry.get("to"), (*place, "to"), f"`to` of a choice of {what}"),
        words={language: _words(document, place, found) for language, found in words.items()},
    )


def _words(document: Document, place: Place, value: Any) -> tuple[str, ...]:
    return tuple(
        document.text(word, (*place, "words"), "a word")
        for word in document.items(value, (*place, "words"), "`words` of a language")
    )


def _texts(document: Document, place: Place, value: Any, what: str) -> dict[str, str]:
    """Texts by language: `{zh: …, en: …}`."""
    entry = document.mapping(value, place, what)
    document.only(entry, place, what, LANGUAGES)
    return {
        language: document.text(entry.get(language), place, f"{what} in `{language}`").strip()
        for language in LANGUAGES
    }


def read_people_first(document: Document, value: Any) -> PeopleFirst:
    """Return who goes to people first; `value` is what stands under `people_first:`.

    Raises:
        CatalogueError: it is not as intents/README.md describes.
    """
    place: Place = ("people_first",)
    entry = document.mapping(value, place, "`people_first`")
    keys = ("intents", "key_customers", "angry", "anger")
    document.only(entry, place, "`people_first`", keys)
    for key in ("key_customers", "angry"):
        if not isinstance(entry.get(key, True), bool):
            document.refuse((*place, key), f"`{key}` must be true or false")
    anger = document.mapping(entry.get("anger", {}), (*place, "anger"), "`anger`")
    document.only(anger, (*place, "anger"), "`anger`", LANGUAGES)
    intents = document.items(entry.get("intents", []), (*place, "intents"), "`intents`")
    return PeopleFirst(
        intents=tuple(
            document.text(name, (*place, "intents", n), "an intent's name")
            for n, name in enumerate(intents)
        ),
        key_customers=entry.get("key_customers", True),
        angry=entry.get("angry", True),
        anger={
            language: tuple(
                document.text(word, (*place, "anger", language), "a word")
                for word in document.items(words, (*place, "anger", language), "`anger`")
            )
            for language, words in anger.items()
        },
    )
