"""A desk for tests: the services over a real database, and a scripted bot."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from bot.contract import (
    BotMessage,
    BotState,
    Card,
    Customer,
    Decision,
    Handoff,
    HandoffReason,
    Mood,
    Reply,
    Turn,
    Understanding,
)
from channels.contract import InboundMessage, MessageKind
from gateway.domain import conversation as rules
from gateway.domain.conversation import Conversation, Message
from gateway.domain.events import Event
from gateway.domain.inbox import Inbox
from gateway.domain.people import Agent, Availability, Role
from gateway.ports.store import UnitOfWork
from gateway.services.accepting import Incoming, accept_batch
from gateway.services.intake import Accepted, IntakeContext
from gateway.services.participants import is_letter
from gateway.services.turns import Decided, apply_batch, build_turn, take_turn
from gateway.store import SqlStore, open_store
from gateway.store.keys import load_keys
from gateway.wiring.ids import clock, new_id
from intents.model import Language

PUSH = Inbox(
    id="push",
    kind="api",
    name="Push",
    settings={},
    secrets={},
    language="en",
    team_id=None,
    bot=True,
    enabled=True,
    created_at=1,
)
MAILBOX = replace(PUSH, id="mailbox", kind="rest", name="Mailbox")
NO_BOT = replace(PUSH, id="nobot", kind="rest", name="No bot", bot=False)
PUSH_TOO = replace(PUSH, id="push too", name="Another platform")
LETTERS = replace(PUSH, id="letters", kind="mail", name="Letters")
INBOXES = {inbox.id: inbox for inbox in (PUSH, PUSH_TOO, MAILBOX, NO_BOT, LETTERS)}
CLEAR = Understanding(intent="greet", confidence=0.9)
AGENT = Agent(
    id="agent-1",
    email="lin@example.com",
    name="Lin",
    role=Role.AGENT,
    active=True,
    language="en",
    availability=Availability.ONLINE,
    must_change_password=False,
    created_at=1,
)


class ScriptedBot:
    """A bot that does what the test says: its part is the contract, not understanding."""

    catalogue_version = "v1"

    def __init__(self, decision: Decision | Exception | float) -> None:
        self._decision = decision
        self.asked: list[Turn] = []

    async def respond(self, turn: Turn) -> Decision:
        """Decides as told; a number is a pause in seconds."""
        self.asked.append(turn)
        if isinstance(self._decision, Exception):
            raise self._decision
        if isinstance(self._decision, float):
            await asyncio.sleep(self._decision)
            raise AssertionError("the time limit did not work")
        return self._decision

    async def refresh(self) -> bool:
        """There is never another version."""
        return True

    def was_asked(self, times: int) -> bool:
        """Whether so many turns began."""
        return len(self.asked) == times

    def holding_reply(self, reason: HandoffReason, turn: Turn) -> BotMessage:
        """A holding reply that names its reason."""
        return BotMessage(text=f"hold {reason.value} {turn.language}")

    def greeting(self, language: Language) -> BotMessage:
        """A greeting."""
        return BotMessage(text=f"hello {language.value}")


def reply(*texts: str) -> Reply:
    return Reply(
        messages=tuple(BotMessage(text=text) for text in texts),
        state=BotState(turns=1),
        language=Language.EN,
        catalogue_version="v1",
        understanding=CLEAR,
    )


def handoff(reason: HandoffReason, subject: str = "") -> Handoff:
    return Handoff(
        reason=reason,
        messages=(BotMessage(text="A colleague will answer."),),
        summary="asked: my line is down",
        kind="fault",
        severity="important",
        state=BotState(turns=1),
        language=Language.EN,
        catalogue_version="v1",
        understanding=CLEAR,
        subject=subject,
        card=Card(
            topic="a line that is down",
            asked=("my line is down",),
            tried=(),
            collected={"line": "7"},
            answers=(("Lights?", "off"),),
            mood=Mood.ANNOYED,
            language=Language.EN,
            customer=Customer(name="Wang", open_tickets=("10001",)),
        ),
    )


def inbound(
    number: int,
    text: str = "hello",
    inbox: Inbox = MAILBOX,
    *,
    handle: str = "visitor",
    thread: str = "",
    profile: Mapping[str, str] | None = None,
) -> InboundMessage:
    """A customer's message; its external id is made of handle, thread and number."""
    return InboundMessage(
        inbox_id=inbox.id,
        handle=handle,
        external_id=f"{handle}/{thread}/{number}",
        text=text,
        received_at=clock(),
        thread=thread,
        profile=profile or {},
    )


