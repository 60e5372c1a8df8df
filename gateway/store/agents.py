"""Agents, their teams, passwords and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import bindparam, delete, literal_column, select

from gateway.domain.errors import NotFoundError
from gateway.domain.hours import OpeningHours, Range, Ranges
from gateway.domain.people import Agent, Availability, Role, Team
from gateway.domain.records import SignInSession
from gateway.store.rows import dump_map, insert_into, load_map, pick, select_by, update_by
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import agents, sessions, team_members, teams

_COLUMNS = (
    "id",
    "email",
    "name",
    "role",
    "active",
    "language",
    "availability",
    "must_change_password",
    "created_at",
)
_SESSION_COLUMNS = (
    "token_hash",
    "agent_id",
    "csrf",
    "created_at",
    "seen_at",
    "expires_at",
    "address",
    "browser",
)

_BY_ID = select_by(agents, _COLUMNS, "id")
_BY_ID_LOCKED = select_by(agents, _COLUMNS, "id", lock=True)
_BY_EMAIL = select_by(agents, (*_COLUMNS, "password"), "email")
_PASSWORD = select_by(agents, ("password",), "id")
_ALL = Statement(select(*pick(agents, _COLUMNS)).order_by(agents.c.name, agents.c.id))
_ADMINISTRATORS = Statement(
    select(agents.c.id)
    .where(agents.c.active, agents.c.role == literal_column(f"'{Role.ADMINISTRATOR.value}'"))
    .order_by(agents.c.id)
    .with_for_update()
)
_MEMBERS = Statement(
    select(team_members.c.agent_id, team_members.c.team_id).order_by(team_members.c.team_id)
)
_TEAMS_OF = Statement(
    select(team_members.c.team_id)
    .where(team_members.c.agent_id == bindparam("agent_id"))
    .order_by(team_members.c.team_id),
    "agent_id",
)
_INSERT = insert_into(agents, (*_COLUMNS, "password"))
_UPDATE = update_by(agents, _COLUMNS[1:], "id")
_SET_PASSWORD = update_by(agents, ("must_change_password", "password"), "id")
_LEAVE = Statement(delete(team_members).where(team_members.c.agent_id == bindparam("key")), "key")
_JOIN = insert_into(team_members, ("agent_id", "team_id"))
_TEAM_COLUMNS = ("id", "name", "hours")
_TEAMS = Statement(select(*pick(teams, _TEAM_COLUMNS)).order_by(teams.c.name))
_INSERT_TEAM = insert_into(teams, _TEAM_COLUMNS)
_UPDATE_TEAM = update_by(teams, _TEAM_COLUMNS[1:], "id")
_INSERT_SESSION = insert_into(sessions, _SESSION_COLUMNS)
_SESSION = Statement(
    select(*pick(sessions, _SESSION_COLUMNS), *pick(agents, _COLUMNS))
    .join(agents, agents.c.id == sessions.c.agent_id)
    .where(sessions.c.token_hash == bindparam("token_hash")),
    "token_hash",
)
_TOUCH_SESSION = update_by(sessions, ("seen_at", "expires_at"), "token_hash")
_END_SESSION = Statement(delete(sessions).where(sessions.c.token_hash == bindparam("key")), "key")
_END_SESSIONS = Statement(
    delete(sessions).where(
        sessions.c.agent_id == bindparam("agent_id"), sessions.c.token_hash != bindparam("kept")
    ),
    "agent_id",
    "kept",
)
_END_EXPIRED = Statement(delete(sessions).where(sessions.c.expires_at <= bindparam("now")), "now")


def _to_agent(row: Row, team_ids: Sequence[str]) -> Agent:
    return Agent(
        id=row[0],
        email=row[1],
        name=row[2],
        role=Role(row[3]),
        active=bool(row[4]),
        language=row[5],
        availability=Availability(row[6]),
        must_change_password=bool(row[7]),
        created_at=row[8],
        team_ids=tuple(team_ids),
    )


def _values(item: Agent) -> Row:
    return (
        item.id,
        item.email,
        item.name,
        item.role.value,
        item.active,
        item.language,
        item.availability.value,
        item.must_change_password,
        item.created_at,
    )


def _hours_json(hours: OpeningHours) -> str:
    return dump_map(
        {
            "zone": hours.zone,
            "week": [_plain(ranges) for ranges in hours.week],
            "days": {day.isoformat(): _plain(ranges) for day, ranges in hours.days.items()},
        }
    )


def _plain(ranges: Ranges) -> list[list[int]]:
    return [list(each) for each in ranges]


def _to_hours(text: str) -> OpeningHours:
    stored = load_map(text)
    return OpeningHours(
        zone=stored["zone"],
        week=tuple(_to_ranges(ranges) for ranges in stored["week"]),
        days={
            date.fromisoformat(day): _to_ranges(ranges) for day, ranges in stored["days"].items()
        },
    )


def _to_ranges(stored: Sequence[Sequence[int]]) -> Ranges:
    return tuple(Range(start, end) for start, end in stored)


class SqlAgents:
    """`gateway.ports.people.Agents`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, agent_id: str, *, lock: bool = False) -> Agent:
        """One agent; with `lock` nobody else changes it until the commit."""
        row = self._session.row(_BY_ID_LOCKED if lock else _BY_ID, (agent_id,))
        if row is None:
            raise NotFoundError("There is no such agent.")
        return _to_agent(row, self._team_ids(agent_id))

    def by_email(self, email: str) -> tuple[Agent, str] | None:
        """The agent with that address (lower case) and their password hash."""
        row = self._session.row(_BY_EMAIL, (email,))
        if row is None:
            return None
        return _to_agent(row, self._team_ids(row[0])), row[-1]

    def password(self, agent_id: str) -> str:
        """The password hash."""
        row = self._session.row(_PASSWORD, (agent_id,))
        if row is None:
            raise NotFoundError("There is no such agent.")
        return str(row[0])

    def all(self) -> list[Agent]:
        """Every agent, by name."""
        members: dict[str, list[str]] = {}
        for agent_id, team_id in self._session.rows(_MEMBERS):
            members.setdefault(agent_id, []).append(team_id)
        return [_to_agent(row, members.get(row[0], ())) for row in self._session.rows(_ALL)]

    def lock_administrators(self) -> list[str]:
        """The ids of those who administer now; nobody else changes them until the commit."""
        return [row[0] for row in self._session.rows(_ADMINISTRATORS)]

    def add(self, agent: Agent, password: str) -> None:
        """Inserts with a password hash, and the teams."""
        self._session.run(_INSERT, (*_values(agent), password))
        self._join(agent)

    def update(self, agent: Agent) -> None:
        """Writes all columns and the teams."""
        self._session.run(_UPDATE, (*_values(agent)[1:], agent.id))
        self._session.run(_LEAVE, (agent.id,))
        self._join(agent)

    def set_password(self, agent_id: str, password: str, *, must_change: bool) -> None:
        """Replaces the password hash."""
        self._session.run(_SET_PASSWORD, (must_change, password, agent_id))

    def teams(self) -> list[Team]:
        """Every team, by name."""
        return [
            Team(id=row[0], name=row[1], hours=_to_hours(row[2]))
            for row in self._session.rows(_TEAMS)
        ]

    def add_team(self, team: Team) -> None:
        """Inserts."""
        self._session.run(_INSERT_TEAM, (team.id, team.name, _hours_json(team.hours)))

    def update_team(self, team: Team) -> None:
        """Writes all columns."""
        self._session.run(_UPDATE_TEAM, (team.name, _hours_json(team.hours), team.id))

    def add_session(self, session: SignInSession) -> None:
        """Inserts."""
        values = [getattr(session, name) for name in _SESSION_COLUMNS]
        self._session.run(_INSERT_SESSION, values)

    def session(self, token_hash: str) -> tuple[SignInSession, Agent] | None:
        """The session with that token and its agent, expired or not."""
        row = self._session.row(_SESSION, (token_hash,))
        if row is None:
            return None
        width = len(_SESSION_COLUMNS)
        session = SignInSession(**dict(zip(_SESSION_COLUMNS, row, strict=False)))
        return session, _to_agent(row[width:], self._team_ids(session.agent_id))

    def touch_session(self, token_hash: str, *, seen_at: int, expires_at: int) -> None:
        """Extends a session in use."""
        self._session.run(_TOUCH_SESSION, (seen_at, expires_at, token_hash))

    def remove_session(self, token_hash: str) -> None:
        """Signs out."""
        self._session.run(_END_SESSION, (token_hash,))

    def remove_sessions(self, agent_id: str, *, keep: str | None = None) -> None:
        """Signs an agent out everywhere (else)."""
        self._session.run(_END_SESSIONS, (agent_id, keep or ""))

    def remove_expired_sessions(self, now: int) -> int:
        """Deletes what has expired."""
        return self._session.run(_END_EXPIRED, (now,))

    def _team_ids(self, agent_id: str) -> list[str]:
        return [row[0] for row in self._session.rows(_TEAMS_OF, (agent_id,))]

    def _join(self, agent: Agent) -> None:
        self._session.run_many(_JOIN, [(agent.id, team) for team in dict.fromkeys(agent.team_ids)])
