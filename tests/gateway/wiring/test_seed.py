"""The first start plants once, whoever comes first."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from channels.registry import load_kind, parse_settings
from gateway.domain.people import Role
from gateway.ports.store import Store, UnitOfWork
from gateway.settings import Settings
from gateway.store import SqlStore, open_store
from gateway.store.keys import load_keys
from gateway.store.migrations import migrate
from gateway.wiring.ids import new_id
from gateway.wiring.seed import FirstStart, is_empty, plant
from gateway.wiring.storage import open_storage
from tests.gateway.services.desk import AGENT

FIRST = FirstStart(
    admin_email="Admin@Example.com", password_hash="hash", must_change=True, now=1, new_id=new_id
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = open_storage(Settings(data_dir=tmp_path)).store
    yield store
    await store.close()


def everything(uow: UnitOfWork) -> tuple[list[str], list[str], list[str], list[str]]:
    return (
        [agent.id for agent in uow.agents.all()],
        [team.id for team in uow.agents.teams()],
        [inbox.id for inbox in uow.inboxes.all()],
        [canned.id for canned in uow.canned.all(None)],
    )


async def test_the_first_start_plants_what_work_needs(store: SqlStore) -> None:
    assert await store.read(is_empty)
    assert await store.write(lambda uow: plant(uow, FIRST))
    assert not await store.read(is_empty)
    (admin,) = await store.read(lambda uow: uow.agents.all())
    teams = await store.read(lambda uow: uow.agents.teams())
    assert (admin.email, admin.role) == ("admin@example.com", Role.ADMINISTRATOR)
    assert admin.must_change_password
    assert set(admin.team_ids) == {team.id for team in teams}
    inboxes = await store.read(lambda uow: uow.inboxes.all())
    assert {inbox.id: inbox.kind for inbox in inboxes} == {"website": "webchat", "rest": "rest"}
    for inbox in inboxes:
        assert inbox.enabled
        assert inbox.team_id in {team.id for team in teams}
        parse_settings(load_kind(inbox.kind), {**inbox.settings, **inbox.secrets})


async def test_canned_responses_stand_in_all_three_languages(store: SqlStore) -> None:
    await store.write(lambda uow: plant(uow, FIRST))
    canned = await store.read(lambda uow: uow.canned.all(None))
    assert {item.language for item in canned} == {"zh-Hans", "zh-Hant", "en"}
    names = {name for item in canned for name in re.findall(r"{([^}]*)}", item.text)}
    # (No {contact.name}: most visitors of a website have not told one.)
    assert names == {"agent.name", "ticket.number"}


async def test_a_second_start_changes_nothing(store: SqlStore) -> None:
    await store.write(lambda uow: plant(uow, FIRST))
    before = await store.read(everything)
    again = replace(FIRST, admin_email="other@example.com")
    assert not await store.write(lambda uow: plant(uow, again))
    assert await store.read(everything) == before


async def test_an_agent_added_before_the_first_start_stays_the_only_one(store: SqlStore) -> None:
    boss = replace(AGENT, role=Role.ADMINISTRATOR)
    await store.write(lambda uow: uow.agents.add(boss, "hash"))
    assert not await store.write(lambda uow: plant(uow, FIRST)), "no administrator was made"
    agents, teams, inboxes, canned = await store.read(everything)
    assert agents == [boss.id]
    assert (len(teams), len(inboxes)) == (2, 2)
    assert canned
    assert not await store.read(is_empty)


async def race(stores: list[Store]) -> list[bool]:
    return await asyncio.gather(*(s.write(lambda uow: plant(uow, FIRST)) for s in stores))


async def test_two_processes_that_start_at_once_plant_once(store: SqlStore) -> None:
    assert sorted(await race([store, store])) == [False, True]


async def test_two_processes_on_postgresql_plant_once(postgres_url: str, tmp_path: Path) -> None:
    migrate(postgres_url)
    box = load_keys(tmp_path / "key").box
    stores = [open_store(postgres_url, secrets=box) for _ in range(3)]
    assert sorted(await race([*stores])) == [False, False, True]
    agents, teams, inboxes, _ = await stores[0].read(everything)
    assert (len(agents), len(teams), len(inboxes)) == (1, 2, 2)
    for each in stores:
        await each.close()
