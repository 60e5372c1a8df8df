"""Conversations and messages: who is in charge, and what may follow what.

The controller is the state machine behind the promise that the bot is silent once a
person owns it: `bot` → (hand-off) → `queue` → (claim) → `agent` → (hand-back) → `bot`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from channels.contract import Attachment, MessageKind, MessageState, PublicMessage, QuickReply
from gateway.domain.errors import AlreadyClaimedError, ConflictError

PREVIEW_LENGTH = 120


class Controller(StrEnum):
    """Who answers the customer."""

    BOT = "bot"
    QUEUE = "queue"
    AGENT = "agent"


class ConversationStatus(StrEnum):
    """The state of the work; with a ticket, the ticket's own state."""

    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A customer (H6.1); `key` ones go to people first."""

    id: str
    name: str
    email: str
    phone: str
    company: str
    language: str
    attributes: Mapping[str, str]
    verified: bool
    created_at: int
    key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A thread with a contact in an inbox.

    `key` is the inbound messages' conversation key. `version` rises with each change of
    controller, agent, team or status: agents' changes carry the version they saw.
    `waiting_since` is when the oldest unanswered customer message came, None when answered.
    `unread` counts customer messages since an agent last answered or read. `turned_seq` is the
    seq of the newest customer message on which the bot owes no turn any more. What was said up to
    `bot_since` was before the bot began (anew) with the customer.
    """

    id: str
    key: str
    inbox_id: str
    contact_id: str
    handle: str
    thread: str
    controller: Controller
    status: ConversationStatus
    agent_id: str | None
    team_id: str | None
    ticket_id: str | None
    language: str
    subject: str
    last_seq: int
    last_message_at: int
    preview: str
    unread: int
    waiting_since: int | None
    bot_state: Mapping[str, Any]
    version: int
    created_at: int
    turned_seq: int = 0
    bot_since: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One entry of a conversation. Times in ms since the epoch, UTC.

    `external_id` is the channel's id (of a customer's message as it came, of ours once sent);
    `in_reply_to` the external id of the customer's message that a bot reply answers;
    `details` holds facts for the trail and the console (`intent`, `confidence`, `version`, …);
    `failure` is the reason of a failed delivery in an agent's words.
    """

    id: str
    conversation_id: str
    inbox_id: str
    seq: int
    kind: MessageKind
    state: MessageState
    text: str
    created_at: int
    author_id: str | None = None
    author_name: str = ""
    payload: str | None = None
    choices: tuple[QuickReply, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    article: str | None = None
    external_id: str | None = None
    in_reply_to: str | None = None
    failure: str | None = None
    sent_at: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def public(self) -> PublicMessage:
        """The part that the customer may see; only call it on public kinds."""
        return PublicMessage(
            id=self.id,
            conversation_id=self.conversation_id,
            seq=self.seq,
            kind=self.kind,
            author=self.author_name if self.kind is MessageKind.AGENT else "",
            text=self.text,
            state=self.state,
            created_at=self.created_at,
            choices=self.choices,
            attachments=self.attachments,
            article=self.article,
            external_id=self.external_id if self.kind is MessageKind.CUSTOMER else None,
            in_reply_to=self.in_reply_to,
        )


PUBLIC_KINDS = frozenset({MessageKind.CUSTOMER, MessageKind.BOT, MessageKind.AGENT})
OUTGOING_KINDS = frozenset({MessageKind.BOT, MessageKind.AGENT})


def is_sent_out(message: Message) -> bool:
    """Whether a message leaves the house: to the customer, or as a letter to somebody else."""
    return message.kind in OUTGOING_KINDS or "letter" in message.details


def preview_of(text: str) -> str:
    """The first words, on one line, for lists."""
    line = " ".join(text.split())
    return line if len(line) <= PREVIEW_LENGTH else line[: PREVIEW_LENGTH - 1] + "…"


def receive(conversation: Conversation, text: str, now: int) -> Conversation:
    """The conversation after a customer's message; a solved one is open again.

    A reopened conversation goes to the queue when it has a ticket, else to the bot.
    """
    reopened = conversation.status is ConversationStatus.SOLVED
    controller = conversation.controller
    agent_id = conversation.agent_id
    if reopened and conversation.ticket_id is not None:
        controller, agent_id = (
            (Controller.AGENT, agent_id) if agent_id else (Controller.QUEUE, None)
        )
    changed = conversation.status is not ConversationStatus.OPEN
    return replace(
        conversation,
        controller=controller,
        agent_id=agent_id,
        status=ConversationStatus.OPEN,
        last_seq=conversation.last_seq + 1,
        last_message_at=now,
        preview=preview_of(text),
        unread=conversation.unread + 1,
        waiting_since=conversation.waiting_since or now,
        version=conversation.version + (1 if changed else 0),
    )


def append_outgoing(conversation: Conversation, text: str, now: int) -> Conversation:
    """The conversation after a bot's or agent's message."""
    return replace(
        conversation,
        last_seq=conversation.last_seq + 1,
        last_message_at=now,
        preview=preview_of(text),
        unread=0,
        waiting_since=None,
    )


def append_internal(conversation: Conversation) -> Conversation:
    """The conversation after a note or an activity: the customer still waits."""
    return replace(conversation, last_seq=conversation.last_seq + 1)


def hand_off(conversation: Conversation, *, ticket_id: str, team_id: str | None) -> Conversation:
    """Bot → queue.

    Raises:
        ConflictError: the bot is not in charge.
    """
    if conversation.controller is not Controller.BOT:
        raise ConflictError("The bot is not in charge of this conversation.")
    return replace(
        conversation,
        controller=Controller.QUEUE,
        ticket_id=ticket_id,
        team_id=team_id,
        version=conversation.version + 1,
    )


def claim(conversation: Conversation, agent_id: str, *, holder: str, force: bool) -> Conversation:
    """Bot or queue → agent; claiming one's own changes nothing.

    Args:
        conversation: as read under lock.
        agent_id: who takes it.
        holder: the present agent's name, for the error.
        force: take it from another agent (a leader's right).

    Raises:
        AlreadyClaimedError: another agent holds it.
    """
    if conversation.agent_id == agent_id and conversation.controller is Controller.AGENT:
        return conversation
    if conversation.agent_id is not None and not force:
        raise AlreadyClaimedError(f"{holder} already has this conversation.", agent=holder)
    return replace(
        conversation,
        controller=Controller.AGENT,
        agent_id=agent_id,
        status=ConversationStatus.OPEN,
        version=conversation.version + 1,
    )


def release(conversation: Conversation) -> Conversation:
    """Agent → queue: nobody holds it any more."""
    return replace(
        conversation, controller=Controller.QUEUE, agent_id=None, version=conversation.version + 1
    )


def hand_back(conversation: Conversation) -> Conversation:
    """Agent or queue → bot, which begins anew.

    Raises:
        ConflictError: the bot already has it.
    """
    if conversation.controller is Controller.BOT:
        raise ConflictError("The bot already has this conversation.")
    return replace(
        begin_anew(conversation),
        controller=Controller.BOT,
        agent_id=None,
        version=conversation.version + 1,
    )


def begin_anew(conversation: Conversation) -> Conversation:
    """The bot forgets what it knows, and what was said so far is none of its concern."""
    return replace(conversation, bot_state={}, bot_since=conversation.last_seq)


def solve(conversation: Conversation) -> Conversation:
    """The work is done; the next customer message opens it again."""
    return replace(
        conversation,
        status=ConversationStatus.SOLVED,
        unread=0,
        waiting_since=None,
        version=conversation.version + 1,
    )
