"""Inboxes: configured channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

IsMailbox = Callable[[str], bool]
"""Whether customers of a kind of channel fetch their messages from us."""
HasLetters = Callable[[str], bool]
"""Whether the messages of a kind of channel are letters."""


class RecogniserKind(StrEnum):
    """Who understands an inbox's messages; the built-in one stands in when another fails."""

    BUILT_IN = "built_in"
    RASA = "rasa"
    LLM = "llm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """A configured channel.

    `settings` are the adapter's settings without secrets; `secrets` stay encrypted outside the
    store. `team_id` is the team whose queue gets its hand-offs; with `bot` off,
    messages go straight to that queue. `mail_inbox_id` is the inbox from which a chat goes on
    by mail when its visitor left; None: it does not.
    """

    id: str
    kind: str
    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]
    language: str
    team_id: str | None
    bot: bool
    enabled: bool
    created_at: int
    recogniser: RecogniserKind = RecogniserKind.BUILT_IN
    mail_inbox_id: str | None = None
