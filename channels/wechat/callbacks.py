"""The callback address of an app: its verification, and what comes there."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from channels.errors import MalformedPayloadError
from channels.receiving import read_body
from channels.wechat.crypto import CallbackCipher
from channels.wechat.payload import parse_xml, take

BODY_LIMIT: Final = 262_144
"""Largest callback in bytes; the platform's are below 64 KB."""


def verified_echo(request: web.Request, cipher: CallbackCipher, now: int) -> web.Response:
    """The answer to the address's verification: the decrypted text and nothing else.

    Raises:
        SignatureError: not signed with our token, too old, or meant for another company.
        MalformedPayloadError: it cannot be decrypted.
    """
    # A `+` that was not escaped came as a blank, of which base64 has none.
    sealed = request.query.get("echostr", "").replace(" ", "+")
    return web.Response(body=_opened(request, cipher, sealed, now), content_type="text/plain")


async def read_callback(request: web.Request, cipher: CallbackCipher, now: int) -> bytes:
    """The decrypted content of a callback.

    Raises:
        SignatureError: not signed with our token, too old, or meant for another company.
        MalformedPayloadError: it cannot be read.
    """
    sealed = take(parse_xml(await read_body(request, BODY_LIMIT)), "Encrypt", limit=BODY_LIMIT)
    if not sealed:
        raise MalformedPayloadError("Encrypt: missing; callbacks come encrypted", field="Encrypt")
    return _opened(request, cipher, sealed, now)


def _opened(request: web.Request, cipher: CallbackCipher, sealed: str, now: int) -> bytes:
    query = request.query
    return cipher.open(
        sealed,
        signature=query.get("msg_signature", ""),
        timestamp=query.get("timestamp", ""),
        nonce=query.get("nonce", ""),
        now=now,
    )
