"""Outlook's winmail.dat ([MS-OXTNEF]), opened.

Our own reader: the one library for it runs without end on a packet whose lengths lie.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.mail.charsets import decode

SIGNATURE = b"\x78\x9f\x3e\x22"

_OBJECT = struct.Struct("<BHHI")  # level, attribute, type, length
_WORD = struct.Struct("<I")
_TAG = struct.Struct("<HH")  # type and id of a property

_ATTACH_BEGIN, _ATTACH_TITLE, _ATTACH_DATA, _ATTACH_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_BODY, _PROPERTIES, _CODE_PAGE = 0x800C, 0x9003, 0x9007
_LONG_NAME, _MIME, _CONTENT_ID, _DATA = 0x3707, 0x370E, 0x3712, 0x3701
_TEXT, _HTML = 0x1000, 0x1013

_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING8, _UNICODE, _VARIABLE = 0x1E, 0x1F, {0x0D, 0x1E, 0x1F, 0x102}
_MANY = 0x1000  # flag of a property with several values
_FILES = 500


@dataclass(slots=True)
class PackedFile:
    """A file of a packet; `type` and `content_id` are empty when it does not say them."""

    name: str = ""
    content: bytes = b""
    type: str = ""
    content_id: str = ""


@dataclass(slots=True)
class Winmail:
    """What was packed; `html` as bytes, since it may name its own charset."""

    files: list[PackedFile] = field(default_factory=list)
    html: bytes = b""
    text: str = ""


def open_winmail(data: bytes) -> Winmail | None:
    """Opens a packet; None when it is none. Of a broken one what stands before the break."""
    if not data.startswith(SIGNATURE):
        return None
    found = Winmail()
    code_page = "cp1252"
    for attribute, value in _objects(data):
        if attribute == _CODE_PAGE and len(value) >= 4:
            code_page = f"cp{_WORD.unpack_from(value)[0]}"
        elif attribute == _ATTACH_BEGIN:
            if len(found.files) >= _FILES:
                break
            found.files.append(PackedFile())
        elif attribute == _BODY:
            found.text = _letters(value, code_page)
        elif attribute == _PROPERTIES:
            _take_body(found, value, code_page)
        elif found.files:
            _take_file(found.files[-1], attribute, value, code_page)
    return found


def _objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes of a packet, as far as their lengths are true."""
    position = 6
    while position + _OBJECT.size <= len(data):
        _, attribute, _, length = _OBJECT.unpack_from(data, position)
        start = position + _OBJECT.size
        if start + length > len(data):
            return
        yield attribute, data[start : start + length]
        position = start + length + 2  # a checksum follows


def _take_file(file: PackedFile, attribute: int, value: bytes, code_page: str) -> None:
    if attribute == _ATTACH_TITLE:
        file.name = file.name or _letters(value, code_page)
    elif attribute == _ATTACH_DATA:
        file.content = value
    elif attribute == _ATTACH_PROPERTIES:
        told = dict(_properties(value, code_page))
        file.name = _word(told.get(_LONG_NAME)) or file.name
        file.type = _word(told.get(_MIME)).lower()
        file.content_id = _word(told.get(_CONTENT_ID)).strip("<>")
        packed = told.get(_DATA)
        if isinstance(packed, bytes) and not file.content:
            file.content = packed


def _take_body(found: Winmail, value: bytes, code_page: str) -> None:
    for name, said in _properties(value, code_page):
        if name == _HTML and said:
            found.html = said if isinstance(said, bytes) else said.encode()
        elif name == _TEXT and isinstance(said, str) and said.strip():
            found.text = said


def _properties(data: bytes, code_page: str) -> Iterator[tuple[int, str | bytes]]:
    """MAPI properties with text or bytes; ends where a length is not true."""
    if len(data) < 4:
        return
    position = 4
    while position + 4 <= len(data):
        kind, name = _TAG.unpack_from(data, position)
        position = _after_name(data, position + 4, name)
        plain = kind & ~_MANY
        count = 1
        if plain in _VARIABLE or kind & _MANY:
            if position + 4 > len(data):
                return
            count = _WORD.unpack_from(data, position)[0]
            position += 4
        if plain in _FIXED:
            position += _FIXED[plain] * count
            continue
        if plain not in _VARIABLE:
            return
        for _ in range(count):
            if position + 4 > len(data):
                return
            length = _WORD.unpack_from(data, position)[0]
            value = data[position + 4 : position + 4 + length]
            position += 4 + length + -length % 4
            if position > len(data) + 3:
                return
            yield name, _said(plain, value, code_page)


def _after_name(data: bytes, position: int, name: int) -> int:
    """Passes over the name of a property that has one."""
    if name < 0x8000:
        return position
    position += 16
    if position + 8 > len(data):
        return len(data)
    kind, length = struct.unpack_from("<II", data, position)
    return position + 8 + (length + -length % 4 if kind == 1 else 0)


def _said(kind: int, value: bytes, code_page: str) -> str | bytes:
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    if kind == _STRING8:
        return _letters(value, code_page)
    return value


def _letters(value: bytes, code_page: str) -> str:
    return decode(value.rstrip(b"\0"), code_page)[0]


def _word(value: str | bytes | None) -> str:
    return value if isinstance(value, str) else ""
