"""Building and upgrading the schema, and refusing a database that is newer than the code.

Each step is a module in `versions/`; steps never import the application's tables, so that they
do tomorrow what they did when they were written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gateway.store.engine import create, parse_url
from gateway.store.errors import Verdict, judge, unavailable

# Of PostgreSQL's advisory lock; two processes that start at once do not both migrate.
_LOCK = 7_946_324_117


class NewerDatabaseError(RuntimeError):
    """The database was written by a newer release than this one."""


def migrate(url: str) -> None:
    """Creates the schema or brings it up to date, in one transaction.

    Args:
        url: `sqlite:///PATH` or `postgresql://…`; the SQLite file and its directory are made.

    Raises:
        NewerDatabaseError: the code is older than the database.
        StoreUnavailableError: the database does not answer, or its file is none.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    with _connected(url) as connection:
        if connection.dialect.name == "postgresql":
            # Whoever waits here finds the work done.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _refuse_newer(_revision(connection))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """A transaction of its own; the database's errors become ours."""
    engine = create(url, writer=True)
    try:
        with engine.begin() as connection:
            yield connection
    except Exception as error:
        if judge(error) is Verdict.FAULT:
            raise
        raise unavailable(error) from error
    finally:
        engine.dispose()


def head() -> str:
    """The newest revision that the code knows."""
    newest = _scripts().get_current_head()
    if newest is None:
        raise RuntimeError("the package's migrations are missing: install it again")
    return newest


def _refuse_newer(revision: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise NewerDatabaseError(
            f"The database is at revision {revision}, which this release does not know; it goes "
            f"up to {head()}. Install the release that wrote the database, or a newer one."
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
