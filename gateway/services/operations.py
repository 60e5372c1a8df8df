"""What operators look at: dead letters, failed messages, the audit."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.conversation import Message, preview_of
from gateway.domain.people import Agent, Right
from gateway.domain.records import AuditEntry, DeadLetter
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.auditing import note
from gateway.services.wire import UnreadableEntryError, decode_inbound

UNREADABLE = "(unreadable)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Audit rows with their numbers, newest first, and the names of agents by id."""

    rows: list[tuple[int, AuditEntry]]
    names: dict[str, str]


def failed_messages(uow: UnitOfWork, actor: Agent, limit: int) -> list[Message]:
    """Messages that could not be delivered, newest first.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.OPERATE)
    return uow.messages.failed(limit)


def audit_page(uow: UnitOfWork, actor: Agent, *, before: int | None, limit: int) -> AuditPage:
    """Who changed what.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.CONFIGURE)
    rows = uow.audit.page(before=before, limit=limit)
    return AuditPage(rows=rows, names={agent.id: agent.name for agent in uow.agents.all()})


def note_requeue(uow: UnitOfWork, actor: Agent, letter_id: str, *, now: int) -> None:
    """Writes down that an agent wants a dead letter back on the bus, before it is put there.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.OPERATE)
    note(uow, actor.id, "dead_letter.requeue_requested", ("dead_letter", letter_id), now=now)


def letter_preview(letter: DeadLetter) -> str:
    """The first words of the message that could not be handled."""
    try:
        return preview_of(decode_inbound(letter.payload).text)
    except UnreadableEntryError:
        return UNREADABLE
