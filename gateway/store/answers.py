"""Answers to requests with an idempotency key."""

from __future__ import annotations

from sqlalchemy import bindparam, delete

from gateway.domain.records import StoredAnswer
from gateway.store.rows import insert_into, select_by
from gateway.store.session import Session, Statement
from gateway.store.tables import answers

_COLUMNS = ("key", "fingerprint", "status", "body", "created_at")
_INSERT = insert_into(answers, _COLUMNS)
_FIND = select_by(answers, _COLUMNS, "key")
_DELETE_OLDER = Statement(
    delete(answers).where(answers.c.created_at < bindparam("created_before")), "created_before"
)


class SqlAnswers:
    """`gateway.ports.store.Answers`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, key: str) -> StoredAnswer | None:
        """What the first request with that key was answered with."""
        row = self._session.row(_FIND, (key,))
        if row is None:
            return None
        return StoredAnswer(
            key=row[0],
            fingerprint=row[1],
            status=row[2],
            body=bytes(row[3]),
            created_at=row[4],
        )

    def add(self, answer: StoredAnswer) -> None:
        """Inserts; two at once with one key end in a ConflictError for the later."""
        self._session.run(_INSERT, tuple(getattr(answer, name) for name in _COLUMNS))

    def remove_older(self, created_before: int) -> int:
        """Forgets old ones."""
        return self._session.run(_DELETE_OLDER, (created_before,))
