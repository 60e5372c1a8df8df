"""What the database says after the storm: each promise as a check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa


class Ledger:
    """Reads a stopped gateway's database, without the gateway's own code."""

    def __init__(self, url: str) -> None:
        driver = url.replace("postgresql://", "postgresql+psycopg://")
        self._engine = sa.create_engine(driver)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """The rows of a query."""
        with self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(sa.text(statement))]

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def check_nothing_lost(self, acknowledged: Mapping[str, Sequence[str]]) -> int:
        """Every acknowledged message is there once, in its sender's order."""
        stored: dict[str, list[str]] = defaultdict(list)
        for row in self.rows(
            "SELECT c.handle AS sender, m.external_id AS id FROM messages m"
            " JOIN conversations c ON c.id = m.conversation_id"
            " WHERE m.kind = 'customer' ORDER BY c.handle, m.seq"
        ):
            stored[row["sender"]].append(row["id"])
        for sender, sent in acknowledged.items():
            assert stored[sender] == list(sent), f"{sender}: lost, doubled or out of order"
        return sum(len(sent) for sent in stored.values())

    def check_each_settled_once(self) -> None:
        """Each customer message got one turn, or its conversation has a ticket."""
        for row in self.rows(
            "SELECT m.id, m.external_id,"
            " (SELECT count(*) FROM turns t WHERE t.message_id = m.id) AS turns,"
            " (SELECT count(*) FROM tickets k WHERE k.conversation_id = m.conversation_id)"
            " AS tickets FROM messages m WHERE m.kind = 'customer'"
        ):
            assert row["turns"] <= 1, f"{row['external_id']} got {row['turns']} turns"
            assert row["turns"] or row["tickets"], f"{row['external_id']} was left without answer"

    def check_one_open_ticket(self) -> None:
        """No conversation got two tickets from one hand-off."""
        doubled = self.rows(
            "SELECT conversation_id, count(*) AS n FROM tickets GROUP BY conversation_id"
            " HAVING count(*) > 1"
        )
        assert not doubled

    def check_replies_not_doubled(self) -> None:
        """No customer message has more bot messages than its one decision gave."""
        doubled = self.rows(
            "SELECT conversation_id, in_reply_to, text, count(*) AS n FROM messages"
            " WHERE kind = 'bot' GROUP BY conversation_id, in_reply_to, text HAVING count(*) > 1"
        )
        assert not doubled

    def check_delivered(self, received: Sequence[Mapping[str, Any]]) -> None:
        """Everything outgoing arrived; a repeat carries the same id; order holds."""
        outgoing = self.rows(
            "SELECT m.id, m.conversation_id, m.seq, m.state FROM messages m"
            " WHERE m.kind = 'bot' ORDER BY m.conversation_id, m.seq"
        )
        assert {row["state"] for row in outgoing} <= {"sent"}
        first_seen = {item["id"]: place for place, item in reversed(list(enumerate(received)))}
        assert set(first_seen) == {row["id"] for row in outgoing}
        places: dict[str, list[int]] = defaultdict(list)
        for row in outgoing:
            places[row["conversation_id"]].append(first_seen[row["id"]])
        for conversation, order in places.items():
            assert order == sorted(order), f"{conversation}: answers out of order"
        assert not self.rows("SELECT id FROM outbox")
