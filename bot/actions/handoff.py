"""Asks the gateway to give the conversation to people.

Imports rasa-sdk: only the runner imports this module, when it first needs it.
"""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action

from bot.contract import HandoffReason
from bot.playbook import COMPLAINT_INTENTS, group


class ActionHandoff(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """Returns `custom: {"handover": {"reason": …}}`, which the gateway obeys.

    It does not pause the tracker: after a pause, Rasa would run the action once more when the
    conversation is handed back.
    """

    def name(self) -> str:
        """The name that rules use."""
        return "action_handoff"

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        """Name the reason: a complaint, or the wish for a person."""
        intent = (tracker.latest_message.get("intent") or {}).get("name") or ""
        complaint = group(intent) in COMPLAINT_INTENTS
        reason = HandoffReason.COMPLAINT if complaint else HandoffReason.WISH
        dispatcher.utter_message(json_message={"handover": {"reason": reason.value}})
        return []
