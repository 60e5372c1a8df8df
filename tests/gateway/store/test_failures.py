"""Databases that are stopped, locked, full, or read-only."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from gateway.domain.errors import ConflictError
from gateway.domain.records import DeadLetter, JournalEntry
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.store import SqlStore, engine, open_store
from gateway.store.errors import Verdict, judge
from gateway.store.keys import AesSecretBox
from gateway.store.migrations import migrate
from tests.gateway.store import samples
from tests.servers import PostgresServer


def append(number: int, payload: bytes = b"p") -> Callable[[UnitOfWork], None]:
    row = JournalEntry(id=number, key="k", payload=payload, attempts=0, appended_at=1)
    return lambda unit: unit.journal.append([row])


async def ids(store: SqlStore) -> list[int]:
    rows = await store.read(lambda unit: unit.journal.outstanding(after=0, limit=10_000))
    return [row.id for row in rows]


async def until_it_works(store: SqlStore, work: Callable[[UnitOfWork], None]) -> None:
    for _ in range(200):
        try:
            return await store.write(work)
        except StoreUnavailableError:
            await asyncio.sleep(0.05)
    pytest.fail("the store did not come back")


async def test_postgresql_stops_and_comes_back(
    own_postgres: Callable[[], PostgresServer], box: AesSecretBox
) -> None:
    server = own_postgres()
    url = server.url(server.create_database())
    migrate(url)
    store = open_store(url, secrets=box)
    await store.write(append(1))
    assert await ids(store) == [1]
    server.stop()
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            await store.write(append(2))
    with pytest.raises(StoreUnavailableError):
        await store.check()
    with pytest.raises(StoreUnavailableError):
        await ids(store)
    assert time.monotonic() - began < 5
    server.start()
    await until_it_works(store, append(3))
    assert await ids(store) == [1, 3]
    server.kill()
    server.start()
    await until_it_works(store, append(4))
    assert await ids(store) == [1, 3, 4]
    await store.close()


async def test_a_connection_that_was_cut_between_writes_goes_unnoticed(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    store = open_store(migrated_postgres_url, secrets=box)
    await store.write(append(1))
    assert await ids(store) == [1]
    cut_others(migrated_postgres_url)
    await store.write(append(2))
    assert await ids(store) == [1, 2]
    await store.close()


async def test_a_connection_that_is_cut_within_a_group(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    store = open_store(migrated_postgres_url, secrets=box)
    runs: list[int] = []

    def cut(unit: UnitOfWork) -> int:
        runs.append(1)
        if len(runs) == 1:
            cut_others(migrated_postgres_url)
        return unit.journal.last_id()

    results = await asyncio.gather(
        store.write(append(1)), store.write(cut), store.write(append(2))
    )
    assert list(results) == [None, 1, None]
    assert await ids(store) == [1, 2]
    await store.close()


def cut_others(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_postgresql_made_read_only(migrated_postgres_url: str, box: AesSecretBox) -> None:
    name = migrated_postgres_url.rpartition("/")[2]
    set_default(
        migrated_postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    )
    store = open_store(migrated_postgres_url, secrets=box)
    with pytest.raises(StoreUnavailableError, match="read-only"):
        await store.check()
    assert await ids(store) == []
    set_default(
        migrated_postgres_url, f"ALTER DATABASE {name} RESET default_transaction_read_only"
    )
    cut_others(migrated_postgres_url)
    await store.check()
    await store.close()


def set_default(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(statement)


async def test_sqlite_locked_by_another_process(
    sqlite_url: str, box: AesSecretBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)
    store = open_store(sqlite_url, secrets=box)
    await store.write(append(1))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    results = await asyncio.gather(
        *(store.write(append(n)) for n in (2, 3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [StoreUnavailableError] * 2
    assert await ids(store) == [1]  # readers go on
    other.execute("ROLLBACK")
    other.close()
    await store.write(append(4))
    assert await ids(store) == [1, 4]
    await store.close()


async def test_a_short_lock_is_waited_for(sqlite_url: str, box: AesSecretBox) -> None:
    store = open_store(sqlite_url, secrets=box)
    other = sqlite3.connect(
        sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.execute, ("ROLLBACK",))
    timer.start()
    await store.write(append(1))
    timer.join()
    other.close()
    assert await ids(store) == [1]
    await store.close()


async def test_sqlite_full(sqlite_url: str, box: AesSecretBox) -> None:
    store = open_store(sqlite_url, secrets=box)
    await store.write(append(1))
    pages = await store.write(lambda unit: limit_pages(unit, 40))
    big = append(2, b"x" * 1_000_000)
    results = await asyncio.gather(
        store.write(append(3)), store.write(big), store.write(append(4)), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), StoreUnavailableError, type(None)]
    assert await ids(store) == [1, 3, 4]
    await store.write(lambda unit: limit_pages(unit, pages))
    await store.write(big)
    assert await ids(store) == [1, 2, 3, 4]
    await store.close()


def limit_pages(unit: UnitOfWork, spare: int) -> int:
    """Lets the database grow by so many pages and no more; returns the former limit."""
    connection = unit.journal._session.connection  # type: ignore[attr-defined]
    driver = connection.connection.driver_connection
    before = driver.execute("PRAGMA max_page_count").fetchone()[0]
    size = driver.execute("PRAGMA page_count").fetchone()[0]
    driver.execute(f"PRAGMA max_page_count={size + spare}")
    return int(before)


async def test_sqlite_file_that_is_no_database(
    tmp_path_factory: pytest.TempPathFactory, box: AesSecretBox
) -> None:
    path = tmp_path_factory.mktemp("broken") / "yingda.db"
    path.write_bytes(b"this is not a database" * 100)
    store = open_store(f"sqlite:///{path}", secrets=box)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        await store.check()
    with pytest.raises(StoreUnavailableError):
        await ids(store)
    await store.close()
    with pytest.raises(StoreUnavailableError):
        migrate(f"sqlite:///{path}")


async def test_two_stores_take_turns_at_the_same_contact(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    """Both see no contact and insert one; the slower is turned away, runs again and finds it."""
    first = open_store(migrated_postgres_url, secrets=box)
    second = open_store(migrated_postgres_url, secrets=box)
    await first.write(lambda unit: unit.inboxes.add(samples.inbox()))
    barrier = threading.Barrier(2, timeout=10)
    tries: list[str] = []

    def find_or_add(name: str) -> Callable[[UnitOfWork], str]:
        def work(unit: UnitOfWork) -> str:
            tries.append(name)
            found = unit.contacts.by_handles([("inbox", "visitor")])
            if tries.count(name) == 1:
                barrier.wait()
            if found:
                return found["inbox", "visitor"].id
            unit.contacts.add([samples.contact(id=name)], [samples.handle(contact_id=name)])
            return name

        return work

    winners = await asyncio.gather(first.write(find_or_add("a")), second.write(find_or_add("b")))
    assert len(set(winners)) == 1
    assert len(tries) > 2
    await first.close()
    await second.close()


async def test_a_clash_that_no_replay_cures_ends_after_three_tries(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    store = open_store(migrated_postgres_url, secrets=box)
    letter = DeadLetter(id="1", key="k", payload=b"", reason="r", attempts=1, died_at=1)
    await store.write(lambda unit: unit.journal.bury(letter, 1))
    tries: list[int] = []

    def clash(unit: UnitOfWork) -> None:
        tries.append(1)
        unit.journal.bury(letter, 1)

    with pytest.raises(ConflictError):
        await store.write(clash)
    assert len(tries) == 4  # with its group, then three times alone
    await store.close()


async def test_a_lock_keeps_another_process_out(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    first = open_store(migrated_postgres_url, secrets=box)
    second = open_store(migrated_postgres_url, secrets=box)
    await first.write(samples.add_conversation)
    locked, free = threading.Event(), threading.Event()

    def count(unit: UnitOfWork, *, hold: bool) -> int:
        found = unit.conversations.get("conversation", lock=True)
        if hold:
            locked.set()
            assert free.wait(10)
        raised = samples.conversation(unread=found.unread + 1)
        unit.conversations.update([raised])
        return raised.unread

    slow = asyncio.create_task(first.write(lambda unit: count(unit, hold=True)))
    while not locked.is_set():
        await asyncio.sleep(0.001)
    quick = asyncio.create_task(second.write(lambda unit: count(unit, hold=False)))
    await asyncio.sleep(0.05)
    assert not quick.done()
    free.set()
    assert [await slow, await quick] == [1, 2]
    await first.close()
    await second.close()


async def test_a_deadlock_is_resolved_by_running_again(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    first = open_store(migrated_postgres_url, secrets=box)
    second = open_store(migrated_postgres_url, secrets=box)
    await first.write(samples.add_conversation)
    await first.write(lambda unit: unit.conversations.add([samples.conversation(id="other")]))
    barrier = threading.Barrier(2, timeout=20)
    runs: list[str] = []

    def cross(name: str, *order: str) -> Callable[[UnitOfWork], str]:
        def work(unit: UnitOfWork) -> str:
            runs.append(name)
            unit.conversations.get(order[0], lock=True)
            if runs.count(name) == 1:
                barrier.wait()
            unit.conversations.get(order[1], lock=True)
            return name

        return work

    done = await asyncio.gather(
        first.write(cross("a", "conversation", "other")),
        second.write(cross("b", "other", "conversation")),
    )
    assert list(done) == ["a", "b"]
    assert len(runs) > 2
    await first.close()
    await second.close()


async def test_many_keys_are_locked_in_the_same_order_by_everyone(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    stores = [open_store(migrated_postgres_url, secrets=box) for _ in range(2)]
    await stores[0].write(samples.add_conversation)
    made = [samples.conversation(id=f"c{n}", key=f"key-{9 - n}") for n in range(10)]
    await stores[0].write(lambda unit: unit.conversations.add(made))
    keys = [item.key for item in made]

    def lock_all(unit: UnitOfWork) -> int:
        return len(unit.conversations.by_keys(keys, lock=True))

    def lock_ids(unit: UnitOfWork) -> int:
        return len(unit.conversations.by_ids([item.id for item in made], lock=True))

    began = time.monotonic()
    for _ in range(20):
        found = await asyncio.gather(stores[0].write(lock_all), stores[1].write(lock_ids))
        assert list(found) == [10, 10]
    assert time.monotonic() - began < 10  # each deadlock would have cost a second
    for store in stores:
        await store.close()


def test_errors_of_the_work_itself_are_faults() -> None:
    assert judge(KeyError("x")) is Verdict.FAULT
    assert judge(sqlite3.OperationalError("no such table: x")) is Verdict.FAULT
    assert judge(OperationalError("", {}, psycopg.OperationalError("gone"))) is Verdict.LOST


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        (psycopg.errors.DiskFull, Verdict.UNAVAILABLE),
        (psycopg.errors.TooManyConnections, Verdict.UNAVAILABLE),
        (psycopg.errors.SerializationFailure, Verdict.REPLAY),
        (psycopg.errors.AdminShutdown, Verdict.LOST),
        (psycopg.errors.CannotConnectNow, Verdict.LOST),
        (psycopg.errors.StringDataRightTruncation, Verdict.VALUE),
        (psycopg.errors.UndefinedTable, Verdict.FAULT),
        (psycopg.errors.NotNullViolation, Verdict.FAULT),
    ],
)
def test_what_postgresql_says(kind: type[psycopg.Error], verdict: Verdict) -> None:
    assert judge(kind("words")) is verdict


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://a@b/c", "postgresql//x"],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///PATH"):
        engine.parse_url(url)


def test_a_refused_address_does_not_show_its_password() -> None:
    with pytest.raises(ValueError, match="mysql") as refused:
        engine.parse_url("mysql://someone:hunter2@host/db")
    assert "hunter2" not in str(refused.value)
