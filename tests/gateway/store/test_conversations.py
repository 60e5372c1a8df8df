from dataclasses import replace

import pytest

from gateway.domain.conversation import Controller, ConversationStatus
from gateway.domain.errors import NotFoundError
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore
from tests.gateway.store import samples


async def test_every_field_comes_back(desk: SqlStore) -> None:
    full = samples.conversation(
        id="full",
        thread="t",
        controller=Controller.AGENT,
        status=ConversationStatus.PENDING,
        agent_id="li",
        team_id="sales",
        ticket_id="ticket-1",
        subject="发票",
        last_seq=7,
        last_message_at=2**52,
        preview="…",
        unread=3,
        waiting_since=5,
        bot_state={"offered": ["a"], "turns": 2, "名": None},
        version=9,
        turned_seq=6,
    )
    await desk.write(lambda unit: unit.conversations.add([full]))
    assert await desk.read(lambda unit: unit.conversations.get("full")) == full


async def test_update_writes_how_it_stands(desk: SqlStore) -> None:
    changed = samples.conversation(
        controller=Controller.QUEUE,
        status=ConversationStatus.SOLVED,
        agent_id="wang",
        team_id="care",
        ticket_id="t",
        language="en",
        subject="s",
        last_seq=2,
        last_message_at=3,
        preview="p",
        unread=4,
        waiting_since=5,
        bot_state={"a": 1},
        version=6,
        turned_seq=7,
    )
    await desk.write(lambda unit: unit.conversations.update([changed]))
    assert await desk.read(lambda unit: unit.conversations.get("conversation")) == changed
    emptied = replace(changed, agent_id=None, waiting_since=None, bot_state={}, ticket_id=None)
    await desk.write(lambda unit: unit.conversations.update([emptied]))
    assert await desk.read(lambda unit: unit.conversations.get("conversation")) == emptied


@pytest.mark.parametrize("lock", [False, True])
async def test_several_by_id_and_by_key(talk: SqlStore, lock: bool) -> None:
    made = {name: samples.conversation(id=name) for name in ("b", "a", "c")}
    await talk.write(lambda unit: unit.conversations.add(list(made.values())))
    ids = ["c", "missing", "a", "a"]
    found = await talk.write(lambda unit: unit.conversations.by_ids(ids, lock=lock))
    assert found == {"a": made["a"], "c": made["c"]}
    keys = [made[name].key if name in made else name for name in ids]
    found = await talk.write(lambda unit: unit.conversations.by_keys(keys, lock=lock))
    assert found == {made["a"].key: made["a"], made["c"].key: made["c"]}
    assert await talk.write(lambda unit: unit.conversations.by_keys([], lock=lock)) == {}
    one = await talk.write(lambda unit: unit.conversations.get("b", lock=lock))
    assert one == made["b"]


async def test_none_there(talk: SqlStore) -> None:
    with pytest.raises(NotFoundError):
        await talk.read(lambda unit: unit.conversations.get("missing"))
    with pytest.raises(NotFoundError):
        await talk.read(lambda unit: unit.conversations.row("missing"))
    assert await talk.read(lambda unit: unit.conversations.rows(["missing"])) == {}


async def test_a_row_has_the_names_that_the_list_shows(desk: SqlStore) -> None:
    plain = await desk.read(lambda unit: unit.conversations.row("conversation"))
    assert (plain.inbox_name, plain.inbox_kind, plain.contact_name) == ("Web", "webchat", "")
    assert (plain.agent_name, plain.team_name, plain.ticket_number) == ("", "", None)
    changed = samples.conversation(
        controller=Controller.AGENT, agent_id="li", team_id="sales", ticket_id="ticket-10001"
    )

    def change(unit: UnitOfWork) -> None:
        unit.tickets.add(samples.ticket(10001))
        unit.conversations.update([changed])
        unit.contacts.update(samples.contact(name="张三"))

    await desk.write(change)
    rows = await desk.read(lambda unit: unit.conversations.rows(["conversation", "conversation"]))
    row = rows["conversation"]
    assert row.conversation == changed
    assert (row.contact_name, row.agent_name, row.team_name) == ("张三", "Li", "Sales")
    assert (row.ticket_number, row.severity) == (10001, "general")
    assert (row.ticket_state, row.ticket_kind) == ("new", "consultation")
