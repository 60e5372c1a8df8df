"""Files from outside: the table of what comes in, under which name, and what does not."""

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from channels.contract import Attachment
from channels.errors import MalformedPayloadError
from channels.files import (
    NAME_LIMIT,
    THUMBNAIL_EDGE,
    accept_file,
    accepted_types,
    download_headers,
    safe_name,
)
from channels.testing import MemoryBlobs

OFFICE = "application/vnd.openxmlformats-officedocument."
DOCX = OFFICE + "wordprocessingml.document"
LIMIT = 10_000_000


def picture(kind: str, size: tuple[int, int] = (640, 400), mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, 1 if mode == "P" else "red").save(buffer, kind)
    return buffer.getvalue()


def archive(entries: Mapping[str, bytes], *, packed: bool = True) -> bytes:
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", method) as target:
        for name, content in entries.items():
            target.writestr(name, content)
    return buffer.getvalue()


def office(folder: str, **more: bytes) -> bytes:
    entries = {"[Content_Types].xml": b"<Types/>", f"{folder}/main.xml": b"<x/>"}
    return archive({**entries, **{name.replace("__", "."): body for name, body in more.items()}})


async def accept(
    content: bytes, name: str = "file", mime: str = "", *, limit: int = LIMIT
) -> tuple[Attachment, MemoryBlobs]:
    blobs = MemoryBlobs()
    attachment = await accept_file(
        blobs, name=name, declared_mime=mime, content=content, limit=limit
    )
    assert blobs.contents[attachment.blob] == content
    assert attachment.size == len(content)
    return attachment, blobs


GOOD: list[tuple[str, str, bytes, str, str]] = [
    ("a.png", "image/png", picture("PNG"), "a.png", "image/png"),
    ("a.PNG", "", picture("PNG"), "a.PNG", "image/png"),
    ("photo.jpeg", "image/jpeg", picture("JPEG"), "photo.jpeg", "image/jpeg"),
    ("a.gif", "image/gif", picture("GIF", mode="P"), "a.gif", "image/gif"),
    ("a.webp", "image/webp", picture("WEBP"), "a.webp", "image/webp"),
    ("saved.jpg", "image/jpeg", picture("WEBP"), "saved.webp", "image/webp"),
    ("a", "application/octet-stream", picture("JPEG"), "a.jpg", "image/jpeg"),
    ("账单.pdf", "application/pdf", b"%PDF-1.7\n%%EOF", "账单.pdf", "application/pdf"),
    ("a.txt", "text/plain; charset=utf-8", "你好\n".encode(), "a.txt", "text/plain"),
    ("a.txt", "text/plain", "你好,世界\n".encode("gb18030"), "a.txt", "text/plain"),
    ("a.txt", "text/plain", "您好\n".encode("utf-16"), "a.txt", "text/plain"),
    ("bmw", "", b"BMW is a car", "bmw.txt", "text/plain"),
    ("notes.log", "", b"line", "notes.log.txt", "text/plain"),
    ("a.csv", "text/csv", b"a,b\n1,2\n", "a.csv", "text/csv"),
    ("a.csv", "application/vnd.ms-excel", b"a,b\n1,2\n", "a.csv", "text/csv"),
    (
        "a.zip",
        "application/x-zip-compressed",
        archive({"a.txt": b"x"}),
        "a.zip",
        "application/zip",
    ),
    ("empty.zip", "", archive({}), "empty.zip", "application/zip"),
    ("a.docx", DOCX, office("word"), "a.docx", DOCX),
    ("a.docx", "application/zip", office("word"), "a.docx", DOCX),
    ("a.xlsx", "", office("xl"), "a.xlsx", OFFICE + "spreadsheetml.sheet"),
    ("voice", "audio/amr", b"#!AMR\n<" + bytes(31), "voice.amr", "audio/amr"),
    ("a.mp4", "video/mp4", b"\0\0\0\x18ftypisom" + bytes(99), "a.mp4", "video/mp4"),
    ("a", "", office("ppt"), "a.pptx", OFFICE + "presentationml.presentation"),
]


@pytest.mark.parametrize(("name", "mime", "content", "stored_name", "stored_mime"), GOOD)
async def test_accepted(
    name: str, mime: str, content: bytes, stored_name: str, stored_mime: str
) -> None:
    attachment, _ = await accept(content, name, mime)
    assert (attachment.name, attachment.mime) == (stored_name, stored_mime)
    assert stored_mime in accepted_types()


def bomb_picture() -> bytes:
    """A PNG whose header claims 60,000 by 60,000 pixels."""
    content = bytearray(picture("PNG", (1, 1)))
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    return bytes(content)


