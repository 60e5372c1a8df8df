"""Hub frames as bytes between processes; customers' frames hold public messages."""

from __future__ import annotations

from typing import Any

import orjson

from channels.contract import (
    Attachment,
    MessageKind,
    MessageState,
    PublicMessage,
    QuickReply,
)
from gateway.ports.bus import Frame


def encode_frame(frame: Frame) -> bytes:
    """The frame as JSON; dataclasses become objects."""
    return orjson.dumps(frame)


def decode_frame(data: bytes) -> Frame:
    """The frame, its public messages as values again."""
    frame: dict[str, Any] = orjson.loads(data)
    if isinstance(frame.get("message"), dict):
        frame["message"] = _message(frame["message"])
    return frame


def _message(fields: dict[str, Any]) -> PublicMessage:
    return PublicMessage(
        **{
            **fields,
            "kind": MessageKind(fields["kind"]),
            "state": MessageState(fields["state"]),
            "choices": tuple(QuickReply(**choice) for choice in fields["choices"]),
            "attachments": tuple(Attachment(**item) for item in fields["attachments"]),
        }
    )
