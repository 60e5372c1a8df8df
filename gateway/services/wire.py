"""Inbound messages as bytes on the bus, and back."""

from __future__ import annotations

from typing import Any

import orjson

from channels.contract import Attachment, InboundMessage
from channels.letters import Author, Automatic, Doubt, Participant


class UnreadableEntryError(Exception):
    """The bytes on the bus are not an inbound message of this version."""


def encode_inbound(message: InboundMessage) -> bytes:
    """The message as it lies on the bus."""
    return orjson.dumps(message)


def decode_inbound(payload: bytes) -> InboundMessage:
    """The message.

    Raises:
        UnreadableEntryError: the payload was written by something else.
    """
    try:
        fields: dict[str, Any] = orjson.loads(payload)
        author = fields.pop("author")
        message = InboundMessage(
            attachments=tuple(Attachment(**item) for item in fields.pop("attachments")),
            automatic=Automatic(fields.pop("automatic")),
            doubt=Doubt(fields.pop("doubt")),
            author=None if author is None else Author(**author),
            participants=tuple(Participant(**item) for item in fields.pop("participants")),
            **fields,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableEntryError(f"not an inbound message: {error}") from error
    if not isinstance(message.inbox_id, str):
        raise UnreadableEntryError("not an inbound message: its inbox is no text")
    return message
