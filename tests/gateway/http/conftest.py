"""A place for each test: a real server over a real store on SQLite."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.services.signing_in import Passwords
from tests.gateway.http.place import (
    PASSWORD,
    START,
    Opener,
    Place,
    close_place,
    copy_database,
    make_parts,
    migrated_template,
    open_place,
    plant,
)


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

    async def opener(*, models: Path | None = None, **changes: Any) -> Place:
        time = [START]
        reloads: list[int] = []

        async def reload_inboxes() -> None:
            reloads.append(time[0])

        given = {"reload_inboxes": reload_inboxes, **changes}
        parts = make_parts(tmp_path, copy_database(template, tmp_path), passwords, time, **given)
        await plant(parts.store, password_hash)
        await parts.bus.start()
        place = await open_place(parts, time, reloads, tmp_path, models)
        opened.append(place)
        return place

    yield opener
    for place in opened:
        await close_place(place)


@pytest.fixture
async def place(open_at: Opener) -> Place:
    """A place as it usually is."""
    return await open_at()
