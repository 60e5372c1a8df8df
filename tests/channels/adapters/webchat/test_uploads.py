"""Files: only what is meant, only for whom it is meant, and never a page of this site."""

import gzip
import io
import struct
import zipfile
import zlib

import aiohttp
import pytest
from PIL import Image

from channels.contract import Attachment
from channels.testing import INBOX
from tests.channels.adapters.webchat.shop import Caller, Shop, store_picture


def picture(width: int = 40, height: int = 30) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


async def test_a_picture_goes_up_into_a_message_and_down_again(
    caller: Caller, shop: Shop, http: aiohttp.ClientSession
) -> None:
    content = picture(400, 300)
    status, uploaded = await caller.upload("错误 截图.png", "image/png", content)
    assert status == 201
    assert (uploaded["name"], uploaded["mime"]) == ("错误 截图.png", "image/png")
    assert (uploaded["width"], uploaded["height"], uploaded["size"]) == (400, 300, len(content))
    line = await caller.connect()
    await line.say("message-1", "", attachments=[uploaded["token"]])
    await line.get("ack")
    (message,) = shop.bench.sink.messages
    assert message.attachments[0].name == "错误 截图.png"
    (file,) = (await line.get("message"))["data"]["attachments"]
    async with http.get(shop.url + file["url"]) as answer:
        assert await answer.read() == content
        headers = answer.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''%E9%94%99" in headers["Content-Disposition"]
    assert "sandbox" in headers["Content-Security-Policy"]
    async with http.get(shop.url + file["thumb"]) as answer:
        assert answer.headers["Content-Type"] == "image/webp"
        assert Image.open(io.BytesIO(await answer.read())).width == 320


async def test_the_body_may_be_the_file_itself(caller: Caller) -> None:
    status, body = await caller.call(
        "POST", "uploads?name=a.png", data=picture(), headers={"Content-Type": "image/png"}
    )
    assert (status, body["name"]) == (201, "a.png")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("..\\..\\boot.txt", "boot.txt"),
        ("/etc/cron.d/x.txt", "x.txt"),
        ("invoice\u202etxt.exe.txt", "invoicetxt.exe.txt"),
        ("con.txt", "_con.txt"),
        ("", "file.txt"),
        ("a\u200bb.txt", "ab.txt"),
    ],
)
async def test_names_lead_nowhere(caller: Caller, name: str, kept: str) -> None:
    status, body = await caller.call(
        "POST",
        "uploads",
        params={"name": name},
        data=b"plain words",
        headers={"Content-Type": "text/plain"},
    )
    assert (status, body["name"]) == (201, kept)


