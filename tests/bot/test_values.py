"""Numbers, dates, times, durations, amounts; learnt spans; and what looking costs."""

import time
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.entities import EntityFinder
from bot.values.found import first_values
from bot.values.numerals import read_number
from intents.document import Document
from intents.model import Catalogue, Intent
from intents.training import Training, read_training

NOW = datetime(2026, 11, 26, 10, 0)  # noqa: DTZ001 -- a Thursday, in the customer's zone
SELDOM = ("number", "date", "time", "duration", "amount")
BUILT_IN = EntityFinder(Catalogue(version="v", intents=(), entities=SELDOM))


def found(text: str, kind: str) -> list[str]:
    return [each.value for each in BUILT_IN.find(text, now=NOW) if each.entity == kind]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,200", 1200), ("3.5万", 35000), ("三百二十五", 325), ("两万三", 23000), ("十", 10),
        ("二〇二四", 2024), ("一百零八", 108), ("一亿两千万", 120_000_000), ("十二", 12),
        ("一千零五十", 1050), ("twelve", 12), ("5k", 5000), ("abc", None), ("", None),
        ("3天", None),
    ],
)  # fmt: skip
def test_numerals(text: str, value: float | None) -> None:
    assert read_number(text) == value


HAN = "零一二三四五六七八九"


def in_han(number: int) -> str:
    """The usual way to write a number below ten thousand."""
    text, zero = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            text += ("零" if zero and text else "") + HAN[digit] + name
        zero = digit == 0
    return text


@given(st.integers(1, 9999))
def test_every_chinese_numeral_reads_back(number: int) -> None:
    assert read_number(in_han(number)) == number


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("2024-03-05 买的", ["2024-03-05"]),
        ("2024年3月5日申请", ["2024-03-05"]),
        ("二〇二四年三月五号", ["2024-03-05"]),
        ("2022年买的", ["2022"]),
        ("去年5月申请的", ["2025-05"]),
        ("前年三月", ["2024-03"]),
        ("12月5号之前", ["2026-12-05"]),
        ("上个月3号", ["2026-10-03"]),
        ("上个月", ["2026-10"]),
        ("明天下午三点", ["2026-11-27"]),
        ("大前天报的修", ["2026-11-23"]),
        ("下周三来", ["2026-12-02"]),
        ("上星期天", ["2026-11-22"]),
        ("周五可以吗", ["2026-11-27"]),
        ("三天前下的单", ["2026-11-23"]),
        ("两周后", ["2026-12-10"]),
        ("3个月前", ["2026-08"]),
        ("两年前", ["2024-11"]),
        ("30号", ["2026-11-30"]),
        ("30号线", []),
        ("2月30日", []),
        ("一直不行", []),
        ("tomorrow at 3pm", ["2026-11-27"]),
        ("next Wednesday", ["2026-12-02"]),
        ("bought on 5 March 2024", ["2024-03-05"]),
        ("March 5, 2024", ["2024-03-05"]),
        ("in March 2024", ["2024-03"]),
        ("two weeks ago", ["2026-11-12"]),
        ("the day after tomorrow", ["2026-11-28"]),
        ("we may come", []),
    ],
)
def test_dates(text: str, values: list[str]) -> None:
    assert found(text, "date") == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("明天下午三点", ["15:00"]),
        ("上午10点半", ["10:30"]),
        ("晚上八点一刻", ["20:15"]),
        ("中午12点", ["12:00"]),
        ("14:05 到", ["14:05"]),
        ("下午3:30", ["15:30"]),
        ("at 3:30 pm", ["15:30"]),
        ("3pm or 11 a.m.", ["15:00", "11:00"]),
        ("12 am", ["00:00"]),
        ("25点", []),
        ("三点建议", ["03:00"]),
        ("这时候", []),
    ],
)
def test_times(text: str, values: list[str]) -> None:
    assert found(text, "time") == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("等了半小时", ["PT30M"]),
        ("一个半小时", ["PT90M"]),
        ("用了三年", ["P3Y"]),
        ("两年半", ["P30M"]),
        ("15分钟", ["PT15M"]),
        ("断了3天了", ["P3D"]),
        ("三天前", []),
        ("3月", []),
        ("3个月", ["P3M"]),
        ("for two hours", ["PT2H"]),
        ("half an hour", ["PT30M"]),
        ("two weeks ago", []),
        ("in 3 days", []),
    ],
)
def test_durations(text: str, values: list[str]) -> None:
    assert found(text, "duration") == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("付了199元", ["199.00 CNY"]),
        ("¥1,299.50", ["1299.50 CNY"]),
        ("三百块钱", ["300.00 CNY"]),
        ("五块五", ["5.50 CNY"]),
        ("3万元", ["30000.00 CNY"]),
        ("$20 and 30 euros", ["20.00 USD", "30.00 EUR"]),
        ("RMB 88", ["88.00 CNY"]),
        ("一块修", []),
        ("20 dollarsign", []),
    ],
)
def test_amounts(text: str, values: list[str]) -> None:
    assert found(text, "amount") == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("要 3 个，另外十二台", ["3", "12"]),
        ("500兆", ["500"]),
        ("第一个", []),
        ("1.5 or 2,000", ["1.5", "2000"]),
        ("v1.2.3", []),
        ("QC20481357", []),
    ],
)
def test_numbers(text: str, values: list[str]) -> None:
    assert found(text, "number") == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("call +44 20 7946 0958 now", {"phone": "+44 20 7946 0958"}),
        ("+1 (650) 253-0000", {"phone": "+1 (650) 253-0000"}),
        ("+1 2", {}),
        ("订单号：A2048-77 没到", {"order_number": "A2048-77"}),
        ("order no. 77812 please", {"order_number": "77812"}),
        ("in order to pay", {}),
    ],
)
def test_contacts(text: str, values: dict[str, str]) -> None:
    assert first_values(EntityFinder(Catalogue(version="v", intents=())).find(text)) == values


