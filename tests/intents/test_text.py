"""Normalising, language and script, search tokens."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.model import Language
from intents.text import detect_language, normalise_text, to_simplified, to_traditional, tokens

HANS, HANT, EN = Language.ZH_HANS, Language.ZH_HANT, Language.EN
SIMPLIFIED = "转人工客服发票宽带电脑网络账号密码工单印章驱动软件们这说话问题时间还没"
SENTENCES = st.text(alphabet=SIMPLIFIED + "的是不我你在abcXYZ019 ,。！?-{}", max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Hello\t\nWorld ", "hello world"),
        ("ＯＫ１２３", "ok123"),
        ("轉人工客服", "转人工客服"),
        ("转\u200b人\u202e工\ufeff", "转人工"),
        ("STRASSE Straße", "strasse strasse"),
        ("a\x00b\x07c", "abc"),
        ("a\u3000b\u00a0c", "a b c"),
        ("", ""),
    ],
)
def test_normalised_form(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@given(st.text())
def test_normalising_any_text_leaves_nothing_that_cannot_be_seen(text: str) -> None:
    normalised = normalise_text(text)
    assert normalised.isprintable()
    assert "  " not in normalised
    assert normalised == normalised.strip()


@given(SENTENCES)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once


@given(SENTENCES)
def test_case_width_and_white_space_do_not_matter(text: str) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text.upper())
    assert normalise_text(f" {wide}\u200b ") == normalise_text(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("宽带上不了网", HANS),
        ("我想转人工", HANS),
        ("轉人工", HANT),
        ("後台打不開怎麼辦", HANT),
        ("請問發票怎麼開", HANT),
        ("我的 Outlook 登录不上 how", HANS),
        ("where is my order", EN),
        ("please send the 发票 to my office address", EN),
        ("Привет", EN),
        ("reset", EN),
    ],
)
@pytest.mark.parametrize("default", [HANS, HANT, EN])
def test_language_of_text_that_has_one(text: str, language: Language, default: Language) -> None:
    assert detect_language(text, default) is language


@pytest.mark.parametrize(
    "text", ["OK", "ok.", "123", "T-10023", "😀", "", "a@b.example", "https://x.example/page", "?"]
)
@pytest.mark.parametrize("default", [HANS, HANT, EN])
def test_text_without_a_language_gets_the_default(text: str, default: Language) -> None:
    assert detect_language(text, default) is default


@pytest.mark.parametrize(("default", "language"), [(HANS, HANS), (HANT, HANT), (EN, HANS)])
def test_characters_of_both_scripts_follow_the_default(
    default: Language, language: Language
) -> None:
    assert detect_language("你好", default) is language


@given(st.text(), st.sampled_from(Language))
def test_any_text_has_a_language(text: str, default: Language) -> None:
    assert detect_language(text, default) in Language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("登录账号", "登入帳號"),
        ("后台的软件", "後台的軟體"),
        ("看 https://qingchuan.example/软件 吧", "看 https://qingchuan.example/软件 吧"),
        ("写信到 support@qingchuan.example", "寫信到 support@qingchuan.example"),
        ("工单 {编号}：{status}", "工單 {编号}：{status}"),
        ("运行 `软件 --安装`", "執行 `软件 --安装`"),
        ("7 天后暂停，十天后删除", "7 天後暫停，十天後刪除"),
        ("天后宫", "天后宮"),
        ("点“发票”，填电子邮箱或邮箱", "點「發票」，填電子信箱或信箱"),
        ("电子邮件", "電子郵件"),
        ("plain English", "plain English"),
    ],
)
def test_traditional_form_keeps_addresses_and_placeholders(text: str, expected: str) -> None:
    assert to_traditional(text) == expected


@given(st.text(alphabet=SIMPLIFIED, min_size=4, max_size=30))
def test_a_reply_turned_traditional_is_detected_as_such(text: str) -> None:
    traditional = to_traditional(text)
    if to_simplified(traditional) != traditional:
        assert detect_language(traditional, HANS) is HANT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("电子印章", ["电子", "子印", "印章"]),
        ("電子印章", ["电子", "子印", "印章"]),
        ("票", ["票"]),
        ("USB-Key 坏了", ["usb", "key", "坏了"]),
        ("工单T-10023", ["工单", "t", "10023"]),
        ("Café 2024年", ["café", "2024", "年"]),
        ("，。！ …", []),
    ],
)
def test_search_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(
    st.text(alphabet=SIMPLIFIED, min_size=2, max_size=10),
    st.text(alphabet=SIMPLIFIED, max_size=10),
    st.text(alphabet=SIMPLIFIED, max_size=10),
)
def test_a_part_of_a_text_is_found_by_its_tokens(part: str, before: str, after: str) -> None:
    assert set(tokens(part)) <= set(tokens(before + part + after))


@given(st.text())
def test_tokens_are_never_empty_or_spaced(text: str) -> None:
    assert all(token and not any(c.isspace() for c in token) for token in tokens(text))


@pytest.mark.parametrize("text", ["x" * 20_000, "我" * 20_000, "a@" * 10_000, "{" * 20_000])
def test_a_long_hostile_word_costs_little(text: str) -> None:
    started = time.process_time()

    detect_language(text, Language.EN)

    assert time.process_time() - started < 1.0  # growing with the square it took many seconds
