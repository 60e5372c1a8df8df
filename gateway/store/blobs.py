"""Files, addressed by the SHA-256 of their content, in a directory."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from gateway.ports.store import StoreUnavailableError

_BLOB = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UNAVAILABLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}


class DirectoryBlobs:
    """`channels.contract.Blobs`: `ab/cd/abcd…` under a directory.

    Args:
        root: the directory; it is made when the first blob comes.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, content: bytes) -> str:
        """Stores durably; returns the hash in hex. Storing the same again changes nothing.

        Raises:
            StoreUnavailableError: the disk is full or does not answer.
        """
        return await asyncio.to_thread(self._put, content)

    async def get(self, blob: str) -> bytes:
        """The content.

        Raises:
            KeyError: nothing is stored under that hash.
            StoreUnavailableError: the disk does not answer.
        """
        return await asyncio.to_thread(self._get, blob)

    def _path(self, blob: str) -> Path:
        return self._root / blob[:2] / blob[2:4] / blob

    def _put(self, content: bytes) -> str:
        blob = hashlib.sha256(content).hexdigest()
        path = self._path(blob)
        try:
            if not path.exists():
                self._write(path, content)
        except OSError as error:
            raise _explain(error) from error
        return blob

    def _write(self, path: Path, content: bytes) -> None:
        """A whole file appears under its name, or none; it is on the disk when this returns."""
        made = _make_directories(path.parent)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
        for directory in (path.parent, *made):
            _sync_directory(directory)

    def _get(self, blob: str) -> bytes:
        if not _BLOB.fullmatch(blob):
            raise KeyError(blob)
        try:
            return self._path(blob).read_bytes()
        except FileNotFoundError:
            raise KeyError(blob) from None
        except OSError as error:
            raise _explain(error) from error


def _make_directories(directory: Path) -> list[Path]:
    """Makes what is missing; returns the directories that got a new entry."""
    if directory.is_dir():
        return []
    above = _make_directories(directory.parent)
    directory.mkdir(exist_ok=True)
    return [directory.parent, *above]


def _sync_directory(directory: Path) -> None:
    if os.name != "posix":  # elsewhere directories cannot be opened, nor need they be
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(error: OSError) -> Exception:
    if error.errno in _UNAVAILABLE:
        return StoreUnavailableError(f"Files cannot be stored: {error.strerror}")
    return error
