"""A language model behind a local server: streams, errors, time-outs, nonsense."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.chat import ChatModel, Completion
from bot.errors import ChatError
from tests.chat_server import PROMPT_TOKENS, ChatServer, chat_server, delta, pieces, stream

MESSAGES = ({"role": "system", "content": "answer"}, {"role": "user", "content": "question"})


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server() as opened:
        yield opened


async def ask(server: ChatServer, *, seconds: float = 5.0) -> Completion:
    model = ChatModel(server.url, model="small", key="secret")
    return await model.complete(MESSAGES, most_tokens=50, seconds=seconds)


async def test_an_answer_is_read_as_it_streams(server: ChatServer) -> None:
    server.says("七天内退回 [1]。")
    assert await ask(server) == Completion(
        text="七天内退回 [1]。", tokens_in=PROMPT_TOKENS, tokens_out=10
    )
    (body,) = server.asked
    assert (body["model"], body["stream"], body["max_tokens"]) == ("small", True, 50)
    assert body["messages"] == list(MESSAGES)
    assert server.keys == ["Bearer secret"]


async def test_an_answer_in_one_piece_is_read_too_and_tokens_are_guessed(
    server: ChatServer,
) -> None:
    message = {"role": "assistant", "content": "Within 7 days [1]."}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}

    async def say(_: web.Request) -> web.Response:
        return web.json_response(whole)

    server.script = lambda _body, request: say(request)
    assert await ask(server) == Completion(text="Within 7 days [1].", tokens_in=7, tokens_out=9)


def _json(content: Any, **more: Any) -> Any:
    return lambda _body, _request: _ready(web.json_response(content, **more))


async def _ready(response: web.Response) -> web.Response:
    return response


def _text(text: str, **more: Any) -> Any:
    return lambda _body, _request: _ready(web.Response(text=text, **more))


def _stream(*events: Any, **more: Any) -> Any:
    return lambda _body, request: stream(request, events, **more)


CALL = {"tool_calls": [{"function": {"name": "refund", "arguments": "{}"}}]}
NONSENSE = {
    "html": (_text("<h1>Hello</h1>", content_type="text/html"), "answers with 'text/html'"),
    "no JSON": (_text("{", content_type="application/json"), "no JSON"),
    "deep JSON": (_text("[" * 90_000, content_type="application/json"), "no JSON"),
    "a list": (_json([1]), "form of a chat"),
    "no choices": (_json({"choices": {}}), "form of a chat"),
    "a choice that is none": (_json({"choices": [3]}), "form of a chat"),
    "a number for words": (_stream(delta(content=3)), "form of a chat"),
    "an object for an end": (_stream(delta(finish_reason={"a": 1})), "form of a chat"),
    "a list for an end": (_stream(delta(finish_reason=["stop"])), "form of a chat"),
    "an error in the stream": (_stream({"error": {"message": "overloaded"}}), "overloaded"),
    "a call of a tool": (_stream(delta(**CALL), delta(finish_reason="tool_calls")), "tool"),
    "an event that is no JSON": (_stream(b"data: {oops\n\n"), "no JSON"),
    "half an answer": (_stream(delta(content="Within"), done=False), "cut off"),
    "too few tokens": (
        _stream(delta(content="Within"), delta(finish_reason="length")),
        "cut off (length)",
    ),
    "filtered": (_stream(delta(finish_reason="content_filter")), "cut off"),
    "too many words": (_stream(*pieces("x" * 30_000, 1_000)), "too long"),
    "an endless line": (_stream(b"data: " + b"x" * 150_000), "too large"),
    "endless noise": (_stream(*[b": ping\n" * 1_000] * 100), "too large"),
    "a large body": (_text("x" * 500_000, content_type="application/json"), "too large"),
    "a redirect": (_text("", status=302, headers={"Location": "http://127.0.0.1/"}), "302"),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_is_an_error(server: ChatServer, name: str) -> None:
    server.script, expected = NONSENSE[name]
    with pytest.raises(ChatError) as error:
        await ask(server)
    assert expected in str(error.value)


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_a_status_is_told_with_what_the_server_asks_for(
    server: ChatServer, status: int
) -> None:
    server.script = _text("busy", status=status, headers={"Retry-After": "17"})
    with pytest.raises(ChatError) as error:
        await ask(server)
    assert (error.value.status, error.value.retry_after) == (status, "17")
    assert not error.value.begun


async def test_an_error_is_told_in_the_endpoints_first_words(server: ChatServer) -> None:
    server.script = _text("max_tokens:\n too large" + "x" * 9_000, status=400)
    with pytest.raises(ChatError, match="status 400: max_tokens: too large") as error:
        await ask(server)
    assert len(str(error.value)) < 400


async def test_too_few_counted_tokens_are_not_believed(server: ChatServer) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0}
    ended = [delta(content="x" * 40), delta(finish_reason="stop"), {"choices": [], "usage": usage}]
    server.script = _stream(*ended)
    told = await ask(server)
    assert (told.tokens_in, told.tokens_out) == (3, 10)


async def test_a_slow_drip_ends_at_the_time_limit(server: ChatServer) -> None:
    server.script = _stream(*pieces("a long answer" * 50, 1), pause=0.05)
    started = time.perf_counter()
    with pytest.raises(ChatError, match=r"within 0\.3 s"):
        await ask(server, seconds=0.3)
    assert time.perf_counter() - started < 3


async def test_silence_ends_at_the_time_limit(server: ChatServer) -> None:
    server.script = lambda _body, _request: asyncio.sleep(30)
    with pytest.raises(ChatError, match=r"within 0\.2 s"):
        await ask(server, seconds=0.2)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://[::1/v1", "nowhere"])
async def test_nobody_there(url: str) -> None:
    with pytest.raises(ChatError, match="cannot be reached") as error:
        await ChatModel(url, model="m").complete(MESSAGES, most_tokens=9, seconds=5.0)
    assert not error.value.begun
