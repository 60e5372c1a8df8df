"""Live channels follow the inboxes: the unchanged go on, and one that fails stays alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from aiohttp import web
from typing_extensions import override

from channels.contract import (
    Capabilities,
    Channel,
    ChannelContext,
    ChannelKind,
    DeliveryReceipt,
    Directory,
    InboxConfig,
    OutboundMessage,
    Secret,
)
from channels.errors import SettingsError, Words
from channels.registry import load_kind
from gateway.domain.inbox import Inbox
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.services.inbox_directory import InboxDirectory
from gateway.wiring import live_channels
from gateway.wiring.ids import clock
from gateway.wiring.live_channels import KindDirectory, LiveChannels, mailbox_kinds
from tests.gateway.bus.grounds import Wire
from tests.gateway.services.desk import MAILBOX, NO_BOT, PUSH, Desk

LABEL = {"label": {"en": "x", "zh-Hans": "x", "zh-Hant": "x"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    greeting: str = field(default="hello", metadata=LABEL)
    token: Secret = field(default=Secret(""), metadata=LABEL)

    def __post_init__(self) -> None:
        if self.greeting == "forbidden":
            raise SettingsError("greeting", Words("is forbidden", "禁止", "禁止"))


class Line(Channel[LineSettings]):
    """A channel that notes its life, and has the faults that its greeting names."""

    made: list[Line] = []  # noqa: RUF012  # emptied by a fixture
    gate: asyncio.Event | None = None
    on_stop: Callable[[], None] | None = None

    def __init__(self, inbox: InboxConfig[LineSettings], context: ChannelContext) -> None:
        super().__init__(inbox, context)
        self.life: list[str] = []
        Line.made.append(self)

    @override
    async def start(self) -> None:
        self.life.append("start")
        if Line.gate is not None:
            await Line.gate.wait()
        if self.inbox.settings.greeting == "unreachable":
            raise ConnectionError("no route")

    @override
    async def stop(self) -> None:
        self.life.append("stop")
        if Line.on_stop is not None:
            Line.on_stop()
        if self.inbox.settings.greeting == "stubborn":
            raise RuntimeError("will not stop")

    @override
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        raise AssertionError("nobody sends here")


KIND: ChannelKind[LineSettings] = ChannelKind(
    kind="line", settings=LineSettings, capabilities=Capabilities(), build=Line
)


def line(inbox_id: str, **changes: Any) -> Inbox:
    return replace(PUSH, **{"id": inbox_id, "kind": "line", "name": inbox_id, **changes})


class Switchboard:
    """Live channels over a real store."""

    def __init__(self, desk: Desk, *, receives: bool = True) -> None:
        self.desk = desk
        self.wire = Wire(desk.store)
        context = cast("ChannelContext", None)
        self.live = LiveChannels(
            InboxDirectory(self.wire, clock), lambda _: context, receives=receives
        )

    async def put(self, *inboxes: Inbox) -> None:
        """Writes inboxes, new or changed, and reloads."""

        def work(uow: UnitOfWork) -> None:
            known = {inbox.id for inbox in uow.inboxes.all()}
            for inbox in inboxes:
                put = uow.inboxes.update if inbox.id in known else uow.inboxes.add
                put(inbox)

        await self.desk.store.write(work)
        await self.live.reload()

    def find(self, name: str) -> Line:
        found = self.live.find_channel(name)
        assert isinstance(found, Line)
        return found


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of channel beside the real ones."""
    monkeypatch.setattr(
        live_channels, "load_kind", lambda name: KIND if name == "line" else load_kind(name)
    )
    monkeypatch.setattr(Line, "made", [])
    monkeypatch.setattr(Line, "gate", None)
    monkeypatch.setattr(Line, "on_stop", None)


@pytest.fixture
async def board(desk: Desk) -> AsyncIterator[Switchboard]:
    """Only the test's own inboxes are switched on."""
    board = Switchboard(desk)
    await board.put(*(replace(inbox, enabled=False) for inbox in (PUSH, MAILBOX, NO_BOT)))
    yield board
    await board.live.stop()


async def test_enabled_inboxes_start_and_others_do_not(board: Switchboard) -> None:
    await board.put(line("a"), line("b", enabled=False))
    assert board.find("a").life == ["start"]
    assert board.live.find_channel("b") is None
    assert board.live.find_channel("nowhere") is None


async def test_a_channel_gets_its_settings_and_secrets(board: Switchboard) -> None:
    await board.put(line("a", settings={"greeting": "您好"}, secrets={"token": "s3cret"}))
    config = board.find("a").inbox
    assert (config.id, config.name, config.language) == ("a", "a", "en")
    assert config.settings == LineSettings(greeting="您好", token=Secret("s3cret"))


async def test_unchanged_inboxes_keep_their_channel(board: Switchboard) -> None:
    await board.put(line("a"), line("b"))
    a, b = board.find("a"), board.find("b")
    await board.put(line("b", settings={"greeting": "new"}), line("c"))
    assert board.find("a") is a
    assert a.life == ["start"]
    assert board.find("b") is not b
    assert b.life == ["start", "stop"]
    assert board.find("b").inbox.settings.greeting == "new"
    assert board.find("c").life == ["start"]


