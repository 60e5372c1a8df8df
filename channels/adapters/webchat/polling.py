"""The widget over plain HTTP, where no socket gets through: same ids, same events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from channels.adapters.webchat.channel import WebChat
from channels.adapters.webchat.exchange import authenticate, read_object, reply
from channels.adapters.webchat.frames import (
    MAX_FRAME_BYTES,
    MAX_SEQ,
    FrameError,
    SeenFrame,
    TypingFrame,
    compose_signal,
    parse_frame,
    parse_message,
)
from channels.adapters.webchat.tokens import Visitor
from channels.contract import Directory, Subscription
from channels.receiving import read_body

MAX_WAIT_S: Final = 25
GATHER_S: Final = 0.05
"""How long a poll that has something waits for what comes at the same time."""

PAGE: Final = 100
MAX_EVENTS: Final = 200


async def post_message(directory: Directory, request: web.Request) -> web.Response:
    """`POST /web/v1/messages`: 202 when the message is durable; resend with the same id."""
    channel, visitor = authenticate(request, directory)
    frame = parse_message(await read_object(request))
    await channel.accept(visitor, frame)
    return reply({"client_msg_id": frame.client_msg_id}, HTTPStatus.ACCEPTED)


async def post_signal(directory: Directory, request: web.Request) -> web.Response:
    """`POST /web/v1/signals`: a `seen` or `typing` frame, as on the socket."""
    channel, visitor = authenticate(request, directory)
    channel.admit_request(visitor)
    frame = parse_frame(await read_body(request, MAX_FRAME_BYTES))
    mailbox = channel.context.mailbox
    if isinstance(frame, SeenFrame):
        await mailbox.mark(channel.inbox.id, visitor.handle, up_to=frame.seq, state=frame.state)
    elif isinstance(frame, TypingFrame):
        await channel.tell_typing(visitor)
    else:
        raise FrameError("malformed", "type: use seen or typing here", field="/type")
    return reply({}, HTTPStatus.ACCEPTED)


async def get_messages(directory: Directory, request: web.Request) -> web.Response:
    """`GET /web/v1/messages?after=&limit=`: messages as events, oldest first.

    Without `after` the newest ones.
    """
    channel, visitor = authenticate(request, directory)
    channel.admit_request(visitor)
    after = _read_number(request, "after", MAX_SEQ, 0)
    limit = max(1, _read_number(request, "limit", PAGE, PAGE))
    return reply(_page(await _history(channel, visitor, after, limit), after))


async def get_events(directory: Directory, request: web.Request) -> web.Response:
    """`GET /web/v1/events?after=&wait=`: what came after that seq, or the first to come.

    `wait` is in seconds, at most 25. An answer without events is no error: ask again.
    """
    channel, visitor = authenticate(request, directory)
    channel.admit_request(visitor)
    after = _read_number(request, "after", MAX_SEQ, 0)
    wait = _read_number(request, "wait", MAX_WAIT_S, MAX_WAIT_S)
    with channel.hold(visitor):
        subscription = channel.context.mailbox.subscribe(channel.inbox.id, visitor.handle)
        try:
            events = await _history(channel, visitor, after, PAGE)
            if not events and wait:
                events = await _wait(channel, visitor, subscription, after, wait)
        finally:
            subscription.close()
    return reply(_page(events, after))


async def _history(
    channel: WebChat, visitor: Visitor, after: int, limit: int
) -> list[dict[str, Any]]:
    messages = await channel.context.mailbox.history(
        channel.inbox.id, visitor.handle, after=after, limit=limit
    )
    return [channel.compose(visitor, message) for message in messages]


async def _wait(
    channel: WebChat, visitor: Visitor, subscription: Subscription, after: int, wait: float
) -> list[dict[str, Any]]:
    """Events from the first frame on; none when the time is over or the inbox stops."""
    events: list[dict[str, Any]] = []
    end = asyncio.get_running_loop().time() + wait
    while len(events) < MAX_EVENTS:
        frame = await _next(channel, subscription, end)
        if frame is None:
            break
        if frame["type"] == "overflow":
            return await _history(channel, visitor, after, PAGE)
        event = _compose(channel, visitor, frame)
        if event is not None:
            if not events:
                end = asyncio.get_running_loop().time() + GATHER_S
            events.append(event)
    return events


async def _next(
    channel: WebChat, subscription: Subscription, end: float
) -> Mapping[str, Any] | None:
    frame = asyncio.ensure_future(subscription.get())
    stopping = asyncio.ensure_future(channel.stopping.wait())
    left = max(0.0, end - asyncio.get_running_loop().time())
    try:
        await asyncio.wait((frame, stopping), timeout=left, return_when=asyncio.FIRST_COMPLETED)
        return frame.result() if frame.done() else None
    finally:
        for task in (frame, stopping):
            task.cancel()


def _compose(
    channel: WebChat, visitor: Visitor, frame: Mapping[str, Any]
) -> dict[str, Any] | None:
    if frame["type"] == "message":
        return channel.compose(visitor, frame["message"])
    return compose_signal(frame)


def _page(events: list[dict[str, Any]], after: int) -> dict[str, Any]:
    return {"events": events, "seq": max((event.get("seq", 0) for event in events), default=after)}


def _read_number(request: web.Request, name: str, high: int, default: int) -> int:
    value = request.query.get(name)
    if value is None:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > 16:
        raise FrameError("malformed", f"{name}: send a whole number from 0", field=name)
    return min(int(value), high)
