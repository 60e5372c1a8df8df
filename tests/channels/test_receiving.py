"""The way in over HTTP: capped bodies, tamed values, clear refusals."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from channels import receiving
from channels.errors import (
    ChannelError,
    MalformedPayloadError,
    OversizePayloadError,
    PermanentDeliveryError,
    SignatureError,
    SinkFullError,
    UnsupportedEventError,
)
from channels.receiving import clean_text, guarded, parse_object, read_body, refusal
from channels.testing import serve_application

LIMIT = 1000


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async def echo(request: web.Request) -> web.StreamResponse:
        return web.Response(body=await read_body(request, LIMIT))

    application = web.Application()
    application.router.add_post("/", guarded(echo))
    async with serve_application(application) as served:
        yield served


async def pieces(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size
        await asyncio.sleep(0.001)


async def test_bodies_come_whole(address: str) -> None:
    async with aiohttp.ClientSession() as http:
        for data, expected in (
            (b"", b""),
            (b"x" * LIMIT, b"x" * LIMIT),
            (pieces(10, 100), b"x" * LIMIT),
        ):
            async with http.post(address, data=data) as answer:
                assert (answer.status, await answer.read()) == (200, expected)


async def test_bodies_above_the_limit_are_refused(address: str) -> None:
    async with aiohttp.ClientSession() as http:
        for data in (b"x" * (LIMIT + 1), pieces(11, 100)):
            async with http.post(address, data=data) as answer:
                assert answer.status == 413
                assert (await answer.json(content_type=None))["code"] == "too_large"
                assert answer.headers["Connection"] == "close"


async def test_a_packed_body_is_measured_unpacked(address: str) -> None:
    packed = gzip.compress(b"x" * 500_000)
    assert len(packed) < LIMIT
    async with aiohttp.ClientSession() as http:
        headers = {"Content-Encoding": "gzip"}
        async with http.post(address, data=packed, headers=headers) as answer:
            assert answer.status == 413


async def test_a_body_that_never_ends_is_given_up(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "BODY_SECONDS", 0.05)
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    status = await asyncio.wait_for(reader.readline(), 5)
    assert b" 400 " in status
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (MalformedPayloadError("x: wrong", field="/x"), 400, "malformed"),
        (OversizePayloadError(5), 413, "too_large"),
        (SignatureError("forged"), 401, "bad_signature"),
        (SinkFullError(0.2), 503, "busy"),
    ],
)
def test_errors_have_their_answers(error: ChannelError, status: int, code: str) -> None:
    answer = refusal(error)
    assert answer.content_type == "application/problem+json"
    assert isinstance(answer.body, bytes)
    body = json.loads(answer.body)
    assert (answer.status, body["status"], body["code"]) == (status, status, code)
    assert body["detail"]


def test_waiting_is_at_least_a_second() -> None:
    assert refusal(SinkFullError(0.2)).headers["Retry-After"] == "1"
    assert refusal(SinkFullError(2.5)).headers["Retry-After"] == "3"


def test_foreign_events_are_answered_so_that_nobody_retries() -> None:
    assert refusal(UnsupportedEventError("a reaction")).status == 200


def test_errors_of_delivery_are_no_senders_fault() -> None:
    with pytest.raises(PermanentDeliveryError):
        refusal(PermanentDeliveryError("gone"))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  你好 \n", "你好"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\tb", "a\tb"),
        ("\u202eexe.fdp", "exe.fdp"),
        ("a\u2066b\u2069\u200e", "ab"),
        ("\u200b\ufeff\u2060", ""),
        ("\x00\x1b[31m\x7f", "[31m"),
        ("👩‍💻 می‌خواهم", "👩‍💻 می‌خواهم"),
        ("\U000e0041hidden", "hidden"),
        ("\u200d \u2800\u3164\u3000", ""),
        ("broken \ufffd", "broken \ufffd"),
        ("<script>", "<script>"),
    ],
)
def test_text_is_cleaned(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    assert "\x00" not in once
    once.encode()


@given(st.binary(max_size=100))
def test_any_body_is_an_object_or_refused(body: bytes) -> None:
    with suppress(MalformedPayloadError):
        assert isinstance(parse_object(body), dict)
