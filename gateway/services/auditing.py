"""The audit: one row for each change, written in the change's own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.domain.records import AuditEntry
from gateway.ports.store import UnitOfWork

SYSTEM = "system"


def note(
    uow: UnitOfWork,
    actor_id: str | None,
    action: str,
    thing: tuple[str, str],
    *,
    now: int,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Writes an audit row.

    Args:
        uow: the transaction of the change.
        actor_id: the agent; None for the system itself.
        action: what was done, such as `ticket.solved`.
        thing: type and id of what was changed.
        now: ms since the epoch.
        before: the changed fields as they were; never secrets.
        after: the changed fields as they are; never secrets.
    """
    uow.audit.add(
        AuditEntry(
            at=now,
            actor_id=actor_id or SYSTEM,
            action=action,
            object_type=thing[0],
            object_id=thing[1],
            before=before or {},
            after=after or {},
        )
    )
