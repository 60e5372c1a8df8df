"""What agents look at: lists, counts, search, messages, trails, tickets, each in their scope."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.conversation import Message
from gateway.domain.people import Agent, Right
from gateway.domain.ticket import Ticket, TicketState
from gateway.domain.trail import TrailEntry
from gateway.ports.conversations import ConversationFilter, ConversationRow, ListView, SearchHit
from gateway.ports.store import UnitOfWork
from gateway.services.access import get_conversation, get_message, require, scope_of


def list_conversations(
    uow: UnitOfWork,
    actor: Agent,
    view: ListView,
    *,
    limit: int,
    before: tuple[int, str] | None = None,
    inbox_id: str | None = None,
    team_id: str | None = None,
    severity: str | None = None,
) -> list[ConversationRow]:
    """Conversations of a list, newest message first.

    Args:
        uow: the transaction.
        actor: who looks.
        view: which list.
        limit: at most so many.
        before: time (ms since the epoch) and id of the last one seen, None at the beginning.
        inbox_id: only of this inbox.
        team_id: only of this team.
        severity: only with a ticket of this severity.

    Raises:
        NotAllowedError: the agent may not see conversations at all.
    """
    require(actor, Right.SEE_TEAM)
    return uow.conversations.page(
        ConversationFilter(
            scope=scope_of(actor),
            view=view,
            limit=limit,
            before=before,
            inbox_id=inbox_id,
            team_id=team_id,
            severity=severity,
        )
    )


def count_conversations(uow: UnitOfWork, actor: Agent) -> dict[ListView, int]:
    """How many conversations each list holds; each count stops at 1,000.

    Raises:
        NotAllowedError: the agent may not see conversations at all.
    """
    require(actor, Right.SEE_TEAM)
    return uow.conversations.counts(scope_of(actor))


def search_conversations(uow: UnitOfWork, actor: Agent, words: str, limit: int) -> list[SearchHit]:
    """Where messages, contact, subject or ticket number match, newest first.

    Raises:
        NotAllowedError: the agent may not see conversations at all.
    """
    require(actor, Right.SEE_TEAM)
    return uow.conversations.search(scope_of(actor), words, limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """Messages of a conversation in order; `has_more` beyond the page's far end."""

    row: ConversationRow
    messages: list[Message]
    has_more: bool


def list_messages(
    uow: UnitOfWork,
    actor: Agent,
    conversation_id: str,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
) -> MessagePage:
    """At most `limit` messages: those after a `seq`, those before one, or the newest.

    Raises:
        NotFoundError: there is no such conversation in the agent's scope.
    """
    found = get_conversation(uow, actor, conversation_id)
    messages = uow.messages.page(found.id, after=after, before=before, limit=limit + 1)
    has_more = len(messages) > limit
    if has_more:  # the one too many is the farthest from where the page begins
        messages = messages[1:] if after is None else messages[:-1]
    return MessagePage(row=uow.conversations.row(found.id), messages=messages, has_more=has_more)


def read_trail(uow: UnitOfWork, actor: Agent, message_id: str) -> list[TrailEntry]:
    """What happened to a message, hop by hop.

    Raises:
        NotFoundError: there is no such message in the agent's scope.
    """
    message, _ = get_message(uow, actor, message_id)
    return uow.trail.of_message(message.id)


def list_tickets(
    uow: UnitOfWork, actor: Agent, *, state: TicketState | None, before: int | None, limit: int
) -> list[Ticket]:
    """Tickets by falling number; `before` is the last number seen, None at the beginning.

    Raises:
        NotAllowedError: the agent may not see conversations at all.
    """
    require(actor, Right.SEE_TEAM)
    return uow.tickets.page(scope_of(actor), state=state, before=before, limit=limit)
