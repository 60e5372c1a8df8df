from dataclasses import replace

import pytest

from gateway.domain.errors import ConflictError, NotFoundError
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore
from tests.gateway.store import samples

LI = samples.contact(
    id="li",
    name="李四",
    email="li@qingchuan.example",
    phone="400-555-0199",
    company="晴川科技",
    language="zh-Hant",
    attributes={"vip": "yes", "城市": "杭州"},
    verified=True,
    created_at=2**52,
)


async def test_contacts_come_back_by_id_and_by_handle(talk: SqlStore) -> None:
    handles = [samples.handle("a", "li"), samples.handle("b", "li")]
    await talk.write(lambda unit: unit.contacts.add([LI], handles))
    assert await talk.read(lambda unit: unit.contacts.get("li")) == LI
    pairs = [("inbox", "a"), ("inbox", "visitor"), ("inbox", "c"), ("other", "a"), ("inbox", "a")]
    found = await talk.read(lambda unit: unit.contacts.by_handles(pairs))
    assert found == {("inbox", "a"): LI, ("inbox", "visitor"): samples.contact()}
    several = await talk.read(lambda unit: unit.contacts.by_ids(["li", "contact", "none", "li"]))
    assert several == {"li": LI, "contact": samples.contact()}
    assert await talk.read(lambda unit: unit.contacts.handles("li")) == handles
    with pytest.raises(NotFoundError):
        await talk.read(lambda unit: unit.contacts.get("none"))


async def test_update(talk: SqlStore) -> None:
    changed = replace(LI, id="contact")
    await talk.write(lambda unit: unit.contacts.update(changed))
    assert await talk.read(lambda unit: unit.contacts.get("contact")) == changed


async def test_an_address_belongs_to_one_contact(talk: SqlStore) -> None:
    with pytest.raises(ConflictError):
        await talk.write(lambda unit: unit.contacts.add([LI], [samples.handle("visitor", "li")]))
    with pytest.raises(NotFoundError):
        await talk.read(lambda unit: unit.contacts.get("li"))


async def test_a_contacts_conversations_newest_first(talk: SqlStore) -> None:
    made = [samples.conversation(id=f"c{n}", last_message_at=10 + n // 2) for n in range(5)]

    def add(unit: UnitOfWork) -> None:
        unit.contacts.add([LI], [])
        unit.conversations.add([*made, samples.conversation(id="theirs", contact_id="li")])

    await talk.write(add)
    found = await talk.read(lambda unit: unit.contacts.conversations("contact", 4))
    assert [item.id for item in found] == ["c4", "c3", "c2", "c1"]
