"""The embedded bus's tables, idempotent answers and leases."""

import asyncio

import pytest

from gateway.domain.errors import ConflictError
from gateway.domain.records import DeadLetter, JournalEntry, StoredAnswer
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore, open_store
from gateway.store.keys import AesSecretBox


def entry(number: int, **changes: int) -> JournalEntry:
    attempts = changes.get("attempts", 0)
    return JournalEntry(
        id=number,
        key=f"k\x1f{number}",
        payload=bytes(range(256)),
        attempts=attempts,
        appended_at=5,
    )


async def outstanding(store: SqlStore, after: int = 0, limit: int = 99) -> list[JournalEntry]:
    return await store.read(lambda unit: unit.journal.outstanding(after=after, limit=limit))


async def last_id(store: SqlStore) -> int:
    return await store.read(lambda unit: unit.journal.last_id())


async def test_entries_in_order(store: SqlStore) -> None:
    rows = [entry(n) for n in (2**40, 1, 3, 2)]
    await store.write(lambda unit: unit.journal.append(rows))
    assert await outstanding(store) == sorted(rows, key=lambda row: row.id)
    assert await outstanding(store, after=1, limit=2) == [entry(2), entry(3)]
    await store.write(lambda unit: unit.journal.note_attempt(2, 4))
    await store.write(lambda unit: unit.journal.remove([1, 3, 77]))
    assert await outstanding(store) == [entry(2, attempts=4), entry(2**40)]
    await store.write(lambda unit: unit.journal.remove([]))


async def test_an_entry_that_two_write_stands_once(store: SqlStore) -> None:
    await store.write(lambda unit: unit.journal.append([entry(1)]))
    again = [entry(1, attempts=7), entry(2)]
    await store.write(lambda unit: unit.journal.append(again))
    assert await outstanding(store) == [entry(1), entry(2)]


async def test_no_two_processes_give_the_same_ids(
    store: SqlStore, url: str, box: AesSecretBox
) -> None:
    assert await last_id(store) == 0
    first = await store.write(lambda unit: unit.journal.begin())
    await store.write(lambda unit: unit.journal.append([entry(first + 1), entry(first + 2)]))
    assert await last_id(store) == first + 2
    again = open_store(url, secrets=box)
    second = await again.write(lambda unit: unit.journal.begin())
    assert second > first + 1_000_000_000, "whatever the first gives is its own"
    await again.write(lambda unit: unit.journal.remove([first + 1, first + 2]))
    assert await last_id(again) == 0
    assert await again.write(lambda unit: unit.journal.begin()) > second
    await again.close()


async def test_dead_letters(store: SqlStore) -> None:
    letters = [
        DeadLetter(id=str(n), key="k", payload=b"\x00\xff", reason="坏", attempts=n, died_at=9 - n)
        for n in (1, 2, 3)
    ]

    def bury(unit: UnitOfWork) -> None:
        unit.journal.append([entry(n) for n in (1, 2, 3, 4)])
        for letter in letters:
            unit.journal.bury(letter, int(letter.id))

    await store.write(bury)
    assert await outstanding(store) == [entry(4)]
    assert await store.read(lambda unit: unit.journal.dead(2)) == letters[:2]
    assert await store.read(lambda unit: unit.journal.dead_count()) == 3
    assert await store.write(lambda unit: unit.journal.take_dead("2")) == letters[1]
    assert await store.write(lambda unit: unit.journal.take_dead("2")) is None
    assert await store.read(lambda unit: unit.journal.dead_count()) == 2


async def test_answers_are_kept_for_a_while(store: SqlStore) -> None:
    made = [
        StoredAnswer(key=f"k{n}", fingerprint="f", status=201, body=b"\x00{}", created_at=n)
        for n in (1, 2, 3)
    ]

    def add(unit: UnitOfWork) -> None:
        for answer in made:
            unit.answers.add(answer)

    await store.write(add)
    assert await store.read(lambda unit: unit.answers.find("k2")) == made[1]
    with pytest.raises(ConflictError):
        await store.write(lambda unit: unit.answers.add(made[1]))
    assert await store.write(lambda unit: unit.answers.remove_older(3)) == 2
    assert await store.read(lambda unit: unit.answers.find("k2")) is None
    assert await store.read(lambda unit: unit.answers.find("k3")) == made[2]


async def take(store: SqlStore, holder: str, now: int, name: str = "poller") -> bool:
    return await store.write(lambda unit: unit.leases.take(name, holder, now=now, until=now + 10))


async def test_a_lease_has_one_holder(store: SqlStore) -> None:
    assert await take(store, "a", 0)
    assert await take(store, "a", 5)
    assert not await take(store, "b", 14)
    assert await take(store, "b", 14, name="other")
    assert await take(store, "b", 15)
    assert not await take(store, "a", 16)
    await store.write(lambda unit: unit.leases.release("poller", "a"))
    assert not await take(store, "a", 16)
    await store.write(lambda unit: unit.leases.release("poller", "b"))
    assert await take(store, "a", 16)


async def test_two_processes_want_a_new_lease_at_once(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    stores = [open_store(migrated_postgres_url, secrets=box) for _ in range(2)]
    for n in range(10):
        got = await asyncio.gather(
            *(take(opened, str(at), 0, name=f"lease-{n}") for at, opened in enumerate(stores))
        )
        assert sorted(got) == [False, True]
    for opened in stores:
        await opened.close()
