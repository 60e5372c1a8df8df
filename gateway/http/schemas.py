"""The API's objects: what validates requests and documents answers.

Requests refuse unknown fields, wrong types and control characters; all lengths are bounded.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import override

from channels.contract import MessageKind, MessageState
from gateway.domain.conversation import Controller, ConversationStatus
from gateway.domain.people import Availability, Right, Role
from gateway.domain.ticket import Severity, TicketKind, TicketState
from gateway.domain.trail import Hop, Outcome
from gateway.ports.conversations import ListView

TEXT_LIMIT = 10_000
PAGE_LIMIT = 100
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
# Joiners are part of emoji and of some scripts; other format characters only mislead readers.
_JOINERS = "\u200c\u200d"


def _one_line(text: str) -> str:
    for char in text:
        if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} and char not in _JOINERS:
            raise ValueError("must not hold control, zero-width or direction characters")
    return text


def _plain(text: str) -> str:
    if any(unicodedata.category(c) == "Cc" and c not in "\n\r\t" for c in text):
        raise ValueError("must not hold control characters")
    return text


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("must be an e-mail address")
    return text.lower()


def _language_tag(text: str) -> str:
    if text and not _TAG.fullmatch(text):
        raise ValueError("must be a language tag such as zh-Hans")
    return text


def _optional_email(text: str) -> str:
    return _email(text) if text else text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_one_line),
]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_one_line)
]
Text = Annotated[str, StringConstraints(max_length=TEXT_LIMIT), AfterValidator(_plain)]
Email = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_email)]
ContactEmail = Annotated[
    str, StringConstraints(strip_whitespace=True), AfterValidator(_optional_email)
]
LanguageTag = Annotated[str, StringConstraints(max_length=35), AfterValidator(_language_tag)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Shortcut = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,40}$", strip_whitespace=True)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]
StaffLanguage = Literal["zh-Hans", "zh-Hant", "en"]
When = Annotated[str, Field(description="ISO 8601, UTC, with milliseconds")]


class Input(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Change(Input):
    """A request's body of which absent fields leave things as they are."""

    @classmethod
    @override
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema without defaults: they only mark fields that may be absent."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for field in schema.get("properties", {}).values():
            field.pop("default", None)
        return schema


class Query(BaseModel):
    """A request's query: texts, turned into what they mean."""

    model_config = ConfigDict(extra="forbid")


class Output(BaseModel):
    """An answer; built only where it is documented or tested, which spares the start."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


# --- Answers -------------------------------------------------------------------------------


class Reference(Output):
    """Something by name."""

    id: str
    name: str


class Team(Output):
    """A group that works a queue."""

    id: str
    name: str


class Agent(Output):
    """A member of staff; `present` while a console of theirs is open."""

    id: str
    email: str
    name: str
    role: Role
    active: bool
    language: str
    availability: Availability
    must_change_password: bool
    team_ids: list[str]
    created_at: When
    present: bool


class Me(Output):
    """The agent who is signed in; `csrf` goes into the X-CSRF-Token header of each change."""

    agent: Agent
    csrf: str
    rights: list[Right]
    must_change_password: bool
    teams: list[Team]


class InboxReference(Output):
    """The inbox of a conversation."""

    id: str
    name: str
    kind: str


class TicketReference(Output):
    """The ticket of a conversation."""

    id: str
    number: int
    severity: Severity
    state: TicketState
    kind: TicketKind


class ConversationRow(Output):
    """A conversation in a list."""

    id: str
    inbox: InboxReference
    contact: Reference
    controller: Controller
    status: ConversationStatus
    agent: Reference | None
    team: Reference | None
    ticket: TicketReference | None
    language: str
    subject: str
    preview: str
    unread: int
    waiting_since: When | None
    last_message_at: When
    last_seq: int
    version: int
    created_at: When


class Ticket(Output):
    """A numbered piece of work."""

    id: str
    number: int
    conversation_id: str
    contact: Reference
    team: Reference | None
    agent: Reference | None
    kind: TicketKind
    severity: Severity
    state: TicketState
    subject: str
    summary: str
    reason: str
    created_at: When
    updated_at: When
    solved_at: When | None
    closed_at: When | None


class ContactHandle(Output):
    """A contact's address in an inbox."""

    inbox_id: str
    inbox_name: str
    value: str


class ContactConversation(Output):
    """One of a contact's conversations."""

    id: str
    preview: str
    status: ConversationStatus
    controller: Controller
    last_message_at: When
    ticket_number: int | None


class Contact(Output):
    """A customer, with what the agent may see of their history."""

    id: str
    name: str
    email: str
    phone: str
    company: str
    language: str
    attributes: dict[str, str]
    verified: bool
    created_at: When
    handles: list[ContactHandle]
    conversations: list[ContactConversation]
    tickets: list[Ticket]


class Conversation(Output):
    """A conversation with its customer."""

    id: str
    inbox: InboxReference
    contact: Contact
    controller: Controller
    status: ConversationStatus
    agent: Reference | None
    team: Reference | None
    ticket: TicketReference | None
    language: str
    subject: str
    preview: str
    unread: int
    waiting_since: When | None
    last_message_at: When
    last_seq: int
    version: int
    created_at: When
    handle: str
    thread: str


