"""The catalogue under work: its draft, its published versions, and what is done with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from intents.documents import CatalogueDocument, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftDocument:
    """A document of the draft.

    `revision` rises with each save, so that nobody overwrites what they have not seen;
    `changed_at` in ms since the epoch.
    """

    kind: Kind
    name: str
    body: Mapping[str, Any]
    revision: int
    editor_id: str | None
    changed_at: int

    @property
    def document(self) -> CatalogueDocument:
        """What it says."""
        return CatalogueDocument(kind=self.kind, name=self.name, body=self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A published version: never changed.

    `hash` names its content, `lessons` the model that serves it. `figures` are what its checks
    said; `restored` is the number of the older version that it repeats. `overridden` says that
    it was published against the gate.
    """

    number: int
    hash: str
    lessons: str
    author_id: str | None
    reason: str
    created_at: int
    figures: Mapping[str, Any] = field(default_factory=dict)
    restored: int | None = None
    overridden: bool = False


class JobKind(StrEnum):
    """Long work on the catalogue."""

    CHECK = "check"  # evaluate the draft
    PUBLISH = "publish"  # evaluate, then publish when the gate lets it pass
    RESTORE = "restore"  # the same with an older version
    REPLAY = "replay"  # conversations saved as tests, against a version
    IMPORT = "import"  # a file into the draft


class JobState(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"  # by the gate, or for what the input holds; `result` says why
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self not in {JobState.WAITING, JobState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Long work. `done` is a share from 0 to 1, `step` what is being done now.

    A worker holds it under a lease; when it dies, another begins anew, `attempts` counting.
    """

    id: str
    kind: JobKind
    state: JobState
    actor_id: str | None
    created_at: int
    task: Mapping[str, Any]
    step: str = ""
    done: float = 0.0
    started_at: int | None = None
    finished_at: int | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    attempts: int = 0
    holder: str = ""
    leased_until: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionTest:
    """A real conversation that must go as it went, or as it was corrected to.

    `steps` are what the customer said with what is expected of the bot; see
    `bot.replay.Step`.
    """

    id: str
    name: str
    language: str
    channel: str
    steps: tuple[Mapping[str, Any], ...]
    conversation_id: str | None
    author_id: str
    created_at: int


class ReviewOutcome(StrEnum):
    """What became of a sentence in review."""

    UTTERANCE = "utterance"
    CHECK = "check"
    ARTICLE = "article"
    RIGHT = "right"  # the bot was right after all
    NOISE = "noise"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewMark:
    """A customer's message was reviewed; `intent` is the right one, when it has one."""

    message_id: str
    outcome: ReviewOutcome
    intent: str | None
    actor_id: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledSentence:
    """A message that an agent wants the editors to look at."""

    message_id: str
    note: str
    actor_id: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTurn:
    """A customer's message with what the bot made of it and what became of the conversation."""

    message_id: str
    conversation_id: str
    text: str
    language: str
    intent: str | None
    confidence: float
    decision: str
    reason: str
    article: str | None
    at: int
    solved: bool
    answered_by_agent: bool
    filed: str | None = None
    disliked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentCounts:
    """Turns of one intent on one day (`day` as YYYY-MM-DD in the bot's time zone)."""

    day: str
    intent: str | None
    hits: int
    handed_off: int
    helped: int
    not_helped: int
    false_answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCounts:
    """Conversations that began on a day, by who dealt with them, and what was said."""

    day: str
    conversations: int
    bot_only: int
    with_people: int
    bot_messages: int
    agent_messages: int
