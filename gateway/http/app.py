"""The web application: the channels' own routes, the API, health and pages.

The channels' routes are hot and lie directly under the application without any middleware;
the API is an application of its own under `/api/v1`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import orjson
from aiohttp import web

from gateway.http import (
    article_imports_api,
    articles_api,
    attachments_api,
    canned_api,
    catalogue_api,
    contacts_api,
    conversations_api,
    editing_api,
    inbox_operations_api,
    inboxes_api,
    language_model_api,
    letters_api,
    operations_api,
    people_api,
    publishing_api,
    received_api,
    review_api,
    tickets_api,
)
from gateway.http.call import Desk
from gateway.http.console_socket import serve_events
from gateway.http.health import health_routes
from gateway.http.help_pages import HelpCentre
from gateway.http.origin import believe_proxies
from gateway.http.pages import guard_pages, page_routes, show_not_found
from gateway.http.parts import HttpParts
from gateway.http.registry import Endpoint, describe
from gateway.http.serial import PREFIX
from gateway.http.serving import Handler, make_routes, surround

BODY_LIMIT: Final = 1_000_000
ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *people_api.ENDPOINTS,
    *conversations_api.ENDPOINTS,
    *tickets_api.ENDPOINTS,
    *contacts_api.ENDPOINTS,
    *canned_api.ENDPOINTS,
    *articles_api.ENDPOINTS,
    *article_imports_api.ENDPOINTS,
    *attachments_api.ENDPOINTS,
    *received_api.ENDPOINTS,  # its fixed paths before those with ids
    *letters_api.ENDPOINTS,
    *inboxes_api.ENDPOINTS,
    *inbox_operations_api.ENDPOINTS,
    *operations_api.ENDPOINTS,
    *language_model_api.ENDPOINTS,
    *catalogue_api.ENDPOINTS,
    *editing_api.ENDPOINTS,
    *publishing_api.ENDPOINTS,
    *review_api.ENDPOINTS,
)
DESK: Final = web.AppKey("desk", Desk)


def build_app(parts: HttpParts) -> web.Application:
    """The whole application of a process that serves HTTP."""
    desk = Desk(parts)
    document = functools.cache(lambda: describe(ENDPOINTS, parts.version))
    app = web.Application(client_max_size=BODY_LIMIT)
    if parts.trusted_proxies:
        app.middlewares.append(believe_proxies(parts.trusted_proxies))
    app[DESK] = desk
    app.add_routes(parts.channel_routes)
    app.add_routes(health_routes(parts))
    pages = [
        *HelpCentre(parts).routes(),
        *page_routes(parts.console, document, parts.public_url),
    ]
    app.add_routes(guard_pages(pages, parts.new_id))
    app.add_subapp(PREFIX, _build_api(desk, document))
    app.router.add_route("*", "/{tail:.*}", show_not_found)
    app.on_startup.append(_start(desk))
    app.on_shutdown.append(_shut(desk))
    return app


def build_health_app(parts: HttpParts) -> web.Application:
    """What a process without the HTTP role serves: health and metrics."""
    app = web.Application(client_max_size=BODY_LIMIT)
    app.add_routes(health_routes(parts))
    return app


def _build_api(desk: Desk, document: Callable[[], dict[str, Any]]) -> web.Application:
    api = web.Application(middlewares=[surround(desk.parts.new_id)])
    api.add_routes(make_routes(ENDPOINTS, desk))
    api.router.add_get("/events", _events(desk))
    api.router.add_get("/openapi.json", _openapi(document))
    return api


def _events(desk: Desk) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await serve_events(desk, request)

    return handle


def _openapi(document: Callable[[], dict[str, Any]]) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(
            body=orjson.dumps(document()),
            content_type="application/json",
            headers={"Cache-Control": "no-cache"},
        )

    return handle


def _start(desk: Desk) -> Callable[[web.Application], Any]:
    async def start(_: web.Application) -> None:
        desk.presence.start(desk.feed.listener())

    return start


def _shut(desk: Desk) -> Callable[[web.Application], Any]:
    async def shut(_: web.Application) -> None:
        await desk.feed.shut()
        await desk.finish()
        await desk.presence.stop()

    return shut
