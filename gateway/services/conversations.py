"""What agents do with conversations: take, answer, pass on, finish.

Each function checks the agent's rights, reads the conversation under lock, changes it, writes an
activity line and an audit row, and emits what consoles, widgets and deliveries must learn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from channels.contract import Attachment, MessageKind, MessageState
from gateway.domain.conversation import (
    Controller,
    Conversation,
    ConversationStatus,
    Message,
    append_internal,
    append_outgoing,
    preview_of,
)
from gateway.domain.conversation import claim as claim_conversation
from gateway.domain.conversation import hand_back as hand_back_conversation
from gateway.domain.conversation import hand_off as hand_off_conversation
from gateway.domain.conversation import release as release_conversation
from gateway.domain.conversation import solve as solve_conversation
from gateway.domain.errors import ConflictError, InvalidInputError, NotFoundError
from gateway.domain.events import (
    ConversationChanged,
    DeliveryQueued,
    MessageAdded,
    TicketChanged,
)
from gateway.domain.people import Agent, Right, Team
from gateway.domain.records import NewDelivery
from gateway.domain.ticket import Severity, Ticket, TicketKind, TicketState, move
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import (
    get_conversation,
    get_message,
    holder_name,
    require,
    require_free_hand,
)
from gateway.services.auditing import note
from gateway.services.delivery import send_again
from gateway.services.tickets import Activity, add_activity, open_ticket, set_state

IsMailbox = Callable[[str], bool]
LINES_FOR_SUMMARY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An agent's answer before it is sent.

    `expected_seq` is the newest message that the agent had read; None sends in any case.
    """

    text: str
    attachments: tuple[Attachment, ...] = ()
    expected_seq: int | None = None


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
    if _is_held_by(conversation, actor) and conversation.status is ConversationStatus.OPEN:
        return conversation
    if force and conversation.agent_id not in {None, actor.id}:
        require(actor, Right.TAKE_OVER)
    taken = _take(uow, actor, conversation, force=force, now=now, new_id=new_id)
    if version is not None and version != conversation.version:
        raise ConflictError(
            "The conversation changed since you looked; look again and decide.",
            version=str(conversation.version),
        )
    return _store(uow, taken)


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
    return _store(uow, _release(uow, actor, conversation, now=now, new_id=new_id))


