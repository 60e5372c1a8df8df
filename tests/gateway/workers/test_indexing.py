"""What was written is found a moment later, also after an outage."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest
from typing_extensions import override

from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.store import SqlStore
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


async def test_everything_is_indexed_in_pieces(
    store: Moody, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in (("PIECE", 3), ("PAUSE", 0.01), ("BREATH", 0.0), ("OUTAGE_PAUSE", 0.01)):
        monkeypatch.setattr(indexing, name, value)
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
