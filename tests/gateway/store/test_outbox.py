import asyncio
from collections.abc import Callable

import pytest

from gateway.domain.records import Delivery, NewDelivery
from gateway.ports.store import UnitOfWork
from gateway.store import SqlStore, open_store
from gateway.store.keys import AesSecretBox
from tests.gateway.store import samples


@pytest.fixture
async def post(talk: SqlStore) -> SqlStore:
    """Conversations a, b and c with messages a1 to c9."""
    await talk.write(add_rows)
    return talk


def add_rows(unit: UnitOfWork) -> None:
    for name in "abc":
        unit.conversations.add([samples.conversation(id=name)])
        unit.messages.add(
            [samples.reply(n, id=f"{name}{n}", conversation_id=name) for n in range(1, 10)]
        )


def queue(*names: str, at: int = 0) -> Callable[[UnitOfWork], None]:
    rows = [
        NewDelivery(inbox_id="web", conversation_id=n[0], message_id=n, created_at=at)
        for n in names
    ]
    return lambda unit: unit.outbox.add(rows)


async def claim(
    store: SqlStore, now: int = 0, worker: str = "w", limit: int = 9
) -> dict[str, Delivery]:
    found = await store.write(
        lambda unit: unit.outbox.claim(
            worker, inbox_id="web", now=now, leased_until=now + 100, limit=limit
        )
    )
    return {item.message_id: item for item in found}


async def test_only_the_oldest_of_each_conversation_is_given_out(post: SqlStore) -> None:
    await post.write(queue("a1", "a2", "b1", "a3", "c1"))
    first = await claim(post, limit=2)
    assert list(first) == ["a1", "b1"]
    assert list(await claim(post, worker="other")) == ["c1"]
    assert await claim(post) == {}
    ids = [item.id for item in first.values()]
    await post.write(lambda unit: unit.outbox.remove(ids))
    assert list(await claim(post)) == ["a2"]
    assert await post.read(lambda unit: unit.outbox.depth()) == 3


async def test_what_waits_for_its_next_try_holds_up_the_later_ones(post: SqlStore) -> None:
    await post.write(queue("a1", "a2"))
    head = (await claim(post))["a1"]
    await post.write(lambda unit: unit.outbox.postpone(head.id, attempts=1, available_at=50))
    assert await claim(post, now=49) == {}
    again = await claim(post, now=50)
    assert again["a1"].attempts == 1
    assert list(again) == ["a1"]


async def test_what_a_dead_worker_held_comes_again_after_its_lease(post: SqlStore) -> None:
    await post.write(queue("a1"))
    await claim(post, now=0)
    assert await claim(post, now=99) == {}
    assert list(await claim(post, now=100, worker="other")) == ["a1"]


async def test_an_empty_outbox(post: SqlStore) -> None:
    assert await post.read(lambda unit: unit.outbox.depth()) == 0
    assert await claim(post) == {}


async def test_deliveries_may_be_tried_from_when_they_were_made(post: SqlStore) -> None:
    await post.write(queue("a1", at=10))
    assert await claim(post, now=9) == {}
    assert list(await claim(post, now=10)) == ["a1"]


async def test_two_processes_share_the_work_and_keep_the_order(
    migrated_postgres_url: str, box: AesSecretBox
) -> None:
    stores = [open_store(migrated_postgres_url, secrets=box) for _ in range(2)]
    await stores[0].write(samples.add_conversation)
    await stores[0].write(add_rows)
    names = [f"{name}{n}" for n in range(1, 10) for name in "abc"]
    await stores[0].write(queue(*names))
    done: list[str] = []

    async def work(store: SqlStore, worker: str) -> None:
        while await store.read(lambda unit: unit.outbox.depth()):
            for name, item in (await claim(store, worker=worker, limit=2)).items():
                done.append(name)
                await asyncio.sleep(0)
                await remove(store, item)

    async def remove(store: SqlStore, item: Delivery) -> None:
        await store.write(lambda unit: unit.outbox.remove([item.id]))

    await asyncio.gather(work(stores[0], "x"), work(stores[1], "y"))
    assert sorted(done) == sorted(names)
    for name in "abc":
        assert [n for n in done if n[0] == name] == [f"{name}{n}" for n in range(1, 10)]
    for store in stores:
        await store.close()


async def test_inboxes_with_due_deliveries_are_told(post: SqlStore) -> None:
    await post.write(queue("a1"))
    later = NewDelivery(inbox_id="other", conversation_id="b", message_id="b1", created_at=50)
    await post.write(lambda unit: unit.outbox.add([later]))
    assert await post.read(lambda unit: unit.outbox.due_inboxes(49)) == ["web"]
    assert set(await post.read(lambda unit: unit.outbox.due_inboxes(50))) == {"web", "other"}
    assert list(await claim(post, now=50)) == ["a1"], "each inbox by itself"
    assert await post.read(lambda unit: unit.outbox.due_inboxes(50)) == ["other"]


async def test_the_next_goes_when_the_one_before_it_is_done_with(post: SqlStore) -> None:
    await post.write(queue("a1", "a2", "a3"))
    (first,) = (await claim(post)).values()
    assert await claim(post, now=1_000) != {}, "its lease ended"
    await post.write(lambda unit: unit.outbox.remove([first.id]))
    assert list(await claim(post)) == ["a2"]
    await post.write(queue("a4"))
    (second,) = (await claim(post, now=200)).values()
    await post.write(lambda unit: unit.outbox.remove([second.id, 999]))
    assert list(await claim(post)) == ["a3"]


async def test_what_waits_behind_a_postponed_one_is_not_looked_at(post: SqlStore) -> None:
    await post.write(queue("a1", "a2", "b1"))
    found = await claim(post)
    await post.write(
        lambda unit: unit.outbox.postpone(found["a1"].id, attempts=1, available_at=500)
    )
    await post.write(lambda unit: unit.outbox.remove([found["b1"].id]))
    assert await post.read(lambda unit: unit.outbox.due_inboxes(499)) == []
    assert await post.read(lambda unit: unit.outbox.due_inboxes(500)) == ["web"]
    assert await post.read(lambda unit: unit.outbox.depth()) == 2


async def test_what_is_held_for_longer_stays_with_its_worker(post: SqlStore) -> None:
    await post.write(queue("a1", "b1"))
    held = (await claim(post, now=0))["a1"]
    await post.write(lambda unit: unit.outbox.hold(held.id, "w", leased_until=500))
    assert list(await claim(post, now=100, worker="other")) == ["b1"]
    assert list(await claim(post, now=500, worker="other")) == ["a1", "b1"]
    assert await post.read(lambda unit: unit.outbox.holds("a", "a1"))
    assert not await post.read(lambda unit: unit.outbox.holds("a", "a2"))
