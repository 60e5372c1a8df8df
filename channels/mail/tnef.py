"""Outlook's winmail.dat, opened."""

from __future__ import annotations

import logging
from dataclasses import dataclass

_SIZE = 32 * 1024 * 1024  # bytes; the library copies a few times


@dataclass(frozen=True, slots=True)
class Winmail:
    """What was packed: files as name and content, and the body where it holds one."""

    files: tuple[tuple[str, bytes], ...]
    html: bytes
    text: str


def open_winmail(data: bytes) -> Winmail | None:
    """Opens a packet; None when it cannot be read."""
    if len(data) > _SIZE or not data.startswith(b"\x78\x9f\x3e\x22"):
        return None
    from tnefparse import TNEF

    logging.getLogger("tnef-decode").setLevel(logging.CRITICAL)  # it tells of every oddity
    try:
        packet = TNEF(data, do_checksum=False)
        files = tuple((str(each.long_filename() or ""), bytes(each.data)) for each in packet.attachments)
        html = packet.htmlbody or b""
        body = packet.body or ""
        return Winmail(
            files,
            html.encode("utf-8", "replace") if isinstance(html, str) else bytes(html),
            body if isinstance(body, str) else bytes(body).decode("cp1252", "replace"),
        )
    except Exception:  # a foreign format in a foreign library: whatever it raises means "broken"
        return None
