"""What agents decide about letters that are held: strangers' and doubtful ones (H1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from channels.contract import MessageKind
from channels.keeping import Thread, names_of
from channels.letters import Party
from gateway.domain.conversation import (
    PUBLIC_KINDS,
    Controller,
    Conversation,
    ConversationStatus,
    Message,
    receive,
)
from gateway.domain.errors import ConflictError
from gateway.domain.events import MessageAdded
from gateway.domain.letters import Aside, Part, Verdict, address_key
from gateway.domain.people import Agent, Right
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import get_message, require, require_free_hand, scope_of
from gateway.services.asides import hold_of
from gateway.services.auditing import note
from gateway.services.holding import tell
from gateway.services.newcomers import blank_conversation, contact_at
from gateway.services.participants import join as join_conversation
from gateway.services.queueing import reopen_ticket, to_queue
from gateway.services.tickets import Activity, add_activity

MOST_HELD: Final = 1000


def held_messages(
    uow: UnitOfWork,
    actor: Agent,
    limit: int,
    *,
    inbox_id: str | None = None,
    reason: Aside | None = None,
) -> list[Message]:
    """What waits for a decision in the agent's scope, newest first.

    Args:
        uow: the transaction.
        actor: who asks.
        limit: how many at most.
        inbox_id: of one inbox alone.
        reason: what is held for that alone, among the newest `MOST_HELD`.

    Raises:
        NotAllowedError: the agent may not see conversations at all.
    """
    require(actor, Right.SEE_TEAM)
    most = limit if reason is None else MOST_HELD
    held = uow.holds.newest(scope_of(actor), inbox_id=inbox_id, limit=most)
    found = uow.messages.by_ids([hold.message_id for hold in held])
    messages = [found[hold.message_id] for hold in held]
    return [m for m in messages if reason in (None, m.details["aside"])][:limit]


def count_held(uow: UnitOfWork, actor: Agent) -> int:
    """How much waits for a decision in the agent's scope, counted up to `MOST_HELD`.

    Raises:
        NotAllowedError: the agent may not see conversations at all.
    """
    require(actor, Right.SEE_TEAM)
    return uow.holds.count(scope_of(actor), limit=MOST_HELD)


def let_join(
    uow: UnitOfWork, actor: Agent, message_id: str, *, now: int, new_id: NewId
) -> Message:
    """The stranger takes part from now on, and the message counts as the customer's word.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds the conversation.
        ConflictError: it is no stranger's, or was decided.
    """
    message, conversation = _take_hold(uow, actor, message_id)
    author = _stranger_of(message)
    join_conversation(uow, conversation, [(author, Part.CC)])
    return _admit(uow, actor, message, conversation, Verdict.JOINED, now=now, new_id=new_id)


def release(uow: UnitOfWork, actor: Agent, message_id: str, *, now: int, new_id: NewId) -> Message:
    """A doubtful message counts as the customer's word after all.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds the conversation.
        ConflictError: it is a stranger's, who joins or goes apart; or it was decided.
    """
    message, conversation = _take_hold(uow, actor, message_id)
    if message.details["aside"] == Aside.STRANGER:
        raise ConflictError("A stranger wrote this: let them join, or separate it.")
    return _admit(uow, actor, message, conversation, Verdict.RELEASED, now=now, new_id=new_id)


def discard(uow: UnitOfWork, actor: Agent, message_id: str, reason: str, *, now: int) -> Message:
    """The message stays where it is and counts for nothing; `restore` takes that back.

    A conversation that has nothing else is done with.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds the conversation.
        ConflictError: it was decided.
    """
    message, conversation = _take_hold(uow, actor, message_id)
    decided = _decided(message, actor, Verdict.DISCARDED, now, reason)
    uow.messages.update(decided)
    _put(uow, conversation, empty=ConversationStatus.SOLVED)
    note(
        uow,
        actor.id,
        "message.discarded",
        ("message", message.id),
        after={"reason": reason},
        now=now,
    )
    return decided


def restore(uow: UnitOfWork, actor: Agent, message_id: str, *, now: int) -> Message:
    """Holds a discarded message again.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds the conversation.
        ConflictError: it was not discarded.
    """
    message, conversation = get_message(uow, actor, message_id, lock=True)
    require_free_hand(uow, actor, conversation)
    if message.details.get("decision", {}).get("verdict") != Verdict.DISCARDED:
        raise ConflictError("Only a discarded message can be restored.")
    details = {name: value for name, value in message.details.items() if name != "decision"}
    held = replace(message, details=details)
    uow.messages.update(held)
    uow.holds.add([hold_of(held)])
    _put(uow, conversation, empty=ConversationStatus.OPEN)
    note(uow, actor.id, "message.restored", ("message", message.id), now=now)
    return held


def separate(
    uow: UnitOfWork, actor: Agent, message_id: str, *, now: int, new_id: NewId
) -> Conversation:
    """The stranger's message becomes a conversation of its own, in the inbox's queue.

    Raises:
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds the conversation.
        ConflictError: it is no stranger's, or was decided.
    """
    message, conversation = _take_hold(uow, actor, message_id)
    author = _stranger_of(message)
    inbox = uow.inboxes.get(message.inbox_id)
    contact = contact_at(uow, inbox.id, author, now=now, new_id=new_id)
    started = blank_conversation(
        inbox,
        contact,
        address_key(author.address),
        subject=str(message.details.get("subject", "")),
        now=now,
        new_id=new_id,
    )
    started = receive(replace(started, language=conversation.language), message.text, now)
    uow.conversations.add([started])
    moved = replace(
        _decided(message, actor, Verdict.SEPARATED, now),
        conversation_id=started.id,
        seq=1,
        kind=MessageKind.CUSTOMER,
        author_id=contact.id,
        author_name="",
    )
    moved = replace(
        moved, details={k: v for k, v in moved.details.items() if k not in {"author", "aside"}}
    )
    uow.messages.update(moved)
    if message.external_id is not None:
        _lead(uow, names_of(message.external_id), conversation, started)
    started = to_queue(
        uow,
        started,
        moved,
        reason="separated",
        team_id=inbox.team_id,
        now=now,
        new_id=new_id,
    )
    uow.conversations.update([replace(started, turned_seq=1)])
    left = replace(conversation, unread=max(0, conversation.unread - 1))
    values = {"author": author.name or author.address}
    left = add_activity(uow, left, Activity.SEPARATED, values, actor, now, new_id)
    uow.conversations.update([left])
    tell(uow, left)
    uow.emit(MessageAdded(conversation=started, message=moved))
    note(
        uow,
        actor.id,
        "message.separated",
        ("message", message.id),
        before={"conversation_id": conversation.id},
        after={"conversation_id": started.id},
        now=now,
    )
    return started


def _lead(uow: UnitOfWork, refs: Sequence[str], left: Conversation, started: Conversation) -> None:
    """What led by these references to a conversation leads to another."""
    for ref, thread in uow.threads.find(started.inbox_id, refs).items():
        if (thread.handle, thread.thread) == (left.handle, left.thread):
            after = Thread(inbox_id=started.inbox_id, handle=started.handle, thread=started.thread)
            uow.threads.move(started.inbox_id, ref, after)


def _take_hold(uow: UnitOfWork, actor: Agent, message_id: str) -> tuple[Message, Conversation]:
    """The held message, of which nobody else can decide any more."""
    message, conversation = get_message(uow, actor, message_id, lock=True)
    require_free_hand(uow, actor, conversation)
    if not uow.holds.remove(message.id):
        raise ConflictError("Nothing is to be decided about this message any more.")
    return message, conversation


def _put(uow: UnitOfWork, conversation: Conversation, *, empty: ConversationStatus) -> None:
    """Tells of a decision; a conversation without anybody's word stands as `empty` after it."""
    said = uow.messages.page(conversation.id, limit=1, kinds=PUBLIC_KINDS)
    if not said and conversation.ticket_id is None and conversation.status is not empty:
        conversation = replace(conversation, status=empty, version=conversation.version + 1)
        uow.conversations.update([conversation])
    tell(uow, conversation)


