"""Health for whoever starts, stops and watches the process."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from aiohttp import web

from gateway.http.parts import HttpParts

log = logging.getLogger(__name__)

CHECK_SECONDS: Final = 2.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def health_routes(parts: HttpParts) -> list[web.RouteDef]:
    """`/healthz`: the process lives. `/readyz`: it can do its work. `/metrics`: Prometheus."""
    return [
        web.get("/healthz", _alive(parts)),
        web.get("/readyz", _ready(parts)),
        web.get("/metrics", _metrics(parts)),
    ]


def _json(body: dict[str, Any], *, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if status == 503:
        headers["Retry-After"] = "5"
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/json",
        headers=headers,
    )


def _alive(parts: HttpParts) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return _json({"status": "ok", "version": parts.version, "roles": sorted(parts.roles)})

    return handle


def _ready(parts: HttpParts) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        names = list(parts.checks)
        results = await asyncio.gather(*(_check(name, parts.checks[name]) for name in names))
        checks = dict(zip(names, results, strict=True))
        draining = parts.is_draining()
        is_ready = all(result["ok"] for result in results) and not draining
        status = "ready" if is_ready else "draining" if draining else "unready"
        body = {"status": status, "checks": checks}
        return _json(body, status=200 if is_ready else 503)

    return handle


async def _check(name: str, check: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    """One dependency's state; what it said goes to the log, not to strangers."""
    started = time.perf_counter()
    detail = ""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        detail = f"no answer within {CHECK_SECONDS:.0f} s"
    except Exception as error:  # whatever is wrong, the process is not ready
        detail = "does not answer"
        log.warning("%s is not ready: %s", name, error, extra={"action": "not_ready"})
    spent = round((time.perf_counter() - started) * 1000)
    return {"ok": not detail, "ms": spent, **({"detail": detail} if detail else {})}


def _metrics(parts: HttpParts) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if not _is_near(request.remote or ""):
            return _json({"error": "metrics are shown to private addresses only"}, status=403)
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return web.Response(
            body=generate_latest(parts.registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
        )

    return handle


def _is_near(address: str) -> bool:
    """Whether the caller is on this host or on a private network, behind trusted proxies too."""
    try:
        return not ipaddress.ip_address(address).is_global
    except ValueError:
        return False
