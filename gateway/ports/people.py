"""Agents, inboxes, canned responses and the audit, as the store keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.inbox import Inbox
from gateway.domain.people import Agent, Team
from gateway.domain.records import AuditEntry, CannedResponse, SignInSession


class Agents(Protocol):
    """Agents, their teams, passwords and sessions."""

    def get(self, agent_id: str, *, lock: bool = False) -> Agent:
        """One agent; with `lock` nobody else changes it until the commit.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def by_email(self, email: str) -> tuple[Agent, str] | None:
        """The agent with that address (lower case) and their password hash."""
        ...

    def password(self, agent_id: str) -> str:
        """The password hash."""
        ...

    def all(self) -> list[Agent]:
        """Every agent, by name."""
        ...

    def lock_administrators(self) -> list[str]:
        """The ids of those who administer now; nobody else changes them until the commit."""
        ...

    def add(self, agent: Agent, password: str) -> None:
        """Inserts with a password hash, and the teams."""
        ...

    def update(self, agent: Agent) -> None:
        """Writes all columns and the teams."""
        ...

    def set_password(self, agent_id: str, password: str, *, must_change: bool) -> None:
        """Replaces the password hash."""
        ...

    def teams(self) -> list[Team]:
        """Every team, by name."""
        ...

    def add_team(self, team: Team) -> None:
        """Inserts."""
        ...

    def update_team(self, team: Team) -> None:
        """Writes all columns."""
        ...

    def add_session(self, session: SignInSession) -> None:
        """Inserts."""
        ...

    def session(self, token_hash: str) -> tuple[SignInSession, Agent] | None:
        """The session with that token and its agent, expired or not."""
        ...

    def touch_session(self, token_hash: str, *, seen_at: int, expires_at: int) -> None:
        """Extends a session in use."""
        ...

    def remove_session(self, token_hash: str) -> None:
        """Signs out."""
        ...

    def remove_sessions(self, agent_id: str, *, keep: str | None = None) -> None:
        """Signs an agent out everywhere (else)."""
        ...

    def remove_expired_sessions(self, now: int) -> int:
        """Deletes what has expired."""
        ...


class Inboxes(Protocol):
    """Configured channels."""

    def all(self) -> list[Inbox]:
        """Every inbox, oldest first."""
        ...

    def get(self, inbox_id: str) -> Inbox:
        """One inbox.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def add(self, inbox: Inbox) -> None:
        """Inserts; secrets are encrypted."""
        ...

    def update(self, inbox: Inbox) -> None:
        """Writes all columns."""
        ...


class Canned(Protocol):
    """Canned responses."""

    def all(self, team_ids: Sequence[str] | None) -> list[CannedResponse]:
        """Everyone's, and those of these teams (None: of every team), by shortcut."""
        ...

    def get(self, canned_id: str) -> CannedResponse:
        """One.

        Raises:
            NotFoundError: there is none with that id.
        """
        ...

    def save(self, canned: CannedResponse) -> None:
        """Inserts or replaces.

        Raises:
            ConflictError: the shortcut is taken.
        """
        ...

    def remove(self, canned_id: str) -> None:
        """Deletes."""
        ...


class Audit(Protocol):
    """Who changed what."""

    def add(self, entry: AuditEntry) -> None:
        """Inserts."""
        ...

    def page(self, *, before: int | None, limit: int) -> list[tuple[int, AuditEntry]]:
        """Entries with their numbers, newest first."""
        ...
