"""Model files: kept in the store for everyone, mapped from a folder of this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from bot.recognise import model_path
from gateway.ports.clock import Clock
from gateway.ports.store import Store, UnitOfWork

PIECE = 1_000_000  # bytes; one transaction each, so that turns are not held up


class ModelFiles:
    """Brings models from the store into a folder, and new ones from the folder to the store.

    Args:
        store: where every process finds them.
        folder: of this machine; several processes may share it.
        clock: the time in ms.
        mark: the fingerprint of the encoder that models are trained with, None for none.
    """

    def __init__(self, store: Store, folder: Path, clock: Clock, mark: str | None = None) -> None:
        self.folder = folder
        self._store = store
        self._clock = clock
        self._mark = mark

    def path(self, lessons: str) -> Path:
        """Where the model of these lessons lies, if it does."""
        return model_path(self.folder, lessons, self._mark)

    def key(self, lessons: str) -> str:
        """Its name in the store."""
        return self.path(lessons).name

    async def exists(self, lessons: str) -> bool:
        """Whether it was trained already, here or elsewhere."""
        if self.path(lessons).exists():
            return True
        key = self.key(lessons)
        return await self._store.read(lambda uow: uow.models.size(key)) is not None

    async def fetch(self, lessons: str) -> Path | None:
        """The file, brought from the store when it is not here; None when it is nowhere."""
        path, key = self.path(lessons), self.key(lessons)
        if path.exists():
            return path
        size = await self._store.read(lambda uow: uow.models.size(key))
        if size is None:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.fetched")
        got = 0
        with half.open("wb") as file:
            while got < size:
                piece = await self._store.read(partial(_piece, key=key, place=got // PIECE))
                if not piece:  # dropped meanwhile: it is trained anew
                    half.unlink()
                    return None
                await asyncio.to_thread(file.write, piece)
                got += len(piece)
        half.replace(path)
        return path

    async def keep(self, lessons: str) -> None:
        """Puts the file into the store, unless it is there; complete or not at all."""
        key, path = self.key(lessons), self.path(lessons)
        if await self._store.read(lambda uow: uow.models.size(key)) is not None:
            return
        content = await asyncio.to_thread(path.read_bytes)
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            await self._store.write(
                partial(_put_piece, key=key, place=start // PIECE, content=piece)
            )
        await self._store.write(lambda uow: uow.models.complete(key, len(content), self._clock()))

    async def forget_others(self, lessons: Iterable[str]) -> None:
        """Drops models from the store that none of these lessons needs."""
        keys = [self.key(each) for each in lessons]
        await self._store.write(lambda uow: uow.models.keep_only(keys))


def _piece(uow: UnitOfWork, *, key: str, place: int) -> bytes | None:
    return uow.models.piece(key, place)


def _put_piece(uow: UnitOfWork, *, key: str, place: int, content: bytes) -> None:
    uow.models.put_piece(key, place, content)
