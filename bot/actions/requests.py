"""Requests that end at people: a ticket, a call-back (H1.2, H4.2).

Imports rasa-sdk: only the runner imports this module, when it first needs it.
"""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action

from bot.contract import HandoffReason
from bot.playbook import ticket_kind


class ActionOpenTicket(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """Asks for a ticket; what the form collected is in the summary."""

    def name(self) -> str:
        """The name that rules use."""
        return "action_open_ticket"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        """Hand over with the kind that the problem suggests."""
        intent = (tracker.latest_message.get("intent") or {}).get("name")
        kind = ticket_kind(intent)
        wanted = {
            "reason": HandoffReason.TICKET.value,
            "kind": kind if kind != "consultation" else "service",
        }
        dispatcher.utter_message(json_message={"handover": wanted})
        return []


class ActionRequestCallBack(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """Asks for a call-back at the number and time that the form collected."""

    def name(self) -> str:
        """The name that rules use."""
        return "action_request_call_back"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        """Hand over with when and where to call; without a number, ask for it."""
        phone = tracker.get_slot("call_back_phone")
        if not phone:
            dispatcher.utter_message(response="utter_ask_call_back_phone")
            return []
        when = tracker.get_slot("call_back_time")
        wanted = {
            "reason": HandoffReason.CALL_BACK.value,
            "kind": "service",
            "call_back": f"{phone}, {when}" if when else str(phone),
        }
        dispatcher.utter_message(json_message={"handover": wanted})
        return []
