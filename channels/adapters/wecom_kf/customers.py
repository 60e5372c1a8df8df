"""Customers' names, asked for once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from channels.errors import PermanentDeliveryError, TransientDeliveryError
from channels.receiving import clean_text
from channels.wechat.api import PlatformApi
from channels.wechat.codes import PlatformError
from channels.wechat.payload import take

log = logging.getLogger(__name__)

AT_ONCE: Final = 100
MOST: Final = 10_000  # names that are remembered
REST: Final = 3_600_000  # ms after a refusal: the app may not be allowed to ask


class Customers:
    """The names of those who write."""

    def __init__(self, api: PlatformApi, now: Callable[[], int]) -> None:
        self._api = api
        self._now = now
        self._names: dict[str, str] = {}
        self._rest_until = 0

    def name(self, customer: str) -> str:
        """The name; "" while it is not known."""
        return self._names.get(customer, "")

    async def learn(self, customers: Iterable[str]) -> None:
        """Asks for the names that are not known; messages come in without them, too."""
        new = [one for one in dict.fromkeys(customers) if one and one not in self._names]
        if len(self._names) > MOST:
            self._names.clear()
        for start in range(0, len(new), AT_ONCE):
            if self._now() < self._rest_until:
                return
            asked = new[start : start + AT_ONCE]
            try:
                answer = await self._api.call(
                    "kf/customer/batchget", {"external_userid_list": asked}, limit=1_000_000
                )
            except (PlatformError, TransientDeliveryError, PermanentDeliveryError) as error:
                log.info("customers' names are not told: %s", error)
                self._rest_until = self._now() + REST
                return
            self._names.update(dict.fromkeys(asked, ""))
            listed = answer.get("customer_list")
            for one in listed if isinstance(listed, list) else ():
                if isinstance(one, dict) and (customer := take(one, "external_userid")) in asked:
                    self._names[customer] = clean_text(take(one, "nickname", limit=120))
