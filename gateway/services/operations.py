"""What operators look at: dead letters, failed messages, the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.conversation import Message, preview_of
from gateway.domain.errors import NotFoundError
from gateway.domain.inbox import HasLetters
from gateway.domain.letters import Balance, Discarded
from gateway.domain.people import Agent, Right
from gateway.domain.records import AuditEntry, DeadLetter
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.auditing import note
from gateway.services.wire import UnreadableEntryError, decode_inbound

DAY_MS = 86_400_000
UNREADABLE = "(unreadable)"
_HELD = ("conversation", "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Audit rows with their numbers, newest first, and what people call the things in them.

    `names` are agents' by id, `tickets` the numbers by id, `concerns` the ticket of a row that is
    about a conversation or message, by that one's id.
    """

    rows: list[tuple[int, AuditEntry]]
    names: dict[str, str]
    tickets: dict[str, int]
    concerns: dict[str, str]


def failed_messages(uow: UnitOfWork, actor: Agent, limit: int) -> list[Message]:
    """Messages that could not be delivered, newest first.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.OPERATE)
    return uow.messages.failed(limit)


def discarded_messages(
    uow: UnitOfWork, actor: Agent, inbox_id: str | None, limit: int
) -> list[Discarded]:
    """Messages that came and are not shown (loops, bounces, our own mail), newest first.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.OPERATE)
    return uow.discards.newest(inbox_id, limit=limit)


def find_discarded(uow: UnitOfWork, actor: Agent, inbox_id: str, external_id: str) -> Discarded:
    """One of them.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is none.
    """
    require(actor, Right.OPERATE)
    found = uow.discards.find(inbox_id, external_id)
    if found is None:
        raise NotFoundError("No such message was put aside.")
    return found


def balance(
    uow: UnitOfWork, actor: Agent, has_letters: HasLetters, *, days: int, offset: int, now: int
) -> list[Balance]:
    """What became of what the inboxes with letters received, by day, newest first.

    Args:
        uow: the transaction.
        actor: who asks.
        has_letters: whether a kind of channel has letters.
        days: how many, today among them.
        offset: how far (ms) they begin before those of UTC.
        now: ms since the epoch.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.OPERATE)
    inbox_ids = [inbox.id for inbox in uow.inboxes.all() if has_letters(inbox.kind)]
    since = ((now + offset) // DAY_MS - days + 1) * DAY_MS - offset
    return uow.discards.balance(inbox_ids, since=since, offset=offset)


def audit_page(uow: UnitOfWork, actor: Agent, *, before: int | None, limit: int) -> AuditPage:
    """Who changed what.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.CONFIGURE)
    rows = uow.audit.page(before=before, limit=limit)
    entries = [entry for _, entry in rows]
    concerns = _concerned_tickets(uow, entries)
    wanted = {e.object_id for e in entries if e.object_type == "ticket"} | set(concerns.values())
    for entry in entries:
        told = (entry.before.get("ticket_id"), entry.after.get("ticket_id"))
        wanted |= {value for value in told if isinstance(value, str)}
    return AuditPage(
        rows=rows,
        names={agent.id: agent.name for agent in uow.agents.all()},
        tickets={t.id: t.number for t in uow.tickets.by_ids(sorted(wanted)).values()},
        concerns=concerns,
    )


def _concerned_tickets(uow: UnitOfWork, entries: Sequence[AuditEntry]) -> dict[str, str]:
    """The tickets of the conversations and messages among what was changed, by their ids."""
    ids = {kind: {e.object_id for e in entries if e.object_type == kind} for kind in _HELD}
    homes = {
        message.id: message.conversation_id
        for message in uow.messages.by_ids(sorted(ids["message"])).values()
    }
    homes |= {conversation_id: conversation_id for conversation_id in ids["conversation"]}
    found = uow.conversations.by_ids(sorted(set(homes.values())))
    return {
        object_id: ticket_id
        for object_id, home in homes.items()
        if home in found and (ticket_id := found[home].ticket_id)
    }


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
