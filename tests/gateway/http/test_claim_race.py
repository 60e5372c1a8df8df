"""Two processes on one PostgreSQL: of many claims at once exactly one wins."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.bus.hub import LocalHub
from gateway.services.signing_in import Passwords
from gateway.store.migrations import migrate
from tests.gateway.http.place import START, Place, close_place, make_parts, open_place, plant


@pytest.fixture
async def places(
    tmp_path: Path, postgres_url: str, passwords: Passwords, password_hash: str
) -> AsyncIterator[list[Place]]:
    """Two servers over one database, as two processes would be."""
    migrate(postgres_url)
    hub, time, counter = LocalHub(), [START], itertools.count(1)
    opened = []
    for _ in range(2):
        parts = make_parts(
            tmp_path,
            postgres_url,
            passwords,
            time,
            hub=hub,
            new_id=lambda: f"{next(counter):032x}",
        )
        opened.append(await open_place(parts, time, [], tmp_path, None))
    await plant(opened[0].store, password_hash)
    yield opened
    for place in opened:
        await close_place(place)


async def test_one_wins_and_the_others_are_told_who(places: list[Place]) -> None:
    here, there = places
    consoles = [
        await here.console("ann"),
        await there.console("bob"),
        await there.console("ann"),
        await here.console("bob"),
    ]
    for round_number in range(5):
        waiting = await here.queued(handle=f"visitor {round_number}")

        answers = await asyncio.gather(
            *(console.post(f"/conversations/{waiting.id}/claim") for console in consoles)
        )

        held = (await here.conversation(waiting.id)).agent_id
        losers = [answer for answer in answers if answer.status != 200]
        assert {a.json["agent"]["id"] for a in answers if a.status == 200} == {held}
        assert [(a.code, a.json["agent"]) for a in losers] == [
            ("already_claimed", str(held).title())
        ] * 2
    assert (await here.actions()).count("conversation.claimed") == 5


async def test_a_key_used_on_two_servers_at_once_answers_once(places: list[Place]) -> None:
    here, there = places
    waiting = await here.queued()
    consoles = [await here.console("ann"), await there.console("ann")]

    answers = await asyncio.gather(
        *(
            console.post(
                f"/conversations/{waiting.id}/messages",
                {"text": "Hello"},
                headers={"Idempotency-Key": "one"},
            )
            for console in consoles
        )
    )

    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    messages = await here.store.read(lambda uow: uow.messages.page(waiting.id, limit=50))
    assert [m.text for m in messages if m.kind.value == "agent"] == ["Hello"]
