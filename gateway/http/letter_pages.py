"""Letters as browsers may get them: a page that runs and reaches nothing, and a file to store."""

from __future__ import annotations

import asyncio
import base64
import html
import re
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from channels.contract import Blobs
from channels.mail.parsing import parse_email

_POLICY: Final = (
    "default-src 'none'; img-src data:{images}; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; "
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
_PAGE: Final = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    "<style>body{{margin:0;padding:2px;font:14px/1.5 system-ui,sans-serif;color:#1f2328;"
    "background:#fff;overflow-wrap:anywhere}}img{{max-width:100%;height:auto}}"
    "blockquote{{margin:0 0 0 4px;padding-left:8px;border-left:2px solid #d0d7de}}"
    "table{{max-width:100%}}pre{{white-space:pre-wrap}}</style></head><body>{body}</body></html>"
)
_CID: Final = re.compile(r'(<img\b[^>]*?\ssrc=")cid:([^"]{1,500})"')
_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MOST_INLINE: Final = 12_000_000
"""Bytes of the pictures within one letter that are shown."""
_REMOTE: Final = re.compile(r'<img\b([^>]*?)\sdata-remote-src="([^"]*)"')


def raw_headers(message_id: str) -> dict[str, str]:
    """Headers for the letter itself: a file, whatever it holds."""
    return {
        "Content-Type": "message/rfc822",
        "Content-Disposition": f'attachment; filename="{message_id[:40]}.eml"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }


async def show_html(blobs: Blobs, markup: str, raw: str | None, *, images: bool) -> web.Response:
    """A page with a letter's safe markup, under a policy that lets nothing run or load.

    Args:
        blobs: where the letter lies.
        markup: safe already; the policy holds even if it is not.
        raw: the blob of the letter itself, for the pictures within it.
        images: whether pictures on the web are loaded.
    """
    if images:
        markup = _REMOTE.sub(r'<img\1 src="\2"', markup)
    if raw is not None and _CID.search(markup):
        markup = await _with_pictures(blobs, markup, raw)
    policy = _POLICY.format(images=" https: http:" if images else "")
    return web.Response(
        text=_PAGE.format(body=markup),
        content_type="text/html",
        headers={
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, no-store",
        },
    )


async def _with_pictures(blobs: Blobs, markup: str, raw: str) -> str:
    """The markup with the pictures that lie in the letter itself, written into the page."""
    try:
        letter = await blobs.get(raw)
    except KeyError:
        return markup
    pictures = await asyncio.to_thread(_pictures, letter)

    def place(found: re.Match[str]) -> str:
        source = pictures.get(unquote(html.unescape(found[2])), "")
        return f'{found[1]}{source}"'

    return _CID.sub(place, markup)


def _pictures(letter: bytes) -> dict[str, str]:
    """The letter's pictures as `data:` addresses, by content id; what is none, is left out."""
    found: dict[str, str] = {}
    room = MOST_INLINE
    for file in parse_email(letter).attachments:
        mime = file.type.lower()
        if file.content_id and mime in _PICTURES and file.size <= room:
            room -= file.size
            content = base64.b64encode(file.content).decode()
            found.setdefault(file.content_id, f"data:{mime};base64,{content}")
    return found
