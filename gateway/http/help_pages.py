"""The help centre: `/help` lists and searches articles, `/help/SLUG` shows one (H1.5).

The bot's answers point here. Pages are rendered on the server, work without scripts and admit
nothing but their own style. Searches that find nothing are counted for the editors.
"""

from __future__ import annotations

import functools
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from bot.knowledge import Hit
from gateway.http.pages import page_language, render_page, show_not_found
from gateway.http.parts import HttpParts
from gateway.ports.store import StoreUnavailableError
from intents.model import Article, Language
from intents.text import to_simplified, to_traditional

_ALLOWED = {
    *("p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote"),
    *("a", "table", "thead", "tbody", "tr", "th", "td", "hr", "br"),
}
_LONGEST_WORDS = 100
_MOST_HITS = 10
# Below this the articles do not know the topic: what was found is no answer.
_UNKNOWN = 0.3
_MISSES_A_MINUTE = 30
_MINUTE = 60_000

_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "help": "Help centre",
        "search": "Search",
        "label": "What is your question about?",
        "nothing": "Nothing was found. Try other words, or write to us in the chat.",
        "found": "Found for “{words}”",
        "back": "All articles",
        "empty": "There are no articles yet.",
        "account": "Account",
        "billing": "Billing and invoices",
        "broadband": "Broadband",
        "e-seal": "Electronic seal",
        "general": "General",
        "cloud-office": "Cloud office",
        "orders": "Orders and delivery",
        "service": "Service",
    },
    "zh-Hans": {
        "help": "帮助中心",
        "search": "搜索",
        "label": "您想了解什么？",
        "nothing": "没有找到相关内容。请换个说法，或在聊天窗口联系我们。",
        "found": "“{words}”的搜索结果",
        "back": "全部文章",
        "empty": "还没有文章。",
        "account": "账号",
        "billing": "账单与发票",
        "broadband": "宽带",
        "e-seal": "电子印章",
        "general": "其他",
        "cloud-office": "云办公",
        "orders": "订单与配送",
        "service": "服务",
    },
    "zh-Hant": {
        "help": "說明中心",
        "search": "搜尋",
        "label": "您想了解什麼？",
        "nothing": "沒有找到相關內容。請換個說法，或在聊天視窗聯絡我們。",
        "found": "「{words}」的搜尋結果",
        "back": "全部文章",
        "empty": "還沒有文章。",
        "account": "帳號",
        "billing": "帳單與發票",
        "broadband": "寬頻",
        "e-seal": "電子印章",
        "general": "其他",
        "cloud-office": "雲端辦公",
        "orders": "訂單與配送",
        "service": "服務",
    },
}


@functools.cache
def _markdown() -> Any:
    """The parser: tables, and no HTML of the author's own."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def render_article(markdown: str) -> str:
    """An article's body as HTML that cannot do harm, whoever wrote it."""
    import nh3

    return nh3.clean(
        _markdown().render(markdown),
        tags=_ALLOWED,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )


def in_script(text: str, language: Language) -> str:
    """Chinese in the reader's script, whichever it was written in; other text as it is."""
    if language is Language.ZH_HANT:
        return to_traditional(text)
    return to_simplified(text) if language is Language.ZH_HANS else text


class HelpCentre:
    """The pages' handlers."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts
        self._noted: deque[int] = deque()

    def routes(self) -> list[web.RouteDef]:
        """The pages' routes."""
        return [
            web.get("/help", self.overview),
            web.get("/help/{slug:[a-z0-9-]{1,100}}", self.show),
        ]

    async def overview(self, request: web.Request) -> web.Response:
        """Articles by category, or what a search finds."""
        tag = page_language(request)
        language = Language(tag)
        words = " ".join(request.query.get("q", "").split())[:_LONGEST_WORDS]
        hits: tuple[Hit, ...] = ()
        if words:
            hits = self._parts.articles.search(words, language, _MOST_HITS)
            if not hits or hits[0].known < _UNKNOWN:
                hits = ()
                await self._note_miss(language, words)
        return render_page(
            "help.html",
            tag,
            forms=True,
            help=_TEXTS[tag],
            words=words,
            hits=[_shown(hit, language) for hit in hits],
            groups=self._groups(language) if not words else [],
        )

    async def show(self, request: web.Request) -> web.Response:
        """An article."""
        tag = page_language(request)
        language = Language(tag)
        found = self._parts.articles.article(request.match_info["slug"], language)
        if found is None:
            return await show_not_found(request)
        return render_page(
            "article.html",
            tag,
            help=_TEXTS[tag],
            article_title=in_script(found.title, language),
            body=render_article(in_script(found.body, language)),
        )

    def _groups(self, language: Language) -> list[tuple[str, list[dict[str, str]]]]:
        """Every public article by category, in the reader's language where there is one."""
        chosen: dict[str, Article] = {}
        for article in self._parts.articles.articles():
            known = chosen.get(article.slug)
            if known is None or article.language == language.training:
                chosen[article.slug] = article
        grouped: dict[str, list[dict[str, str]]] = defaultdict(list)
        for article in sorted(chosen.values(), key=lambda article: article.slug):
            title = in_script(article.title, language)
            grouped[article.category].append({"slug": article.slug, "title": title})
        names = _TEXTS[language.value]
        return [(names.get(key, key), items) for key, items in sorted(grouped.items())]

    async def _note_miss(self, language: Language, words: str) -> None:
        """Counts a search that found nothing; a flood of them is not worth its writes."""
        now = self._parts.clock()
        while self._noted and self._noted[0] <= now - _MINUTE:
            self._noted.popleft()
        if len(self._noted) >= _MISSES_A_MINUTE:
            return
        self._noted.append(now)
        try:
            await self._parts.store.write(
                lambda uow: uow.articles.note_miss(language.value, words, now=now)
            )
        except StoreUnavailableError:
            return  # the reader's page does not hang on it


def _shown(hit: Hit, language: Language) -> dict[str, Any]:
    """A hit with its passage in pieces, marked or not."""
    passage = in_script(hit.passage, language)
    pieces: list[tuple[str, bool]] = []
    place = 0
    for start, end in hit.marks if len(passage) == len(hit.passage) else ():
        pieces += [(passage[place:start], False), (passage[start:end], True)]
        place = end
    pieces.append((passage[place:], False))
    return {"slug": hit.slug, "title": in_script(hit.title, language), "pieces": pieces}
