"""Answers as WeCom takes them: texts, button cards, files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from channels.adapters.wecom.parsing import make_key
from channels.contract import Attachment, PublicMessage, QuickReply
from channels.errors import Words
from channels.wechat.media import media_kind
from channels.wechat.texts import split_text

TEXT_LIMIT: Final = 2048
"""Bytes of a text or a markdown message; the platform silently cuts what is longer."""

MOST_BUTTONS: Final = 6
KEY_LIMIT: Final = 1024  # bytes
TITLE_LIMIT: Final = 100  # bytes of a card's title
SUBTITLE_LIMIT: Final = 330  # bytes of the text in a card, which needs one of the two
BUTTON_LIMIT: Final = 60  # bytes

_MARK: Final = "· "
_CHOOSE: Final = Words("Please choose", "请选择", "請選擇")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One call of `message/send`: its type and body, or the file that is uploaded first."""

    kind: str
    body: dict[str, Any]
    file: Attachment | None = None


def compose(message: PublicMessage, *, cards: bool, markdown: bool, language: str) -> list[Part]:
    """The parts of an answer, in the order in which they are sent.

    Choices become a card where one holds them all, and lines below the text where not. A text
    that does not fit into its card goes ahead of it.
    """
    text, choices = message.text.strip(), message.choices
    card = _card(message.id, text, choices, language) if cards and choices else None
    if card is None and choices:
        text = "\n".join([text, *(_MARK + choice.title for choice in choices)]).strip()
    kind = "markdown" if markdown else "text"
    parts = []
    if card is None or len(text.encode()) > SUBTITLE_LIMIT:
        parts = [
            Part(kind=kind, body={"content": piece}) for piece in split_text(text, TEXT_LIMIT)
        ]
    if card is not None:
        parts.append(card)
    return parts + [
        Part(kind=media_kind(file), body={}, file=file) for file in message.attachments
    ]


def _card(message_id: str, text: str, choices: Sequence[QuickReply], language: str) -> Part | None:
    buttons: list[dict[str, Any]] = [
        {"text": choice.title, "style": 1, "key": make_key(choice.payload, choice.title)}
        for choice in choices
    ]
    fits = all(
        len(button["key"].encode()) <= KEY_LIMIT and len(button["text"].encode()) <= BUTTON_LIMIT
        for button in buttons
    )
    if len(buttons) > MOST_BUTTONS or not fits:
        return None
    card: dict[str, Any] = {
        "card_type": "button_interaction",
        "task_id": re.sub(r"[^0-9A-Za-z_@-]", "_", message_id)[:128],
        "button_list": buttons,
    }
    title, _, rest = text.partition("\n")
    if not text or len(text.encode()) > SUBTITLE_LIMIT:
        card["main_title"] = {"title": _CHOOSE.in_language(language)}  # it was said above
    elif len(title.encode()) > TITLE_LIMIT:
        card["sub_title_text"] = text
    else:
        card["main_title"] = {"title": title}
        if rest.strip():
            card["sub_title_text"] = rest.strip()
    return Part(kind="template_card", body=card)
