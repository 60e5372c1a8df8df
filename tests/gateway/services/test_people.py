"""Agents who leave: what they held finds its way to others."""

from __future__ import annotations

from gateway.domain.conversation import Controller, ConversationStatus
from gateway.domain.ticket import TicketState
from gateway.ports.store import UnitOfWork
from gateway.services import conversations, people
from gateway.wiring.ids import clock, new_id
from tests.gateway.services.desk import Desk, inbound
from tests.gateway.services.staff import ADA, ANN, BOB, standing, waiting


async def test_a_solved_conversation_of_one_who_left_waits_in_the_queue_when_reopened(
    staffed: Desk,
) -> None:
    theirs = await waiting(staffed)
    other = await waiting(staffed, handle="neighbour")

    def work(uow: UnitOfWork) -> None:
        for agent, at in ((ANN, theirs), (BOB, other)):
            conversations.claim(uow, agent, at, now=clock(), new_id=new_id)
            conversations.solve(uow, agent, at, now=clock(), new_id=new_id)

    await staffed.store.write(work)
    before, _ = await standing(staffed, theirs)
    await staffed.store.write(
        lambda uow: people.change_agent(
            uow, ADA, ANN.id, {"active": False}, now=clock(), new_id=new_id
        )
    )
    solved, ticket = await standing(staffed, theirs)
    assert (solved.status, solved.agent_id) == (ConversationStatus.SOLVED, None)
    assert solved.version == before.version + 1
    assert ticket is not None
    assert (ticket.state, ticket.agent_id) == (TicketState.SOLVED, None)
    assert (await standing(staffed, other))[0].agent_id == BOB.id
    for number, handle in ((2, "visitor"), (3, "neighbour")):
        await staffed.accept(inbound(number, "it is down again", handle=handle))
    reopened, _ = await standing(staffed, theirs)
    assert (reopened.controller, reopened.agent_id) == (Controller.QUEUE, None)
    kept, _ = await standing(staffed, other)
    assert (kept.controller, kept.agent_id) == (Controller.AGENT, BOB.id)


async def test_what_is_unfinished_goes_back_at_once(staffed: Desk) -> None:
    at = await waiting(staffed)

    def work(uow: UnitOfWork) -> None:
        conversations.claim(uow, ANN, at, now=clock(), new_id=new_id)
        people.change_agent(uow, ADA, ANN.id, {"active": False}, now=clock(), new_id=new_id)

    await staffed.store.write(work)
    freed, ticket = await standing(staffed, at)
    assert (freed.controller, freed.agent_id) == (Controller.QUEUE, None)
    assert ticket is not None
    assert ticket.agent_id is None
