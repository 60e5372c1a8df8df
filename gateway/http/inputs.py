"""What requests may hold: bodies and queries."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from gateway.domain.hours import MOST_DAYS, MOST_RANGES, TWICE, HoursError, OpeningHours, Range
from gateway.domain.inbox import RecogniserKind
from gateway.domain.people import Availability, Role
from gateway.domain.ticket import Severity, TicketKind, TicketState
from gateway.http.fields import (
    PAGE_LIMIT,
    Change,
    ContactEmail,
    Email,
    Id,
    Input,
    LanguageTag,
    Line,
    Name,
    Password,
    Query,
    Shortcut,
    StaffLanguage,
    Text,
    _one_line,
)
from gateway.http.letter_inputs import Files, LetterInput
from gateway.ports.conversations import ListView


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
    attachments: Files
    expected_seq: Annotated[int, Field(ge=0, le=2**53)] | None = None
    letter: LetterInput | None = None


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
    key: bool = False
    attributes: Annotated[
        dict[AttributeName, Annotated[Text, StringConstraints(max_length=500)]],
        Field(max_length=50, default_factory=dict),
    ]


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
    team_ids: Annotated[list[Id], Field(max_length=100, default_factory=list)]


class AgentChange(Change):
    """What is to change about an agent."""

    name: Name = ""
    role: Role = Role.AGENT
    active: bool = True
    language: StaffLanguage = "en"
    team_ids: Annotated[list[Id], Field(max_length=100, default_factory=list)]


TimeOfDay = Annotated[str, StringConstraints(pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$")]


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


class RangeInput(Input):
    """A stretch of a day, such as `09:00` to `18:00`; `24:00` is the end of the day."""

    start: TimeOfDay
    end: TimeOfDay

    def made(self) -> Range:
        """The range in minutes."""
        return Range(_minutes(self.start), _minutes(self.end))


Ranges = Annotated[list[RangeInput], Field(max_length=MOST_RANGES)]


class DayInput(Input):
    """A date that is unlike its weekday; without ranges it is closed."""

    date: date
    ranges: Ranges


class HoursInput(Input):
    """When people work: Monday to Sunday in an IANA time zone, and exceptional dates."""

    zone: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    week: Annotated[list[Ranges], Field(min_length=7, max_length=7)]
    days: Annotated[list[DayInput], Field(max_length=MOST_DAYS, default_factory=list)]

    def made(self) -> OpeningHours:
        """The plan.

        Raises:
            HoursError: it is wrong; names the place.
        """
        days: dict[date, tuple[Range, ...]] = {}
        for number, day in enumerate(self.days):
            if day.date in days:
                raise HoursError(f"/days/{number}/date", TWICE)
            days[day.date] = tuple(each.made() for each in day.ranges)
        week = tuple(tuple(each.made() for each in ranges) for ranges in self.week)
        return OpeningHours(zone=self.zone, week=week, days=days)


def _closed() -> HoursInput:
    return HoursInput(zone="UTC", week=[[]] * 7, days=[])


class TeamInput(Input):
    """A team."""

    name: Name


class TeamChange(Change):
    """What is to change about a team."""

    name: Name = ""
    hours: Annotated[HoursInput, Field(default_factory=_closed)]


Settings = Annotated[dict[Id, Any], Field(max_length=100, default_factory=dict)]


class InboxInput(Input):
    """A new inbox."""

    kind: Id
    name: Name
    language: LanguageTag
    team_id: Id | None = None
    bot: bool = True
    enabled: bool = True
    recogniser: RecogniserKind = RecogniserKind.BUILT_IN
    mail_inbox_id: Id | None = None
    settings: Settings
    secrets: Annotated[dict[Id, str], Field(max_length=100, default_factory=dict)]


class InboxChange(Change):
    """What is to change about an inbox; settings not named stay, a null secret is removed."""

    name: Name = ""
    language: LanguageTag = "en"
    team_id: Id | None = None
    bot: bool = True
    enabled: bool = True
    recogniser: RecogniserKind = RecogniserKind.BUILT_IN
    mail_inbox_id: Id | None = None
    settings: Settings
    secrets: Annotated[dict[Id, str | None], Field(max_length=100, default_factory=dict)]


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
