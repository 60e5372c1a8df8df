"""Article search: the right article, the right passage, plain text, no internal articles."""

import sys
import threading
import time
from dataclasses import replace

import pytest

from bot.knowledge import ArticleIndex
from bot.passages import PASSAGE_LENGTH, shorten, split_passages
from intents.model import Article, Catalogue, Language
from intents.text import to_traditional

HANS, HANT, EN = Language.ZH_HANS, Language.ZH_HANT, Language.EN


@pytest.fixture(scope="module")
def index(shipped: Catalogue) -> ArticleIndex:
    return ArticleIndex(shipped.articles)


def test_every_listed_question_finds_its_article(shipped: Catalogue, index: ArticleIndex) -> None:
    missed = []
    start = time.perf_counter()
    for article in shipped.articles:
        language = EN if article.language == "en" else HANS
        for question in (article.title, *article.questions):
            hits = index.search(question, language)
            if not hits or hits[0].slug != article.slug or hits[0].score < 0.75:
                missed.append((article.slug, question))
    total = sum(1 + len(article.questions) for article in shipped.articles)
    print(f"{total} searches, {(time.perf_counter() - start) / total * 1000:.3f} ms each")
    assert len(missed) / total < 0.03, missed


@pytest.mark.parametrize(
    "text", ["附近哪家火锅好吃", "推荐一部电影", "who won the world cup", "嗯"]
)
def test_foreign_questions_score_low(index: ArticleIndex, text: str) -> None:
    for language in Language:
        assert all(hit.score < 0.75 for hit in index.search(text, language))


def test_scores_are_sorted_chances_and_limited(index: ArticleIndex) -> None:
    hits = index.search("宽带上不了网怎么办", HANS, limit=4)
    assert len(hits) == 4
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert hits[0].score == max(hit.score for hit in hits)
    assert index.search("", HANS) == ()
    assert index.search("qqqq", EN) == ()


def test_traditional_questions_find_the_same(index: ArticleIndex) -> None:
    for question in ("忘记密码怎么办", "印章驱动怎么安装", "退款多久到账"):
        assert index.search(question, HANS) == index.search(to_traditional(question), HANT)


def test_internal_articles_stay_inside(catalogue: Catalogue) -> None:
    index = ArticleIndex(catalogue.articles)
    hits = index.search("打印机价格 内部价目", HANS)
    assert hits[0].slug == "printers"
    assert "staff-notes" not in {hit.slug for hit in hits}
    seen = index.search("打印机价格 内部价目", HANS, internal=True)
    assert (seen[0].slug, seen[0].audience) == ("staff-notes", "internal")
    assert index.title("staff-notes", HANS) is None
    assert index.passage("staff-notes", "打印机", HANS) is None


def test_passages_are_the_best_of_the_article_or_its_first(catalogue: Catalogue) -> None:
    index = ArticleIndex(catalogue.articles)
    assert index.passage("refunds", "钱多少天原路退回", HANS) == "钱在 7 天内原路退回。"
    assert index.passage("refunds", "zzz", HANS) == "打开订单页，点“申请退款”。"
    assert index.passage("refunds", "zzz", EN) == "Open the order page and choose Refund."
    assert index.passage("printers", "zzz", EN) == "打开后盖，取出纸张。"
    assert index.passage("nowhere", "zzz", EN) is None


def test_every_passage_of_the_shipped_articles_is_plain(shipped: Catalogue) -> None:
    for article in shipped.articles:
        passages = split_passages(article.body)
        assert passages
        for passage in passages:
            text = shorten(passage)
            assert 0 < len(text) <= PASSAGE_LENGTH
            assert not any(mark in text for mark in ("**", "](", "## ", "```"))


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("# Title\n\nText", ["Text"]),
        ("one\ntwo\n\nthree", ["one\ntwo", "three"]),
        ("- **a**\n- _b_ `c`", ["• a\n• b c"]),
        ("Do this:\n\n1. x\n2. y", ["Do this:\n1. x\n2. y"]),
        ("see [the list](https://x.example/a) now", ["see the list (https://x.example/a) now"]),
        ("[page](other.md) ![logo](l.png)", ["page logo"]),
        ("> quoted <b>bold</b>", ["quoted bold"]),
        ("| a | b |\n|---|---|\n| 1 | 2 |", ["a · b\n1 · 2"]),
        ("```\n# code_x * y\n```", ["# code_x * y"]),
        ("my_file_name stays", ["my_file_name stays"]),
        ("---\n\n***", []),
        ("", []),
    ],
)
def test_markdown_becomes_plain_text(markdown: str, plain: list[str]) -> None:
    assert split_passages(markdown) == plain


def test_shorten_ends_after_a_sentence() -> None:
    assert shorten("短") == "短"
    text = "第一句。" * 40 + "尾"
    assert shorten(text, 30) == "第一句。" * 7
    assert shorten("x" * 50, 10) == "x" * 9 + "…"
    assert len(shorten("a b. " * 200)) <= PASSAGE_LENGTH


def test_an_article_without_paragraphs_is_told_by_its_title() -> None:
    bare = Article(slug="a", language="zh", title="标题", category="x", body="# 只有标题")
    assert ArticleIndex([bare]).search("标题", HANS)[0].passage == "标题"


def test_no_articles_no_hits() -> None:
    assert ArticleIndex([]).search("退款", HANS) == ()


def test_a_thread_may_search_while_articles_come_and_go(shipped: Catalogue) -> None:
    """The bot of a new catalogue is built in a thread, over the index that serves meanwhile."""
    articles = shipped.articles
    index = ArticleIndex(articles)
    faults: list[Exception] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            for article in articles:
                try:
                    index.search(article.title, HANS)
                    index.articles()
                except Exception as error:  # whatever it is fails the test
                    faults.append(error)

    pace = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(300):
            article = articles[number % len(articles)]
            index.put(replace(article, body=f"{article.body}\n{number}"))
            index.search(article.title, HANS)
            if number % 3 == 0:
                index.take_out(article.slug, article.language)
    finally:
        over.set()
        reader.join()
        sys.setswitchinterval(pace)
    assert faults == []
