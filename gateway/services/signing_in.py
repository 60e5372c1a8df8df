"""Signing in: passwords, sessions, one-time passwords.

Hashing takes tens of milliseconds by design, so it runs on threads of its own: never on the
event loop and never on the store's thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.domain.errors import ConflictError, InvalidInputError, NotSignedInError
from gateway.domain.people import Agent
from gateway.domain.records import SignInSession
from gateway.ports.clock import NewId
from gateway.ports.store import Store, UnitOfWork
from gateway.services.auditing import note
from gateway.services.people import NewAgent, add_agent, reset_password

MIN_PASSWORD_LENGTH: Final = 10
IDLE_MS: Final = 12 * 3_600_000
LONGEST_MS: Final = 7 * 24 * 3_600_000
TOUCH_MS: Final = 5 * 60_000

# No letters and digits that look alike: people read it from a screen and type it.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"


class Passwords:
    """Argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, t=2, p=1)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")
        self._nobodys = self.hash_now(secrets.token_urlsafe(16))

    def hash_now(self, password: str) -> str:
        """The password's hash, made on this thread: for commands, not for the event loop."""
        return self._hasher.hash(password)

    async def hash(self, password: str) -> str:
        """The password's hash."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self.hash_now, password
        )

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is the right one.

        Args:
            stored: the hash; None when nobody has the address, which takes as long to refuse.
            password: what was typed.
        """
        matched = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._verify, stored or self._nobodys, password
        )
        return matched and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A new session; `token` goes into the cookie and is kept nowhere else."""

    token: str
    session: SignInSession
    agent: Agent


def hash_token(token: str) -> str:
    """What the store keeps of a session's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def one_time_password() -> str:
    """A password to read aloud: 16 characters in groups of four, 79 bits."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


async def sign_in(
    store: Store,
    passwords: Passwords,
    email: str,
    password: str,
    *,
    address: str,
    browser: str,
    now: int,
) -> SignedIn:
    """Begins a session.

    Args:
        store: where agents and sessions are.
        passwords: hashes.
        email: the agent's address, in any case.
        password: as typed.
        address: the network address it comes from, kept with the session.
        browser: what the browser calls itself, kept with the session.
        now: ms since the epoch.

    Raises:
        NotSignedInError: wrong address or password, or a deactivated agent; always the same.
    """
    found = await store.read(lambda uow: uow.agents.by_email(email.strip().lower()))
    matched = await passwords.matches(found[1] if found else None, password)
    if found is None or not matched or not found[0].active:
        raise NotSignedInError("The e-mail address or the password is wrong.")
    agent = found[0]
    token = secrets.token_urlsafe(32)
    session = SignInSession(
        token_hash=hash_token(token),
        agent_id=agent.id,
        csrf=secrets.token_urlsafe(24),
        created_at=now,
        seen_at=now,
        expires_at=now + IDLE_MS,
        address=address,
        browser=browser,
    )
    await store.write(lambda uow: _begin(uow, session))
    return SignedIn(token=token, session=session, agent=agent)


def _begin(uow: UnitOfWork, session: SignInSession) -> None:
    uow.agents.add_session(session)
    note(
        uow,
        session.agent_id,
        "agent.signed_in",
        ("agent", session.agent_id),
        after={"address": session.address},
        now=session.created_at,
    )


def sign_out(uow: UnitOfWork, actor: Agent, token_hash: str, *, now: int) -> None:
    """Ends a session."""
    uow.agents.remove_session(token_hash)
    note(uow, actor.id, "agent.signed_out", ("agent", actor.id), now=now)


def find_session(
    uow: UnitOfWork, token_hash: str, *, now: int
) -> tuple[SignInSession, Agent] | None:
    """The session with that token and its agent, unless it has ended."""
    found = uow.agents.session(token_hash)
    if found is None:
        return None
    session, agent = found
    if not agent.active or now >= min(session.expires_at, session.created_at + LONGEST_MS):
        return None
    return session, agent


def is_touch_due(session: SignInSession, now: int) -> bool:
    """Whether the session's last use is to be written down again."""
    return now - session.seen_at >= TOUCH_MS


def touch(uow: UnitOfWork, session: SignInSession, *, now: int) -> None:
    """Notes that the session is in use, which keeps it alive."""
    uow.agents.touch_session(session.token_hash, seen_at=now, expires_at=now + IDLE_MS)


async def change_password(
    store: Store,
    passwords: Passwords,
    actor: Agent,
    *,
    current: str,
    new: str,
    keep: str | None,
    now: int,
) -> None:
    """Replaces one's own password; all other sessions end.

    Args:
        store: where agents and sessions are.
        passwords: hashes.
        actor: whose password.
        current: the present one.
        new: the next one, at least `MIN_PASSWORD_LENGTH` characters.
        keep: the token hash of the session that stays.
        now: ms since the epoch.

    Raises:
        InvalidInputError: the present one is wrong, or the new one is too easy.
        ConflictError: the password was changed meanwhile.
    """
    _check_new_password(current, new)
    stored = await store.read(lambda uow: uow.agents.password(actor.id))
    if not await passwords.matches(stored, current):
        raise InvalidInputError("This is not your present password.", field="/current")
    hashed = await passwords.hash(new)

    def work(uow: UnitOfWork) -> None:
        if uow.agents.password(actor.id) != stored:
            raise ConflictError("Your password was changed meanwhile; sign in again.")
        uow.agents.set_password(actor.id, hashed, must_change=False)
        uow.agents.remove_sessions(actor.id, keep=keep)
        note(uow, actor.id, "agent.password_changed", ("agent", actor.id), now=now)

    await store.write(work)


def _check_new_password(current: str, new: str) -> None:
    if len(new) < MIN_PASSWORD_LENGTH:
        raise InvalidInputError(
            f"Choose a password of at least {MIN_PASSWORD_LENGTH} characters.", field="/new"
        )
    if new == current:
        raise InvalidInputError("Choose another password than the present one.", field="/new")


async def create_agent(
    store: Store, passwords: Passwords, actor: Agent, new: NewAgent, *, now: int, new_id: NewId
) -> tuple[Agent, str]:
    """Adds an agent; returns them and their one-time password, which is kept nowhere.

    Raises:
        GatewayError: as `people.add_agent`.
    """
    password = one_time_password()
    hashed = await passwords.hash(password)
    agent = await store.write(
        lambda uow: add_agent(uow, actor, new, hashed, now=now, new_id=new_id)
    )
    return agent, password


async def renew_password(
    store: Store, passwords: Passwords, actor: Agent, agent_id: str, *, now: int
) -> str:
    """Gives an agent a one-time password and returns it.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: no such agent.
    """
    password = one_time_password()
    hashed = await passwords.hash(password)
    await store.write(lambda uow: reset_password(uow, actor, agent_id, hashed, now=now))
    return password
