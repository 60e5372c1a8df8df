"""Changes contact data after a code that is mailed to the address on file (H6.1, H6.7).

Imports rasa-sdk: only the runner imports this module, when it first needs it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from bot.contract import ActionContext, HandoffReason
from intents.model import Language

_SLOT_NEW, _SLOT_CODE = "contact_new", "contact_code"
# Slots of the bot's own: names with `_` are shown to nobody.
_SENT, _TRIES, _PROVED = "_contact_sent", "_contact_tries", "_contact_proved"
_SECONDS = 600
_MOST_TRIES = 3

Events = list[dict[str, Any]]


def _conversation(tracker: Any) -> str:
    metadata = tracker.latest_message.get("metadata") or {}
    return str(metadata.get("conversation_id") or tracker.sender_id)


def _digest(salt: str, code: str) -> str:
    return hashlib.sha256(f"{salt}:{code}".encode()).hexdigest()


def _to_people(dispatcher: Any) -> None:
    wanted = {"reason": HandoffReason.ACTION.value, "kind": "service"}
    dispatcher.utter_message(json_message={"handover": wanted})


class ActionAskContactCode(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """Mails a code and asks for it; says so and brings a person where it cannot."""

    def __init__(self, context: ActionContext) -> None:
        self._context = context

    def name(self) -> str:
        """The name by which the form finds it."""
        return "action_ask_contact_code"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Events:
        """Send one code; asked again within ten minutes, only ask."""
        sent = tracker.get_slot(_SENT)
        if sent and float(sent["until"]) > time.time():
            dispatcher.utter_message(response="utter_ask_contact_code")
            return []
        metadata = tracker.latest_message.get("metadata") or {}
        code, salt = f"{secrets.randbelow(1_000_000):06}", secrets.token_hex(8)
        mailed = await self._context.mail_code(
            conversation_id=_conversation(tracker),
            code=code,
            language=Language(metadata.get("language") or Language.ZH_HANS),
        )
        if not mailed:
            dispatcher.utter_message(response="utter_contact_no_mail")
            _to_people(dispatcher)
            return []
        dispatcher.utter_message(response="utter_ask_contact_code")
        kept = {"salt": salt, "digest": _digest(salt, code), "until": time.time() + _SECONDS}
        return [SlotSet(_SENT, kept), SlotSet(_TRIES, 0), SlotSet(_PROVED, None)]


class ValidateContactForm(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """Compares the code; three wrong ones end at a person."""

    def name(self) -> str:
        """The name by which the form finds it."""
        return "validate_contact_form"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Events:
        """Judge the values that the turn has filled."""
        if _SLOT_CODE not in tracker.slots_to_validate():
            return []
        given = "".join(c for c in str(tracker.get_slot(_SLOT_CODE) or "") if c.isdecimal())
        sent = tracker.get_slot(_SENT) or {}
        right = (
            bool(sent)
            and float(sent["until"]) > time.time()
            and hmac.compare_digest(_digest(sent["salt"], given), sent["digest"])
        )
        if right:
            return [SlotSet(_SLOT_CODE, "******"), SlotSet(_PROVED, sent["digest"])]
        tries = int(tracker.get_slot(_TRIES) or 0) + 1
        dispatcher.utter_message(response="utter_contact_code_wrong")
        if tries >= _MOST_TRIES:
            _to_people(dispatcher)
            return [SlotSet(_SLOT_CODE, None), SlotSet(_SENT, None)]
        return [SlotSet(_SLOT_CODE, None), SlotSet(_TRIES, tries)]


class ActionChangeContact(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """Writes the new number or address of a customer who has proved who they are."""

    def __init__(self, context: ActionContext) -> None:
        self._context = context

    def name(self) -> str:
        """The name that rules use."""
        return "action_change_contact"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Events:
        """Change it, and forget the code."""
        sent = tracker.get_slot(_SENT) or {}
        value = str(tracker.get_slot(_SLOT_NEW) or "")
        if not value or not sent or tracker.get_slot(_PROVED) != sent["digest"]:
            _to_people(dispatcher)
            return []
        await self._context.change_contact(
            conversation_id=_conversation(tracker),
            field="email" if "@" in value else "phone",
            value=value,
        )
        dispatcher.utter_message(response="utter_contact_changed", contact_new=value)
        names = (_SLOT_NEW, _SLOT_CODE, _SENT, _TRIES, _PROVED)
        return [SlotSet(name, None) for name in names]
