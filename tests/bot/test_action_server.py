"""The action server speaks rasa-sdk's protocol: what a Rasa server sends and expects."""

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from rasa_sdk import Action
from rasa_sdk.events import SlotSet
from rasa_sdk.interfaces import ActionExecutionRejection

from bot.actions.runner import RasaActionRunner
from bot.actions.server import make_action_app
from intents.model import Catalogue
from tests.bot.conftest import TICKET, Tickets


class Plain(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """An action of a test."""

    def __init__(self, name: str) -> None:
        self._name = name

    def name(self) -> str:
        return self._name

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        if self._name == "action_reject":
            raise ActionExecutionRejection(self._name, "not now")
        if self._name == "action_boom":
            raise ValueError("boom: a secret")
        dispatcher.utter_message(
            text="ok",
            buttons=[{"title": "是", "payload": "/affirm"}],
            image="http://127.0.0.1/i.png",
        )
        return [SlotSet("a", 1), {"no": "event"}]


@pytest.fixture
async def server(shipped: Catalogue) -> AsyncIterator[str]:
    more = [Plain(name) for name in ("action_sync", "action_reject", "action_boom")]
    trees = {tree.name: tree for tree in shipped.trees}
    own = RasaActionRunner(Tickets(TICKET), trees=trees, more=lambda: list(more))
    runner = web.AppRunner(make_action_app(await own.executor()))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def call(name: str | None, **slots: Any) -> dict[str, Any]:
    """What Rasa 3.6 posts, with its domain and events cut short."""
    return {
        "next_action": name,
        "sender_id": "web:v1",
        "tracker": {
            "sender_id": "web:v1",
            "slots": {"requested_slot": None, **slots},
            "latest_message": {
                "text": "转人工",
                "intent": {"name": "human_handoff", "confidence": 0.84},
                "entities": [],
                "intent_ranking": [],
                "metadata": {},
                "message_id": "9a1e",
                "text_tokens": [[0, 3]],
                "response_selector": {},
            },
            "latest_event_time": 1795326972.2,
            "followup_action": None,
            "paused": False,
            "events": [{"event": "session_started", "timestamp": 1795326971.8}],
            "latest_input_channel": "rest",
            "active_loop": {},
            "latest_action_name": "action_listen",
            "latest_action": {"action_name": "action_listen"},
        },
        "domain": {"slots": {}, "forms": {}, "responses": {}, "intents": [], "actions": []},
        "version": "3.6.21",
    }


async def post(url: str, body: Any) -> tuple[int, Any]:
    async with ClientSession() as session, session.post(f"{url}/webhook", json=body) as found:
        return found.status, await found.json()


BARE: dict[str, Any] = {
    "buttons": [],
    "elements": [],
    "template": None,
    "response": None,
    "image": None,
    "attachment": None,
}


async def test_responses_and_events_have_every_key_that_rasa_reads(server: str) -> None:
    status, body = await post(server, call("action_sync"))
    assert status == 200
    assert body == {
        "events": [{"event": "slot", "timestamp": None, "name": "a", "value": 1}],
        "responses": [
            {
                **BARE,
                "text": "ok",
                "buttons": [{"title": "是", "payload": "/affirm"}],
                "custom": {},
                "image": "http://127.0.0.1/i.png",
            }
        ],
    }
    status, body = await post(server, call("action_handoff"))
    assert body == {
        "events": [],
        "responses": [{**BARE, "text": None, "custom": {"handover": {"reason": "wish"}}}],
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (call("action_reject"), 400),
        (call("action_unknown"), 404),
        ({k: v for k, v in call("action_sync").items() if k != "domain"}, 449),
        (call("action_boom"), 500),
        ({k: v for k, v in call("action_sync").items() if k != "tracker"}, 500),
        ([], 400),
    ],
)
async def test_statuses(server: str, body: Any, status: int) -> None:
    found, answer = await post(server, body)
    assert found == status
    assert answer["error"]
    assert "secret" not in json.dumps(answer)


async def test_without_an_action_the_answer_is_null(server: str) -> None:
    assert await post(server, call(None)) == (200, None)


async def test_health_the_list_and_deflated_bodies(server: str) -> None:
    async with ClientSession() as session:
        async with session.get(f"{server}/health") as found:
            assert await found.json() == {"status": "ok"}
        async with session.get(f"{server}/actions") as found:
            names = {entry["name"] for entry in await found.json()}
        assert names >= {
            "action_handoff",
            "action_ticket_status",
            "action_open_ticket",
            "action_request_call_back",
            "action_check_warranty",
            "action_change_contact",
            "validate_contact_form",
        }
        packed = zlib.compress(json.dumps(call("action_sync")).encode())
        headers = {"Content-Encoding": "deflate", "Content-Type": "application/json"}
        async with session.post(f"{server}/webhook", data=packed, headers=headers) as found:
            assert found.status == 200
        async with session.post(f"{server}/webhook", data=b"{") as found:
            assert found.status == 400


@pytest.mark.parametrize(
    ("slots", "words"),
    [
        ({"damage": "内部进水"}, "人为损坏"),
        ({"damage": "外观完好", "application_date": "2015-01-01"}, "¥120"),
        ({"damage": "外观完好", "application_date": "2100-01-01"}, "哪天申请"),
        ({}, "外观"),
    ],
)
async def test_the_warranty_action_applies_the_rule(
    server: str, slots: dict[str, str], words: str
) -> None:
    status, body = await post(server, call("action_check_warranty", **slots))
    assert status == 200
    assert words in body["responses"][0]["text"]


async def test_the_ticket_status_action_serves_rasa_too(server: str) -> None:
    _, body = await post(server, call("action_ticket_status", ticket_number="10023"))
    (said,) = body["responses"]
    assert (said["response"], said["number"]) == ("utter_ticket_found", "10023")
    assert said["updated_at"] == "2026-11-02 16:00 (UTC+8)"
