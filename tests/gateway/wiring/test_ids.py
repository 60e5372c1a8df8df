"""Ids tell things apart and rise with time."""

from __future__ import annotations

import itertools
import re
import threading
import time

import pytest

from gateway.wiring import ids
from gateway.wiring.ids import clock, new_id


def test_an_id_is_32_hex_digits() -> None:
    assert re.fullmatch("[0-9a-f]{32}", new_id())


def test_ids_rise_and_are_unique() -> None:
    made = [new_id() for _ in range(50_000)]
    assert len(set(made)) == len(made)
    # The counter begins again at 65,536: within that millisecond the order may break once.
    falls = sum(later < earlier for earlier, later in itertools.pairwise(made))
    assert falls <= 1


def test_ids_of_different_milliseconds_rise_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "clock", itertools.count(clock()).__next__)
    made = [new_id() for _ in range(70_000)]  # the counter begins again among them
    assert made == sorted(made)


def test_ids_of_several_threads_differ() -> None:
    made: list[str] = []

    def make() -> None:
        made.extend([new_id() for _ in range(5_000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 20_000


def test_the_clock_counts_milliseconds() -> None:
    assert abs(clock() - time.time() * 1000) < 1000
