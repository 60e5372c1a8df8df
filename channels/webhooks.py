"""Standard Webhooks: signatures over id, time and raw body, both ways.

Symmetric scheme `v1` of the Standard Webhooks specification, revision 1: HMAC-SHA256 over
`{id}.{timestamp}.{body}`, keyed with the secret's decoded bytes. Several secrets are valid at a
time while one replaces the other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final

from channels.errors import SignatureError, Words, WrongValueError

TOLERANCE_SECONDS: Final = 300
"""How far a time stamp may lie in the past or in the future."""

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"

_PREFIX: Final = "whsec_"
_SHORTEST, _LONGEST = 24, 64
_ID: Final = re.compile(r"[\x21-\x7e]{1,255}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES: Final = 16


def parse_secret(secret: str) -> bytes:
    """The key in a secret such as `whsec_MfKQ…`; padding may be missing.

    Raises:
        WrongValueError: not base64, or not 24 to 64 bytes.
    """
    encoded = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError as error:
        raise WrongValueError(
            Words(
                "write whsec_ and then the key in base64",
                "请写 whsec_，后接 base64 编码的密钥",
                "請寫 whsec_，後接 base64 編碼的金鑰",
            )
        ) from error
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise WrongValueError(
            Words(
                f"the key has {len(key)} bytes; use {_SHORTEST} to {_LONGEST} random bytes "
                "in base64",
                f"密钥有 {len(key)} 字节；请用 {_SHORTEST} 到 {_LONGEST} 个随机字节的 base64 编码",
                f"金鑰有 {len(key)} 位元組；請用 {_SHORTEST} 到 {_LONGEST} 個隨機位元組的 "
                "base64 編碼",
            )
        )
    return key


def sign(keys: Sequence[bytes], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature header: one `v1` signature for each key.

    Args:
        keys: from `parse_secret`, the current one first.
        message_id: the same at every attempt.
        timestamp: of this attempt, in seconds since the epoch.
        body: exactly the bytes that are sent.
    """
    return " ".join("v1," + _signature(key, message_id, timestamp, body) for key in keys)


def signed_headers(
    keys: Sequence[bytes], *, message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The three headers of a signed request; arguments as for `sign`."""
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: sign(keys, message_id=message_id, timestamp=timestamp, body=body),
    }


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, *, now: int) -> str:
    """The id of a request whose signature holds.

    Args:
        keys: any of them may have signed.
        headers: looked up in lower case; aiohttp's headers ignore case.
        body: the raw body.
        now: seconds since the epoch.

    Raises:
        SignatureError: a header is missing or malformed, the time stamp is more than
            `TOLERANCE_SECONDS` off, or no signature matches.
    """
    message_id = _header(headers, ID_HEADER, _ID)
    timestamp = int(_header(headers, TIMESTAMP_HEADER, _TIMESTAMP))
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise SignatureError(
            f"{TIMESTAMP_HEADER} is {abs(now - timestamp):,} s off our clock, at most "
            f"{TOLERANCE_SECONDS} s are accepted; check the sender's clock and sign anew"
        )
    given = headers.get(SIGNATURE_HEADER, "").split(" ", _MOST_SIGNATURES)[:_MOST_SIGNATURES]
    signatures = [entry.removeprefix("v1,") for entry in given if entry.startswith("v1,")]
    expected = [_signature(key, message_id, timestamp, body) for key in keys]
    matches = [
        hmac.compare_digest(signature.encode(errors="replace"), wanted.encode())
        for signature in signatures
        for wanted in expected
    ]
    if not any(matches):
        raise SignatureError(
            f"{SIGNATURE_HEADER} does not match; sign id.timestamp.body with this inbox's secret"
        )
    return message_id


def _header(headers: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not pattern.fullmatch(value):
        raise SignatureError(f"{name} is missing or malformed; send the Standard Webhooks headers")
    return value


def _signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
