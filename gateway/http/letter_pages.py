"""Letters as browsers may get them: a page that runs and reaches nothing, and a file to store."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from aiohttp import web

from channels.contract import Blobs
from channels.mail.parsing import parse_email
from channels.mail.pictures import html_with_pictures

_POLICY: Final = (
    "default-src 'none'; img-src data:{images}; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; "
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
_PAGE: Final = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    "<style>body{{margin:0;padding:10px 12px;font:14px/1.5 system-ui,sans-serif;color:#1f2328;"
    "background:#fff;overflow-wrap:anywhere}}img{{max-width:100%;height:auto}}"
    "blockquote{{margin:0 0 0 4px;padding-left:8px;border-left:2px solid #d0d7de}}"
    "table{{max-width:100%}}pre{{white-space:pre-wrap}}</style></head><body>{body}</body></html>"
)
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
    if raw is not None and 'src="cid:' in markup:
        markup = await _with_pictures(blobs, markup, raw)
    if images:
        markup = _REMOTE.sub(r'<img\1 src="\2"', markup)
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
    return await asyncio.to_thread(lambda: html_with_pictures(parse_email(letter)))
