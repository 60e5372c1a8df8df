"""Taking, letting go and handing back: what each does to conversation, ticket and records."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from gateway.domain.conversation import Controller, Conversation, ConversationStatus
from gateway.domain.errors import (
    AlreadyClaimedError,
    ConflictError,
    GatewayError,
    NotAllowedError,
    NotFoundError,
)
from gateway.domain.people import Agent
from gateway.domain.ticket import TicketKind, TicketState
from gateway.ports.store import UnitOfWork
from gateway.services import conversations
from gateway.wiring.ids import clock, new_id
from tests.gateway.services.desk import NO_BOT, Desk, ScriptedBot, inbound, reply
from tests.gateway.services.staff import (
    ADA,
    ANN,
    BOB,
    CAI,
    LEE,
    OFF,
    activities,
    audited,
    standing,
    waiting,
)

Move = Callable[..., Conversation]


async def do(desk: Desk, move: Move, actor: Agent, at: str, **more: object) -> Conversation:
    return await desk.store.write(
        lambda uow: move(uow, actor, at, now=clock(), new_id=new_id, **more)
    )


async def test_claiming_takes_the_ticket_too(staffed: Desk) -> None:
    at = await waiting(staffed)
    before, _ = await standing(staffed, at)
    await do(staffed, conversations.claim, ANN, at)
    taken, ticket = await standing(staffed, at)
    assert (taken.controller, taken.agent_id) == (Controller.AGENT, ANN.id)
    assert taken.version == before.version + 1
    assert ticket is not None
    assert (ticket.state, ticket.agent_id) == (TicketState.OPEN, ANN.id)
    assert await activities(staffed, at) == ["handed_off", "claimed"]
    assert (await audited(staffed))[0] == "conversation.claimed"


async def test_claiming_from_the_bot_opens_a_ticket(staffed: Desk) -> None:
    accepted = await staffed.turn(inbound(1, "my line is down"), ScriptedBot(reply("Hi")))
    await do(staffed, conversations.claim, ADA, accepted.conversation.id)
    taken, ticket = await standing(staffed, accepted.conversation.id)
    assert taken.controller is Controller.AGENT
    assert ticket is not None
    assert (ticket.agent_id, ticket.subject) == (ADA.id, "my line is down")


async def test_claiming_ones_own_again_writes_nothing(staffed: Desk) -> None:
    at = await waiting(staffed)
    once = await do(staffed, conversations.claim, ANN, at)
    assert await do(staffed, conversations.claim, ANN, at) == once
    assert await activities(staffed, at) == ["handed_off", "claimed"]


@pytest.mark.parametrize(
    ("actor", "force", "refusal"),
    [
        (BOB, False, AlreadyClaimedError),
        (BOB, True, NotAllowedError),
        (LEE, False, AlreadyClaimedError),
        (LEE, True, None),
        (ADA, True, None),
        (CAI, True, NotFoundError),
        (OFF, True, NotAllowedError),
    ],
)
async def test_who_may_take_what_another_agent_holds(
    staffed: Desk, actor: Agent, force: bool, refusal: type[GatewayError] | None
) -> None:
    at = await waiting(staffed)
    await do(staffed, conversations.claim, ANN, at)
    if refusal is None:
        await do(staffed, conversations.claim, actor, at, force=force)
        assert (await activities(staffed, at))[-1] == "taken_over"
    else:
        with pytest.raises(refusal):
            await do(staffed, conversations.claim, actor, at, force=force)
    taken, ticket = await standing(staffed, at)
    holder = ANN.id if refusal else actor.id
    assert taken.agent_id == holder
    assert ticket is not None
    assert ticket.agent_id == holder


async def test_a_claim_at_an_old_version_leaves_no_trace_even_inside_its_transaction(
    staffed: Desk,
) -> None:
    at = await waiting(staffed)
    before = await standing(staffed, at)
    trail = await audited(staffed)

    def work(uow: UnitOfWork) -> None:
        with suppress(ConflictError):
            conversations.claim(
                uow, ANN, at, now=clock(), new_id=new_id, version=before[0].version - 1
            )
            raise AssertionError("the old version was taken")

    await staffed.store.write(work)
    assert await standing(staffed, at) == before
    assert await activities(staffed, at) == ["handed_off"]
    assert await audited(staffed) == trail


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [(ANN, None), (LEE, None), (BOB, AlreadyClaimedError), (CAI, NotFoundError)],
)
async def test_who_may_put_back_into_the_queue(
    staffed: Desk, actor: Agent, refusal: type[GatewayError] | None
) -> None:
    at = await waiting(staffed)
    await do(staffed, conversations.claim, ANN, at)
    if refusal is not None:
        with pytest.raises(refusal):
            await do(staffed, conversations.release, actor, at)
        return
    await do(staffed, conversations.release, actor, at)
    released, ticket = await standing(staffed, at)
    assert (released.controller, released.agent_id) == (Controller.QUEUE, None)
    assert ticket is not None
    assert (ticket.agent_id, ticket.state) == (None, TicketState.OPEN)
    assert (await activities(staffed, at))[-1] == "released"


async def test_what_nobody_holds_cannot_be_put_back(staffed: Desk) -> None:
    at = await waiting(staffed)
    with pytest.raises(ConflictError):
        await do(staffed, conversations.release, ANN, at)


async def test_a_complaint_is_solved_before_the_bot_goes_on(staffed: Desk) -> None:
    at = await waiting(staffed)
    _, ticket = await standing(staffed, at)
    assert ticket is not None
    complaint = replace(ticket, kind=TicketKind.COMPLAINT)
    await staffed.store.write(lambda uow: uow.tickets.update(complaint))
    await do(staffed, conversations.claim, ANN, at)
    with pytest.raises(ConflictError, match="complaint"):
        await do(staffed, conversations.hand_back, ANN, at)
    kept, _ = await standing(staffed, at)
    assert kept.controller is Controller.AGENT


async def test_handing_back_solves_the_ticket_and_owes_no_turn(staffed: Desk) -> None:
    at = await waiting(staffed)
    held = await do(staffed, conversations.claim, ANN, at)
    await do(staffed, conversations.hand_back, ANN, at)
    returned, _ = await standing(staffed, at)
    assert (returned.controller, returned.agent_id) == (Controller.BOT, None)
    assert (returned.ticket_id, returned.bot_state) == (None, {})
    assert (returned.status, returned.waiting_since) == (ConversationStatus.OPEN, None)
    assert returned.turned_seq == held.last_seq
    assert held.ticket_id is not None
    ticket = await staffed.store.read(lambda uow: uow.tickets.get(held.ticket_id or ""))
    assert ticket.state is TicketState.SOLVED
    assert (await activities(staffed, at))[-1] == "handed_back"


async def test_the_bot_cannot_be_given_what_it_has_or_where_it_is_not(staffed: Desk) -> None:
    with_bot = await staffed.turn(inbound(1), ScriptedBot(reply("Hi")))
    without = await staffed.accept(inbound(2, inbox=NO_BOT))
    for accepted in (with_bot, without):
        with pytest.raises(ConflictError):
            await do(staffed, conversations.hand_back, ADA, accepted.conversation.id)


async def test_solving_and_taking_up_again(staffed: Desk) -> None:
    at = await waiting(staffed)
    await do(staffed, conversations.claim, ANN, at)
    await do(staffed, conversations.solve, ANN, at)
    solved, ticket = await standing(staffed, at)
    assert solved.status is ConversationStatus.SOLVED
    assert ticket is not None
    assert ticket.state is TicketState.SOLVED
    with pytest.raises(AlreadyClaimedError):
        await do(staffed, conversations.reopen, BOB, at)
    await do(staffed, conversations.reopen, ANN, at)
    opened, ticket = await standing(staffed, at)
    assert opened.status is ConversationStatus.OPEN
    assert ticket is not None
    assert (ticket.state, ticket.solved_at) == (TicketState.OPEN, None)
    assert (await activities(staffed, at))[-2:] == ["solved", "reopened"]


async def test_only_who_may_answer_takes_the_unread_mark_off(staffed: Desk) -> None:
    at = await waiting(staffed)
    await do(staffed, conversations.claim, ANN, at)
    await staffed.accept(inbound(2, "still there?"))
    for actor, unread in ((BOB, True), (ANN, False)):
        await staffed.store.write(
            partial(conversations.mark_read, actor=actor, conversation_id=at)
        )
        assert bool((await standing(staffed, at))[0].unread) is unread
