"""How fast mails become tickets: a mailbox on Dovecot, fetched by a gateway of its own."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.mails import made_mails
from tests.journeys.gateway import Administrator, GatewayProcess
from tests.journeys.ledger import Ledger
from tests.mail_servers import PASSWORD, USER, DovecotServer

ROUNDS = 10  # of the made mails
LIMIT = 300.0  # seconds


def bench_mailbox() -> dict[str, Any]:
    """Mails a second from an IMAP folder to stored tickets, on SQLite."""
    mails = [
        mail.replace(b"Message-ID: <a", f"Message-ID: <{turn}a".encode())
        for turn in range(ROUNDS)
        for mail in made_mails()
    ]
    with tempfile.TemporaryDirectory() as folder, DovecotServer() as dovecot:
        for mail in mails:
            dovecot.deliver(mail)
        gateway = GatewayProcess(Path(folder)).start()
        try:
            seconds = asyncio.run(_fetch(gateway, Path(folder), dovecot, mails))
        finally:
            gateway.close()
    return {
        "name": "mailbox to ticket",
        "mails": len(mails),
        "mean_kb": round(sum(map(len, mails)) / len(mails) / 1000, 1),
        "mails_per_s": round(len(mails) / seconds, 1),
    }


async def _fetch(
    gateway: GatewayProcess, folder: Path, dovecot: DovecotServer, mails: Sequence[bytes]
) -> float:
    """Seconds from the moment that the inbox is there to the last ticket."""
    ledger = Ledger(f"sqlite:///{folder}/yingda.db")
    inbox = {
        "kind": "email",
        "name": "Support",
        "language": "zh-Hans",
        "bot": False,
        "enabled": True,
        "settings": {
            "address": USER,
            "imap_host": "127.0.0.1",
            "imap_port": dovecot.port,
            "first_days": 1,
            "smtp_host": "127.0.0.1",
            "certificates": str(dovecot.certificate),
        },
        "secrets": {"password": PASSWORD},
    }
    async with Administrator(gateway.url) as admin:
        started = time.perf_counter()
        await admin.call("POST", "/inboxes", inbox)
        async with asyncio.timeout(LIMIT):
            while ledger.rows("SELECT count(*) AS n FROM tickets")[0]["n"] < len(mails):
                await asyncio.sleep(0.1)
        seconds = time.perf_counter() - started
    ledger.close()
    return seconds
