"""Tells widgets, waiting requests and consoles what a commit changed.

Frames for consoles carry ids only: the console feed reads what it needs. Frames for
customers' handles carry the public message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.domain.conversation import PUBLIC_KINDS
from gateway.domain.events import (
    ArticlesChanged,
    ContactChanged,
    ConversationChanged,
    DeliveryQueued,
    Event,
    MessageAdded,
    MessageStateChanged,
    TeamsChanged,
    TicketChanged,
    TurnDone,
)
from gateway.ports.bus import Hub

CONSOLE = "console"
DELIVERIES = "deliveries"
DESK = "desk"
"""A queue or a team changed."""
CUSTOMERS = "customers"
"""What the bot is told of a customer changed."""
ARTICLES = "articles"


def handle_topic(inbox_id: str, handle: str) -> str:
    """The topic of a customer's side of a conversation."""
    return f"handle:{inbox_id}:{handle}"


class Publisher:
    """Turns committed events into frames on the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._by_type: dict[type, Callable[[Any], None]] = {
            MessageAdded: self._message_added,
            MessageStateChanged: self._state_changed,
            ConversationChanged: self._conversation_changed,
            TicketChanged: self._ticket_changed,
            ContactChanged: self._contact_changed,
            TeamsChanged: self._desk_changed,
            TurnDone: self._turn_done,
            DeliveryQueued: self._delivery_queued,
            ArticlesChanged: self._articles_changed,
        }

    def publish(self, events: Sequence[Event]) -> None:
        """Publishes what one commit emitted, in order."""
        for event in events:
            self._by_type[type(event)](event)

    def _to_handle(self, inbox_id: str, handle: str, make: Callable[[], dict[str, Any]]) -> None:
        topic = handle_topic(inbox_id, handle)
        if self._hub.wanted(topic):
            self._hub.publish(topic, make())

    def _to_console(self, frame: dict[str, Any]) -> None:
        if self._hub.wanted(CONSOLE):
            self._hub.publish(CONSOLE, frame)

    def _message_added(self, event: MessageAdded) -> None:
        message = event.message
        if message.kind in PUBLIC_KINDS:
            self._to_handle(
                event.conversation.inbox_id,
                event.conversation.handle,
                lambda: {"type": "message", "message": message.public()},
            )
        self._to_console(
            {
                "type": "message",
                "conversation_id": message.conversation_id,
                "message_id": message.id,
            }
        )

    def _state_changed(self, event: MessageStateChanged) -> None:
        ids = list(event.message_ids)
        self._to_handle(
            event.inbox_id,
            event.handle,
            lambda: {"type": "state", "ids": ids, "state": event.state.value},
        )
        self._to_console(
            {
                "type": "message_state",
                "conversation_id": event.conversation_id,
                "ids": ids,
                "state": event.state.value,
                "failure": event.failure,
            }
        )

    def _conversation_changed(self, event: ConversationChanged) -> None:
        conversation = event.conversation
        self._to_handle(
            conversation.inbox_id,
            conversation.handle,
            lambda: {
                "type": "controller",
                "controller": conversation.controller.value,
                "agent": event.agent_name,
            },
        )
        self._to_console({"type": "conversation", "conversation_id": conversation.id})
        self._desk_changed(event)

    def _ticket_changed(self, event: TicketChanged) -> None:
        self._to_console(
            {
                "type": "ticket",
                "conversation_id": event.ticket.conversation_id,
                "ticket_id": event.ticket.id,
                "opened": event.opened,
            }
        )

        self._customer_changed(event.ticket.contact_id)

    def _contact_changed(self, event: ContactChanged) -> None:
        self._customer_changed(event.contact.id)

    def _customer_changed(self, contact_id: str) -> None:
        if self._hub.wanted(CUSTOMERS):
            self._hub.publish(CUSTOMERS, {"type": "changed", "contact_id": contact_id})

    def _desk_changed(self, _: ConversationChanged | TeamsChanged) -> None:
        if self._hub.wanted(DESK):
            self._hub.publish(DESK, {"type": "changed"})

    def _turn_done(self, event: TurnDone) -> None:
        topic = handle_topic(event.inbox_id, event.handle)
        if self._hub.wanted(topic):
            self._hub.publish(topic, {"type": "turn_done", "external_id": event.external_id})

    def _delivery_queued(self, event: DeliveryQueued) -> None:
        if self._hub.wanted(DELIVERIES):
            self._hub.publish(DELIVERIES, {"type": "queued"})

    def _articles_changed(self, _: ArticlesChanged) -> None:
        self._hub.publish(ARTICLES, {"type": "changed"})
