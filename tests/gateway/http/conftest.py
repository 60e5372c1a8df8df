"""A place for each test: a real server over a real store on SQLite."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.services.signing_in import Passwords
from tests.gateway.http.place import (
    PASSWORD,
    START,
    OpenConsole,
    Opener,
    Place,
    close_place,
    copy_database,
    make_parts,
    migrated_template,
    open_place,
    plant,
)
from tests.journeys.gateway import ROOT

DIST = ROOT / "gateway" / "console" / "dist"
PATIENCE = 15_000  # ms, on a busy machine


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    """One hasher for all tests."""
    made = Passwords()
    yield made
    made.close()


@pytest.fixture(scope="session")
def password_hash(passwords: Passwords) -> str:
    """The hash of everybody's password."""
    return passwords.hash_now(PASSWORD)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of the present schema."""
    return migrated_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
async def open_at(
    tmp_path: Path, template: Path, passwords: Passwords, password_hash: str
) -> AsyncIterator[Opener]:
    """Opens a place with parts of the test's choice."""
    opened: list[Place] = []

    async def opener(**changes: Any) -> Place:
        time = [START]
        reloads: list[int] = []

        async def reload_inboxes() -> None:
            reloads.append(time[0])

        given = {"reload_inboxes": reload_inboxes, **changes}
        parts = make_parts(tmp_path, copy_database(template, tmp_path), passwords, time, **given)
        await plant(parts.store, password_hash)
        await parts.bus.start()
        place = await open_place(parts, time, reloads)
        opened.append(place)
        return place

    yield opener
    for place in opened:
        await close_place(place)


@pytest.fixture
async def place(open_at: Opener) -> Place:
    """A place as it usually is."""
    return await open_at()


@pytest.fixture
async def desk(open_at: Opener) -> Place:
    """A place that serves the built console."""
    if not (DIST / "index.html").exists():
        reason = "the console is not built (make console; it needs npm)"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    return await open_at(console=DIST)


@pytest.fixture
async def sign_in(chromium: Browser, desk: Place) -> AsyncIterator[OpenConsole]:
    """Opens the console for one of the staff; what a page complains about fails the test."""
    expect.set_options(timeout=PATIENCE)
    complaints: list[str] = []

    async def opener(name: str, path: str = "", **options: Any) -> Page:
        context = await chromium.new_context(
            **{
                "locale": "en-GB",
                "timezone_id": "Asia/Shanghai",
                "reduced_motion": "reduce",
                "bypass_csp": True,
                **options,
            }
        )
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(str(desk.server.make_url(f"/console/{path}")))
        await page.get_by_test_id("sign-in-email").fill(f"{name}@qingchuan.example")
        await page.get_by_test_id("sign-in-password").fill(PASSWORD)
        await page.get_by_test_id("sign-in-submit").click()
        await expect(page.locator("#main")).to_be_visible()
        return page

    yield opener
    assert complaints == []
