"""Customers of an API inbox under test: they send until they are acknowledged, and remember."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from tests.servers import free_port

QUESTIONS = (
    "怎么开电子发票",
    "how do I reset my password",
    "宽带上不了网",
    "印章Key的保修期是多久",
    "what are your opening hours",
    "密碼忘了怎麼辦",
)

# Then a new customer begins: the bot hands over after some turns, and answers are wanted here.
MESSAGES_PER_CUSTOMER = 10


def make_secret() -> str:
    """A Standard Webhooks secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class CallbackReceiver:
    """The integrator's side: keeps what it is sent, in order."""

    def __init__(self, secret: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/answers"
        self.received: list[dict[str, Any]] = []
        self._webhook = Webhook(secret)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listens."""
        app = web.Application()
        app.router.add_post("/answers", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self._webhook.verify(body, dict(request.headers))
        self.received.append({"id": request.headers["webhook-id"], **json.loads(body)})
        return web.Response(status=204)


@dataclass
class Traffic:
    """Senders that repeat each message, under the same id, until it is acknowledged."""

    url: str
    secret: str
    senders: int
    seed: int
    acknowledged: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins."""
        self._tasks = [
            asyncio.create_task(self._send_for(f"customer-{n}", random.Random(self.seed + n)))
            for n in range(self.senders)
        ]

    async def stop(self) -> None:
        """Lets each sender finish what it has begun."""
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _send_for(self, name: str, chance: random.Random) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
            number = 0
            while not self._stop.is_set():
                number += 1
                customer = f"{name}-{number // MESSAGES_PER_CUSTOMER}"
                message_id = f"{name}-{number:05d}"
                text = f"{chance.choice(QUESTIONS)} ({number})"
                await self._until_acknowledged(http, customer, message_id, text)
                self.acknowledged[customer].append(message_id)
                await asyncio.sleep(chance.uniform(0.05, 0.25))

    async def _until_acknowledged(
        self, http: aiohttp.ClientSession, sender: str, message_id: str, text: str
    ) -> None:
        body = json.dumps({"sender": sender, "text": text}, ensure_ascii=False).encode()
        while True:
            headers = _signed(self.secret, message_id, body)
            try:
                async with http.post(self.url, data=body, headers=headers) as answer:
                    if answer.status == 202:
                        return
                    assert answer.status == 503, f"{answer.status}: {await answer.text()}"
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            await asyncio.sleep(0.1)


def _signed(secret: str, message_id: str, body: bytes) -> dict[str, str]:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
    }
