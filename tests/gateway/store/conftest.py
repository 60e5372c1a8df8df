"""The store on both databases: every test that asks for `store` runs on each."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.store import SqlStore, open_store
from gateway.store.keys import AesSecretBox
from gateway.store.migrations import migrate
from tests.gateway.store.samples import add_conversation, add_people
from tests.servers import PostgresServer

BOX = AesSecretBox(b"k" * 32)


@pytest.fixture
def box() -> AesSecretBox:
    return BOX


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the schema."""
    path = tmp_path / "yingda.db"
    shutil.copy(migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def migrated_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh PostgreSQL database with the schema."""
    name = postgres_server.create_database(postgres_server.template("yingda_store", migrate))
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A fresh database with the schema, on each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "migrated_postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """A store on an empty database."""
    opened = open_store(url, secrets=BOX)
    yield opened
    await opened.close()


@pytest.fixture
async def talk(store: SqlStore) -> SqlStore:
    """A store with an inbox, a contact and a conversation."""
    await store.write(add_conversation)
    return store


@pytest.fixture
async def desk(talk: SqlStore) -> SqlStore:
    """The same, with teams and agents."""
    await talk.write(add_people)
    return talk