def hand_back(
    uow: UnitOfWork, actor: Agent, conversation_id: str, *, now: int, new_id: NewId
) -> Conversation:
    """Gives a conversation back to the bot; the people's part, its ticket, is solved by that.

    The bot starts afresh: it owes no turn on what was said before.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds it.
        ConflictError: the bot already has it, or the inbox has no bot.
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
    _note(uow, actor, "conversation.handed_back", conversation, returned, now=now)
    return _store(uow, returned)


def _solve_quietly(uow: UnitOfWork, conversation: Conversation, now: int) -> None:
    if conversation.ticket_id is None:
        return
    ticket = uow.tickets.get(conversation.ticket_id, lock=True)
    if ticket.state not in {TicketState.SOLVED, TicketState.CLOSED}:
        solved = move(ticket, TicketState.SOLVED, now)
        uow.tickets.update(solved)
        uow.emit(TicketChanged(ticket=solved))


def assign(
    uow: UnitOfWork,
    actor: Agent,
    conversation_id: str,
    target: Mapping[str, str | None],
    *,
    now: int,
    new_id: NewId,
) -> Conversation:
    """Passes a conversation to a team, to an agent, or to nobody.

    An agent may take it or pass on to a team what they hold or nobody holds; giving it to a
    colleague is a leader's right. An agent outside the new team loses it to the team's queue.

    Args:
        uow: the transaction.
        actor: who asks.
        conversation_id: which one.
        target: `agent_id` and `team_id`; None empties, an absent key leaves as it is.
        now: ms since the epoch.
        new_id: gives ids.

    Raises:
        NotFoundError: there is none in the agent's scope.
        NotAllowedError: the role does not permit it.
        AlreadyClaimedError: another agent holds it.
        InvalidInputError: no such team or agent.
    """
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    require_free_hand(uow, actor, conversation)
    before = conversation
    if "team_id" in target and target["team_id"] != conversation.team_id:
        conversation = _move_to_team(uow, actor, conversation, target, now=now, new_id=new_id)
    if "agent_id" in target and target["agent_id"] != conversation.agent_id:
        conversation = _move_to_agent(
            uow, actor, conversation, target["agent_id"], now=now, new_id=new_id
        )
    return conversation if conversation is before else _store(uow, conversation)


def reply(
    uow: UnitOfWork,
    actor: Agent,
    conversation_id: str,
    draft: Draft,
    *,
    is_mailbox: IsMailbox,
    now: int,
    new_id: NewId,
) -> Message:
    """Answers the customer; answering a conversation that nobody holds takes it.

    Args:
        uow: the transaction.
        actor: who answers.
        conversation_id: which one.
        draft: the answer.
        is_mailbox: whether customers of that inbox kind fetch their messages themselves.
        now: ms since the epoch.
        new_id: gives ids.

    Raises:
        NotFoundError: there is none in the agent's scope.
        NotAllowedError: the role does not permit it.
        AlreadyClaimedError: another agent holds it.
        ConflictError: the customer wrote after `draft.expected_seq` (`extra["newer"]`).
    """
    require(actor, Right.WORK)
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    _check_unchanged(uow, conversation, draft)
    if not _is_held_by(conversation, actor):
        conversation = _take(uow, actor, conversation, force=False, now=now, new_id=new_id)
        conversation = _tell(uow, conversation)
    shown = draft.text or ", ".join(a.name for a in draft.attachments)
    conversation = append_outgoing(conversation, shown, now)
    mailbox = is_mailbox(uow.inboxes.get(conversation.inbox_id).kind)
    message = Message(
        id=new_id(),
        conversation_id=conversation.id,
        inbox_id=conversation.inbox_id,
        seq=conversation.last_seq,
        kind=MessageKind.AGENT,
        state=MessageState.SENT if mailbox else MessageState.PENDING,
        text=draft.text,
        created_at=now,
        author_id=actor.id,
        author_name=actor.name,
        attachments=draft.attachments,
        sent_at=now if mailbox else None,
    )
    uow.messages.add([message])
    uow.conversations.update([conversation])
    _dispatch(uow, message, now)
    note(uow, actor.id, "message.written", ("message", message.id), now=now)
    uow.emit(MessageAdded(conversation=conversation, message=message))
    return message


def _check_unchanged(uow: UnitOfWork, conversation: Conversation, draft: Draft) -> None:
    if draft.expected_seq is None:
        return
    newer = uow.messages.page(
        conversation.id,
        after=draft.expected_seq,
        limit=1,
        kinds=frozenset({MessageKind.CUSTOMER}),
    )
    if newer:
        raise ConflictError(
            "The customer wrote since; read that first, then send again.", newer="true"
        )


def _dispatch(uow: UnitOfWork, message: Message, now: int) -> None:
    """The message's first hop, and its place in the outbox when the channel must be called."""
    is_pending = message.state is MessageState.PENDING
    uow.trail.add(
        [
            TrailEntry(
                message_id=message.id,
                hop=Hop.QUEUED if is_pending else Hop.SENT,
                outcome=Outcome.OK,
                reason="",
                ms=0,
                at=now,
            )
        ]
    )
    if is_pending:
        uow.outbox.add(
            [
                NewDelivery(
                    conversation_id=message.conversation_id, message_id=message.id, created_at=now
                )
            ]
        )
        uow.emit(DeliveryQueued(conversation_ids=(message.conversation_id,)))


