"""Who changed what."""

from __future__ import annotations

from sqlalchemy import select

from gateway.domain.records import AuditEntry
from gateway.store.rows import dump_map, insert_into, load_map, pick
from gateway.store.session import Session
from gateway.store.tables import audit

_COLUMNS = ("at", "actor_id", "action", "object_type", "object_id", "before", "after")
_INSERT = insert_into(audit, _COLUMNS)


class SqlAudit:
    """`gateway.ports.people.Audit`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, entry: AuditEntry) -> None:
        """Inserts."""
        values = (
            entry.at,
            entry.actor_id,
            entry.action,
            entry.object_type,
            entry.object_id,
            dump_map(entry.before),
            dump_map(entry.after),
        )
        self._session.run(_INSERT, values)

    def page(self, *, before: int | None, limit: int) -> list[tuple[int, AuditEntry]]:
        """Entries with their numbers, newest first."""
        query = select(audit.c.id, *pick(audit, _COLUMNS))
        if before is not None:
            query = query.where(audit.c.id < before)
        rows = self._session.select(query.order_by(audit.c.id.desc()).limit(limit))
        return [
            (
                row[0],
                AuditEntry(
                    at=row[1],
                    actor_id=row[2],
                    action=row[3],
                    object_type=row[4],
                    object_id=row[5],
                    before=load_map(row[6]),
                    after=load_map(row[7]),
                ),
            )
            for row in rows
        ]
