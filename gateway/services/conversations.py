"""What agents do with conversations: take, give back, finish.

Each function checks the agent's rights, reads the conversation under lock, changes it, writes an
activity line and an audit row, and emits what consoles, widgets and deliveries must learn.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.conversation import Controller, Conversation, ConversationStatus
from gateway.domain.conversation import hand_back as hand_back_conversation
from gateway.domain.conversation import solve as solve_conversation
from gateway.domain.errors import ConflictError
from gateway.domain.events import TicketChanged
from gateway.domain.people import Agent, Right
from gateway.domain.ticket import TicketKind, TicketState, move
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import get_conversation, require, require_free_hand
from gateway.services.holding import is_held_by, let_go, note_change, present_ticket, store, take
from gateway.services.tickets import Activity, add_activity, set_state


def claim(
    uow: UnitOfWork,
    actor: Agent,
    conversation_id: str,
    *,
    now: int,
    new_id: NewId,
    version: int | None = None,
    force: bool = False,
) -> Conversation:
    """Takes a conversation; one's own stays as it is.

    Args:
        uow: the transaction.
        actor: who takes it.
        conversation_id: which one.
        now: ms since the epoch.
        new_id: gives ids.
        version: the version that the agent saw; None takes it in any case.
        force: take it from the agent who holds it.

    Raises:
        NotFoundError: there is none in the agent's scope.
        NotAllowedError: the role does not permit it.
        AlreadyClaimedError: another agent holds it and `force` is not set.
        ConflictError: it changed since `version`.
    """
    require(actor, Right.WORK)
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    if is_held_by(conversation, actor) and conversation.status is ConversationStatus.OPEN:
        return conversation
    if force and conversation.agent_id not in {None, actor.id}:
        require(actor, Right.TAKE_OVER)
    taken = take(uow, actor, conversation, force=force, now=now, new_id=new_id, version=version)
    return store(uow, taken)


def release(
    uow: UnitOfWork, actor: Agent, conversation_id: str, *, now: int, new_id: NewId
) -> Conversation:
    """Puts a conversation back into its team's queue.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds it.
        ConflictError: nobody holds it.
    """
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    require_free_hand(uow, actor, conversation)
    if conversation.controller is not Controller.AGENT:
        raise ConflictError("Nobody holds this conversation.")
    return store(uow, let_go(uow, actor, conversation, now=now, new_id=new_id))


def hand_back(
    uow: UnitOfWork, actor: Agent, conversation_id: str, *, now: int, new_id: NewId
) -> Conversation:
    """Gives a conversation back to the bot; the people's part, its ticket, is solved by that.

    The bot starts afresh: it owes no turn on what was said before.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds it.
        ConflictError: the bot already has it, the inbox has no bot, or it is about a complaint
            that nobody solved yet (H5.1).
    """
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    require_free_hand(uow, actor, conversation)
    if not uow.inboxes.get(conversation.inbox_id).bot:
        raise ConflictError("This inbox has no bot to give the conversation to.")
    returned = hand_back_conversation(conversation)
    _solve_quietly(uow, conversation, now)
    is_solved = conversation.status is ConversationStatus.SOLVED
    returned = replace(
        returned,
        status=ConversationStatus.SOLVED if is_solved else ConversationStatus.OPEN,
        ticket_id=None,
        turned_seq=returned.last_seq,
        waiting_since=None,
        unread=0,
    )
    returned = add_activity(uow, returned, Activity.HANDED_BACK, {}, actor, now, new_id)
    note_change(uow, actor, "conversation.handed_back", conversation, returned, now=now)
    return store(uow, returned)


def _solve_quietly(uow: UnitOfWork, conversation: Conversation, now: int) -> None:
    if conversation.ticket_id is None:
        return
    ticket = uow.tickets.get(conversation.ticket_id, lock=True)
    if ticket.state not in {TicketState.SOLVED, TicketState.CLOSED}:
        if ticket.kind is TicketKind.COMPLAINT:
            raise ConflictError("This is a complaint: solve it first, then the bot may go on.")
        solved = move(ticket, TicketState.SOLVED, now)
        uow.tickets.update(solved)
        uow.emit(TicketChanged(ticket=solved))


def mark_read(uow: UnitOfWork, actor: Agent, conversation_id: str) -> None:
    """Takes the unread mark off; a look at what a colleague holds leaves it.

    Raises:
        NotFoundError: there is none in the agent's scope.
    """
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    if conversation.unread and conversation.agent_id in {None, actor.id}:
        store(uow, replace(conversation, unread=0))


def solve(
    uow: UnitOfWork, actor: Agent, conversation_id: str, *, now: int, new_id: NewId
) -> Conversation:
    """Finishes a conversation and its ticket; the customer's next message opens both again.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds it.
    """
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    require_free_hand(uow, actor, conversation)
    if conversation.status is ConversationStatus.SOLVED:
        return conversation
    ticket = present_ticket(uow, conversation)
    if ticket is not None:
        solved, _ = set_state(
            uow, actor, conversation, ticket, TicketState.SOLVED, now=now, new_id=new_id
        )
    else:
        solved = solve_conversation(conversation)
        solved = add_activity(uow, solved, Activity.SOLVED, {}, actor, now, new_id)
    note_change(uow, actor, "conversation.solved", conversation, solved, now=now)
    return store(uow, solved)


def reopen(
    uow: UnitOfWork, actor: Agent, conversation_id: str, *, now: int, new_id: NewId
) -> Conversation:
    """Takes up a solved or pending conversation and its ticket again.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds it.
        ConflictError: the ticket is closed; claiming opens a new one.
    """
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    require_free_hand(uow, actor, conversation)
    if conversation.status is ConversationStatus.OPEN:
        return conversation
    if conversation.ticket_id is not None:
        ticket = uow.tickets.get(conversation.ticket_id, lock=True)
        opened, _ = set_state(
            uow, actor, conversation, ticket, TicketState.OPEN, now=now, new_id=new_id
        )
    else:
        opened = replace(
            conversation, status=ConversationStatus.OPEN, version=conversation.version + 1
        )
        opened = add_activity(uow, opened, Activity.REOPENED, {}, actor, now, new_id)
    note_change(uow, actor, "conversation.reopened", conversation, opened, now=now)
    return store(uow, opened)
