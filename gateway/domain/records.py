"""Rows that services keep beside conversations and tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from channels.contract import MessageKind, MessageState, conversation_key


class PastLine(NamedTuple):
    """What was said earlier in a conversation, and by whom; `pressed` on a button's title."""

    seq: int
    kind: MessageKind
    text: str
    pressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """A contact's address in an inbox."""

    inbox_id: str
    value: str
    contact_id: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCustomer:
    """What the bot is told of a contact (H6.1).

    `tickets` counts all they had, `open_tickets` are the numbers of those that are not done.
    """

    name: str
    verified: bool
    key: bool
    tickets: int
    open_tickets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """What the bot decided on a message, and by which catalogue version.

    `decision` is `reply`, `handoff` or `dropped`; `ms` how long the bot took.
    """

    message_id: str
    conversation_id: str
    intent: str | None
    confidence: float
    decision: str
    reason: str
    article: str | None
    catalogue_version: str
    ms: int
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StateUpdate:
    """An outgoing message got further. `at` in ms; None leaves `external_id`, `failure` empty."""

    message_id: str
    state: MessageState
    at: int
    external_id: str | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """The customer's side received (`delivered`) or saw (`read`) everything up to a `seq`.

    With `in_reply_to`, an external id, only what answers that message.
    """

    inbox_id: str
    handle: str
    up_to: int
    state: MessageState
    in_reply_to: str | None = None

    @property
    def key(self) -> str:
        """The conversation key: mailbox channels have no threads."""
        return conversation_key(self.inbox_id, self.handle)


class Raised(NamedTuple):
    """An outgoing message that got further by a mark."""

    message_id: str
    conversation_id: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An outgoing message that waits in the outbox; `id` orders them."""

    id: int
    conversation_id: str
    message_id: str
    attempts: int
    available_at: int
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to write into the outbox."""

    inbox_id: str
    conversation_id: str
    message_id: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSession:
    """An agent's signed-in browser; only the token's SHA-256 is kept."""

    token_hash: str
    agent_id: str
    csrf: str
    created_at: int
    seen_at: int
    expires_at: int
    address: str
    browser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedResponse:
    """A ready text with `{variables}`; without a team it is everyone's."""

    id: str
    shortcut: str
    title: str
    text: str
    language: str
    team_id: str | None
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who changed what, from what, to what. `actor_id` is an agent, or `system`."""

    at: int
    actor_id: str
    action: str
    object_type: str
    object_id: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """An inbound message on the embedded bus; `id` orders them."""

    id: int
    key: str
    payload: bytes
    attempts: int
    appended_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What could not be handled, kept for a person to look at and queue again."""

    id: str
    key: str
    payload: bytes
    reason: str
    attempts: int
    died_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What an idempotent request was answered with, for its repeat."""

    key: str
    fingerprint: str
    status: int
    body: bytes
    created_at: int
