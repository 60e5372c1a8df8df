"""Calls to WeCom's server API: with a token that is renewed once, and in plain words."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import orjson
from yarl import URL

from channels.contract import ChannelContext
from channels.errors import TransientDeliveryError
from channels.outbound import ANSWER_LIMIT, AllowedNetworks, GuardedHttp, HttpAnswer, check_status
from channels.wechat.codes import TOKEN_CODES, PlatformError
from channels.wechat.settings import AppSettings
from channels.wechat.tokens import AccessTokens

T = TypeVar("T")

JSON: Final = {"Content-Type": "application/json"}
LONGEST_LIFE: Final = 7200
"""Seconds; a token is never believed to live longer."""

_NAME: Final = re.compile(r"filename\*?=(?:utf-8'')?\"?([^\";]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file that was fetched; `name` and `mime` as the platform gives them."""

    content: bytes
    name: str
    mime: str


class PlatformApi:
    """One app's calls.

    Every call raises `PlatformError` (refused), `TransientDeliveryError` and
    `PermanentDeliveryError` (HTTP), and `UnavailableError` (our store).
    """

    def __init__(self, settings: AppSettings, context: ChannelContext) -> None:
        self._settings = settings
        self._now = context.now
        self._http = GuardedHttp(AllowedNetworks.parse(settings.allowed_networks), context.now)
        self._tokens = AccessTokens(
            f"{settings.corp_id}\x1f{settings.secret}",
            partial(ask_token, self._http, settings),
            state=context.state,
            leases=context.leases,
            now=context.now,
        )
        self._paused_until = 0
        self._pause: PlatformError | None = None

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close()

    async def call(
        self,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        limit: int = ANSWER_LIMIT,
    ) -> dict[str, Any]:
        """Posts a payload, or gets where there is none; gives the answer's fields.

        Args:
            path: below `/cgi-bin/`.
            payload: sent as JSON.
            query: beside the token.
            limit: bytes of the answer that are taken.
        """
        body = None if payload is None else orjson.dumps(payload)
        method = "GET" if body is None else "POST"

        async def ask(token: str) -> dict[str, Any]:
            url = app_url(self._settings, path, {**(query or {}), "access_token": token})
            answer = await self._http.fetch(method, url, body=body, headers=JSON, limit=limit)
            return parse_answer(answer)

        return await self._with_token(ask)

    async def upload(self, kind: str, *, name: str, mime: str, content: bytes) -> str:
        """Stores a file at the platform for three days; gives its media id.

        Args:
            kind: image, voice, video or file.
            name: shown to the recipient.
            mime: of the content.
            content: the whole file.
        """
        boundary = secrets.token_hex(16)
        plain = re.sub(r'[\x00-\x1f"\\]', "_", name)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="media"; filename="{plain}"; '
            f"filelength={len(content)}\r\nContent-Type: {mime}\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}

        async def ask(token: str) -> str:
            url = app_url(self._settings, "media/upload", {"access_token": token, "type": kind})
            answer = parse_answer(await self._http.fetch("POST", url, body=body, headers=headers))
            return str(answer.get("media_id") or "")

        return await self._with_token(ask)

    async def download(self, media_id: str, *, limit: int) -> Media:
        """Fetches a file.

        Raises:
            OversizePayloadError: it is larger than `limit` bytes.
        """

        async def ask(token: str) -> Media:
            url = app_url(
                self._settings, "media/get", {"access_token": token, "media_id": media_id}
            )
            answer = await self._http.fetch("GET", url, limit=limit)
            check_status(answer, "WeCom")
            # Refusals come as JSON; so may files, which are then named.
            if answer.mime in {"application/json", "text/plain"} and not answer.disposition:
                parse_answer(answer)
            named = _NAME.search(answer.disposition)
            return Media(
                content=answer.body,
                name=unquote(named[1].strip()) if named else "",
                mime=answer.mime,
            )

        return await self._with_token(ask)

    async def _with_token(self, ask: Callable[[str], Awaitable[T]]) -> T:
        if self._pause is not None and self._now() < self._paused_until:
            raise PlatformError(self._pause.code, self._pause.said, asked=False)
        token = await self._tokens.get()
        try:
            try:
                return await ask(token)
            except PlatformError as error:
                if error.code not in TOKEN_CODES:
                    raise
            return await ask(await self._tokens.renew(token))
        except PlatformError as error:
            if error.code in {45009, 45033} and error.wait is not None:
                # The limit is the app's: whoever calls next would only prolong the block.
                self._pause = error
                self._paused_until = self._now() + int(error.wait * 1000)
            raise


def app_url(settings: AppSettings, path: str, query: Mapping[str, str]) -> str:
    """The address of a call, `path` being below `/cgi-bin/`."""
    return str((URL(settings.api_base) / "cgi-bin" / path).with_query(query))


async def ask_token(http: GuardedHttp, settings: AppSettings) -> tuple[str, float]:
    """An access token and its life in seconds; raises what calls raise."""
    query = {"corpid": settings.corp_id, "corpsecret": str(settings.secret)}
    answer = parse_answer(await http.fetch("GET", app_url(settings, "gettoken", query)))
    token, life = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not token or not isinstance(life, int | float):
        raise TransientDeliveryError("WeCom gave no access token")
    return token, min(float(life), LONGEST_LIFE)


def parse_answer(answer: HttpAnswer) -> dict[str, Any]:
    """The fields of an answer that reports success.

    Raises:
        PlatformError: it reports an error.
        TransientDeliveryError: it cannot be read, or the platform is out of order.
        PermanentDeliveryError: the status is one that stays.
    """
    check_status(answer, "WeCom")
    try:
        fields = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict) or not isinstance(fields.get("errcode", 0), int):
        raise TransientDeliveryError("WeCom's answer cannot be read; it is tried again")
    code = fields.get("errcode", 0)
    if code:
        said = str(fields.get("errmsg", ""))
        raise PlatformError(40033 if "wrong json format" in said else code, said)
    return fields
