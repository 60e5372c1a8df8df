"""How each team's desk stands, kept at hand for the bot's turns (H1.3, H1.4).

A turn must not read the database, so this picture is made beforehand: at each change of a queue,
a team or somebody's presence, and every few seconds, as people come and go with the clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Final

from bot.contract import Desk
from gateway.domain.people import Agent, Availability, Team
from gateway.domain.ticket import Severity
from gateway.ports.bus import Hub, HubClosedError
from gateway.ports.clock import Clock
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.presence import Presence, PresenceListener
from gateway.services.publishing import DESK

log = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 5.0
COLLECT_SECONDS: Final = 0.25
"""Changes within this time are looked at together."""

ANSWERED_WITHIN: Final[Mapping[Severity, int]] = {
    Severity.GENERAL: 120,
    Severity.IMPORTANT: 120,
    Severity.URGENT: 30,
    Severity.CRITICAL: 30,
}
"""Minutes of working time until a letter is answered: what a how-to takes (H3.1), and the first
answer's target for what is pressing (H3.2)."""

Read = tuple[list[Team], list[Agent], dict[str | None, int]]


class DeskView:
    """One process's picture of the desks."""

    def __init__(self, store: Store, hub: Hub, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._presence = Presence(hub, clock)
        self._desks: Mapping[str | None, Desk] = {}
        self._changed = asyncio.Event()

    def of(self, team_id: str | None) -> Desk | None:
        """The desk of a team; of all together for an inbox without one; None: not known yet."""
        return self._desks.get(team_id)

    async def run(self) -> None:
        """Keeps the picture until cancelled, or until the hub closes."""
        self._presence.start(self._listener())
        follower = asyncio.create_task(self._follow())
        try:
            while not follower.done():
                await self.refresh()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REFRESH_SECONDS):
                        await self._changed.wait()
                await asyncio.sleep(COLLECT_SECONDS)
                self._changed.clear()
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
            await self._presence.stop()

    async def refresh(self) -> None:
        """Looks anew; what was seen before stays while the database does not answer."""
        try:
            teams, agents, waiting = await self._store.read(_read)
        except StoreUnavailableError as error:
            log.warning("the desks stay as they were: %s", error)
            return
        present = self._presence.present()
        online = [
            agent
            for agent in agents
            if agent.active and present.get(agent.id) == Availability.ONLINE.value
        ]
        self._desks = desks(teams, online, waiting, now=self._clock())

    def _listener(self) -> PresenceListener:
        return PresenceListener(
            agent=lambda *_: self._changed.set(),
            viewers=lambda _: None,
            session_ended=lambda _: None,
            agent_changed=lambda _: self._changed.set(),
        )

    async def _follow(self) -> None:
        subscription = self._hub.subscribe(DESK)
        try:
            while True:
                await subscription.get()
                self._changed.set()
        except HubClosedError:
            return
        finally:
            subscription.close()


def _read(uow: UnitOfWork) -> Read:
    return uow.agents.teams(), uow.agents.all(), uow.conversations.waiting()


def desks(
    teams: list[Team], online: list[Agent], waiting: Mapping[str | None, int], *, now: int
) -> dict[str | None, Desk]:
    """Each team's desk by its id; under None that of conversations without a team.

    Those are everybody's: somebody is there for them as soon as one team is.

    Args:
        teams: all teams.
        online: agents whose console is open and who take conversations.
        waiting: customers in each team's queue.
        now: ms since the epoch.
    """
    found: dict[str | None, Desk] = {}
    for team in teams:
        members = sum(team.id in agent.team_ids for agent in online)
        found[team.id] = _desk(team, now, members, waiting.get(team.id, 0))
    if teams:
        open_now = any(desk.open for desk in found.values())
        times = [desk.opens_at for desk in found.values() if desk.opens_at is not None]
        found[None] = Desk(
            open=open_now,
            agents_online=len(online),
            waiting=waiting.get(None, 0),
            opens_at=None if open_now else min(times, default=None),
            due={
                severity: min(
                    desk.due[severity] for desk in found.values() if severity in desk.due
                )
                for severity in {name for desk in found.values() for name in desk.due}
            },
        )
    return found


def _desk(team: Team, now: int, online: int, waiting: int) -> Desk:
    opens_at = team.hours.opens_at(now)
    is_open = opens_at == now
    due = {
        severity.value: moment
        for severity, minutes in ANSWERED_WITHIN.items()
        if (moment := team.hours.after(now, minutes)) is not None
    }
    return Desk(
        due=due,
        open=is_open,
        agents_online=online,
        waiting=waiting,
        opens_at=None if is_open else opens_at,
    )
