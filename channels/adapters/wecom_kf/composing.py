"""Answers as 微信客服 takes them: texts, menus, files; few, since few are taken."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from channels.contract import Attachment, PublicMessage, QuickReply
from channels.wechat.media import media_kind
from channels.wechat.texts import split_text

TEXT_LIMIT: Final = 2048  # bytes
HEAD_LIMIT: Final = 1024  # bytes of the text above a menu
LINE_LIMIT: Final = 128  # bytes of a line's text, and of its id
MOST_LINES: Final = 10

_MARK: Final = "· "
_HEX: Final = re.compile(r"[0-9a-f]{32}")
_PLAIN: Final = re.compile(r"[0-9A-Za-z_-]{1,28}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One call of `kf/send_msg`: its type and body, or the file that is uploaded first."""

    kind: str
    body: dict[str, Any]
    file: Attachment | None = None


def compose(message: PublicMessage) -> list[Part]:
    """The parts of an answer, in the order in which they are sent.

    Choices become a menu where one holds them all, and lines below the text where not.
    """
    text, choices = message.text.strip(), message.choices
    parts = compose_text(text, choices)
    return parts + [
        Part(kind=media_kind(file), body={}, file=file) for file in message.attachments
    ]


def compose_text(text: str, choices: Sequence[QuickReply]) -> list[Part]:
    """The parts of a text with its choices."""
    menu = _menu(choices)
    if not menu and choices:
        text = "\n".join([text, *(_MARK + choice.title for choice in choices)]).strip()
    if menu and len(text.encode()) <= HEAD_LIMIT:
        return [Part(kind="msgmenu", body={"head_content": text, "list": menu})]
    parts = [Part(kind="text", body={"content": piece}) for piece in split_text(text, TEXT_LIMIT)]
    return [*parts, Part(kind="msgmenu", body={"list": menu})] if menu else parts


def _menu(choices: Sequence[QuickReply]) -> list[dict[str, Any]]:
    """The lines of a menu; none where it cannot hold them all."""
    fits = all(
        len(text.encode()) <= LINE_LIMIT
        for choice in choices
        for text in (choice.payload, choice.title)
    )
    if len(choices) > MOST_LINES or not fits:
        return []
    return [
        {"type": "click", "click": {"id": choice.payload, "content": choice.title}}
        for choice in choices
    ]


def make_msgid(message_id: str, place: int) -> str:
    """The platform's id of a part: at most 32 of its characters, the same at each attempt."""
    if _HEX.fullmatch(message_id):
        short = base64.urlsafe_b64encode(bytes.fromhex(message_id)).rstrip(b"=").decode()
    elif _PLAIN.fullmatch(message_id):
        short = message_id
    else:
        digest = hashlib.sha256(message_id.encode()).digest()[:16]
        short = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return f"{short}-{place}"


def read_msgid(msgid: str) -> str | None:
    """Our message's id in the platform's id of a part."""
    short, _, place = msgid.rpartition("-")
    if len(short) != 22 or not place.isdigit():
        return None
    try:
        return base64.b64decode(short + "==", altchars=b"-_", validate=True).hex()
    except (binascii.Error, ValueError):
        return None