class Choice(Output):
    """A quick reply under a message."""

    title: str
    payload: str


class Attachment(Output):
    """A file of a message."""

    index: int
    name: str
    mime: str
    size: int
    width: int | None
    height: int | None
    url: str
    thumbnail_url: str | None


class ArticleReference(Output):
    """The article that an answer rests on."""

    slug: str
    title: str


class TrailHop(Output):
    """A step on a message's way; `ms` is how long it took."""

    hop: Hop
    outcome: Outcome
    reason: str
    ms: int
    at: When


class Message(Output):
    """One entry of a conversation.

    Activity messages carry `details.activity` and `details.values`, from which consoles say
    them in their own language; `text` is an English fallback.
    """

    id: str
    conversation_id: str
    seq: int
    kind: MessageKind
    state: MessageState
    author: Reference | None
    text: str
    payload: str | None
    choices: list[Choice]
    attachments: list[Attachment]
    article: ArticleReference | None
    failure: str | None
    created_at: When
    sent_at: When | None
    details: dict[str, Any]
    trail: list[TrailHop]


class Canned(Output):
    """A canned response; `{contact.name}` and the like are filled by the console."""

    id: str
    shortcut: str
    title: str
    text: str
    language: str
    team_id: str | None
    updated_at: When


class Inbox(Output):
    """A configured channel; of secrets only the names are told."""

    id: str
    kind: str
    name: str
    language: str
    team_id: str | None
    bot: bool
    enabled: bool
    settings: dict[str, Any]
    secrets_set: list[str]
    created_at: When


class ConversationPage(Output):
    """One page of conversations."""

    items: list[ConversationRow]
    next_cursor: str | None


class Counts(Output):
    """How many conversations each list holds; each count stops at 1,000."""

    mine: int
    unassigned: int
    bot: int
    all: int
    solved: int


class SearchItem(Output):
    """A conversation in which the words stand."""

    conversation: ConversationRow
    message_id: str
    snippet: str


class SearchResult(Output):
    """What was found."""

    items: list[SearchItem]


class MessageList(Output):
    """Messages in order."""

    items: list[Message]
    has_more: bool


class MessageItems(Output):
    """Messages."""

    items: list[Message]


class TrailList(Output):
    """The hops of a message."""

    items: list[TrailHop]


class TicketPage(Output):
    """One page of tickets."""

    items: list[Ticket]
    next_cursor: str | None


class CannedList(Output):
    """Canned responses."""

    items: list[Canned]


class AgentList(Output):
    """Agents."""

    items: list[Agent]


class NewAgentAnswer(Output):
    """The new agent and the password for their first sign-in, shown this once."""

    agent: Agent
    one_time_password: str


class OneTimePassword(Output):
    """A password for the next sign-in, shown this once."""

    one_time_password: str


class TeamList(Output):
    """Teams."""

    items: list[Team]


class Label(Output):
    """A text in the console's languages."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, defer_build=True)

    en: str
    zh_hans: str = Field(alias="zh-Hans")
    zh_hant: str = Field(alias="zh-Hant")


class SettingField(Output):
    """One setting of a kind of channel."""

    name: str
    type: Literal["string", "integer", "boolean", "list", "secret"]
    label: Label
    help: Label | None = None
    secret: bool
    required: bool
    default: str | int | bool | list[str]


class ChannelCapabilities(Output):
    """What a kind of channel can do."""

    mailbox: bool
    quick_replies: bool
    attachments: bool
    typing: bool
    read_receipts: bool
    max_text: int


class ChannelKind(Output):
    """A kind of channel and its settings."""

    kind: str
    capabilities: ChannelCapabilities
    settings: list[SettingField]


class ChannelKindList(Output):
    """Kinds of channel."""

    items: list[ChannelKind]


class InboxList(Output):
    """Inboxes."""

    items: list[Inbox]


class Upload(Output):
    """A file that waits to be sent; good for a day."""

    upload_id: str
    name: str
    mime: str
    size: int
    thumbnail_url: str | None


class AuditRow(Output):
    """Who changed what."""

    id: int
    at: When
    actor: Reference
    action: str
    object_type: str
    object_id: str
    before: dict[str, Any]
    after: dict[str, Any]


class AuditPage(Output):
    """One page of the audit, newest first."""

    items: list[AuditRow]
    next_cursor: str | None


class DeadLetter(Output):
    """An inbound message that could not be handled."""

    id: str
    key: str
    reason: str
    attempts: int
    died_at: When
    preview: str


class DeadLetterList(Output):
    """Dead letters, newest first."""

    items: list[DeadLetter]


class BusStatus(Output):
    """How far behind the workers are."""

    depth: int
    oldest_age_ms: int
    in_flight: int
    dead: int


class OutboxStatus(Output):
    """How many deliveries wait."""

    depth: int


class Status(Output):
    """How the system is doing."""

    bus: BusStatus
    outbox: OutboxStatus
    catalogue_version: str
    version: str
    roles: list[str]
    sockets: int


class ProblemItem(Output):
    """One wrong field."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    errors: list[ProblemItem] | None = None


