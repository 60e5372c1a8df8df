"""Frames: what the widget may send, and what it is shown."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.adapters.webchat.frames import (
    MAX_SEQ,
    FrameError,
    HelloFrame,
    MessageFrame,
    PingFrame,
    SeenFrame,
    TypingFrame,
    compose_event,
    compose_signal,
    external_id,
    parse_frame,
)
from channels.contract import (
    Attachment,
    MessageKind,
    MessageState,
    PublicMessage,
    QuickReply,
)

ID = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"


def message(**fields: Any) -> str:
    return json.dumps({"type": "msg", "client_msg_id": ID, "text": "hi", **fields})


@pytest.mark.parametrize(
    ("raw", "frame"),
    [
        ('{"type":"hello","token":"t"}', HelloFrame(token="t")),
        (
            '{"type":"hello","token":"t","resume_from":7}',
            HelloFrame(token="t", resume_from=7),
        ),
        ('{"type":"ping"}', PingFrame()),
        ('{"type":"typing","junk":[1]}', TypingFrame()),
        ('{"type":"seen","seq":3}', SeenFrame(seq=3, state=MessageState.READ)),
        (
            '{"type":"seen","seq":0,"state":"delivered"}',
            SeenFrame(seq=0, state=MessageState.DELIVERED),
        ),
        (message(), MessageFrame(client_msg_id=ID, text="hi")),
        (
            message(text="", attachments=["a", "b"]),
            MessageFrame(client_msg_id=ID, text="", files=("a", "b")),
        ),
        (
            message(payload="/faq", sent_at=5, language="zh-TW"),
            MessageFrame(
                client_msg_id=ID, text="hi", payload="/faq", sent_at=5, language="zh-Hant"
            ),
        ),
        (message(sent_at="now", language="xx"), MessageFrame(client_msg_id=ID, text="hi")),
        (message().encode(), MessageFrame(client_msg_id=ID, text="hi")),
    ],
)
def test_frames_are_parsed(raw: str, frame: object) -> None:
    assert parse_frame(raw) == frame


@pytest.mark.parametrize(
    ("raw", "code", "field"),
    [
        ("", "malformed", ""),
        ("nonsense", "malformed", ""),
        ("[]", "malformed", ""),
        ("null", "malformed", ""),
        (b'{"type":"ping", "x": "\xff"}', "malformed", ""),
        ('{"type":"ping","x":"\\ud800"}', "malformed", ""),
        ("[" * 5000 + "]" * 5000, "malformed", ""),
        ('{"a":' * 3000 + "1" + "}" * 3000, "malformed", ""),
        ('{"type":"msg","x":"' + "x" * 65_536 + '"}', "malformed", ""),
        ("{}", "malformed", "/type"),
        ('{"type":["msg"]}', "malformed", "/type"),
        ('{"type":"hello"}', "malformed", "/token"),
        ('{"type":"hello","token":""}', "malformed", "/token"),
        ('{"type":"hello","token":"t","resume_from":-1}', "malformed", "/resume_from"),
        ('{"type":"hello","token":"t","resume_from":true}', "malformed", "/resume_from"),
        ('{"type":"hello","token":"t","resume_from":1.5}', "malformed", "/resume_from"),
        ('{"type":"seen"}', "malformed", "/seq"),
        (f'{{"type":"seen","seq":{MAX_SEQ + 1}}}', "malformed", "/seq"),
        ('{"type":"seen","seq":1,"state":"failed"}', "malformed", "/state"),
        ('{"type":"seen","seq":1,"state":["read"]}', "malformed", "/state"),
        (message(client_msg_id="short"), "malformed", "/client_msg_id"),
        (message(client_msg_id="a:b:c:d:e"), "malformed", "/client_msg_id"),
        (message(client_msg_id=12345678), "malformed", "/client_msg_id"),
        (message(client_msg_id="x" * 65), "malformed", "/client_msg_id"),
        (message(text=5), "malformed", "/text"),
        (message(text=None), "malformed", "/text"),
        (message(text="x" * 4001), "too_long", "/text"),
        (message(text="  \n\u200b\u202e "), "empty", "/text"),
        (message(payload=1), "malformed", "/payload"),
        (message(payload="x" * 257), "malformed", "/payload"),
        (message(attachments="abc"), "malformed", "/attachments"),
        (message(attachments=[1]), "malformed", "/attachments"),
        (message(attachments=["x" * 8193]), "malformed", "/attachments"),
        (message(attachments=["t"] * 6), "too_many_files", "/attachments"),
    ],
)
def test_bad_frames_name_field_and_remedy(raw: bytes | str, code: str, field: str) -> None:
    with pytest.raises(FrameError) as caught:
        parse_frame(raw)
    assert caught.value.code == code
    assert caught.value.field == field
    assert len(caught.value.message) > 10


def test_a_bad_message_is_named_when_its_id_could_be_read() -> None:
    with pytest.raises(FrameError) as caught:
        parse_frame(message(text=5))
    assert caught.value.client_msg_id == ID


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("转\u200b人\ufeff工", "转人工"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u2066b\u2069c\u200f", "abc"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("nul\x00 bell\x07", "nul bell"),
        ("tags\U000e0041\U000e007f", "tags"),
        ("👨‍👩‍👧 你好", "👨‍👩‍👧 你好"),
        ("  <script>alert(1)</script> ", "<script>alert(1)</script>"),
    ],
)
def test_texts_hide_nothing(text: str, clean: str) -> None:
    frame = parse_frame(message(text=text))
    assert isinstance(frame, MessageFrame)
    assert frame.text == clean


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = ("type", "token", "resume_from", "client_msg_id", "text", "payload", "attachments", "seq")


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(), JSON | st.sampled_from(["msg", ID])))
def test_any_object_is_a_frame_or_a_clear_error(fields: dict[str, Any]) -> None:
    with suppress(FrameError):
        parse_frame(json.dumps(fields))


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_a_frame_or_a_clear_error(raw: bytes | str) -> None:
    with suppress(FrameError):
        parse_frame(raw)


@given(st.text(max_size=300))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    with suppress(FrameError):
        frame = parse_frame(message(text=text))
        assert isinstance(frame, MessageFrame)
        assert parse_frame(message(text=frame.text)) == frame


def make_message(**fields: Any) -> PublicMessage:
    defaults: dict[str, Any] = {
        "id": "m1",
        "conversation_id": "c1",
        "seq": 4,
        "kind": MessageKind.BOT,
        "author": "",
        "text": "Hello <b>",
        "state": MessageState.SENT,
        "created_at": 1_700_000_000_000,
    }
    return PublicMessage(**{**defaults, **fields})


def link(attachment: Attachment, blob: str) -> str:
    return f"/files/{blob}"


def test_a_message_becomes_an_event() -> None:
    picture = Attachment(
        blob="b1", name="a.png", mime="image/png", size=9, width=3, height=2, thumbnail="t1"
    )
    event = compose_event(
        make_message(
            choices=(QuickReply(title="Yes", payload="/yes"),),
            attachments=(picture,),
            article="reset password/1",
        ),
        "v:1",
        link,
        "/help/{slug}",
    )
    assert event == {
        "seq": 4,
        "type": "message",
        "data": {
            "id": "m1",
            "seq": 4,
            "kind": "bot",
            "author": "",
            "text": "Hello <b>",
            "choices": [{"title": "Yes", "payload": "/yes"}],
            "attachments": [
                {
                    "url": "/files/b1",
                    "name": "a.png",
                    "mime": "image/png",
                    "size": 9,
                    "width": 3,
                    "height": 2,
                    "thumb": "/files/t1",
                }
            ],
            "article": {"slug": "reset password/1", "url": "/help/reset%20password%2F1"},
            "state": "sent",
            "created_at": 1_700_000_000_000,
        },
    }
    json.dumps(event)


def test_an_article_has_no_address_without_a_help_centre() -> None:
    event = compose_event(make_message(article="x"), "v:1", link, "")
    assert event["data"]["article"] == {"slug": "x", "url": None}


def test_a_visitor_gets_its_own_ids_back_and_no_others() -> None:
    own = make_message(kind=MessageKind.CUSTOMER, external_id=external_id("id:a:b", ID))
    assert compose_event(own, "id:a:b", link, "")["data"]["client_msg_id"] == ID
    assert "client_msg_id" not in compose_event(own, "v:1", link, "")["data"]


def test_names_are_cut_and_cleaned() -> None:
    event = compose_event(make_message(author="Li\u202e\nWei" + "x" * 200), "v:1", link, "")
    assert event["data"]["author"].startswith("Li Wei")
    assert len(event["data"]["author"]) == 100


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (
            {"type": "state", "ids": ("a",), "state": MessageState.READ},
            {"type": "state", "data": {"ids": ["a"], "state": "read"}},
        ),
        (
            {"type": "typing", "author": "Li Wei"},
            {"type": "typing", "data": {"author": "Li Wei"}},
        ),
        (
            {"type": "controller", "controller": "agent", "agent": "Li Wei"},
            {"type": "controller", "data": {"controller": "agent", "agent": "Li Wei"}},
        ),
        ({"type": "turn_done", "external_id": "x"}, None),
    ],
)
def test_signals(frame: dict[str, Any], event: dict[str, Any] | None) -> None:
    assert compose_signal(frame) == event
