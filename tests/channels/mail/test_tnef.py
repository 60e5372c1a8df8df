"""winmail.dat is opened, and what lies about its lengths ends early."""

import struct
import time

from hypothesis import given
from hypothesis import strategies as st

from channels.mail.parsing import parse_email
from channels.mail.tnef import SIGNATURE, open_winmail
from tests.channels.mail.samples import file, multipart, text


def thing(level: int, attribute: int, value: bytes) -> bytes:
    return struct.pack("<BHHI", level, attribute, 6, len(value)) + value + b"\0\0"


def variable(name: int, kind: int, value: bytes) -> bytes:
    padded = value + b"\0" * (-len(value) % 4)
    return struct.pack("<HHII", kind, name, 1, len(value)) + padded


def properties(*rows: bytes) -> bytes:
    return struct.pack("<I", len(rows)) + b"".join(rows)


PACKET = (
    SIGNATURE + b"\x01\x00"
    + thing(1, 0x9007, struct.pack("<II", 936, 0))
    + thing(1, 0x9003, properties(
        struct.pack("<HHI", 3, 0x0017, 1),
        struct.pack("<HH", 3, 0x8001) + b"g" * 16 + struct.pack("<III", 0, 5, 7),
        variable(0x1013, 0x102, "<p>您好</p>".encode()),
    ))
    + thing(2, 0x9002, b"\0" * 14)
    + thing(2, 0x8010, "日志.txt".encode("gbk") + b"\0")
    + thing(2, 0x800F, b"ABC")
    + thing(2, 0x9002, b"\0" * 14)
    + thing(2, 0x8010, b"LONGNA~1.PDF\0")
    + thing(2, 0x9005, properties(
        variable(0x3707, 0x1F, "长名字.pdf\0".encode("utf-16-le")),
        variable(0x370E, 0x1E, b"application/pdf\0"),
        variable(0x3701, 0x102, b"%PDF"),
    ))
)  # fmt: skip


def test_files_and_body_of_a_packet() -> None:
    found = open_winmail(PACKET)
    assert found is not None
    assert [(f.name, f.content, f.type) for f in found.files] == [
        ("日志.txt", b"ABC", ""),
        ("长名字.pdf", b"%PDF", "application/pdf"),
    ]
    assert found.html.decode() == "<p>您好</p>"


def test_a_packet_in_a_mail_is_unpacked() -> None:
    part = file("winmail.dat", PACKET, "application/ms-tnef")
    found = parse_email(multipart("mixed", text(" "), part, Subject="x"))
    assert [a.name for a in found.attachments] == ["日志.txt", "长名字.pdf"]
    assert found.text.strip() == "您好"


def test_what_is_no_packet_stays_an_attachment() -> None:
    part = file("winmail.dat", b"broken", "application/ms-tnef")
    found = parse_email(multipart("mixed", text("x"), part))
    assert [a.name for a in found.attachments] == ["winmail.dat"]
    assert found.notes == ("winmail.dat cannot be read",)


@given(st.lists(st.tuples(st.integers(6, len(PACKET)), st.binary(min_size=1, max_size=8))))
def test_lengths_that_lie_end_the_reading(wounds: list[tuple[int, bytes]]) -> None:
    raw = bytearray(PACKET)
    for at, damage in wounds:
        raw[at : at + len(damage)] = damage
    started = time.process_time()
    open_winmail(bytes(raw))
    assert time.process_time() - started < 1
