"""Fixtures that every test may ask for: servers of its own, and a browser.

A test that needs a program which is not installed is skipped with the Debian package to install;
with ``CI=true`` a skip of whatever kind is a failure, so a complete run cannot pass by skipping.
"""

import logging
import os
import shutil
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TypeVar

import pytest
from playwright.async_api import Browser, async_playwright

from tests.servers import PostgresServer, RedisServer, ServerMissingError, ThrowawayServer

S = TypeVar("S", bound=ThrowawayServer)
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def running(build: Callable[[], S], stack: ExitStack) -> S:
    """Start a server that ends with the stack, or skip where its program is missing."""
    try:
        server = build()
    except ServerMissingError as error:
        pytest.skip(str(error))
    stack.enter_context(server)
    return server


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that drives Chromium, and let the heavy ones begin first.

    Of several test processes (``--dist worksteal``) the first then has those marked ``browser``
    or ``crash``, which would starve one another side by side, and the others the rest.
    """
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    items.sort(key=is_heavy, reverse=True)


def is_heavy(item: pytest.Item) -> bool:
    """Whether a test needs much of the machine."""
    return bool(item.get_closest_marker("browser") or item.get_closest_marker("crash"))


@pytest.fixture
def unchanged_logs() -> Iterator[None]:
    """Leaves the log's handlers and level as they were: commands set them."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def must_not_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure in a run that must be complete."""
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped with CI=true: {report.longreprtext}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """See `must_not_skip`."""
    report = yield
    must_not_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """See `must_not_skip`: a whole module may skip itself."""
    report = yield
    must_not_skip(report)
    return report


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server shared by the tests of one process; do not stop it."""
    with ExitStack() as stack:
        yield running(PostgresServer, stack)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a fresh, empty PostgreSQL database, dropped after the test."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def own_postgres() -> Iterator[Callable[[], PostgresServer]]:
    """Build a PostgreSQL server (fsync on) that the test may stop, kill and start again."""
    with ExitStack() as stack:
        yield lambda: running(lambda: PostgresServer(fsync=True), stack)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server shared by the tests of one process; do not stop it."""
    with ExitStack() as stack:
        yield running(RedisServer, stack)


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of an empty Redis database."""
    redis_server.flush()
    return redis_server.url()


@pytest.fixture
def own_redis() -> Iterator[Callable[[], RedisServer]]:
    """Build a Redis server that the test may stop, kill and start again."""
    with ExitStack() as stack:
        yield lambda: running(RedisServer, stack)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium, fresh for the test: open contexts and pages from it."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=CHROMIUM_ARGUMENTS
        )
        yield browser
        await browser.close()
