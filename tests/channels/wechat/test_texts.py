"""Texts are split at the platform's limits, in bytes, without cutting what is seen as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.wechat.texts import split_text

FAMILY = "👨‍👩‍👧‍👦"


@given(st.text(st.sampled_from("a登 \n。😀é\u0301" + FAMILY), max_size=400), st.integers(64, 200))
def test_nothing_is_lost_and_all_fits(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert all(0 < len(piece.encode()) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize("one", [FAMILY, "👍🏽", "🇨🇳", "e\u0301", "登"])
def test_what_is_one_stays_one(one: str) -> None:
    for shift in range(len(one.encode())):
        pieces = split_text("x" * shift + one * 40, 100)
        for piece in pieces:
            assert piece.lstrip("x").replace(one, "") == ""


def test_it_breaks_at_sentences() -> None:
    first = "您好，" * 20 + "请先登录。"
    assert split_text(first + "然后点击设置" * 10, len(first.encode()) + 20)[0] == first


def test_short_texts_stay_whole() -> None:
    assert split_text(" 好的 ", 2048) == ["好的"]
    assert split_text("  \n", 2048) == []
    assert split_text("登" * 682 + "ab", 2048) == ["登" * 682 + "ab"]
    assert len(split_text("登" * 683, 2048)) == 2
