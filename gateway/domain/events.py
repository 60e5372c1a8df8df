"""What happened: emitted inside a transaction, published after its commit."""

from __future__ import annotations

from dataclasses import dataclass

from channels.contract import MessageState
from gateway.domain.conversation import Contact, Conversation, Message
from gateway.domain.ticket import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAdded:
    """A message now stands in a conversation."""

    conversation: Conversation
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStateChanged:
    """Outgoing messages of one conversation got further, or failed."""

    conversation_id: str
    inbox_id: str
    handle: str
    message_ids: tuple[str, ...]
    state: MessageState
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationChanged:
    """Controller, agent, team, status, language or subject changed."""

    conversation: Conversation
    agent_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketChanged:
    """A ticket was opened or changed."""

    ticket: Ticket
    opened: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged:
    """What is known of a customer changed."""

    contact: Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsChanged:
    """A team was added, or its name or hours changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDone:
    """An inbound message was dealt with on a mailbox channel."""

    inbox_id: str
    handle: str
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQueued:
    """The outbox holds deliveries for these conversations."""

    conversation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlesChanged:
    """What is published of the knowledge base changed."""


Event = (
    MessageAdded
    | MessageStateChanged
    | ConversationChanged
    | TicketChanged
    | ContactChanged
    | TeamsChanged
    | TurnDone
    | DeliveryQueued
    | ArticlesChanged
)
