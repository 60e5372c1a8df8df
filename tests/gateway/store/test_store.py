import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gateway.domain.errors import ConflictError, InvalidInputError, NotFoundError
from gateway.domain.events import DeliveryQueued, Event
from gateway.domain.records import DeadLetter, JournalEntry
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.store import SqlStore, open_store
from gateway.store.keys import AesSecretBox
from tests.gateway.store import samples


def entry(number: int) -> JournalEntry:
    return JournalEntry(id=number, key="k", payload=b"p", attempts=0, appended_at=1)


def append(number: int) -> Callable[[UnitOfWork], int]:
    """Work that writes one row, emits one event and answers with its number."""

    def work(unit: UnitOfWork) -> int:
        unit.journal.append([entry(number)])
        unit.emit(event(str(number)))
        return number

    return work


def not_there(unit: UnitOfWork) -> None:
    unit.journal.append([entry(99)])
    unit.emit(event("bad"))
    raise NotFoundError("no such thing")


def event(name: str) -> DeliveryQueued:
    return DeliveryQueued(conversation_ids=(name,))


async def ids(store: SqlStore) -> list[int]:
    rows = await store.read(lambda unit: unit.journal.outstanding(after=0, limit=1000))
    return [row.id for row in rows]


class Gate:
    """Work that holds the writer up, so that what is written meanwhile forms one group."""

    def __init__(self, store: SqlStore) -> None:
        self._open = threading.Event()
        self._held = threading.Event()
        self._task = asyncio.create_task(store.write(self._hold))

    def _hold(self, unit: UnitOfWork) -> None:
        self._held.set()
        assert self._open.wait(10)

    async def __aenter__(self) -> None:
        while not self._held.is_set():
            await asyncio.sleep(0.001)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0.01)
        self._open.set()
        await self._task


async def in_one_group(
    store: SqlStore, works: Sequence[Callable[[UnitOfWork], Any]]
) -> list[object]:
    async with Gate(store):
        tasks = [asyncio.create_task(store.write(work)) for work in works]
        await asyncio.sleep(0)
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def test_what_is_written_is_there_for_readers_when_write_returns(store: SqlStore) -> None:
    assert await store.write(append(1)) == 1
    assert await ids(store) == [1]


async def test_a_reader_cannot_write(store: SqlStore) -> None:
    with pytest.raises(StoreUnavailableError):
        await store.read(append(1))
    assert await ids(store) == []


async def test_a_reader_sees_one_state_throughout(store: SqlStore) -> None:
    read, wrote = threading.Event(), threading.Event()

    def look_twice(unit: UnitOfWork) -> tuple[int, int]:
        before = unit.journal.last_id()
        read.set()
        assert wrote.wait(10)
        return before, unit.journal.last_id()

    looking = asyncio.create_task(store.read(look_twice))
    while not read.is_set():
        await asyncio.sleep(0.001)
    await store.write(append(1))
    wrote.set()
    assert await looking == (0, 0)


async def test_work_that_waits_shares_a_transaction(store: SqlStore) -> None:
    seen: list[int] = []

    def work(number: int) -> Callable[[UnitOfWork], None]:
        def look(unit: UnitOfWork) -> None:
            append(number)(unit)
            seen.append(unit.journal.last_id())

        return look

    await in_one_group(store, [work(number) for number in range(1, 33)])
    assert seen == list(range(1, 33))
    assert await ids(store) == seen


@pytest.mark.parametrize("place", [0, 3, 6])
async def test_one_bad_piece_of_work_harms_no_other(store: SqlStore, place: int) -> None:
    events: list[Event] = []
    store.listen(events.extend)
    works: list[Callable[[UnitOfWork], Any]] = [append(n) for n in range(1, 7)]
    works.insert(place, not_there)
    results = await in_one_group(store, works)
    error = results.pop(place)
    assert isinstance(error, NotFoundError)
    assert results == [1, 2, 3, 4, 5, 6]
    assert await ids(store) == [1, 2, 3, 4, 5, 6]
    assert events == [event(str(n)) for n in range(1, 7)]


