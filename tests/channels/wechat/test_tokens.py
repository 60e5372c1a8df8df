"""One token for all processes: kept, renewed once, left alone when the platform refuses."""

import asyncio

import pytest

from channels.memory import MemoryLeases, MemoryState
from channels.wechat.codes import PlatformError
from channels.wechat.tokens import AccessTokens


class Desk:
    """Gives tokens; several processes share state and leases."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.leases = MemoryLeases()
        self.now = 1_000_000
        self.given = 0
        self.error: PlatformError | None = None

    async def fetch(self) -> tuple[str, float]:
        self.given += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return f"token-{self.given}", 7200.0

    def process(self, app: str = "corp secret") -> AccessTokens:
        return AccessTokens(
            app, self.fetch, state=self.state, leases=self.leases, now=lambda: self.now
        )


async def test_fetched_once_for_all_processes() -> None:
    desk = Desk()
    one, other = desk.process(), desk.process()
    found = await asyncio.gather(*(tokens.get() for tokens in (one, other, one, other)))
    assert set(found) == {"token-1"}
    assert await desk.process().get() == "token-1"
    assert desk.given == 1


async def test_fetched_anew_before_it_ends() -> None:
    desk = Desk()
    tokens = desk.process()
    await tokens.get()
    desk.now += 7_100_000
    assert await tokens.get() == "token-1"
    desk.now += 50_000
    assert await tokens.get() == "token-2"


async def test_renewed_once_by_all_who_were_refused() -> None:
    desk = Desk()
    one, other = desk.process(), desk.process()
    refused = await one.get()
    await other.get()
    found = await asyncio.gather(*(tokens.renew(refused) for tokens in [one, other] * 10))
    assert set(found) == {"token-2"}
    assert desk.given == 2


async def test_a_storm_of_refusals_is_left_alone() -> None:
    desk = Desk()
    tokens = desk.process()
    refused = await tokens.get()
    for _ in range(6):
        refused = await tokens.renew(refused)
    with pytest.raises(PlatformError) as caught:
        await tokens.renew(refused)
    assert caught.value.wait is not None
    assert desk.given == 7
    desk.now += 300_000
    assert await tokens.renew(refused) != refused


async def test_a_refusal_rests_a_minute_for_all() -> None:
    desk = Desk()
    desk.error = PlatformError(40001, "invalid credential")
    for tokens in (desk.process(), desk.process()):
        for _ in range(5):
            with pytest.raises(PlatformError) as caught:
                await tokens.get()
            assert caught.value.code == 40001
    assert desk.given == 1
    desk.error = None
    desk.now += 60_000
    assert await desk.process().get() == "token-2"


async def test_another_secret_asks_at_once() -> None:
    desk = Desk()
    desk.error = PlatformError(40001, "invalid credential")
    with pytest.raises(PlatformError):
        await desk.process("corp wrong").get()
    desk.error = None
    assert await desk.process("corp right").get() == "token-2"
    assert await desk.process("corp third").get() == "token-3"
