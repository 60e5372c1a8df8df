"""Health, readiness and metrics."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry, Counter

from gateway.http import health
from gateway.http.app import build_health_app
from tests.gateway.http.place import Opener, Place


async def fetch(server: TestServer, path: str) -> tuple[int, Any, Any]:
    async with ClientSession() as session, session.get(server.make_url(path)) as response:
        is_json = response.content_type == "application/json"
        body = await response.json() if is_json else await response.text()
        return response.status, body, response.headers


async def test_a_living_process_says_so(place: Place) -> None:
    status, body, _ = await fetch(place.server, "/healthz")

    assert (status, body["status"], body["version"]) == (200, "ok", "9.9.9")


async def test_a_process_is_ready_when_all_it_needs_answers(place: Place) -> None:
    status, body, _ = await fetch(place.server, "/readyz")

    assert (status, body["status"]) == (200, "ready")
    assert set(body["checks"]) == {"database", "bus"}
    assert all(check["ok"] for check in body["checks"].values())


async def test_what_does_not_answer_is_named_without_its_secrets(open_at: Opener) -> None:
    async def broken() -> None:
        raise OSError("postgresql://user:password@db")

    async def fine() -> None:
        return None

    place = await open_at(checks={"database": broken, "bus": fine})
    status, body, headers = await fetch(place.server, "/readyz")

    assert (status, body["status"]) == (503, "unready")
    assert body["checks"]["database"]["ok"] is False
    assert body["checks"]["bus"]["ok"] is True
    assert "password" not in str(body)
    assert headers["Retry-After"]
    assert (await fetch(place.server, "/healthz"))[0] == 200


async def test_what_hangs_does_not_hang_the_answer(open_at: Opener, monkeypatch: Any) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)

    async def hangs() -> None:
        await asyncio.sleep(60)

    place = await open_at(checks={"database": hangs})
    status, body, _ = await fetch(place.server, "/readyz")

    assert status == 503
    assert "no answer" in body["checks"]["database"]["detail"]


async def test_a_process_that_is_about_to_stop_is_not_ready(open_at: Opener) -> None:
    place = await open_at(is_draining=lambda: True)

    status, body, _ = await fetch(place.server, "/readyz")

    assert (status, body["status"]) == (503, "draining")


async def test_metrics_come_from_the_given_registry(open_at: Opener) -> None:
    registry = CollectorRegistry()
    Counter("yingda_test_total", "A count", registry=registry).inc(3)
    place = await open_at(registry=registry)

    status, body, headers = await fetch(place.server, "/metrics")

    assert status == 200
    assert "yingda_test_total 3.0" in body
    assert headers["Content-Type"].startswith("text/plain")


async def test_a_process_without_http_still_tells_its_health(place: Place) -> None:
    server = TestServer(build_health_app(place.parts))
    await server.start_server()

    statuses = [
        (await fetch(server, path))[0]
        for path in ("/healthz", "/readyz", "/metrics", "/api/v1/me", "/")
    ]

    assert statuses == [200, 200, 200, 404, 404]
    await server.close()


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.2.3.4", True),
        ("172.20.0.5", True),
        ("8.8.8.8", False),
        ("2001:4860:4860::8888", False),
        ("", False),
        ("unix", False),
    ],
)
def test_metrics_are_shown_to_ones_own_network(address: str, near: bool) -> None:
    assert health._is_near(address) is near
