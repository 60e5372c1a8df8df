"""Files that customers send, fetched with limits, judged and stored; and as what ours go out."""

from __future__ import annotations

from typing import Final

from channels.contract import Attachment, Blobs
from channels.errors import MalformedPayloadError, OversizePayloadError, Words
from channels.files import accept_file
from channels.wechat.api import PlatformApi
from channels.wechat.codes import PlatformError

LARGEST: Final = 20_000_000
"""Bytes of one file."""

_NAMES: Final = {"image": "image.jpg", "voice": "voice.amr", "video": "video.mp4"}


class MediaRefusedError(Exception):
    """A file that will not come.

    Args:
        words: why.
    """

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


async def fetch_attachment(
    api: PlatformApi, blobs: Blobs, *, kind: str, media_id: str, name: str = ""
) -> Attachment:
    """A customer's file, stored.

    Args:
        api: where it lies.
        blobs: where it goes.
        kind: image, voice, video or file.
        media_id: its id at the platform.
        name: the sender's name for it, where the message has one.

    Raises:
        MediaRefusedError: it is gone, too large, or of a kind that is not taken.
        PlatformError: the platform refuses for now.
        TransientDeliveryError: the platform does not answer.
        UnavailableError: our store does not answer.
    """
    try:
        media = await api.download(media_id, limit=LARGEST)
        return await accept_file(
            blobs,
            # A picture or voice message is named by its content alone.
            name=_named(kind, name or media.name),
            declared_mime="",
            content=media.content,
            limit=LARGEST,
        )
    except OversizePayloadError as error:
        most = LARGEST // 1_000_000
        words = Words(f"it is larger than {most} MB", f"文件超过 {most} MB", f"檔案超過 {most} MB")
        raise MediaRefusedError(words) from error
    except MalformedPayloadError as error:
        words = Words(error.message, "不接收这种文件", "不接收這種檔案")
        raise MediaRefusedError(words) from error
    except PlatformError as error:
        if error.wait is not None:
            raise
        raise MediaRefusedError(error.words) from error


def _named(kind: str, name: str) -> str:
    if kind in _NAMES and "." not in name:
        return _NAMES[kind]
    return name or "file"


def media_kind(file: Attachment) -> str:
    """As what a file is sent: shown or played where its type and size allow, else as a file."""
    if file.mime in {"image/jpeg", "image/png"} and file.size <= 10_000_000:
        return "image"
    if file.mime == "video/mp4" and file.size <= 10_000_000:
        return "video"
    if file.mime == "audio/amr" and file.size <= 2_000_000:
        return "voice"
    return "file"
