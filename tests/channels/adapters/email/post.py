"""Mails, and a mailbox between a real IMAP server and an SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

from channels.adapters.email import CHANNEL
from channels.adapters.email.channel import Email
from channels.contract import MessageKind, OutboundMessage
from channels.keeping import Thread
from channels.letters import Letter, Party
from channels.testing import INBOX, Bench, make_outbound
from tests.mail_servers import PASSWORD, USER, DovecotServer, SmtpSink

CONVERSATION = "0190a1b2c3d4e5f60718293a4b5c6d7e"
MESSAGE = "0190a1b2c3d4e5f60718293a4b5c6d99"
WANG = "wang@qingchuan.example"
HOST = "127.0.0.1"


def mail(
    number: int,
    text: str = "密码忘了，怎么办？",
    *,
    sender: str = f"王芳 <{WANG}>",
    to: str = USER,
    charset: str = "utf-8",
    **headers: str,
) -> bytes:
    """A customer's mail; headers are named with `_` for `-`."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = headers.pop("subject", "登录失败")
    message["Date"] = headers.pop("date", f"Wed, 4 Mar 2026 09:30:{number % 60:02d} +0800")
    message["Message-ID"] = headers.pop("message_id", f"<m{number}@qingchuan.example>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text, charset=charset)
    return message.as_bytes()


def outbound(
    text: str = "请点“忘记密码”。",
    *,
    to: str = WANG,
    attempt: int = 1,
    kind: MessageKind = MessageKind.AGENT,
    letter: Mapping[str, Any] | None = None,
    **changes: Any,
) -> OutboundMessage:
    """An answer on its way out."""
    made = make_outbound(
        text,
        attempt=attempt,
        **{"id": MESSAGE, "conversation_id": CONVERSATION, "kind": kind, **changes},
    )
    wanted = {"subject": "登录失败", "to": (Party(address=to, name="王芳"),), **(letter or {})}
    return replace(made, handle=to, letter=Letter(**wanted))


def read(content: bytes) -> EmailMessage:
    """A mail as a mail reader sees it."""
    found = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(content: bytes) -> str:
    part = read(content).get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


class Post:
    """An inbox over services in memory."""

    def __init__(self, imap: DovecotServer | None, smtp: SmtpSink, **settings: Any) -> None:
        self.bench = Bench()
        self.imap = imap
        self.smtp = smtp
        self.bench.threads.conversations[CONVERSATION] = Thread(
            inbox_id=INBOX, handle=WANG, thread="root"
        )
        self.settings = {
            "address": USER,
            "display_name": "晴川客服",
            "password": PASSWORD,
            "smtp_host": HOST,
            "smtp_port": smtp.port or 1,
            "smtp_security": "none",
            "per_minute": 6000,
            **({"imap_host": HOST, "imap_port": imap.port} if imap else {}),
            **({"certificates": str(imap.certificate)} if imap else {}),
            **settings,
        }
        self.channel = self.build()

    def build(self) -> Email:
        """Another process's channel for the same inbox."""
        channel = self.bench.build(CHANNEL, self.settings)
        assert isinstance(channel, Email)
        return channel

    def nudge(self) -> None:
        """Has the mailbox looked at now, as somebody who asks to catch up does."""
        self.channel._poller.nudge()

    @property
    def texts(self) -> list[str]:
        return [message.text.strip() for message in self.bench.sink.messages]

    async def until(self, holds: Callable[[], Any], seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.02)

    async def came(self, count: int) -> None:
        """So many messages came."""
        await self.until(lambda: len(self.bench.sink.messages) >= count)

    async def ready(self) -> None:
        """The mailbox was looked at once."""
        await self.until(lambda: any(n.startswith("cursor:") for n in self.bench.state.values))
