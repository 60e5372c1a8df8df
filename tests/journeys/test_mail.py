"""A mailbox in a storm: connections break, the gateway is killed, and every mail is there once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.channels.adapters.email.post import mail
from tests.conftest import running
from tests.journeys.gateway import Administrator, GatewayProcess
from tests.journeys.ledger import Ledger
from tests.mail_servers import PASSWORD, USER, BadLine, DovecotServer

MAILS = 1_000


@pytest.fixture
def dovecot() -> Iterator[DovecotServer]:
    with ExitStack() as stack:
        yield running(DovecotServer, stack)


def inbox(dovecot: DovecotServer, *, imap_port: int, smtp_port: int = 1, bot: bool) -> Any:
    """An e-mail inbox on these servers, as the API takes it."""
    return {
        "kind": "email",
        "name": "Support",
        "language": "zh-Hans",
        "bot": bot,
        "enabled": True,
        "settings": {
            "address": USER,
            "imap_host": "127.0.0.1",
            "imap_port": imap_port,
            "first_days": 1,
            "smtp_host": "127.0.0.1",
            "smtp_port": smtp_port,
            "smtp_security": "none",
            "certificates": str(dovecot.certificate),
            "per_minute": 6_000,
        },
        "secrets": {"password": PASSWORD},
    }


async def until(holds: Any, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.1)


@pytest.mark.crash
async def test_each_mail_is_one_message(dovecot: DovecotServer, tmp_path: Path) -> None:
    for number in range(MAILS):
        dovecot.deliver(mail(number, f"{number}", sender=f"c{number % 300}@qingchuan.example"))
    gateway = GatewayProcess(tmp_path)
    ledger = Ledger(f"sqlite:///{tmp_path}/yingda.db")

    def count() -> int:
        return int(
            ledger.rows("SELECT count(*) AS n FROM messages WHERE kind = 'customer'")[0]["n"]
        )

    async with BadLine(dovecot.port).running() as line:
        try:
            await asyncio.to_thread(gateway.start)
            async with Administrator(gateway.url) as admin:
                await admin.call(
                    "POST", "/inboxes", inbox(dovecot, imap_port=line.port, bot=False)
                )
            await storm(gateway, line, count)
            await until(lambda: count() >= MAILS)
            assert gateway.terminate() == 0
        finally:
            gateway.close()
    stored = ledger.rows("SELECT text, external_id FROM messages WHERE kind = 'customer'")
    tickets = ledger.rows("SELECT conversation_id FROM tickets")
    ledger.close()
    assert Counter(row["text"].strip() for row in stored) == Counter(map(str, range(MAILS)))
    assert len(tickets) == len({row["conversation_id"] for row in tickets}) == MAILS


async def storm(gateway: GatewayProcess, line: BadLine, count: Any) -> None:
    """Cuts the line six times and kills the gateway while mails are on their way."""
    chance = random.Random(7)
    for part in range(6):
        goal = MAILS * (part + 1) // 8
        await until(lambda goal=goal: count() >= goal)
        line.break_after = chance.choice([None, 2_000, 20_000])
        line.cut()
        if part == 3:
            await asyncio.to_thread(gateway.kill)
            await asyncio.to_thread(gateway.start)
