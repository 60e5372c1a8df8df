"""`yingda user add|reset|list`: agents, without a browser."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher

from gateway.domain.errors import GatewayError, InvalidInputError, NotFoundError
from gateway.domain.people import Agent, Availability, Role
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.services.auditing import note
from gateway.services.signing_in import one_time_password
from gateway.settings import Settings
from gateway.wiring.data_dir import StartError, require_data_dir
from gateway.wiring.ids import clock, new_id
from gateway.wiring.storage import open_storage

T = TypeVar("T")


def add(arguments: argparse.Namespace, settings: Settings) -> int:
    """Adds an agent."""
    password = one_time_password()
    work = partial(_add, arguments=arguments, password_hash=PasswordHasher().hash(password))
    return _write_and_tell(settings, work, arguments, password)


def reset(arguments: argparse.Namespace, settings: Settings) -> int:
    """Gives an agent a new password and signs them out everywhere."""
    password = one_time_password()
    work = partial(_reset, email=arguments.email, password_hash=PasswordHasher().hash(password))
    return _write_and_tell(settings, work, arguments, password)


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Lists the agents."""
    agents = _run(settings, lambda uow: uow.agents.all(), writes=False)
    if agents is None:
        return 1
    if arguments.json:
        rows = [{"email": a.email, "name": a.name, "role": a.role.value} for a in agents]
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    for agent in agents:
        state = "" if agent.active else " (inactive)"
        print(f"{agent.email}\t{agent.role.value}\t{agent.name}{state}")
    return 0


def _write_and_tell(
    settings: Settings,
    work: Callable[[UnitOfWork], Agent],
    arguments: argparse.Namespace,
    password: str,
) -> int:
    agent = _run(settings, work, writes=True)
    if agent is None:
        return 1
    if arguments.json:
        print(json.dumps({"email": agent.email, "one_time_password": password}))
    else:
        print(f"{agent.email}: one-time password {password} (to be changed at sign-in)")
    return 0


def _run(settings: Settings, work: Callable[[UnitOfWork], T], *, writes: bool) -> T | None:
    async def go() -> T:
        if not writes:
            require_data_dir(settings.data_dir)
        store = open_storage(settings).store
        try:
            return await (store.write(work) if writes else store.read(work))
        finally:
            await store.close()

    try:
        return asyncio.run(go())
    except GatewayError as error:
        print(f"yingda: {error.detail}", file=sys.stderr)
    except (StoreUnavailableError, StartError) as error:
        print(f"yingda: {error}", file=sys.stderr)
    return None


def _add(uow: UnitOfWork, arguments: argparse.Namespace, password_hash: str) -> Agent:
    email = arguments.email.strip().lower()
    if "@" not in email:
        raise InvalidInputError(f"{email} is no e-mail address.", field="/email")
    if uow.agents.by_email(email) is not None:
        raise InvalidInputError(f"{email} is an agent already; use `yingda user reset`.")
    teams = {team.name: team.id for team in uow.agents.teams()}
    for name in arguments.team:
        if name not in teams:
            known = ", ".join(sorted(teams)) or "none yet, the first `yingda serve` makes some"
            raise NotFoundError(f"There is no team {name!r}. There are: {known}.")
    agent = Agent(
        id=new_id(),
        email=email,
        name=arguments.name,
        role=Role(arguments.role),
        active=True,
        language="",
        availability=Availability.ONLINE,
        must_change_password=True,
        created_at=clock(),
        team_ids=tuple(teams[name] for name in arguments.team),
    )
    uow.agents.add(agent, password_hash)
    after = {"email": email, "role": arguments.role}
    note(uow, None, "agent.added", ("agent", agent.id), now=clock(), after=after)
    return agent


def _reset(uow: UnitOfWork, email: str, password_hash: str) -> Agent:
    found = uow.agents.by_email(email.strip().lower())
    if found is None:
        raise NotFoundError(f"There is no agent {email}. `yingda user list` names them.")
    agent = found[0]
    uow.agents.update(replace(agent, active=True))
    uow.agents.set_password(agent.id, password_hash, must_change=True)
    uow.agents.remove_sessions(agent.id)
    note(uow, None, "agent.password_reset", ("agent", agent.id), now=clock())
    return agent
