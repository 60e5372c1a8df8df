"""The speller: what it reads as something else, and what it leaves alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cues import cues
from bot.speller import Speller, is_slip, learn_syllables

KNOWN = ("绑定", "密码", "退款", "password", "account", "refund", "card", "covid19")
SPELLER = Speller(KNOWN, learn_syllables())
WORDS = st.text(alphabet="abcdef", min_size=5, max_size=9)


@pytest.mark.parametrize(
    ("pair", "meant"),
    [
        ("帮定", "绑定"),
        ("密马", "密码"),
        ("推款", "退款"),
        ("绑定", None),
        ("方顶", None),
        ("觅马", None),
        ("㐀定", None),
    ],
)
def test_pairs(pair: str, meant: str | None) -> None:
    assert SPELLER.pair(pair) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("pasword", "password"),
        ("passwordd", "password"),
        ("psasword", "password"),
        ("passwerd", "password"),
        ("acount", "account"),
        ("password", None),
        ("pswrd", None),
        ("card", None),
        ("cart", None),
        ("covid18", None),
    ],
)
def test_words(word: str, meant: str | None) -> None:
    assert SPELLER.word(word) == meant


def test_the_commonest_known_word_wins() -> None:
    assert Speller(("meter", "metre"), learn_syllables()).word("meteer") == "meter"
    assert Speller(("timely", "timers"), learn_syllables()).word("timery") == "timely"


@given(WORDS, st.data())
def test_each_single_slip_is_found(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefgz"))
    slips = {
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place:],
        word[:place] + letter + word[place + 1 :],
        word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
    }
    for slip in slips - {word}:
        assert is_slip(slip, word)
        assert is_slip(word, slip)
        if len(slip) >= 5:
            assert Speller((word,), learn_syllables()).word(slip) == word


@given(WORDS, WORDS)
def test_a_slip_is_never_more_than_one(said: str, meant: str) -> None:
    if is_slip(said, meant):
        assert said != meant
        assert abs(len(said) - len(meant)) <= 1
        changed = [a != b for a, b in zip(said, meant, strict=False)]
        assert len(said) != len(meant) or sum(changed) in {1, 2}


def test_cues_of_mixed_text() -> None:
    assert cues("网速慢")[:5] == ["c网", "c速", "c慢", "c网速", "c速慢"]
    assert cues("網速慢") == cues("网速慢")
    refunds = cues("Refunds")[:-1]
    assert refunds == ["wrefunds", "g_re", "gref", "gefu", "gfun", "gund", "gnds", "gds_",
                               "g_ref", "grefu", "gefun", "gfund", "gunds", "gnds_",
                               "srefund"]  # fmt: skip
    assert cues("T-10023") == cues("T 98765")
    assert cues("a b")[-1] == "ba b"
    assert cues("\ud800") == []


@pytest.mark.parametrize(
    ("one", "other"), [("网速慢", "宽带卡顿"), ("refunds", "reimbursed"), ("注销", "退订")]
)
def test_words_that_mean_the_same_share_a_cue(one: str, other: str) -> None:
    assert {cue for cue in cues(one) if cue in cues(other) and cue[0] == "n"}


def test_cues_of_a_slip_are_those_of_both() -> None:
    assert set(cues("帮定", SPELLER)) == {*cues("帮定"), "c绑定", "c绑"}
    assert {*cues("pasword", SPELLER)} >= {"wpasword", "wpassword", "spassword"}
    assert cues("password", SPELLER) == cues("password")
