"""Which sentences are alike, and groups of them."""

from hypothesis import given
from hypothesis import strategies as st

from bot.likeness import Likeness, Sentence, shared_words


def likeness(*texts: str) -> Likeness:
    return Likeness(
        Sentence(text=text, intent=f"i{n}", language="en") for n, text in enumerate(texts)
    )


def test_the_nearest_come_first_and_the_same_is_one() -> None:
    found = likeness("refund my order", "I want a refund", "open an account").nearest(
        "refund my order", 5
    )
    assert [each.sentence.text for each in found] == ["refund my order", "I want a refund"]
    assert found[0].similarity == 1.0
    assert 0 < found[1].similarity < 1


def test_traditional_and_simplified_are_the_same() -> None:
    (found,) = likeness("怎么申请退款").nearest("怎麼申請退款", 1)
    assert found.similarity == 1.0


def test_only_what_is_wanted_is_looked_at() -> None:
    own = likeness("refund my order", "refund the order")
    (found,) = own.nearest("refund my order", 2, wanted=lambda s: s.intent == "i1")
    assert found.sentence.intent == "i1"
    assert own.nearest("refund my order", 2, least=1.01) == []
    assert own.nearest("🎉", 2) == []
    assert Likeness([]).nearest("refund", 2) == []


def test_groups_hold_like_sentences_largest_first() -> None:
    own = likeness(
        "where is my parcel", "sing a song", "where is my parcel now", "where's my parcel"
    )
    assert own.groups() == [[3, 0, 2], [1]]


texts = st.lists(st.text(alphabet="ab 退款发票", min_size=1, max_size=8), max_size=12)


@given(texts)
def test_groups_share_out_everything_once_and_always_alike(found: list[str]) -> None:
    groups = likeness(*found).groups()
    assert sorted(place for group in groups for place in group) == list(range(len(found)))
    assert groups == likeness(*found).groups()


@given(texts, texts)
def test_it_is_the_same_whether_or_not_it_was_built_upon_an_earlier_one(
    earlier: list[str], now: list[str]
) -> None:
    built_upon = Likeness(likeness(*now).sentences, likeness(*earlier))
    for text in (*earlier, *now):
        assert built_upon.nearest(text, 5) == likeness(*now).nearest(text, 5)
    assert built_upon.groups() == likeness(*now).groups()


def test_shared_words() -> None:
    assert shared_words("refund my order", ["order a refund"]) == ["refund", "order"]
    assert shared_words("申请退款", ["退款多久"]) == ["退款"]
