"""Letters as the API answers them."""

from __future__ import annotations

from typing import Literal

from channels.letters import Automatic
from gateway.domain.letters import Aside, Part, Verdict
from gateway.http.fields import Output, When


class Party(Output):
    """Somebody with an address; `name` may be empty."""

    address: str
    name: str


class Participant(Output):
    """Somebody beside the customer.

    Who is in `to` or `cc` gets what agents answer; a `third` party answers to the agents alone.
    """

    address: str
    name: str
    part: Part


class LetterDecision(Output):
    """What an agent decided about a held message."""

    verdict: Verdict
    by: str
    at: When
    reason: str


class Letter(Output):
    """What a message is as a letter.

    `author` wrote it when that was not the customer. `aside` says why it is not the customer's
    word; while it is `held`, an agent is to decide: a stranger joins or is separated, what is
    doubtful is released or discarded. `third` says that it goes to a third party alone, `forwards`
    which message it passes on. `facts` are what the channel tells, such as SPF. `html_url` is the
    safe rich text of what came, for a frame; `html` that of what an agent wrote. `raw_url` is the
    letter as it came.
    """

    subject: str
    author: Party | None
    to: list[Party]
    cc: list[Party]
    bcc: list[Party]
    automatic: Automatic
    aside: Aside | None
    held: bool
    decision: LetterDecision | None
    third: bool
    forwards: str | None
    facts: dict[str, str]
    html: str
    html_url: str | None
    remote_images: bool
    raw_url: str | None


class LetterDraft(Output):
    """What an answer carries unless its writer chooses otherwise."""

    subject: str
    to: list[Party]
    cc: list[Party]


class SettingsTrialStep(Output):
    """One step of trying settings out; `detail` says what is wrong and how to mend it."""

    name: dict[str, str]
    ok: bool
    detail: dict[str, str] | None


class SettingsTrialResult(Output):
    """What came of trying settings out, up to the first step that failed."""

    ok: bool
    steps: list[SettingsTrialStep]


class ChannelHealth(Output):
    """How an inbox does.

    `running` says that its channel is there; `heard_at` is when the other side last answered,
    `message_at` when a message last came, `error` (by language) why it does not work now, since
    `error_at`. `facts` are further figures by name.
    """

    running: bool
    state: Literal["ok", "failing", "off", "unknown"]
    heard_at: When | None
    message_at: When | None
    error: dict[str, str] | None
    error_at: When | None
    facts: dict[str, str]
