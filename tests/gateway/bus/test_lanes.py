"""The lanes against a plain model, and waiting at the counter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bus.lanes import Dispenser, Lanes
from gateway.ports.bus import BusEntry

KEYS = "abcd"


def entry(number: int, key: str, attempts: int = 0) -> BusEntry:
    return BusEntry(id=str(number), key=key, payload=b"", attempts=attempts, appended_at=number)


class Model:
    """The same rules, written down as slowly as possible."""

    def __init__(self) -> None:
        self.waiting: list[BusEntry] = []
        self.in_hand: list[BusEntry] = []
        self.resting: dict[str, float] = {}

    def may_go(self, now: float) -> set[str]:
        """The ids that a taker may be given."""
        self.resting = {key: until for key, until in self.resting.items() if until > now}
        blocked = {one.key for one in self.in_hand} | set(self.resting)
        heads: dict[str, str] = {}
        for one in self.waiting:
            heads.setdefault(one.key, one.id)
        return {entry_id for key, entry_id in heads.items() if key not in blocked}

    def take(self, ids: set[str]) -> None:
        self.in_hand += [one for one in self.waiting if one.id in ids]
        self.waiting = [one for one in self.waiting if one.id not in ids]

    def put_back(self, one: BusEntry, until: float) -> None:
        self.in_hand.remove(one)
        self.waiting.insert(0, one)
        self.resting[one.key] = until

    def drop(self, doomed: Callable[[str], bool]) -> set[str]:
        gone = {one.id for one in self.waiting if doomed(one.key)}
        self.waiting = [one for one in self.waiting if one.id not in gone]
        self.resting = {key: until for key, until in self.resting.items() if not doomed(key)}
        return gone


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(KEYS), st.just(0)),
        st.tuples(st.just("take"), st.sampled_from(KEYS), st.integers(1, 4)),
        st.tuples(st.just("release"), st.sampled_from(KEYS), st.integers(0, 5)),
        st.tuples(st.just("delay"), st.sampled_from(KEYS), st.integers(0, 5)),
        st.tuples(st.just("drop"), st.sampled_from(KEYS), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_lanes_keep_the_rules(steps: list[tuple[str, str, int]]) -> None:
    lanes, model, now = Lanes(), Model(), 0.0
    for number, (step, key, amount) in enumerate(steps):
        now += 1
        if step == "add":
            lanes.add(entry(number, key))
            model.waiting.append(entry(number, key))
        elif step == "take":
            allowed = model.may_go(now)
            taken = {one.id for one in lanes.take(amount, now)}
            assert taken <= allowed
            assert len(taken) == min(amount, len(allowed))
            model.take(taken)
        elif step == "drop":
            gone = model.drop(lambda other, mine=key: other == mine)  # type: ignore[misc]
            assert {one.id for one in lanes.drop(lambda other, mine=key: other == mine)} == gone  # type: ignore[misc]
        elif model.in_hand:
            one = model.in_hand[amount % len(model.in_hand)]
            if step == "release":
                assert lanes.release(one.id)
                assert not lanes.release(one.id)
                model.in_hand.remove(one)
            else:
                assert lanes.delay(one, now + amount)
                model.put_back(one, now + amount)
        every = [*model.waiting, *model.in_hand]
        assert len(lanes) == len(every)
        assert lanes.in_hand == len(model.in_hand)
        assert lanes.oldest() == min((one.appended_at for one in every), default=None)


def test_keys_take_turns() -> None:
    lanes = Lanes()
    for number in range(10):
        lanes.add(entry(number, "busy"))
    for number, key in enumerate("xyz", 10):
        lanes.add(entry(number, key))
    order = []
    while given := lanes.take(1, 0.0):
        order.append(given[0].key)
        lanes.release(given[0].id)
    assert order[:4] == ["busy", "x", "y", "z"]
    assert order[4:] == ["busy"] * 9


def test_an_entry_dropped_while_another_of_its_key_is_in_hand_comes_back_behind_it() -> None:
    lanes = Lanes()
    lanes.add(entry(1, "k"))
    lanes.add(entry(2, "k"))
    (held,) = lanes.take(5, 0.0)
    assert [one.id for one in lanes.drop(lambda key: True)] == ["2"]
    assert lanes.holds("1")
    lanes.add(entry(2, "k"))
    assert lanes.take(5, 0.0) == []
    lanes.release(held.id)
    assert [one.id for one in lanes.take(5, 0.0)] == ["2"]


async def test_several_waiting_workers_are_all_served() -> None:
    counter = Dispenser()
    waiting = [asyncio.create_task(counter.take(1)) for _ in range(3)]
    await asyncio.sleep(0)
    counter.add([entry(1, "a"), entry(2, "b"), entry(3, "c")])
    given = await asyncio.wait_for(asyncio.gather(*waiting), 1)
    assert sorted(one[0].id for one in given) == ["1", "2", "3"]


@pytest.mark.parametrize("cancel_before_wake", [True, False])
async def test_a_worker_cancelled_as_it_is_called_passes_the_call_on(
    cancel_before_wake: bool,
) -> None:
    counter = Dispenser()
    first = asyncio.create_task(counter.take(1))
    second = asyncio.create_task(counter.take(1))
    await asyncio.sleep(0)
    if cancel_before_wake:
        first.cancel()
        counter.add([entry(1, "a")])
    else:
        counter.add([entry(1, "a")])
        first.cancel()
    assert [one.id for one in await asyncio.wait_for(second, 1)] == ["1"]
    with pytest.raises(asyncio.CancelledError):
        await first
