"""Encoded words (RFC 2047), parameters (RFC 2231), and header text that is neither."""

from __future__ import annotations

import binascii
import re

from channels.mail.charsets import decode

_WORD = re.compile(rb"=\?([^?\s]{0,60})\?([bBqQ])\?([^?]*)\?=")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_QP = re.compile(rb"=([0-9A-Fa-f]{2})")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


def decode_words(value: bytes, charset: str, notes: list[str]) -> str:
    """A header's text: encoded words read, raw 8-bit letters guessed, control characters gone.

    Neighbouring words of one charset are joined as bytes first: some programs cut a letter in two.

    Args:
        value: the header, unfolded.
        charset: what the mail's body is written in; it helps with raw letters.
        notes: receives what had to be guessed.
    """
    out: list[str] = []
    pending, label = b"", b""
    end = 0
    for word in _WORD.finditer(value):
        between = value[end : word.start()]
        content = _word_bytes(word[2], word[3])
        if pending and word[1].lower() == label and not between.strip():
            pending += content
        else:
            _flush(out, pending, label, notes)
            if between.strip() or not (end or pending):
                out.append(_raw(between, charset, notes))
            pending, label = content, word[1].lower()
        end = word.end()
    _flush(out, pending, label, notes)
    out.append(_raw(value[end:], charset, notes))
    return clean("".join(out))


def clean(text: str) -> str:
    """One line without control characters: safe to be written into another header."""
    return _CONTROLS.sub(" ", text).strip()


def _flush(out: list[str], pending: bytes, label: bytes, notes: list[str]) -> None:
    if pending:
        text, note = decode(pending, label.decode("ascii", "replace"))
        out.append(text)
        if note and note not in notes:
            notes.append(note)


def _raw(value: bytes, charset: str, notes: list[str]) -> str:
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        text, note = decode(value, charset)
    if note and note not in notes:
        notes.append(note)
    return text


def _word_bytes(kind: bytes, content: bytes) -> bytes:
    if kind in b"qQ":
        spaced = content.replace(b"_", b" ")
        return _QP.sub(lambda found: bytes([int(found[1], 16)]), spaced)
    return loose_base64(content)


def loose_base64(content: bytes) -> bytes:
    """Decodes what can be decoded; padding may be missing, foreign characters are passed over."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    try:
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    except binascii.Error:  # nothing but letters of the alphabet is left, so this cannot be
        return b""


def parse_parameters(value: bytes, charset: str, notes: list[str]) -> tuple[str, dict[str, str]]:
    """Content-Type or Content-Disposition: the value in lower case, and its parameters.

    Reads continuations and percent encoding (RFC 2231), encoded words inside a value (forbidden
    and usual), raw 8-bit names, and values with spaces that nobody quoted.
    """
    pieces = _split_parameters(value)
    found: dict[str, str] = {}
    parts: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for piece in pieces[1:]:
        name, equals, raw = piece.partition(b"=")
        key = name.strip().lower().decode("latin-1")
        if not equals or not key:
            continue
        raw = _unquote(raw.strip())
        base, star, rest = key.partition("*")
        if not star:
            found.setdefault(base, decode_words(raw, charset, notes))
            continue
        number = rest.rstrip("*")
        if number and not (number.isascii() and number.isdigit() and len(number) < 4):
            continue
        section = parts.setdefault(base, {})
        section.setdefault(int(number or 0), (raw, key.endswith("*")))
    for base, section in parts.items():
        found[base] = _join_sections(section, charset, notes)
    return clean(pieces[0].decode("latin-1")).lower(), found


def _join_sections(sections: dict[int, tuple[bytes, bool]], charset: str, notes: list[str]) -> str:
    label, joined = "", b""
    for index in sorted(sections):
        raw, encoded = sections[index]
        if index == 0 and encoded and raw.count(b"'") >= 2:
            name, _, raw = raw.partition(b"'")
            label, raw = name.decode("latin-1"), raw.partition(b"'")[2]
        if encoded:
            raw = _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), raw)
        joined += raw
    if not label:
        return decode_words(joined, charset, notes)
    text, note = decode(joined, label)
    if note and note not in notes:
        notes.append(note)
    return clean(text)


def _split_parameters(value: bytes) -> list[bytes]:
    """Cuts at semicolons outside quotation marks; a mark that never closes counts for nothing."""
    pieces, start, quoted, index = [], 0, False, 0
    for index, byte in enumerate(value):
        if byte == 0x22 and (index == 0 or value[index - 1] != 0x5C):
            quoted = not quoted
        elif byte == 0x3B and not quoted:
            pieces.append(value[start:index])
            start = index + 1
    if quoted:
        return value.split(b";")
    pieces.append(value[start:])
    return pieces


def _unquote(raw: bytes) -> bytes:
    if raw[:1] == b'"':
        raw = raw[1:]
        raw = raw[:-1] if raw[-1:] == b'"' else raw
        return re.sub(rb"\\(.)", rb"\1", raw)
    return raw