def learnt(*examples: str) -> EntityFinder:
    into = Training()
    entry = {"intent": "a", "examples": [{"text": text} for text in examples]}
    read_training(Document("{}", "nlu.yml"), [entry], "en", into)
    return EntityFinder(
        Catalogue(
            version="v",
            intents=(Intent(name="a", utterances=tuple(into.utterances["a"])),),
            synonyms=into.synonyms,
        )
    )


TRAVEL = learnt(
    'from [Paris]{"entity": "city", "role": "from"} to [Rome]{"entity": "city", "role": "to"}',
    'from [Rome]{"entity": "city", "role": "from"} to [NYC]{"entity": "city", "role": "to", '
    '"value": "New York"} please',
    'to [Berlin]{"entity": "city", "role": "to"}',
    '从[上海]{"entity": "city", "role": "from"}到[北京]{"entity": "city", "role": "to"}',
    '从[广州]{"entity": "city", "role": "from"}到[深圳]{"entity": "city", "role": "to"}',
    "我叫[小王](name)，你好",
    "我叫[李雷](name)，您好",
    "what is it",
)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("from Rome to Paris", [("city", "from", "Rome"), ("city", "to", "Paris")]),
        ("from Rome to nyc", [("city", "from", "Rome"), ("city", "to", "New York")]),
        ("from Oslo to Rome", [("city", "from", "Oslo"), ("city", "to", "Rome")]),
        ("从成都到上海", [("city", "from", "成都"), ("city", "to", "上海")]),
        ("我叫韩梅梅，你好", [("name", None, "韩梅梅")]),
        ("Berlin", [("city", "to", "Berlin")]),
        ("what is Berlinale", []),
        ("nothing here", []),
    ],
)
def test_spans_are_learnt_from_examples(
    text: str, spans: list[tuple[str, str | None, str]]
) -> None:
    assert [(each.entity, each.role, each.value) for each in TRAVEL.find(text)] == spans


@given(st.text(max_size=60))
def test_any_text_gives_spans_inside_it_that_do_not_overlap(text: str) -> None:
    for finder in (BUILT_IN, TRAVEL):
        spans = finder.find(text, now=NOW)
        assert all(0 <= each.start < each.end for each in spans)
        assert all(a.end <= b.start for a, b in pairwise(spans))


def test_a_message_without_values_costs_little(shipped: Catalogue) -> None:
    finder = EntityFinder(shipped)
    texts = ["怎么开发票", "how can I get my money back", "你好", "宽带上不了网怎么办"]
    for text in texts:
        finder.find(text, now=NOW)
    start = time.perf_counter()
    for _ in range(250):
        for text in texts:
            finder.find(text, now=NOW)
    each = (time.perf_counter() - start) / 1000
    print(f"{each * 1e6:.0f} µs a message")
    assert each < 0.001


@pytest.mark.parametrize("part", ["1", "一", "+", "a@", "1 ", "订单", "from "])
def test_hostile_messages_end(part: str) -> None:
    start = time.perf_counter()
    BUILT_IN.find((part * 500)[:500], now=NOW)
    TRAVEL.find((part * 500)[:500])
    assert time.perf_counter() - start < 0.5
