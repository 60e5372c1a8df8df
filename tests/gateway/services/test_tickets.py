"""Tickets: which state may follow which, and what it does to the conversation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.conversation import ConversationStatus
from gateway.domain.errors import (
    AlreadyClaimedError,
    ConflictError,
    GatewayError,
    NotAllowedError,
    NotFoundError,
)
from gateway.domain.people import Agent
from gateway.domain.ticket import Severity, Ticket, TicketKind, TicketState
from gateway.ports.store import UnitOfWork
from gateway.services import conversations
from gateway.services.tickets import TicketChanges, change
from gateway.wiring.ids import clock, new_id
from tests.gateway.services.desk import Desk
from tests.gateway.services.staff import (
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

NEW, OPEN, PENDING, SOLVED, CLOSED = TicketState
STATUSES = {
    NEW: ConversationStatus.OPEN,
    OPEN: ConversationStatus.OPEN,
    PENDING: ConversationStatus.PENDING,
    SOLVED: ConversationStatus.SOLVED,
    CLOSED: ConversationStatus.SOLVED,
}


async def alter(desk: Desk, actor: Agent, name: str, **changes: object) -> Ticket:
    wanted = replace(TicketChanges(), **changes)  # type: ignore[arg-type]
    return await desk.store.write(
        lambda uow: change(uow, actor, name, wanted, now=clock(), new_id=new_id)
    )


async def ticket_of(desk: Desk, at: str) -> Ticket:
    _, ticket = await standing(desk, at)
    assert ticket is not None
    return ticket


async def bring_to(desk: Desk, at: str, state: TicketState) -> Ticket:
    """Moves a new ticket to a state on the way that its agents would take."""
    ticket = await ticket_of(desk, at)
    for step in {CLOSED: (SOLVED, CLOSED)}.get(state, (state,)):
        ticket = await alter(desk, ANN, ticket.id, state=step)
    return ticket


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (NEW, OPEN, None),
        (NEW, PENDING, "pending"),
        (NEW, SOLVED, "solved"),
        (OPEN, PENDING, "pending"),
        (OPEN, SOLVED, "solved"),
        (PENDING, OPEN, "reopened"),
        (PENDING, SOLVED, "solved"),
        (SOLVED, OPEN, "reopened"),
        (SOLVED, CLOSED, "closed"),
    ],
)
async def test_a_state_that_may_follow(
    staffed: Desk, before: TicketState, after: TicketState, said: str | None
) -> None:
    at = await waiting(staffed)
    ticket = await bring_to(staffed, at, before)
    lines = await activities(staffed, at)
    await alter(staffed, ANN, ticket.id, state=after)
    conversation, moved = await standing(staffed, at)
    assert moved is not None
    assert moved.state is after
    assert conversation.status is STATUSES[after]
    assert (moved.solved_at is not None) is (after in {SOLVED, CLOSED})
    assert (moved.closed_at is not None) is (after is CLOSED)
    assert await activities(staffed, at) == [*lines, *([said] if said else [])]
    name = "reopened" if after is OPEN else after.value
    assert (await audited(staffed))[0] == f"ticket.{name}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *((before, NEW) for before in (OPEN, PENDING, SOLVED, CLOSED)),
        *((before, CLOSED) for before in (NEW, OPEN, PENDING)),
        (SOLVED, PENDING),
        *((CLOSED, after) for after in (OPEN, PENDING, SOLVED)),
    ],
)
async def test_a_state_that_may_not_follow(
    staffed: Desk, before: TicketState, after: TicketState
) -> None:
    at = await waiting(staffed)
    ticket = await bring_to(staffed, at, before)
    stood = await standing(staffed, at)
    with pytest.raises(ConflictError):
        await alter(staffed, ANN, ticket.id, state=after)
    assert await standing(staffed, at) == stood


@pytest.mark.parametrize("state", list(TicketState))
async def test_the_same_state_again_changes_nothing(staffed: Desk, state: TicketState) -> None:
    at = await waiting(staffed)
    ticket = await bring_to(staffed, at, state)
    stood = await standing(staffed, at)
    await alter(staffed, ANN, ticket.id, state=state)
    assert await standing(staffed, at) == stood


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [
        (ANN, None),
        (LEE, None),
        (BOB, AlreadyClaimedError),
        (CAI, NotFoundError),
        (OFF, NotAllowedError),
    ],
)
async def test_who_may_move_the_ticket_of_what_an_agent_holds(
    staffed: Desk, actor: Agent, refusal: type[GatewayError] | None
) -> None:
    at = await waiting(staffed)
    await staffed.store.write(
        lambda uow: conversations.claim(uow, ANN, at, now=clock(), new_id=new_id)
    )
    ticket = await ticket_of(staffed, at)
    if refusal is None:
        await alter(staffed, actor, ticket.id, state=SOLVED)
    else:
        with pytest.raises(refusal):
            await alter(staffed, actor, ticket.id, state=SOLVED)
    assert (await ticket_of(staffed, at)).state is (OPEN if refusal else SOLVED)


async def test_colleagues_may_describe_what_another_holds(staffed: Desk) -> None:
    at = await waiting(staffed)
    await staffed.store.write(
        lambda uow: conversations.claim(uow, ANN, at, now=clock(), new_id=new_id)
    )
    ticket = await ticket_of(staffed, at)
    changes = {"severity": Severity.CRITICAL, "kind": TicketKind.BUG, "subject": "No dial tone"}
    await alter(staffed, BOB, f"#{ticket.number}", **changes)
    described = await ticket_of(staffed, at)
    assert {name: getattr(described, name) for name in changes} == changes
    assert (await activities(staffed, at))[-2:] == ["severity_changed", "kind_changed"]
    row = (await staffed.store.read(lambda uow: uow.audit.page(before=None, limit=1)))[0][1]
    assert row.action == "ticket.changed"
    assert row.after == {"severity": "critical", "kind": "bug", "subject": "No dial tone"}


async def test_a_ticket_of_the_past_comes_not_to_life_beside_the_present_one(
    staffed: Desk,
) -> None:
    at = await waiting(staffed)
    past = await ticket_of(staffed, at)

    def begin_anew(uow: UnitOfWork) -> None:
        conversations.hand_back(uow, ANN, at, now=clock(), new_id=new_id)
        conversations.claim(uow, ANN, at, now=clock(), new_id=new_id)

    await staffed.store.write(begin_anew)
    present = await ticket_of(staffed, at)
    assert present.id != past.id
    with pytest.raises(ConflictError, match="history"):
        await alter(staffed, ANN, past.id, state=OPEN)
    await alter(staffed, ANN, past.id, state=CLOSED)
    conversation, still = await standing(staffed, at)
    assert conversation.status is ConversationStatus.OPEN
    assert still is not None
    assert (still.id, still.state) == (present.id, OPEN)
