"""Tells the customer's side and the consoles that an agent is typing."""

from __future__ import annotations

from gateway.domain.conversation import Controller, Conversation
from gateway.domain.people import Agent, Right, may
from gateway.ports.bus import Hub
from gateway.services.publishing import CONSOLE, handle_topic


def tell_typing(hub: Hub, conversation: Conversation, agent: Agent) -> None:
    """Publishes to the consoles, and to the customer if the agent is the one to answer."""
    topic = handle_topic(conversation.inbox_id, conversation.handle)
    if _is_answering(conversation, agent) and hub.wanted(topic):
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


def _is_answering(conversation: Conversation, agent: Agent) -> bool:
    """Whether the agent holds the conversation, or nobody does and they may take it.

    What others write while the bot or a colleague is in charge is none of the customer's business.
    """
    if conversation.controller is Controller.BOT:
        return False
    return conversation.agent_id == agent.id or (
        conversation.agent_id is None and may(agent, Right.WORK)
    )
