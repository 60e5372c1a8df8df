"""A whole intake: real bus, real database, real worker; the bot and the weather are the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from typing_extensions import override

from bot.contract import Decision, Reply, Turn
from channels.contract import InboundMessage, MessageKind
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.hub import LocalHub
from gateway.domain.conversation import Conversation, Message
from gateway.domain.records import DeadLetter
from gateway.metrics import Metrics
from gateway.ports.bus import BusEntry
from gateway.ports.store import UnitOfWork
from gateway.services.accepting import Incoming
from gateway.services.desk_view import DeskView
from gateway.services.inbox_directory import InboxDirectory
from gateway.services.publishing import Publisher
from gateway.services.sink import BusSink
from gateway.services.turns import Decided
from gateway.wiring.ids import clock, new_id
from gateway.workers.intake import IntakeParts, IntakeWorker
from tests.gateway.bus.grounds import Wire
from tests.gateway.services.desk import Desk, ScriptedBot, reply

T = TypeVar("T")
Script = Callable[[Turn], Awaitable[Decision]]


class Weather(Wire):
    """The worker's way to the database: it can be cut, and work on marked messages fails.

    `poison` holds texts; a batch with one of them raises, as a bug of ours would; so does the
    bot's answer to a text of `poisoned_turns`, and any decision on one of `cursed_turns`. `writes`
    counts the worker's transactions.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.store)
        self.poison: set[str] = set()
        self.poisoned_turns: set[str] = set()
        self.cursed_turns: set[str] = set()
        self.writes = 0

    @override
    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        self.writes += 1
        batch = getattr(work, "keywords", {}).get("batch", ())
        for item in batch:
            if isinstance(item, Incoming):
                ahead = item.inbound.text in self.poisoned_turns and item.taken is not None
                if item.inbound.text in self.poison or ahead:
                    raise RuntimeError("cannot be stored")
            elif self._is_refused(item):
                raise RuntimeError("cannot be applied")
        return await super().write(work)

    def _is_refused(self, item: Decided) -> bool:
        text = item.accepted.message.text
        answers = isinstance(item.taken.decision, Reply)
        return text in self.cursed_turns or (answers and text in self.poisoned_turns)


class HastyBus(EmbeddedBus):
    """The embedded bus; delays before retries are noted and shortened a hundredfold."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.store, clock=clock)
        self.delays: list[float] = []

    @override
    async def retry(
        self, entry: BusEntry, *, delay: float, reason: str, counts: bool = True
    ) -> None:
        self.delays.append(delay)
        await super().retry(entry, delay=delay / 100, reason=reason, counts=counts)


class EchoBot(ScriptedBot):
    """Answers each text with "re: " and the text, or as the script says."""

    def __init__(self, script: Script | None = None) -> None:
        super().__init__(reply())
        self._script = script

    @override
    async def respond(self, turn: Turn) -> Decision:
        self.asked.append(turn)
        if self._script is not None:
            return await self._script(turn)
        return reply(f"re: {turn.text}")


class Flow:
    """The intake between a sink and the database. `await flow.settled()` ends most tests."""

    def __init__(self, desk: Desk, bot: ScriptedBot | None = None, *, limit: float = 5.0) -> None:
        self.desk = desk
        self.weather = Weather(desk)
        self.bus = HastyBus(desk)
        self.bot = bot or EchoBot()
        self.metrics = Metrics()
        self.sink = BusSink(self.bus, self.weather, clock)
        self.inboxes = InboxDirectory(self.weather, clock)
        self.hub = LocalHub()
        desk.store.listen(Publisher(self.hub).publish)
        self.desks = DeskView(desk.store, self.hub, clock)
        self.worker = IntakeWorker(
            IntakeParts(
                bus=self.bus,
                store=self.weather,
                bot=self.bot,
                inboxes=self.inboxes,
                desks=self.desks,
                is_mailbox=lambda kind: kind == "rest",
                has_letters=lambda kind: kind == "mail",
                clock=clock,
                new_id=new_id,
                metrics=self.metrics,
                turn_limit=limit,
            )
        )
        self._loop: asyncio.Task[None] | None = None

    async def start(self, *waiting: InboundMessage) -> None:
        """Begins to work; the messages that wait by then come as one batch."""
        await self.bus.start()
        await self.deliver(*waiting)
        self._loop = asyncio.create_task(self.worker.run())

    async def stop(self) -> None:
        """As a process stops: take nothing more, finish what is in hand, close the bus."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
            self._loop = None
        await self.worker.drain(10)
        await self.bus.close()

    async def deliver(self, *messages: InboundMessage) -> None:
        for message in messages:
            await self.sink.deliver(message)

    async def settled(self) -> None:
        """Waits until nothing is on the bus."""
        await self.until(lambda: self.bus._depth == 0)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.005)

    async def letters(self) -> Sequence[DeadLetter]:
        return await self.bus.dead_letters(100)

    async def conversation(self, handle: str) -> Conversation:
        key = f"mailbox\x1f{handle}\x1f"
        return (await self.desk.store.read(lambda uow: uow.conversations.by_keys([key])))[key]

    async def said(self, handle: str) -> list[str]:
        """What customer and bot said in that handle's conversation, in order."""

        def work(uow: UnitOfWork) -> list[Message]:
            key = f"mailbox\x1f{handle}\x1f"
            found = uow.conversations.by_keys([key]).get(key)
            return [] if found is None else uow.messages.page(found.id, limit=1000)

        spoken = (MessageKind.CUSTOMER, MessageKind.BOT)
        return [m.text for m in await self.desk.store.read(work) if m.kind in spoken]

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
