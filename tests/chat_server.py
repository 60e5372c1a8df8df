"""A local server that speaks the chat protocol of OpenAI: streams, fails, drips, talks nonsense.

`python -m tests.chat_server PORT` runs it for a try by hand: it answers with the sentences of the
passages that share most with the question, and cites them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from intents.text import tokens

Script = Callable[[dict[str, Any], web.Request], Any]

PROMPT_TOKENS = 400
"""What every request is said to have held; more than a quarter of its characters."""


def told(body: dict[str, Any]) -> dict[str, Any]:
    """The data in a request: question, earlier lines, passages."""
    found: dict[str, Any] = json.loads(body["messages"][-1]["content"])
    return found


def extract(body: dict[str, Any], _: web.Request) -> str:
    """The passages' sentence that shares most with the question, cited; or the refusal."""
    data = told(body)
    asked = set(tokens(data["question"] + " ".join(data["earlier"][-1:])))
    best, most = "NO_ANSWER", 1
    for passage in data["passages"]:
        for sentence in passage["text"].replace("。", "。\n").replace(". ", ".\n").splitlines():
            shared = len(asked & set(tokens(sentence)))
            if shared > most:
                best, most = f"{sentence.rstrip('。.')} [{passage['number']}]", shared
    return best if best == "NO_ANSWER" else f"{best}{'。' if '一' < best[0] < '龥' else '.'}"


@dataclass
class ChatServer:
    """What it was asked, and how it answers: a text, or whatever the script sends itself."""

    script: Script = extract
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""

    def says(self, text: str) -> None:
        """It answers with this from now on."""
        self.script = lambda _body, _request: text

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers one request."""
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        said = self.script(body, request)
        if isinstance(said, str):
            return await stream(request, pieces(said))
        response: web.StreamResponse = await said
        return response


def delta(**change: Any) -> dict[str, Any]:
    """One event of a stream."""
    finished = change.pop("finish_reason", None)
    return {"choices": [{"index": 0, "delta": change, "finish_reason": finished}]}


def pieces(text: str, size: int = 7) -> list[dict[str, Any]]:
    """A text as the events of a stream, its end and what it took."""
    events = [delta(role="assistant", content="")]
    events += [delta(content=text[n : n + size]) for n in range(0, len(text), size)]
    usage = {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": len(text),
        "total_tokens": PROMPT_TOKENS + len(text),
    }
    return [*events, delta(finish_reason="stop"), {"choices": [], "usage": usage}]


async def stream(
    request: web.Request, events: Sequence[Any], *, pause: float = 0.0, done: bool = True
) -> web.StreamResponse:
    """Sends server-sent events; bytes go as they are."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    for event in events:
        line = event if isinstance(event, bytes) else f"data: {json.dumps(event)}\n\n".encode()
        await response.write(line)
        await asyncio.sleep(pause)
    if done:
        await response.write(b"data: [DONE]\n\n")
    return response


@asynccontextmanager
async def chat_server(port: int = 0) -> AsyncIterator[ChatServer]:
    """A server on a free port of this machine."""
    server = ChatServer()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()


async def _run(port: int) -> None:
    async with chat_server(port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1])))
