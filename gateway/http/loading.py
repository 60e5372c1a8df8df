"""Reads what the API's objects need beside themselves, in as few statements as possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.domain.conversation import Message
from gateway.domain.people import Agent
from gateway.domain.ticket import Ticket
from gateway.http.serial import (
    ArticleTitle,
    Json,
    contact_json,
    conversation_json,
    message_json,
    ticket_json,
)
from gateway.ports.conversations import ConversationRow
from gateway.ports.store import UnitOfWork
from gateway.services.access import ContactRecord, contact_record, get_contact


def load_tickets(uow: UnitOfWork, tickets: Sequence[Ticket]) -> list[Json]:
    """Tickets with the names of contacts, teams and agents."""
    if not tickets:
        return []
    contacts = uow.contacts.by_ids(list({t.contact_id for t in tickets}))
    names = {contact.id: contact.name for contact in contacts.values()}
    names.update((team.id, team.name) for team in uow.agents.teams())
    names.update((agent.id, agent.name) for agent in uow.agents.all())
    return [ticket_json(ticket, names) for ticket in tickets]


def load_contact(uow: UnitOfWork, actor: Agent, contact_id: str) -> Json:
    """A contact with the history that the agent may see.

    Raises:
        NotFoundError: there is none of whom the agent may know.
    """
    return _compose_contact(uow, get_contact(uow, actor, contact_id))


def _compose_contact(uow: UnitOfWork, record: ContactRecord) -> Json:
    return contact_json(
        record.contact,
        uow.contacts.handles(record.contact.id),
        {inbox.id: inbox.name for inbox in uow.inboxes.all()},
        record.conversations,
        load_tickets(uow, record.tickets),
    )


def load_conversation(uow: UnitOfWork, actor: Agent, conversation_id: str) -> Json:
    """A conversation that the agent was allowed to see or has just changed."""
    row = uow.conversations.row(conversation_id)
    record = contact_record(uow, actor, row.conversation.contact_id)
    participants = uow.participants.of(conversation_id)
    return conversation_json(row, _compose_contact(uow, record), participants)


def load_messages(
    uow: UnitOfWork, messages: Sequence[Message], article_title: ArticleTitle
) -> list[Json]:
    """Messages, of whatever conversations, with their trails."""
    rows = uow.conversations.rows(_distinct(m.conversation_id for m in messages))
    return compose_messages(uow, messages, rows, article_title)


def compose_messages(
    uow: UnitOfWork,
    messages: Sequence[Message],
    rows: Mapping[str, ConversationRow],
    article_title: ArticleTitle,
) -> list[Json]:
    """Messages with their trails, where the conversations' rows are known already."""
    if not messages:
        return []
    trails = uow.trail.of_messages([m.id for m in messages])
    return [
        message_json(m, trails.get(m.id, ()), rows[m.conversation_id], article_title)
        for m in messages
    ]


def _distinct(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))
