"""What administrators are told of a mailbox, whichever processes receive for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from channels.adapters.email import poller
from channels.adapters.email.errors import FAULT, unexpected
from channels.adapters.email.health import FETCHING, LISTENING, HealthKeeper, read_health
from channels.adapters.email.settings import EmailSettings
from channels.checking import Health
from channels.errors import SinkFullError
from channels.testing import Bench
from tests.channels.adapters.email.post import Post
from tests.channels.adapters.email.test_poller import Box, Fetching
from tests.mail_servers import USER, SmtpSink


@dataclass
class Clock:
    """Tells the time that a test says, in ms."""

    at: int = 1_700_000_000_000
    bench: Bench = field(default_factory=Bench)

    def now(self) -> int:
        return self.at

    def keeper(self, source: str = FETCHING) -> HealthKeeper:
        return HealthKeeper(self.bench.context.state, self.now, source)

    async def read(self, **settings: Any) -> Health:
        made = EmailSettings(
            address=USER,
            smtp_host="s.example",
            imap_host="i.example",
            listen_port=2525,
            **settings,
        )
        found = await read_health(self.bench.context.state, made, self.at)
        assert found is not None
        return found


async def test_who_listens_does_not_hide_that_fetching_fails() -> None:
    clock = Clock()
    fetching, listening = clock.keeper(), clock.keeper(LISTENING)
    fetching.fact("cursor INBOX", "1/5")
    await fetching.fail(unexpected("NO"))
    listening.message()
    await listening.heard()
    health = await clock.read()
    assert health.error == unexpected("NO")
    assert health.facts == {"cursor INBOX": "1/5"}
    assert health.message_at == clock.at
    await fetching.heard()
    assert (await clock.read()).error is None


async def test_a_restart_forgets_nothing() -> None:
    clock = Clock()
    before = clock.keeper()
    before.message()
    await before.heard()
    came = clock.at
    clock.at += 100_000
    await clock.keeper().heard()
    health = await clock.read()
    assert (health.message_at, health.heard_at) == (came, clock.at)


async def test_long_silence_is_trouble() -> None:
    clock = Clock()
    await clock.keeper().heard()
    clock.at += 14 * 60_000
    assert (await clock.read()).error is None
    clock.at += 2 * 60_000
    health = await clock.read()
    assert health.error is not None
    assert "16 minutes" in health.error.en
    assert (await clock.read(poll_seconds=3600)).error is None


async def test_who_listens_only_may_be_silent() -> None:
    clock = Clock()
    await clock.keeper(LISTENING).heard()
    clock.at += 86_400_000
    assert (await clock.read()).error is None


async def test_mail_that_waits_is_told() -> None:
    fetching = Fetching()
    await fetching.poller._note(SinkFullError(1.0))
    bench = fetching.desk.bench
    health = await read_health(bench.context.state, fetching.desk.settings, bench.now())
    assert health is not None
    assert health.error is not None
    await fetching.look(Box(1))
    health = await read_health(bench.context.state, fetching.desk.settings, bench.now())
    assert health is not None
    assert health.error is None


async def test_a_fault_of_ours_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*settings: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(poller, "open_session", fail)
    post = Post(None, SmtpSink(), imap_host="127.0.0.1")
    await post.channel.start()
    await post.until(lambda: "fault of ours" in post.bench.state.values.get("health:fetching", ""))
    await post.channel.stop()
    health = await post.channel.health()
    assert health is not None
    assert health.error == FAULT


async def test_fetching_that_ended_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "PAUSES", (0.01,))
    post = Post(None, SmtpSink(), imap_host="127.0.0.1", imap_port=1)
    begun = 0

    async def run() -> None:
        nonlocal begun
        begun += 1
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(post.channel._poller, "run", run)
    await post.channel.start()
    await post.until(lambda: begun > 2)
    health = await post.channel.health()
    assert health is not None
    assert health.error is not None
    await post.channel.stop()
