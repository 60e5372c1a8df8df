"""Pictures within a mail, put into its HTML: whoever shows it needs nothing else."""

from __future__ import annotations

import base64
import re
from typing import Final

from channels.mail.model import Attachment, ParsedEmail

MOST_BYTES: Final = 8_000_000
"""Bytes of pictures that are put into the HTML of one mail; the others stay attachments."""
# What browsers decode without running anything in it.
_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
_SOURCE: Final = re.compile(r'(?<= src=")cid:([^"]{1,500})"')


def html_with_pictures(mail: ParsedEmail) -> str:
    """The safe HTML with the mail's own pictures as `data:` in place of `cid:` (RFC 2392).

    What is no picture, or one too many, keeps its `cid:`, which leads nowhere.
    """
    pictures = {
        one.content_id: one
        for one in mail.attachments
        if one.content_id and one.type in _TYPES and one.content
    }
    left = MOST_BYTES

    def put(found: re.Match[str]) -> str:
        nonlocal left
        picture = pictures.get(found[1])
        if picture is None or picture.size > left:
            return found[0]
        left -= picture.size
        return f'{_as_data(picture)}"'

    return _SOURCE.sub(put, mail.html_safe) if pictures else mail.html_safe


def _as_data(picture: Attachment) -> str:
    return f"data:{picture.type};base64,{base64.b64encode(picture.content).decode('ascii')}"
