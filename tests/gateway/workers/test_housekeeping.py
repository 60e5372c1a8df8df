"""Timers: gauges tell how far behind the gateway is; what has expired goes."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from gateway.bus.embedded import EmbeddedBus
from gateway.domain.catalogue import Job, JobKind, JobState
from gateway.domain.records import SignInSession, StoredAnswer
from gateway.metrics import Metrics
from gateway.ports.bus import BusLag
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.services.model_files import ModelFiles
from gateway.wiring.ids import clock
from gateway.workers import housekeeping
from gateway.workers.housekeeping import (
    FORGET_EVERY,
    KEEP_ANSWERS,
    KEEP_JOBS,
    Housekeeper,
    HousekeepingParts,
)
from tests.gateway.bus.grounds import Wire
from tests.gateway.services.desk import AGENT, PUSH, Desk, ScriptedBot, inbound, reply

DAY = 86_400_000
NOWHERE = Path("/nonexistent")


class CountingBus(EmbeddedBus):
    """Counts how often it was measured."""

    measured = 0

    @override
    async def lag(self) -> BusLag:
        self.measured += 1
        return await super().lag()


class House:
    """A housekeeper over a real database and bus, with a clock that the test moves."""

    def __init__(
        self, desk: Desk, *, forgets: bool = True, holder: str = "w1", models: Path = NOWHERE
    ) -> None:
        self.store = Wire(desk.store)
        self.bus = CountingBus(desk.store, clock=clock)
        self.metrics = Metrics()
        self.ahead = 0
        self.keeper = Housekeeper(
            HousekeepingParts(
                store=self.store,
                bus=self.bus,
                clock=lambda: clock() + self.ahead,
                metrics=self.metrics,
                holder=holder,
                files=ModelFiles(self.store, models, clock),
                forgets=forgets,
            )
        )

    def gauge(self, name: str) -> float:
        value = self.metrics.registry.get_sample_value(name)
        assert value is not None
        return value

    async def run_briefly(self) -> None:
        """Two whole ticks of the loop, and the beginning of a third."""
        begun = self.bus.measured
        loop = asyncio.create_task(self.keeper.run())
        async with asyncio.timeout(10):
            while self.bus.measured < begun + 3:
                assert not loop.done(), "nothing may end it"
                await asyncio.sleep(0.005)
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "TICK", 0.02)


async def plant(desk: Desk) -> None:
    """One session and one answer that are young, and one of each that are old."""
    now = clock()
    session = SignInSession(
        token_hash="young",
        agent_id=AGENT.id,
        csrf="c",
        created_at=now - DAY,
        seen_at=now,
        expires_at=now + DAY,
        address="",
        browser="",
    )
    answer = StoredAnswer(key="young", fingerprint="f", status=200, body=b"{}", created_at=now)

    def work(uow: UnitOfWork) -> None:
        uow.agents.add(AGENT, "hash")
        uow.agents.add_session(session)
        uow.agents.add_session(replace(session, token_hash="old", expires_at=now - 1))
        uow.answers.add(answer)
        uow.answers.add(replace(answer, key="old", created_at=now - KEEP_ANSWERS - 1))
        for name, ended in (("young", now), ("old", now - KEEP_JOBS - 1)):
            uow.jobs.add(
                Job(
                    id=name,
                    kind=JobKind.CHECK,
                    state=JobState.DONE,
                    actor_id="li",
                    created_at=1,
                    task={},
                    finished_at=ended,
                )
            )

    await desk.store.write(work)


async def kept(desk: Desk) -> list[str]:
    def work(uow: UnitOfWork) -> list[str]:
        names = ("young", "old")
        sessions = [f"{name} session" for name in names if uow.agents.session(name)]
        answers = [f"{name} answer" for name in names if uow.answers.find(name)]
        return [*sessions, *answers, *(f"{each.id} job" for each in uow.jobs.newest(9))]

    return await desk.store.read(work)


async def test_gauges_tell_what_waits(desk: Desk) -> None:
    house = House(desk)
    await house.bus.start()
    await house.keeper.measure()
    names = ("yingda_bus_depth", "yingda_dead_letters", "yingda_outbox_depth")
    assert [house.gauge(name) for name in names] == [0, 0, 0]
    for number in range(3):
        await house.bus.append(f"key {number}", b"{}")
    await desk.turn(inbound(1, inbox=PUSH), ScriptedBot(reply("one", "two")))
    (entry,) = await house.bus.take(1)
    await house.bus.bury(entry, "unreadable")
    await asyncio.sleep(0.02)
    await house.keeper.measure()
    assert [house.gauge(name) for name in names] == [2, 1, 2]
    assert house.gauge("yingda_bus_oldest_seconds") >= 0.02
    await house.bus.close()


async def test_what_has_expired_goes_and_the_rest_stays(desk: Desk) -> None:
    await plant(desk)
    house = House(desk)
    await house.run_briefly()
    assert await kept(desk) == ["young session", "young answer", "young job"]


async def test_only_a_timer_cleans_up(desk: Desk) -> None:
    await plant(desk)
    await House(desk, forgets=False).run_briefly()
    assert len(await kept(desk)) == 6


async def test_only_the_holder_of_the_lease_cleans_up(desk: Desk) -> None:
    await House(desk, holder="first").run_briefly()
    await plant(desk)
    second = House(desk, holder="second")
    await second.run_briefly()
    assert len(await kept(desk)) == 6
    third = House(desk, holder="third")
    third.ahead = FORGET_EVERY + 1_000  # the first holder's lease has ended
    await third.run_briefly()
    assert await kept(desk) == ["young session", "young answer", "young job"]


@pytest.mark.parametrize("forgets", [True, False])
async def test_every_process_sweeps_the_models_of_its_machine(
    desk: Desk, tmp_path: Path, *, forgets: bool
) -> None:
    old = tmp_path / "model-0123456789ab.model"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    await House(desk, forgets=forgets, models=tmp_path).run_briefly()
    assert not old.exists()


async def test_it_cleans_up_again_after_a_while(desk: Desk) -> None:
    house = House(desk)
    await house.run_briefly()
    await plant(desk)
    await house.run_briefly()
    assert len(await kept(desk)) == 6, "not at each tick"
    house.ahead = FORGET_EVERY
    await house.run_briefly()
    assert await kept(desk) == ["young session", "young answer", "young job"]


async def test_an_outage_does_not_end_the_timers(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await plant(desk)
    house = House(desk)
    house.store.whole = False
    with pytest.raises(StoreUnavailableError):
        await house.keeper.measure()
    await house.run_briefly()
    assert "housekeeping waits" in caplog.text
    assert len(await kept(desk)) == 6
    house.store.whole = True
    await house.run_briefly()
    assert await kept(desk) == ["young session", "young answer", "young job"]