@pytest.mark.parametrize(
    "change",
    [{"name": "renamed"}, {"language": "zh-Hans"}, {"secrets": {"token": "new"}}],
)
async def test_each_change_makes_a_new_channel(board: Switchboard, change: dict[str, Any]) -> None:
    await board.put(line("a"))
    before = board.find("a")
    await board.put(line("a", **change))
    assert board.find("a") is not before
    assert before.life == ["start", "stop"]


async def test_the_new_channel_is_there_before_the_old_one_stops(board: Switchboard) -> None:
    await board.put(line("a"))
    before = board.find("a")
    found: list[Channel[Any] | None] = []
    Line.on_stop = lambda: found.append(board.live.find_channel("a"))
    await board.put(line("a", name="renamed"))
    assert found == [board.find("a")]
    assert found != [before]


async def test_a_change_that_cannot_start_ends_the_old_channel(board: Switchboard) -> None:
    await board.put(line("a"))
    before = board.find("a")
    await board.put(line("a", settings={"greeting": "forbidden"}))
    assert board.live.find_channel("a") is None
    assert before.life == ["start", "stop"]


async def test_a_disabled_inbox_stops(board: Switchboard) -> None:
    await board.put(line("a"))
    a = board.find("a")
    await board.put(line("a", enabled=False))
    assert board.live.find_channel("a") is None
    assert a.life == ["start", "stop"]
    await board.put(line("a"))
    assert board.find("a") is not a


@pytest.mark.parametrize(
    "broken",
    [
        line("broken", settings={"greeting": "forbidden"}),
        line("broken", settings={"greeting": 5}),
        line("broken", settings={"from_the_future": True}),
        line("broken", settings={"greeting": "unreachable"}),
        replace(line("broken"), kind="carrier-pigeon"),
    ],
)
async def test_one_that_cannot_start_stays_alone(
    board: Switchboard, broken: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    await board.put(broken, line("well"))
    assert board.live.find_channel("broken") is None
    assert board.find("well").life == ["start"]
    assert "inbox broken cannot start" in caplog.text
    await board.put(line("broken"))
    assert board.find("broken").life == ["start"], "mended settings start it"


async def test_one_that_does_not_stop_stays_alone(board: Switchboard) -> None:
    await board.put(line("a", settings={"greeting": "stubborn"}), line("b"))
    a, b = board.find("a"), board.find("b")
    await board.put(line("a", enabled=False))
    assert board.live.find_channel("a") is None
    await board.live.stop()
    assert (a.life, b.life) == (["start", "stop"], ["start", "stop"])
    assert board.live.find_channel("b") is None


async def test_two_reloads_at_once_start_each_inbox_once(board: Switchboard) -> None:
    Line.gate = asyncio.Event()
    first = asyncio.create_task(board.put(line("a")))
    while not Line.made:
        await asyncio.sleep(0.005)
    second = asyncio.create_task(board.live.reload())
    await asyncio.sleep(0.05)
    Line.gate.set()
    await asyncio.gather(first, second)
    assert [each.life for each in Line.made] == [["start"]]


async def test_a_database_that_is_away_leaves_all_as_it_is(board: Switchboard) -> None:
    await board.put(line("a"))
    a = board.find("a")
    board.wire.whole = False
    with pytest.raises(StoreUnavailableError):
        await board.live.reload()
    assert board.find("a") is a
    assert a.life == ["start"]


async def test_a_process_that_does_not_receive_sends_only(desk: Desk) -> None:
    board = Switchboard(desk, receives=False)
    await board.put(line("a"))
    assert board.find("a").life == []
    await board.live.stop()


async def test_real_kinds_run_side_by_side(desk: Desk) -> None:
    board = Switchboard(desk)
    await board.put(replace(PUSH, enabled=False))  # its kind needs a secret
    assert board.live.find_channel(MAILBOX.id) is not None
    assert board.live.find_channel(NO_BOT.id) is not None
    await board.live.stop()


async def test_a_kind_sees_its_own_inboxes_only(board: Switchboard) -> None:
    await board.put(
        line("young", created_at=20), line("old", created_at=10), replace(MAILBOX, created_at=5)
    )
    lines = KindDirectory("line", board.live._running)
    rest = KindDirectory("rest", board.live._running)
    assert lines.find("young") is board.find("young")
    assert lines.find(MAILBOX.id) is None
    assert lines.default() is board.find("old")
    assert rest.default() is board.live.find_channel(MAILBOX.id)
    await board.put(line("old", created_at=10, enabled=False))
    assert lines.default() is board.find("young"), "routes see what runs now"
    assert KindDirectory("webchat", board.live._running).default() is None


async def test_routes_of_every_kind_are_there_before_its_inboxes(
    board: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Directory] = []

    async def answer(request: web.Request) -> web.Response:
        raise AssertionError("nobody asks")

    def routes(directory: Directory) -> list[web.RouteDef]:
        given.append(directory)
        return [web.get("/line", answer)]

    with_routes = replace(KIND, routes=routes)
    monkeypatch.setattr(live_channels, "kind_names", lambda: ("line",))
    monkeypatch.setattr(live_channels, "load_kind", lambda _: with_routes)
    assert len(board.live.routes()) == 1
    await board.put(line("a"))
    assert given[0].find("a") is board.find("a")


def test_mailbox_kinds_are_those_that_say_so() -> None:
    assert mailbox_kinds(["api", "rest", "webchat"]) == {"rest", "webchat"}