def add_note(
    uow: UnitOfWork, actor: Agent, conversation_id: str, text: str, *, now: int, new_id: NewId
) -> Message:
    """Writes what only colleagues see.

    Raises:
        NotFoundError: there is none in the agent's scope.
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.WORK)
    conversation = append_internal(get_conversation(uow, actor, conversation_id, lock=True))
    message = Message(
        id=new_id(),
        conversation_id=conversation.id,
        inbox_id=conversation.inbox_id,
        seq=conversation.last_seq,
        kind=MessageKind.NOTE,
        state=MessageState.DELIVERED,
        text=text,
        created_at=now,
        author_id=actor.id,
        author_name=actor.name,
    )
    uow.messages.add([message])
    uow.conversations.update([conversation])
    note(uow, actor.id, "note.written", ("message", message.id), now=now)
    uow.emit(MessageAdded(conversation=conversation, message=message))
    return message


def mark_read(uow: UnitOfWork, actor: Agent, conversation_id: str) -> None:
    """Takes the unread mark off; a look at what a colleague holds leaves it.

    Raises:
        NotFoundError: there is none in the agent's scope.
    """
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    if conversation.unread and conversation.agent_id in {None, actor.id}:
        _store(uow, replace(conversation, unread=0))


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
    ticket = _present_ticket(uow, conversation)
    if ticket is not None:
        solved, _ = set_state(
            uow, actor, conversation, ticket, TicketState.SOLVED, now=now, new_id=new_id
        )
    else:
        solved = solve_conversation(conversation)
        solved = add_activity(uow, solved, Activity.SOLVED, {}, actor, now, new_id)
    _note(uow, actor, "conversation.solved", conversation, solved, now=now)
    return _store(uow, solved)


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
    _note(uow, actor, "conversation.reopened", conversation, opened, now=now)
    return _store(uow, opened)


def resend(uow: UnitOfWork, actor: Agent, message_id: str, *, now: int) -> Message:
    """Tries again to deliver a message that failed.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds the conversation.
        ConflictError: it did not fail.
    """
    message, conversation = get_message(uow, actor, message_id, lock=True)
    require_free_hand(uow, actor, conversation)
    again = send_again(uow, message, conversation, now=now)
    note(uow, actor.id, "message.resent", ("message", message.id), now=now)
    return again


def _is_held_by(conversation: Conversation, agent: Agent) -> bool:
    return conversation.controller is Controller.AGENT and conversation.agent_id == agent.id


def _take(
    uow: UnitOfWork,
    actor: Agent,
    conversation: Conversation,
    *,
    force: bool,
    now: int,
    new_id: NewId,
) -> Conversation:
    """Puts the conversation and its ticket into the agent's own hands."""
    holder = holder_name(uow, conversation)
    taken = claim_conversation(conversation, actor.id, holder=holder, force=force)
    if taken is conversation:  # one's own, solved or pending: taken up again
        taken = replace(
            conversation, status=ConversationStatus.OPEN, version=conversation.version + 1
        )
    taken = _put_ticket_under(uow, taken, actor.id, now=now, new_id=new_id)
    was_held = conversation.agent_id not in {None, actor.id}
    activity = Activity.TAKEN_OVER if was_held else Activity.CLAIMED
    values = {"agent": actor.name, "from": holder} if was_held else {"agent": actor.name}
    taken = add_activity(uow, taken, activity, values, actor, now, new_id)
    _note(uow, actor, f"conversation.{activity.value}", conversation, taken, now=now)
    return taken


def _release(
    uow: UnitOfWork, actor: Agent, conversation: Conversation, *, now: int, new_id: NewId
) -> Conversation:
    released = release_conversation(conversation)
    ticket = _present_ticket(uow, conversation)
    if ticket is not None:
        _write_ticket(uow, replace(ticket, agent_id=None, updated_at=now))
    released = add_activity(uow, released, Activity.RELEASED, {}, actor, now, new_id)
    _note(uow, actor, "conversation.released", conversation, released, now=now)
    return released


def _move_to_agent(
    uow: UnitOfWork,
    actor: Agent,
    conversation: Conversation,
    agent_id: str | None,
    *,
    now: int,
    new_id: NewId,
) -> Conversation:
    if agent_id is None:
        return _release(uow, actor, conversation, now=now, new_id=new_id)
    if agent_id == actor.id:
        return _take(uow, actor, conversation, force=True, now=now, new_id=new_id)
    require(actor, Right.ASSIGN_OTHERS)
    agent = _assignable(uow, agent_id)
    given = claim_conversation(conversation, agent.id, holder="", force=True)
    given = _put_ticket_under(uow, given, agent.id, now=now, new_id=new_id)
    given = add_activity(uow, given, Activity.ASSIGNED, {"agent": agent.name}, actor, now, new_id)
    _note(uow, actor, "conversation.assigned", conversation, given, now=now)
    return given


def _assignable(uow: UnitOfWork, agent_id: str) -> Agent:
    try:
        agent = uow.agents.get(agent_id)
    except NotFoundError as error:
        raise InvalidInputError("There is no such agent.", field="/agent_id") from error
    if not agent.active:
        raise InvalidInputError(
            f"{agent.name} is deactivated; choose somebody else.", field="/agent_id"
        )
    return agent


