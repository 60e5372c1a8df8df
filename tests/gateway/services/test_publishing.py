"""Publishing: who hears of which change, and what customers never hear."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from channels.contract import MessageKind, MessageState
from gateway.bus.hub import LocalHub
from gateway.domain.conversation import Controller, Conversation, ConversationStatus, Message
from gateway.domain.events import (
    ConversationChanged,
    DeliveryQueued,
    Event,
    MessageAdded,
    MessageStateChanged,
    TeamsChanged,
    TicketChanged,
    TurnDone,
)
from gateway.domain.ticket import Severity, Ticket, TicketKind, TicketState
from gateway.services.publishing import (
    CONSOLE,
    CUSTOMERS,
    DELIVERIES,
    DESK,
    Publisher,
    handle_topic,
)

CONVERSATION = Conversation(
    id="c1",
    key="web\x1flin\x1f",
    inbox_id="web",
    contact_id="p1",
    handle="lin",
    thread="",
    controller=Controller.AGENT,
    status=ConversationStatus.OPEN,
    agent_id="a1",
    team_id=None,
    ticket_id="t1",
    language="en",
    subject="",
    last_seq=3,
    last_message_at=1,
    preview="",
    unread=0,
    waiting_since=None,
    bot_state={},
    version=1,
    created_at=1,
)
MESSAGE = Message(
    id="m1",
    conversation_id="c1",
    inbox_id="web",
    seq=3,
    kind=MessageKind.AGENT,
    state=MessageState.SENT,
    text="Good morning",
    created_at=1,
    author_id="a1",
    author_name="Lin",
    details={"internal": "fact"},
)
TICKET = Ticket(
    id="t1",
    number=10001,
    conversation_id="c1",
    contact_id="p1",
    team_id=None,
    agent_id="a1",
    kind=TicketKind.FAULT,
    severity=Severity.GENERAL,
    state=TicketState.OPEN,
    subject="",
    summary="",
    reason="",
    created_at=1,
    updated_at=1,
)
TOPICS = {
    "lin": handle_topic("web", "lin"),
    "mei": handle_topic("web", "mei"),
    "other inbox": handle_topic("rest", "lin"),
    "console": CONSOLE,
    "deliveries": DELIVERIES,
    "desk": DESK,
    "customers": CUSTOMERS,
}


class Ears:
    """A publisher, and what each topic's subscriber heard."""

    def __init__(self, hub: LocalHub) -> None:
        self._hub = hub
        self._subscriptions = {name: hub.subscribe(topic) for name, topic in TOPICS.items()}

    async def hear(self, *events: Event) -> dict[str, list[dict[str, Any]]]:
        """Publishes the events; the frames by topic, topics that stayed silent left out."""
        Publisher(self._hub).publish(events)
        for topic in TOPICS.values():
            self._hub.publish(topic, {"type": "end"})
        heard: dict[str, list[dict[str, Any]]] = {}
        for name, subscription in self._subscriptions.items():
            while (frame := dict(await subscription.get())) != {"type": "end"}:
                heard.setdefault(name, []).append(frame)
        return heard


@pytest.fixture
def ears() -> Ears:
    return Ears(LocalHub())


@pytest.mark.parametrize("kind", [MessageKind.CUSTOMER, MessageKind.BOT, MessageKind.AGENT])
async def test_what_is_said_aloud_reaches_customer_and_consoles(
    ears: Ears, kind: MessageKind
) -> None:
    message = replace(MESSAGE, kind=kind)
    heard = await ears.hear(MessageAdded(conversation=CONVERSATION, message=message))
    assert heard == {
        "lin": [{"type": "message", "message": message.public()}],
        "console": [{"type": "message", "conversation_id": "c1", "message_id": "m1"}],
    }


@pytest.mark.parametrize("kind", [MessageKind.NOTE, MessageKind.ACTIVITY])
async def test_notes_and_activities_reach_consoles_only(ears: Ears, kind: MessageKind) -> None:
    message = replace(MESSAGE, kind=kind, text="he is angry")
    heard = await ears.hear(MessageAdded(conversation=CONVERSATION, message=message))
    assert set(heard) == {"console"}
    assert "angry" not in str(heard)


async def test_a_customer_sees_no_internal_facts(ears: Ears) -> None:
    heard = await ears.hear(MessageAdded(conversation=CONVERSATION, message=MESSAGE))
    assert "internal" not in str(heard)
    assert "a1" not in str(heard["lin"])


async def test_a_failure_is_told_to_the_consoles_with_its_reason(ears: Ears) -> None:
    event = MessageStateChanged(
        conversation_id=CONVERSATION.id,
        inbox_id=CONVERSATION.inbox_id,
        handle=CONVERSATION.handle,
        message_ids=("m1", "m2"),
        state=MessageState.FAILED,
        failure="The customer left.",
    )
    assert await ears.hear(event) == {
        "lin": [{"type": "state", "ids": ["m1", "m2"], "state": "failed"}],
        "console": [
            {
                "type": "message_state",
                "conversation_id": "c1",
                "ids": ["m1", "m2"],
                "state": "failed",
                "failure": "The customer left.",
            }
        ],
    }


async def test_a_customer_learns_who_answers(ears: Ears) -> None:
    heard = await ears.hear(ConversationChanged(conversation=CONVERSATION, agent_name="Lin"))
    assert heard == {
        "lin": [{"type": "controller", "controller": "agent", "agent": "Lin"}],
        "console": [{"type": "conversation", "conversation_id": "c1"}],
        "desk": [{"type": "changed"}],
    }


async def test_tickets_are_the_consoles_business_and_known_of_their_customer(ears: Ears) -> None:
    heard = await ears.hear(TicketChanged(ticket=TICKET, opened=True))
    assert heard == {
        "console": [
            {"type": "ticket", "conversation_id": "c1", "ticket_id": "t1", "opened": True}
        ],
        "customers": [{"type": "changed", "contact_id": "p1"}],
    }


async def test_a_changed_team_moves_the_desks(ears: Ears) -> None:
    assert await ears.hear(TeamsChanged()) == {"desk": [{"type": "changed"}]}


async def test_a_turn_done_is_told_to_the_customers_side_only(ears: Ears) -> None:
    event = TurnDone(inbox_id="web", handle="lin", external_id="x1")
    assert await ears.hear(event) == {"lin": [{"type": "turn_done", "external_id": "x1"}]}


async def test_a_queued_delivery_wakes_the_workers(ears: Ears) -> None:
    assert await ears.hear(DeliveryQueued(conversation_ids=("c1",))) == {
        "deliveries": [{"type": "queued"}]
    }


async def test_frames_keep_the_order_of_the_events(ears: Ears) -> None:
    second = replace(MESSAGE, id="m2", seq=4)
    heard = await ears.hear(
        MessageAdded(conversation=CONVERSATION, message=MESSAGE),
        MessageAdded(conversation=CONVERSATION, message=second),
        TurnDone(inbox_id="web", handle="lin", external_id="x1"),
    )
    assert [frame["type"] for frame in heard["lin"]] == ["message", "message", "turn_done"]
    assert [frame["message_id"] for frame in heard["console"]] == ["m1", "m2"]


async def test_nothing_is_made_for_nobody() -> None:
    hub = LocalHub()
    late = hub.subscribe("something else")
    Publisher(hub).publish([MessageAdded(conversation=CONVERSATION, message=MESSAGE)])
    hub.publish("something else", {"type": "end"})
    assert await late.get() == {"type": "end"}
