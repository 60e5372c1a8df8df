"""A disk that is full, as every channel that takes files tells it."""

from __future__ import annotations

import base64
import errno
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from channels.adapters import api, rest, webchat
from channels.adapters.webchat.tokens import Visitor, sign_visitor
from channels.contract import Attachment, MessageKind
from channels.errors import TransientDeliveryError, UnavailableError
from channels.testing import (
    INBOX,
    Bench,
    WireAnswer,
    WireRequest,
    make_outbound,
    request_over_wire,
    serve,
)
from channels.webhooks import parse_secret, signed_headers
from gateway.services.channel_files import ChannelBlobs
from gateway.store.blobs import DirectoryBlobs

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Services whose blobs are the gateway's own, on the disk."""
    bench = Bench()
    blobs = ChannelBlobs(DirectoryBlobs(tmp_path / "blobs"))
    bench.context = replace(bench.context, blobs=blobs)
    return bench


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing can be written, and nothing read."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        patched.setattr(Path, "read_bytes", fail)
        yield


def picture() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def check_told(answer: WireAnswer) -> None:
    """503, when to try again, and nothing about the disk."""
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30"), answer
    problem = json.loads(answer.body)
    assert problem["code"] == "unavailable"
    assert "space" not in problem["detail"]


async def test_what_is_stored_comes_back_and_what_is_not_does_not(bench: Bench) -> None:
    blobs = bench.context.blobs
    assert await blobs.get(await blobs.put(b"x")) == b"x"
    with pytest.raises(KeyError):
        await blobs.get("0" * 64)


async def test_an_upload_to_web_chat(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = bench.build(webchat.CHANNEL, {"allowed_origins": ("https://shop.example",)})
    visitor = Visitor(inbox_id=INBOX, handle="v:1")
    token, _ = sign_visitor(bench.signer, visitor, bench.now())
    upload = WireRequest(
        path="/web/v1/uploads?name=a.png",
        body=picture(),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "image/png",
            "Origin": "https://shop.example",
        },
    )
    async with serve(webchat.CHANNEL, channel) as address:
        with full_disk(monkeypatch):
            answer = await request_over_wire(address, upload)
        check_told(answer)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert (await request_over_wire(address, upload)).status == 201


async def test_a_signed_message_with_a_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    file = {"name": "a.png", "mime": "image/png", "content": base64.b64encode(picture()).decode()}
    body = json.dumps({"sender": "anna", "attachments": [file]}).encode()
    headers = signed_headers(
        [parse_secret(SECRET)], message_id="m-1", timestamp=bench.now() // 1000, body=body
    )
    request = WireRequest(path=f"/channels/api/{INBOX}/messages", body=body, headers=headers)
    settings = {"signing_secret": SECRET, "attachments": True}
    async with serve(api.CHANNEL, bench.build(api.CHANNEL, settings)) as address:
        with full_disk(monkeypatch):
            check_told(await request_over_wire(address, request))
        assert not bench.sink.messages
        assert (await request_over_wire(address, request)).status == 202


async def test_an_answer_whose_file_cannot_be_read_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = await bench.context.blobs.put(b"x")
    attachment = Attachment(blob=blob, name="a.txt", mime="text/plain", size=1)
    settings = {"signing_secret": SECRET, "callback_url": "https://integrator.example/"}
    channel = bench.build(api.CHANNEL, settings)
    outbound = make_outbound("see the file")
    outbound = replace(outbound, message=replace(outbound.message, attachments=(attachment,)))
    with full_disk(monkeypatch), pytest.raises(TransientDeliveryError):
        await channel.send(outbound)
    await channel.stop()


async def test_a_rest_senders_download(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = await bench.context.blobs.put(b"%PDF-1.7")
    attachment = Attachment(blob=blob, name="a.pdf", mime="application/pdf", size=8)
    bench.mailbox.say(INBOX, "anna", "", kind=MessageKind.AGENT, attachments=(attachment,))
    channel = bench.build(rest.CHANNEL, {"open_mailbox": True})
    async with serve(rest.CHANNEL, channel) as address:
        path = f"/webhooks/rest/{INBOX}/messages?sender=anna"
        answer = await request_over_wire(address, WireRequest(path=path, body=b"", method="GET"))
        url = json.loads(answer.body)[0]["attachment"]["url"]
        with full_disk(monkeypatch):
            check_told(
                await request_over_wire(address, WireRequest(path=url, body=b"", method="GET"))
            )


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"/web/v1/{INBOX}/sessions", b"{}"),
        ("GET", "/web/v1/messages", b""),
        ("GET", "/web/v1/events?after=1&wait=1", b""),
    ],
)
async def test_a_conversation_that_cannot_be_read(
    bench: Bench, method: str, path: str, body: bytes
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise UnavailableError("the conversation cannot be read", 5)

    bench.mailbox.history = fail  # type: ignore[assignment,method-assign]
    token, _ = sign_visitor(bench.signer, Visitor(inbox_id=INBOX, handle="v:1"), bench.now())
    async with serve(webchat.CHANNEL, bench.build(webchat.CHANNEL, {})) as address:
        origin = address  # a page of the server itself
        headers = {"Authorization": f"Bearer {token}", "Origin": origin}
        answer = await request_over_wire(
            address, WireRequest(method=method, path=path, body=body, headers=headers)
        )
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5"), answer
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"


async def test_a_rest_mailbox_that_cannot_be_read(bench: Bench) -> None:
    async def fail(*_: object) -> None:
        raise UnavailableError("the conversation cannot be read", 5)

    bench.mailbox.undelivered = fail  # type: ignore[assignment,method-assign]
    bench.sink.on_message = lambda message: bench.mailbox.push(
        INBOX, message.handle, {"type": "overflow"}
    )
    channel = bench.build(rest.CHANNEL, {"open_mailbox": True, "wait_seconds": 1})
    async with serve(rest.CHANNEL, channel) as address:
        path = f"/webhooks/rest/{INBOX}/messages?sender=anna"
        answer = await request_over_wire(address, WireRequest(path=path, body=b"", method="GET"))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        body = json.dumps({"sender": "anna", "message": "hi"}).encode()
        answer = await request_over_wire(
            address, WireRequest(path="/webhooks/rest/webhook", body=body)
        )
        assert (answer.status, answer.body) == (200, b"[]"), "what is kept is not refused"
