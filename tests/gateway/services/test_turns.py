"""Turns: what the bot decides is applied once, and only while it is in charge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bot.contract import (
    BotMessage,
    BotState,
    Decision,
    Handoff,
    HandoffReason,
    Reply,
    Turn,
    Understanding,
)
from bot.errors import BotError
from channels.contract import Attachment, InboundMessage, MessageKind, MessageState
from gateway.domain import conversation as rules
from gateway.domain.conversation import Controller, Conversation, Message
from gateway.domain.events import Event, TurnDone
from gateway.domain.inbox import Inbox
from gateway.domain.people import Agent, Availability, Role
from gateway.domain.trail import Hop, Outcome
from gateway.ports.store import UnitOfWork
from gateway.services.intake import Accepted, IntakeContext, accept_batch
from gateway.services.turns import Decided, apply_batch, take_turn
from gateway.store import SqlStore, open_store
from gateway.store.keys import load_keys
from gateway.store.migrations import migrate
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
INBOXES = {inbox.id: inbox for inbox in (PUSH, MAILBOX, NO_BOT)}
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

    def holding_reply(self, reason: HandoffReason, language: Language) -> BotMessage:
        """A holding reply that names its reason."""
        return BotMessage(text=f"hold {reason.value} {language.value}")

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


def handoff(reason: HandoffReason) -> Handoff:
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
    )


def inbound(number: int, text: str = "hello", inbox: Inbox = MAILBOX) -> InboundMessage:
    return InboundMessage(
        inbox_id=inbox.id,
        handle="visitor",
        external_id=f"m{number}",
        text=text,
        received_at=clock(),
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
            new_id=new_id,
            now=clock(),
        )

    async def accept(self, message: InboundMessage) -> Accepted:
        work = partial(accept_batch, batch=[message], context=self.context())
        return (await self.store.write(work))[0]

    async def take(self, bot: ScriptedBot, accepted: Accepted, limit: float = 1) -> Decided:
        inbox = INBOXES[accepted.inbound.inbox_id]
        return await take_turn(bot, accepted, inbox, limit=limit)

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


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    url = f"sqlite:///{tmp_path}/desk.db"
    migrate(url)
    store = open_store(url, secrets=load_keys(tmp_path / "key").box)

    def plant(uow: UnitOfWork) -> None:
        for inbox in INBOXES.values():
            uow.inboxes.add(inbox)

    await store.write(plant)
    yield Desk(store)
    await store.close()


def texts_of(messages: Sequence[Message], kind: MessageKind) -> list[str]:
    return [m.text for m in messages if m.kind is kind]


async def test_a_reply_reaches_a_mailbox_as_sent(desk: Desk) -> None:
    accepted = await desk.turn(inbound(1), ScriptedBot(reply("Hi", "What is it about?")))
    messages = await desk.messages(accepted)
    assert [(m.kind, m.seq) for m in messages] == [
        (MessageKind.CUSTOMER, 1),
        (MessageKind.BOT, 2),
        (MessageKind.BOT, 3),
    ]
    assert {m.state for m in messages[1:]} == {MessageState.SENT}
    done = [e for e in desk.events if isinstance(e, TurnDone)]
    assert [m.text for m in done[-1].messages] == ["Hi", "What is it about?"]
    assert (await desk.conversation(accepted)).waiting_since is None


async def test_a_reply_for_a_pushing_channel_waits_in_the_outbox(desk: Desk) -> None:
    accepted = await desk.turn(inbound(1, inbox=PUSH), ScriptedBot(reply("Hi")))
    assert (await desk.messages(accepted))[-1].state is MessageState.PENDING
    assert await desk.store.read(lambda uow: uow.outbox.depth()) == 1


@pytest.mark.parametrize(
    "reason",
    [
        HandoffReason.WISH,
        HandoffReason.LOW_CONFIDENCE,
        HandoffReason.TURN_CAP,
        HandoffReason.COMPLAINT,
        HandoffReason.ACTION,
    ],
)
async def test_each_hand_off_opens_one_ticket_and_says_so(
    desk: Desk, reason: HandoffReason
) -> None:
    accepted = await desk.turn(inbound(1, "my line is down"), ScriptedBot(handoff(reason)))
    conversation = await desk.conversation(accepted)
    assert conversation.controller is Controller.QUEUE
    assert conversation.ticket_id is not None
    ticket = await desk.store.read(lambda uow: uow.tickets.get(conversation.ticket_id or ""))
    assert (ticket.reason, ticket.kind.value, ticket.severity.value) == (
        reason.value,
        "fault",
        "important",
    )
    messages = await desk.messages(accepted)
    assert texts_of(messages, MessageKind.BOT) == ["A colleague will answer."]
    assert conversation.waiting_since is not None, "the customer still waits for a person"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (BotError("no model"), HandoffReason.ERROR),
        (ZeroDivisionError("bug"), HandoffReason.ERROR),
        (5.0, HandoffReason.TIMEOUT),
    ],
)
async def test_what_the_bot_does_wrong_ends_with_people(
    desk: Desk, fault: Exception | float, reason: HandoffReason
) -> None:
    accepted = await desk.accept(inbound(1))
    await desk.apply(await desk.take(ScriptedBot(fault), accepted, limit=0.05))
    messages = await desk.messages(accepted)
    assert texts_of(messages, MessageKind.BOT) == [f"hold {reason.value} en"]
    assert (await desk.conversation(accepted)).controller is Controller.QUEUE


async def test_a_file_without_words_goes_to_people(desk: Desk) -> None:
    file = Attachment(blob="0" * 64, name="photo.png", mime="image/png", size=10)
    message = replace(inbound(1, ""), attachments=(file,))
    bot = ScriptedBot(reply("never"))
    accepted = await desk.turn(message, bot)
    assert bot.asked == []
    assert (await desk.conversation(accepted)).controller is Controller.QUEUE


async def test_the_bot_is_silent_when_an_agent_claims_meanwhile(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1))
    decided = await desk.take(ScriptedBot(reply("too late")), accepted)
    await desk.claim(accepted)
    await desk.apply(decided)
    messages = await desk.messages(accepted)
    assert texts_of(messages, MessageKind.BOT) == []
    trail = await desk.store.read(lambda uow: uow.trail.of_message(accepted.message.id))
    assert [(t.hop, t.outcome) for t in trail] == [
        (Hop.ACCEPTED, Outcome.OK),
        (Hop.TURN, Outcome.DROPPED),
    ]


async def test_no_turn_is_owed_while_an_agent_has_it(desk: Desk) -> None:
    first = await desk.turn(inbound(1), ScriptedBot(reply("Hi")))
    await desk.claim(first)
    second = await desk.accept(inbound(2, "are you there?"))
    assert not second.owes_turn


async def test_the_same_message_twice_changes_nothing(desk: Desk) -> None:
    first = await desk.turn(inbound(1), ScriptedBot(reply("Hi")))
    again = await desk.accept(inbound(1))
    assert not again.owes_turn
    assert len(await desk.messages(first)) == 2


async def test_a_crash_between_storing_and_deciding_leaves_the_turn_owed(desk: Desk) -> None:
    first = await desk.accept(inbound(1))
    again = await desk.accept(inbound(1))
    assert again.owes_turn
    assert again.message.id == first.message.id
    await desk.apply(await desk.take(ScriptedBot(reply("Hi")), again))
    assert texts_of(await desk.messages(first), MessageKind.BOT) == ["Hi"]


async def test_a_decision_applied_twice_counts_once(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1))
    decided = await desk.take(ScriptedBot(handoff(HandoffReason.WISH)), accepted)
    await desk.apply(decided)
    await desk.apply(decided)
    messages = await desk.messages(accepted)
    assert len(texts_of(messages, MessageKind.BOT)) == 1
    assert len(texts_of(messages, MessageKind.ACTIVITY)) == 1


async def test_the_bot_sees_what_was_said_before(desk: Desk) -> None:
    await desk.turn(inbound(1, "hello"), ScriptedBot(reply("Hi")))
    bot = ScriptedBot(reply("Ok"))
    await desk.turn(inbound(2, "and my invoice?"), bot)
    assert [line.text for line in bot.asked[0].lines] == ["hello", "Hi"]
    assert bot.asked[0].state.turns == 1


async def test_an_inbox_without_a_bot_goes_to_the_queue(desk: Desk) -> None:
    accepted = await desk.accept(inbound(1, inbox=NO_BOT))
    assert not accepted.owes_turn
    conversation = await desk.conversation(accepted)
    assert conversation.controller is Controller.QUEUE
    assert conversation.ticket_id is not None
