"""Content-Transfer-Encoding undone, however broken; uuencode and yEnc within text."""

from __future__ import annotations

import binascii
import quopri
import re

from channels.mail.parts import Part
from channels.mail.words import loose_base64

_CLEAR = re.compile(rb"\n[^\n ]{1,78} [^\n ]+ ")
_UU_END = re.compile(rb"(?m)^end[ \t]*\r?$")
_UU = re.compile(rb"(?m)^begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n")
_YENC = re.compile(rb"(?m)^=ybegin [^\r\n]*?name=([^\r\n]{1,200})\r?\n")


def decoded_body(part: Part) -> bytes:
    """The part's bytes as they were before they were encoded for the way."""
    body = part.body
    encoding = part.headers.word("content-transfer-encoding").strip("\"'")
    if encoding == "base64":
        return _base64(body)
    if encoding in ("quoted-printable", "quoted_printable", "quotedprintable"):
        return quopri.decodestring(body)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        files, _ = take_uuencoded(body)
        return files[0][1] if files else body
    return body


def _base64(body: bytes) -> bytes:
    """Decodes base64; what lists and scanners appended in the clear stays as it is."""
    clear = _CLEAR.search(body)
    coded, rest = (body[: clear.start()], body[clear.start() :]) if clear else (body, b"")
    try:
        return binascii.a2b_base64(coded) + rest
    except binascii.Error:
        return loose_base64(coded) + rest


def take_uuencoded(body: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Files written into the text (uuencode, yEnc), as name and content; and the text left."""
    files: list[tuple[bytes, bytes]] = []
    left: list[bytes] = []
    position = 0
    while (begin := _UU.search(body, position)) is not None:
        end = _UU_END.search(body, begin.end())
        if end is None:
            break
        files.append((begin[1].strip(), _uu_lines(body[begin.end() : end.start()])))
        left.append(body[position : begin.start()])
        position = end.end()
    left.append(body[position:])
    rest = b"".join(left)
    if (yenc := _YENC.search(rest)) is not None:
        end_at = rest.find(b"\n=yend", yenc.end())
        if end_at > 0:
            files.append((yenc[1].strip(), _yenc(rest[yenc.end() : end_at])))
            after = rest.find(b"\n", end_at + 1)
            rest = rest[: yenc.start()] + (rest[after + 1 :] if after > 0 else b"")
    return files, rest


def _uu_lines(block: bytes) -> bytes:
    out = []
    for line in block.splitlines():
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders leave spaces at the end of a line, or cut them off.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            try:
                out.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                continue
    return b"".join(out)


def _yenc(block: bytes) -> bytes:
    lines = [line for line in block.split(b"\n") if not line.startswith(b"=ypart")]
    data = b"".join(line.rstrip(b"\r") for line in lines)
    plain = re.sub(rb"=(.)", lambda found: bytes([(found[1][0] - 64) & 255]), data, flags=re.S)
    return plain.translate(bytes((byte - 42) & 255 for byte in range(256)))
