"""Agents, inboxes, canned responses and the audit."""

import asyncio
import sqlite3
import time
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from gateway.domain.errors import ConflictError, NotFoundError
from gateway.domain.people import Agent, Availability, Role, Team
from gateway.domain.records import AuditEntry, CannedResponse, SignInSession
from gateway.ports.store import UnitOfWork
from gateway.services import people
from gateway.store import SqlStore, open_store
from gateway.store.keys import AesSecretBox
from tests.gateway.store import samples


async def agents(store: SqlStore) -> list[Agent]:
    return await store.read(lambda unit: unit.agents.all())


async def test_agents_and_their_teams(desk: SqlStore) -> None:
    li = samples.agent("li", "sales")
    assert await agents(desk) == [li, samples.agent("wang", "care")]
    assert await desk.read(lambda unit: unit.agents.by_email(li.email)) == (li, "hash-li")
    assert await desk.read(lambda unit: unit.agents.by_email("nobody@x")) is None
    changed = replace(
        li,
        email="new@qingchuan.example",
        name="Z",
        role=Role.LEADER,
        active=False,
        language="zh-Hant",
        availability=Availability.AWAY,
        must_change_password=True,
        team_ids=("care", "sales"),
    )
    await desk.write(lambda unit: unit.agents.update(changed))
    assert await desk.read(lambda unit: unit.agents.get("li")) == changed
    assert (await agents(desk))[1] == changed
    await desk.write(lambda unit: unit.agents.update(replace(changed, team_ids=())))
    assert (await desk.read(lambda unit: unit.agents.get("li"))).team_ids == ()
    with pytest.raises(NotFoundError):
        await desk.read(lambda unit: unit.agents.get("nobody"))
    with pytest.raises(NotFoundError):
        await desk.read(lambda unit: unit.agents.password("nobody"))


async def test_passwords(desk: SqlStore) -> None:
    def change(unit: UnitOfWork) -> None:
        unit.agents.set_password("li", "new", must_change=True)

    await desk.write(change)
    assert await desk.read(lambda unit: unit.agents.password("li")) == "new"
    assert await desk.read(lambda unit: unit.agents.password("wang")) == "hash-wang"
    li, wang = await agents(desk)
    assert (li.must_change_password, wang.must_change_password) == (True, False)


async def test_addresses_and_team_names_come_once(desk: SqlStore) -> None:
    with pytest.raises(ConflictError):
        await desk.write(
            lambda unit: unit.agents.add(samples.agent("x", email="li@qingchuan.example"), "")
        )
    with pytest.raises(ConflictError):
        await desk.write(lambda unit: unit.agents.add_team(Team(id="x", name="Care")))
    with pytest.raises(ConflictError):
        await desk.write(lambda unit: unit.agents.add(samples.agent("x", "no-team"), ""))
    await desk.write(lambda unit: unit.agents.update_team(Team(id="sales", name="Alpha")))
    assert await desk.read(lambda unit: unit.agents.teams()) == [
        Team(id="sales", name="Alpha"),
        Team(id="care", name="Care"),
    ]


def signed_in(token: str, agent_id: str, expires_at: int) -> SignInSession:
    return SignInSession(
        token_hash=token,
        agent_id=agent_id,
        csrf="c",
        created_at=1,
        seen_at=2,
        expires_at=expires_at,
        address="127.0.0.1",
        browser="Firefox",
    )


async def test_sign_in_sessions(desk: SqlStore) -> None:
    made = [signed_in("a", "li", 10), signed_in("b", "li", 20), signed_in("c", "wang", 30)]

    def add(unit: UnitOfWork) -> None:
        for item in made:
            unit.agents.add_session(item)
        unit.agents.touch_session("b", seen_at=5, expires_at=50)

    async def tokens() -> list[str]:
        return [t for t in "abc" if await desk.read(lambda unit, t=t: unit.agents.session(t))]  # type: ignore[misc]

    await desk.write(add)
    found = await desk.read(lambda unit: unit.agents.session("b"))
    assert found == (replace(made[1], seen_at=5, expires_at=50), samples.agent("li", "sales"))
    assert await desk.read(lambda unit: unit.agents.session("none")) is None
    assert await desk.write(lambda unit: unit.agents.remove_expired_sessions(10)) == 1
    assert await tokens() == ["b", "c"]
    await desk.write(lambda unit: unit.agents.add_session(made[0]))
    await desk.write(lambda unit: unit.agents.remove_sessions("li", keep="a"))
    assert await tokens() == ["a", "c"]
    await desk.write(lambda unit: unit.agents.remove_sessions("li"))
    await desk.write(lambda unit: unit.agents.remove_session("c"))
    assert await tokens() == []


async def test_inboxes_oldest_first(store: SqlStore) -> None:
    first = samples.inbox(secrets={"token": "hunter2"}, created_at=2)
    second = samples.inbox(
        id="older", kind="a-kind-of-tomorrow", settings={}, bot=False, created_at=1
    )

    def add(unit: UnitOfWork) -> None:
        unit.inboxes.add(first)
        unit.inboxes.add(second)

    await store.write(add)
    assert await store.read(lambda unit: unit.inboxes.all()) == [second, first]
    await store.write(lambda unit: unit.agents.add_team(Team(id="care", name="Care")))
    changed = samples.inbox(
        kind="email",
        name="邮箱",
        settings={"host": "h", "port": 993, "names": ["a"]},
        secrets={"password": "p", "token": "t"},
        language="en",
        team_id="care",
        bot=False,
        enabled=False,
        created_at=2,
    )
    await store.write(lambda unit: unit.inboxes.update(changed))
    assert await store.read(lambda unit: unit.inboxes.get("inbox")) == changed
    with pytest.raises(NotFoundError):
        await store.read(lambda unit: unit.inboxes.get("none"))


