"""What customers, colleagues and the platform say, item by item."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from channels.adapters.wecom_kf.composing import compose_text, read_msgid
from channels.adapters.wecom_kf.customers import Customers
from channels.adapters.wecom_kf.parsing import (
    CUSTOMER,
    MEDIA,
    SERVICER,
    Item,
    describe,
    parse_item,
)
from channels.adapters.wecom_kf.reasons import send_failure
from channels.adapters.wecom_kf.settings import KfSettings
from channels.adapters.wecom_kf.window import Windows
from channels.contract import (
    Attachment,
    ChannelContext,
    DeliveryReport,
    Discard,
    InboundMessage,
    InboxConfig,
    MessageState,
)
from channels.errors import PermanentDeliveryError, TransientDeliveryError, Words
from channels.limits import RecentKeys
from channels.wechat.api import PlatformApi
from channels.wechat.codes import PlatformError
from channels.wechat.health import HealthKeeper
from channels.wechat.media import MediaRefusedError, fetch_attachment
from channels.wechat.payload import take
from channels.wechat.placeholders import lost_file

log = logging.getLogger(__name__)

WELCOME_SECONDS: Final = 20
PATIENCE: Final = 600_000
"""ms for which a page waits for one file that does not come, although pages do."""


class Receiver:
    """Takes an inbox's items in."""

    def __init__(
        self,
        inbox: InboxConfig[KfSettings],
        context: ChannelContext,
        api: PlatformApi,
        windows: Windows,
        health: HealthKeeper,
    ) -> None:
        self._inbox = inbox
        self._context = context
        self._api = api
        self._windows = windows
        self._health = health
        self._customers = Customers(api, context.now)
        self._taken = RecentKeys()
        self._failing: dict[str, int] = {}

    async def take(self, account: str, items: Sequence[Mapping[str, Any]]) -> None:
        """Deals with a page, durable on return; what was dealt with comes again unharmed.

        Raises:
            SinkFullError: the bus takes no more.
            UnavailableError: the store does not answer.
            PlatformError: a file is refused for now.
            TransientDeliveryError: a file does not come for now.
        """
        now = self._context.now()
        parsed = [(one, parse_item(one, account=account, now=now)) for one in items]
        await self._customers.learn(
            item.customer for _, item in parsed if item is not None and item.origin == CUSTOMER
        )
        for one, item in parsed:
            await self._take_one(one, item)

    async def _take_one(self, one: Mapping[str, Any], item: Item | None) -> None:
        if item is None:
            raw = orjson.dumps(one)
            known_as = "unreadable-" + hashlib.sha256(raw).hexdigest()[:40]
            await self._discard(one, known_as, "unreadable")
            return
        if item.msgid in self._taken:
            return
        if item.kind == "event":
            await self._take_event(one, item)
        elif item.origin == CUSTOMER and item.customer:
            await self._take_message(one, item)
        else:
            reason = "servicer" if item.origin == SERVICER else "unknown"
            await self._discard(one, item.msgid, reason)
        self._taken.add(item.msgid)

    async def _take_message(self, one: Mapping[str, Any], item: Item) -> None:
        raw = None if item.kind == "text" else await self._keep(one)
        payload: str | None = None
        files: tuple[Attachment, ...] = ()
        if item.kind in MEDIA and take(item.fields, "media_id", limit=512):
            text, files = await self._fetch(item)
        else:
            text, payload = describe(item, self._inbox.language)
        await self._windows.wrote(item.account, item.customer, item.sent_at)
        name = self._customers.name(item.customer)
        await self._context.sink.deliver(
            InboundMessage(
                inbox_id=self._inbox.id,
                handle=item.customer,
                thread=item.account,
                external_id=item.msgid,
                text=text,
                received_at=self._context.now(),
                payload=payload,
                attachments=files,
                sent_at=item.sent_at,
                raw=raw,
                verified=True,  # the platform vouches for the customer
                profile={"name": name} if name else {},
            )
        )
        await self._health.well(message=True)

    async def _fetch(self, item: Item) -> tuple[str, tuple[Attachment, ...]]:
        """The file, or the words that stand for it."""
        try:
            found = await fetch_attachment(
                self._api,
                self._context.blobs,
                kind=item.kind,
                media_id=take(item.fields, "media_id", limit=512),
            )
        except MediaRefusedError as error:
            words = error.words
        except (PlatformError, TransientDeliveryError, PermanentDeliveryError) as error:
            now = self._context.now()
            if now - self._failing.setdefault(item.msgid, now) < PATIENCE:
                raise
            words = Words(*([str(error)] * 3))
        else:
            self._failing.pop(item.msgid, None)
            return "", (found,)
        self._failing.pop(item.msgid, None)
        return lost_file(words).in_language(self._inbox.language), ()

    async def _take_event(self, one: Mapping[str, Any], item: Item) -> None:
        event = take(item.fields, "event_type", limit=60)
        if event == "enter_session":
            await self._welcome(item)
        elif event == "msg_send_fail":
            failed = take(item.fields, "fail_msgid", limit=64)
            words = send_failure(item.fields.get("fail_type"))
            await self._context.sink.report(
                DeliveryReport(
                    inbox_id=self._inbox.id,
                    state=MessageState.FAILED,
                    reason=words.in_language(self._inbox.language),
                    message_id=read_msgid(failed),
                    external_id=failed,
                )
            )
        elif event in {"user_recall_msg", "servicer_recall_msg"}:
            await self._discard(one, item.msgid, "recall")
        else:
            log.debug("the event %r says nothing", event)

    async def _welcome(self, item: Item) -> None:
        """Greets who opens a chat; the code for it serves once and for 20 seconds."""
        code = take(item.fields, "welcome_code", limit=256)
        late = self._context.now() - item.sent_at > WELCOME_SECONDS * 1000
        if not self._inbox.settings.welcome or not code or late:
            return
        greeting = self._context.greeting(self._inbox.language)
        parts = compose_text(greeting.text, greeting.choices)
        if not parts:
            return
        try:
            await self._api.call(
                "kf/send_msg_on_event",
                {"code": code, "msgtype": parts[0].kind, parts[0].kind: parts[0].body},
            )
        except (PlatformError, TransientDeliveryError, PermanentDeliveryError) as error:
            log.info("a greeting was not sent: %s", error)

    async def _discard(self, one: Mapping[str, Any], known_as: str, reason: str) -> None:
        await self._context.sink.discard(
            Discard(
                inbox_id=self._inbox.id,
                external_id=known_as,
                reason=reason,
                raw=await self._keep(one),
            )
        )

    async def _keep(self, one: Mapping[str, Any]) -> str:
        return await self._context.blobs.put(orjson.dumps(one))
