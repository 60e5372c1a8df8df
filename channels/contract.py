"""What a channel is: the values it exchanges with the gateway and the services it is given.

An adapter receives, checks, parses with a pure `parse_…` function into an `InboundMessage`
and calls `context.sink.deliver`; it acknowledges only when that returned. Outgoing messages
come to `Channel.send`. Adapters never see the store, the bus or the application.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from aiohttp import web
from typing_extensions import override

from channels.checking import Health, Step
from channels.errors import UnsupportedEventError
from channels.forms import Group, Preset
from channels.keeping import ChannelState, Leases, Threads
from channels.letters import Author, Automatic, Doubt, Letter, Participant


class Secret(str):
    """A setting that is stored encrypted and never shown or logged."""

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that lies in the blob store.

    `blob` is the SHA-256 in hex, `size` in bytes; `mime` is what the content is, not what
    the sender said it is. `width` and `height` in pixels for pictures that were decoded;
    `thumbnail` is the blob of a small picture.
    """

    blob: str
    name: str
    mime: str
    size: int
    width: int | None = None
    height: int | None = None
    thumbnail: str | None = None


def conversation_key(inbox_id: str, handle: str, thread: str = "") -> str:
    """What tells conversations apart; channels without threads leave `thread` empty."""
    return f"{inbox_id}\x1f{handle}\x1f{thread}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """A customer's message as it came, parsed.

    `handle` is the sender's address on the channel; `thread` separates conversations of one
    sender where the channel has threads (empty where not). `external_id` is the channel's own
    id of the message: the pair with the inbox makes redelivery harmless. `payload` is set when
    a button was pressed. Times are milliseconds since the epoch, UTC. `raw` is the blob of
    the payload as received, when the channel keeps it. `verified` says that the channel or a
    signature vouches for the sender's identity. `profile` holds what is known of the sender
    (`name`, `email`, `phone`, `language`, free attributes), each already length-checked.

    Of letters: `html` is the blob of the safe HTML; `automatic` says what made it when it was
    no person: it is stored and shown, and no bot answers it; `author` wrote it when that was not
    the handle's owner; `participants` got it too. `doubt` asks for a person's look first. `facts`
    are shown to agents as they are: at most 40, each of at most 1,000 characters.
    """

    inbox_id: str
    handle: str
    external_id: str
    text: str
    received_at: int
    thread: str = ""
    payload: str | None = None
    attachments: tuple[Attachment, ...] = ()
    sent_at: int | None = None
    raw: str | None = None
    verified: bool = False
    profile: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""
    html: str | None = None
    automatic: Automatic = Automatic.NONE
    doubt: Doubt = Doubt.NONE
    author: Author | None = None
    participants: tuple[Participant, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def conversation_key(self) -> str:
        """Messages with the same key belong to one conversation and keep their order."""
        return conversation_key(self.inbox_id, self.handle, self.thread)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """A button under a message."""

    title: str
    payload: str


class MessageKind(StrEnum):
    """Who or what a message comes from."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    NOTE = "note"
    ACTIVITY = "activity"


