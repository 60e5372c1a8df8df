"""The ranking: no history, typos and homophones, what is asked for against what is offered."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ranking import Ranking

ENTRIES = {
    "pay-back": (["怎么还款", "提前还清借款"], "在还款页点一次结清。"),
    "cancel": (["怎么注销账号"], "在设置里点注销，七天后删除。"),
    "sign-in": (["登录不上怎么办"], "检查账号和密码。"),
    "wifi": (["WiFi 密码在哪里看"], "看路由器背面的标签。"),
    "invoice": (["How do I get an invoice?"], "Open the order and choose Invoice."),
    "refund": (["When do I receive my refund?"], "Within seven days."),
}


def filled(keys: list[str]) -> Ranking:
    ranking = Ranking()
    for key in keys:
        ranking.add(key, *ENTRIES[key])
    return ranking


def best(text: str) -> str:
    return filled(sorted(ENTRIES)).search(text, 3).keys[0]


def test_words_of_the_same_meaning_and_of_the_same_sound_are_found() -> None:
    assert best("我要取消账户") == "cancel"
    assert best("登陆补上") == "sign-in"
    assert best("帐號怎麼註銷") == "cancel"
    assert best("咋还钱") == "pay-back"
    assert best("wify密码") == "wifi"
    assert best("recieve refnd") == "refund"
    assert best("invoices") == "invoice"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(ENTRIES))), min_size=1, max_size=40)
)
def test_an_index_has_no_history(steps: list[tuple[bool, str]]) -> None:
    ranking = Ranking()
    left: set[str] = set()
    for is_added, key in steps:
        if is_added:
            ranking.add(key, *ENTRIES[key])
            left.add(key)
        else:
            ranking.remove(key)
            left.discard(key)
        ranking.search("怎么还款", 2)
    fresh = filled(sorted(left))
    assert len(ranking) == len(left)
    for text in ("怎么还款", "get an invoice", "密码"):
        old, new = ranking.search(text, 9), fresh.search(text, 9)
        assert old.keys == new.keys
        assert [round(float(x), 4) for x in old.score] == [round(float(x), 4) for x in new.score]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_asked_and_indexed(text: str) -> None:
    ranking = filled(sorted(ENTRIES))
    ranking.add("any", [text] if text.strip() else [], text)
    found = ranking.search(text, 3)
    assert all(0 <= float(x) <= 1.001 for x in (*found.likeness, *found.covered, *found.body))


def test_many_entries_are_narrowed_down_without_losing_the_right_one() -> None:
    ranking = Ranking()
    for number in range(300):
        ranking.add(f"n{number}", [f"怎么办理第{number}号业务"], "请在营业厅办理。")
    ranking.add("odd", ["独角兽套餐多少钱"], "每月 99 元。")
    assert ranking.search("独角兽套餐的价格", 1).keys == ["odd"]
    ranking.add("odd", ["鲲鹏套餐多少钱"], "每月 88 元。")
    assert ranking.search("鲲鹏套餐的价格", 1).keys == ["odd"]
    for number in range(300):
        ranking.remove(f"n{number}")
    assert ranking.search("鲲鹏", 5).keys == ["odd"]


def test_an_empty_index_finds_nothing() -> None:
    assert Ranking().search("什么", 3).keys == []
