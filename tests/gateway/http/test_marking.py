"""Marks on what was searched for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.marking import find_marks


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("怎么开电子发票", "发票", ["发票"]),
        ("怎麼開電子發票", "发票", ["發票"]),
        ("怎么开电子发票", "發票", ["发票"]),
        ("發票抬頭可以改，發票號碼不行", "发票", ["發票", "發票"]),
        ("Reset my PASSWORD", "password reset", ["Reset", "PASSWORD"]),
        ("ＡＢＣ１２３", "abc", ["ＡＢＣ"]),
        ("电子的发票", "电子发票", ["电子", "发票"]),
        ("电子发票", "电子 子发", ["电子发"]),
        ("a+b (c)", "+b (", ["+b", "("]),
        ("nothing here", "发票", []),
        ("發票", "", []),
    ],
)
def test_words_are_marked_in_either_script(text: str, query: str, marked: list[str]) -> None:
    assert [text[start:end] for start, end in find_marks(text, query)] == marked


@given(st.text(max_size=60), st.text(max_size=20))
def test_marks_are_in_order_and_within(text: str, query: str) -> None:
    end_before = -1
    for start, end in find_marks(text, query):
        assert end_before < start < end <= len(text)
        end_before = end
