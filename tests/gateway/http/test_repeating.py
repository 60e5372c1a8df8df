"""Requests that come again with the same idempotency key."""

import asyncio
import threading

import pytest

from tests.gateway.http.place import Place


async def test_a_repeated_answer_is_given_once(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    path = f"/conversations/{waiting.id}/messages"
    key = {"Idempotency-Key": "k1"}

    first, second = await asyncio.gather(
        *(ann.post(path, {"text": "Hello"}, headers=key) for _ in range(2))
    )
    third = await ann.post(path, {"text": "Hello"}, headers=key)
    other = await ann.post(path, {"text": "Other"}, headers=key)

    statuses = sorted([first.status, second.status])
    assert statuses in ([201, 201], [201, 409])
    assert third.json["id"] in {first.json.get("id"), second.json.get("id")}
    assert (other.status, other.code) == (422, "invalid_input")
    messages = (await ann.get(path)).json["items"]
    assert [m["text"] for m in messages if m["kind"] == "agent"] == ["Hello"]


async def test_keys_of_different_agents_are_different(place: Place) -> None:
    ann, lee = await place.console("ann"), await place.console("lee")
    key = {"Idempotency-Key": "k1"}
    for console, handle in ((ann, "one"), (lee, "two")):
        waiting = await place.queued(handle=handle)
        answer = await console.post(
            f"/conversations/{waiting.id}/messages", {"text": "Hello"}, headers=key
        )
        assert answer.json["author"]["id"] == ("ann" if console is ann else "lee")


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_keys_have_a_length(place: Place, key: str) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")

    answer = await ann.post(
        f"/conversations/{waiting.id}/messages",
        {"text": "Hello"},
        headers={"Idempotency-Key": key},
    )

    assert answer.status == 422


async def test_a_repeat_while_the_first_still_runs_is_told_to_wait(place: Place) -> None:
    waiting = await place.queued()
    ann = await place.console("ann")
    path, key = f"/conversations/{waiting.id}/messages", {"Idempotency-Key": "k1"}
    released = threading.Event()
    holding = asyncio.create_task(place.store.write(lambda _: released.wait(10)))
    both = [asyncio.create_task(ann.post(path, {"text": "Hi"}, headers=key)) for _ in range(2)]
    try:
        done, rest = await asyncio.wait(both, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    finally:
        released.set()
    assert await holding

    (early,), (first,) = [task.result() for task in done], [await task for task in rest]
    assert (early.status, early.code) == (409, "in_progress")
    assert early.headers["Retry-After"] == "1"
    late = await ann.post(path, {"text": "Hi"}, headers=key)
    assert (late.status, late.json) == (201, first.json)
