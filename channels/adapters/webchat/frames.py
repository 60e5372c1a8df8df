"""The widget's wire format: frames parsed from it and events composed for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from channels.adapters.webchat.texts import cut_line, find_language
from channels.contract import Attachment, MessageState, PublicMessage
from channels.errors import MalformedPayloadError
from channels.receiving import clean_text, parse_object

MAX_FRAME_BYTES: Final = 65_536
MAX_TEXT_CHARACTERS: Final = 4_000
MAX_PAYLOAD_CHARACTERS: Final = 256
MAX_TOKEN_CHARACTERS: Final = 8_192
MAX_ATTACHMENTS: Final = 5
MAX_NAME_CHARACTERS: Final = 100
MAX_SEQ: Final = 2**53 - 1

_CLIENT_MSG_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")


class FrameError(MalformedPayloadError):
    """A frame that cannot be taken.

    Args:
        code: what the widget acts on: `malformed`, `too_long`, `empty`, `too_many_files`.
        message: names the field and the remedy.
        field: the JSON pointer of what is wrong.
        client_msg_id: the message that it spoils, where it could be read.
    """

    def __init__(
        self, code: str, message: str, *, field: str, client_msg_id: str | None = None
    ) -> None:
        super().__init__(message, field=field)
        self.code = code
        self.client_msg_id = client_msg_id


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloFrame:
    """The first frame: who connects, and the last event it knows."""

    token: str
    resume_from: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFrame:
    """A message; `files` are the references that uploads returned."""

    client_msg_id: str
    text: str
    payload: str | None = None
    files: tuple[str, ...] = ()
    sent_at: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFrame:
    """Everything up to `seq` was received, or read."""

    seq: int
    state: MessageState


@dataclass(frozen=True, slots=True)
class TypingFrame:
    """The visitor is typing."""


@dataclass(frozen=True, slots=True)
class PingFrame:
    """The widget asks whether the connection still carries."""


Frame = HelloFrame | MessageFrame | SeenFrame | TypingFrame | PingFrame


def parse_frame(raw: bytes | str) -> Frame:
    """A frame from the widget.

    Raises:
        FrameError: not JSON, of an unknown type, or with a field out of bounds.
    """
    fields = _parse_json(raw)
    kind = fields.get("type")
    if kind == "msg":
        return parse_message(fields)
    if kind == "hello":
        return HelloFrame(
            token=_read_string(fields, "token", MAX_TOKEN_CHARACTERS),
            resume_from=_read_seq(fields, "resume_from", default=0),
        )
    if kind == "seen":
        return SeenFrame(seq=_read_seq(fields, "seq"), state=_read_state(fields))
    if kind == "typing":
        return TypingFrame()
    if kind == "ping":
        return PingFrame()
    raise FrameError("malformed", "type: use one of hello, msg, seen, typing, ping", field="/type")


def parse_message(fields: Mapping[str, Any]) -> MessageFrame:
    """A message from a frame or a request's body, cleaned.

    Raises:
        FrameError: a field is of the wrong type or out of bounds, or nothing was said.
    """
    client_msg_id = _read_client_msg_id(fields)
    try:
        return _parse_message(fields, client_msg_id)
    except FrameError as error:
        error.client_msg_id = client_msg_id
        raise


def _parse_message(fields: Mapping[str, Any], client_msg_id: str) -> MessageFrame:
    text = _read_text(fields)
    payload = fields.get("payload")
    if payload is not None:
        payload = cut_line(
            _read_string(fields, "payload", MAX_PAYLOAD_CHARACTERS), MAX_PAYLOAD_CHARACTERS
        )
    files = _read_files(fields)
    if not text and not files:
        raise FrameError("empty", "text: write something or attach a file", field="/text")
    return MessageFrame(
        client_msg_id=client_msg_id,
        text=text,
        payload=payload or None,
        files=files,
        sent_at=_read_time(fields),
        language=_read_language(fields),
    )


def compose_event(
    message: PublicMessage, handle: str, link: Callable[[Attachment, str], str], help_url: str
) -> dict[str, Any]:
    """The event that shows a message.

    Args:
        message: as the visitor may see it.
        handle: the visitor's, whose own message ids are given back without it.
        link: the address of an attachment's blob, given the attachment and the blob.
        help_url: the address of an article with `{slug}` in it; "" where there is none.
    """
    data = {
        "id": message.id,
        "seq": message.seq,
        "kind": message.kind.value,
        "author": cut_line(message.author, MAX_NAME_CHARACTERS),
        "text": message.text,
        "choices": [
            {"title": choice.title, "payload": choice.payload} for choice in message.choices
        ],
        "attachments": [_compose_attachment(each, link) for each in message.attachments],
        "article": _compose_article(message.article, help_url),
        "state": message.state.value,
        "created_at": message.created_at,
    }
    prefix = external_id(handle, "")
    if message.external_id and message.external_id.startswith(prefix):
        data["client_msg_id"] = message.external_id[len(prefix) :]
    return {"seq": message.seq, "type": "message", "data": data}


def compose_signal(frame: Mapping[str, Any]) -> dict[str, Any] | None:
    """The event for a frame that carries no message; None for what a widget does not show."""
    kind = frame["type"]
    if kind == "state":
        data = {"ids": list(frame["ids"]), "state": str(frame["state"])}
    elif kind == "typing":
        data = {"author": cut_line(frame["author"], MAX_NAME_CHARACTERS)}
    elif kind == "controller":
        data = {
            "controller": frame["controller"],
            "agent": cut_line(frame["agent"], MAX_NAME_CHARACTERS),
        }
    else:
        return None
    return {"type": kind, "data": data}


def external_id(handle: str, client_msg_id: str) -> str:
    """The message's id on the channel: one visitor's resend never meets another's message."""
    return f"{handle}:{client_msg_id}"


