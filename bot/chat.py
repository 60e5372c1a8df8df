"""A language model behind an OpenAI-compatible `POST /chat/completions`, read as a stream.

Whatever stands there is foreign: its answer is read piece by piece within a time and a size, and
what is no answer in words (a call of a tool, another content type, half an answer) is an error.
aiohttp's client is imported at the first use.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.errors import ChatError

if TYPE_CHECKING:
    import aiohttp

_MOST_BYTES = 400_000
_LONGEST_LINE = 100_000
_MOST_CHARACTERS = 20_000  # of the text, thoughts of a reasoning model included
_CHARACTERS_PER_TOKEN = 2  # where the server does not count: rather too many tokens than too few
_MOST_PER_TOKEN = 4  # a server that counts fewer tokens than that is not believed
_TOLD = 300  # bytes of what an endpoint says of its error

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model wrote, and how many tokens it read and wrote."""

    text: str
    tokens_in: int
    tokens_out: int


@dataclass(slots=True)
class _Draft:
    """An answer under way."""

    text: str = ""
    finished: str | None = None
    usage: dict[str, int] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        """Adds one event of the stream, or a whole answer.

        Raises:
            ChatError: it is no part of an answer in words.
        """
        if not isinstance(event, dict):
            raise ChatError("the answer is not in the form of a chat")
        if event.get("error"):
            raise ChatError(f"it reports an error: {str(event['error'])[:200]}")
        self._count(event.get("usage"))
        choices = event.get("choices")
        if not isinstance(choices, list):
            raise ChatError("the answer is not in the form of a chat")
        for choice in choices[:1]:
            if not isinstance(choice, dict):
                raise ChatError("the answer is not in the form of a chat")
            self._add(choice.get("delta") or choice.get("message") or {})
            finished = choice.get("finish_reason")
            if not isinstance(finished, str | None):
                raise ChatError("the answer is not in the form of a chat")
            self.finished = finished or self.finished
        if len(self.text) > _MOST_CHARACTERS:
            raise ChatError("the answer is too long")

    def _add(self, said: Any) -> None:
        if not isinstance(said, dict) or not isinstance(said.get("content"), str | None):
            raise ChatError("the answer is not in the form of a chat")
        if said.get("tool_calls") or said.get("function_call"):
            raise ChatError("it calls a tool instead of answering")
        self.text += said.get("content") or ""

    def _count(self, usage: Any) -> None:
        if isinstance(usage, dict):
            for name in ("prompt_tokens", "completion_tokens"):
                if isinstance(usage.get(name), int) and 0 <= usage[name] < 10_000_000:
                    self.usage[name] = usage[name]


class ChatModel:
    """Asks one model.

    Args:
        url: the address before `/chat/completions`, such as `https://llm.example/v1`.
        model: the model's name there.
        key: the bearer token, if it wants one.
    """

    def __init__(self, url: str, *, model: str, key: str = "") -> None:
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._headers = {"Accept-Encoding": "identity"}
        self._headers |= {"Authorization": f"Bearer {key}"} if key else {}
        self.model = model

    async def complete(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, seconds: float
    ) -> Completion:
        """Return what the model writes.

        Args:
            messages: roles and contents.
            most_tokens: how much it may write.
            seconds: how long all of it may take, however slowly it drips.

        Raises:
            ChatError: no answer in words, whole and in time; `retry_after` is what a server that
                is too busy said.
        """
        body = {
            "model": self.model,
            "messages": list(messages),
            "temperature": 0,
            "max_tokens": most_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        import aiohttp

        try:
            async with asyncio.timeout(seconds):
                draft = await self._ask(body)
        except TimeoutError as error:
            raise ChatError(f"no answer within {seconds:g} s") from error
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise ChatError("it cannot be reached", begun=False) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ChatError("the connection broke") from error
        if draft.finished not in {"stop", "eos", "end_turn"}:
            raise ChatError(f"the answer was cut off ({draft.finished or 'no end'})")
        asked = sum(len(each["content"]) for each in messages)
        return Completion(
            text=draft.text,
            tokens_in=_tokens(draft.usage.get("prompt_tokens"), asked),
            tokens_out=_tokens(draft.usage.get("completion_tokens"), len(draft.text)),
        )

    async def _ask(self, body: Json) -> _Draft:
        import aiohttp

        async with (
            # A packed answer could unpack to any size.
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.post(
                self._url, json=body, headers=self._headers, allow_redirects=False
            ) as response,
        ):
            if response.status != 200:
                wait = response.headers.get("Retry-After")
                told = (await response.content.read(_TOLD)).decode(errors="replace")
                raise ChatError(
                    f"status {response.status}: {' '.join(told.split())}".rstrip(": "),
                    status=response.status,
                    retry_after=wait,
                )
            draft = _Draft()
            if response.content_type == "text/event-stream":
                async for event in _events(response):
                    draft.take(event)
            elif response.content_type == "application/json":
                draft.take(_parsed(await _whole(response)))
            else:
                raise ChatError(f"it answers with {response.content_type[:60]!r}")
            return draft


def _tokens(counted: int | None, characters: int) -> int:
    """What the server counted, if that can be."""
    if counted is None:
        return characters // _CHARACTERS_PER_TOKEN
    return max(counted, characters // _MOST_PER_TOKEN)


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    content = b""
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > _MOST_BYTES:
            raise ChatError("the answer is too large")
    return content


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    """The `data:` of server-sent events, up to `[DONE]`."""
    rest, size = b"", 0
    async for piece in response.content.iter_any():
        size += len(piece)
        rest += piece
        *lines, rest = rest.split(b"\n")
        if size > _MOST_BYTES or len(rest) > _LONGEST_LINE:
            raise ChatError("the answer is too large")
        for line in lines:
            told = line.strip().removeprefix(b"data:").strip()
            if told == b"[DONE]":
                return
            if line.startswith(b"data:"):
                yield _parsed(told)
    if rest.startswith(b"data:") and (told := rest.removeprefix(b"data:").strip()) != b"[DONE]":
        yield _parsed(told)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ChatError("the answer is no JSON") from error
