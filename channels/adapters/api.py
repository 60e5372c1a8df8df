"""API: bring your own channel. Signed both ways by Standard Webhooks.

Messages come by `POST /channels/api/{inbox}/messages`; `webhook-id` is the idempotency key.
Answers are posted to the inbox's callback address, with the message's id as `webhook-id`.
"""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import web
from typing_extensions import override

from channels.contract import (
    Attachment,
    Capabilities,
    Channel,
    ChannelContext,
    ChannelKind,
    DeliveryReceipt,
    Directory,
    InboundMessage,
    InboxConfig,
    OutboundMessage,
    Secret,
)
from channels.errors import (
    MalformedPayloadError,
    PermanentDeliveryError,
    SettingsError,
    TransientDeliveryError,
    UnavailableError,
    Words,
    WrongValueError,
)
from channels.files import accept_file
from channels.outbound import AllowedNetworks, GuardedHttp, check_status, check_url
from channels.receiving import (
    guarded,
    parse_object,
    problem,
    read_body,
    take_email,
    take_identifier,
    take_language,
    take_line,
    take_text,
    unknown_inbox,
)
from channels.webhooks import parse_secret, signed_headers, verify

BODY_LIMIT: Final = 1_000_000
BODY_LIMIT_WITH_FILES: Final = 12_000_000
FILE_LIMIT: Final = 8_000_000
"""Largest single file that comes in, in bytes."""

FILES_OUT_LIMIT: Final = 10_000_000
"""Largest sum of the files of one answer, in bytes."""

MOST_FILES: Final = 5
_NO_SECRET: Final = Words(
    "a value is needed: whsec_ and a base64 key",
    "此项必填：whsec_ 和 base64 编码的密钥",
    "此項必填：whsec_ 和 base64 編碼的金鑰",
)
REMEMBERED_IDS: Final = 10_000

