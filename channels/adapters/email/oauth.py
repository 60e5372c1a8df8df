"""Access tokens for XOAUTH2, from a refresh token (RFC 6749 6)."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

import aiohttp

from channels.adapters.email.errors import SignInError
from channels.adapters.email.settings import EmailSettings
from channels.errors import Words
from channels.keeping import ChannelState

STATE: Final = "oauth"
EARLY: Final = 120_000  # ms before its end at which a token is renewed
TIMEOUT: Final = aiohttp.ClientTimeout(total=20)
_LONGEST: Final = 20_000  # bytes of an answer
_URLS: Final = {
    "microsoft": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    "google": "https://oauth2.googleapis.com/token",
}
_SCOPES: Final = {
    "microsoft": "https://outlook.office.com/IMAP.AccessAsUser.All "
    "https://outlook.office.com/SMTP.Send offline_access",
}


class Tokens:
    """One mailbox's access token, kept in its state so that all processes share it."""

    def __init__(
        self, settings: EmailSettings, state: ChannelState, now: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._state = state
        self._now = now
        self._renewing = asyncio.Lock()

    async def get(self) -> str:
        """A token that is good for a while.

        Raises:
            SignInError: the provider refuses the refresh token; says why.
            OSError: the provider is out of reach.
        """
        async with self._renewing:
            kept = await self._state.get(STATE)
            found = json.loads(kept) if kept else {}
            if found.get("until", 0) - EARLY > self._now():
                return str(found["token"])
            return await self._renew(kept, found)

    async def forget(self, token: str) -> None:
        """The provider refused it: the next one is made anew, unless somebody was quicker."""
        kept = await self._state.get(STATE)
        found = json.loads(kept) if kept else {}
        if found.get("token") == token:
            changed = json.dumps({**found, "token": "", "until": 0})
            await self._state.swap(STATE, kept, changed)

    async def _renew(self, kept: str | None, found: dict[str, Any]) -> str:
        settings = self._settings
        # Providers may give a new refresh token with each access token; the form's comes first
        # again once somebody enters another one.
        given = str(settings.oauth_refresh_token)
        refresh = found.get("refresh", given) if found.get("given") == _mark(given) else given
        answer = await self._ask(
            {
                "grant_type": "refresh_token",
                "client_id": settings.oauth_client_id,
                "client_secret": str(settings.oauth_client_secret),
                "refresh_token": refresh,
                "scope": _SCOPES.get(settings.oauth, ""),
            }
        )
        token = str(answer["access_token"])
        made = {
            "token": token,
            "until": self._now() + 1000 * int(answer.get("expires_in", 3600)),
            "refresh": answer.get("refresh_token", refresh),
            "given": _mark(given),
        }
        await self._state.swap(STATE, kept, json.dumps(made))
        return token

    async def _ask(self, form: dict[str, str]) -> dict[str, Any]:
        settings = self._settings
        template = _URLS.get(settings.oauth, settings.oauth_url)
        url = template.replace("{tenant}", settings.oauth_tenant)
        fields = {name: value for name, value in form.items() if value}
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as http,
                http.post(url, data=fields, allow_redirects=False) as reply,
            ):
                text = (await reply.content.read(_LONGEST)).decode("utf-8", "replace")
                status = reply.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionError(f"the token server does not answer: {error}") from error
        answer = _read(text)
        if status >= 500 or status == 429:
            raise ConnectionError(f"the token server answers {status}")
        if "access_token" not in answer:
            raise SignInError(_refused(answer, status))
        return answer


def _mark(refresh: str) -> str:
    """Tells entered refresh tokens apart."""
    return hashlib.sha256(refresh.encode()).hexdigest()[:16]


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refused(answer: dict[str, Any], status: int) -> Words:
    said = str(answer.get("error_description") or answer.get("error") or status)[:300]
    return Words(
        "The provider refuses the refresh token; sign in again and enter a new one. "
        f"It says: {said}",
        f"服务商拒绝了刷新令牌，请重新授权并填写新的令牌。对方回复：{said}",
        f"服務商拒絕了更新權杖，請重新授權並填寫新的權杖。對方回覆：{said}",
    )
