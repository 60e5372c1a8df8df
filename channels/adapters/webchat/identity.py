"""Who a visitor is, by the word of the site that carries the widget.

The site's server signs either the customer's identifier (hex HMAC-SHA256) or a short-lived
JWT (HS256, RFC 7515 and RFC 7519) with the inbox's identity secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from channels.adapters.webchat.texts import cut_line
from channels.errors import SignatureError

MAX_IDENTIFIER_CHARACTERS: Final = 128
MAX_JWT_CHARACTERS: Final = 4096
MAX_LIFETIME_S: Final = 3600
LEEWAY_S: Final = 60
PROFILE_LIMITS: Final[Mapping[str, int]] = {"name": 100, "email": 254, "phone": 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A customer whom the site vouches for; `profile` holds only what was signed."""

    identifier: str
    profile: Mapping[str, str] = field(default_factory=dict)


def check_hmac(identifier: str, signature: str, secret: str) -> Identity:
    """The identity, when `signature` is the hex HMAC-SHA256 of the identifier.

    Raises:
        SignatureError: it is not, or the identifier cannot be one.
    """
    expected = hmac.new(secret.encode(), identifier.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.strip().lower().encode()):
        raise SignatureError("the HMAC does not fit the identifier and this inbox's secret")
    return Identity(identifier=_check_identifier(identifier))


def check_jwt(token: str, secret: str, *, audience: str, now: int) -> Identity:
    """The identity that a JWT vouches for.

    The algorithm is pinned: whatever the header asks for, only HS256 is checked. `exp` is
    demanded and lies at most one hour ahead; `aud`, where given, must name this inbox.

    Args:
        token: the compact serialisation.
        secret: the inbox's identity secret.
        audience: what `aud` must contain, where the token has one.
        now: milliseconds since the epoch.

    Raises:
        SignatureError: forged, expired, valid for too long, or meant for others.
    """
    claims = _open_jwt(token, secret)
    _check_times(claims, now // 1000)
    aud = claims.get("aud", audience)
    if audience not in (aud if isinstance(aud, list) else [aud]):
        raise SignatureError(f"the JWT's aud does not name this inbox ({audience})")
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise SignatureError("the JWT has no sub: put the customer's identifier there")
    return Identity(identifier=_check_identifier(subject), profile=_read_profile(claims))


def _open_jwt(token: str, secret: str) -> Mapping[str, Any]:
    if len(token) > MAX_JWT_CHARACTERS or not token.isascii() or token.count(".") != 2:
        raise SignatureError("the identity token is not a JWT in compact form")
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    header = _read_object(head)
    if header.get("alg") != "HS256" or "crit" in header:
        raise SignatureError("sign the JWT with HS256 and without crit")
    expected = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, _decode(signature)):
        raise SignatureError("the JWT's signature does not fit this inbox's secret")
    return _read_object(body)


def _check_times(claims: Mapping[str, Any], now_s: int) -> None:
    expires = _read_time(claims, "exp")
    if expires is None:
        raise SignatureError("the JWT has no exp: let it end at most one hour after it is made")
    if expires <= now_s - LEEWAY_S:
        raise SignatureError("the JWT has expired: make a new one for each page")
    if expires > now_s + MAX_LIFETIME_S + LEEWAY_S:
        raise SignatureError("the JWT's exp is more than one hour ahead")
    starts = _read_time(claims, "nbf")
    if starts is not None and starts > now_s + LEEWAY_S:
        raise SignatureError("the JWT is not valid yet (nbf): check the clocks")


def _read_time(claims: Mapping[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SignatureError(f"the JWT's {name} is not a number of seconds")
    return int(value)


def _read_profile(claims: Mapping[str, Any]) -> dict[str, str]:
    given = {
        name: cut_line(value, limit)
        for name, limit in PROFILE_LIMITS.items()
        if isinstance(value := claims.get(name), str)
    }
    return {name: value for name, value in given.items() if value}


def _check_identifier(identifier: str) -> str:
    if not identifier.strip() or len(identifier) > MAX_IDENTIFIER_CHARACTERS:
        raise SignatureError(f"an identifier has 1 to {MAX_IDENTIFIER_CHARACTERS} characters")
    if any(unicodedata.category(character).startswith("C") for character in identifier):
        raise SignatureError("an identifier has no control characters")
    return identifier


def _read_object(part: str) -> Mapping[str, Any]:
    try:
        value = orjson.loads(_decode(part))
    except orjson.JSONDecodeError as error:
        raise SignatureError("a part of the JWT is not JSON") from error
    if not isinstance(value, dict):
        raise SignatureError("a part of the JWT is not an object")
    return value


def _decode(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError("a part of the JWT is not base64url") from error
