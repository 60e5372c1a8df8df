"""The language model as administrators see it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.chat import ChatModel
from gateway.domain.exchange import Budget
from gateway.services.wording import GroundedWording, WordingSettings
from gateway.wiring.ids import new_id
from tests.chat_server import ChatServer, chat_server
from tests.gateway.http.place import Place


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server() as opened:
        yield opened


def with_model(place: Place, server: ChatServer) -> Place:
    """The place with a language model set up."""
    limits = WordingSettings(seconds=5.0, budget=Budget(tokens=50_000), time_zone="Asia/Shanghai")
    model = ChatModel(server.url, model="small", key="secret")
    wording = GroundedWording(place.store, model, limits, clock=place.now, new_id=new_id)
    object.__setattr__(place.parts, "wording", wording)
    return place


async def test_nothing_is_set_up(place: Place) -> None:
    console = await place.console("ada")
    answer = await console.get("/language-model")
    assert (answer.json["answers"], answer.json["today"]) == (False, None)
    assert (await console.get("/language-model/exchanges")).json["items"] == []
    refused = await console.post("/language-model/trial")
    assert (refused.status, "YINGDA_LLM_ANSWERS" in refused.json["detail"]) == (409, True)


async def test_a_trial_is_asked_counted_and_listed(place: Place, server: ChatServer) -> None:
    with_model(place, server)
    console = await place.console("ada")
    tried = (await console.post("/language-model/trial")).json
    assert (tried["outcome"], tried["answer"]) == (
        "answered",
        "A refund arrives within 7 days [1].",
    )
    assert tried["passages"][0]["text"] == "A refund arrives within 7 days."
    assert (tried["purpose"], tried["conversation_id"], tried["model"]) == ("check", None, "small")
    state = (await console.get("/language-model")).json
    assert state["today"]["calls"] == 1
    assert state["today"]["tokens"] == tried["tokens_in"] + tried["tokens_out"]
    assert state["limits"] == {"seconds": 5.0, "daily_tokens": 50_000, "daily_cost": None}
    server.says("A refund arrives within 3 days [1].")
    place.pass_time(5)
    assert (await console.post("/language-model/trial")).json["outcome"] == "ungrounded"
    page = (await console.get("/language-model/exchanges?limit=1")).json
    assert page["items"][0]["reason"] == "the figure 3 day is not in what it cites"
    rest = await console.get(f"/language-model/exchanges?limit=1&cursor={page['next_cursor']}")
    assert [each["id"] for each in rest.json["items"]] == [tried["id"]]
    assert rest.json["next_cursor"] is None
    assert "language_model.tried" in await place.actions()
    assert "secret" not in str(state) + str(page)


async def test_only_those_who_configure_see_it(place: Place, server: ChatServer) -> None:
    with_model(place, server)
    for name in ("ann", "lee"):
        console = await place.console(name)
        assert (await console.get("/language-model")).status == 403
        assert (await console.get("/language-model/exchanges")).status == 403
        assert (await console.post("/language-model/trial")).status == 403
    assert server.asked == []
