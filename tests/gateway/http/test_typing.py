"""Who learns that an agent is typing."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.ports.bus import Frame
from tests.gateway.http.place import Console, Place

ANN_TYPES = {"type": "typing", "author": "Ann"}
Type = Callable[[Console, str], Awaitable[Any]]


async def by_request(console: Console, conversation_id: str) -> None:
    answer = await console.post(f"/conversations/{conversation_id}/typing")
    assert answer.status == 204


async def by_socket(console: Console, conversation_id: str) -> None:
    async with await console.events() as events:
        await events.say(type="typing", conversation_id=conversation_id)
        await events.say(type="ping")
        await events.next("pong")


async def customer_learns(place: Place, type_: Type, conversation_id: str) -> list[Frame]:
    """What Ann's typing shows the customer; a colleague's console always learns of it."""
    subscription = place.parts.hub.subscribe("handle:site:visitor")
    lee = await place.console("lee")
    async with await lee.events() as events:
        await type_(await place.console("ann"), conversation_id)
        assert (await events.next("typing"))["agent_id"] == "ann"
    place.parts.hub.publish("handle:site:visitor", {"type": "end"})
    frames = []
    while (frame := await subscription.get())["type"] != "end":
        frames.append(frame)
    subscription.close()
    return frames


@pytest.mark.parametrize("type_", [by_request, by_socket])
class TestTyping:
    async def test_the_customer_reads_who_is_about_to_answer(
        self, place: Place, type_: Type
    ) -> None:
        waiting = await place.queued()
        assert await customer_learns(place, type_, waiting.id) == [ANN_TYPES]
        ann = await place.console("ann")
        await ann.post(f"/conversations/{waiting.id}/claim")
        assert ANN_TYPES in await customer_learns(place, type_, waiting.id)

    async def test_the_customer_reads_nothing_while_a_colleague_holds_it(
        self, place: Place, type_: Type
    ) -> None:
        waiting = await place.queued()
        bob = await place.console("bob")
        await bob.post(f"/conversations/{waiting.id}/claim")
        assert await customer_learns(place, type_, waiting.id) == []

    async def test_the_customer_reads_nothing_while_the_bot_answers(
        self, place: Place, type_: Type
    ) -> None:
        talk = await place.customer_writes("hello")
        assert await customer_learns(place, type_, talk.id) == []