def _move_to_team(
    uow: UnitOfWork,
    actor: Agent,
    conversation: Conversation,
    target: Mapping[str, str | None],
    *,
    now: int,
    new_id: NewId,
) -> Conversation:
    """To another team's queue; the holder keeps it when they work in that team."""
    team = _team(uow, target["team_id"])
    moved = replace(
        conversation,
        team_id=team.id if team else None,
        version=conversation.version + 1,
    )
    if conversation.controller is Controller.BOT:
        ticket = _open_for(uow, moved, None, now=now, new_id=new_id)
        moved = hand_off_conversation(moved, ticket_id=ticket.id, team_id=moved.team_id)
    elif (present := _present_ticket(uow, conversation)) is not None:
        _write_ticket(uow, replace(present, team_id=moved.team_id, updated_at=now))
    values = {"team": team.name if team else ""}
    moved = add_activity(uow, moved, Activity.TEAM_CHANGED, values, actor, now, new_id)
    _note(uow, actor, "conversation.moved", conversation, moved, now=now)
    if "agent_id" in target or conversation.agent_id is None or team is None:
        return moved
    if team.id in uow.agents.get(conversation.agent_id).team_ids:
        return moved
    return _release(uow, actor, moved, now=now, new_id=new_id)


def _team(uow: UnitOfWork, team_id: str | None) -> Team | None:
    if team_id is None:
        return None
    for team in uow.agents.teams():
        if team.id == team_id:
            return team
    raise InvalidInputError("There is no such team.", field="/team_id")


def _present_ticket(uow: UnitOfWork, conversation: Conversation) -> Ticket | None:
    """The ticket that people work on now; a closed one is history."""
    if conversation.ticket_id is None:
        return None
    ticket = uow.tickets.get(conversation.ticket_id, lock=True)
    return None if ticket.state is TicketState.CLOSED else ticket


def _put_ticket_under(
    uow: UnitOfWork, conversation: Conversation, agent_id: str, *, now: int, new_id: NewId
) -> Conversation:
    """Opens the conversation's ticket in the agent's name; makes one where there is none."""
    ticket = _present_ticket(uow, conversation)
    if ticket is None:
        if conversation.team_id is None:
            team_id = uow.inboxes.get(conversation.inbox_id).team_id
            conversation = replace(conversation, team_id=team_id)
        opened = _open_for(uow, conversation, agent_id, now=now, new_id=new_id)
        return replace(conversation, ticket_id=opened.id)
    moved = move(ticket, TicketState.OPEN, now)
    _write_ticket(
        uow,
        replace(
            moved, agent_id=agent_id, team_id=conversation.team_id, solved_at=None, updated_at=now
        ),
    )
    return conversation


def _open_for(
    uow: UnitOfWork, conversation: Conversation, agent_id: str | None, *, now: int, new_id: NewId
) -> Ticket:
    """A ticket for work that people begin on their own; it carries what was said last."""
    lines = uow.messages.recent([conversation.id], LINES_FOR_SUMMARY).get(conversation.id, [])
    asked = [line.text for line in lines if line.kind is MessageKind.CUSTOMER and line.text]
    return open_ticket(
        uow,
        conversation,
        kind=TicketKind.CONSULTATION,
        severity=Severity.GENERAL,
        subject=conversation.subject or preview_of(asked[-1] if asked else conversation.preview),
        summary="\n".join(f"{line.kind.value}: {line.text}" for line in lines),
        reason="",
        team_id=conversation.team_id,
        now=now,
        new_id=new_id,
        agent_id=agent_id,
    )


def _write_ticket(uow: UnitOfWork, ticket: Ticket) -> None:
    uow.tickets.update(ticket)
    uow.emit(TicketChanged(ticket=ticket))


def _note(
    uow: UnitOfWork,
    actor: Agent,
    action: str,
    before: Conversation,
    after: Conversation,
    *,
    now: int,
) -> None:
    fields = ("controller", "status", "agent_id", "team_id", "ticket_id")
    old = {f: _plain(getattr(before, f)) for f in fields}
    new = {f: _plain(getattr(after, f)) for f in fields}
    changed = [f for f in fields if old[f] != new[f]]
    note(
        uow,
        actor.id,
        action,
        ("conversation", after.id),
        before={f: old[f] for f in changed},
        after={f: new[f] for f in changed},
        now=now,
    )


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def _tell(uow: UnitOfWork, conversation: Conversation) -> Conversation:
    uow.emit(
        ConversationChanged(conversation=conversation, agent_name=holder_name(uow, conversation))
    )
    return conversation


def _store(uow: UnitOfWork, conversation: Conversation) -> Conversation:
    uow.conversations.update([conversation])
    return _tell(uow, conversation)
