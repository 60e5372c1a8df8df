"""Messengers' whole walk: a customer asks, the bot answers, a person takes over, it is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.channels.adapters.wecom_simulator import (
    AES_KEY,
    AGENT,
    CORP,
    SECRET,
    TOKEN,
    WeComSimulator,
    callback,
    message,
    post,
)
from tests.channels.pictures import PNG
from tests.journeys.gateway import Administrator, GatewayProcess

pytestmark = pytest.mark.crash

QUESTION = "怎么开电子发票?"
PATIENCE = 20.0  # seconds, on a busy machine


async def until(found: Callable[[], Any]) -> Any:
    """What is found, once it is there."""
    async with asyncio.timeout(PATIENCE):
        while not (value := found()):
            await asyncio.sleep(0.05)
        return value


@asynccontextmanager
async def walk(folder: Path, kind: str, **settings: Any) -> AsyncIterator[Walk]:
    """A gateway with one inbox of the kind, beside a platform."""
    platform = WeComSimulator()
    process = GatewayProcess(folder)
    try:
        async with platform.running() as address:
            await asyncio.to_thread(process.start)
            async with Administrator(process.url) as administrator:
                inbox = await administrator.call(
                    "POST",
                    "/inboxes",
                    {
                        "kind": kind,
                        "name": "Messenger",
                        "language": "zh-Hans",
                        "team_id": None,
                        "bot": True,
                        "enabled": True,
                        "settings": {
                            "corp_id": CORP,
                            "api_base": address,
                            "allowed_networks": ["127.0.0.1"],
                            **settings,
                        },
                        "secrets": {
                            "secret": SECRET,
                            "callback_token": TOKEN,
                            "aes_key": AES_KEY,
                        },
                    },
                )
                path = f"/channels/{kind}/{inbox['id']}"
                yield Walk(process, platform, administrator, path)
        assert await asyncio.to_thread(process.terminate) == 0
    finally:
        process.close()


class Walk:
    """A running gateway, a platform, and who works there."""

    def __init__(
        self,
        process: GatewayProcess,
        platform: WeComSimulator,
        administrator: Administrator,
        path: str,
    ) -> None:
        self.process = process
        self.platform = platform
        self.agent = administrator
        self.path = path

    async def conversation(self) -> dict[str, Any]:
        """The only one there is."""
        (found,) = (await self.agent.call("GET", "/conversations?view=all"))["items"]
        return dict(found)

    async def answer(self, text: str) -> None:
        """Claims the conversation and answers."""
        path = f"/conversations/{(await self.conversation())['id']}"
        await self.agent.call("POST", f"{path}/claim", {})
        await self.agent.call("POST", f"{path}/messages", {"text": text, "attachments": []})

    async def messages(self) -> list[dict[str, Any]]:
        path = f"/conversations/{(await self.conversation())['id']}/messages"
        return list((await self.agent.call("GET", path))["items"])


async def test_wecom(tmp_path: Path) -> None:
    """Bot, hand-off, agent, a picture, an expired token, a kill: nothing lost or doubled."""
    async with walk(tmp_path, "wecom", agent_id=AGENT) as found:
        platform = found.platform

        async def say(text: str, number: int, **fields: Any) -> None:
            request = callback(found.path, message(text, str(number), **fields))
            for _ in range(2):  # the platform repeats now and then
                assert await post(found.process.url, request) == (200, b"")

        def said() -> str:
            return "\n".join(str(payload) for payload in platform.sent())

        await say(QUESTION, 1)
        await until(lambda: "发票" in said())
        platform.expire_tokens()
        await say("转人工", 2)
        await until(lambda: "同事" in said())
        platform.media["M1"] = (PNG, "image/png", "")
        await say("", 3, MsgType="image", MediaId="M1")
        await found.answer("您好,我是林晓,马上帮您查。")
        await until(lambda: "我是林晓" in said())
        platform.down = True
        await say("", 4, MsgType="image", MediaId="M1")
        found.process.kill()
        platform.down = False
        await asyncio.to_thread(found.process.start)
        async with asyncio.timeout(PATIENCE):
            while sum(bool(one["attachments"]) for one in await found.messages()) < 2:
                await asyncio.sleep(0.1)
        kinds = [one["kind"] for one in await found.messages()]
        assert kinds.count("customer") == 4
        assert said().count("我是林晓") == 1
        assert platform.tokens_given == 2


async def test_wecom_kf(tmp_path: Path) -> None:
    """The same by 微信客服: what comes while nobody runs is pulled at the next start."""
    async with walk(tmp_path, "wecom_kf") as found:
        platform = found.platform

        async def tell() -> None:
            notice = platform.notice(found.path)
            assert await post(found.process.url, notice) == (200, b"")

        def said() -> str:
            return "\n".join(str(payload) for payload in platform.delivered)

        platform.welcomes.add("W1")
        platform.happens("enter_session", welcome_code="W1")
        platform.says(QUESTION)
        await tell()
        await until(lambda: "发票" in said())
        assert not platform.welcomes
        platform.expire_tokens()
        platform.media["M1"] = (PNG, "image/png", "")
        platform.comes({"msgtype": "image", "image": {"media_id": "M1"}})
        platform.says("转人工", menu_id="/human")
        await tell()
        await until(lambda: "同事" in said())
        await found.answer("您好,我是林晓,马上帮您查。")
        await until(lambda: "我是林晓" in said())
        found.process.kill()
        platform.says("谢谢")
        await asyncio.to_thread(found.process.start)
        async with asyncio.timeout(PATIENCE):
            while "谢谢" not in {one["text"] for one in await found.messages()}:
                await asyncio.sleep(0.1)
        messages = await found.messages()
        assert [one["kind"] for one in messages].count("customer") == 4
        assert sum(bool(one["attachments"]) for one in messages) == 1
        assert said().count("我是林晓") == 1
        assert (await found.conversation())["contact"]["name"] == "客户C"
