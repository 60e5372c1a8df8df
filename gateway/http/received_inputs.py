"""What requests about what came may ask for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.domain.letters import Aside
from gateway.http.fields import PAGE_LIMIT, Id, Query
from gateway.http.inputs import Limit


class HeldQuery(Query):
    """Which held messages: of one inbox, for one reason."""

    inbox_id: Id | None = None
    reason: Aside | None = None
    limit: Limit = PAGE_LIMIT


class DiscardedQuery(Query):
    """Of which inbox, and how many."""

    inbox_id: Id | None = None
    limit: Limit = PAGE_LIMIT


class DiscardedName(Query):
    """Which one."""

    inbox_id: Id
    external_id: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class BalanceQuery(Query):
    """How many days, and how far their beginning lies before that of UTC's."""

    days: Annotated[int, Field(ge=1, le=92)] = 14
    offset_minutes: Annotated[int, Field(ge=-840, le=840)] = 0
