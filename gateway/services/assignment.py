"""Passing conversations on: to a team, to an agent, to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.domain.conversation import Controller, Conversation
from gateway.domain.conversation import claim as claim_conversation
from gateway.domain.conversation import hand_off as hand_off_conversation
from gateway.domain.errors import InvalidInputError, NotFoundError
from gateway.domain.people import Agent, Right, Team
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import get_conversation, require, require_free_hand
from gateway.services.holding import (
    let_go,
    note_change,
    open_for,
    present_ticket,
    put_ticket_under,
    store,
    take,
    write_ticket,
)
from gateway.services.tickets import Activity, add_activity


def assign(
    uow: UnitOfWork,
    actor: Agent,
    conversation_id: str,
    target: Mapping[str, str | None],
    *,
    now: int,
    new_id: NewId,
) -> Conversation:
    """Passes a conversation to a team, to an agent, or to nobody.

    An agent may take it or pass on to a team what they hold or nobody holds; giving it to a
    colleague is a leader's right. An agent outside the new team loses it to the team's queue.

    Args:
        uow: the transaction.
        actor: who asks.
        conversation_id: which one.
        target: `agent_id` and `team_id`; None empties, an absent key leaves as it is.
        now: ms since the epoch.
        new_id: gives ids.

    Raises:
        NotFoundError: there is none in the agent's scope.
        NotAllowedError: the role does not permit it.
        AlreadyClaimedError: another agent holds it.
        InvalidInputError: no such team or agent.
    """
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    require_free_hand(uow, actor, conversation)
    before = conversation
    if "team_id" in target and target["team_id"] != conversation.team_id:
        conversation = _move_to_team(uow, actor, conversation, target, now=now, new_id=new_id)
    if "agent_id" in target and target["agent_id"] != conversation.agent_id:
        conversation = _move_to_agent(
            uow, actor, conversation, target["agent_id"], now=now, new_id=new_id
        )
    return conversation if conversation is before else store(uow, conversation)


def _move_to_agent(
    uow: UnitOfWork,
    actor: Agent,
    conversation: Conversation,
    agent_id: str | None,
    *,
    now: int,
    new_id: NewId,
) -> Conversation:
    if agent_id is None:
        return let_go(uow, actor, conversation, now=now, new_id=new_id)
    if agent_id == actor.id:
        return take(uow, actor, conversation, force=True, now=now, new_id=new_id)
    require(actor, Right.ASSIGN_OTHERS)
    agent = _assignable(uow, agent_id)
    given = claim_conversation(conversation, agent.id, holder="", force=True)
    given = put_ticket_under(uow, given, agent.id, now=now, new_id=new_id)
    given = add_activity(uow, given, Activity.ASSIGNED, {"agent": agent.name}, actor, now, new_id)
    note_change(uow, actor, "conversation.assigned", conversation, given, now=now)
    return given


def _assignable(uow: UnitOfWork, agent_id: str) -> Agent:
    try:
        agent = uow.agents.get(agent_id)
    except NotFoundError as error:
        raise InvalidInputError("There is no such agent.", field="/agent_id") from error
    if not agent.active:
        raise InvalidInputError(
            f"{agent.name} is deactivated; choose somebody else.", field="/agent_id"
        )
    return agent


def _move_to_team(
    uow: UnitOfWork,
    actor: Agent,
    conversation: Conversation,
    target: Mapping[str, str | None],
    *,
    now: int,
    new_id: NewId,
) -> Conversation:
    """To another team's queue; the holder keeps it when they work in that team."""
    team = _team(uow, target["team_id"])
    moved = replace(
        conversation,
        team_id=team.id if team else None,
        version=conversation.version + 1,
    )
    if conversation.controller is Controller.BOT:
        ticket = open_for(uow, moved, None, now=now, new_id=new_id)
        moved = hand_off_conversation(moved, ticket_id=ticket.id, team_id=moved.team_id)
    elif (present := present_ticket(uow, conversation)) is not None:
        write_ticket(uow, replace(present, team_id=moved.team_id, updated_at=now))
    values = {"team": team.name if team else ""}
    moved = add_activity(uow, moved, Activity.TEAM_CHANGED, values, actor, now, new_id)
    note_change(uow, actor, "conversation.moved", conversation, moved, now=now)
    if "agent_id" in target or conversation.agent_id is None or team is None:
        return moved
    if team.id in uow.agents.get(conversation.agent_id).team_ids:
        return moved
    return let_go(uow, actor, moved, now=now, new_id=new_id)


def _team(uow: UnitOfWork, team_id: str | None) -> Team | None:
    if team_id is None:
        return None
    for team in uow.agents.teams():
        if team.id == team_id:
            return team
    raise InvalidInputError("There is no such team.", field="/team_id")
