"""People at a test's desk, and conversations that wait for them."""

from __future__ import annotations

from dataclasses import replace

from bot.contract import HandoffReason
from gateway.domain.conversation import Conversation
from gateway.domain.events import ConversationChanged
from gateway.domain.people import Agent, Role, Team
from gateway.domain.ticket import Ticket
from gateway.ports.store import UnitOfWork
from tests.gateway.services.desk import AGENT, Desk, ScriptedBot, handoff, inbound


def person(name: str, role: Role, *teams: str) -> Agent:
    email = f"{name}@example.com"
    return replace(AGENT, id=name, name=name.title(), email=email, role=role, team_ids=teams)


ADA = person("ada", Role.ADMINISTRATOR)
LEE = person("lee", Role.LEADER, "first")
ANN = person("ann", Role.AGENT, "first")
BOB = person("bob", Role.AGENT, "first")
CAI = person("cai", Role.AGENT, "second")
OFF = replace(person("off", Role.AGENT, "first"), active=False)
STAFF = (ADA, LEE, ANN, BOB, CAI, OFF)


def add_staff(uow: UnitOfWork) -> None:
    """Two teams and everybody above."""
    for name in ("first", "second"):
        uow.agents.add_team(Team(id=name, name=f"{name.title()} line"))
    for agent in STAFF:
        uow.agents.add(agent, "hash")


async def waiting(desk: Desk, *, team: str | None = "first", handle: str = "visitor") -> str:
    """The id of a conversation that the bot handed over to a team."""
    bot = ScriptedBot(handoff(HandoffReason.WISH))
    accepted = await desk.turn(inbound(1, "a person, please", handle=handle), bot)

    def put(uow: UnitOfWork) -> None:
        found = uow.conversations.get(accepted.conversation.id, lock=True)
        found = replace(found, team_id=team)
        uow.conversations.update([found])
        uow.emit(ConversationChanged(conversation=found))
        assert found.ticket_id is not None
        uow.tickets.update(replace(uow.tickets.get(found.ticket_id), team_id=team))

    await desk.store.write(put)
    return accepted.conversation.id


async def standing(desk: Desk, conversation_id: str) -> tuple[Conversation, Ticket | None]:
    """A conversation as it is stored, with its present ticket."""

    def look(uow: UnitOfWork) -> tuple[Conversation, Ticket | None]:
        found = uow.conversations.get(conversation_id)
        return found, uow.tickets.get(found.ticket_id) if found.ticket_id else None

    return await desk.store.read(look)


async def activities(desk: Desk, conversation_id: str) -> list[str]:
    """What a conversation's activity lines say happened, oldest first."""
    messages = await desk.store.read(lambda uow: uow.messages.page(conversation_id, limit=100))
    return [str(m.details["activity"]) for m in messages if "activity" in m.details]


async def audited(desk: Desk) -> list[str]:
    """The audit's actions, newest first."""
    rows = await desk.store.read(lambda uow: uow.audit.page(before=None, limit=100))
    return [entry.action for _, entry in rows]
