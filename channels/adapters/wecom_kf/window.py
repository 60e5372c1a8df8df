"""The window for answers: five messages within 48 hours of the customer's last one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from channels.errors import PermanentDeliveryError, Words
from channels.keeping import ChannelState
from channels.wechat.codes import COUNT_LIMIT, WINDOW_OVER

MOST: Final = 5
OPEN: Final = 172_800_000  # ms: 48 hours


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """When the customer last wrote (ms since the epoch), and what was sent since."""

    wrote_at: int
    sent: int


class Windows:
    """The windows of one inbox's customers."""

    def __init__(self, state: ChannelState) -> None:
        self._state = state

    async def wrote(self, account: str, customer: str, at: int) -> None:
        """The customer wrote: five more messages, unless a later message did that already."""
        name = _name(account, customer)
        while True:
            kept = await self._state.get(name)
            window = _parse(kept)
            if window is not None and window.wrote_at >= at:
                return
            if await self._swap(name, kept, _Window(wrote_at=at, sent=0)):
                return

    async def check(
        self, account: str, customer: str, parts: int, *, now: int, language: str
    ) -> None:
        """Refuses what the platform would refuse; who is unknown here is left to the platform.

        Raises:
            PermanentDeliveryError: the window is over, or too few messages are left.
        """
        window = _parse(await self._state.get(_name(account, customer)))
        if window is None:
            return
        if now - window.wrote_at > OPEN:
            raise PermanentDeliveryError(WINDOW_OVER.in_language(language))
        left = MOST - window.sent
        if left <= 0:
            raise PermanentDeliveryError(COUNT_LIMIT.in_language(language))
        if parts > left:
            raise PermanentDeliveryError(_too_many(parts, left).in_language(language))

    async def sent(self, account: str, customer: str) -> None:
        """A message went out."""
        name = _name(account, customer)
        while (window := _parse(kept := await self._state.get(name))) is not None:
            if await self._swap(
                name, kept, _Window(wrote_at=window.wrote_at, sent=window.sent + 1)
            ):
                return

    async def _swap(self, name: str, kept: str | None, window: _Window) -> bool:
        value = json.dumps([window.wrote_at, window.sent])
        return await self._state.swap(name, kept, value)


def _name(account: str, customer: str) -> str:
    return f"window:{account}:{customer}"


def _parse(kept: str | None) -> _Window | None:
    if kept is None:
        return None
    wrote_at, sent = json.loads(kept)
    return _Window(wrote_at=wrote_at, sent=sent)


def _too_many(parts: int, left: int) -> Words:
    return Words(
        f"this needs {parts} messages and WeChat takes only {left} more before the customer "
        "writes again; shorten it or send fewer files",
        f"这需要 {parts} 条消息，而在客户再次发言前微信只接收 {left} 条；请缩短内容或减少文件",
        f"這需要 {parts} 則訊息，而在客戶再次發言前微信只接收 {left} 則；請縮短內容或減少檔案",
    )
