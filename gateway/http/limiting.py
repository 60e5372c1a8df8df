"""Limits on attempts, kept in this process's memory."""

from __future__ import annotations

from collections import deque

from gateway.domain.errors import RateLimitedError

_MAX_KEYS = 10_000


class AttemptLimiter:
    """At most `limit` failed attempts for each key within `window` ms.

    An attempt counts from its beginning, so that many at once do not slip through, and is
    taken back when it succeeded.
    """

    def __init__(self, *, limit: int, window: int) -> None:
        self._limit = limit
        self._window = window
        self._attempts: dict[str, deque[int]] = {}

    def begin(self, *keys: str, now: int) -> None:
        """Counts an attempt for each key.

        Raises:
            RateLimitedError: there were too many for one of the keys; nothing was counted.
        """
        begins = now - self._window
        for key in keys if len(self._attempts) < _MAX_KEYS else tuple(self._attempts):
            self._expire(key, begins)
        for key in keys:
            attempts = self._attempts.get(key)
            if attempts is not None and len(attempts) >= self._limit:
                wait = (attempts[0] + self._window - now) / 1000
                raise RateLimitedError(
                    "Too many attempts; wait a few minutes and try again.", retry_after=wait
                )
        for key in keys:
            self._attempts.setdefault(key, deque()).append(now)

    def succeed(self, *keys: str) -> None:
        """Takes the newest attempt of each key back."""
        for key in keys:
            if attempts := self._attempts.get(key):
                attempts.pop()

    def _expire(self, key: str, begins: int) -> None:
        attempts = self._attempts.get(key)
        if attempts is None:
            return
        while attempts and attempts[0] <= begins:
            attempts.popleft()
        if not attempts:
            del self._attempts[key]


class SignInLimiter:
    """Attempts to sign in: few from one network address, more for one e-mail address.

    Were both limits alike, a stranger who guesses could shut a person out. In an hour one
    network address has 120 attempts, so only several together reach an e-mail address's limit,
    which slows down those who guess from everywhere.
    """

    def __init__(self) -> None:
        self._addresses = AttemptLimiter(limit=10, window=5 * 60_000)
        self._emails = AttemptLimiter(limit=300, window=60 * 60_000)

    def begin(self, address: str, email: str, *, now: int) -> None:
        """Counts an attempt; `email` in lower case, `now` in ms since the epoch.

        Raises:
            RateLimitedError: there were too many.
        """
        self._addresses.begin(address, now=now)
        self._emails.begin(email, now=now)

    def succeed(self, address: str, email: str) -> None:
        """Takes the newest attempt back."""
        self._addresses.succeed(address)
        self._emails.succeed(email)
