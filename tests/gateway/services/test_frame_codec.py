"""Frames keep their meaning on the way between processes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import (
    Attachment,
    InboundMessage,
    MessageKind,
    MessageState,
    PublicMessage,
    QuickReply,
)
from gateway.services.frame_codec import decode_frame, encode_frame
from gateway.services.wire import UnreadableEntryError, decode_inbound, encode_inbound

TEXT = st.text(max_size=20)
NUMBER = st.integers(min_value=0, max_value=2**53)
MAYBE_TEXT = st.none() | TEXT
MAYBE_NUMBER = st.none() | NUMBER
ATTACHMENTS = st.lists(
    st.builds(
        Attachment,
        blob=TEXT,
        name=TEXT,
        mime=TEXT,
        size=NUMBER,
        width=MAYBE_NUMBER,
        height=MAYBE_NUMBER,
        thumbnail=MAYBE_TEXT,
    ),
    max_size=2,
).map(tuple)
MESSAGES = st.builds(
    PublicMessage,
    id=TEXT,
    conversation_id=TEXT,
    seq=NUMBER,
    kind=st.sampled_from(MessageKind),
    author=TEXT,
    text=TEXT,
    state=st.sampled_from(MessageState),
    created_at=NUMBER,
    choices=st.lists(st.builds(QuickReply, title=TEXT, payload=TEXT), max_size=2).map(tuple),
    attachments=ATTACHMENTS,
    article=MAYBE_TEXT,
    external_id=MAYBE_TEXT,
    in_reply_to=MAYBE_TEXT,
)
INBOUND = st.builds(
    InboundMessage,
    inbox_id=TEXT,
    handle=TEXT,
    external_id=TEXT,
    text=TEXT,
    received_at=NUMBER,
    thread=TEXT,
    payload=MAYBE_TEXT,
    attachments=ATTACHMENTS,
    sent_at=MAYBE_NUMBER,
    raw=MAYBE_TEXT,
    verified=st.booleans(),
    profile=st.dictionaries(TEXT, TEXT, max_size=3),
)


@given(MESSAGES)
@settings(max_examples=50, deadline=None)
def test_a_message_frame_comes_back_as_it_was(message: PublicMessage) -> None:
    frame = {"type": "message", "message": message}
    assert decode_frame(encode_frame(frame)) == frame


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "state", "ids": ["a", "b"], "state": "read"},
        {"type": "typing", "author": "Lin"},
        {"type": "controller", "controller": "agent", "agent": "林"},
        {"type": "message", "conversation_id": "c", "message_id": "m"},
        {"type": "turn_done", "external_id": "x1"},
        {"type": "overflow"},
    ],
)
def test_other_frames_come_back_as_they_were(frame: dict[str, object]) -> None:
    assert decode_frame(encode_frame(frame)) == frame


def test_kinds_and_states_are_members_again_and_not_words() -> None:
    message = PublicMessage(
        id="m",
        conversation_id="c",
        seq=1,
        kind=MessageKind.BOT,
        author="",
        text="",
        state=MessageState.SENT,
        created_at=1,
    )
    frame = decode_frame(encode_frame({"type": "message", "message": message}))
    assert frame["message"].kind is MessageKind.BOT
    assert frame["message"].state is MessageState.SENT


@given(INBOUND)
@settings(max_examples=100, deadline=None)
def test_an_inbound_message_comes_back_from_the_bus(message: InboundMessage) -> None:
    again = decode_inbound(encode_inbound(message))
    assert again == message
    assert again.conversation_key == message.conversation_key


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"attachments": 5}',
        b'{"attachments": [5]}',
        b'{"attachments": [{"blob": "x"}]}',
        b'{"attachments": [], "inbox_id": "i"}',
        b'{"attachments": [], "inbox_id": "i", "handle": "h", "external_id": "e", "text": "t", '
        b'"received_at": 1, "from_the_future": true}',
        b'{"attachments": [], "inbox_id": [], "handle": "h", "external_id": "e", "text": "t", '
        b'"received_at": 1}',
    ],
)
def test_what_is_no_inbound_message_is_refused(payload: bytes) -> None:
    with pytest.raises(UnreadableEntryError):
        decode_inbound(payload)
