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

from tests.channels.adapters.email.post import WANG, mail, read, text_of
from tests.conftest import running
from tests.journeys.gateway import Administrator, GatewayProcess
from tests.journeys.ledger import Ledger
from tests.mail_servers import PASSWORD, USER, BadLine, DovecotServer, SmtpSink

MAILS = 1_000


@pytest.fixture
def dovecot() -> Iterator[DovecotServer]:
    with ExitStack() as stack:
        yield running(DovecotServer, stack)


def inbox(dovecot: DovecotServer, *, imap_port: int, smtp_port: int = 1, bot: bool) -> Any:
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


async def test_a_mail_is_answered_and_the_answer_is_a_mail(
    dovecot: DovecotServer, tmp_path: Path
) -> None:
    """GBK in, the bot's answer out by SMTP; a reply to it reaches the same conversation."""
    gateway = GatewayProcess(tmp_path)
    async with SmtpSink().running() as sink:
        try:
            await asyncio.to_thread(gateway.start)
            async with Administrator(gateway.url) as admin:
                wanted = inbox(dovecot, imap_port=dovecot.port, smtp_port=sink.port, bot=True)
                await admin.call("POST", "/inboxes", wanted)
                dovecot.deliver(mail(1, "忘记密码怎么办", charset="gbk"))
                await until(lambda: sink.mails)
                answer = read(sink.mails[0].content)
                assert sink.mails[0].recipients == [WANG]
                assert answer["Subject"] == "Re: 登录失败"
                assert "忘记密码怎么办" in text_of(sink.mails[0].content)
                dovecot.deliver(mail(2, "转人工", In_Reply_To=str(answer["Message-ID"])))
                await until(lambda: len(sink.mails) >= 2)
                found = await admin.call("GET", "/conversations?view=all&limit=10")
                (conversation,) = found["items"]
                assert conversation["subject"] == "登录失败"
                assert conversation["ticket"]
            assert gateway.terminate() == 0
        finally:
            gateway.close()
