"""Limits on attempts."""

import pytest

from gateway.domain.errors import RateLimitedError
from gateway.http.limiting import AttemptLimiter


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
