"""The pages of `kf/sync_msg`, as the platform's documents describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels.receiving import TEXT_LIMIT, clean_text
from channels.wechat.payload import take
from channels.wechat.placeholders import location, unsupported

MEDIA: Final = ("image", "voice", "video", "file")
CUSTOMER: Final = 3
SERVICER: Final = 5
PAYLOAD_LIMIT: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer: its items as they came, where to go on, and whether there is more."""

    items: tuple[Mapping[str, Any], ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message or event. `fields` are those of its type; `sent_at` in ms since the epoch."""

    msgid: str
    account: str
    customer: str
    kind: str
    origin: int
    sent_at: int
    fields: Mapping[str, Any]


def parse_page(answer: Mapping[str, Any]) -> Page:
    """The page in an answer; what is no object in its list is left out."""
    listed = answer.get("msg_list")
    listed = listed if isinstance(listed, list) else []
    return Page(
        items=tuple(one for one in listed if isinstance(one, dict)),
        cursor=take(answer, "next_cursor"),
        more=answer.get("has_more") == 1,
    )


def parse_item(one: Mapping[str, Any], *, account: str, now: int) -> Item | None:
    """An item of a page; None when it lacks what every item has.

    Args:
        one: as it came.
        account: whose page it is on.
        now: ms since the epoch; nothing was sent later.
    """
    kind = take(one, "msgtype", limit=40)
    fields = one.get(kind)
    fields = fields if isinstance(fields, dict) else {}
    # Events carry their ids inside.
    ids = fields if kind == "event" else one
    msgid, customer = take(one, "msgid", limit=128), take(ids, "external_userid", limit=128)
    origin, seconds = one.get("origin"), one.get("send_time")
    if not msgid or not kind or not isinstance(origin, int):
        return None
    if not isinstance(seconds, int) or not 0 < seconds < 1 << 40:
        seconds = now // 1000
    return Item(
        msgid=msgid,
        account=take(ids, "open_kfid", limit=64) or account,
        customer=customer,
        kind=kind,
        origin=origin,
        sent_at=min(seconds * 1000, now),
        fields=fields,
    )


def describe(item: Item, language: str) -> tuple[str, str | None]:
    """The text of a customer's message, and the payload where a menu's line was pressed."""
    fields = item.fields
    if item.kind == "text":
        pressed = take(fields, "menu_id", limit=PAYLOAD_LIMIT)
        text = clean_text(take(fields, "content", limit=TEXT_LIMIT))
        return text, pressed if pressed.startswith("/") else None
    if item.kind == "location":
        label = " ".join(take(fields, name) for name in ("name", "address"))
        where = [clean_text(take(fields, name)) for name in ("latitude", "longitude")]
        return location(clean_text(label), *where).in_language(language), None
    if item.kind == "link":
        parts = [take(fields, name, limit=2048) for name in ("title", "desc", "url")]
        return clean_text("\n".join(part for part in parts if part)), None
    return unsupported(clean_text(item.kind)).in_language(language), None