class MessageState(StrEnum):
    """How far an outgoing message got. A customer's message is always `delivered`."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicMessage:
    """A message as its customer may see it: never a note, never internal data.

    `seq` rises by one or more from message to message of one conversation. `external_id` is the
    customer's own id of the message where there is one. `created_at` in ms since the epoch.
    `author` is the name shown ("" for the bot: the widget says it in the visitor's language).
    """

    id: str
    conversation_id: str
    seq: int
    kind: MessageKind
    author: str
    text: str
    state: MessageState
    created_at: int
    choices: tuple[QuickReply, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    article: str | None = None
    external_id: str | None = None
    in_reply_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """A bot's or agent's message on its way to the customer.

    The message's `id` is the same at each attempt: pass it on where the platform can
    recognise a repeat by it. `attempt` counts from 1. `letter` is there for channels that can
    `Capabilities.letters`.
    """

    inbox_id: str
    handle: str
    thread: str
    message: PublicMessage
    attempt: int
    letter: Letter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReceipt:
    """The platform took the message; `external_id` is the platform's id of it."""

    external_id: str | None = None


class SignedId(NamedTuple):
    """What an id that we signed names: a conversation, and the message in it by its own id's end.

    The whole of both ids would be longer than the lines in which mail programs keep theirs.
    """

    conversation_id: str
    end: str

    @staticmethod
    def end_of(message_id: str) -> str:
        """The part of a message's id that stands for it within its conversation."""
        return message_id[-12:]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What became of one of our messages after the platform took it: a bounce, a read receipt.

    The message is named by our own id, by `external_id`, the platform's, or by what a signed id
    proves. `state` is `failed`,
    `delivered`, `read`, or `sent` for one that is still on its way (a mail that was delayed).
    `reason` is in words an agent understands.
    """

    inbox_id: str
    state: MessageState
    reason: str = ""
    message_id: str | None = None
    external_id: str | None = None
    signed_as: SignedId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """A message that came and is not shown: our own that came back, a bounce that was reported.

    `reason` is one word (`loop`, `bounce`, …); `raw` the blob of what came.
    """

    inbox_id: str
    external_id: str
    reason: str
    raw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a kind of channel can do.

    `mailbox`: the customer's side fetches messages from us (web chat, REST), so a stored message
    counts as sent and `Channel.send` is never called. `letters`: messages have a subject,
    recipients, rich text and quotations. `catch_up`: what was missed can be fetched again.
    `max_text` is in the channel's own unit; `max_files_bytes` bounds the files of one message
    together.
    """

    mailbox: bool = False
    letters: bool = False
    catch_up: bool = False
    quick_replies: bool = False
    attachments: bool = False
    typing: bool = False
    read_receipts: bool = False
    max_text: int = 4000
    max_files_bytes: int = 25_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicGreeting:
    """What a visitor reads before the first message, in one language."""

    text: str
    choices: tuple[QuickReply, ...]


class Sink(Protocol):
    """The one way in."""

    async def deliver(self, message: InboundMessage) -> None:
        """Append to the conversation bus; returns when the message is durable.

        Raises:
            SinkFullError: the bus is full or out of reach; nothing was kept.
        """
        ...

    async def report(self, report: DeliveryReport) -> bool:
        """Notes what became of one of our messages, durable on return; a repeat changes nothing.

        Returns:
            Whether the message is one of ours.

        Raises:
            UnavailableError: the store does not answer; nothing was kept.
        """
        ...

    async def discard(self, discard: Discard) -> None:
        """Counts a message that is not shown, durable on return; once, however often it comes.

        Raises:
            UnavailableError: the store does not answer; nothing was kept.
        """
        ...


class Subscription(Protocol):
    """Frames for one customer handle, in order; a slow reader loses frames and learns of it."""

    async def get(self) -> Mapping[str, Any]:
        """The next frame; `{"type": "overflow"}` when frames were lost: fetch the history.

        Frames: `{"type":"message","message":PublicMessage}`; `{"type":"state","ids":[…],
        "state":…}`; `{"type":"typing","author":str}`; `{"type":"controller","controller":
        "bot"|"queue"|"agent","agent":str}`; `{"type":"turn_done","external_id":str}` (an inbound
        message was dealt with; what was said to it came before).
        """
        ...

    def close(self) -> None:
        """Ends the subscription."""
        ...


class Mailbox(Protocol):
    """A customer's side of a conversation on a mailbox channel.

    Its reads raise `UnavailableError` while the store does not answer.
    """

    def subscribe(self, inbox_id: str, handle: str) -> Subscription:
        """Frames from now on, from whichever process they come."""
        ...

    async def history(
        self, inbox_id: str, handle: str, *, after: int = 0, limit: int = 100
    ) -> Sequence[PublicMessage]:
        """Public messages with `seq` greater than `after`, oldest first.

        With `after` 0 the newest `limit` messages.
        """
        ...

    async def controller(self, inbox_id: str, handle: str) -> tuple[str, str]:
        """Who answers now (`bot`, `queue` or `agent`), and the agent's name when it is one."""
        ...

    async def undelivered(self, inbox_id: str, handle: str) -> Sequence[PublicMessage]:
        """Outgoing messages in state `sent`, oldest first."""
        ...

    async def mark(
        self,
        inbox_id: str,
        handle: str,
        *,
        up_to: int,
        state: MessageState,
        in_reply_to: str | None = None,
    ) -> None:
        """The customer's side received (`delivered`) or saw (`read`) everything up to that seq.

        With `in_reply_to`, an external id, only what answers that message.
        """
        ...

    async def typing(self, inbox_id: str, handle: str) -> None:
        """The customer is typing: tells the agents' consoles."""
        ...


class Blobs(Protocol):
    """Files, addressed by the SHA-256 of their content."""

    async def put(self, content: bytes) -> str:
        """Stores durably; returns the hash in hex.

        Raises:
            UnavailableError: the disk is full or does not answer.
        """
        ...

    async def get(self, blob: str) -> bytes:
        """The content.

        Raises:
            KeyError: nothing is stored under that hash.
            UnavailableError: the disk does not answer.
        """
        ...


class Signer(Protocol):
    """Makes and checks tokens that only this installation can make."""

    def sign(self, purpose: str, value: str, *, expires_at: int) -> str:
        """A URL-safe token for the value; `expires_at` in ms since the epoch."""
        ...

    def verify(self, purpose: str, token: str, *, now: int) -> str:
        """The value.

        Raises:
            SignatureError: forged, expired, or made for another purpose.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelContext:
    """All that an adapter may touch. `now` gives milliseconds since the epoch."""

    sink: Sink
    mailbox: Mailbox
    blobs: Blobs
    signer: Signer
    now: Callable[[], int]
    new_id: Callable[[], str]
    greeting: Callable[[str], PublicGreeting]
    state: ChannelState
    leases: Leases
    threads: Threads


S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxConfig(Generic[S]):
    """A configured channel. `language` is the default for its customers (BCP 47)."""

    id: str
    name: str
    language: str
    settings: S


class Channel(ABC, Generic[S]):
    """One live inbox."""

    def __init__(self, inbox: InboxConfig[S], context: ChannelContext) -> None:
        self.inbox = inbox
        self.context = context

    async def start(self) -> None:
        """Begins to receive, where the channel polls or holds a connection.

        After a change of its settings an inbox's new channel starts before the old one stops.
        """

    async def stop(self) -> None:
        """Stops receiving; returns when nothing is in flight."""

    @abstractmethod
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Hands one message to the platform.

        Raises:
            TransientDeliveryError: try again later.
            PermanentDeliveryError: never.
        """

    async def catch_up(self, since: int) -> None:
        """Asks for what came since then (ms since the epoch) to be fetched again, soon.

        What is known already comes again under its external id and changes nothing.

        Raises:
            UnsupportedEventError: the platform keeps nothing (`Capabilities.catch_up`).
            UnavailableError: the store does not answer.
        """
        raise UnsupportedEventError("this channel cannot fetch messages again")

    async def health(self) -> Health | None:
        """How it does, whichever process receives; None where there is nothing to tell."""
        return None


class Directory(Protocol):
    """The live inboxes of one kind, as routes see them."""

    def find(self, inbox_id: str) -> Channel[Any] | None:
        """The enabled inbox with that id."""
        ...

    def default(self) -> Channel[Any] | None:
        """The oldest enabled inbox of the kind."""
        ...


Trial = Callable[[S], Awaitable[Sequence[Step]]]
RouteTable = Callable[[Directory], Sequence[web.AbstractRouteDef]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind(Generic[S]):
    """What an adapter module exports as `CHANNEL`.

    `settings` is a frozen dataclass whose fields have defaults, types `str | int | bool |
    tuple[str, ...] | Secret` and `metadata={"label": {"en": …, "zh-Hans": …, "zh-Hant": …}}`,
    beside the label of a secret that we may choose `"generate": "whsec"` or `"token"`; its
    `__post_init__` raises `SettingsError`. What else a form may be told is in `channels.forms`,
    `groups` and `presets` among it. `routes` is called once at start, for all inboxes of the
    kind. `test` tries settings out against the platform, step by step up to the first that
    fails; it sends nothing to anybody.
    """

    kind: str
    settings: type[S]
    capabilities: Capabilities
    build: Callable[[InboxConfig[S], ChannelContext], Channel[S]]
    routes: RouteTable | None = None
    test: Trial[S] | None = None
    groups: tuple[Group, ...] = ()
    presets: tuple[Preset, ...] = ()
