"""Keys of bus entries: what may be one, and which partition it belongs to."""

from __future__ import annotations

from zlib import crc32


def check_key(key: str) -> bytes:
    """The key as UTF-8.

    Entries of several senders are written together, so a key that the database cannot keep must
    be refused before it is among them.

    Raises:
        ValueError: it is empty, holds NUL or is no valid Unicode.
    """
    if not key or "\0" in key:
        raise ValueError("the key of a bus entry must be text without NUL")
    return key.encode()


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key; the same in every process and version."""
    return crc32(key) % partitions
