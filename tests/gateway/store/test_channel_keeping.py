"""What is kept for inboxes, on both databases."""

import asyncio
from dataclasses import replace
from functools import partial

from sqlalchemy import text

from channels.contract import Discard, MessageKind
from channels.keeping import Thread
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore, open_store
from gateway.store.engine import create
from tests.gateway.store.conftest import BOX
from tests.gateway.store.samples import message

ROOT = Thread(inbox_id="inbox", handle="wang@qingchuan.example", thread="root")


def put(unit: UnitOfWork, value: str) -> None:
    unit.channel_state.put("inbox", "token", value)


def drop(unit: UnitOfWork, discard: Discard) -> None:
    unit.discards.add(discard, now=5)


async def test_state_is_replaced_and_lies_encrypted(talk: SqlStore, url: str) -> None:
    for value in ("1", "刷新令牌"):
        await talk.write(partial(put, value=value))
    assert await talk.read(lambda unit: unit.channel_state.get("inbox", "token")) == "刷新令牌"
    assert await talk.read(lambda unit: unit.channel_state.get("inbox", "cursor")) is None
    engine = create(url, writer=False)
    with engine.connect() as connection:
        (stored,) = connection.execute(text("SELECT value FROM channel_state")).scalars()
    engine.dispose()
    assert "刷新令牌" not in stored


async def test_two_processes_swap_a_value(talk: SqlStore, url: str) -> None:
    """Of two that read the same value, one writes."""
    await talk.write(lambda unit: unit.channel_state.put("inbox", "cursor", "0"))
    stores = [talk, open_store(url, secrets=BOX)]

    def swap(unit: UnitOfWork) -> bool:
        if unit.channel_state.get("inbox", "cursor", lock=True) != "0":
            return False
        unit.channel_state.put("inbox", "cursor", "1")
        return True

    try:
        done = await asyncio.gather(*(store.write(swap) for store in stores * 5))
    finally:
        await stores[1].close()
    assert done.count(True) == 1


async def test_threads_stay_as_they_were_tied(talk: SqlStore) -> None:
    other = Thread(inbox_id="inbox", handle="li@qingchuan.example")
    await talk.write(lambda unit: unit.threads.add("inbox", ["a", "b", "a"], ROOT, now=1))
    await talk.write(lambda unit: unit.threads.add("inbox", ["b", "c"], other, now=2))
    found = await talk.read(lambda unit: unit.threads.find("inbox", ["x", "c", "b", "a"]))
    assert found == {"a": ROOT, "b": ROOT, "c": other}


async def test_a_discard_is_counted_once(talk: SqlStore, url: str) -> None:
    for reason in ("loop", "bounce"):
        discard = Discard(inbox_id="inbox", external_id="m-1", reason=reason, raw="ab")
        await talk.write(partial(drop, discard=discard))
    engine = create(url, writer=False)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT external_id, reason, raw, at FROM discards")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("m-1", "loop", "ab", 5)]


async def test_a_message_of_ours_is_found_by_the_platforms_id(talk: SqlStore) -> None:
    customer = message(1, "hi", kind=MessageKind.CUSTOMER, external_id="p-1")
    first = message(2, "hello", kind=MessageKind.BOT, external_id="p-1", created_at=5)
    again = message(3, "hello", kind=MessageKind.AGENT, external_id="p-1", created_at=6)
    await talk.write(lambda unit: unit.messages.add([customer, first, again]))
    found = await talk.read(lambda unit: unit.messages.sent_as("inbox", "p-1"))
    assert found is not None
    assert found.id == again.id
    assert await talk.read(lambda unit: unit.messages.sent_as("inbox", "p-2")) is None


async def test_letters_of_every_kind_are_found_by_either_id(talk: SqlStore) -> None:
    note = message(2, "forwarded", id="x" * 20 + "0123456789ab", kind=MessageKind.NOTE)
    activity = message(3, "mailed", kind=MessageKind.ACTIVITY, external_id="p-3")
    await talk.write(lambda unit: unit.messages.add([replace(note, external_id="p-2"), activity]))
    found = [
        await talk.read(lambda unit: unit.messages.sent_as("inbox", "p-2")),
        await talk.read(lambda unit: unit.messages.sent_as("inbox", "p-3")),
        await talk.read(lambda unit: unit.messages.ending(note.conversation_id, "0123456789ab")),
    ]
    assert [one and one.id for one in found] == [note.id, activity.id, note.id]
    assert await talk.read(lambda unit: unit.messages.ending("other", "0123456789ab")) is None
