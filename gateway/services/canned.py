"""Canned responses: ready texts that agents call by a shortcut."""

from __future__ import annotations

from dataclasses import asdict, replace

from gateway.domain.errors import InvalidInputError, NotAllowedError, NotFoundError
from gateway.domain.people import Agent, Right, may
from gateway.domain.records import CannedResponse
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.auditing import note


def list_canned(uow: UnitOfWork, actor: Agent) -> list[CannedResponse]:
    """Those that the agent may use: everyone's and their teams'; administrators see all."""
    require(actor, Right.WORK)
    return uow.canned.all(None if may(actor, Right.SEE_ALL) else actor.team_ids)


def add_canned(uow: UnitOfWork, actor: Agent, canned: CannedResponse) -> CannedResponse:
    """Adds one.

    Raises:
        NotAllowedError: the role does not permit it, or not for that team.
        InvalidInputError: no such team.
        ConflictError: the shortcut is taken.
    """
    _check_team(uow, actor, canned.team_id)
    uow.canned.save(canned)
    _note(uow, actor, "canned_response.added", None, canned)
    return canned


def change_canned(uow: UnitOfWork, actor: Agent, canned: CannedResponse) -> CannedResponse:
    """Replaces the one with the same id.

    Raises:
        NotFoundError: there is none with that id that the agent may know of.
        NotAllowedError: the role does not permit it, or not for that team.
        InvalidInputError: no such team.
        ConflictError: the shortcut is taken.
    """
    before = _get(uow, actor, canned.id)
    _check_team(uow, actor, before.team_id)
    _check_team(uow, actor, canned.team_id)
    uow.canned.save(canned)
    _note(uow, actor, "canned_response.changed", before, canned)
    return canned


def remove_canned(uow: UnitOfWork, actor: Agent, canned_id: str, *, now: int) -> None:
    """Removes one.

    Raises:
        NotFoundError: there is none with that id that the agent may know of.
        NotAllowedError: the role does not permit it, or not for that team.
    """
    before = _get(uow, actor, canned_id)
    _check_team(uow, actor, before.team_id)
    uow.canned.remove(canned_id)
    _note(uow, actor, "canned_response.removed", replace(before, updated_at=now), None)


def _get(uow: UnitOfWork, actor: Agent, canned_id: str) -> CannedResponse:
    require(actor, Right.EDIT_CANNED)
    canned = uow.canned.get(canned_id)
    if not _is_theirs(actor, canned.team_id):
        raise NotFoundError("There is no such canned response.")
    return canned


def _is_theirs(actor: Agent, team_id: str | None) -> bool:
    return team_id is None or team_id in actor.team_ids or may(actor, Right.SEE_ALL)


def _check_team(uow: UnitOfWork, actor: Agent, team_id: str | None) -> None:
    require(actor, Right.EDIT_CANNED)
    if team_id is not None and team_id not in {team.id for team in uow.agents.teams()}:
        raise InvalidInputError("There is no such team.", field="/team_id")
    if not _is_theirs(actor, team_id):
        raise NotAllowedError("You can only edit canned responses of your own teams.")


def _note(
    uow: UnitOfWork,
    actor: Agent,
    action: str,
    before: CannedResponse | None,
    after: CannedResponse | None,
) -> None:
    present = after or before
    assert present is not None  # noqa: S101 -- one of the two is always given
    note(
        uow,
        actor.id,
        action,
        ("canned_response", present.id),
        before=asdict(before) if before else None,
        after=asdict(after) if after else None,
        now=present.updated_at,
    )
