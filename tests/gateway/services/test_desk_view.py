"""The desks' picture: hours, people who are there, queues; followed as they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.contract import Desk as DeskSeen
from gateway.bus.hub import LocalHub
from gateway.domain.hours import MIDNIGHT, OpeningHours, Range
from gateway.domain.people import Availability, Team
from gateway.services import conversations, desk_view, people
from gateway.services.desk_view import ANSWERED_WITHIN, DeskView, desks
from gateway.services.presence import Presence
from gateway.services.publishing import Publisher
from gateway.wiring.ids import clock, new_id
from tests.gateway.services.desk import Desk
from tests.gateway.services.staff import ADA, ANN, BOB, CAI, waiting

ALWAYS = OpeningHours(week=((Range(0, MIDNIGHT),),) * 7)
NEVER = OpeningHours(week=((),) * 7)
NOON = 1_795_752_000_000  # Friday 2026-11-27, 12:00 in Shanghai
EVENING = NOON + 7 * 3_600_000
MONDAY = NOON + 69 * 3_600_000


def test_each_team_has_its_people_queue_and_hours() -> None:
    teams = [Team(id="first", name="First"), Team(id="second", name="Second", hours=NEVER)]
    seen = desks(teams, [ANN, BOB, CAI], {"first": 3, None: 1}, now=NOON)
    due = promised(NOON)
    assert seen["first"] == DeskSeen(open=True, agents_online=2, waiting=3, due=due)
    assert seen["second"] == DeskSeen(open=False, agents_online=1), "nothing to promise"
    assert seen[None] == DeskSeen(open=True, agents_online=3, waiting=1, due=due), "everybody's"
    closed = desks(teams, [], {}, now=EVENING)
    assert closed["first"] == DeskSeen(open=False, opens_at=MONDAY, due=promised(MONDAY))
    assert closed[None] == closed["first"]
    assert desks([], [], {}, now=NOON) == {}


def promised(since: int) -> dict[str, int]:
    """Until when letters are answered, counted from a moment at which people work."""
    return {severity.value: since + 60_000 * n for severity, n in ANSWERED_WITHIN.items()}


@asynccontextmanager
async def viewed(desk: Desk, hub: LocalHub) -> AsyncIterator[DeskView]:
    view = DeskView(desk.store, hub, clock)
    running = asyncio.create_task(view.run())
    yield view
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
def hub(staffed: Desk, monkeypatch: pytest.MonkeyPatch) -> LocalHub:
    monkeypatch.setattr(desk_view, "COLLECT_SECONDS", 0.01)
    monkeypatch.setattr(desk_view, "REFRESH_SECONDS", 60.0)  # what is seen, was told
    hub = LocalHub()
    staffed.store.listen(Publisher(hub).publish)
    return hub


async def plan(desk: Desk, hours: OpeningHours) -> None:
    change = {"hours": hours}
    await desk.store.write(lambda uow: people.change_team(uow, ADA, "first", change, now=clock()))


async def test_a_queue_a_presence_and_a_plan_are_followed(staffed: Desk, hub: LocalHub) -> None:
    elsewhere = Presence(hub, clock)  # another process's consoles
    elsewhere.start()
    async with viewed(staffed, hub) as view:
        await until(lambda: view.of("first") is not None)

        def first() -> DeskSeen:
            found = view.of("first")
            assert found is not None
            return found

        assert (first().agents_online, first().waiting) == (0, 0)
        at = await waiting(staffed)
        await until(lambda: first().waiting == 1)
        elsewhere.show("s1", ANN, None)
        elsewhere.show("s2", replace(BOB, availability=Availability.AWAY), None)
        await until(lambda: first().agents_online == 1)
        await staffed.store.write(
            lambda uow: conversations.claim(uow, ANN, at, now=clock(), new_id=new_id)
        )
        await until(lambda: first().waiting == 0)
        await plan(staffed, NEVER)
        await until(lambda: not first().open)
        await plan(staffed, ALWAYS)
        await until(lambda: first().open)
        elsewhere.leave("s1")
        await until(lambda: first().agents_online == 0)
    await elsewhere.stop()


async def test_nothing_is_promised_before_the_first_look(staffed: Desk, hub: LocalHub) -> None:
    view = DeskView(staffed.store, hub, clock)
    assert view.of("first") is None
    assert view.of(None) is None
    await view.refresh()
    assert view.of("first") is not None
    assert view.of("unknown") is None
