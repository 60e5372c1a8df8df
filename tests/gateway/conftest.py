"""A migrated database, built once for a whole run, and a desk over a copy of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.migrations import migrate
from tests.gateway.services.desk import Desk, open_desk
from tests.gateway.workbench import train_shop


@pytest.fixture(scope="session")
def blank_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the schema; copy it, do not open it."""
    path = tmp_path_factory.mktemp("blank") / "blank.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def desk(blank_database: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    """The services over a database of their own."""
    async with open_desk(blank_database, tmp_path) as desk:
        yield desk


@pytest.fixture(scope="session")
def shop_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model of the small shop's catalogue; copy it."""
    return train_shop(tmp_path_factory.mktemp("shop"))
