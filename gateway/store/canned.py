"""Canned responses."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, or_, select

from gateway.domain.errors import ConflictError, NotFoundError
from gateway.domain.records import CannedResponse
from gateway.store.rows import insert_into, pick, select_by, update_by
from gateway.store.session import Row, Session, Statement
from gateway.store.tables import canned_responses

_COLUMNS = ("id", "shortcut", "title", "text", "language", "team_id", "updated_at")

_BY_ID = select_by(canned_responses, _COLUMNS, "id")
_SAME = select_by(canned_responses, ("id", "language", "team_id"), "shortcut")
_INSERT = insert_into(canned_responses, _COLUMNS)
_UPDATE = update_by(canned_responses, _COLUMNS[1:], "id")
_DELETE = Statement(
    delete(canned_responses).where(canned_responses.c.id == bindparam("key")), "key"
)


def _to_canned(row: Row) -> CannedResponse:
    return CannedResponse(**dict(zip(_COLUMNS, row, strict=True)))


class SqlCanned:
    """`gateway.ports.people.Canned`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, team_ids: Sequence[str] | None) -> list[CannedResponse]:
        """Everyone's, and those of these teams (None: of every team), by shortcut."""
        table = canned_responses.c
        query = select(*pick(canned_responses, _COLUMNS))
        if team_ids is not None:
            query = query.where(or_(table.team_id.is_(None), table.team_id.in_(team_ids)))
        rows = self._session.select(query.order_by(table.shortcut, table.language, table.id))
        return [_to_canned(tuple(row)) for row in rows]

    def get(self, canned_id: str) -> CannedResponse:
        """One."""
        row = self._session.row(_BY_ID, (canned_id,))
        if row is None:
            raise NotFoundError("There is no such canned response.")
        return _to_canned(row)

    def save(self, canned: CannedResponse) -> None:
        """Inserts or replaces.

        Raises:
            ConflictError: the shortcut is taken, in this language and by this team.
        """
        for taken, language, team_id in self._session.rows(_SAME, (canned.shortcut,)):
            if taken != canned.id and (language, team_id) == (canned.language, canned.team_id):
                raise ConflictError(
                    f"The shortcut {canned.shortcut} is taken; choose another.", field="/shortcut"
                )
        values = tuple(getattr(canned, name) for name in _COLUMNS)
        if not self._session.run(_UPDATE, (*values[1:], canned.id)):
            self._session.run(_INSERT, values)

    def remove(self, canned_id: str) -> None:
        """Deletes."""
        self._session.run(_DELETE, (canned_id,))
