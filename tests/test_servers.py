"""The throw-away servers keep their promises, and the browser runs."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from playwright.async_api import Browser

from tests.servers import PostgresServer, RedisServer, ServerFailedError, find_program


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def is_running(pid: int) -> bool:
    """Tell whether a process lives; one that only waits to be reaped (in a container) does not."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return state.stdout.strip() != "" and not state.stdout.startswith("Z")


def test_postgres_keeps_committed_rows_over_stop_and_kill(
    own_postgres: Callable[[], PostgresServer],
) -> None:
    server = own_postgres()
    url = server.url()
    run(url, "CREATE TABLE kept (n integer)", "INSERT INTO kept VALUES (1)")
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    server.start()
    run(url, "INSERT INTO kept VALUES (2)")
    with psycopg.connect(url) as open_session:  # its back end must die with the server
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            open_session.execute("SELECT 1")
    server.start()
    assert rows(url, "SELECT n FROM kept ORDER BY n") == [(1,), (2,)]
    assert rows(url, "SHOW fsync") == [("on",)]


def test_postgres_is_run_by_another_account_than_root(postgres_server: PostgresServer) -> None:
    owner = Path(f"/proc/{postgres_server.pid}")
    if not owner.exists():
        assert os.geteuid() != 0
        return
    assert owner.stat().st_uid != 0


def test_a_template_is_built_once_and_copied(postgres_server: PostgresServer) -> None:
    built: list[str] = []

    def build(url: str) -> None:
        built.append(url)
        run(url, "CREATE TABLE plan (name text)", "INSERT INTO plan VALUES ('团队版')")

    for _ in range(2):
        template = postgres_server.template("plans", build)
        name = postgres_server.create_database(template)
        assert rows(postgres_server.url(name), "SELECT name FROM plan") == [("团队版",)]
        run(postgres_server.url(name), "DELETE FROM plan")
        postgres_server.drop_database(name)
    assert len(built) == 1


def test_each_test_gets_an_empty_database(postgres_url: str) -> None:
    found = rows(postgres_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert found == []


def test_redis_keeps_written_keys_over_stop_and_kill(
    own_redis: Callable[[], RedisServer],
) -> None:
    server = own_redis()
    assert server.ask("SET", "a", "1") == "+OK"
    server.stop()
    assert not server.answers()
    server.start()
    assert server.ask("SET", "b", "2") == "+OK"
    server.kill()
    assert not server.answers()
    server.start()
    assert server.ask("EXISTS", "a", "b") == ":2"


def test_redis_is_emptied_for_each_test(redis_server: RedisServer, redis_url: str) -> None:
    assert redis_url == redis_server.url()
    assert redis_server.ask("DBSIZE") == ":0"


def test_a_server_that_cannot_start_says_why(own_redis: Callable[[], RedisServer]) -> None:
    first, second = own_redis(), own_redis()
    second.stop()
    second.port = first.port
    with pytest.raises(ServerFailedError, match=f"port {first.port} is taken"):
        second.start()


def test_a_server_that_ends_at_once_shows_its_log() -> None:
    with RedisServer() as server:
        server.stop()
        (server.directory / "appendonlydir").rename(server.directory / "moved")
        (server.directory / "appendonlydir").write_text("not a directory")
        with pytest.raises(ServerFailedError, match=r"(?s)ended at start.*append"):
            server.start()


def test_close_leaves_nothing_behind() -> None:
    server = RedisServer().start()
    pid, directory = server.pid, server.directory
    server.close()
    assert not directory.exists()
    assert not is_running(pid)


KILLED = """
import os, signal
from tests.servers import PostgresServer, RedisServer

for server in (PostgresServer().start(), RedisServer().start()):
    print(server.pid, server.directory, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_servers_end_with_the_tests_that_are_killed() -> None:
    result = subprocess.run(
        [sys.executable, "-c", KILLED],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    left = [(int(pid), Path(folder)) for pid, folder in map(str.split, result.stdout.splitlines())]
    assert len(left) == 2, result.stderr
    deadline = time.monotonic() + 20
    while any(is_running(pid) or folder.exists() for pid, folder in left):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(Exception, match="apt-get install no-such-package"):
        find_program("no-such-program", "no-such-package")


def test_servers_belong_to_a_session_of_their_own(redis_server: RedisServer) -> None:
    """A Ctrl-C meant for the tests must not reach the servers before their fixtures end them."""
    assert os.getsid(redis_server.pid) != os.getsid(0)


async def test_chromium_opens_a_page(chromium: Browser) -> None:
    page = await chromium.new_page()
    await page.set_content("<title>应答</title><button>转人工</button>")
    assert await page.title() == "应答"
    assert await page.get_by_role("button", name="转人工").is_visible()


SKIPPING = """
import pytest

def test_it(redis_url):
    pass

@pytest.mark.skip(reason="not today")
def test_marked():
    pass
"""


@pytest.mark.parametrize(
    ("complete", "status", "outcome"), [("false", 0, "2 skipped"), ("true", 1, "error")]
)
def test_a_skip_is_a_failure_in_a_complete_run(
    tmp_path: Path, complete: str, status: int, outcome: str
) -> None:
    """Run pytest itself where no program is on the PATH."""
    root = Path(__file__).parent.parent
    conftest = (root / "tests" / "conftest.py").read_text("utf-8")
    (tmp_path / "conftest.py").write_text(conftest, "utf-8")
    (tmp_path / "test_it.py").write_text(SKIPPING, "utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-rsfE", "-p", "no:cacheprovider", str(tmp_path)],
        env={"PATH": str(tmp_path), "CI": complete, "PYTHONPATH": str(root)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == status, result.stdout
    assert outcome in result.stdout.splitlines()[-1]
    assert "apt-get install redis-server" in result.stdout
    assert "not today" in result.stdout
