"""Model files: kept in the store for everyone, mapped from a folder of this machine.

The store keeps the models of the newest versions and of drafts that were evaluated since;
each machine removes from its folder what the store keeps no more.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

from bot.recognise import model_path
from gateway.ports.clock import Clock
from gateway.ports.store import Store, UnitOfWork

log = logging.getLogger(__name__)

PIECE = 1_000_000  # bytes; one transaction each, so that turns are not held up
KEPT_VERSIONS = 3  # whose models stay
REST = 3_600_000  # ms that a file lies untouched before it may go
_ENDINGS = {".model", ".part", ".fetched"}


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
        self._fetching: dict[str, asyncio.Lock] = {}

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
        async with self._fetching.setdefault(lessons, asyncio.Lock()):
            return await self._fetch(lessons)

    async def _fetch(self, lessons: str) -> Path | None:
        path, key = self.path(lessons), self.key(lessons)
        if path.exists():
            with suppress(FileNotFoundError):  # swept this very moment: brought anew
                os.utime(path)
                return path
        size = await self._store.read(lambda uow: uow.models.size(key))
        if size is None:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{uuid4().hex}.fetched")
        try:
            if await self._bring(half, key, size) != size:  # dropped meanwhile: trained anew
                return None
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
        return path

    async def _bring(self, half: Path, key: str, size: int) -> int:
        """Writes the pieces that there are; how many bytes they were."""
        got = 0
        with half.open("wb") as file:
            while got < size:
                piece = await self._store.read(partial(_piece, key=key, place=got // PIECE))
                if not piece:
                    break
                await asyncio.to_thread(file.write, piece)
                got += len(piece)
        return got

    async def discard(self, lessons: str) -> None:
        """Removes a model that cannot be used, here and from the store: it is trained anew."""
        path, key = self.path(lessons), self.key(lessons)
        await asyncio.to_thread(path.unlink, missing_ok=True)

        def drop(uow: UnitOfWork) -> None:
            uow.models.keep_only(sorted({*uow.models.keys()} - {key}))

        await self._store.write(drop)

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

    async def forget_others(self) -> None:
        """Drops models from the store that none of the newest versions needs."""
        await self._store.write(lambda uow: uow.models.keep_only(self._newest(uow)))

    async def sweep(self) -> None:
        """Removes files from the folder that the store keeps no more.

        What another process of this machine trains or fetches now is younger than `REST`; one
        that has mapped a file goes on with it.
        """

        def needed(uow: UnitOfWork) -> set[str]:
            return {*uow.models.keys(), *self._newest(uow)}

        kept = await self._store.read(needed)
        gone = await asyncio.to_thread(self._remove_but, kept)
        if gone:
            log.info("%d old model files removed", gone, extra={"action": "models_swept"})

    def _newest(self, uow: UnitOfWork) -> list[str]:
        return [self.key(version.lessons) for version in uow.versions.newest(KEPT_VERSIONS)]

    def _remove_but(self, kept: set[str]) -> int:
        gone = 0
        for path in self.folder.glob("model-*"):
            if path.name in kept or path.suffix not in _ENDINGS:
                continue
            try:
                if path.stat().st_mtime * 1000 < self._clock() - REST:
                    path.unlink()
                    gone += 1
            except FileNotFoundError:
                continue  # another process of this machine was faster
            except OSError as error:
                log.warning("an old model stays: %s", error, extra={"action": "models_swept"})
        return gone


def _piece(uow: UnitOfWork, *, key: str, place: int) -> bytes | None:
    return uow.models.piece(key, place)


def _put_piece(uow: UnitOfWork, *, key: str, place: int, content: bytes) -> None:
    uow.models.put_piece(key, place, content)