def moderately_large_picture() -> bytes:
    """Above our cap, below the point where the decoder itself complains."""
    return picture("PNG", (8_000, 7_000), "1")


def zip64() -> bytes:
    content = archive({"a.txt": b"x"})
    end = content.rfind(b"PK\x05\x06")
    return content[:end] + b"PK\x06\x07" + bytes(16) + content[end:]


def with_count(count: int) -> bytes:
    content = bytearray(archive({"a.txt": b"x"}))
    end = content.rfind(b"PK\x05\x06")
    content[end + 8 : end + 12] = struct.pack("<HH", count, count)
    return bytes(content)


BAD: list[tuple[str, str, str, Callable[[], bytes], str]] = [
    ("empty", "a.txt", "", lambda: b"", "content"),
    ("exe", "a.exe", "", lambda: b"MZ" + bytes(200), "content"),
    ("exe as png", "a.png", "image/png", lambda: b"MZ" + bytes(200), "content"),
    ("elf", "a", "", lambda: Path(sys.executable).read_bytes()[:4000], "content"),
    ("script", "a.txt", "text/plain", lambda: b"#!/bin/sh\nrm -rf /", "content"),
    ("script after bom", "a.txt", "", lambda: b"\xef\xbb\xbf #!/bin/sh", "content"),
    ("batch", "a.txt", "", lambda: b"@ECHO off\r\n", "content"),
    ("svg", "a.svg", "image/svg+xml", lambda: b'<svg onload="alert(1)"/>', "content"),
    ("svg as text", "a.txt", "text/plain", lambda: b"\n<svg/>", "content"),
    ("html", "a.html", "text/html", lambda: b"<!doctype html><script>", "content"),
    ("xml", "a.txt", "", lambda: b"<?xml version='1.0'?>", "content"),
    ("binary", "a.txt", "text/plain", lambda: b"a\x00b", "content"),
    ("escape codes", "a.txt", "", lambda: b"\x1b]0;x\x07", "content"),
    ("tiff", "a.tiff", "", lambda: picture("TIFF"), "content"),
    ("text named exe", "a.txt.exe", "", lambda: b"hello", "name"),
    ("text named sh", "run.sh", "", lambda: b"hello", "name"),
    ("mp4 named png", "a.png", "", lambda: b"\0\0\0\x18ftypisom" + bytes(99), "name"),
    ("script like amr", "a.amr", "", lambda: b"#!/bin/amr\n", "content"),
    ("text named docm", "a.docm", "", lambda: office("word"), "name"),
    ("pdf named png", "a.png", "", lambda: b"%PDF-1.7", "name"),
    ("png declared pdf", "a.png", "application/pdf", lambda: picture("PNG"), "mime"),
    ("pdf declared html", "a.pdf", "text/html", lambda: b"%PDF-1.7", "mime"),
    ("odd declaration", "a.pdf", "\u202eimage", lambda: b"%PDF-1.7", "mime"),
    ("half a png", "a.png", "", lambda: picture("PNG", (300, 300))[:60], "content"),
    ("no real jpeg", "a.jpg", "", lambda: b"\xff\xd8\xff\xe0" + bytes(200), "content"),
    ("no real gif", "a.gif", "", lambda: b"GIF89a" + b"\xff" * 50, "content"),
    ("pixel bomb", "a.png", "", bomb_picture, "content"),
    ("56 million pixels", "a.png", "", moderately_large_picture, "content"),
    ("half a zip", "a.zip", "", lambda: archive({"a": b"x" * 99})[:50], "content"),
    ("cut zip end", "a.zip", "", lambda: archive({"a": b"x"})[:-3], "content"),
    ("zip64", "a.zip", "", zip64, "content"),
    ("many claimed", "a.zip", "", lambda: with_count(60_000), "content"),
    ("many", "a.zip", "", lambda: archive({f"{n}": b"" for n in range(5_001)}), "content"),
    ("zip bomb", "a.zip", "", lambda: archive({"a": bytes(20_000_000)}), "content"),
    ("office bomb", "a.docx", "", lambda: office("word", word__xml=bytes(20_000_000)), "content"),
    ("macros", "a.docx", "", lambda: office("word", vbaProject__bin=b"x"), "content"),
    ("program in zip", "a.zip", "", lambda: archive({"x/setup.EXE": b"x"}), "content"),
    ("way out", "a.zip", "", lambda: archive({"../../etc/passwd": b"x"}), "content"),
    ("absolute", "a.zip", "", lambda: archive({"/etc/passwd": b"x"}), "content"),
    ("drive", "a.zip", "", lambda: archive({"C:\\x.txt": b"x"}), "content"),
]


