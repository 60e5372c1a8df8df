"""Allowances: what is remembered, and whose it is."""

import pytest

from channels.errors import RateLimitedError
from channels.limits import RateLimiter, RecentKeys, is_own_host, network_of


def test_a_count_of_nought_sets_no_limit() -> None:
    limiter = RateLimiter(0, 1000)
    assert [limiter.wait_seconds("a", 0) for _ in range(3)] == [0, 0, 0]
    assert len(limiter) == 0


def test_who_asks_too_much_is_told_what_and_how_long() -> None:
    limiter = RateLimiter(1, 60_000)
    limiter.check("a", 0, "messages")
    with pytest.raises(RateLimitedError, match="too many messages; try again in 60 s") as caught:
        limiter.check("a", 0, "messages")
    assert caught.value.retry_after == 60
    limiter.check("a", 60_000, "messages")


def test_the_key_seen_longest_ago_is_forgotten_first() -> None:
    recent = RecentKeys(max_keys=2)
    for key in ("a", "b", "a", "c"):
        recent.add(key)
    assert [key in recent for key in "abc"] == [True, False, True]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("128.0.0.1", False),
        ("::2", False),
        ("", False),
    ],
)
def test_programs_on_the_same_host(address: str, expected: bool) -> None:
    assert is_own_host(address) is expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_what_one_caller_has(address: str, network: str) -> None:
    assert network_of(address) == network
