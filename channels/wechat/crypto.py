"""Callbacks as WeCom encrypts and signs them.

AES-256-CBC whose IV is the key's beginning; 16 random bytes, the length as a big-endian 32-bit
number, the content, and whom it is for; padded to blocks of 32 bytes. The signature is the
SHA-1 of token, timestamp, nonce and ciphertext, sorted and joined.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from channels.errors import MalformedPayloadError, SignatureError

TOLERANCE: Final = 3_600_000
"""How far a callback's time may be off ours, in ms; repeats within it are known by their ids."""

_BLOCK: Final = 32
_HEAD: Final = 16 + 4
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{43}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


def parse_key(text: str) -> bytes:
    """The AES key in an EncodingAESKey.

    Raises:
        ValueError: not 43 characters of base64. The last one's unused bits may be set: they are
            in keys that the platform itself publishes.
    """
    if not _KEY.fullmatch(text):
        raise ValueError("not 43 characters of base64")
    return base64.b64decode(text + "=")


class CallbackCipher:
    """Opens one app's callbacks.

    Args:
        token: signs.
        key: encrypts, 32 bytes.
        receiver: whom callbacks are for: the corp id.
    """

    def __init__(self, *, token: str, key: bytes, receiver: str) -> None:
        self._token = token
        self._key = key
        self._receiver = receiver.encode()

    def open(
        self, encrypted: str, *, signature: str, timestamp: str, nonce: str, now: int
    ) -> bytes:
        """The content of a callback.

        Args:
            encrypted: the ciphertext in base64.
            signature: `msg_signature` of the query, as the next two.
            timestamp: seconds since the epoch.
            nonce: any text.
            now: ms since the epoch.

        Raises:
            SignatureError: not signed with our token, too old, or meant for another company.
            MalformedPayloadError: signed, but it cannot be decrypted.
        """
        joined = "".join(sorted((self._token, timestamp, nonce, encrypted)))
        expected = hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise SignatureError("msg_signature: does not hold; compare token and EncodingAESKey")
        if not _TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp) * 1000) > TOLERANCE:
            raise SignatureError("timestamp: more than an hour off; set this server's clock")
        content, receiver = _parted(self._decrypt(encrypted))
        if not hmac.compare_digest(receiver, self._receiver):
            raise SignatureError("the callback is meant for another company; compare the corp id")
        return content

    def _decrypt(self, encrypted: str) -> bytes:
        try:
            sealed = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _damaged("it is not base64") from error
        if not sealed or len(sealed) % 16:
            raise _damaged("it is cut off")
        opener = Cipher(algorithms.AES256(self._key), modes.CBC(self._key[:16])).decryptor()
        padded = opener.update(sealed) + opener.finalize()
        length = padded[-1]
        if not 1 <= length <= _BLOCK or padded[-length:] != bytes([length]) * length:
            raise _damaged("its padding is wrong; compare the EncodingAESKey")
        return padded[:-length]


def _parted(plain: bytes) -> tuple[bytes, bytes]:
    """Content and receiver."""
    end = _HEAD + int.from_bytes(plain[16:_HEAD], "big")
    if len(plain) < _HEAD or end > len(plain):
        raise _damaged("its length is wrong")
    return plain[_HEAD:end], plain[end:]


def _damaged(why: str) -> MalformedPayloadError:
    return MalformedPayloadError(f"Encrypt: cannot be decrypted: {why}", field="Encrypt")