@pytest.mark.parametrize(
    ("name", "mime", "content"),
    [
        ("page.html", "text/html", b"<html><script>alert(1)</script>"),
        ("page.txt", "text/plain", b"<html><script>alert(1)</script>"),
        ("logo.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("photo.png", "image/png", b"MZ\x90\x00" + b"\x00" * 200),
        ("photo.png", "image/png", b"%PDF-1.7 fake"),
        ("setup.exe", "application/octet-stream", b"MZ\x90\x00" + b"\x00" * 200),
        ("photo.png", "image/png", picture()[:60]),
        ("photo.exe", "image/png", picture()),
        ("empty.txt", "text/plain", b""),
        ("run.txt", "text/plain", b"#!/bin/sh\nrm -rf /"),
    ],
)
async def test_files_that_are_not_what_they_say(
    caller: Caller, shop: Shop, name: str, mime: str, content: bytes
) -> None:
    status, body = await caller.upload(name, mime, content)
    assert (status, body["code"]) == (400, "malformed")
    assert body["errors"][0]["pointer"] in {"name", "mime", "content"}
    assert not shop.bench.blobs.contents


def png_bomb(edge: int = 40_000) -> bytes:
    """A small file that claims to unpack to gigabytes of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", edge, edge, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", b"\0" * 50_000_000)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "mime", "content"),
    [
        ("bomb.png", "image/png", png_bomb()),
        ("bomb.zip", "application/zip", zip_bomb()),
    ],
)
async def test_bombs(caller: Caller, shop: Shop, name: str, mime: str, content: bytes) -> None:
    status, body = await caller.upload(name, mime, content)
    assert (status, body["code"]) == (400, "malformed")
    assert not shop.bench.blobs.contents


async def test_files_have_a_largest_size(http: aiohttp.ClientSession) -> None:
    async with Shop(max_attachment_mb=1) as shop:
        caller = Caller(http, shop)
        await caller.open()
        status, body = await caller.upload("a.txt", "text/plain", b"x" * 1_000_001)
        assert (status, body["code"]) == (413, "too_large")
        status, body = await caller.call(
            "POST", "uploads?name=a.txt", data=io.BytesIO(b"x" * 1_000_001)
        )
        assert (status, body["code"]) == (413, "too_large")
        status, _ = await caller.call(
            "POST",
            "uploads?name=a.txt",
            data=gzip.compress(b"x" * 50_000_000),
            headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"},
        )
        assert status == 413
        status, _ = await caller.upload("a.txt", "text/plain", b"x" * 1_000_000)
        assert status == 201


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"nonsense", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\n", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (b"--b\r\nX" + b"x" * 20_000 + b"\r\n\r\n", "multipart/form-data; boundary=b"),
    ],
)
async def test_broken_forms(caller: Caller, body: bytes, content_type: str) -> None:
    status, answer = await caller.call(
        "POST", "uploads", data=body, headers={"Content-Type": content_type}
    )
    assert (status, answer["code"]) == (400, "malformed")


async def test_uploads_can_be_switched_off(http: aiohttp.ClientSession) -> None:
    async with Shop(attachments=False) as shop:
        caller = Caller(http, shop)
        assert (await caller.open())["limits"]["attachments"] == 0
        status, body = await caller.upload("a.png", "image/png", picture())
    assert (status, body["code"]) == (403, "files_off")


async def test_uploads_are_counted(http: aiohttp.ClientSession) -> None:
    async with Shop(messages_per_minute=1) as shop:
        caller = Caller(http, shop)
        await caller.open()
        assert (await caller.upload("a.png", "image/png", picture()))[0] == 201
        assert (await caller.upload("a.png", "image/png", picture()))[0] == 429


async def test_another_visitors_file_cannot_be_sent(
    caller: Caller, shop: Shop, http: aiohttp.ClientSession
) -> None:
    _, uploaded = await caller.upload("a.png", "image/png", picture())
    thief = Caller(http, shop)
    await thief.open()
    line = await thief.connect()
    await line.say("message-1", "mine", attachments=[uploaded["token"]])
    assert (await line.get("nack"))["code"] == "file_expired"


async def test_addresses_of_files_end_and_cannot_be_made(
    caller: Caller, shop: Shop, http: aiohttp.ClientSession
) -> None:
    shop.say("look", to=caller.visitor, attachments=(await store_picture(shop),))
    _, page = await caller.call("GET", "messages")
    url = shop.url + page["events"][0]["data"]["attachments"][0]["url"]
    async with http.get(url) as answer:
        assert answer.status == 200
    for forged in (
        url[:-2],
        f"{shop.url}/web/v1/files/{caller.token}",
        f"{shop.url}/web/v1/files/x",
    ):
        async with http.get(forged) as answer:
            assert answer.status == 401
    shop.bench.skew = 26 * 3_600_000
    async with http.get(url) as answer:
        assert answer.status == 401


async def test_a_file_that_was_purged(
    caller: Caller, shop: Shop, http: aiohttp.ClientSession
) -> None:
    lost = Attachment(blob="0" * 64, name="a.txt", mime="text/plain", size=1)
    async with http.get(shop.url + shop.channel.link(lost, lost.blob)) as answer:
        assert answer.status == 404
        assert (await answer.json(content_type=None))["code"] == "unknown_file"
    assert await shop.bench.mailbox.history(INBOX, caller.visitor) == []
