"""Passing on: who may give what to whom, and what becomes of the holder."""

from __future__ import annotations

import pytest

from gateway.domain.conversation import Controller
from gateway.domain.errors import (
    AlreadyClaimedError,
    GatewayError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
)
from gateway.domain.people import Agent
from gateway.domain.ticket import TicketState
from gateway.services import conversations
from gateway.services.assignment import assign
from gateway.wiring.ids import clock, new_id
from tests.gateway.services.desk import Desk, ScriptedBot, inbound, reply
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

Target = dict[str, str | None]


async def held(desk: Desk, holder: Agent | None) -> str:
    """A conversation of the first line: in that agent's hands, or in the queue."""
    at = await waiting(desk)
    if holder is not None:
        await desk.store.write(
            lambda uow: conversations.claim(uow, holder, at, now=clock(), new_id=new_id)
        )
    return at


async def give(desk: Desk, actor: Agent, at: str, target: Target) -> None:
    await desk.store.write(lambda uow: assign(uow, actor, at, target, now=clock(), new_id=new_id))


@pytest.mark.parametrize(
    ("holder", "actor", "target"),
    [
        (None, ANN, ANN),
        (None, LEE, ANN),
        (None, LEE, LEE),
        (ANN, LEE, BOB),
        (ANN, LEE, LEE),
        (ANN, ADA, CAI),
        (ANN, ANN, None),
        (ANN, LEE, None),
    ],
)
async def test_given_away(
    staffed: Desk, holder: Agent | None, actor: Agent, target: Agent | None
) -> None:
    at = await held(staffed, holder)
    wanted = target.id if target else None
    await give(staffed, actor, at, {"agent_id": wanted})
    given, ticket = await standing(staffed, at)
    assert given.agent_id == wanted
    assert given.controller is (Controller.AGENT if target else Controller.QUEUE)
    assert ticket is not None
    assert ticket.agent_id == wanted


@pytest.mark.parametrize(
    ("holder", "actor", "target", "refusal"),
    [
        (None, ANN, {"agent_id": "bob"}, NotAllowedError),  # a leader's right
        (ANN, ANN, {"agent_id": "bob"}, NotAllowedError),
        (ANN, BOB, {"agent_id": "bob"}, AlreadyClaimedError),
        (ANN, BOB, {"agent_id": None}, AlreadyClaimedError),
        (ANN, BOB, {"team_id": "second"}, AlreadyClaimedError),
        (None, CAI, {"agent_id": "cai"}, NotFoundError),
        (None, OFF, {"agent_id": "off"}, NotAllowedError),
        (None, LEE, {"agent_id": "off"}, InvalidInputError),
        (None, LEE, {"agent_id": "nobody"}, InvalidInputError),
        (None, LEE, {"team_id": "third"}, InvalidInputError),
    ],
)
async def test_refused(
    staffed: Desk,
    holder: Agent | None,
    actor: Agent,
    target: Target,
    refusal: type[GatewayError],
) -> None:
    at = await held(staffed, holder)
    before = await standing(staffed, at)
    with pytest.raises(refusal):
        await give(staffed, actor, at, target)
    assert await standing(staffed, at) == before


@pytest.mark.parametrize(
    ("field", "value"), [("agent_id", "nobody"), ("agent_id", "off"), ("team_id", "third")]
)
async def test_a_wrong_target_is_named(staffed: Desk, field: str, value: str) -> None:
    at = await held(staffed, None)
    with pytest.raises(InvalidInputError) as refusal:
        await give(staffed, LEE, at, {field: value})
    assert refusal.value.field == f"/{field}"


@pytest.mark.parametrize(
    ("target", "team", "agent", "said"),
    [
        ({"team_id": "second"}, "second", None, ["team_changed", "released"]),
        ({"team_id": None}, None, "ann", ["team_changed"]),
        ({"team_id": "second", "agent_id": "cai"}, "second", "cai", ["team_changed", "assigned"]),
        ({"team_id": "first"}, "first", "ann", []),
        ({"agent_id": "ann"}, "first", "ann", []),
    ],
)
async def test_what_a_move_says_and_does_to_the_holder(
    staffed: Desk, target: Target, team: str | None, agent: str | None, said: list[str]
) -> None:
    at = await held(staffed, ANN)
    await give(staffed, LEE, at, target)
    moved, ticket = await standing(staffed, at)
    assert (moved.team_id, moved.agent_id) == (team, agent)
    assert ticket is not None
    assert (ticket.team_id, ticket.agent_id) == (team, agent)
    assert await activities(staffed, at) == ["handed_off", "claimed", *said]


async def test_moving_what_the_bot_has_opens_a_ticket_in_the_teams_queue(staffed: Desk) -> None:
    accepted = await staffed.turn(inbound(1, "my line is down"), ScriptedBot(reply("Hi")))
    at = accepted.conversation.id
    await give(staffed, ADA, at, {"team_id": "second"})
    moved, ticket = await standing(staffed, at)
    assert (moved.controller, moved.team_id) == (Controller.QUEUE, "second")
    assert ticket is not None
    assert (ticket.state, ticket.team_id) == (TicketState.NEW, "second")
    assert (ticket.subject, ticket.summary) == ("my line is down", "• my line is down")
    assert "conversation.moved" in await audited(staffed)
