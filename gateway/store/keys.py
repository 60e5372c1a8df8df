"""The installation's key file, and what is made from it: encryption at rest, signed tokens.

One file of 32 random bytes; each use has a key of its own, derived by HKDF (RFC 5869).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from channels.errors import SignatureError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_SEALED_PREFIX = "v1:"


class KeyFileError(RuntimeError):
    """The key file cannot be used; the message says why and how to mend it."""


class AesSecretBox:
    """Encrypts secrets at rest: AES-256-GCM under a random nonce.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: str) -> str:
        """The secret, encrypted."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, secret.encode(), None)
        return _SEALED_PREFIX + base64.b64encode(sealed).decode()

    def open(self, sealed: str) -> str:
        """The secret in clear.

        Raises:
            ValueError: sealed with another key, or damaged.
        """
        try:
            prefix, text = sealed[: len(_SEALED_PREFIX)], sealed[len(_SEALED_PREFIX) :]
            content = base64.b64decode(text, validate=True)
            if prefix != _SEALED_PREFIX or len(content) < _NONCE_BYTES:
                raise ValueError("not a sealed secret")
            nonce, rest = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
            return self._cipher.decrypt(nonce, rest, None).decode()
        except (InvalidTag, ValueError) as error:
            raise ValueError(
                "a stored secret cannot be decrypted: it is damaged, or the key file is "
                "another one than when it was stored"
            ) from error


class HmacSigner:
    """`channels.contract.Signer`: HMAC-SHA256 over purpose, expiry and value.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, purpose: str, value: str, *, expires_at: int) -> str:
        """A URL-safe token for the value; `expires_at` in ms since the epoch."""
        body = f"{expires_at:d}.{value}".encode()
        return f"{_encode(body)}.{_encode(self._mac(purpose, body))}"

    def verify(self, purpose: str, token: str, *, now: int) -> str:
        """The value.

        Raises:
            SignatureError: forged, expired, or made for another purpose.
        """
        encoded, _, mac = token.partition(".")
        try:
            body, given = _decode(encoded), _decode(mac)
        except (binascii.Error, ValueError) as error:
            raise SignatureError("the token is malformed") from error
        if not hmac.compare_digest(given, self._mac(purpose, body)):
            raise SignatureError("the token's signature is wrong")
        expires_at, _, value = body.decode().partition(".")
        if int(expires_at) <= now:
            raise SignatureError("the token has expired")
        return value

    def _mac(self, purpose: str, body: bytes) -> bytes:
        # The purpose's length keeps purpose and body apart.
        name = purpose.encode()
        text = len(name).to_bytes(4, "big") + name + body
        return hmac.digest(self._key, text, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Keys:
    """What the key file gives."""

    box: AesSecretBox
    signer: HmacSigner


def load_keys(path: Path) -> Keys:
    """Reads the key file, creating it (mode 0600) at the first start.

    Two processes that start at once end with the same file.

    Raises:
        KeyFileError: it cannot be read or written, others may read it, or it is damaged.
    """
    try:
        content = _read(path)
        if content is None:
            _create(path)
            content = _read(path)
    except OSError as error:
        raise KeyFileError(f"the key file {path} cannot be used: {error.strerror}") from error
    if content is None or len(content) != _KEY_BYTES:
        raise KeyFileError(
            f"the key file {path} is damaged: it must hold {_KEY_BYTES} bytes; restore it from "
            "the backup, since stored secrets cannot be read without it"
        )
    return Keys(
        box=AesSecretBox(_derive(content, b"secrets")),
        signer=HmacSigner(_derive(content, b"tokens")),
    )


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if os.name == "posix" and mode & 0o077:
                raise KeyFileError(
                    f"the key file {path} may be read by others (mode {mode:04o}); "
                    f"run: chmod 600 {path}"
                )
            return file.read(_KEY_BYTES + 1)
    except FileNotFoundError:
        return None


def _create(path: Path) -> None:
    """Writes a whole file beside it and links it into place, unless another was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(key)


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    content = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if _encode(content) != text:  # the decoder skips what is not base64
        raise ValueError("not base64url")
    return content
