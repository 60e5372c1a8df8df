"""Tells the customer's side and the consoles that an agent is typing."""

from __future__ import annotations

from gateway.domain.conversation import Conversation
from gateway.domain.people import Agent
from gateway.ports.bus import Hub
from gateway.services.publishing import CONSOLE, handle_topic


def tell_typing(hub: Hub, conversation: Conversation, agent: Agent) -> None:
    """Publishes to whoever looks at the conversation from either side."""
    topic = handle_topic(conversation.inbox_id, conversation.handle)
    if hub.wanted(topic):
        hub.publish(topic, {"type": "typing", "author": agent.name})
    if hub.wanted(CONSOLE):
        hub.publish(
            CONSOLE,
            {
                "type": "typing",
                "conversation_id": conversation.id,
                "who": "agent",
                "agent_id": agent.id,
                "name": agent.name,
            },
        )
