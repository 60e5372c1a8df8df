"""Addresses and ids that only we can make, so that an answer proves where it belongs.

`local+r<id><mac>@` is the address that answers to a conversation go to, `local+b<id><mac>@` the
one to which a message's bounces come back. Both are letters and digits of base32 in lower case,
since servers may fold case, and stay within 64 characters before the `@` (RFC 5321 4.5.3.1.1).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from channels.contract import SignedId, Signer

LONGEST_LOCAL: Final = 64
_MAC_BYTES: Final = 8  # 64 bits: guessing needs mails, one for each try
_FOREVER: Final = 2**52  # ms: old threads are answered after years
_ID: Final = re.compile(r"[0-9a-f]{32}")
_FOLDED: Final = re.IGNORECASE | re.ASCII  # the Kelvin sign is no k
_TAIL: Final = re.compile(r"\+([rb])([a-z2-7]{26})([a-z2-7]{13})@", _FOLDED)
_MESSAGE_ID: Final = re.compile(r"([a-z2-7]{26})\.([0-9a-f]{12})\.([a-z2-7]{13})@", _FOLDED)


class Marks:
    """Makes and reads them for one mailbox."""

    def __init__(self, signer: Signer, inbox_id: str, address: str) -> None:
        self._signer = signer
        self._inbox_id = inbox_id
        self._local, _, self._domain = address.partition("@")

    @property
    def instance(self) -> str:
        """Our name in the header by which our own mails are known again."""
        return self._mac("instance", self._inbox_id)

    def reply_address(self, conversation_id: str) -> str | None:
        """Where answers to a conversation go; None where our own name is too long for it."""
        return self._address("r", conversation_id)

    def bounce_address(self, message_id: str) -> str | None:
        """Where the bounces of a message come back."""
        return self._address("b", message_id)

    def message_id(self, conversation_id: str, message_id: str) -> str:
        """The Message-ID of one of our messages, without brackets; the same at each attempt."""
        if not _ID.fullmatch(conversation_id):
            return f"{message_id}@{self._domain}"
        tail = SignedId.end_of(message_id)
        mac = self._mac("message", f"{conversation_id}.{tail}")
        return f"{_shorten(conversation_id)}.{tail}.{mac}@{self._domain}"

    def conversation_of_address(self, address: str) -> str | None:
        """The conversation that a signed reply address names."""
        return self._read("r", address)

    def message_of_address(self, address: str) -> str | None:
        """The message that a signed bounce address names."""
        return self._read("b", address)

    def conversation_of_id(self, message_id: str) -> str | None:
        """The conversation that a Message-ID of ours names."""
        found = _MESSAGE_ID.match(message_id)
        if found is None:
            return None
        conversation_id = _lengthen(found[1])
        wanted = self._mac("message", f"{conversation_id}.{found[2].lower()}")
        return conversation_id if hmac.compare_digest(wanted, found[3].lower()) else None

    def signed_as(self, message_id: str) -> SignedId | None:
        """What a Message-ID of ours names."""
        conversation_id, found = self.conversation_of_id(message_id), _MESSAGE_ID.match(message_id)
        if conversation_id is None or found is None:
            return None
        return SignedId(conversation_id, found[2].lower())

    def _address(self, kind: str, value: str) -> str | None:
        if not _ID.fullmatch(value):
            return None
        local = f"{self._local}+{kind}{_shorten(value)}{self._mac(kind, value)}"
        return f"{local}@{self._domain}" if len(local) <= LONGEST_LOCAL else None

    def _read(self, kind: str, address: str) -> str | None:
        found = _TAIL.search(address)
        if found is None or found[1].lower() != kind:
            return None
        value = _lengthen(found[2])
        wanted = self._mac(kind, value)
        return value if hmac.compare_digest(wanted, found[3].lower()) else None

    def _mac(self, kind: str, value: str) -> str:
        token = self._signer.sign(f"email.{kind}", value, expires_at=_FOREVER)
        digest = hashlib.sha256(token.encode()).digest()[:_MAC_BYTES]
        return base64.b32encode(digest).decode().rstrip("=").lower()


def _shorten(value: str) -> str:
    return base64.b32encode(bytes.fromhex(value)).decode().rstrip("=").lower()


def _lengthen(short: str) -> str:
    return base64.b32decode(short.upper() + "======").hex()
