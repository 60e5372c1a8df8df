"""Who may see and do what (H2.5): every service comes through here before it acts.

What lies outside an agent's scope does not exist for them: the answer is the same as for an
id that was never given.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.conversation import Contact, Controller, Conversation, Message
from gateway.domain.errors import AlreadyClaimedError, NotAllowedError, NotFoundError
from gateway.domain.people import Agent, Right, may
from gateway.domain.ticket import Ticket
from gateway.ports.conversations import Scope
from gateway.ports.store import UnitOfWork

CONTACT_LIST_LIMIT = 100

_NEEDED: dict[Right, str] = {
    Right.SEE_TEAM: "see conversations",
    Right.SEE_ALL: "see every team's conversations",
    Right.WORK: "work on conversations",
    Right.ASSIGN_OTHERS: "assign conversations to others",
    Right.TAKE_OVER: "take over what another agent holds",
    Right.EDIT_CANNED: "edit canned responses",
    Right.MARK_KEY: "say who is a key customer",
    Right.DRAFT_ARTICLES: "read and draft articles",
    Right.PUBLISH_ARTICLES: "publish articles",
    Right.EDIT_CATALOGUE: "edit the bot's catalogue",
    Right.PUBLISH_CATALOGUE: "publish the bot's catalogue",
    Right.CONFIGURE: "configure",
    Right.OPERATE: "operate the system",
}


def require(actor: Agent, right: Right) -> None:
    """Lets the agent pass when their role gives the right.

    Raises:
        NotAllowedError: it does not.
    """
    if not may(actor, right):
        raise NotAllowedError(
            f"Your role does not let you {_NEEDED[right]}; ask an administrator.",
            right=right.value,
        )


def scope_of(actor: Agent) -> Scope:
    """What the agent may see."""
    return Scope(
        agent_id=actor.id,
        everything=may(actor, Right.SEE_ALL),
        team_ids=actor.team_ids,
    )


def covers(scope: Scope, *, agent_id: str | None, team_id: str | None) -> bool:
    """Whether something held by that agent and in that team's queue lies in the scope."""
    return (
        scope.everything
        or agent_id == scope.agent_id
        or team_id is None
        or team_id in scope.team_ids
    )


def sees(scope: Scope, thing: Conversation | Ticket) -> bool:
    """Whether the conversation or ticket lies in the scope."""
    return covers(scope, agent_id=thing.agent_id, team_id=thing.team_id)


def get_conversation(
    uow: UnitOfWork, actor: Agent, conversation_id: str, *, lock: bool = False
) -> Conversation:
    """The one way to a conversation for an agent.

    Raises:
        NotAllowedError: the agent may not see conversations at all.
        NotFoundError: there is none with that id in the agent's scope.
    """
    require(actor, Right.SEE_TEAM)
    conversation = uow.conversations.get(conversation_id, lock=lock)
    if not sees(scope_of(actor), conversation):
        raise NotFoundError("There is no such conversation.")
    return conversation


def get_message(
    uow: UnitOfWork, actor: Agent, message_id: str, *, lock: bool = False
) -> tuple[Message, Conversation]:
    """A message in the agent's scope, with its conversation (locked on request).

    Raises:
        NotFoundError: there is none with that id in the agent's scope.
    """
    message = uow.messages.get(message_id)
    try:
        conversation = get_conversation(uow, actor, message.conversation_id, lock=lock)
    except NotFoundError as error:
        raise NotFoundError("There is no such message.") from error
    if lock:
        message = uow.messages.get(message_id)
    return message, conversation


def get_ticket(uow: UnitOfWork, actor: Agent, name: str) -> Ticket:
    """A ticket in the agent's scope, by id or number (`10001` or `#10001`).

    Raises:
        NotFoundError: there is none in the agent's scope.
    """
    require(actor, Right.SEE_TEAM)
    digits = name.removeprefix("#")
    ticket = None
    if digits.isascii() and digits.isdigit() and len(digits) < 12:
        ticket = uow.tickets.by_number(int(digits))
    if ticket is None:
        ticket = uow.tickets.get(name)
    if not sees(scope_of(actor), ticket):
        raise NotFoundError("There is no such ticket.")
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """A contact with what the agent may see of their history."""

    contact: Contact
    conversations: list[Conversation]
    tickets: list[Ticket]


def get_contact(uow: UnitOfWork, actor: Agent, contact_id: str) -> ContactRecord:
    """A contact of whom the agent may see a conversation.

    Raises:
        NotFoundError: there is none with that id of whom the agent may know.
    """
    require(actor, Right.SEE_TEAM)
    record = contact_record(uow, actor, contact_id)
    if not record.conversations and not may(actor, Right.SEE_ALL):
        raise NotFoundError("There is no such contact.")
    return record


def contact_record(uow: UnitOfWork, actor: Agent, contact_id: str) -> ContactRecord:
    """The contact of a conversation that the agent was shown already."""
    scope = scope_of(actor)
    conversations = uow.contacts.conversations(contact_id, CONTACT_LIST_LIMIT)
    tickets = uow.tickets.of_contact(contact_id, CONTACT_LIST_LIMIT)
    return ContactRecord(
        contact=uow.contacts.get(contact_id),
        conversations=[c for c in conversations if sees(scope, c)],
        tickets=[t for t in tickets if sees(scope, t)],
    )


def holder_name(uow: UnitOfWork, conversation: Conversation) -> str:
    """The name of the agent who holds the conversation; "" when nobody does."""
    if conversation.agent_id is None:
        return ""
    return uow.agents.get(conversation.agent_id).name


def require_free_hand(uow: UnitOfWork, actor: Agent, conversation: Conversation) -> None:
    """Lets those pass who may work on the conversation now.

    These are its holder, anyone on staff when nobody holds it, and whoever may take over.

    Raises:
        NotAllowedError: the agent's role does not permit work.
        AlreadyClaimedError: another agent holds it.
    """
    require(actor, Right.WORK)
    is_held = conversation.controller is Controller.AGENT and conversation.agent_id is not None
    if is_held and conversation.agent_id != actor.id and not may(actor, Right.TAKE_OVER):
        holder = holder_name(uow, conversation)
        raise AlreadyClaimedError(f"{holder} has this conversation.", agent=holder)
