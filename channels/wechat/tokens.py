"""One app's access token: kept for all processes, fetched by one at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from channels.keeping import ChannelState, Leases
from channels.limits import RateLimiter
from channels.wechat.codes import PlatformError

STATE: Final = "access_token"
EARLY: Final = 60_000  # ms before its end in which a token is no longer used
REST: Final = 60_000  # ms of rest after a refusal: the platform blocks those who keep asking
RENEWALS: Final = 6  # of tokens that should hold still, within
RENEWAL_PERIOD: Final = 300_000  # ms

Fetch = Callable[[], Awaitable[tuple[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A token until `until` (ms since the epoch), or a refusal that rests until then."""

    app: str
    until: int
    token: str = ""
    code: int = 0
    said: str = ""


class AccessTokens:
    """The token of one app.

    Args:
        app: the corp id and the secret: with another pair, what is kept does not serve.
        fetch: asks the platform for a token; gives it and its life in seconds.
        state: where it is kept.
        leases: so that one process asks at a time.
        now: gives ms since the epoch.
    """

    def __init__(
        self,
        app: str,
        fetch: Fetch,
        *,
        state: ChannelState,
        leases: Leases,
        now: Callable[[], int],
    ) -> None:
        self._app = hashlib.sha256(app.encode()).hexdigest()[:16]
        self._fetch = fetch
        self._state = state
        self._leases = leases
        self._now = now
        self._kept: _Kept | None = None
        self._renewals = RateLimiter(RENEWALS, RENEWAL_PERIOD)

    async def get(self) -> str:
        """A token that should hold.

        Raises:
            PlatformError: the platform gives none.
            TransientDeliveryError: it does not answer.
            UnavailableError: the store does not answer.
        """
        kept = self._kept
        if kept is None or not (self._serves(kept) or self._rests(kept)):
            await self._leases.run("access_token", partial(self._refresh, ""))
            kept = self._kept
        if kept is None or not kept.token:
            raise PlatformError(kept.code if kept else -1, kept.said if kept else "")
        return kept.token

    async def renew(self, refused: str) -> str:
        """Another token than the one that the platform just refused; one call for all who ask.

        Raises:
            PlatformError: the platform gives none, or refuses one after the other.
            TransientDeliveryError: it does not answer.
            UnavailableError: the store does not answer.
        """
        await self._leases.run("access_token", partial(self._refresh, refused))
        return await self.get()

    async def _refresh(self, refused: str) -> None:
        """Takes what another process fetched meanwhile, or fetches."""
        kept = _parse(await self._state.get(STATE))
        again = kept is not None and bool(refused) and kept.token == refused
        if again and self._renewals.wait_seconds("", self._now()):
            raise PlatformError(40014, "one token after the other is refused")
        if kept is None or again or not (self._serves(kept) or self._rests(kept)):
            kept = await self._fetched()
            await self._state.put(STATE, json.dumps({n: getattr(kept, n) for n in _NAMES}))
        self._kept = kept

    async def _fetched(self) -> _Kept:
        try:
            token, seconds = await self._fetch()
        except PlatformError as error:
            until = self._now() + REST
            return _Kept(app=self._app, until=until, code=error.code, said=error.said)
        return _Kept(app=self._app, until=self._now() + int(seconds * 1000), token=token)

    def _serves(self, kept: _Kept) -> bool:
        return bool(kept.token) and kept.app == self._app and kept.until - EARLY > self._now()

    def _rests(self, kept: _Kept) -> bool:
        return not kept.token and kept.app == self._app and kept.until > self._now()


_NAMES: Final = ("app", "until", "token", "code", "said")


def _parse(kept: str | None) -> _Kept | None:
    if kept is None:
        return None
    values: dict[str, Any] = json.loads(kept)
    return _Kept(**values)
