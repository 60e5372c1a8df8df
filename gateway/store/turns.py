"""What the bot decided."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.records import TurnRecord
from gateway.store.rows import insert_into, select_by
from gateway.store.session import Session
from gateway.store.tables import turns

_COLUMNS = (
    "message_id",
    "conversation_id",
    "intent",
    "confidence",
    "decision",
    "reason",
    "article",
    "catalogue_version",
    "ms",
    "created_at",
)
_INSERT = insert_into(turns, _COLUMNS)
_OF_MESSAGE = select_by(turns, _COLUMNS, "message_id")


class SqlTurns:
    """`gateway.ports.conversations.Turns`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, turns: Sequence[TurnRecord]) -> None:
        """Inserts; the messages must be there."""
        values = [
            (
                item.message_id,
                item.conversation_id,
                item.intent,
                item.confidence,
                item.decision,
                item.reason,
                item.article,
                item.catalogue_version,
                item.ms,
                item.created_at,
            )
            for item in turns
        ]
        self._session.run_many(_INSERT, values)

    def of_message(self, message_id: str) -> TurnRecord | None:
        """The turn taken on a customer's message."""
        row = self._session.row(_OF_MESSAGE, (message_id,))
        return None if row is None else TurnRecord(**dict(zip(_COLUMNS, row, strict=True)))