_KNOWN: Final = (
    "sender",
    "text",
    "sender_name",
    "thread",
    "sent_at",
    "payload",
    "language",
    "email",
    "attachments",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Settings of one API inbox.

    `signing_secret` signs both directions; `previous_secret` stays valid beside it while the
    integrator changes over. `callback_url` receives answers. `allowed_networks` lists hosts,
    addresses and CIDR blocks that the callback may reach although they are not public, also
    by plain http. `attachments` lets files in and raises the body limit.

    Raises:
        SettingsError: a value is missing or unusable.
    """

    signing_secret: Secret = field(
        default=Secret(""),
        metadata={
            "required": True,
            "generate": "whsec",
            "label": {
                "en": "Signing secret (whsec_…)",
                "zh-Hans": "签名密钥(whsec_…)",
                "zh-Hant": "簽章密鑰(whsec_…)",
            },
        },
    )
    previous_secret: Secret = field(
        default=Secret(""),
        metadata={
            "label": {
                "en": "Previous signing secret, still accepted",
                "zh-Hans": "旧签名密钥(仍然接受)",
                "zh-Hant": "舊簽章密鑰(仍然接受)",
            }
        },
    )
    callback_url: str = field(
        default="",
        metadata={
            "label": {
                "en": "Callback address for answers",
                "zh-Hans": "接收答复的回调地址",
                "zh-Hant": "接收答覆的回呼網址",
            }
        },
    )
    allowed_networks: tuple[str, ...] = field(
        default=(),
        metadata={
            "label": {
                "en": "Allowed hosts and networks that are not public",
                "zh-Hans": "允许访问的非公网主机和网段",
                "zh-Hant": "允許存取的非公開主機與網段",
            }
        },
    )
    attachments: bool = field(
        default=False,
        metadata={"label": {"en": "Accept files", "zh-Hans": "接收文件", "zh-Hant": "接收檔案"}},
    )

    def __post_init__(self) -> None:
        if not self.signing_secret:
            raise SettingsError("signing_secret", _NO_SECRET)
        for name in ("signing_secret", "previous_secret"):
            _check_secret(name, getattr(self, name))
        try:
            allowed = AllowedNetworks.parse(self.allowed_networks)
        except WrongValueError as error:
            raise SettingsError("allowed_networks", error.words) from error
        if self.callback_url:
            try:
                check_url(self.callback_url, allowed)
            except WrongValueError as error:
                raise SettingsError("callback_url", error.words) from error

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The signing keys, the current one first."""
        secrets = (self.signing_secret, self.previous_secret)
        return tuple(parse_secret(secret) for secret in secrets if secret)


def _check_secret(name: str, secret: str) -> None:
    if secret:
        try:
            parse_secret(secret)
        except WrongValueError as error:
            raise SettingsError(name, error.words) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFile:
    """A file of a message as it came, not yet judged."""

    name: str
    declared_mime: str
    content: bytes


class ApiChannel(Channel[ApiSettings]):
    """One API inbox."""

    def __init__(self, inbox: InboxConfig[ApiSettings], context: ChannelContext) -> None:
        super().__init__(inbox, context)
        self._keys = inbox.settings.keys
        self._http = GuardedHttp(
            AllowedNetworks.parse(inbox.settings.allowed_networks), context.now
        )
        self._bodies: OrderedDict[str, bytes] = OrderedDict()

    @override
    async def stop(self) -> None:
        """Closes the connections to the callback."""
        await self._http.close()

    @override
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Posts the message to the callback, signed.

        Raises:
            TransientDeliveryError: no answer in 15 s, 408, 409, 425, 429 or 5xx, or the disk
                with the attachments does not answer.
            PermanentDeliveryError: any other refusal, no callback, or an address that may not
                be called.
        """
        url = self.inbox.settings.callback_url
        if not url:
            raise PermanentDeliveryError(
                "the inbox has no callback address; set one and send the message again"
            )
        files = await self._load_files(message.message.attachments)
        body = compose_answer(message, files)
        headers = signed_headers(
            self._keys,
            message_id=message.message.id,
            timestamp=self.context.now() // 1000,
            body=body,
        )
        answer = await self._http.post(url, body, {"Content-Type": "application/json", **headers})
        check_status(answer, "the callback")
        return DeliveryReceipt()

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Delivers a signed message; 202 once it is durable.

        Raises:
            SignatureError: the signature does not hold.
            MalformedPayloadError: the body cannot be read.
            SinkFullError: the message was not kept.
            UnavailableError: its files were not kept, and so the message was not.
        """
        settings = self.inbox.settings
        limit = BODY_LIMIT_WITH_FILES if settings.attachments else BODY_LIMIT
        body = await read_body(request, limit)
        now = self.context.now()
        message_id = verify(self._keys, request.headers, body, now=now // 1000)
        digest = hashlib.sha256(body).digest()
        if self._bodies.get(message_id, digest) != digest:
            return problem(
                422,
                "id_reused",
                "this webhook-id was used for another body; give every message an id of its own",
                field="webhook-id",
            )
        message, files = parse_message(
            body, inbox_id=self.inbox.id, external_id=message_id, received_at=now
        )
        attachments = await self._keep_files(files)
        await self.context.sink.deliver(replace(message, attachments=attachments))
        self._remember(message_id, digest)
        return web.json_response({"accepted": True, "id": message_id}, status=202)

    def _remember(self, message_id: str, digest: bytes) -> None:
        self._bodies[message_id] = digest
        self._bodies.move_to_end(message_id)
        if len(self._bodies) > REMEMBERED_IDS:
            self._bodies.popitem(last=False)

    async def _keep_files(self, files: Sequence[IncomingFile]) -> tuple[Attachment, ...]:
        if files and not self.inbox.settings.attachments:
            raise MalformedPayloadError(
                "attachments: this inbox takes no files; switch them on in its settings",
                field="/attachments",
            )
        return tuple([await self._keep_file(index, file) for index, file in enumerate(files)])

    async def _keep_file(self, index: int, file: IncomingFile) -> Attachment:
        try:
            return await accept_file(
                self.context.blobs,
                name=file.name,
                declared_mime=file.declared_mime,
                content=file.content,
                limit=FILE_LIMIT,
            )
        except MalformedPayloadError as error:
            raise MalformedPayloadError(
                f"attachments[{index}].{error.message}",
                field=f"/attachments/{index}/{error.field}",
            ) from error

    async def _load_files(self, attachments: Sequence[Attachment]) -> list[bytes]:
        if sum(attachment.size for attachment in attachments) > FILES_OUT_LIMIT:
            raise PermanentDeliveryError(
                f"the files together exceed {FILES_OUT_LIMIT // 1_000_000} MB; send fewer at once"
            )
        try:
            return [await self.context.blobs.get(attachment.blob) for attachment in attachments]
        except KeyError as error:
            raise PermanentDeliveryError("an attached file is no longer stored") from error
        except UnavailableError as error:
            raise TransientDeliveryError(str(error), retry_after=error.retry_after) from error


def parse_message(
    body: bytes, *, inbox_id: str, external_id: str, received_at: int
) -> tuple[InboundMessage, tuple[IncomingFile, ...]]:
    """The message in a signed body, and its files.

    Args:
        body: the raw request.
        inbox_id: where it came in.
        external_id: its `webhook-id`.
        received_at: in ms since the epoch; `sent_at` is never later.

    Raises:
        MalformedPayloadError: names the field and the remedy.
    """
    fields = parse_object(body)
    _refuse_unknown(fields)
    sender = take_identifier(fields, "sender")
    if sender is None:
        raise MalformedPayloadError("sender: missing; send the customer's id", field="/sender")
    text = take_text(fields, "text")
    payload = take_line(fields, "payload", limit=255) or None
    files = _parse_files(fields.get("attachments"))
    if not (text or payload or files):
        raise MalformedPayloadError(
            "text: missing; send a text, a payload or attachments", field="/text"
        )
    profile = {
        "name": take_line(fields, "sender_name", limit=120),
        "email": take_email(fields),
        "language": take_language(fields),
    }
    message = InboundMessage(
        inbox_id=inbox_id,
        handle=sender,
        external_id=external_id,
        text=text,
        received_at=received_at,
        thread=take_identifier(fields, "thread") or "",
        payload=payload,
        sent_at=_parse_time(fields.get("sent_at"), received_at),
        verified=True,
        profile={name: value for name, value in profile.items() if value},
    )
    return message, files


def _refuse_unknown(fields: Mapping[str, Any]) -> None:
    for name in fields:
        if name not in _KNOWN:
            shown = ascii(name)[1:-1][:60]
            raise MalformedPayloadError(
                f"{shown}: unknown field; known are {', '.join(_KNOWN)}", field=f"/{shown}"
            )


def _parse_time(value: Any, latest: int) -> int | None:
    """Milliseconds from a time with its offset (RFC 3339); a fast clock is put right."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None or moment.year < 2000:
        raise MalformedPayloadError(
            "sent_at: must be a time with its offset, such as 2026-03-04T09:30:00+08:00",
            field="/sent_at",
        )
    return min(int(moment.timestamp() * 1000), latest)


def _parse_files(value: Any) -> tuple[IncomingFile, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_FILES:
        raise MalformedPayloadError(
            f"attachments: must be a list of at most {MOST_FILES} files", field="/attachments"
        )
    return tuple(_parse_file(index, entry) for index, entry in enumerate(value))


def _parse_file(index: int, entry: Any) -> IncomingFile:
    place = f"attachments[{index}]"
    pointer = f"/attachments/{index}"
    if not isinstance(entry, dict):
        raise MalformedPayloadError(
            f"{place}: must be an object with name, mime and content", field=pointer
        )
    for name in ("name", "content"):
        if not isinstance(entry.get(name), str):
            raise MalformedPayloadError(
                f"{place}.{name}: must be a string", field=f"{pointer}/{name}"
            )
    if not isinstance(entry.get("mime", ""), str):
        raise MalformedPayloadError(f"{place}.mime: must be a string", field=f"{pointer}/mime")
    try:
        content = base64.b64decode(entry["content"], validate=True)
    except ValueError as error:
        raise MalformedPayloadError(
            f"{place}.content: must be base64", field=f"{pointer}/content"
        ) from error
    return IncomingFile(name=entry["name"], declared_mime=entry.get("mime", ""), content=content)


def compose_answer(outbound: OutboundMessage, files: Sequence[bytes]) -> bytes:
    """The body that the callback receives.

    Args:
        outbound: what to send.
        files: contents of its attachments, in their order.
    """
    message = outbound.message
    created = datetime.fromtimestamp(message.created_at / 1000, UTC)
    data: dict[str, Any] = {
        "id": message.id,
        "inbox": outbound.inbox_id,
        "sender": outbound.handle,
        "thread": outbound.thread,
        "conversation": message.conversation_id,
        "seq": message.seq,
        "kind": message.kind,
        "author": message.author,
        "text": message.text,
        "choices": [{"title": c.title, "payload": c.payload} for c in message.choices],
        "attachments": [
            {
                "name": attachment.name,
                "mime": attachment.mime,
                "content": base64.b64encode(content).decode(),
            }
            for attachment, content in zip(message.attachments, files, strict=True)
        ],
        "article": message.article,
    }
    return orjson.dumps(
        {
            "type": "message.created",
            "timestamp": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": data,
        }
    )


def _routes(directory: Directory) -> Sequence[web.AbstractRouteDef]:
    async def accept(request: web.Request) -> web.StreamResponse:
        channel = directory.find(request.match_info["inbox"])
        if not isinstance(channel, ApiChannel):
            return unknown_inbox()
        return await channel.accept(request)

    return (web.post("/channels/api/{inbox}/messages", guarded(accept)),)


CHANNEL: Final = ChannelKind(
    kind="api",
    settings=ApiSettings,
    capabilities=Capabilities(
        quick_replies=True, attachments=True, max_text=10_000, max_files_bytes=FILES_OUT_LIMIT
    ),
    build=ApiChannel,
    routes=_routes,
)
