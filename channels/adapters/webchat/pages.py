"""The widget's script, and a page of a shop that carries it."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import web

from channels.adapters.webchat.channel import WebChat
from channels.adapters.webchat.demo_texts import DEMO_TEXTS
from channels.adapters.webchat.texts import choose_language
from channels.contract import Directory

if TYPE_CHECKING:
    from jinja2 import Template

SCRIPT_CACHE_S: Final = 300
STYLE_MARK: Final = '"%STYLE%"'
LANGUAGE_NAMES: Final = (("zh-Hans", "简体中文"), ("zh-Hant", "繁體中文"), ("en", "English"))

_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that is served as it is, with its compressed form and its ETag (RFC 9110 §8.8.3)."""

    content: bytes
    compressed: bytes
    etag: str
    content_type: str


@cache
def load_script() -> Asset:
    """The widget: one script with its style sheet inside."""
    script = _minify_script(_read("widget/widget.js"))
    style = orjson.dumps(_minify_style(_read("widget/widget.css"))).decode()
    if script.count(STYLE_MARK) != 1:
        raise ValueError(f"widget.js must contain {STYLE_MARK} once")
    return _make_asset(script.replace(STYLE_MARK, style), "text/javascript")


@cache
def load_demo_style() -> Asset:
    """The demo page's style sheet."""
    return _make_asset(_read("templates/demo.css"), "text/css")


@cache
def load_demo_icon() -> Asset:
    """The demo page's sign in the browser's tab."""
    return _make_asset(_read("templates/demo.svg"), "image/svg+xml")


async def serve_asset(load: Any, request: web.Request) -> web.Response:
    """Answers with an asset, compressed where the browser takes it, or 304."""
    asset: Asset = load()
    headers = {
        "ETag": asset.etag,
        "Cache-Control": f"public, max-age={SCRIPT_CACHE_S}, stale-while-revalidate=86400",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if asset.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Type"] = f"{asset.content_type}; charset=utf-8"
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=asset.compressed, headers=headers)
    return web.Response(body=asset.content, headers=headers)


serve_script = partial(serve_asset, load_script)
serve_demo_style = partial(serve_asset, load_demo_style)
serve_demo_icon = partial(serve_asset, load_demo_icon)


async def demo_page(directory: Directory, request: web.Request) -> web.Response:
    """`GET /demo?lang=`: a page of a fictional shop with the widget of the default inbox."""
    channel = directory.default()
    inbox = channel.inbox if isinstance(channel, WebChat) else None
    language = choose_language(
        request.query.get("lang"),
        request.headers.get("Accept-Language", ""),
        inbox.language if inbox else "en",
    )
    page = _load_template().render(
        language=language,
        languages=LANGUAGE_NAMES,
        texts=DEMO_TEXTS[language],
        inbox=inbox,
    )
    return web.Response(
        text=page,
        content_type="text/html",
        headers={
            "Content-Security-Policy": _compose_policy(request.host),
            "Cache-Control": "no-store",
            "Content-Language": language,
            "Referrer-Policy": "strict-origin-when-cross-origin",
            "Vary": "Accept-Language",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _compose_policy(host: str) -> str:
    """The page's Content-Security-Policy (CSP 3): own files only, nothing inline.

    Sockets are named by host, since some browsers do not count them to `'self'`.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        f"connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


@cache
def _load_template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_read("templates/demo.html"))


def _read(path: str) -> str:
    return files("channels.adapters.webchat").joinpath(path).read_text(encoding="utf-8")


def _make_asset(text: str, content_type: str) -> Asset:
    content = text.encode()
    return Asset(
        content=content,
        compressed=gzip.compress(content, 9, mtime=0),
        etag=f'W/"{hashlib.sha256(content).hexdigest()[:24]}"',
        content_type=content_type,
    )


def _minify_script(script: str) -> str:
    """Without comments that stand alone and indentation; no string in it spans lines."""
    script = re.sub(r"^\s*(/\*.*?\*/|//[^\n]*)$", "", script, flags=re.DOTALL | re.MULTILINE)
    return "\n".join(line for raw in script.splitlines() if (line := raw.strip()))


def _minify_style(style: str) -> str:
    lines = (line.strip() for line in _COMMENT.sub("", style).splitlines())
    return re.sub(r"\s*([{};,>])\s*|(:)\s+", r"\1\2", "\n".join(line for line in lines if line))
