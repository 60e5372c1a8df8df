"""Signing in, one's own account, agents, teams, contacts and canned responses."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.errors import InvalidInputError, NotSignedInError
from gateway.domain.hours import HoursError
from gateway.domain.people import RIGHTS, Agent, Right, Team
from gateway.domain.records import SignInSession
from gateway.http import admin_answers, answers, inputs
from gateway.http.auth import clear_cookie, set_cookie
from gateway.http.call import Call, json_response
from gateway.http.origin import is_same_site
from gateway.http.problems import ProblemError
from gateway.http.registry import Endpoint
from gateway.http.serial import Json, agent_json, team_json
from gateway.ports.store import UnitOfWork
from gateway.services import people, signing_in
from gateway.services.access import require


async def sign_in(call: Call) -> web.Response:
    """Begins a session and gives the browser its cookie."""
    if not is_same_site(call.request, call.parts.public_url):
        raise ProblemError("csrf", "Sign in from a page of this server.")
    body = call.body(inputs.SignIn)
    address = call.request.remote or ""
    attempt = (address, body.email.strip().lower())
    call.desk.sign_ins.begin(*attempt, now=call.now)
    signed_in = await signing_in.sign_in(
        call.parts.store,
        call.parts.passwords,
        body.email,
        body.password,
        address=address,
        browser=_readable(call.request.headers.get("User-Agent", ""))[:200],
        now=call.now,
    )
    call.desk.sign_ins.succeed(*attempt)
    teams = await call.read(lambda uow: uow.agents.teams())
    response = json_response(_me(call, signed_in.agent, signed_in.session, teams))
    set_cookie(response, call.request, call.parts, signed_in.token)
    return response


def _readable(header: str) -> str:
    """A header's value without bytes and characters that a database may not take."""
    text = header.encode("utf-8", "replace").decode("utf-8")
    return "".join(char for char in text if char.isprintable())


async def sign_out(call: Call) -> web.Response:
    """Ends the session."""
    session = _session(call)
    await call.write(
        lambda uow: signing_in.sign_out(uow, call.agent, session.token_hash, now=call.now)
    )
    call.desk.presence.end_sessions(call.agent.id, only=session.token_hash)
    response = web.Response(status=204)
    clear_cookie(response, call.request, call.parts)
    return response


async def read_me(call: Call) -> Json:
    """Who is signed in, with their rights."""
    teams = await call.read(lambda uow: uow.agents.teams())
    return _me(call, call.agent, _session(call), teams)


async def change_me(call: Call) -> Json:
    """Changes one's own name, language or availability."""
    changes = call.changes()

    def work(uow: UnitOfWork) -> tuple[Agent, list[Team]]:
        changed = people.change_self(uow, call.agent, changes, now=call.now)
        return changed, uow.agents.teams()

    agent, teams = await call.write(work)
    call.desk.presence.tell_agent_changed(agent)
    return _me(call, agent, _session(call), teams)


async def change_password(call: Call) -> None:
    """Replaces one's own password; other sessions end."""
    body = call.body(inputs.PasswordChange)
    session = _session(call)
    attempt = f"password:{call.agent.id}"
    call.desk.limiter.begin(attempt, now=call.now)
    await signing_in.change_password(
        call.parts.store,
        call.parts.passwords,
        call.agent,
        current=body.current,
        new=body.new,
        keep=session.token_hash,
        now=call.now,
    )
    call.desk.limiter.succeed(attempt)
    call.desk.presence.end_sessions(call.agent.id, keep=session.token_hash)


def _session(call: Call) -> SignInSession:
    if call.session is None:
        raise NotSignedInError("Sign in first.")
    return call.session


def _me(call: Call, agent: Agent, session: SignInSession, teams: list[Team]) -> Json:
    return {
        "agent": agent_json(agent, present=call.desk.presence.is_present(agent.id)),
        "csrf": session.csrf,
        "rights": sorted(RIGHTS[agent.role]),
        "must_change_password": agent.must_change_password,
        "teams": [team_json(team) for team in teams if team.id in agent.team_ids],
    }


async def list_agents(call: Call) -> Json:
    """Everyone on staff."""

    def work(uow: UnitOfWork) -> list[Agent]:
        require(call.agent, Right.SEE_TEAM)
        return uow.agents.all()

    return {"items": [_agent(call, agent) for agent in await call.read(work)]}


async def add_agent(call: Call) -> web.Response:
    """Adds an agent and tells their one-time password, once."""
    body = call.body(inputs.AgentInput)
    require(call.agent, Right.CONFIGURE)
    new = people.NewAgent(
        email=body.email,
        name=body.name,
        role=body.role,
        language=body.language,
        team_ids=tuple(dict.fromkeys(body.team_ids)),
    )
    agent, password = await signing_in.create_agent(
        call.parts.store,
        call.parts.passwords,
        call.agent,
        new,
        now=call.now,
        new_id=call.new_id,
    )
    answer = {"agent": _agent(call, agent), "one_time_password": password}
    return json_response(answer, status=201)


