"""One inbox of 微信客服: callbacks that make it pull, answers by `kf/send_msg`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web
from typing_extensions import override

from channels.adapters.wecom_kf.composing import Part, compose, make_msgid
from channels.adapters.wecom_kf.pulling import Puller
from channels.adapters.wecom_kf.reasons import ENDED, IN_POOL, served_by
from channels.adapters.wecom_kf.receiver import Receiver
from channels.adapters.wecom_kf.settings import KfSettings
from channels.adapters.wecom_kf.window import Windows
from channels.checking import Health
from channels.contract import (
    Channel,
    ChannelContext,
    DeliveryReceipt,
    Directory,
    InboxConfig,
    OutboundMessage,
)
from channels.errors import (
    PermanentDeliveryError,
    TransientDeliveryError,
    UnavailableError,
)
from channels.receiving import guarded, unknown_inbox
from channels.wechat.api import PlatformApi
from channels.wechat.callbacks import read_callback, verified_echo
from channels.wechat.codes import PlatformError
from channels.wechat.health import HealthKeeper
from channels.wechat.payload import parse_xml, take
from channels.wechat.progress import Progress
from channels.wechat.sending import send_parts, upload_file

log = logging.getLogger(__name__)

WRONG_STATE: Final = 95018
_NEW, _BOT, _POOL, _SERVED, _ENDED = range(5)


class KfChannel(Channel[KfSettings]):
    """One app's accounts."""

    def __init__(self, inbox: InboxConfig[KfSettings], context: ChannelContext) -> None:
        super().__init__(inbox, context)
        self._cipher = inbox.settings.cipher()
        self._api = PlatformApi(inbox.settings, context)
        self._health = HealthKeeper(context.state, context.now)
        self._progress = Progress(context.state)
        self._windows = Windows(context.state)
        receiver = Receiver(inbox, context, self._api, self._windows, self._health)
        self._puller = Puller(self._api, context, self._health, receiver.take)

    @override
    async def start(self) -> None:
        """Begins to look for messages."""
        self._puller.start(self.inbox.settings.accounts, self.inbox.settings.poll_seconds)

    @override
    async def stop(self) -> None:
        """Stops looking."""
        await self._puller.stop()
        await self._api.close()

    def verify(self, request: web.Request) -> web.StreamResponse:
        """Answers the platform's question whether this address is ours."""
        return verified_echo(request, self._cipher, self.context.now())

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Takes a callback; the answer is empty, and what came is pulled after it.

        Raises:
            SignatureError: not signed with our token, too old, or meant for another company.
            MalformedPayloadError: it cannot be read.
            UnavailableError: it was not kept that there is something to pull.
        """
        fields = parse_xml(await read_callback(request, self._cipher, self.context.now()))
        account = take(fields, "OpenKfId", limit=64)
        wanted = self.inbox.settings.accounts
        if take(fields, "Event") != "kf_msg_or_event" or not account:
            log.debug("a callback says nothing: %s", take(fields, "Event", limit=40))
        elif not wanted or account in wanted:
            await self._puller.told(account, take(fields, "Token"))
        return web.Response()

    @override
    async def catch_up(self, since: int) -> None:
        """Pulls everything again that the platform still has: three days."""
        await self._puller.again(self.inbox.settings.accounts)

    @override
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Sends an answer; what the window would not take is refused before any of it goes out.

        Raises:
            TransientDeliveryError: the platform is busy, out of reach or wants us to wait.
            PermanentDeliveryError: it will never take it; in the inbox's language.
        """
        parts = compose(message.message)
        language = self.inbox.language
        try:
            left = len(parts) - await self._progress.done(message.message.id)
            await self._windows.check(
                message.thread,
                message.handle,
                left,
                now=self.context.now(),
                language=language,
            )
        except UnavailableError as error:
            raise TransientDeliveryError(str(error), retry_after=error.retry_after) from error

        async def send(place: int, part: Part) -> str | None:
            return await self._send_part(message, place, part)

        sent_as = await send_parts(
            message.message.id, parts, send, progress=self._progress, language=language
        )
        await self._health.well()
        return DeliveryReceipt(external_id=sent_as)

    async def _send_part(self, message: OutboundMessage, place: int, part: Part) -> str:
        body: dict[str, Any] = part.body
        if part.file is not None:
            media_id = await upload_file(
                self._api, self.context.blobs, part.file, part.kind, self.inbox.language
            )
            body = {"media_id": media_id}
        msgid = make_msgid(message.message.id, place)
        payload = {
            "touser": message.handle,
            "open_kfid": message.thread,
            "msgid": msgid,
            "msgtype": part.kind,
            part.kind: body,
        }
        try:
            await self._api.call("kf/send_msg", payload)
        except PlatformError as error:
            if error.code == WRONG_STATE:
                await self._explain_state(message)
            # Ids are ours and unique: one that is known there went out at an earlier attempt.
            if message.attempt == 1 or "msgid" not in error.said.lower():
                raise
        else:
            await self._windows.sent(message.thread, message.handle)
        return msgid

    async def _explain_state(self, message: OutboundMessage) -> None:
        """Says who has the session where it is not ours.

        Raises:
            PermanentDeliveryError: a colleague, the pool, or nobody any more.
        """
        answer = await self._api.call(
            "kf/service_state/get",
            {"open_kfid": message.thread, "external_userid": message.handle},
        )
        state = answer.get("service_state")
        language = self.inbox.language
        if state == _SERVED:
            servicer = take(answer, "servicer_userid", limit=64)
            raise PermanentDeliveryError(served_by(servicer).in_language(language))
        if state == _POOL:
            raise PermanentDeliveryError(IN_POOL.in_language(language))
        if state == _ENDED:
            raise PermanentDeliveryError(ENDED.in_language(language))

    @override
    async def health(self) -> Health | None:
        """When the platform was last heard."""
        return await self._health.read()


def routes(directory: Directory) -> Sequence[web.AbstractRouteDef]:
    """`GET` and `POST /channels/wecom_kf/{inbox}`, the callback address."""

    async def verify(request: web.Request) -> web.StreamResponse:
        channel = directory.find(request.match_info["inbox"])
        if not isinstance(channel, KfChannel):
            return unknown_inbox()
        return channel.verify(request)

    async def accept(request: web.Request) -> web.StreamResponse:
        channel = directory.find(request.match_info["inbox"])
        if not isinstance(channel, KfChannel):
            return unknown_inbox()
        return await channel.accept(request)

    path = "/channels/wecom_kf/{inbox}"
    return [
        web.get(path, guarded(verify), allow_head=False),
        web.post(path, guarded(accept)),
    ]
