"""Tells a customer how the work on a ticket stands (H3.4).

Imports rasa-sdk: only the runner imports this module, when it first needs it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from bot.contract import ActionContext
from bot.texts import TICKET_STATES
from bot.times import tell_time
from bot.values.contacts import TICKET_NUMBER
from intents.model import Language

_DONE = frozenset({"solved", "closed"})


class ActionTicketStatus(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """Finds the customer's ticket by its number; asks for the number when there is none."""

    def __init__(self, context: ActionContext, zone: ZoneInfo) -> None:
        self._context = context
        self._zone = zone

    def name(self) -> str:
        """The name that rules use."""
        return "action_ticket_status"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        """Say the ticket's state, in the words of the customer's language."""
        number = tracker.get_slot(TICKET_NUMBER)
        if not number:
            dispatcher.utter_message(response="utter_ask_ticket_number")
            return []
        metadata = tracker.latest_message.get("metadata") or {}
        ticket = await self._context.find_ticket(
            conversation_id=metadata.get("conversation_id") or tracker.sender_id,
            number=str(number),
        )
        if ticket is None:
            dispatcher.utter_message(response="utter_ticket_not_found", number=str(number))
            return [SlotSet(TICKET_NUMBER, None)]
        language = Language(metadata.get("language") or Language.ZH_HANS)
        states = TICKET_STATES[language.training]
        dispatcher.utter_message(
            response="utter_ticket_done" if ticket["status"] in _DONE else "utter_ticket_found",
            number=ticket["number"],
            subject=ticket["subject"],
            status=states.get(ticket["status"], ticket["status"]),
            updated_at=tell_time(datetime.fromisoformat(ticket["updated_at"]), self._zone),
        )
        return []
