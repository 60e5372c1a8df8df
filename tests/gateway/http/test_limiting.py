"""Limits on attempts."""

import pytest

from gateway.domain.errors import RateLimitedError
from gateway.http.limiting import AttemptLimiter, SignInLimiter


def test_attempts_are_forgotten_one_by_one_after_the_window() -> None:
    limiter = AttemptLimiter(limit=2, window=1_000)
    limiter.begin("a", now=0)
    limiter.begin("a", now=400)

    with pytest.raises(RateLimitedError) as refusal:
        limiter.begin("a", now=900)
    assert refusal.value.retry_after == pytest.approx(0.1)
    limiter.begin("a", now=1_000)
    with pytest.raises(RateLimitedError):
        limiter.begin("a", now=1_399)
    limiter.begin("a", now=1_400)


def test_a_refused_attempt_counts_for_none_of_its_keys() -> None:
    limiter = AttemptLimiter(limit=1, window=1_000)
    limiter.begin("address", now=0)

    with pytest.raises(RateLimitedError):
        limiter.begin("email", "address", now=1)

    limiter.begin("email", now=2)


def test_success_takes_back_only_its_own_attempt() -> None:
    limiter = AttemptLimiter(limit=2, window=1_000)
    limiter.begin("a", now=0)
    limiter.begin("a", now=1)
    limiter.succeed("a")
    limiter.begin("a", now=2)

    with pytest.raises(RateLimitedError):
        limiter.begin("a", now=3)


def test_ever_new_keys_do_not_fill_the_memory() -> None:
    limiter = AttemptLimiter(limit=1, window=10)
    for number in range(25_000):
        limiter.begin(f"key {number}", now=number)

    assert len(limiter._attempts) <= 10_001


HOUR = 60 * 60_000


def guesses_let_through(limiter: SignInLimiter, addresses: int) -> int:
    """How many of an hour's guesses, one a second from each address, get past the limits."""
    passed = 0
    for now in range(0, HOUR, 1_000):
        for number in range(addresses):
            try:
                limiter.begin(f"203.0.113.{number}", "ann@qingchuan.example", now=now)
            except RateLimitedError:
                continue
            passed += 1
    return passed


def test_one_stranger_who_guesses_for_an_hour_shuts_nobody_out() -> None:
    limiter = SignInLimiter()

    assert guesses_let_through(limiter, 1) == 120
    limiter.begin("198.51.100.4", "ann@qingchuan.example", now=HOUR - 1)


def test_strangers_together_are_slowed_down() -> None:
    limiter = SignInLimiter()

    assert guesses_let_through(limiter, 5) == 300
    with pytest.raises(RateLimitedError):
        limiter.begin("198.51.100.4", "ann@qingchuan.example", now=HOUR - 1)
    limiter.begin("198.51.100.4", "bob@qingchuan.example", now=HOUR - 1)
    limiter.begin("198.51.100.4", "ann@qingchuan.example", now=2 * HOUR)


def test_who_signs_in_rightly_leaves_no_mark() -> None:
    limiter = SignInLimiter()

    for now in range(400):
        limiter.begin("198.51.100.4", "ann@qingchuan.example", now=now)
        limiter.succeed("198.51.100.4", "ann@qingchuan.example")
