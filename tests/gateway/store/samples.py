"""Rows for the store's tests; every field has a value that a test may override."""

from dataclasses import replace
from itertools import count
from typing import Any

from channels.contract import MessageKind, MessageState
from gateway.domain.conversation import (
    Contact,
    Controller,
    Conversation,
    ConversationStatus,
    Message,
)
from gateway.domain.inbox import Inbox
from gateway.domain.people import Agent, Availability, Role, Team
from gateway.domain.records import Handle
from gateway.domain.ticket import Severity, Ticket, TicketKind, TicketState
from gateway.ports.conversations import Scope
from gateway.ports.store import UnitOfWork

_numbers = count(1)

EVERYTHING = Scope(agent_id="nobody", everything=True, team_ids=())


def new_id() -> str:
    return f"{next(_numbers):032x}"


def inbox(**changes: Any) -> Inbox:
    made = Inbox(
        id="inbox",
        kind="webchat",
        name="Web",
        settings={"colour": "teal"},
        secrets={},
        language="zh-Hans",
        team_id=None,
        bot=True,
        enabled=True,
        created_at=1,
    )
    return replace(made, **changes)


def contact(**changes: Any) -> Contact:
    made = Contact(
        id="contact",
        name="",
        email="",
        phone="",
        company="",
        language="zh-Hans",
        attributes={},
        verified=False,
        created_at=1,
    )
    return replace(made, **changes)


def handle(value: str = "visitor", contact_id: str = "contact") -> Handle:
    return Handle(inbox_id="inbox", value=value, contact_id=contact_id, created_at=1)


def conversation(**changes: Any) -> Conversation:
    conversation_id = changes.pop("id", "conversation")
    made = Conversation(
        id=conversation_id,
        key=f"inbox\x1f{conversation_id}\x1f",
        inbox_id="inbox",
        contact_id="contact",
        handle="visitor",
        thread="",
        controller=Controller.BOT,
        status=ConversationStatus.OPEN,
        agent_id=None,
        team_id=None,
        ticket_id=None,
        language="zh-Hans",
        subject="",
        last_seq=0,
        last_message_at=1,
        preview="",
        unread=0,
        waiting_since=None,
        bot_state={},
        version=1,
        created_at=1,
    )
    return replace(made, **changes)


def message(seq: int, text: str = "你好", **changes: Any) -> Message:
    made = Message(
        id=changes.pop("id", None) or new_id(),
        conversation_id="conversation",
        inbox_id="inbox",
        seq=seq,
        kind=MessageKind.CUSTOMER,
        state=MessageState.DELIVERED,
        text=text,
        created_at=seq,
    )
    return replace(made, **changes)


def reply(seq: int, text: str = "请稍候", **changes: Any) -> Message:
    outgoing = {"kind": MessageKind.BOT, "state": MessageState.PENDING}
    return message(seq, text, **{**outgoing, **changes})


def ticket(number: int, **changes: Any) -> Ticket:
    made = Ticket(
        id=changes.pop("id", None) or f"ticket-{number}",
        number=number,
        conversation_id="conversation",
        contact_id="contact",
        team_id=None,
        agent_id=None,
        kind=TicketKind.CONSULTATION,
        severity=Severity.GENERAL,
        state=TicketState.NEW,
        subject="",
        summary="",
        reason="",
        created_at=1,
        updated_at=1,
    )
    return replace(made, **changes)


def agent(name: str, *team_ids: str, **changes: Any) -> Agent:
    made = Agent(
        id=name,
        email=f"{name}@qingchuan.example",
        name=name.title(),
        role=Role.AGENT,
        active=True,
        language="en",
        availability=Availability.ONLINE,
        must_change_password=False,
        created_at=1,
        team_ids=team_ids,
    )
    return replace(made, **changes)


def add_people(unit: UnitOfWork) -> None:
    """Teams `sales` and `care`; agents `li` and `wang`, one in each."""
    for name in ("sales", "care"):
        unit.agents.add_team(Team(id=name, name=name.title()))
    unit.agents.add(agent("li", "sales"), "hash-li")
    unit.agents.add(agent("wang", "care"), "hash-wang")


def add_conversation(unit: UnitOfWork) -> None:
    """One inbox, one contact, one conversation without messages."""
    unit.inboxes.add(inbox())
    unit.contacts.add([contact()], [handle()])
    unit.conversations.add([conversation()])
