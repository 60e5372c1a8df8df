"""Reads Rasa 3 `responses:`: texts by language, channel and slot conditions, with buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intents.document import Document, Place, is_text
from intents.model import Button, Language, ResponseVariant, SlotCondition
from intents.text import detect_language

LANGUAGES = ("zh", "en")
_KEYS = ("text", "buttons", "channel", "condition", "metadata", "image", "custom", "id")

Responses = dict[str, tuple[ResponseVariant, ...]]


def read_responses(document: Document, value: Any, into: Responses, language: str) -> None:
    """Add the responses of one file to `into`.

    Args:
        document: the parsed file.
        value: what stands under its `responses:`.
        into: what earlier files gave.
        language: of texts that do not tell, `zh` or `en`.

    Raises:
        CatalogueError: something in the file is not in Rasa's format or not supported.
    """
    for name, listed in document.mapping(value, ("responses",), "`responses`").items():
        place: Place = ("responses", name)
        if not name.startswith("utter_"):
            document.refuse(place, f"the response {name!r} must be named `utter_…`")
        variants = document.items(listed, place, f"the response {name!r}")
        if not variants:
            document.refuse(place, f"the response {name!r} has no text; write one per language")
        added = tuple(
            _variant(document, (*place, number), name, item, language)
            for number, item in enumerate(variants)
        )
        into[name] = into.get(name, ()) + added


def _variant(
    document: Document, place: Place, name: str, value: Any, fallback: str
) -> ResponseVariant:
    what = f"a text of {name!r}"
    entry = document.mapping(value, place, what)
    document.only(entry, place, what, _KEYS)
    text = document.text(entry.get("text"), place, f"`text` of {name!r}").strip()
    channel = entry.get("channel")
    if channel is not None and not is_text(channel):
        document.refuse((*place, "channel"), f"`channel` of {name!r} must be a channel's name")
    image = entry.get("image")
    if image is not None and not (is_text(image) and image.startswith(("https://", "http://"))):
        document.refuse((*place, "image"), f"`image` of {name!r} must be a web address")
    custom = entry.get("custom")
    if custom is not None:
        custom = document.mapping(custom, (*place, "custom"), f"`custom` of {name!r}")
    return ResponseVariant(
        text=text,
        language=_language(document, place, name, entry, fallback),
        buttons=_buttons(document, (*place, "buttons"), name, entry.get("buttons", [])),
        channel=channel,
        conditions=_conditions(document, (*place, "condition"), name, entry.get("condition", [])),
        image=image,
        custom=custom,
    )


def _language(
    document: Document, place: Place, name: str, entry: Mapping[str, Any], fallback: str
) -> str:
    """What `metadata` says, else what the text looks like."""
    metadata = document.mapping(entry.get("metadata", {}), place, f"`metadata` of {name!r}")
    if "language" not in metadata:
        default = Language.EN if fallback == "en" else Language.ZH_HANS
        return detect_language(entry["text"], default).training
    language = str(metadata["language"])
    if language not in LANGUAGES:
        document.refuse(
            (*place, "metadata"), f"{name!r} must say `metadata: {{language: zh}}` or `en`"
        )
    return language


def _conditions(
    document: Document, place: Place, name: str, value: Any
) -> tuple[SlotCondition, ...]:
    found = []
    for number, item in enumerate(document.items(value, place, f"`condition` of {name!r}")):
        spot = (*place, number)
        entry = document.mapping(item, spot, f"a condition of {name!r}")
        document.only(entry, spot, f"a condition of {name!r}", ("type", "name", "value"))
        if entry.get("type") != "slot":
            document.refuse(spot, f"a condition of {name!r} must say `type: slot`")
        slot = document.text(entry.get("name"), spot, f"`name` in a condition of {name!r}")
        if "value" not in entry:
            document.refuse(spot, f"a condition of {name!r} must say `value:`")
        found.append(SlotCondition(slot=slot, value=entry["value"]))
    return tuple(found)


def _buttons(document: Document, place: Place, name: str, value: Any) -> tuple[Button, ...]:
    buttons = []
    for number, item in enumerate(document.items(value, place, f"`buttons` of {name!r}")):
        spot = (*place, number)
        entry = document.mapping(item, spot, f"a button of {name!r}")
        document.only(entry, spot, f"a button of {name!r}", ("title", "payload"))
        title = document.text(entry.get("title"), spot, f"`title` of a button of {name!r}")
        payload = document.text(entry.get("payload"), spot, f"`payload` of a button of {name!r}")
        if not payload.startswith("/"):
            document.refuse(spot, f"`payload` of a button of {name!r} must be like `/intent`")
        buttons.append(Button(title=title, payload=payload))
    return tuple(buttons)
