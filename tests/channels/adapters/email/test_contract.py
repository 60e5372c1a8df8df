"""E-mail keeps the promises of every channel that pushes, here to an SMTP server."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from channels.contract import OutboundMessage
from channels.errors import PermanentDeliveryError, TransientDeliveryError
from channels.letters import Letter, Party
from channels.testing import LoopbackPlatform, PlatformAnswer, PushContractTests, WireRequest
from tests.channels.adapters.email.post import WANG, text_of
from tests.mail_servers import PASSWORD, USER, SmtpSink


class SmtpPlatform(LoopbackPlatform):
    """An SMTP server in a platform's place: scripted answers are its reply codes."""

    @override
    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        async with _ScriptedSink(self).running() as sink:
            yield f"127.0.0.1:{sink.port}"


class _ScriptedSink(SmtpSink):
    def __init__(self, platform: LoopbackPlatform) -> None:
        super().__init__()
        self._platform = platform

    @override
    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        script: deque[PlatformAnswer] = self._platform.script
        if script:
            answer = script.popleft()
            return f"{answer.status} {answer.body.decode()}"
        body = text_of(envelope.content) + envelope.content.decode()
        self._platform.requests.append(WireRequest(path="/", body=body.encode()))
        return "250 OK"


class TestEmail(PushContractTests):
    kind = "email"

    @override
    def settings(self) -> Mapping[str, Any]:
        return {
            "address": USER,
            "password": PASSWORD,
            "smtp_host": "127.0.0.1",
            "smtp_port": 1,
            "smtp_security": "none",
            "oauth_client_secret": "clientSecretValue",
            "oauth_refresh_token": "refreshTokenValue",
            "dkim_key": "dkimKeyValue",
        }

    @override
    def settings_for(self, address: str) -> Mapping[str, Any]:
        return {**self.settings(), "smtp_port": int(address.rpartition(":")[2])}

    @override
    def refusals(self) -> Sequence[tuple[PlatformAnswer, type[Exception]]]:
        return [
            (PlatformAnswer(status=421, body=b"closing"), TransientDeliveryError),
            (PlatformAnswer(status=451, body=b"greylisted"), TransientDeliveryError),
            (PlatformAnswer(status=550, body=b"no such user"), PermanentDeliveryError),
            (PlatformAnswer(status=552, body=b"quota"), PermanentDeliveryError),
        ]

    @override
    def outbound(self, text: str = "您好", *, attempt: int = 1) -> OutboundMessage:
        letter = Letter(subject="登录失败", to=(Party(address=WANG),))
        return replace(super().outbound(text, attempt=attempt), letter=letter)

    @pytest.fixture
    @override
    async def platform(self) -> LoopbackPlatform:
        return SmtpPlatform()
