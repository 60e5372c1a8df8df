"""A process: its roles, its loops, and what happens when one of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bot.knowledge import ArticleIndex
from channels.contract import ChannelContext, MessageKind
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.hub import LocalHub
from gateway.metrics import Metrics
from gateway.services.inbox_directory import InboxDirectory
from gateway.services.live_bot import LiveBot
from gateway.services.publishing import Publisher
from gateway.services.sink import BusSink
from gateway.settings import Settings
from gateway.store.blobs import DirectoryBlobs
from gateway.store.keys import load_keys
from gateway.wiring import process
from gateway.wiring.ids import clock, new_id
from gateway.wiring.live_channels import LiveChannels
from gateway.wiring.parts import Parts
from gateway.wiring.process import ALL_ROLES, RoleName, Workers, parse_roles
from gateway.wiring.storage import Storage
from gateway.workers.knowledge import ArticleKeeper
from tests.gateway.bus.grounds import Wire
from tests.gateway.services.desk import MAILBOX, Desk, ScriptedBot, inbound, reply, texts_of
from tests.gateway.workbench import make_workbench


class Site:
    """All parts of a process over a desk, with a scripted bot; only the inboxes' way is cut."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.inbox_wire = Wire(desk.store)
        self.bot = ScriptedBot(reply("Hi"))
        index = ArticleIndex()
        workbench = make_workbench(desk.store, folder, None, clock)
        hub, bus = LocalHub(), EmbeddedBus(desk.store, clock=clock)
        index = ArticleIndex()
        desk.store.listen(Publisher(hub).publish)
        context = cast("ChannelContext", None)
        directory = InboxDirectory(self.inbox_wire, clock)
        self.parts = Parts(
            settings=Settings(data_dir=folder),
            name="here",
            storage=Storage(
                store=desk.store,
                blobs=DirectoryBlobs(folder / "blobs"),
                keys=load_keys(folder / "desk.key"),
            ),
            bus=bus,
            hub=hub,
            bot=cast("LiveBot", self.bot),
            maker=workbench.maker,
            bench=workbench.bench,
            wording=None,
            articles=ArticleKeeper(desk.store, index, clock, workbench.live.link_articles),
            index=index,
            inboxes=directory,
            channels=LiveChannels(directory, lambda _: context, receives=True),
            sink=BusSink(bus, desk.store, clock),
            metrics=Metrics(),
            is_mailbox=lambda kind: kind == "rest",
            has_letters=lambda kind: kind == "mail",
            clock=clock,
            new_id=new_id,
            held=ExitStack(),
        )

    async def change_inbox(self, **changes: Any) -> None:
        """Another process changes an inbox and says so."""
        changed = replace(MAILBOX, **changes)
        await self.desk.store.write(lambda uow: uow.inboxes.update(changed))
        self.parts.hub.publish("inboxes", {"type": "changed"})

    def runs(self) -> bool:
        return self.parts.channels.find_channel(MAILBOX.id) is not None


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.fixture
async def site(desk: Desk, tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(desk, tmp_path)
    await site.parts.bus.start()
    yield site
    await site.parts.channels.stop()
    await site.parts.bus.close()


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        ([], ALL_ROLES),
        ([""], ALL_ROLES),
        (["http"], {RoleName.HTTP}),
        ([" worker ", "timer", "worker"], {RoleName.WORKER, RoleName.TIMER}),
        (["http", "worker", "receiver", "timer"], ALL_ROLES),
    ],
)
def test_roles_by_name(names: list[str], roles: set[RoleName]) -> None:
    assert parse_roles(names) == roles


@pytest.mark.parametrize("names", [["cook"], ["HTTP"], ["http", "cook"]])
def test_an_unknown_role_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match=r"cook|HTTP"):
        parse_roles(names)


async def test_a_worker_answers_and_a_stop_finishes_what_is_in_hand(site: Site) -> None:
    workers = Workers(site.parts, ALL_ROLES)
    workers.start()
    await site.parts.sink.deliver(inbound(1))
    await until(lambda: bool(site.bot.asked))
    await workers.stop()
    known = await site.desk.store.read(
        lambda uow: uow.messages.known([(MAILBOX.id, inbound(1).external_id)])
    )
    (asked,) = known.values()
    messages = await site.desk.store.read(
        lambda uow: uow.messages.page(asked.conversation_id, limit=10)
    )
    assert texts_of(messages, MessageKind.BOT) == ["Hi"]
    assert (await site.parts.bus.lag()).depth == 0


async def test_a_process_without_the_workers_role_takes_nothing(site: Site) -> None:
    workers = Workers(site.parts, frozenset({RoleName.HTTP}))
    workers.start()
    await site.parts.sink.deliver(inbound(1))
    await asyncio.sleep(0.05)
    lag = await site.parts.bus.lag()
    assert (lag.depth, lag.in_flight) == (1, 0)
    assert (workers.intake, workers.delivery) == (None, None)
    await workers.stop()


async def test_inboxes_follow_the_changes_of_others(site: Site) -> None:
    workers = Workers(site.parts, ALL_ROLES)
    workers.start()
    await asyncio.sleep(0)
    await site.change_inbox()
    await until(site.runs)
    await site.change_inbox(enabled=False)
    await until(lambda: not site.runs())
    await workers.stop()


async def test_a_change_during_an_outage_is_followed_after_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process, "RELOAD_PAUSE", 0.02)
    workers = Workers(site.parts, ALL_ROLES)
    workers.start()
    await asyncio.sleep(0)
    site.inbox_wire.whole = False
    await site.change_inbox()
    await until(lambda: caplog.text.count("the inboxes stay as they were") >= 2)
    assert not site.runs()
    site.inbox_wire.whole = True
    await until(site.runs)
    await workers.stop()


async def test_a_loop_that_ends_by_a_fault_stops_the_process(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stopped = asyncio.Event()
    monkeypatch.setattr(process, "_stop_process", stopped.set)

    def broken() -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(site.parts.channels, "reload", broken)
    workers = Workers(site.parts, frozenset({RoleName.HTTP}))
    workers.start()
    await asyncio.sleep(0)
    site.parts.hub.publish("inboxes", {"type": "changed"})
    async with asyncio.timeout(5):
        await stopped.wait()
    assert "the inboxes loop ended: ZeroDivisionError" in caplog.text
    await workers.stop()


async def test_a_stop_is_no_fault(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[None] = []
    monkeypatch.setattr(process, "_stop_process", lambda: stops.append(None))
    workers = Workers(site.parts, ALL_ROLES)
    workers.start()
    await asyncio.sleep(0.02)
    await workers.stop()
    await asyncio.sleep(0.02)
    assert stops == []
