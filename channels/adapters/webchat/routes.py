"""The addresses of web chat, for all inboxes of the kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from aiohttp import web

from channels.adapters.webchat.exchange import answer_preflight, answering
from channels.adapters.webchat.pages import (
    demo_page,
    serve_demo_icon,
    serve_demo_style,
    serve_script,
)
from channels.adapters.webchat.polling import (
    get_events,
    get_messages,
    post_message,
    post_signal,
)
from channels.adapters.webchat.sessions import open_session, show_config
from channels.adapters.webchat.socket import serve_socket
from channels.adapters.webchat.uploads import download, upload
from channels.contract import Directory

Action = Callable[[Directory, web.Request], Awaitable[web.StreamResponse]]

_API: Sequence[tuple[str, str, Action]] = (
    ("POST", "/web/v1/{inbox}/sessions", open_session),
    ("GET", "/web/v1/{inbox}/config", show_config),
    ("POST", "/web/v1/messages", post_message),
    ("GET", "/web/v1/messages", get_messages),
    ("GET", "/web/v1/events", get_events),
    ("POST", "/web/v1/signals", post_signal),
    ("POST", "/web/v1/uploads", upload),
    ("GET", "/web/v1/files/{token}", download),
)


def build_routes(directory: Directory) -> Sequence[web.AbstractRouteDef]:
    """The widget's API, its script and the demo page."""
    paths = dict.fromkeys(path for _, path, _ in _API)
    return [
        web.get("/web/v1/ws", partial(serve_socket, directory)),
        *(
            web.route(method, path, answering(partial(action, directory)))
            for method, path, action in _API
        ),
        *(web.route("OPTIONS", path, answer_preflight) for path in paths),
        web.get("/widget.js", serve_script),
        web.get("/demo", partial(demo_page, directory)),
        web.get("/demo.css", serve_demo_style),
        web.get("/demo.svg", serve_demo_icon),
    ]