def _stranger_of(message: Message) -> Party:
    author: Mapping[str, Any] | None = message.details.get("author")
    if message.details["aside"] != Aside.STRANGER or author is None:
        raise ConflictError("No stranger wrote this: release or discard it.")
    return Party(address=author["address"], name=author["name"])


def _decided(
    message: Message, actor: Agent, verdict: Verdict, now: int, reason: str = ""
) -> Message:
    decision = {"verdict": verdict.value, "by": actor.name, "at": now, "reason": reason}
    return replace(message, details={**message.details, "decision": decision})


def _admit(
    uow: UnitOfWork,
    actor: Agent,
    message: Message,
    conversation: Conversation,
    verdict: Verdict,
    *,
    now: int,
    new_id: NewId,
) -> Message:
    """The message counts: tickets reopen, the customer waits, people answer."""
    details = {k: v for k, v in message.details.items() if k != "aside"}
    author = details.get("author")
    if author is not None and verdict is Verdict.JOINED:
        details["author"] = {**author, "stranger": False}
    word = replace(
        message, kind=MessageKind.CUSTOMER, author_id=conversation.contact_id, details=details
    )
    word = _decided(word, actor, verdict, now)
    if conversation.status is not ConversationStatus.OPEN and conversation.ticket_id:
        conversation = reopen_ticket(
            uow, conversation, conversation.ticket_id, now=now, new_id=new_id
        )
    after = receive(conversation, message.text, now)
    after = replace(
        after,
        last_seq=conversation.last_seq,
        unread=max(1, conversation.unread),
        turned_seq=max(conversation.turned_seq, message.seq),
        subject=conversation.subject or str(details.get("subject", "")),
    )
    if after.controller is Controller.BOT:  # a person looked at it: people go on
        team_id = uow.inboxes.get(after.inbox_id).team_id
        after = to_queue(
            uow, after, word, reason=verdict.value, team_id=team_id, now=now, new_id=new_id
        )
    activity = Activity.JOINED if verdict is Verdict.JOINED else Activity.ADMITTED
    values = {"author": message.author_name}
    after = add_activity(uow, after, activity, values, actor, now, new_id)
    uow.messages.update(word)
    uow.conversations.update([after])
    tell(uow, after)
    note(uow, actor.id, f"message.{verdict.value}", ("message", message.id), now=now)
    return word