async def test_secrets_lie_encrypted(sqlite_url: str, box: AesSecretBox) -> None:
    store = open_store(sqlite_url, secrets=box)
    await store.write(
        lambda unit: unit.inboxes.add(samples.inbox(secrets={"passphrase": "hunter2"}))
    )
    await store.close()
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        dump = "\n".join(connection.iterdump())
    assert "teal" in dump
    assert "hunter2" not in dump
    assert "passphrase" not in dump
    other = open_store(sqlite_url, secrets=AesSecretBox(b"o" * 32))
    with pytest.raises(ValueError, match="key file"):
        await other.read(lambda unit: unit.inboxes.all())
    await other.close()


def canned(name: str, **changes: Any) -> CannedResponse:
    made = CannedResponse(
        id=name,
        shortcut=name,
        title="t",
        text="{contact}你好",
        language="zh-Hans",
        team_id=None,
        updated_at=1,
    )
    return replace(made, **changes)


async def test_canned_responses(desk: SqlStore) -> None:
    everyones, sales = canned("b"), canned("a", team_id="sales")
    care = canned("c", shortcut="a", team_id="care")

    def save(unit: UnitOfWork) -> None:
        for item in (everyones, sales, care):
            unit.canned.save(item)

    await desk.write(save)
    assert await desk.read(lambda unit: unit.canned.all(None)) == [sales, care, everyones]
    assert await desk.read(lambda unit: unit.canned.all(["sales"])) == [sales, everyones]
    assert await desk.read(lambda unit: unit.canned.all([])) == [everyones]
    changed = replace(everyones, shortcut="d", title="x", text="y", language="en", team_id="care")
    await desk.write(lambda unit: unit.canned.save(changed))
    assert await desk.read(lambda unit: unit.canned.get("b")) == changed
    await desk.write(lambda unit: unit.canned.remove("b"))
    with pytest.raises(NotFoundError):
        await desk.read(lambda unit: unit.canned.get("b"))


@pytest.mark.parametrize("team_id", [None, "sales"])
async def test_a_shortcut_is_taken_once_in_a_language(desk: SqlStore, team_id: str | None) -> None:
    await desk.write(lambda unit: unit.canned.save(canned("a", team_id=team_id)))
    again = canned("b", shortcut="a", team_id=team_id)
    with pytest.raises(ConflictError, match="shortcut a is taken") as taken:
        await desk.write(lambda unit: unit.canned.save(again))
    assert taken.value.field == "/shortcut"
    await desk.write(lambda unit: unit.canned.save(replace(again, language="en")))
    await desk.write(lambda unit: unit.canned.save(canned("a", team_id=team_id, title="new")))


async def test_the_audit_by_pages(store: SqlStore) -> None:
    made = [
        AuditEntry(
            at=n,
            actor_id="li",
            action="agent.update",
            object_type="agent",
            object_id="wang",
            before={"name": "a"},
            after={"name": "王", "n": n},
        )
        for n in range(5)
    ]

    def add(unit: UnitOfWork) -> None:
        for entry in made:
            unit.audit.add(entry)

    await store.write(add)
    first = await store.read(lambda unit: unit.audit.page(before=None, limit=3))
    assert [entry for _, entry in first] == made[:1:-1]
    rest = await store.read(lambda unit: unit.audit.page(before=first[-1][0], limit=3))
    assert [entry for _, entry in rest] == made[1::-1]


async def test_two_administrators_cannot_demote_each_other_at_once(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    here, there = (open_store(migrated_postgres_url, secrets=box) for _ in range(2))
    chiefs = [samples.agent(name, role=Role.ADMINISTRATOR) for name in ("ada", "lee")]
    both_look = Event()

    def plant(unit: UnitOfWork) -> None:
        for chief in chiefs:
            unit.agents.add(chief, "hash")

    def demote(unit: UnitOfWork, actor: Agent, other: Agent) -> None:
        people.change_agent(
            unit, actor, other.id, {"role": Role.AGENT}, now=1, new_id=samples.new_id
        )

    def slowly(unit: UnitOfWork) -> None:
        demote(unit, chiefs[0], chiefs[1])
        both_look.wait(5)
        time.sleep(0.3)

    def meanwhile(unit: UnitOfWork) -> None:
        both_look.set()
        demote(unit, chiefs[1], chiefs[0])

    try:
        await here.write(plant)
        first = asyncio.create_task(here.write(slowly))
        await asyncio.sleep(0.1)
        with pytest.raises(ConflictError, match="last administrator"):
            await there.write(meanwhile)
        await first
        roles = {agent.id: agent.role for agent in await agents(here)}
    finally:
        await here.close()
        await there.close()
    assert roles == {"ada": Role.ADMINISTRATOR, "lee": Role.AGENT}
