"""The inboxes as a process knows them: read once, and looked for when one is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.inbox import Inbox
from gateway.ports.store import StoreUnavailableError
from gateway.services.inbox_directory import InboxDirectory
from tests.gateway.bus.grounds import Wire
from tests.gateway.services.desk import INBOXES, MAILBOX, PUSH, Desk


class Time:
    """A clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


async def add(desk: Desk, inbox: Inbox) -> None:
    await desk.store.write(lambda uow: uow.inboxes.add(inbox))


async def test_the_first_question_reads_all(desk: Desk, time: Time) -> None:
    wire = Wire(desk.store)
    directory = InboxDirectory(wire, time)
    assert await directory.get(MAILBOX.id) == MAILBOX
    wire.whole = False
    assert await directory.get(PUSH.id) == PUSH, "the store is not asked again"


async def test_reload_gives_all_and_sees_changes(desk: Desk, time: Time) -> None:
    directory = InboxDirectory(desk.store, time)
    assert {inbox.id for inbox in await directory.reload()} == set(INBOXES)
    renamed = replace(MAILBOX, name="Renamed", enabled=False)
    await desk.store.write(lambda uow: uow.inboxes.update(renamed))
    assert await directory.get(MAILBOX.id) == MAILBOX
    await directory.reload()
    assert await directory.get(MAILBOX.id) == renamed, "one that is switched off is known too"


async def test_an_inbox_made_by_another_process_is_found_after_a_moment(
    desk: Desk, time: Time
) -> None:
    directory = InboxDirectory(desk.store, time)
    assert await directory.get("new") is None
    await add(desk, replace(MAILBOX, id="new"))
    time.now += 999
    assert await directory.get("new") is None, "strangers' ids must not make it read each time"
    time.now += 1
    found = await directory.get("new")
    assert found is not None
    assert found.id == "new"


async def test_a_database_that_is_away_leaves_what_is_known(desk: Desk, time: Time) -> None:
    wire = Wire(desk.store)
    directory = InboxDirectory(wire, time)
    await directory.reload()
    wire.whole = False
    with pytest.raises(StoreUnavailableError):
        await directory.reload()
    time.now += 1_000
    with pytest.raises(StoreUnavailableError):
        await directory.get("new")
    assert await directory.get(MAILBOX.id) == MAILBOX
