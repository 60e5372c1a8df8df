"""Agents and teams: who works here, with which role and in which teams (H2.4, H2.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.domain.errors import ConflictError, InvalidInputError, NotFoundError
from gateway.domain.events import TeamsChanged
from gateway.domain.hours import tell_hours
from gateway.domain.people import Agent, Availability, Right, Role, Team
from gateway.ports.clock import NewId
from gateway.ports.conversations import ConversationFilter, ListView, Scope
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.auditing import note
from gateway.services.conversations import release

_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """Somebody who is to work here; `email` in lower case."""

    email: str
    name: str
    role: Role
    language: str
    team_ids: tuple[str, ...]


def add_agent(
    uow: UnitOfWork, actor: Agent, new: NewAgent, password_hash: str, *, now: int, new_id: NewId
) -> Agent:
    """Adds an agent, who must choose a password at the first sign-in.

    Raises:
        NotAllowedError: the role does not permit it.
        ConflictError: the e-mail address is taken.
        InvalidInputError: no such team.
    """
    require(actor, Right.CONFIGURE)
    if uow.agents.by_email(new.email) is not None:
        raise ConflictError(
            "Somebody with this e-mail address already works here.", field="/email"
        )
    _check_teams(uow, new.team_ids)
    agent = Agent(
        id=new_id(),
        email=new.email,
        name=new.name,
        role=new.role,
        active=True,
        language=new.language,
        availability=Availability.ONLINE,
        must_change_password=True,
        created_at=now,
        team_ids=new.team_ids,
    )
    uow.agents.add(agent, password_hash)
    _note_agent(uow, actor, "agent.added", None, agent, now=now)
    return agent


def change_agent(
    uow: UnitOfWork,
    actor: Agent,
    agent_id: str,
    changes: Mapping[str, Any],
    *,
    now: int,
    new_id: NewId,
) -> Agent:
    """Changes an agent's `name`, `role`, `active`, `language` or `team_ids`.

    Deactivating signs them out and puts their conversations back into the queues.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: no such agent.
        ConflictError: nobody would be left to administer.
        InvalidInputError: no such team.
    """
    require(actor, Right.CONFIGURE)
    administrators = uow.agents.lock_administrators()  # first, so that what is read stays true
    before = uow.agents.get(agent_id)
    after: Agent = replace(before, **changes)
    if after == before:
        return before
    _check_teams(uow, after.team_ids)
    _check_administrators_remain(administrators, after)
    uow.agents.update(after)
    if before.active and not after.active:
        uow.agents.remove_sessions(agent_id)
        _release_all(uow, actor, after, now=now, new_id=new_id)
    _note_agent(uow, actor, "agent.changed", before, after, now=now)
    return after


def reset_password(
    uow: UnitOfWork, actor: Agent, agent_id: str, password_hash: str, *, now: int
) -> Agent:
    """Gives an agent a one-time password and signs them out everywhere.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: no such agent.
    """
    require(actor, Right.CONFIGURE)
    agent = uow.agents.get(agent_id)
    uow.agents.set_password(agent_id, password_hash, must_change=True)
    uow.agents.remove_sessions(agent_id)
    note(uow, actor.id, "agent.password_reset", ("agent", agent_id), now=now)
    return agent


def change_self(uow: UnitOfWork, actor: Agent, changes: Mapping[str, Any], *, now: int) -> Agent:
    """Changes one's own `name`, `language` or `availability`."""
    before = uow.agents.get(actor.id, lock=True)
    after: Agent = replace(before, **changes)
    if after != before:
        uow.agents.update(after)
        _note_agent(uow, actor, "agent.changed", before, after, now=now)
    return after


def add_team(uow: UnitOfWork, actor: Agent, name: str, *, now: int, new_id: NewId) -> Team:
    """Adds a team.

    Raises:
        NotAllowedError: the role does not permit it.
        ConflictError: there is one of that name.
    """
    require(actor, Right.CONFIGURE)
    _check_team_name(uow, name, None)
    team = Team(id=new_id(), name=name)
    uow.agents.add_team(team)
    note(uow, actor.id, "team.added", ("team", team.id), after={"name": name}, now=now)
    uow.emit(TeamsChanged())
    return team


def change_team(
    uow: UnitOfWork, actor: Agent, team_id: str, changes: Mapping[str, Any], *, now: int
) -> Team:
    """Changes a team's `name` or `hours`.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: no such team.
        ConflictError: there is another one of that name.
    """
    require(actor, Right.CONFIGURE)
    before = next((team for team in uow.agents.teams() if team.id == team_id), None)
    if before is None:
        raise NotFoundError("There is no such team.")
    after: Team = replace(before, **changes)
    if after == before:
        return before
    _check_team_name(uow, after.name, team_id)
    uow.agents.update_team(after)
    was, is_now = _shown_team(before), _shown_team(after)
    changed = [name for name in is_now if was[name] != is_now[name]]
    note(
        uow,
        actor.id,
        "team.changed",
        ("team", team_id),
        before={name: was[name] for name in changed},
        after={name: is_now[name] for name in changed},
        now=now,
    )
    uow.emit(TeamsChanged())
    return after


def _shown_team(team: Team) -> dict[str, Any]:
    """What the audit keeps."""
    return {"name": team.name, "hours": tell_hours(team.hours)}


def _check_teams(uow: UnitOfWork, team_ids: Sequence[str]) -> None:
    known = {team.id for team in uow.agents.teams()}
    for index, team_id in enumerate(team_ids):
        if team_id not in known:
            raise InvalidInputError("There is no such team.", field=f"/team_ids/{index}")


def _check_team_name(uow: UnitOfWork, name: str, own_id: str | None) -> None:
    for team in uow.agents.teams():
        if team.name.casefold() == name.casefold() and team.id != own_id:
            raise ConflictError("There is a team of that name already.", field="/name")


def _check_administrators_remain(administrators: Sequence[str], after: Agent) -> None:
    if after.active and after.role is Role.ADMINISTRATOR:
        return
    if not set(administrators) - {after.id}:
        raise ConflictError(
            "This is the last administrator; make somebody else one first.", field="/role"
        )


def _release_all(uow: UnitOfWork, actor: Agent, agent: Agent, *, now: int, new_id: NewId) -> None:
    """Everything that the agent holds goes back to the queues.

    What is solved does so in silence, for when its customer writes again; it comes first, as
    what is reopened meanwhile is then among the unfinished.
    """
    uow.conversations.release_solved(agent.id)
    held = ConversationFilter(
        scope=Scope(agent_id=agent.id, everything=False, team_ids=()),
        view=ListView.MINE,
        limit=_BATCH,
    )
    while rows := uow.conversations.page(held):
        for row in rows:
            release(uow, actor, row.conversation.id, now=now, new_id=new_id)


_AUDITED = ("email", "name", "role", "active", "language", "availability", "team_ids")


def _note_agent(
    uow: UnitOfWork, actor: Agent, action: str, before: Agent | None, after: Agent, *, now: int
) -> None:
    changed = [
        name
        for name in _AUDITED
        if before is None or getattr(before, name) != getattr(after, name)
    ]
    note(
        uow,
        actor.id,
        action,
        ("agent", after.id),
        before={name: _plain(getattr(before, name)) for name in changed} if before else None,
        after={name: _plain(getattr(after, name)) for name in changed},
        now=now,
    )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
