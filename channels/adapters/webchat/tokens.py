"""Tokens that the widget holds: who it is, which file it uploaded, which file it may fetch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from channels.contract import Attachment, Signer
from channels.errors import SignatureError

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
VISITOR_TTL_MS: Final = 30 * DAY_MS
IDENTIFIED_TTL_MS: Final = DAY_MS
UPLOAD_TTL_MS: Final = 2 * DAY_MS
FILE_TTL_MS: Final = DAY_MS

_VISITOR: Final = "webchat.visitor"
_UPLOAD: Final = "webchat.upload"
_FILE: Final = "webchat.file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who holds a session token. `profile` holds what the site signed."""

    inbox_id: str
    handle: str
    verified: bool = False
    profile: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A blob that a visitor may fetch, under the name and type it is served with."""

    inbox_id: str
    blob: str
    name: str
    mime: str


def sign_visitor(signer: Signer, visitor: Visitor, now: int) -> tuple[str, int]:
    """The session token and when it ends (ms since the epoch).

    An identified visitor's token ends after a day: the site then has to vouch again.
    """
    expires_at = now + (IDENTIFIED_TTL_MS if visitor.verified else VISITOR_TTL_MS)
    value = orjson.dumps(
        [visitor.inbox_id, visitor.handle, visitor.verified, dict(visitor.profile)]
    ).decode()
    return signer.sign(_VISITOR, value, expires_at=expires_at), expires_at


def read_visitor(signer: Signer, token: str, now: int) -> Visitor:
    """The visitor whose session token it is.

    Raises:
        SignatureError: forged or expired.
    """
    inbox_id, handle, verified, profile = _verify(signer, _VISITOR, token, now)
    return Visitor(inbox_id=inbox_id, handle=handle, verified=verified, profile=profile)


def sign_upload(signer: Signer, visitor: Visitor, attachment: Attachment, now: int) -> str:
    """A reference to an uploaded file, for the visitor's own messages only."""
    value = [visitor.inbox_id, visitor.handle, dataclasses.asdict(attachment)]
    return signer.sign(_UPLOAD, orjson.dumps(value).decode(), expires_at=now + UPLOAD_TTL_MS)


def read_upload(signer: Signer, visitor: Visitor, token: str, now: int) -> Attachment:
    """The attachment behind a reference.

    Raises:
        SignatureError: forged, expired, or another visitor's.
    """
    inbox_id, handle, fields = _verify(signer, _UPLOAD, token, now)
    if (inbox_id, handle) != (visitor.inbox_id, visitor.handle):
        raise SignatureError("the file was uploaded by another visitor")
    return Attachment(**fields)


def sign_file(signer: Signer, file: StoredFile, now: int) -> str:
    """A token that fetches one file for a day.

    It changes once an hour only, so that a browser's cache serves a picture shown again.
    """
    expires_at = now - now % HOUR_MS + HOUR_MS + FILE_TTL_MS
    value = orjson.dumps([file.inbox_id, file.blob, file.name, file.mime]).decode()
    return signer.sign(_FILE, value, expires_at=expires_at)


def read_file(signer: Signer, token: str, now: int) -> StoredFile:
    """The file that a token fetches.

    Raises:
        SignatureError: forged or expired.
    """
    inbox_id, blob, name, mime = _verify(signer, _FILE, token, now)
    return StoredFile(inbox_id=inbox_id, blob=blob, name=name, mime=mime)


def _verify(signer: Signer, purpose: str, token: str, now: int) -> list[Any]:
    value = orjson.loads(signer.verify(purpose, token, now=now))
    if not isinstance(value, list):
        raise SignatureError("the token's value is not a list")
    return value
