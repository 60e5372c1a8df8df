"""One message's parts, sent in order; a repeat goes on where it broke."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from channels.contract import Attachment, Blobs
from channels.errors import PermanentDeliveryError, TransientDeliveryError, UnavailableError, Words
from channels.wechat.api import PlatformApi
from channels.wechat.codes import PlatformError
from channels.wechat.progress import Progress

P = TypeVar("P")

_NOTHING = Words("the message is empty", "消息为空", "訊息為空")
_GONE = Words("an attached file is no longer stored", "附件已不再保存", "附件已不再儲存")
_TINY = Words(
    "WeCom takes no files of fewer than 6 bytes",
    "企业微信不接收小于 6 字节的文件",
    "企業微信不接收小於 6 位元組的檔案",
)


async def send_parts(
    message_id: str,
    parts: Sequence[P],
    send: Callable[[int, P], Awaitable[str | None]],
    *,
    progress: Progress,
    language: str,
) -> str | None:
    """Sends what did not go out at an earlier attempt.

    Args:
        message_id: ours.
        parts: all of them, the same at each attempt.
        send: sends one, given its place; gives the platform's id of it.
        progress: what went out earlier.
        language: of the reasons.

    Returns:
        The platform's id of the last part.

    Raises:
        TransientDeliveryError: the platform or our store wants us to try later.
        PermanentDeliveryError: the platform will never take it.
    """
    if not parts:
        raise PermanentDeliveryError(_NOTHING.in_language(language))
    last: str | None = None
    try:
        several = len(parts) > 1
        for place in range(await progress.done(message_id) if several else 0, len(parts)):
            last = await send(place, parts[place])
            if several:
                await progress.note(message_id, (place + 1) % len(parts))
    except PlatformError as error:
        raise error.for_delivery(language) from error
    except UnavailableError as error:
        raise TransientDeliveryError(str(error), retry_after=error.retry_after) from error
    return last


async def upload_file(
    api: PlatformApi, blobs: Blobs, file: Attachment, kind: str, language: str
) -> str:
    """Stores one of our files at the platform; gives its media id.

    Raises:
        PermanentDeliveryError: it is gone, or too small for the platform.
    """
    if file.size <= 5:
        raise PermanentDeliveryError(_TINY.in_language(language))
    try:
        content = await blobs.get(file.blob)
    except KeyError as error:
        raise PermanentDeliveryError(_GONE.in_language(language)) from error
    return await api.upload(kind, name=file.name, mime=file.mime, content=content)
