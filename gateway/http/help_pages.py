"""`/help/SLUG`: an article of the knowledge base to read, where the bot's answers point (H1.5)."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from gateway.http.pages import page_language, render_page, show_not_found

ReadArticle = Callable[[str, str], tuple[str, str] | None]
"""Title and Markdown of an article by slug and language; None when there is none."""

_ALLOWED = {
    *("p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote"),
    *("a", "table", "thead", "tbody", "tr", "th", "td", "hr", "br"),
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


def help_route(read: ReadArticle) -> web.RouteDef:
    """The route of the articles."""

    async def show(request: web.Request) -> web.Response:
        language = page_language(request)
        found = read(request.match_info["slug"], language)
        if found is None:
            return await show_not_found(request)
        title, markdown = found
        return render_page(
            "article.html", language, article_title=title, body=render_article(markdown)
        )

    handler: Callable[[web.Request], Awaitable[web.Response]] = show
    return web.get("/help/{slug:[a-z0-9-]{1,100}}", handler)