@pytest.mark.parametrize(
    ("name", "mime", "make", "field"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
async def test_refused(name: str, mime: str, make: Callable[[], bytes], field: str) -> None:
    blobs = MemoryBlobs()
    with pytest.raises(MalformedPayloadError) as caught:
        await accept_file(blobs, name=name, declared_mime=mime, content=make(), limit=LIMIT)
    assert caught.value.field == field
    assert caught.value.message.startswith(f"{field}: ")
    assert any(remedy in caught.value.message for remedy in ("send", "name it", "declare"))
    assert not blobs.contents


async def test_larger_than_the_limit() -> None:
    await accept(b"x" * 1000, limit=1000)
    with pytest.raises(MalformedPayloadError, match=r"1\.0 kB, at most 1\.0 kB"):
        await accept(b"x" * 1001, limit=1000)


@pytest.mark.parametrize(
    ("kind", "mode", "size", "small"),
    [
        ("PNG", "RGBA", (1000, 500), (320, 160)),
        ("PNG", "P", (1000, 500), (320, 160)),
        ("PNG", "L", (30, 20), (30, 20)),
        ("PNG", "I;16", (30, 20), (30, 20)),
        ("JPEG", "CMYK", (500, 1000), (160, 320)),
        ("GIF", "P", (640, 10), (320, 5)),
        ("WEBP", "RGB", (2000, 2000), (320, 320)),
    ],
)
async def test_thumbnails(
    kind: str, mode: str, size: tuple[int, int], small: tuple[int, int]
) -> None:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind)
    attachment, blobs = await accept(buffer.getvalue())
    assert (attachment.width, attachment.height) == size
    assert attachment.thumbnail is not None
    with Image.open(io.BytesIO(blobs.contents[attachment.thumbnail])) as thumbnail:
        assert thumbnail.format == "WEBP"
        assert thumbnail.size == small
        assert max(thumbnail.size) <= THUMBNAIL_EDGE


async def test_a_turned_photo_is_shown_upright() -> None:
    buffer = io.BytesIO()
    photo = Image.new("RGB", (640, 400), "red")
    exif = photo.getexif()
    exif[0x0112] = 6
    photo.save(buffer, "JPEG", exif=exif)
    attachment, blobs = await accept(buffer.getvalue())
    assert (attachment.width, attachment.height) == (400, 640)
    assert attachment.thumbnail is not None
    with Image.open(io.BytesIO(blobs.contents[attachment.thumbnail])) as thumbnail:
        assert thumbnail.size == (200, 320)
        assert not thumbnail.getexif()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("报价单.pdf", "报价单.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system32\\a.dll", "a.dll"),
        ("a/b\\c.txt", "c.txt"),
        ("", "file"),
        ("...", "file"),
        ("/", "file"),
        (" . ", "file"),
        ("\u202egpj.exe", "gpj.exe"),
        ("a\u200bb\x00c\nd.txt", "abcd.txt"),
        ("con.txt", "_con.txt"),
        ("LPT1", "_LPT1"),
        ("aux .png", "_aux.png"),
        ('a<b>:"|?*.txt', "a_b______.txt"),
        (".htaccess", "htaccess"),
        ("trailing. . ", "trailing"),
        ("e\u0301.txt", "é.txt"),
        ("many   spaces.txt", "many spaces.txt"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert safe_name(name) == expected


@given(st.text(max_size=400))
def test_any_name_becomes_a_safe_one(name: str) -> None:
    safe = safe_name(name)
    assert 1 <= len(safe) <= NAME_LIMIT
    assert len(safe.encode()) <= 2 * NAME_LIMIT
    assert not set(safe) & set('/\\<>:"|?*\r\n\t\x00\u202e\u200b')
    assert safe == safe.strip(". ")
    assert safe_name(safe) == safe


def test_a_long_name_keeps_its_extension() -> None:
    assert safe_name("长" * 300 + ".pdf") == "长" * 78 + ".pdf"
    assert safe_name("a" * 300 + ".docx") == "a" * 115 + ".docx"
    assert len(safe_name("a." + "b" * 300)) == NAME_LIMIT


def test_downloads_cannot_run_in_our_origin() -> None:
    headers: dict[str, Any] = download_headers('账单 "1".pdf', "application/pdf")
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"__ _1_.pdf\"; filename*=UTF-8''%E8%B4%A6%E5%8D%95%20%221%22.pdf"
    )
    assert "sandbox" in headers["Content-Security-Policy"]
    assert download_headers("a.txt", "text/plain")["Content-Type"] == "text/plain; charset=utf-8"


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
)
async def test_any_bytes_are_accepted_or_refused(content: bytes, start: bytes) -> None:
    with suppress(MalformedPayloadError):
        attachment, _ = await accept(start + content)
        assert attachment.mime in accepted_types()
