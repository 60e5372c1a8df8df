import multiprocessing
import sqlite3
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from gateway.ports.store import StoreUnavailableError
from gateway.store.columns import metadata
from gateway.store.engine import create, parse_url
from gateway.store.migrations import (
    NewerDatabaseError,
    head,
    migrate,
)
from tests.servers import free_port

SEARCH = "search_words"  # on SQLite a virtual table with tables of its own


def test_the_tables_are_what_the_migrations_build(url: str) -> None:
    with create(url, writer=False).connect() as connection:
        on_sqlite = connection.dialect.name == "sqlite"

        def is_ours(_: object, name: str | None, kind: str, *__: object) -> bool:
            return not (on_sqlite and kind == "table" and (name or "").startswith(SEARCH))

        options = {"include_object": is_ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_constraints_and_partial_indexes_are_alike_too(url: str, tmp_path: Path) -> None:
    """What the comparison above leaves out: checks, conditions of indexes, autoincrement."""
    with create(url, writer=False).connect() as migrated:
        on_sqlite = migrated.dialect.name == "sqlite"
        if on_sqlite:
            fresh = create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
            schema = None
        else:
            fresh = create_engine(parse_url(url))
            schema = "fresh"
        with fresh.begin() as connection:
            if schema:
                connection.execute(text("CREATE SCHEMA fresh"))
                connection.execute(text("SET search_path TO fresh"))
            metadata.create_all(connection)
        for name in metadata.tables:
            if not (on_sqlite and name == SEARCH):
                with fresh.connect() as connection:
                    expected = described(connection, name, schema)
                assert described(migrated, name, None) == expected, name
        fresh.dispose()


def described(connection: Connection, table: str, schema: str | None) -> dict[str, object]:
    seen = inspect(connection)
    checks = seen.get_check_constraints(table, schema=schema)
    indexes = seen.get_indexes(table, schema=schema)
    found: dict[str, object] = {
        "checks": {check["name"]: check["sqltext"] for check in checks},
        "indexes": {
            index["name"]: {key: str(value) for key, value in index["dialect_options"].items()}
            for index in indexes
        },
    }
    if connection.dialect.name == "sqlite":
        query = text("SELECT sql FROM sqlite_master WHERE name = :name")
        made = connection.execute(query, {"name": table}).scalar_one()
        found["autoincrement"] = "AUTOINCREMENT" in made
    return found


def current(url: str) -> str | None:
    with create(url, writer=False).connect() as opened:
        return MigrationContext.configure(opened).get_current_revision()


def test_an_empty_database_has_no_revision(tmp_path: Path, postgres_url: str) -> None:
    for empty in (f"sqlite:///{tmp_path / 'new.db'}", postgres_url):
        assert current(empty) is None
        for _ in range(2):
            migrate(empty)
            assert current(empty) == head()


def test_missing_directories_are_made(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'a' / 'b' / 'yingda.db'}")
    assert (tmp_path / "a" / "b" / "yingda.db").exists()


def test_a_database_newer_than_the_code_is_refused(url: str) -> None:
    engine = create(url, writer=True)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(NewerDatabaseError, match=r"9999.*does not know.*" + head()):
        migrate(url)
    assert current(url) == "9999"


def test_processes_that_start_at_once_do_not_disturb_one_another(
    tmp_path: Path, postgres_url: str
) -> None:
    spawn = multiprocessing.get_context("spawn")
    urls = [f"sqlite:///{tmp_path / 'new.db'}", postgres_url]
    barrier = spawn.Barrier(2)
    started = [spawn.Process(target=migrate_together, args=(barrier, urls)) for _ in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0]
    for url in urls:
        assert current(url) == head()


def migrate_together(barrier: Barrier, urls: list[str]) -> None:
    for url in urls:
        barrier.wait(50)
        migrate(url)


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, postgres_url: str) -> None:
    path = tmp_path / "used.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tickets (x)")
    with psycopg.connect(postgres_url) as connection_:
        connection_.execute("CREATE TABLE tickets (x int)")
    for url in (f"sqlite:///{path}", postgres_url):
        with pytest.raises(Exception, match="tickets"):
            migrate(url)
        with create(url, writer=False).connect() as opened:
            assert inspect(opened).get_table_names() == ["tickets"]


def test_sqlite_is_durable_and_checks_references(sqlite_url: str) -> None:
    with create(sqlite_url, writer=True).connect() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "noise.db").write_bytes(b"noise" * 1000)
    nobody = f"postgresql://yingda@127.0.0.1:{free_port()}/none"
    for url in (f"sqlite:///{tmp_path / 'noise.db'}", nobody):
        with pytest.raises(StoreUnavailableError):
            migrate(url)
