import asyncio
import errno
import hashlib
import os
from pathlib import Path

import pytest

from gateway.ports.store import StoreUnavailableError
from gateway.store.blobs import DirectoryBlobs


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "blobs"


async def test_content_comes_back_by_its_hash(root: Path) -> None:
    blobs = DirectoryBlobs(root)
    for content in (b"", b"picture", bytes(range(256)) * 5000):
        blob = await blobs.put(content)
        assert blob == hashlib.sha256(content).hexdigest()
        assert await blobs.get(blob) == content
        assert (root / blob[:2] / blob[2:4] / blob).read_bytes() == content


async def test_the_same_twice_and_at_once_is_one_file(root: Path) -> None:
    blobs = DirectoryBlobs(root)
    found = await asyncio.gather(*(blobs.put(b"same") for _ in range(20)))
    assert len(set(found)) == 1
    assert [path.name for path in root.rglob("*") if path.is_file()] == [found[0]]


@pytest.mark.parametrize(
    "blob", ["", "../../etc/passwd", "0" * 63, "0" * 64, "A" * 64, "0" * 64 + "\n", "é" * 64]
)
async def test_what_is_not_there_or_is_no_hash(root: Path, blob: str) -> None:
    blobs = DirectoryBlobs(root)
    await blobs.put(b"x")
    with pytest.raises(KeyError):
        await blobs.get(blob)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
async def test_a_full_or_broken_disk(
    root: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    blobs = DirectoryBlobs(root)

    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(StoreUnavailableError):
            await blobs.put(b"content")
        assert [path for path in root.rglob("*") if path.is_file()] == []
    assert await blobs.get(await blobs.put(b"content")) == b"content"


async def test_another_error_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file, not a directory")
    with pytest.raises(OSError, match="blobs"):
        await DirectoryBlobs(tmp_path / "blobs").put(b"x")
