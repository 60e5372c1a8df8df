"""What was written is found a moment later, also after an outage."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest
from typing_extensions import override

from gateway.domain.errors import InvalidInputError
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.store import SqlStore, search
from gateway.store.keys import AesSecretBox
from gateway.store.migrations import migrate
from gateway.workers import indexing
from tests.gateway.store import samples

T = TypeVar("T")


class Moody(SqlStore):
    """Refuses the first writes of the loop under test."""

    refusals = 0

    @override
    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailableError("away")
        return await super().write(work)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Moody]:
    url = f"sqlite:///{tmp_path / 'yingda.db'}"
    migrate(url)
    opened = Moody(url, secrets=AesSecretBox(b"k" * 32))
    await opened.write(samples.add_conversation)
    yield opened
    await opened.close()


async def indexed(store: Moody, word: str) -> bool:
    return bool(
        await store.read(lambda unit: unit.conversations.search(samples.EVERYTHING, word, 1))
    )


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PIECE", 3), ("PAUSE", 0.01), ("BREATH", 0.0), ("OUTAGE_PAUSE", 0.01)):
        monkeypatch.setattr(indexing, name, value)


async def test_everything_is_indexed_in_pieces(
    store: Moody, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hurry(monkeypatch)
    rows = [samples.message(n, f"word{n}") for n in range(1, 11)]
    await store.write(lambda unit: unit.messages.add(rows))
    store.refusals = 2
    loop = asyncio.create_task(indexing.index_for_search(store))
    async with asyncio.timeout(20):
        while not await indexed(store, "word10"):
            assert not loop.done()
            await asyncio.sleep(0.01)
        await store.write(lambda unit: unit.messages.add([samples.message(11, "later")]))
        while not await indexed(store, "later"):
            await asyncio.sleep(0.01)
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop
    assert caplog.text.count("indexing waits") == 2


@pytest.mark.parametrize("error", [InvalidInputError("spoiled"), ValueError("spoiled")])
async def test_an_entry_that_cannot_be_indexed_is_left_out_alone(
    store: Moody,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    hurry(monkeypatch)
    understood = search.index_words

    def spoiled(text: str) -> tuple[str, ...]:
        if "word2" in text:
            raise error
        return understood(text)

    monkeypatch.setattr(search, "index_words", spoiled)
    rows = [samples.message(n, f"word{n}") for n in range(1, 6)]
    await store.write(lambda unit: unit.messages.add(rows))
    loop = asyncio.create_task(indexing.index_for_search(store))
    async with asyncio.timeout(5):
        while await store.read(lambda unit: unit.messages.unindexed(1)):
            assert not loop.done()
            await asyncio.sleep(0.01)
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop
    found = [n for n in range(1, 6) if await indexed(store, f"word{n}")]
    assert found == [1, 3, 4, 5]
    assert f"message {rows[1].id} is left out of search" in caplog.text
