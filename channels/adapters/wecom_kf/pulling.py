"""Pulls what came, page by page, one process at a time for each account."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from channels.adapters.wecom_kf.parsing import parse_page
from channels.contract import ChannelContext
from channels.errors import (
    PermanentDeliveryError,
    SinkFullError,
    TransientDeliveryError,
    UnavailableError,
    Words,
)
from channels.wechat.api import PlatformApi
from channels.wechat.codes import PlatformError
from channels.wechat.health import HealthKeeper

log = logging.getLogger(__name__)

ACCOUNTS: Final = "accounts"
PAGE: Final = 1000
PAGE_LIMIT: Final = 20_000_000  # bytes
TOKEN_LIFE: Final = 600_000  # ms
WRONG_TOKEN: Final = 95007
PAUSES: Final = (1, 2, 5, 15, 30, 60)  # seconds between tries while something is away

TakePage = Callable[[str, Sequence[Mapping[str, Any]]], Awaitable[None]]


class Puller:
    """One inbox's accounts.

    Args:
        api: whom to ask.
        context: of the inbox.
        health: learns how it goes.
        take: deals with the items of an account's page, durable on return.
    """

    def __init__(
        self, api: PlatformApi, context: ChannelContext, health: HealthKeeper, take: TakePage
    ) -> None:
        self._api = api
        self._state = context.state
        self._leases = context.leases
        self._now = context.now
        self._health = health
        self._take = take
        self._wanted: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self, accounts: Sequence[str], seconds: float) -> None:
        """Looks at once, and then now and then: a lost callback is not noticed otherwise."""
        self._watching = asyncio.create_task(self._watch(accounts, seconds))

    async def stop(self) -> None:
        """Stops; what is not pulled yet is the next process's."""
        self._stopped = True
        tasks = [*self._tasks.values(), *([self._watching] if self._watching else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def told(self, account: str, token: str) -> None:
        """A callback: pulls soon; account and token are durable on return.

        Raises:
            UnavailableError: the store does not answer.
        """
        await self._state.put(_token(account), json.dumps([token, self._now()]))
        while True:
            kept = await self._state.get(ACCOUNTS)
            known: list[str] = json.loads(kept or "[]")
            if account in known or await self._state.swap(
                ACCOUNTS, kept, json.dumps([*known, account])
            ):
                break
        self._wake(account)

    async def again(self, accounts: Sequence[str]) -> None:
        """Pulls everything that the platform still has: three days.

        Raises:
            UnavailableError: the store does not answer.
        """
        for account in await self._known(accounts):
            await self._state.put(_cursor(account), "")
            self._wake(account)

    async def _known(self, accounts: Sequence[str]) -> list[str]:
        if accounts:
            return list(accounts)
        return list(json.loads(await self._state.get(ACCOUNTS) or "[]"))

    async def _watch(self, accounts: Sequence[str], seconds: float) -> None:
        while True:
            try:
                for account in await self._known(accounts):
                    self._wake(account)
            except UnavailableError as error:
                log.warning("accounts wait: %s", error, extra={"action": "store_down"})
            await asyncio.sleep(seconds)

    def _wake(self, account: str) -> None:
        self._wanted.add(account)
        task = self._tasks.get(account)
        if not self._stopped and (task is None or task.done()):
            self._tasks[account] = asyncio.create_task(self._work(account))

    async def _work(self, account: str) -> None:
        tries = 0
        while account in self._wanted:
            self._wanted.discard(account)
            wait = await self._try(account)
            if wait is None:
                tries = 0
                continue
            self._wanted.add(account)
            await asyncio.sleep(max(wait, PAUSES[min(tries, len(PAUSES) - 1)]))
            tries += 1

    async def _try(self, account: str) -> float | None:
        """Pulls once; seconds after which to try again, None when there is no need."""
        try:
            await self._leases.run(f"pull:{account}", partial(self._pull, account))
            await self._health.well()
        except PlatformError as error:
            await self._health.fail(error.words)
            return error.wait
        except (TransientDeliveryError, PermanentDeliveryError) as error:
            reason = error.reason
            await self._health.fail(Words(reason, reason, reason))
            return 0 if isinstance(error, TransientDeliveryError) else None
        except (SinkFullError, UnavailableError) as error:
            log.warning("messages wait: %s", error, extra={"action": "store_down"})
            return error.retry_after
        except Exception:  # the next look tries again; the others must go on
            log.exception("a pull failed", extra={"action": "pull_failed"})
        return None

    async def _pull(self, account: str) -> None:
        """Takes page after page; the cursor follows only when a page is durable."""
        token = await self._fresh_token(account)
        while True:
            cursor = await self._state.get(_cursor(account))
            answer = await self._ask(account, cursor or "", token)
            page = parse_page(answer)
            await self._take(account, page.items)
            if page.cursor and page.cursor != cursor:
                if not await self._state.swap(_cursor(account), cursor, page.cursor):
                    continue  # somebody asked for all of it again
            elif page.more:
                raise TransientDeliveryError("WeCom says there is more, but not where")
            if not page.more:
                return

    async def _ask(self, account: str, cursor: str, token: str) -> dict[str, Any]:
        payload = {"open_kfid": account, "limit": PAGE, "voice_format": 0}
        where = {name: value for name, value in (("cursor", cursor), ("token", token)) if value}
        try:
            return await self._api.call("kf/sync_msg", {**payload, **where}, limit=PAGE_LIMIT)
        except PlatformError as error:
            if error.code != WRONG_TOKEN or not token:
                raise
        where.pop("token")
        return await self._api.call("kf/sync_msg", {**payload, **where}, limit=PAGE_LIMIT)

    async def _fresh_token(self, account: str) -> str:
        kept = await self._state.get(_token(account))
        if kept is None:
            return ""
        token, at = json.loads(kept)
        return str(token) if self._now() - at < TOKEN_LIFE else ""


def _cursor(account: str) -> str:
    return f"cursor:{account}"


def _token(account: str) -> str:
    return f"token:{account}"
