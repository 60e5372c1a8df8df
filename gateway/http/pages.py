"""Pages for people: the landing page, the API's documentation, and the built console."""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from gateway.http.problems import STATUS, ProblemError, respond
from gateway.http.serving import SECURITY_HEADERS
from gateway.ports.clock import NewId

log = logging.getLogger(__name__)

TEMPLATES: Final = Path(__file__).parent / "templates"
# Styles that scripts set on elements are attributes; style sheets come from us alone. A console
# shows pictures that it is about to upload (blob:), letters in frames, and speaks to its own
# server only.
CONSOLE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; media-src 'self'; "
    "frame-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
YEAR: Final = 31_536_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LANGUAGES: Final = ("en", "zh-Hans", "zh-Hant")
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Yingda",
        "claim": "Every message answered, or in a person's hands.",
        "about": "One bus for all channels, a bot that knows what it does not know, "
        "and a ticket queue with a console for the people who take over.",
        "demo": "Chat as a visitor",
        "demo_text": "The demo page with the chat widget.",
        "console": "Answer as an agent",
        "console_text": "The console: conversations, tickets, customers.",
        "docs": "Read the API",
        "docs_text": "Everything the console does, for your own programs.",
        "not_built": "The console is not built yet",
        "not_built_text": "Everything else works. To build the console, install Node.js 20 or "
        "newer with npm, then run this in the project's folder and start again:",
        "not_found": "There is nothing here",
        "failed": "Something went wrong here",
        "failed_text": "Try again in a moment. If it stays so, quote this number to whoever runs "
        "this server:",
        "home": "To the start page",
    },
    "zh-Hans": {
        "title": "应答",
        "claim": "每条消息都有回答，或有人接手。",
        "about": "所有渠道汇入一条总线，机器人知道自己不懂什么，"
        "工单队列和坐席工作台交给人来接手。",
        "demo": "以访客身份聊天",
        "demo_text": "带聊天窗口的演示页面。",
        "console": "以坐席身份答复",
        "console_text": "工作台：会话、工单、客户。",
        "docs": "阅读 API 文档",
        "docs_text": "工作台能做的，您的程序也能做。",
        "not_built": "工作台尚未构建",
        "not_built_text": "其余功能均可使用。要构建工作台，请安装 Node.js 20 或更新版本"
        "（含 npm），在项目目录中执行以下命令后重新启动：",
        "not_found": "这里什么也没有",
        "failed": "这里出了点问题",
        "failed_text": "请稍后再试。如果一直这样，请把这个编号告诉系统管理员：",
        "home": "返回首页",
    },
    "zh-Hant": {
        "title": "應答",
        "claim": "每則訊息都有回答，或有人接手。",
        "about": "所有管道匯入一條匯流排，機器人知道自己不懂什麼，"
        "工單佇列和客服工作台交給人來接手。",
        "demo": "以訪客身分聊天",
        "demo_text": "帶聊天視窗的示範頁面。",
        "console": "以客服身分答覆",
        "console_text": "工作台：對話、工單、客戶。",
        "docs": "閱讀 API 文件",
        "docs_text": "工作台能做的，您的程式也能做。",
        "not_built": "工作台尚未建置",
        "not_built_text": "其餘功能均可使用。要建置工作台，請安裝 Node.js 20 或更新版本"
        "（含 npm），在專案目錄中執行以下指令後重新啟動：",
        "not_found": "這裡什麼也沒有",
        "failed": "這裡出了點問題",
        "failed_text": "請稍後再試。如果一直這樣，請把這個編號告訴系統管理員：",
        "home": "返回首頁",
    },
}
NAMES: Final = {"en": "English", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}


def page_language(request: web.Request) -> str:
    """The language asked for by `?lang=`, else the browser's first that we speak."""
    wanted = request.query.get("lang", "")
    if wanted in LANGUAGES:
        return wanted
    for part in request.headers.get("Accept-Language", "")[:200].split(","):
        tag = part.partition(";")[0].strip().lower()
        if tag.startswith(("zh-hant", "zh-tw", "zh-hk", "zh-mo")):
            return "zh-Hant"
        if tag.startswith("zh"):
            return "zh-Hans"
        if tag.startswith("en"):
            return "en"
    return "en"


