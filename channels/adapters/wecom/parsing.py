"""Callbacks of a WeCom app as messages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels.errors import MalformedPayloadError, UnsupportedEventError
from channels.receiving import TEXT_LIMIT, clean_text
from channels.wechat.payload import take
from channels.wechat.placeholders import location, unsupported

MEDIA: Final = ("image", "voice", "video", "file")
PAYLOAD_LIMIT: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What a member sent. `media_id` is set where a file is to be fetched; times in ms."""

    handle: str
    external_id: str
    text: str
    sent_at: int
    payload: str | None = None
    kind: str = "text"
    media_id: str = ""
    file_name: str = ""


def parse_callback(fields: Mapping[str, Any], *, language: str, now: int) -> Incoming:
    """The message in a decrypted callback.

    Args:
        fields: see `parse_xml`.
        language: of the words that stand for what cannot be shown.
        now: ms since the epoch; nothing was sent later.

    Raises:
        UnsupportedEventError: an event that says nothing.
        MalformedPayloadError: what every message has is missing.
    """
    kind = take(fields, "MsgType", limit=40).lower()
    handle = take(fields, "FromUserName")
    if not kind or not handle:
        missing = "FromUserName" if kind else "MsgType"
        raise MalformedPayloadError(f"{missing}: missing", field=missing)
    common: dict[str, Any] = {
        "handle": handle,
        "sent_at": _time(take(fields, "CreateTime"), now),
    }
    if kind == "event":
        return Incoming(external_id=_event_id(fields), **common, **_event(fields))
    external_id = take(fields, "MsgId", limit=64)
    if not external_id:
        raise MalformedPayloadError("MsgId: missing", field="MsgId")
    common["external_id"] = external_id
    if kind in MEDIA and (media_id := take(fields, "MediaId", limit=512)):
        name = take(fields, "FileName") or take(fields, "Title")
        return Incoming(**common, text="", kind=kind, media_id=media_id, file_name=name)
    return Incoming(**common, text=_text(kind, fields, language), kind=kind)


def _text(kind: str, fields: Mapping[str, Any], language: str) -> str:
    if kind == "text":
        return clean_text(take(fields, "Content", limit=TEXT_LIMIT))
    if kind == "location":
        place = [clean_text(take(fields, name)) for name in ("Label", "Location_X", "Location_Y")]
        return location(*place).in_language(language)
    if kind == "link":
        parts = [take(fields, name, limit=2048) for name in ("Title", "Description", "Url")]
        return clean_text("\n".join(part for part in parts if part))
    return unsupported(clean_text(kind)).in_language(language)


def _event(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a pressed button or a chosen menu item says."""
    event = take(fields, "Event", limit=60).lower()
    key = take(fields, "EventKey", limit=1024)
    if event in {"click", "template_card_event", "taskcard_click"} and key:
        payload, title = parse_key(key)
        return {"text": title, "payload": payload, "kind": "event"}
    raise UnsupportedEventError(f"the event {event[:40]!r} says nothing")


def make_key(payload: str, title: str) -> str:
    """The key of a button, from which a press tells what it says."""
    return json.dumps([payload, title], ensure_ascii=False)


def parse_key(key: str) -> tuple[str | None, str]:
    """Payload and title of a pressed button; of a menu that somebody else made, the key itself."""
    try:
        payload, title = json.loads(key)
    except (ValueError, TypeError, RecursionError):
        payload, title = key if key.startswith("/") else None, key
    if not isinstance(title, str) or not isinstance(payload, str | None):
        payload, title = None, key
    if payload is not None and len(payload) > PAYLOAD_LIMIT:
        payload = None
    return payload, clean_text(title)


def _event_id(fields: Mapping[str, Any]) -> str:
    """Events have no id: the same fields are the same event."""
    names = ("FromUserName", "CreateTime", "Event", "EventKey", "TaskId", "AgentID")
    joined = "\x1f".join(take(fields, name, limit=1024) for name in names)
    return "event-" + hashlib.sha256(joined.encode()).hexdigest()[:40]


def _time(seconds: str, now: int) -> int:
    if not (seconds.isascii() and seconds.isdigit()) or len(seconds) > 12:
        return now
    return min(int(seconds) * 1000, now)
