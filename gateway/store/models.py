"""Model files in pieces, so that every process serves the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select

from gateway.store.catalogue_tables import model_pieces, models
from gateway.store.rows import insert_into, select_by
from gateway.store.session import Session, Statement

_SIZE = select_by(models, ("size",), "lessons")
_ADD = insert_into(models, ("lessons", "size", "created_at"))
_DROP = Statement(delete(models).where(models.c.lessons == bindparam("key")), "key")
_PIECE = Statement(
    select(model_pieces.c.content).where(
        model_pieces.c.lessons == bindparam("key"), model_pieces.c.place == bindparam("number")
    ),
    "key",
    "number",
)
_ADD_PIECE = insert_into(model_pieces, ("lessons", "place", "content"))
_DROP_PIECE = Statement(
    delete(model_pieces).where(
        model_pieces.c.lessons == bindparam("key"), model_pieces.c.place == bindparam("number")
    ),
    "key",
    "number",
)
_DROP_PIECES = Statement(
    delete(model_pieces).where(model_pieces.c.lessons == bindparam("key")), "key"
)


class SqlModels:
    """`gateway.ports.catalogue.Models`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def size(self, lessons: str) -> int | None:
        """Bytes of a complete model, or None."""
        row = self._session.row(_SIZE, (lessons,))
        return None if row is None else int(row[0])

    def piece(self, lessons: str, place: int) -> bytes | None:
        """One piece, counted from 0."""
        row = self._session.row(_PIECE, (lessons, place))
        return None if row is None else bytes(row[0])

    def put_piece(self, lessons: str, place: int, content: bytes) -> None:
        """Inserts or replaces; the model is there only after `complete`."""
        self._session.run(_DROP_PIECE, (lessons, place))
        self._session.run(_ADD_PIECE, (lessons, place, content))

    def complete(self, lessons: str, size: int, now: int) -> None:
        """All pieces are there."""
        self._session.run(_DROP, (lessons,))
        self._session.run(_ADD, (lessons, size, now))

    def keys(self) -> list[str]:
        """What complete models are there."""
        return [row[0] for row in self._session.select(select(models.c.lessons))]

    def keep_only(self, lessons: Sequence[str]) -> int:
        """Deletes the others; returns how many."""
        gone = [key for key in self.keys() if key not in set(lessons)]
        for key in gone:
            self._session.run(_DROP, (key,))
            self._session.run(_DROP_PIECES, (key,))
        return len(gone)
