"""Tries a mailbox's settings out, step by step; sends nothing to anybody."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import aiosmtplib

from channels.adapters.email.errors import MailServerError, in_words
from channels.adapters.email.oauth import Tokens
from channels.adapters.email.outgoing import connect
from channels.adapters.email.poller import open_session
from channels.adapters.email.settings import EmailSettings
from channels.checking import Step
from channels.errors import Words

_IMAP: Final = Words("Sign in to the IMAP server", "登录 IMAP 服务器", "登入 IMAP 伺服器")
_SMTP: Final = Words("Sign in to the SMTP server", "登录 SMTP 服务器", "登入 SMTP 伺服器")


class _Fleeting:
    """State for the time of a trial: a token that is tried is not kept."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        return self._values.get(name)

    async def put(self, name: str, value: str) -> None:
        self._values[name] = value

    async def swap(self, name: str, expected: str | None, value: str) -> bool:
        if self._values.get(name) != expected:
            return False
        self._values[name] = value
        return True


async def try_settings(settings: EmailSettings) -> Sequence[Step]:
    """Signs in, opens each folder, signs in to send; ends at the first step that fails."""
    tokens = Tokens(settings, _Fleeting(), lambda: time.time_ns() // 1_000_000)
    steps: list[Step] = []
    if settings.imap_host:
        steps += await _receive(settings, tokens)
    if all(step.ok for step in steps):
        steps.append(await _send(settings, tokens))
    return steps


async def _receive(settings: EmailSettings, tokens: Tokens) -> list[Step]:
    where = (settings.imap_host, settings.imap_port)
    try:
        session = await open_session(settings, tokens)
    except (MailServerError, OSError) as error:
        return [Step(name=_IMAP, ok=False, detail=in_words(error, *where))]
    steps = [Step(name=_IMAP, ok=True)]
    move = [settings.move_to] if settings.after_fetch == "move" else []
    sent = [settings.sent_folder] if settings.sent_folder else []
    try:
        for folder in dict.fromkeys([*settings.folders, *move, *sent]):
            name = _folder_step(folder)
            try:
                await session.open(folder)
            except (MailServerError, OSError) as error:
                return [*steps, Step(name=name, ok=False, detail=in_words(error, *where))]
            steps.append(Step(name=name, ok=True))
    finally:
        await session.logout()
    return steps


def _folder_step(folder: str) -> Words:
    return Words(f"Open the folder {folder}", f"打开文件夹 {folder}", f"開啟資料夾 {folder}")


async def _send(settings: EmailSettings, tokens: Tokens) -> Step:
    try:
        client = await connect(settings, tokens)
    except (MailServerError, OSError, aiosmtplib.SMTPException) as error:
        detail = in_words(error, settings.smtp_host, settings.smtp_port)
        return Step(name=_SMTP, ok=False, detail=detail)
    client.close()
    return Step(name=_SMTP, ok=True)