# --- Requests ------------------------------------------------------------------------------


class Empty(Input):
    """Nothing."""


class SignIn(Input):
    """E-mail address and password."""

    email: Annotated[str, StringConstraints(max_length=254)]
    password: Password


class MeChange(Change):
    """What agents may change about themselves."""

    name: Name = ""
    language: StaffLanguage = "en"
    availability: Availability = Availability.ONLINE


class PasswordChange(Input):
    """The present and the next password."""

    current: Password
    new: Password


class ClaimInput(Input):
    """`version` as seen, to lose against a change meanwhile; `force` takes over."""

    version: int | None = None
    force: bool = False


class AssignInput(Change):
    """To whom and to which queue; null empties, an absent field leaves as it is."""

    agent_id: Id | None = None
    team_id: Id | None = None


class ReplyInput(Input):
    """An agent's answer."""

    text: Text = ""
    attachments: Annotated[
        list[Annotated[str, StringConstraints(max_length=2000)]], Field(max_length=10)
    ] = []
    expected_seq: Annotated[int, Field(ge=0, le=2**53)] | None = None


class NoteInput(Input):
    """What only colleagues see."""

    text: Annotated[Text, StringConstraints(min_length=1)]


class TicketChange(Change):
    """What is to change about a ticket."""

    severity: Severity | None = None
    kind: TicketKind | None = None
    state: TicketState | None = None
    subject: Line | None = None


AttributeName = Annotated[
    str, StringConstraints(min_length=1, max_length=60), AfterValidator(_one_line)
]


class ContactChange(Change):
    """What is to change about a contact; `attributes` replaces all of them."""

    name: Annotated[Line, StringConstraints(max_length=100)] = ""
    email: ContactEmail = ""
    phone: Annotated[Line, StringConstraints(max_length=40)] = ""
    company: Line = ""
    language: LanguageTag = ""
    attributes: Annotated[
        dict[AttributeName, Annotated[Text, StringConstraints(max_length=500)]],
        Field(max_length=50),
    ] = {}


class CannedInput(Input):
    """A canned response."""

    shortcut: Shortcut
    title: Name
    text: Annotated[Text, StringConstraints(min_length=1)]
    language: LanguageTag
    team_id: Id | None = None


class AgentInput(Input):
    """A new agent."""

    email: Email
    name: Name
    role: Role
    language: StaffLanguage
    team_ids: Annotated[list[Id], Field(max_length=100)] = []


class AgentChange(Change):
    """What is to change about an agent."""

    name: Name = ""
    role: Role = Role.AGENT
    active: bool = True
    language: StaffLanguage = "en"
    team_ids: Annotated[list[Id], Field(max_length=100)] = []


class TeamInput(Input):
    """A team."""

    name: Name


Settings = Annotated[dict[Id, Any], Field(max_length=100)]


class InboxInput(Input):
    """A new inbox."""

    kind: Id
    name: Name
    language: LanguageTag
    team_id: Id | None = None
    bot: bool = True
    enabled: bool = True
    settings: Settings = {}
    secrets: Annotated[dict[Id, str], Field(max_length=100)] = {}


class InboxChange(Change):
    """What is to change about an inbox; settings not named stay, a null secret is removed."""

    name: Name = ""
    language: LanguageTag = "en"
    team_id: Id | None = None
    bot: bool = True
    enabled: bool = True
    settings: Settings = {}
    secrets: Annotated[dict[Id, str | None], Field(max_length=100)] = {}


# --- Queries -------------------------------------------------------------------------------

Limit = Annotated[int, Field(ge=1, le=PAGE_LIMIT)]
Cursor = Annotated[str, StringConstraints(max_length=1000)]


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


class PageQuery(Query):
    """Which page."""

    limit: Limit = 30
    cursor: Annotated[Cursor | None, BeforeValidator(_empty_is_none)] = None


class ConversationQuery(PageQuery):
    """Which conversations."""

    view: ListView = ListView.ALL
    inbox_id: Annotated[Id | None, BeforeValidator(_empty_is_none)] = None
    team_id: Annotated[Id | None, BeforeValidator(_empty_is_none)] = None
    severity: Annotated[Severity | None, BeforeValidator(_empty_is_none)] = None


class SearchQuery(Query):
    """Which words."""

    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    limit: Limit = 30


class MessageQuery(Query):
    """Messages after or before a `seq`; the newest ones when neither is given."""

    after: Annotated[int, Field(ge=0, le=2**53)] | None = None
    before: Annotated[int, Field(ge=0, le=2**53)] | None = None
    limit: Limit = 30


class TicketQuery(PageQuery):
    """Which tickets."""

    state: Annotated[TicketState | None, BeforeValidator(_empty_is_none)] = None


class LimitQuery(Query):
    """How many."""

    limit: Limit = 30


class UploadQuery(Query):
    """The file's name."""

    name: Annotated[str, StringConstraints(max_length=255)] = ""


class AttachmentQuery(Query):
    """With `thumbnail`, the small picture."""

    thumbnail: bool = False
