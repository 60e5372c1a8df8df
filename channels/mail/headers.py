"""A block of headers, read from raw bytes."""

from __future__ import annotations

import datetime
import email.utils
import re
from collections.abc import Iterator

from channels.mail.model import Limits
from channels.mail.words import clean, decode_words, parse_parameters

_NAME = re.compile(rb"[\x21-\x39\x3b-\x7e]{1,200}[ \t]*:")
_ID = re.compile(r"<\s*([^<>\s]{1,900})\s*>")
_KNOWN = re.compile(
    rb"(?i)(?:received|from|to|subject|date|message-id|mime-version|content-type|return-path|"
    rb"content-transfer-encoding|reply-to|x-[a-z-]{2,40}):"
)
_LOOK_AHEAD = 5
_LINE = re.compile(rb"([^\r\n]*)(?:\r{0,2}\n|\r|\Z)")


class Headers:
    """Headers in their order; names in any case. Reading one never fails."""

    __slots__ = ("_charset", "_notes", "_rows")

    def __init__(
        self, rows: list[tuple[str, bytes]], charset: str = "", notes: list[str] | None = None
    ) -> None:
        self._rows = rows
        self._charset = charset
        self._notes = notes if notes is not None else []

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name, value in self._rows:
            yield name, decode_words(value, self._charset, self._notes)

    def __contains__(self, name: str) -> bool:
        return any(found == name for found, _ in self._rows)

    def raw(self, name: str) -> bytes:
        """The first header of that name (lower case), unfolded, else empty."""
        return next((value for found, value in self._rows if found == name), b"")

    def all_raw(self, name: str) -> list[bytes]:
        """All headers of that name (lower case), unfolded, topmost first."""
        return [value for found, value in self._rows if found == name]

    def text(self, name: str) -> str:
        """The first header of that name (lower case), decoded."""
        return decode_words(self.raw(name), self._charset, self._notes)

    def word(self, name: str) -> str:
        """The header's first word in lower case, without parameters and comments."""
        return re.split(r"[\s;(]", self.text(name).lower(), maxsplit=1)[0]

    def parameters(self, name: str) -> tuple[str, dict[str, str]]:
        """The value and the parameters of a structured header."""
        return parse_parameters(self.raw(name), self._charset, self._notes)

    def decoded(self, raw: bytes) -> str:
        """A piece of a header, decoded as the others."""
        return decode_words(raw, self._charset, self._notes)

    def ids(self, name: str) -> tuple[str, ...]:
        """Message ids of a header, without brackets, each once."""
        text = clean(self.raw(name).decode("utf-8", "replace"))
        found = _ID.findall(text) or [
            word for word in re.split(r"[<>\s,;]+", text) if "@" in word and len(word) <= 900
        ]
        return tuple(dict.fromkeys(found))

    def date(self, name: str = "date") -> str:
        """A date as RFC 3339; empty when it makes no sense."""
        try:
            when = email.utils.parsedate_to_datetime(self.text(name)[:100])
            if when.tzinfo is None:
                when = when.replace(tzinfo=datetime.UTC)
            return when.isoformat(timespec="seconds")
        except (ValueError, OverflowError, TypeError, IndexError):
            return ""


def read_headers(
    raw: bytes, start: int, end: int, limits: Limits, notes: list[str]
) -> tuple[Headers, int]:
    """Reads the headers at `start`; returns them, and where the body begins.

    A line that is no header is passed over when headers follow it; else the body begins there,
    as it does when the block has no end within the limit.
    """
    lines, body = _block(raw, start, end, limits, notes)
    rows: list[tuple[str, bytes]] = []
    for line in lines:
        if len(rows) >= limits.header_count:
            notes.append(f"more than {limits.header_count} headers")
            break
        name, _, value = line.partition(b":")
        value = value.strip()
        if len(value) > limits.header:
            value = value[: limits.header]
            notes.append(f"header {name[:40].decode('latin-1')} cut")
        rows.append((name.strip().lower().decode("latin-1"), value))
    return Headers(rows, _charset(rows), notes), body


def _charset(rows: list[tuple[str, bytes]]) -> str:
    value = next((value for name, value in rows if name == "content-type"), b"")
    return parse_parameters(value, "", [])[1].get("charset", "")


def _block(
    raw: bytes, start: int, end: int, limits: Limits, notes: list[str]
) -> tuple[list[bytes], int]:
    """Unfolded header lines, and where the body begins."""
    lines: list[bytes] = []
    folded: list[bytes] = []
    position, stop = start, min(end, start + limits.headers)
    while position < stop:
        line, after = _line(raw, position, stop)
        if not line:
            if not lines and not folded and position == start:
                position = start = after  # blank lines before the headers
                continue
            break
        if line[:1] in b" \t" and folded:
            folded.append(line)
        elif _NAME.match(line):
            _fold(lines, folded)
            folded = [line]
        elif line.startswith((b"From ", b">From ")) or _headers_follow(raw, after, end):
            pass
        else:
            after = position
            break
        position = after
    else:
        after = position
        if position < end:
            notes.append("headers cut")
    _fold(lines, folded)
    return lines, after if position < end else end


def _fold(lines: list[bytes], folded: list[bytes]) -> None:
    if folded:
        lines.append(b" ".join([folded[0], *(line.strip() for line in folded[1:])]))


def _line(raw: bytes, position: int, end: int) -> tuple[bytes, int]:
    """The line at a position without its end (LF, CRLF, CRCRLF or CR), and where the next is."""
    found = _LINE.match(raw, position, end)
    return (found[1], found.end()) if found else (b"", end)


def _headers_follow(raw: bytes, position: int, end: int) -> bool:
    """Whether a header that every mail has stands within the next lines, before a blank one."""
    for _ in range(_LOOK_AHEAD):
        line, position = _line(raw, position, min(end, position + 1000))
        if not line:
            return False
        if _KNOWN.match(line):
            return True
    return False
