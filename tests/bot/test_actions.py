"""Actions in process: results, the complete tracker, time-out, failure, threads."""

import asyncio
import threading
import time
from typing import Any

import pytest
from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from bot.actions.runner import ActionResult, RasaActionRunner
from bot.contract import Line, Speaker, Understanding
from bot.errors import ActionFailedError
from bot.values.found import Found
from intents.model import Language
from tests.bot.conftest import TICKET, Tickets, turn

SEEN = Understanding(
    intent="ticket_status",
    confidence=0.9,
    ranking=(("ticket_status", 0.9),),
    entities={"ticket_number": "10023"},
    found=(Found(entity="ticket_number", value="10023", start=0, end=5),),
)


class Probe(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """Keeps the tracker it was called with, and answers with everything there is."""

    def __init__(self) -> None:
        self.tracker: Any = None

    def name(self) -> str:
        return "action_probe"

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        self.tracker = tracker
        self.thread = threading.current_thread()
        dispatcher.utter_message(
            text="hello {x}", x="1", buttons=[{"title": "T", "payload": "/p"}, {"title": "T"}]
        )
        dispatcher.utter_message(image="https://q.example/i.png")
        dispatcher.utter_message(json_message={"handover": {"reason": "wish", "kind": "bug"}})
        return [SlotSet("x", "2"), {"no": "event"}]


class Plain(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    """An action with a `run` of its own."""

    def __init__(self, name: str, run: Any) -> None:
        self._name = name
        self._run = run

    def name(self) -> str:
        return self._name

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return self._run()


class Slow(Action):  # type: ignore[misc]  # rasa-sdk is untyped
    def name(self) -> str:
        return "action_slow"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        await asyncio.sleep(30)


def broken() -> None:
    raise RuntimeError("the ledger is closed")


def runner(
    *more: Action, seconds: float = 5.0, tickets: Tickets | None = None
) -> RasaActionRunner:
    return RasaActionRunner(tickets or Tickets(TICKET), seconds=seconds, more=lambda: list(more))


async def test_ticket_status_asks_for_the_number() -> None:
    result = await runner().run("action_ticket_status", turn("查工单"), {}, SEEN)
    assert [said.response for said in result.said] == ["utter_ask_ticket_number"]
    assert result.handover is None


@pytest.mark.parametrize(
    ("language", "status"),
    [(Language.EN, "being worked on"), (Language.ZH_HANS, "处理中"), (None, "处理中")],
)
async def test_ticket_status_tells_the_state(language: Language | None, status: str) -> None:
    tickets = Tickets(TICKET)
    made = turn("x", language=language)
    slots = {"ticket_number": "10023"}
    result = await runner(tickets=tickets).run("action_ticket_status", made, slots, SEEN)
    said = result.said[0]
    assert said.response == "utter_ticket_found"
    assert said.values["number"] == "10023"
    assert said.values["subject"] == "Router drops out"
    assert said.values["status"] == status
    assert tickets.asked == [("conv-1", "10023")]


@pytest.mark.parametrize("status", ["solved", "closed"])
async def test_nothing_is_promised_of_a_ticket_that_is_done(status: str) -> None:
    tickets = Tickets({**TICKET, "status": status})
    slots = {"ticket_number": "10023"}
    result = await runner(tickets=tickets).run("action_ticket_status", turn("x"), slots, SEEN)
    assert result.said[0].response == "utter_ticket_done"


async def test_a_ticket_of_someone_else_is_not_found_and_asked_for_anew() -> None:
    result = await runner().run(
        "action_ticket_status", turn("x"), {"ticket_number": "99999"}, SEEN
    )
    assert result.said[0].response == "utter_ticket_not_found"
    assert result.slots == {"ticket_number": None}


@pytest.mark.parametrize(
    ("intent", "reason"), [("complaint", "complaint"), ("suggestion", "wish")]
)
async def test_handoff_names_its_reason(intent: str, reason: str) -> None:
    seen = Understanding(intent=intent, confidence=0.9)
    result = await runner().run("action_handoff", turn("x"), {}, seen)
    assert result == ActionResult(handover={"reason": reason})


async def test_the_tracker_is_complete_and_a_plain_run_gets_a_thread() -> None:
    probe = Probe()
    lines = (Line(speaker=Speaker.CUSTOMER, text="hi"), Line(speaker=Speaker.BOT, text="hello"))
    made = turn("where is it", lines=lines, language=Language.EN)
    result = await runner(probe).run("action_probe", made, {"a": 1}, SEEN)
    tracker = probe.tracker
    assert tracker.sender_id == "sender-1"
    assert tracker.get_slot("a") == 1
    assert tracker.get_intent_of_latest_message() == "ticket_status"
    assert list(tracker.get_latest_entity_values("ticket_number")) == ["10023"]
    assert tracker.get_latest_input_channel() is None or tracker.get_latest_input_channel()
    assert [event["text"] for event in tracker.events] == ["hi", "hello", "where is it"]
    assert tracker.current_state()["latest_message"]["metadata"]["language"] == "en"
    assert probe.thread is not threading.main_thread()
    assert probe.thread.daemon
    assert [said.text for said in result.said] == ["hello {x}", "https://q.example/i.png"]
    assert result.said[0].values == {"x": "1"}
    assert result.said[0].buttons == (("T", "/p"),)
    assert result.slots == {"x": "2"}
    assert result.handover == {"reason": "wish", "kind": "bug"}


async def test_unknown_and_failing_actions() -> None:
    own = runner(Plain("action_broken", broken))
    with pytest.raises(ActionFailedError, match="action_nowhere"):
        await own.run("action_nowhere", turn("x"), {}, SEEN)
    with pytest.raises(ActionFailedError, match="action_broken failed: the ledger is closed"):
        await own.run("action_broken", turn("x"), {}, SEEN)


async def test_time_out_of_coroutines_and_of_threads() -> None:
    ended = threading.Event()
    own = runner(Slow(), Plain("action_stuck", lambda: ended.wait(20)), seconds=0.1)
    await own.warm()
    start = time.monotonic()
    for name in ("action_slow", "action_stuck"):
        with pytest.raises(ActionFailedError, match=r"did not end within 0\.1 s"):
            await own.run(name, turn("x"), {}, SEEN)
    assert time.monotonic() - start < 5
    ended.set()
    assert (await own.run("action_handoff", turn("x"), {}, SEEN)).handover == {"reason": "wish"}


async def test_a_slow_thread_does_not_hold_up_the_loop() -> None:
    own = runner(Plain("action_nap", lambda: time.sleep(0.3)))
    await own.warm()
    nap = asyncio.create_task(own.run("action_nap", turn("x"), {}, SEEN))
    ticks = 0
    while not nap.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 5
    assert await nap == ActionResult()