async def test_several_bad_pieces_and_clashes_in_one_group(store: SqlStore) -> None:
    bad = not_there

    def bury(number: int) -> Callable[[UnitOfWork], int]:
        letter = DeadLetter(
            id=str(number), key="k", payload=b"", reason="r", attempts=1, died_at=number
        )

        def work(unit: UnitOfWork) -> int:
            unit.journal.bury(letter, number)
            return number

        return work

    results = await in_one_group(
        store, [bury(1), bad, bury(2), bury(1), bury(3), bad, bury(2), bury(4)]
    )
    kinds = [type(r) if isinstance(r, Exception) else r for r in results]
    clash, lost = ConflictError, NotFoundError
    assert kinds == [1, lost, 2, clash, 3, lost, clash, 4]
    letters = await store.read(lambda unit: unit.journal.dead(9))
    assert [letter.id for letter in letters] == ["4", "3", "2", "1"]


async def test_later_work_of_a_replayed_group_sees_the_earlier(store: SqlStore) -> None:
    works = [append(1), not_there, lambda unit: unit.journal.last_id()]
    results = await in_one_group(store, works)
    assert results[2] == 1


async def test_events_come_in_commit_order_before_the_answers(store: SqlStore) -> None:
    order: list[str] = []

    def listen(events: Sequence[Event]) -> None:
        order.extend(f"event {e.conversation_ids[0]}" for e in events)  # type: ignore[union-attr]

    async def write(name: str) -> None:
        await store.write(lambda unit: unit.emit(event(name)))
        order.append(f"answer {name}")

    store.listen(listen)
    async with Gate(store):
        tasks = [asyncio.create_task(write(str(n))) for n in range(4)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == [f"event {n}" for n in range(4)] + [f"answer {n}" for n in range(4)]


async def test_a_listener_that_fails_stops_nobody(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(events: Sequence[Event]) -> None:
        raise RuntimeError("listener")

    heard: list[Event] = []
    store.listen(fail)
    store.listen(heard.extend)
    await store.write(lambda unit: unit.emit(event("a")))
    assert heard == [event("a")]
    assert "a listener failed" in caplog.text


async def test_a_caller_that_gives_up_does_not_undo_the_write(store: SqlStore) -> None:
    async with Gate(store):
        task = asyncio.create_task(store.write(append(1)))
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.check()
    assert await ids(store) == [1]


@pytest.mark.parametrize("raised", [StopIteration, SystemExit, KeyboardInterrupt, ValueError])
async def test_whatever_work_raises_the_writer_goes_on(
    store: SqlStore, raised: type[BaseException]
) -> None:
    def bad(unit: UnitOfWork) -> None:
        raise raised("oh")

    with pytest.raises((RuntimeError, ValueError)):
        await store.write(bad)
    results = await in_one_group(store, [bad, lambda unit: 7])
    assert results[1] == 7


async def test_a_key_that_exists_is_a_conflict(talk: SqlStore) -> None:
    with pytest.raises(ConflictError):
        await talk.write(lambda unit: unit.conversations.add([samples.conversation()]))


async def test_a_reference_to_nothing_is_a_conflict(talk: SqlStore) -> None:
    stray = samples.message(1, conversation_id="nowhere")
    with pytest.raises(ConflictError):
        await talk.write(lambda unit: unit.messages.add([stray]))


async def test_a_programming_error_is_not_called_a_conflict(talk: SqlStore) -> None:
    broken = samples.message(1, text=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"(?i)not.null"):
        await talk.write(lambda unit: unit.messages.add([broken]))


async def test_a_text_that_the_database_cannot_hold(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    store = open_store(migrated_postgres_url, secrets=box)
    await store.write(samples.add_conversation)
    with pytest.raises(InvalidInputError):
        await store.write(lambda unit: unit.messages.add([samples.message(1, text="a\0b")]))
    await store.check()
    await store.close()


async def test_close_finishes_what_is_queued(store: SqlStore, url: str, box: AesSecretBox) -> None:
    async with Gate(store):
        tasks = [asyncio.create_task(store.write(append(n))) for n in range(1, 400)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    await closing
    with pytest.raises(StoreUnavailableError):
        await store.write(lambda unit: None)
    with pytest.raises(StoreUnavailableError):
        await store.read(lambda unit: None)
    again = open_store(url, secrets=box)
    assert len(await ids(again)) == 399
    await again.close()


async def test_close_twice(store: SqlStore) -> None:
    await store.close()
    await store.close()


async def test_thousands_of_writers_at_once(store: SqlStore) -> None:
    written = await asyncio.gather(*(store.write(append(n)) for n in range(1, 2001)))
    assert written == list(range(1, 2001))
    last = await store.read(lambda unit: unit.journal.last_id())
    assert last == 2000
