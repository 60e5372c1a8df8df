"""The API's objects for those who configure and operate, as it answers them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.domain.exchange import ExchangeOutcome
from gateway.domain.inbox import RecogniserKind
from gateway.http.answers import Agent, Label, Reference
from gateway.http.fields import Output, When


class ReplyLimits(Output):
    """What an answer to a customer of this inbox may carry.

    With `letters` it has a subject and recipients. `max_text` is in
    characters, as Unicode counts them; `max_files` and `max_files_bytes` are for
    one answer, `max_file_bytes` for each file. `file_types` are MIME types.
    """

    letters: bool
    max_text: int
    files: bool
    max_files: int
    max_file_bytes: int
    max_files_bytes: int
    file_types: list[str]


class Inbox(Output):
    """A configured channel; of secrets only the names are told."""

    id: str
    kind: str
    name: str
    language: str
    team_id: str | None
    bot: bool
    enabled: bool
    recogniser: RecogniserKind
    mail_inbox_id: str | None
    settings: dict[str, Any]
    secrets_set: list[str]
    limits: ReplyLimits
    created_at: When


class NewAgentAnswer(Output):
    """The new agent and the password for their first sign-in, shown this once."""

    agent: Agent
    one_time_password: str


class OneTimePassword(Output):
    """A password for the next sign-in, shown this once."""

    one_time_password: str


class SettingChoice(Output):
    """A value that a setting may have."""

    value: str
    label: Label


class SettingCondition(Output):
    """The other setting's values with which a setting matters."""

    name: str
    values: list[str | bool]


class SettingField(Output):
    """One setting of a kind of channel.

    `group` names the one of the kind's groups it stands in; an `advanced` one may be hidden first,
    a `long` one has several lines.
    """

    name: str
    type: Literal["string", "integer", "boolean", "list", "secret"]
    label: Label
    help: Label | None = None
    secret: bool
    required: bool
    generate: Literal["whsec", "token"] | None = Field(
        default=None,
        description="A secret that may be made up at random: `whsec`, by Standard Webhooks, "
        "or any long `token`.",
    )
    default: str | int | bool | list[str]
    advanced: bool
    long: bool
    group: str | None = None
    choices: list[SettingChoice] | None = None
    only_if: SettingCondition | None = None


class SettingGroup(Output):
    """Settings that stand together."""

    name: str
    label: Label


class SettingPreset(Output):
    """What a kind's settings are with a well-known provider, and what to do there first."""

    name: str
    label: Label
    help: Label | None
    values: dict[str, str | int | bool]


class ChannelCapabilities(Output):
    """What a kind of channel can do."""

    mailbox: bool
    letters: bool
    catch_up: bool
    quick_replies: bool
    attachments: bool
    typing: bool
    read_receipts: bool
    max_text: int
    max_files_bytes: int


class ChannelKind(Output):
    """A kind of channel and its settings."""

    kind: str
    capabilities: ChannelCapabilities
    settings: list[SettingField]
    groups: list[SettingGroup]
    presets: list[SettingPreset]
    testable: bool = Field(description="Whether settings can be tried out before they are kept.")


class ChannelKindList(Output):
    """Kinds of channel."""

    items: list[ChannelKind]


class InboxList(Output):
    """Inboxes."""

    items: list[Inbox]


class AuditRow(Output):
    """Who changed what."""

    id: int
    at: When
    actor: Reference
    action: str
    object_type: str
    object_id: str
    ticket_id: str | None = Field(description="The ticket that it concerns, where there is one.")
    before: dict[str, Any]
    after: dict[str, Any]


class AuditPage(Output):
    """One page of the audit, newest first."""

    items: list[AuditRow]
    tickets: dict[str, int] = Field(description="The numbers of the tickets named here, by id.")
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


class DiscardedMessage(Output):
    """A message that came and is not shown; `raw_url` is the letter as it came."""

    inbox_id: str
    external_id: str
    reason: str
    at: When
    raw_url: str | None


class DiscardedMessages(Output):
    """Newest first."""

    items: list[DiscardedMessage]


class DayBalance(Output):
    """What became of what an inbox received on a day: `received` is the sum of the others.

    `shown` stand in conversations, `held` wait for a decision, `discarded` were put aside.
    """

    inbox_id: str
    day: Annotated[str, Field(description="ISO 8601")]
    received: int
    shown: int
    held: int
    discarded: int


class DayBalances(Output):
    """Newest first."""

    items: list[DayBalance]


class ModelLimits(Output):
    """What a language model may take; null: no limit."""

    seconds: float
    daily_tokens: int | None
    daily_cost: float | None


class ModelUse(Output):
    """What a day took; `cost` in the currency of the prices."""

    calls: int
    tokens: int
    cost: float


class LanguageModel(Output):
    """Whether a language model words answers, and how it stands in this process.

    `rests_until`: it failed, and is left alone until then.
    """

    answers: bool
    model: str
    limits: ModelLimits | None
    today: ModelUse | None
    rests_until: When | None


class Passage(Output):
    """A piece of an article."""

    slug: str
    title: str
    text: str


class ModelExchange(Output):
    """What a language model was asked, as it was sent, and what became of it.

    Personal data is replaced by placeholders such as `{phone_1}`. `passages` are numbered from 1.
    `cost` is in the currency of the prices.
    """

    id: str
    purpose: Literal["turn", "draft", "check"]
    conversation_id: str | None
    asked_at: When
    model: str
    language: str
    question: str
    earlier: list[str]
    passages: list[Passage]
    outcome: ExchangeOutcome
    reason: str
    answer: str
    tokens_in: int
    tokens_out: int
    cost: float
    ms: int


class ModelExchanges(Output):
    """Newest first."""

    items: list[ModelExchange]
    next_cursor: str | None
