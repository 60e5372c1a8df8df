"""Applies a product's warranty rule (H1.7) to what is known; the rule is a tree, not code.

Imports rasa-sdk: only the runner imports this module, when it first needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rasa_sdk import Action

from bot.contract import HandoffReason
from bot.trees import TREE_PAYLOAD, answer_node
from intents.model import Language, Outcome, Tree, TreeNode
from intents.text import to_traditional

DAMAGE, APPLIED = "damage", "application_date"


class ActionCheckWarranty(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """Walks the tree that asks for a date, with the slots `damage` and `application_date`."""

    def __init__(self, trees: Mapping[str, Tree], zone: ZoneInfo) -> None:
        self._tree = next(
            (t for t in trees.values() if any(n.years is not None for n in t.nodes.values())), None
        )
        self._zone = zone

    def name(self) -> str:
        """The name that rules use."""
        return "action_check_warranty"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        """Tell the outcome; where something is not known, ask as the tree does."""
        metadata = tracker.latest_message.get("metadata") or {}
        language = Language(metadata.get("language") or Language.ZH_HANS)
        if self._tree is None:
            dispatcher.utter_message(
                json_message={"handover": {"reason": HandoffReason.WISH.value}}
            )
            return []
        node = self._walk(tracker, language)
        text = node.text[language.training]
        if language is Language.ZH_HANT:
            text = to_traditional(text)
        if node.outcome is None:
            payload = f"{TREE_PAYLOAD}{self._tree.name}"
            title = self._tree.title[language.training]
            dispatcher.utter_message(text=text, buttons=[{"title": title, "payload": payload}])
            return []
        dispatcher.utter_message(text=text)
        if node.outcome is Outcome.TICKET:
            wanted = {
                "reason": HandoffReason.TICKET.value,
                "kind": node.kind,
                "severity": node.severity,
            }
            dispatcher.utter_message(json_message={"handover": wanted})
        return []

    def _walk(self, tracker: Any, language: Language) -> TreeNode:
        """The node at which the known answers end."""
        tree = self._tree
        assert tree is not None  # noqa: S101 -- the caller looked
        node = tree.nodes[tree.start]
        applied = tracker.get_slot(APPLIED) or tracker.get_slot("date")
        while node.outcome is None:
            step = answer_node(
                tree,
                node,
                text=str(tracker.get_slot(DAMAGE) or ""),
                payload=None,
                language=language.training,
                dates=(str(applied),) if applied else (),
                today=datetime.now(self._zone).date(),
            )
            if step is None or step.target is None:
                break
            node = tree.nodes[step.target]
        return node
