"""Letters as they were meant, whatever the label says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.charsets import decode

SIMPLIFIED = "您好，我的订单还没有收到，请帮我查询一下，谢谢"
TRADITIONAL = "您好，我的訂單還沒有收到，請幫我查詢一下，謝謝"
JAPANESE = "お世話になっております。注文がまだ届いていません。"
KOREAN = "안녕하세요. 주문한 상품을 아직 받지 못했습니다."
RUSSIAN = "Здравствуйте, мой заказ ещё не пришёл"


@pytest.mark.parametrize(("label", "codec", "text"), [
    ("gb2312", "gb18030", "姓名喆㐂"), ("GBK", "gbk", SIMPLIFIED), ("x-gbk", "gbk", SIMPLIFIED),
    ("gb18030", "gb18030", "𠮷野家"), ("hz-gb-2312", "hz", SIMPLIFIED),
    ("cp936", "gbk", SIMPLIFIED),
    ("big5", "big5hkscs", TRADITIONAL), ("big5", "cp950", "裏恒銹墻粧嫺"),
    ("big5-hkscs", "big5hkscs", "喺呢度"), ("iso-2022-jp", "iso2022_jp", JAPANESE),
    ("shift_jis", "cp932", "①" + JAPANESE), ("euc-jp", "euc_jp", JAPANESE),
    ("iso-2022-kr", "iso2022_kr", KOREAN), ("ks_c_5601-1987", "cp949", KOREAN),
    ("koi8-r", "koi8_r", RUSSIAN), ("windows-1251", "cp1251", RUSSIAN),
    ("utf-7", "utf_7", SIMPLIFIED), ("unicode-1-1-utf-7", "utf_7", SIMPLIFIED),
    ("iso-8859-1", "cp1252", "“café” – 5 €"), ("windows-1250", "cp1250", "Žluťoučký kůň"),
    ("utf-16", "utf_16", SIMPLIFIED), ("utf8", "utf_8_sig", SIMPLIFIED),
    ("iso-8859-8-i", "iso8859_8", "שלום"), ("tis-620", "cp874", "สวัสดี"),
])  # fmt: skip
def test_labels_mean_what_is_sent_under_them(label: str, codec: str, text: str) -> None:
    assert decode(text.encode(codec), label) == (text, "")


def test_iso_2022_cn_is_read_between_its_shifts() -> None:
    shifted = bytes(byte & 0x7F for byte in SIMPLIFIED.encode("gb2312"))
    raw = b"\x1b$)A\x0e" + shifted + b"\x0f ok"
    assert decode(raw, "iso-2022-cn")[0] == f"{SIMPLIFIED} ok"


@pytest.mark.parametrize(("label", "codec", "text"), [
    ("", "utf_8", SIMPLIFIED), ("", "gb18030", SIMPLIFIED), ("", "big5", TRADITIONAL),
    ("unknown-8bit", "gb18030", SIMPLIFIED), ("us-ascii", "gb18030", SIMPLIFIED),
    ("us-ascii", "iso2022_jp", JAPANESE), ("", "hz", SIMPLIFIED), ("", "cp1251", RUSSIAN),
    ("", "gb18030", "机房环境法规"),
    ("", "koi8_r", RUSSIAN), ("", "cp932", JAPANESE), ("", "cp949", KOREAN),
    ("no-such-charset", "gb18030", SIMPLIFIED), ("iso-8859-1", "utf_8", SIMPLIFIED),
    ("iso-8859-1", "gb18030", SIMPLIFIED), ("utf-8", "gb18030", SIMPLIFIED),
    ("utf-8", "iso2022_jp", JAPANESE), ("", "cp1252", "Frösche im Café"),
])  # fmt: skip
def test_wrong_labels_are_seen_through_and_noted(label: str, codec: str, text: str) -> None:
    read, note = decode(text.encode(codec), label)
    assert read == text
    assert note


def test_a_letter_that_was_cut_off_spoils_nothing_else() -> None:
    text, note = decode((SIMPLIFIED * 3).encode()[:-1], "utf-8")
    assert text.startswith(SIMPLIFIED * 2)
    assert "utf-8" in note


@pytest.mark.parametrize(
    "label", ["idna", "punycode", "unicode_escape", "rot13", "zlib", "undefined"]
)
def test_codecs_that_read_no_text_are_no_charsets(label: str) -> None:
    assert decode(rb"\x41 plain", label)[0] == r"\x41 plain"


@given(st.binary(), st.one_of(st.text(max_size=20), st.sampled_from(
    ["utf-8", "gb2312", "big5", "hz", "iso-2022-jp", "iso-2022-cn", "iso-2022-kr",
     "utf-7", "utf-16"]
)))  # fmt: skip
def test_any_bytes_can_be_read_under_any_label(data: bytes, label: str) -> None:
    decode(data, label)
