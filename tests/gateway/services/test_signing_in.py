"""Passwords, one-time passwords and the life of a session."""

import re
import time

from gateway.domain.people import Agent, Availability, Role
from gateway.domain.records import SignInSession
from gateway.services.signing_in import (
    IDLE_MS,
    LONGEST_MS,
    TOUCH_MS,
    Passwords,
    find_session,
    hash_token,
    is_touch_due,
    one_time_password,
)

AGENT = Agent(
    id="ann",
    email="ann@qingchuan.example",
    name="Ann",
    role=Role.AGENT,
    active=True,
    language="en",
    availability=Availability.ONLINE,
    must_change_password=False,
    created_at=0,
)


def session(**changes: int) -> SignInSession:
    fields = {"created_at": 0, "seen_at": 0, "expires_at": IDLE_MS, **changes}
    return SignInSession(
        token_hash="t", agent_id="ann", csrf="c", address="", browser="", **fields
    )


class Found:
    """A unit of work in which one session is stored."""

    def __init__(self, stored: SignInSession, agent: Agent = AGENT) -> None:
        self.agents = self
        self._pair = (stored, agent)

    def session(self, token_hash: str) -> tuple[SignInSession, Agent] | None:
        return self._pair if token_hash == "t" else None


async def test_hashes_are_argon2id_salted_and_checked() -> None:
    passwords = Passwords()
    one, two = await passwords.hash("secret"), await passwords.hash("secret")

    assert one.startswith("$argon2id$")
    assert one != two
    assert await passwords.matches(one, "secret")
    assert not await passwords.matches(one, "Secret")
    assert not await passwords.matches("no hash at all", "secret")
    assert not await passwords.matches(None, "secret")
    passwords.close()


async def test_an_unknown_address_costs_as_much_as_a_wrong_password() -> None:
    passwords = Passwords()
    stored = passwords.hash_now("secret")

    async def spent(hashed: str | None) -> float:
        started = time.process_time()
        for _ in range(3):
            await passwords.matches(hashed, "wrong")
        return time.process_time() - started

    known, unknown = await spent(stored), await spent(None)

    assert 0.3 < known / unknown < 3
    passwords.close()


def test_one_time_passwords_can_be_read_aloud() -> None:
    made = {one_time_password() for _ in range(200)}

    assert len(made) == 200
    assert all(re.fullmatch(r"([a-hj-kmnp-z2-9]{4}-){3}[a-hj-kmnp-z2-9]{4}", p) for p in made)


def test_tokens_are_kept_as_hashes() -> None:
    assert hash_token("token") != "token"
    assert len(hash_token("token")) == 64


def test_when_a_session_ends() -> None:
    def lives(stored: SignInSession, now: int, agent: Agent = AGENT) -> bool:
        return find_session(Found(stored, agent), "t", now=now) is not None  # type: ignore[arg-type]

    gone = Agent(**{**{f: getattr(AGENT, f) for f in AGENT.__slots__}, "active": False})
    used = session(seen_at=LONGEST_MS - 1, expires_at=LONGEST_MS + IDLE_MS)

    assert lives(session(), IDLE_MS - 1)
    assert not lives(session(), IDLE_MS)
    assert not lives(session(), 1, gone)
    assert lives(used, LONGEST_MS - 1)
    assert not lives(used, LONGEST_MS)
    assert find_session(Found(session()), "other", now=1) is None  # type: ignore[arg-type]


def test_use_is_written_down_now_and_then() -> None:
    assert not is_touch_due(session(), TOUCH_MS - 1)
    assert is_touch_due(session(), TOUCH_MS)