class Desk:
    """The services over a real database."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.events: list[Event] = []
        store.listen(self.events.extend)

    def context(self) -> IntakeContext:
        return IntakeContext(
            inboxes=INBOXES,
            is_mailbox=lambda kind: kind == "rest",
            has_letters=lambda kind: kind == "mail",
            new_id=new_id,
            now=clock(),
        )

    async def accept(self, message: InboundMessage) -> Accepted:
        work = partial(accept_batch, batch=[Incoming(message)], context=self.context())
        return (await self.store.write(work))[0][0]

    async def take(self, bot: ScriptedBot, accepted: Accepted, limit: float = 1) -> Decided:
        inbox = INBOXES[accepted.inbound.inbox_id]
        turn = build_turn(
            accepted.inbound,
            accepted.conversation,
            accepted.lines,
            inbox,
            customer=accepted.customer,
            desk=None,
            letter=inbox is LETTERS or is_letter(accepted.inbound),
        )
        only_files = not accepted.message.text and bool(accepted.message.attachments)
        taken = await take_turn(bot, turn, only_files=only_files, limit=limit)
        return Decided(accepted, taken)

    async def apply(self, *decided: Decided) -> None:
        await self.store.write(partial(apply_batch, batch=decided, context=self.context()))

    async def turn(self, message: InboundMessage, bot: ScriptedBot) -> Accepted:
        accepted = await self.accept(message)
        await self.apply(await self.take(bot, accepted))
        return accepted

    async def conversation(self, accepted: Accepted) -> Conversation:
        return await self.store.read(lambda uow: uow.conversations.get(accepted.conversation.id))

    async def messages(self, accepted: Accepted) -> Sequence[Message]:
        return await self.store.read(
            lambda uow: uow.messages.page(accepted.conversation.id, limit=100)
        )

    async def claim(self, accepted: Accepted) -> None:
        def work(uow: UnitOfWork) -> None:
            if uow.agents.by_email(AGENT.email) is None:
                uow.agents.add(AGENT, "hash")
            found = uow.conversations.get(accepted.conversation.id, lock=True)
            uow.conversations.update(
                [rules.claim(found, AGENT.id, holder=AGENT.name, force=False)]
            )

        await self.store.write(work)


def next_due(uow: UnitOfWork) -> int:
    """When the one waiting delivery may be tried, in ms; it stays free for others."""
    (inbox_id,) = uow.outbox.due_inboxes(2**53)
    (waiting,) = uow.outbox.claim(
        "onlooker", inbox_id=inbox_id, now=2**53, leased_until=0, limit=2
    )
    return waiting.available_at


def texts_of(messages: Sequence[Message], kind: MessageKind) -> list[str]:
    return [m.text for m in messages if m.kind is kind]


@asynccontextmanager
async def open_desk(blank: Path, folder: Path) -> AsyncIterator[Desk]:
    """A desk whose database begins as a copy of a blank one, with the inboxes in it."""
    shutil.copyfile(blank, folder / "desk.db")
    store = open_store(f"sqlite:///{folder}/desk.db", secrets=load_keys(folder / "desk.key").box)

    def plant(uow: UnitOfWork) -> None:
        for inbox in INBOXES.values():
            uow.inboxes.add(inbox)

    await store.write(plant)
    yield Desk(store)
    await store.close()