def _compose_attachment(
    attachment: Attachment, link: Callable[[Attachment, str], str]
) -> dict[str, Any]:
    thumbnail = attachment.thumbnail
    return {
        "url": link(attachment, attachment.blob),
        "name": attachment.name,
        "mime": attachment.mime,
        "size": attachment.size,
        "width": attachment.width,
        "height": attachment.height,
        "thumb": None if thumbnail is None else link(attachment, thumbnail),
    }


def _compose_article(slug: str | None, help_url: str) -> dict[str, Any] | None:
    if slug is None:
        return None
    url = help_url.replace("{slug}", quote(slug, safe="")) if help_url else None
    return {"slug": slug, "url": url}


def _parse_json(raw: bytes | str) -> Mapping[str, Any]:
    body = raw if isinstance(raw, bytes) else raw.encode("utf-8", "replace")
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError(
            "malformed", f"send at most {MAX_FRAME_BYTES} bytes in one frame", field=""
        )
    try:
        return parse_object(body)
    except MalformedPayloadError as error:
        raise FrameError("malformed", error.message, field="") from error


def _read_client_msg_id(fields: Mapping[str, Any]) -> str:
    value = fields.get("client_msg_id")
    if not isinstance(value, str) or not _CLIENT_MSG_ID.fullmatch(value):
        raise FrameError(
            "malformed",
            "client_msg_id: use 8 to 64 letters, digits, - or _, the same at each attempt",
            field="/client_msg_id",
        )
    return value


def _read_text(fields: Mapping[str, Any]) -> str:
    value = fields.get("text", "")
    if not isinstance(value, str):
        raise FrameError("malformed", "text: send a string", field="/text")
    if len(value) > MAX_TEXT_CHARACTERS:
        raise FrameError(
            "too_long", f"text: write at most {MAX_TEXT_CHARACTERS} characters", field="/text"
        )
    return clean_text(value)


def _read_string(fields: Mapping[str, Any], name: str, limit: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= limit:
        raise FrameError(
            "malformed", f"{name}: send a string of 1 to {limit} characters", field=f"/{name}"
        )
    return value


def _read_seq(fields: Mapping[str, Any], name: str, *, default: int | None = None) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SEQ:
        raise FrameError("malformed", f"{name}: send a whole number from 0", field=f"/{name}")
    return value


def _read_state(fields: Mapping[str, Any]) -> MessageState:
    value = fields.get("state", "read")
    if not isinstance(value, str) or value not in {"delivered", "read"}:
        raise FrameError("malformed", "state: use delivered or read", field="/state")
    return MessageState(value)


def _read_files(fields: Mapping[str, Any]) -> tuple[str, ...]:
    value = fields.get("attachments", [])
    if not isinstance(value, list) or not all(
        isinstance(each, str) and len(each) <= MAX_TOKEN_CHARACTERS for each in value
    ):
        raise FrameError(
            "malformed",
            "attachments: send the tokens that uploads returned",
            field="/attachments",
        )
    if len(value) > MAX_ATTACHMENTS:
        raise FrameError(
            "too_many_files",
            f"attachments: send at most {MAX_ATTACHMENTS} files with one message",
            field="/attachments",
        )
    return tuple(value)


def _read_time(fields: Mapping[str, Any]) -> int | None:
    value = fields.get("sent_at")
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _read_language(fields: Mapping[str, Any]) -> str | None:
    value = fields.get("language")
    return find_language(value[:35]) if isinstance(value, str) else None
