"""The API's objects as it answers them: they document, and tests hold answers against them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from channels.contract import MessageKind, MessageState
from gateway.domain.conversation import Controller, ConversationStatus
from gateway.domain.people import Availability, Right, Role
from gateway.domain.ticket import Severity, TicketKind, TicketState
from gateway.domain.trail import Hop, Outcome
from gateway.http.fields import Output, When
from gateway.http.letter_answers import Letter, Participant


class Label(Output):
    """A text in the console's languages."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, defer_build=True)

    en: str
    zh_hans: str = Field(alias="zh-Hans")
    zh_hant: str = Field(alias="zh-Hant")


class Reference(Output):
    """Something by name."""

    id: str
    name: str


class HoursRange(Output):
    """A stretch of a day: `09:00` to `18:00`; `24:00` is the end of the day."""

    start: str
    end: str


class HoursDay(Output):
    """A date that is unlike its weekday; without ranges it is closed."""

    date: str
    ranges: list[HoursRange]


class Hours(Output):
    """When people work: Monday to Sunday in an IANA time zone, and exceptional dates."""

    zone: str
    week: list[list[HoursRange]]
    days: list[HoursDay]


class Team(Output):
    """A group that works a queue, within its hours."""

    id: str
    name: str
    hours: Hours


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


class CardCustomer(Output):
    """Who asked, as the bot knew them."""

    name: str
    verified: bool
    key: bool
    tickets: int
    open_tickets: list[str]


class Card(Output):
    """What the bot hands over with a conversation: asked, tried and collected."""

    topic: str | None
    asked: list[str]
    tried: list[str]
    collected: dict[str, str]
    answers: list[tuple[str, str]]
    mood: Literal["calm", "annoyed", "angry"]
    call_back: str | None
    customer: CardCustomer | None


class Ticket(Output):
    """A numbered piece of work; `summary` is `card`, where there is one, in words."""

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
    card: Card | None
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
    key: bool
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
    participants: list[Participant]


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
    """The article that an answer rests on; `title` is as the customer reads it."""

    slug: str
    title: str
    titles: Label


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
    them in their own language; `text` is an English fallback. `failure` is as the channel said
    it, `failure_words` the same by language where it is known. `letter` is there for letters.
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
    failure_words: Label | None
    created_at: When
    sent_at: When | None
    details: dict[str, Any]
    letter: Letter | None
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


class ConversationPage(Output):
    """One page of conversations."""

    items: list[ConversationRow]
    next_cursor: str | None


class Counts(Output):
    """How many conversations each list holds, and messages wait held; counts stop at 1,000."""

    mine: int
    unassigned: int
    bot: int
    all: int
    solved: int
    held: int


class SearchItem(Output):
    """A conversation in which the words stand.

    Marks say where: start and end, in characters, within the snippet and the contact's name.
    """

    conversation: ConversationRow
    message_id: str
    snippet: str
    snippet_marks: list[tuple[int, int]]
    name_marks: list[tuple[int, int]]


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


class HeldItem(Output):
    """A message that waits for a decision, and its conversation."""

    message: Message
    conversation: ConversationRow


class HeldItems(Output):
    """Newest first."""

    items: list[HeldItem]


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


class TeamList(Output):
    """Teams."""

    items: list[Team]


class Upload(Output):
    """A file that waits to be sent; good for a day."""

    upload_id: str
    name: str
    mime: str
    size: int
    thumbnail_url: str | None


class ProblemItem(Output):
    """One wrong field."""

    pointer: str
    detail: str
    words: dict[str, str] | None = Field(
        default=None, description="The detail by language tag, where it is known in several."
    )


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
