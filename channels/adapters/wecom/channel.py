"""One WeCom inbox: callbacks in, API calls out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from typing_extensions import override

from channels.adapters.wecom.composing import Part, compose
from channels.adapters.wecom.fetching import MediaQueue
from channels.adapters.wecom.parsing import Incoming, parse_callback
from channels.adapters.wecom.settings import WeComSettings
from channels.checking import Health
from channels.contract import (
    Attachment,
    Channel,
    ChannelContext,
    DeliveryReceipt,
    Directory,
    InboundMessage,
    InboxConfig,
    OutboundMessage,
)
from channels.errors import (
    PermanentDeliveryError,
    TransientDeliveryError,
    UnsupportedEventError,
    Words,
)
from channels.limits import RateLimiter
from channels.receiving import guarded, unknown_inbox
from channels.wechat.api import PlatformApi
from channels.wechat.callbacks import read_callback, verified_echo
from channels.wechat.codes import UNREACHABLE
from channels.wechat.health import HealthKeeper
from channels.wechat.payload import parse_xml
from channels.wechat.progress import Progress
from channels.wechat.sending import send_parts, upload_file

log = logging.getLogger(__name__)

PER_MEMBER: Final = 30
"""Messages that a member gets in a minute; the platform silently drops what is more."""

LONGEST_CHECK: Final = 14_400
"""Seconds over which the platform can look for duplicates."""

_SLOWER: Final = Words(
    "WeCom takes 30 messages a minute for one member; it goes on by itself",
    "企业微信每分钟最多向同一成员发送 30 条消息；稍后会自动继续",
    "企業微信每分鐘最多向同一成員傳送 30 則訊息；稍後會自動繼續",
)


class WeComChannel(Channel[WeComSettings]):
    """One app."""

    def __init__(self, inbox: InboxConfig[WeComSettings], context: ChannelContext) -> None:
        super().__init__(inbox, context)
        self._cipher = inbox.settings.cipher()
        self._api = PlatformApi(inbox.settings, context)
        self._health = HealthKeeper(context.state, context.now)
        self._progress = Progress(context.state)
        self._per_member = RateLimiter(PER_MEMBER, 60_000)
        self._media = MediaQueue(self._api, context, inbox.language, self._deliver)

    @override
    async def start(self) -> None:
        """Fetches the files that a process before this one left."""
        self._media.wake()

    @override
    async def stop(self) -> None:
        """Leaves the files that are not fetched yet to the next process."""
        await self._media.stop()
        await self._api.close()

    def verify(self, request: web.Request) -> web.StreamResponse:
        """Answers the platform's question whether this address is ours."""
        return verified_echo(request, self._cipher, self.context.now())

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Takes a callback; the answer is empty and comes once the message is durable.

        Raises:
            SignatureError: not signed with our token, too old, or meant for another company.
            MalformedPayloadError: it cannot be read.
            SinkFullError: the message was not kept.
            UnavailableError: the same.
        """
        now = self.context.now()
        content = await read_callback(request, self._cipher, now)
        fields = parse_xml(content)
        try:
            incoming = parse_callback(fields, language=self.inbox.language, now=now)
        except UnsupportedEventError as error:
            log.debug("wecom: %s", error)
            return web.Response()
        raw = None if incoming.kind == "text" else await self.context.blobs.put(content)
        if incoming.media_id:
            # The platform waits 5 s: the file is fetched after the answer.
            await self._media.add(incoming, raw, now)
        else:
            await self._deliver(incoming, (), raw, now)
        return web.Response()

    async def _deliver(
        self,
        incoming: Incoming,
        files: tuple[Attachment, ...],
        raw: str | None,
        received_at: int,
    ) -> None:
        await self.context.sink.deliver(
            InboundMessage(
                inbox_id=self.inbox.id,
                handle=incoming.handle,
                external_id=incoming.external_id,
                text=incoming.text,
                received_at=received_at,
                payload=incoming.payload,
                attachments=files,
                sent_at=incoming.sent_at,
                raw=raw,
                verified=True,  # the platform vouches for the member
                profile={"name": incoming.handle[:120]},
            )
        )
        await self._health.well(message=True)

    @override
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Sends an answer, in as many parts as the platform's limits ask for.

        The platform knows no ids of ours. After a first attempt, whose end may be unknown, it is
        asked to drop a part that equals one since the message was written.

        Raises:
            TransientDeliveryError: the platform is busy, out of reach or wants us to wait.
            PermanentDeliveryError: it will never take it; in the inbox's language.
        """
        settings = self.inbox.settings
        parts = compose(
            message.message,
            cards=settings.cards,
            markdown=settings.markdown,
            language=self.inbox.language,
        )
        age = (self.context.now() - message.message.created_at) // 1000 + 1
        check = {
            "enable_duplicate_check": 1,
            "duplicate_check_interval": max(1, min(age, LONGEST_CHECK)),
        }

        async def send(_: int, part: Part) -> str | None:
            return await self._send_part(
                message.handle, part, check if message.attempt > 1 else {}
            )

        sent_as = await send_parts(
            message.message.id,
            parts,
            send,
            progress=self._progress,
            language=self.inbox.language,
        )
        await self._health.well()
        return DeliveryReceipt(external_id=sent_as)

    async def _send_part(self, handle: str, part: Part, more: Mapping[str, Any]) -> str | None:
        wait = self._per_member.wait_seconds(handle, self.context.now())
        if wait:
            raise TransientDeliveryError(
                _SLOWER.in_language(self.inbox.language), retry_after=wait, attempted=False
            )
        body = part.body
        if part.file is not None:
            media_id = await upload_file(
                self._api, self.context.blobs, part.file, part.kind, self.inbox.language
            )
            body = {"media_id": media_id}
        answer = await self._api.call(
            "message/send",
            {
                "touser": handle,
                "msgtype": part.kind,
                "agentid": self.inbox.settings.agent_id,
                part.kind: body,
                **more,
            },
        )
        if answer.get("invaliduser") or answer.get("unlicenseduser"):
            raise PermanentDeliveryError(UNREACHABLE.in_language(self.inbox.language))
        return str(answer["msgid"]) if answer.get("msgid") else None

    @override
    async def health(self) -> Health | None:
        """When the platform was last heard."""
        return await self._health.read()


def routes(directory: Directory) -> Sequence[web.AbstractRouteDef]:
    """`GET` and `POST /channels/wecom/{inbox}`, the callback address."""

    async def verify(request: web.Request) -> web.StreamResponse:
        channel = directory.find(request.match_info["inbox"])
        if not isinstance(channel, WeComChannel):
            return unknown_inbox()
        return channel.verify(request)

    async def accept(request: web.Request) -> web.StreamResponse:
        channel = directory.find(request.match_info["inbox"])
        if not isinstance(channel, WeComChannel):
            return unknown_inbox()
        return await channel.accept(request)

    path = "/channels/wecom/{inbox}"
    return [
        web.get(path, guarded(verify), allow_head=False),
        web.post(path, guarded(accept)),
    ]
