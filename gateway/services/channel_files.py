"""The blobs as channels see them: a disk that is full or away is told in their words."""

from __future__ import annotations

from typing import Final

from channels.contract import Blobs
from channels.errors import UnavailableError
from gateway.ports.store import StoreUnavailableError

RETRY_AFTER: Final = 30.0  # seconds: a full disk is not emptied in a moment


class ChannelBlobs:
    """Implements `channels.contract.Blobs` over the installation's blobs."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def put(self, content: bytes) -> str:
        """Stores durably; returns the hash in hex.

        Raises:
            UnavailableError: the disk is full or does not answer.
        """
        try:
            return await self._blobs.put(content)
        except StoreUnavailableError as error:
            raise UnavailableError("files cannot be stored", RETRY_AFTER) from error

    async def get(self, blob: str) -> bytes:
        """The content.

        Raises:
            KeyError: nothing is stored under that hash.
            UnavailableError: the disk does not answer.
        """
        try:
            return await self._blobs.get(blob)
        except StoreUnavailableError as error:
            raise UnavailableError("files cannot be read", RETRY_AFTER) from error
