"""Sorts of words, and the lexicon that finds Chinese words in running text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.lexicon import Lexicon
from bot.sorts import sorts_in, sorts_of_word

WORDS = st.sets(st.text(alphabet="开关机票", min_size=1, max_size=4), min_size=1, max_size=8)


@pytest.mark.parametrize(("one", "other"), [("london", "tokyo"), ("quicker", "faster")])
def test_english_words_of_a_sort(one: str, other: str) -> None:
    assert set(sorts_of_word(one)) & set(sorts_of_word(other))


def test_forms_of_a_word_are_of_its_sorts() -> None:
    assert sorts_of_word("songs") == sorts_of_word("song") != ()
    assert sorts_of_word("xylograph") == ()


def test_chinese_words_of_a_sort_in_a_sentence() -> None:
    assert set(sorts_in("订一张去北京的机票")) & set(sorts_in("我要飞往上海"))
    assert sorts_in("") == []


def test_no_sort_is_both_chinese_and_english() -> None:
    assert not set(sorts_in("明天北京到上海的航班")) & set(sorts_of_word("flight"))


def test_the_longest_word_counts() -> None:
    lexicon = Lexicon({"开": 1, "开机": 2, "机票": 3})
    assert list(lexicon.find("开机票开")) == [(0, 2, 2), (3, 4, 1)]


@given(WORDS, st.text(alphabet="开关机票x", max_size=12))
def test_words_are_found_from_left_to_right(words: set[str], text: str) -> None:
    expected, start = [], 0
    while start < len(text):
        found = max((w for w in words if text.startswith(w, start)), key=len, default="")
        if found:
            expected.append((start, start + len(found), found))
        start += max(len(found), 1)
    assert list(Lexicon({word: word for word in words}).find(text)) == expected
