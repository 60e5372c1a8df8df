"""Fills slots from a message by their mappings (Rasa 3); pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.values.found import Found
from bot.values.numerals import read_number
from intents.model import Slot, SlotMapping, Source

VALUE_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a message gives for slots: its text, sure intent and values."""

    text: str
    intent: str | None
    found: Sequence[Found] = ()


def fill_slots(
    slots: Iterable[Slot],
    heard: Heard,
    *,
    loop: str | None = None,
    asked: str | None = None,
    starts: bool = False,
) -> tuple[dict[str, Any], set[str]]:
    """Return what the message sets, and the slots for which it gave something that cannot be.

    Args:
        slots: all slots of the catalogue.
        heard: the message.
        loop: the form that runs.
        asked: the slot that the form asked for.
        starts: the message starts the form.
    """
    values: dict[str, Any] = {}
    wrong: set[str] = set()
    for slot in slots:
        for mapping in slot.mappings:
            if not _applies(mapping, heard, slot.name, loop, asked, starts):
                continue
            given = _given(mapping, heard)
            if given is None:
                continue
            value = fitting(slot, given)
            if value is None:
                wrong.add(slot.name)
                continue
            values[slot.name] = value
            break
    return values, wrong - values.keys()


def _applies(  # noqa: PLR0917 -- a mapping, and the situation it is asked in
    mapping: SlotMapping,
    heard: Heard,
    slot: str,
    loop: str | None,
    asked: str | None,
    starts: bool,
) -> bool:
    if mapping.source is Source.CUSTOM:
        return False
    if mapping.intents and heard.intent not in mapping.intents:
        return False
    if heard.intent is not None and heard.intent in mapping.not_intents:
        return False
    if mapping.source is Source.TRIGGER_INTENT:
        return starts
    if mapping.loops:
        return any(
            own == loop and (wanted is None or wanted == asked) for own, wanted in mapping.loops
        )
    # A text means something only as the answer to a question.
    return mapping.source is not Source.TEXT or (loop is not None and asked == slot)


def _given(mapping: SlotMapping, heard: Heard) -> Any:
    if mapping.source is Source.TEXT:
        return heard.text.strip() or None
    if mapping.source in {Source.INTENT, Source.TRIGGER_INTENT}:
        return mapping.value
    for each in heard.found:
        if each.entity != mapping.entity:
            continue
        if mapping.role is not None and each.role != mapping.role:
            continue
        if mapping.group is None or each.group == mapping.group:
            return each.value
    return None


def fitting(slot: Slot, given: Any) -> Any:
    """The value in the slot's type; None when it is none of its values."""
    if slot.type == "float":
        number = given if isinstance(given, int | float) else read_number(str(given))
        if number is None or isinstance(number, bool):
            return None
        low = -float("inf") if slot.lowest is None else slot.lowest
        high = float("inf") if slot.highest is None else slot.highest
        return float(number) if low <= number <= high else None
    if slot.type == "bool":
        known = {"true": True, "yes": True, "是": True, "false": False, "no": False, "否": False}
        return given if isinstance(given, bool) else known.get(str(given).casefold())
    if slot.type == "categorical":
        return next((v for v in slot.values if str(v).casefold() == str(given).casefold()), None)
    if slot.type == "list":
        return given if isinstance(given, list) else [given]
    return given[:VALUE_LENGTH] if isinstance(given, str) else given


def initial_slots(slots: Iterable[Slot], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Initial values, and what was collected before on top."""
    first = {slot.name: slot.initial_value for slot in slots if slot.initial_value is not None}
    return first | dict(kept)