async def change_agent(call: Call) -> Json:
    """Changes an agent's name, role, language, teams, or whether they are active."""
    changes = call.changes()
    if "team_ids" in changes:
        changes["team_ids"] = tuple(dict.fromkeys(changes["team_ids"]))
    agent = await call.write(
        lambda uow: people.change_agent(
            uow, call.agent, call.path("id"), changes, now=call.now, new_id=call.new_id
        )
    )
    if not agent.active:
        call.desk.presence.end_sessions(agent.id)
    call.desk.presence.tell_agent_changed(agent)
    return _agent(call, agent)


async def reset_password(call: Call) -> Json:
    """Gives an agent a one-time password and signs them out."""
    require(call.agent, Right.CONFIGURE)
    password = await signing_in.renew_password(
        call.parts.store, call.parts.passwords, call.agent, call.path("id"), now=call.now
    )
    call.desk.presence.end_sessions(call.path("id"))
    return {"one_time_password": password}


def _agent(call: Call, agent: Agent) -> Json:
    return agent_json(agent, present=call.desk.presence.is_present(agent.id))


async def list_teams(call: Call) -> Json:
    """Every team."""
    teams = await call.read(lambda uow: uow.agents.teams())
    return {"items": [team_json(team) for team in teams]}


async def add_team(call: Call) -> web.Response:
    """Adds a team."""
    name = call.body(inputs.TeamInput).name
    return await call.create(
        lambda uow: team_json(
            people.add_team(uow, call.agent, name, now=call.now, new_id=call.new_id)
        )
    )


async def change_team(call: Call) -> Json:
    """Changes a team's name or hours."""
    changes = call.changes()
    if "hours" in changes:
        try:
            changes["hours"] = call.body(inputs.TeamChange).hours.made()
        except HoursError as error:
            words = error.words.by_language()
            raise InvalidInputError(
                str(error), field=f"/hours{error.field}", words=words
            ) from error
    team = await call.write(
        lambda uow: people.change_team(uow, call.agent, call.path("id"), changes, now=call.now)
    )
    return team_json(team)


_ACCOUNT = "Account"
_STAFF = "Agents and teams"

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/sign-in",
        handler=sign_in,
        tag=_ACCOUNT,
        summary="Sign in; sets the session cookie",
        body=inputs.SignIn,
        answer=answers.Me,
        errors=("not_signed_in", "rate_limited", "csrf"),
        public=True,
        limit=10_000,
    ),
    Endpoint(
        method="POST",
        path="/sign-out",
        handler=sign_out,
        tag=_ACCOUNT,
        summary="Sign out",
        body=inputs.Empty,
        status=204,
        free=True,
    ),
    Endpoint(
        method="GET",
        path="/me",
        handler=read_me,
        tag=_ACCOUNT,
        summary="Who is signed in, with rights and CSRF token",
        answer=answers.Me,
        free=True,
    ),
    Endpoint(
        method="PATCH",
        path="/me",
        handler=change_me,
        tag=_ACCOUNT,
        summary="Change your name, language or availability",
        body=inputs.MeChange,
        answer=answers.Me,
        free=True,
    ),
    Endpoint(
        method="POST",
        path="/me/password",
        handler=change_password,
        tag=_ACCOUNT,
        summary="Change your password; other sessions end",
        body=inputs.PasswordChange,
        status=204,
        errors=("rate_limited", "conflict"),
        free=True,
    ),
    Endpoint(
        method="GET",
        path="/agents",
        handler=list_agents,
        tag=_STAFF,
        summary="Everyone on staff",
        answer=answers.AgentList,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="POST",
        path="/agents",
        handler=add_agent,
        tag=_STAFF,
        summary="Add an agent; tells the one-time password, once",
        body=inputs.AgentInput,
        answer=admin_answers.NewAgentAnswer,
        status=201,
        right=Right.CONFIGURE,
        errors=("conflict",),
    ),
    Endpoint(
        method="PATCH",
        path="/agents/{id}",
        handler=change_agent,
        tag=_STAFF,
        summary="Change an agent; deactivating gives their conversations back to the queues",
        body=inputs.AgentChange,
        answer=answers.Agent,
        right=Right.CONFIGURE,
        errors=("conflict",),
    ),
    Endpoint(
        method="POST",
        path="/agents/{id}/reset-password",
        handler=reset_password,
        tag=_STAFF,
        summary="Give an agent a one-time password and sign them out",
        body=inputs.Empty,
        answer=admin_answers.OneTimePassword,
        right=Right.CONFIGURE,
    ),
    Endpoint(
        method="GET",
        path="/teams",
        handler=list_teams,
        tag=_STAFF,
        summary="Every team",
        answer=answers.TeamList,
    ),
    Endpoint(
        method="POST",
        path="/teams",
        handler=add_team,
        tag=_STAFF,
        summary="Add a team",
        body=inputs.TeamInput,
        answer=answers.Team,
        status=201,
        right=Right.CONFIGURE,
        creates=True,
    ),
    Endpoint(
        method="PATCH",
        path="/teams/{id}",
        handler=change_team,
        tag=_STAFF,
        summary="Change a team's name or opening hours",
        body=inputs.TeamChange,
        answer=answers.Team,
        right=Right.CONFIGURE,
        errors=("conflict",),
    ),
)
