"""What agents write: answers, notes, and another try for what failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.contract import Attachment, Capabilities, MessageKind, MessageState
from channels.letters import Party
from gateway.domain.conversation import Conversation, Message, append_internal, append_outgoing
from gateway.domain.errors import ConflictError, InvalidInputError
from gateway.domain.events import DeliveryQueued, MessageAdded
from gateway.domain.people import Agent, Right
from gateway.domain.records import NewDelivery
from gateway.domain.trail import Hop, Outcome, TrailEntry
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import get_conversation, get_message, require, require_free_hand
from gateway.services.addressing import LetterChoice, chosen_letter, readdress
from gateway.services.auditing import note
from gateway.services.delivery import send_again
from gateway.services.holding import is_held_by, take, tell

CapabilitiesOf = Callable[[str], Capabilities]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An agent's answer before it is sent.

    `expected_seq` is the newest message that the agent had read; None sends in any case.
    `letter` is chosen for channels whose messages are letters.
    """

    text: str
    attachments: tuple[Attachment, ...] = ()
    expected_seq: int | None = None
    letter: LetterChoice | None = None


def reply(
    uow: UnitOfWork,
    actor: Agent,
    conversation_id: str,
    draft: Draft,
    *,
    capabilities_of: CapabilitiesOf,
    now: int,
    new_id: NewId,
) -> Message:
    """Answers the customer; answering a conversation that nobody holds takes it.

    Args:
        uow: the transaction.
        actor: who answers.
        conversation_id: which one.
        draft: the answer.
        capabilities_of: what a kind of channel can do.
        now: ms since the epoch.
        new_id: gives ids.

    Raises:
        NotFoundError: there is none in the agent's scope.
        NotAllowedError: the role does not permit it.
        AlreadyClaimedError: another agent holds it.
        ConflictError: the customer wrote after `draft.expected_seq` (`extra["newer"]`).
        InvalidInputError: the channel cannot carry a text so long, or these files.
    """
    require(actor, Right.WORK)
    conversation = get_conversation(uow, actor, conversation_id, lock=True)
    capabilities = capabilities_of(uow.inboxes.get(conversation.inbox_id).kind)
    check_fits(draft, capabilities)
    _check_unchanged(uow, conversation, draft)
    if not is_held_by(conversation, actor):
        conversation = take(uow, actor, conversation, force=False, now=now, new_id=new_id)
        conversation = tell(uow, conversation)
    shown = draft.text or ", ".join(a.name for a in draft.attachments)
    conversation = append_outgoing(conversation, shown, now)
    mailbox = capabilities.mailbox
    details: dict[str, Any] = {}
    if capabilities.letters:
        details = {"letter": chosen_letter(uow, conversation, draft.letter)}
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
        details=details,
    )
    uow.messages.add([message])
    uow.conversations.update([conversation])
    dispatch(uow, message, now)
    note(uow, actor.id, "message.written", ("message", message.id), now=now)
    uow.emit(MessageAdded(conversation=conversation, message=message))
    return message


def check_fits(draft: Draft, capabilities: Capabilities) -> None:
    """What the channel would refuse hours later, when nobody looks, is refused now."""
    if draft.letter is not None and not capabilities.letters:
        raise InvalidInputError(
            "Messages of this channel have no subject and no recipients.", field="/letter"
        )
    if len(draft.text) > capabilities.max_text:
        raise InvalidInputError(
            f"This channel takes at most {capabilities.max_text:,} characters in a message; this "
            f"has {len(draft.text):,}: shorten it or send it in parts.",
            field="/text",
        )
    if draft.attachments and not capabilities.attachments:
        raise InvalidInputError(
            "This channel takes no files: describe in words what they show.", field="/attachments"
        )
    size = sum(attachment.size for attachment in draft.attachments)
    if size > capabilities.max_files_bytes:
        raise InvalidInputError(
            f"This channel takes files of {capabilities.max_files_bytes:,} bytes together; these "
            f"have {size:,}: send fewer at once.",
            field="/attachments",
        )


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


def dispatch(uow: UnitOfWork, message: Message, now: int) -> None:
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
                    inbox_id=message.inbox_id,
                    conversation_id=message.conversation_id,
                    message_id=message.id,
                    created_at=now,
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


def resend(
    uow: UnitOfWork,
    actor: Agent,
    message_id: str,
    *,
    to: tuple[Party, ...] = (),
    now: int,
) -> Message:
    """Tries again to deliver a message that failed; a letter, to other addresses if given.

    Raises:
        InvalidInputError: other addresses for what is no letter.
        NotFoundError: there is none in the agent's scope.
        AlreadyClaimedError: another agent holds the conversation.
        ConflictError: it did not fail.
    """
    message, conversation = get_message(uow, actor, message_id, lock=True)
    require_free_hand(uow, actor, conversation)
    if to:
        readdress(uow, conversation, message, to)
    again = send_again(uow, message, conversation, now=now)
    note(uow, actor.id, "message.resent", ("message", message.id), now=now)
    return again
