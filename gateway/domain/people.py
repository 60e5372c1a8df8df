"""Agents, teams, roles and their rights (H2.4, H2.5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.hours import DEFAULT_HOURS, OpeningHours


class Role(StrEnum):
    """What an agent is, from least to most rights."""

    AGENT = "agent"
    LEADER = "leader"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What services ask for before they act."""

    SEE_TEAM = "see_team"  # own team's conversations, and own ones
    SEE_ALL = "see_all"
    WORK = "work"  # claim, reply, note, hand back, change severity, solve
    ASSIGN_OTHERS = "assign_others"
    TAKE_OVER = "take_over"  # claim what another agent holds
    EDIT_CANNED = "edit_canned"
    MARK_KEY = "mark_key"  # say who is a key customer
    DRAFT_ARTICLES = "draft_articles"  # read all articles, internal ones too, and write drafts
    PUBLISH_ARTICLES = "publish_articles"  # publish, archive, import, change what readers see
    EDIT_CATALOGUE = "edit_catalogue"  # the bot's draft, and the review of its questions
    PUBLISH_CATALOGUE = "publish_catalogue"  # also the gate's margins
    CONFIGURE = "configure"  # inboxes, agents, teams
    OPERATE = "operate"  # dead letters, failed deliveries


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.AGENT: frozenset({Right.SEE_TEAM, Right.WORK, Right.DRAFT_ARTICLES}),
    Role.LEADER: frozenset(
        {
            Right.SEE_TEAM,
            Right.WORK,
            Right.ASSIGN_OTHERS,
            Right.TAKE_OVER,
            Right.EDIT_CANNED,
            Right.MARK_KEY,
            Right.DRAFT_ARTICLES,
            Right.PUBLISH_ARTICLES,
            Right.EDIT_CATALOGUE,
        }
    ),
    Role.ADMINISTRATOR: frozenset(Right),
}


class Availability(StrEnum):
    """Whether an agent takes conversations now."""

    ONLINE = "online"
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A member of staff; `team_ids` are the teams they work in."""

    id: str
    email: str
    name: str
    role: Role
    active: bool
    language: str
    availability: Availability
    must_change_password: bool
    created_at: int
    team_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A group that works a queue, within its hours."""

    id: str
    name: str
    hours: OpeningHours = DEFAULT_HOURS


def may(agent: Agent, right: Right) -> bool:
    """Whether the agent's role gives the right."""
    return agent.active and right in RIGHTS[agent.role]
