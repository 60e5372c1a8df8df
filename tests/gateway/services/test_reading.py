"""What agents see: their scope, and nothing at all without the right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.domain.errors import NotAllowedError, NotFoundError
from gateway.domain.people import Agent
from gateway.ports.conversations import ListView
from gateway.ports.store import UnitOfWork
from gateway.services import reading
from gateway.services.reading import MessagePage
from tests.gateway.services.desk import Desk, inbound
from tests.gateway.services.staff import ADA, ANN, CAI, OFF, waiting

Look = Callable[[UnitOfWork, Agent], object]


@pytest.mark.parametrize(
    "look",
    [
        lambda uow, who: reading.list_conversations(uow, who, ListView.ALL, limit=9),
        reading.count_conversations,
        lambda uow, who: reading.search_conversations(uow, who, "person", 9),
        lambda uow, who: reading.list_messages(uow, who, "any", limit=9),
        lambda uow, who: reading.list_tickets(uow, who, state=None, before=None, limit=9),
    ],
    ids=["list", "counts", "search", "messages", "tickets"],
)
async def test_without_the_right_there_is_nothing_to_see(staffed: Desk, look: Look) -> None:
    await waiting(staffed)
    with pytest.raises(NotAllowedError):
        await staffed.store.read(lambda uow: look(uow, OFF))


@pytest.mark.parametrize(("actor", "seen"), [(ANN, 1), (CAI, 0), (ADA, 1)])
async def test_everything_keeps_to_the_scope(staffed: Desk, actor: Agent, seen: int) -> None:
    at = await waiting(staffed, team="first")
    await staffed.store.write(lambda uow: uow.messages.index_pending(100))

    def look(uow: UnitOfWork) -> list[int]:
        return [
            len(reading.list_conversations(uow, actor, ListView.UNASSIGNED, limit=9)),
            reading.count_conversations(uow, actor)[ListView.UNASSIGNED],
            len(reading.search_conversations(uow, actor, "person", 9)),
            len(reading.list_tickets(uow, actor, state=None, before=None, limit=9)),
        ]

    assert await staffed.store.read(look) == [seen] * 4
    (first, *_) = await staffed.store.read(lambda uow: uow.messages.page(at, limit=9))
    if seen:
        page = await staffed.store.read(lambda uow: reading.list_messages(uow, actor, at, limit=9))
        assert page.row.conversation.id == at
        trail = await staffed.store.read(lambda uow: reading.read_trail(uow, actor, first.id))
        assert trail
        return
    with pytest.raises(NotFoundError):
        await staffed.store.read(lambda uow: reading.list_messages(uow, actor, at, limit=9))
    with pytest.raises(NotFoundError):
        await staffed.store.read(lambda uow: reading.read_trail(uow, actor, first.id))


@pytest.mark.parametrize(
    ("after", "before", "seqs", "has_more"),
    [
        (None, None, [3, 4, 5], True),
        (0, None, [1, 2, 3], True),
        (2, None, [3, 4, 5], False),
        (None, 4, [1, 2, 3], False),
        (None, 5, [2, 3, 4], True),
    ],
)
async def test_a_page_of_messages_and_whether_there_are_more(
    staffed: Desk, after: int | None, before: int | None, seqs: list[int], has_more: bool
) -> None:
    at = ""
    for number in range(1, 6):
        at = (await staffed.accept(inbound(number, f"line {number}"))).conversation.id

    def look(uow: UnitOfWork) -> MessagePage:
        return reading.list_messages(uow, ADA, at, limit=3, after=after, before=before)

    page = await staffed.store.read(look)
    assert ([m.seq for m in page.messages], page.has_more) == (seqs, has_more)