@functools.cache
def _templates() -> Any:
    """Jinja's environment, made when the first page is asked for."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["spans"] = _spans
    return environment


def _spans(text: str) -> Any:
    """The text as HTML, with what stands between backticks as code."""
    from markupsafe import Markup

    parts = text.split("`")
    code = Markup("<code>{}</code>")
    return Markup("").join(
        code.format(part) if number % 2 else part for number, part in enumerate(parts)
    )


@functools.cache
def _style() -> tuple[str, str]:
    """The pages' style sheet and the policy that admits it and nothing else."""
    style = (TEMPLATES / "pages.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return style, policy


def render_page(
    name: str, language: str, *, status: int = 200, forms: bool = False, **values: Any
) -> web.Response:
    """A page from its template, with the pages' style and a policy that admits nothing else.

    `forms` admits forms that lead to our own pages.
    """
    style, policy = _style()
    if forms:
        policy = policy.replace("form-action 'none'", "form-action 'self'")
    body = (
        _templates()
        .get_template(name)
        .render(
            t=_TEXTS[language],
            language=language,
            languages=NAMES,
            style=style,
            **values,
        )
    )
    return web.Response(
        status=status,
        text=body,
        content_type="text/html",
        headers={
            **SECURITY_HEADERS,
            "Content-Security-Policy": policy,
            "Cache-Control": "no-cache",
            "Vary": "Accept-Language",
        },
    )


async def show_landing(request: web.Request) -> web.Response:
    """`/`: where to go."""
    return render_page("landing.html", page_language(request))


async def show_not_found(request: web.Request) -> web.Response:
    """Any address that is none: a page for people, a problem for programs."""
    if request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", ""):
        return render_page("not_found.html", page_language(request), status=404)
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        allowed |= (await resource.resolve(request))[1]
    methods = ",".join(sorted(allowed - {"*"}))
    problem = ProblemError("not_found", "There is nothing at this address.")
    if methods and request.method not in allowed:
        problem = ProblemError(
            "method_not_allowed", f"This address takes {methods}.", headers={"Allow": methods}
        )
    response = respond(problem, "-")
    response.headers.update(SECURITY_HEADERS)
    return response


def make_docs(describe: Callable[[], dict[str, Any]], public_url: str) -> Handler:
    """`/api/docs`: the OpenAPI document to read, on one page that needs nothing else.

    Its examples name `public_url`, or without one the address at which the reader asks.
    """

    # Whoever asks may claim any host, so only a few pages are kept.
    @functools.lru_cache(maxsize=8)
    def render(language: str, base: str) -> web.Response:
        document = describe()
        tags: dict[str, list[dict[str, Any]]] = {}
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                entry = {**operation, "method": method.upper(), "path": path}
                tags.setdefault(operation["tags"][0], []).append(entry)
        return render_page(
            "docs.html",
            language,
            base=base,
            document=document,
            tags=tags,
            problems=STATUS,
            schemas=document["components"]["schemas"],
        )

    async def handle(request: web.Request) -> web.Response:
        base = public_url.rstrip("/") or f"{request.scheme}://{request.host}"
        rendered = render(page_language(request), base)
        return web.Response(body=rendered.body, headers=rendered.headers)

    return handle


async def explain_problem(request: web.Request) -> web.Response:
    """`/problems/CODE`: the type of a problem leads to its explanation."""
    code = request.match_info["code"]
    if code not in STATUS:
        return await show_not_found(request)
    raise web.HTTPFound(f"/api/docs#problem-{code}")


def console_routes(folder: Path) -> list[web.RouteDef]:
    """The built console under `/console/`; its own addresses all lead to its one page."""

    async def to_folder(_: web.Request) -> web.Response:
        raise web.HTTPFound("/console/")

    async def serve(request: web.Request) -> web.StreamResponse:
        found = await asyncio.to_thread(_pick, folder, request.match_info["path"])
        if found is None:
            return render_page("not_built.html", page_language(request), status=503)
        path, is_hashed = found
        if path is None:
            return await show_not_found(request)
        caching = f"public, max-age={YEAR}, immutable" if is_hashed else "no-cache"
        return web.FileResponse(
            path,
            headers={
                **SECURITY_HEADERS,
                "Content-Security-Policy": CONSOLE_POLICY,
                "Cache-Control": caching,
            },
        )

    return [web.get("/console", to_folder), web.get("/console/{path:.*}", serve)]


def _pick(folder: Path, wanted: str) -> tuple[Path | None, bool] | None:
    """The file to send and whether its name changes with its content; None when not built.

    What is no file is one of the console's own addresses, except among the assets.
    """
    root = folder.resolve()
    index = root / "index.html"
    if not index.is_file():
        return None
    assets = root / "assets"
    path = (root / wanted).resolve() if "\x00" not in wanted else root
    if path.is_relative_to(root) and path.is_file():
        return path, path.is_relative_to(assets)
    return (None if wanted.startswith("assets/") else index), False


def page_routes(
    folder: Path, describe: Callable[[], dict[str, Any]], public_url: str
) -> list[web.RouteDef]:
    """Every page for people; `public_url` is where they reach us, or ""."""
    return [
        web.get("/", show_landing),
        web.get("/api/docs", make_docs(describe, public_url)),
        web.get("/problems/{code}", explain_problem),
        *console_routes(folder),
    ]


def guard_pages(routes: Sequence[web.RouteDef], new_id: NewId) -> list[web.RouteDef]:
    """The routes of pages, made so that one that fails answers with a page that says so.

    Args:
        routes: their handlers' own redirections and refusals pass through.
        new_id: makes the number that the page shows and the log has.
    """
    return [web.route(r.method, r.path, _guarded(r.handler, new_id), **r.kwargs) for r in routes]


def _guarded(handler: Handler, new_id: NewId) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception:  # whatever happens, people get a page of ours
            number = new_id()
            log.exception("page %s failed", number, extra={"action": "page_failed"})
            return render_page("failed.html", page_language(request), status=500, number=number)

    return handle
