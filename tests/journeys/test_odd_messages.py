"""Messages that nobody expects, through the whole bot: each is answered, and nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.journeys.gateway import GatewayProcess

ODD = {
    "emoji": "😀🎉👍🏽",
    "flags and families": "🇨🇳👨‍👩‍👧‍👦",
    "long Chinese": "我的发票" * 2_500,
    "long English": "where is my invoice " * 500,
    "mixed script": "我要 refund 返金 возврат استرداد please 谢谢",
    "right to left": "\u202eecioi\u202c אני רוצה חשבונית",
    "control characters": "in\x01voice\x07 \x1b[31mplease\x7f",
    "zero width": "in\u200bvo\u200cice\ufeff",
    "combining marks": "i" + "\u0301" * 500,
    "punctuation": "？？！！。。。",
    "lone digits": "0" * 300,
    "markup": "<script>alert(1)</script>{{7*7}}${jndi:ldap://x}",
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    process = GatewayProcess(tmp_path_factory.mktemp("odd")).start()
    yield process
    assert process.terminate() == 0
    process.close()


async def said(gateway: GatewayProcess, sender: str, text: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{gateway.url}/webhooks/rest/webhook", json={"sender": sender, "message": text}
        ) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.parametrize("name", ODD)
async def test_odd_messages_are_answered(gateway: GatewayProcess, name: str) -> None:
    status, messages = await said(gateway, f"odd {name}", ODD[name])
    assert status == 200
    texts = [each["text"] for each in messages if each.get("text")]
    assert texts, "never silence"
    assert not any("Traceback" in text or "{{" in text for text in texts)
    status, messages = await said(gateway, f"odd {name}", "how do I get an invoice?")
    assert status == 200
    assert messages, "and the conversation goes on"


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
async def test_nothing_said_is_answered_with_nothing(gateway: GatewayProcess, text: str) -> None:
    """As Rasa does; the next message is answered as the first one."""
    assert await said(gateway, f"silent {text!r}", text) == (200, [])
    status, messages = await said(gateway, f"silent {text!r}", "how do I get an invoice?")
    assert status == 200
    assert messages


async def test_no_odd_message_left_a_fault_in_the_log(gateway: GatewayProcess) -> None:
    log = Path(gateway.log).read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in log
