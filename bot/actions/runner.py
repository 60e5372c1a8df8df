"""Runs rasa-sdk actions in process, with a complete tracker and a time limit.

rasa-sdk takes 0.4 s to import, so it is imported at the first use or by `warm`.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from bot.contract import ActionContext, Line, Speaker, Turn, Understanding
from bot.errors import ActionFailedError
from bot.times import DEFAULT_ZONE
from intents.model import Tree

_THREADS = 32

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message of an action: its own text, or a response to render with values."""

    text: str | None
    response: str | None
    values: Mapping[str, Any]
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What an action wants: messages, slots to keep, and the wish to hand over if it has one."""

    said: tuple[Said, ...] = ()
    slots: Mapping[str, Any] = field(default_factory=dict)
    handover: Mapping[str, Any] | None = None


class RasaActionRunner:
    """Holds one `ActionExecutor` with the product's actions.

    Args:
        context: what actions may ask of the gateway.
        seconds: how long an action may take.
        zone: the time zone (IANA) in which times are told.
        trees: the diagnoses of the catalogue, for actions that know a product's rule.
        more: further actions, as instances of `rasa_sdk.Action`, made when rasa-sdk is loaded.
    """

    def __init__(
        self,
        context: ActionContext,
        *,
        seconds: float = 8.0,
        zone: str = DEFAULT_ZONE,
        trees: Mapping[str, Tree] | None = None,
        more: Callable[[], list[Any]] | None = None,
    ) -> None:
        self._context = context
        self._seconds = seconds
        self._zone = ZoneInfo(zone)
        self._trees = trees or {}
        self._more = more
        self._lock = threading.Lock()
        self._threads = threading.BoundedSemaphore(_THREADS)
        self._executor: Any = None

    async def warm(self) -> None:
        """Import rasa-sdk and register the actions, in a thread."""
        await asyncio.to_thread(self._load)

    async def run(
        self,
        name: str,
        turn: Turn,
        slots: Mapping[str, Any],
        understanding: Understanding,
        *,
        loop: str | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> ActionResult:
        """Run an action for a turn.

        Args:
            name: the action's name, `action_…`.
            turn: the turn, whose sender identifies the conversation.
            slots: what is collected so far, this turn's values included.
            understanding: intent and entities of this turn.
            loop: the form that runs, for its validator.
            given: the slots that this turn filled, for the form's validator.

        Raises:
            ActionFailedError: there is no such action, it raised, or it took too long.
        """
        call = _call(name, turn, slots, understanding)
        if loop is not None:
            call["tracker"]["active_loop"] = {"name": loop}
            call["tracker"]["events"] += [
                {"event": "slot", "timestamp": time.time(), "name": own, "value": value}
                for own, value in (given or {}).items()
            ]
        try:
            async with asyncio.timeout(self._seconds):
                if self._executor is None:
                    await self.warm()
                found = await self._executor.run(call)
        except TimeoutError as error:
            message = f"{name} did not end within {self._seconds:g} s"
            raise ActionFailedError(message) from error
        except Exception as error:
            message = f"{name} failed: {error}"
            raise ActionFailedError(message) from error
        return _result(found.events, found.responses)

    async def executor(self) -> Any:
        """rasa-sdk's `ActionExecutor` with all actions, for the action server."""
        await self.warm()
        return self._executor

    def _load(self) -> None:
        with self._lock:
            if self._executor is not None:
                return
            from rasa_sdk.executor import ActionExecutor

            executor = ActionExecutor()
            for action in [*self._own_actions(), *(self._more() if self._more else [])]:
                if inspect.iscoroutinefunction(action.run):
                    executor.register_action(action)
                else:
                    executor.register_function(action.name(), self._threaded(action.run))
            self._executor = executor

    def _own_actions(self) -> list[Any]:
        from bot.actions.contact import (
            ActionAskContactCode,
            ActionChangeContact,
            ValidateContactForm,
        )
        from bot.actions.handoff import ActionHandoff
        from bot.actions.requests import ActionOpenTicket, ActionRequestCallBack
        from bot.actions.ticket_status import ActionTicketStatus
        from bot.actions.warranty import ActionCheckWarranty

        return [
            ActionHandoff(),
            ActionTicketStatus(self._context, self._zone),
            ActionOpenTicket(),
            ActionRequestCallBack(),
            ActionCheckWarranty(self._trees, self._zone),
            ActionAskContactCode(self._context),
            ValidateContactForm(),
            ActionChangeContact(self._context),
        ]

    def _threaded(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """An action's plain `run` as a coroutine function.

        It gets a daemon thread: one that hangs must hold up neither the loop nor the exit.
        Only so many run at once; while all hang, further calls fail.
        """

        async def run_in_thread(dispatcher: Any, tracker: Any, domain: Any) -> Any:
            if not self._threads.acquire(blocking=False):
                message = f"{_THREADS} actions are still running"
                raise ActionFailedError(message)
            loop = asyncio.get_running_loop()
            ended: asyncio.Future[Any] = loop.create_future()

            def work() -> None:
                try:
                    outcome, error = run(dispatcher, tracker, domain), None
                except Exception as raised:
                    outcome, error = None, raised
                finally:
                    self._threads.release()
                _tell(loop, ended, outcome, error)

            threading.Thread(target=work, name="action", daemon=True).start()
            return await ended

        return run_in_thread


def _tell(
    loop: asyncio.AbstractEventLoop,
    ended: asyncio.Future[Any],
    outcome: Any,
    error: Exception | None,
) -> None:
    """Hand a thread's outcome to the loop; dropped when nobody waits or the loop is closed."""

    def settle() -> None:
        if ended.done():
            return
        if error is not None:
            ended.set_exception(error)
        else:
            ended.set_result(outcome)

    if not loop.is_closed():
        loop.call_soon_threadsafe(settle)


def _call(name: str, turn: Turn, slots: Mapping[str, Any], understanding: Understanding) -> Json:
    """The action server's request, with every key of the tracker that actions may read."""
    now = time.time()
    message = _latest_message(turn, understanding)
    earlier = [_event(line, now) for line in turn.lines]
    said = {"event": "user", "timestamp": now, "text": turn.text, "parse_data": message}
    tracker = {
        "sender_id": turn.sender,
        "conversation_id": turn.conversation_id,
        "slots": dict(slots),
        "latest_message": message,
        "latest_event_time": now,
        "followup_action": None,
        "paused": False,
        "events": [*earlier, said],
        "latest_input_channel": turn.channel,
        "active_loop": {},
        "latest_action": {"action_name": "action_listen"},
        "latest_action_name": "action_listen",
    }
    domain = {"intents": [], "entities": [], "slots": {}, "responses": {}, "actions": [name]}
    return {
        "next_action": name,
        "sender_id": turn.sender,
        "tracker": tracker,
        "domain": domain,
        "version": "3.1",
    }


def _latest_message(turn: Turn, understanding: Understanding) -> Json:
    ranking = [{"name": name, "confidence": share} for name, share in understanding.ranking]
    return {
        "text": turn.text,
        "intent": {"name": understanding.intent, "confidence": understanding.confidence},
        "intent_ranking": ranking,
        "entities": [
            {
                "entity": each.entity,
                "value": each.value,
                "start": each.start,
                "end": each.end,
                "role": each.role,
                "group": each.group,
            }
            for each in understanding.found
        ],
        "response_selector": {},
        "text_tokens": [],
        "message_id": None,
        "metadata": {
            "conversation_id": turn.conversation_id,
            "language": turn.language.value if turn.language is not None else None,
        },
    }


def _event(line: Line, now: float) -> Json:
    kind = "user" if line.speaker is Speaker.CUSTOMER else "bot"
    return {"event": kind, "timestamp": now, "text": line.text}


def _result(events: list[Json], responses: list[Json]) -> ActionResult:
    said = []
    handover: Mapping[str, Any] | None = None
    for response in responses:
        custom = response.get("custom") or {}
        if isinstance(custom, dict) and isinstance(custom.get("handover"), dict):
            handover = custom["handover"]
        said += _said(response)
    slots = {
        str(event["name"]): event.get("value")
        for event in events
        if event.get("event") == "slot" and event.get("name")
    }
    return ActionResult(said=tuple(said), slots=slots, handover=handover)


_OWN_KEYS = frozenset(
    {"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"}
)


def _said(response: Json) -> list[Said]:
    """The message of a response, and pictures and files as messages with their addresses."""
    values = {key: value for key, value in response.items() if key not in _OWN_KEYS}
    name = response.get("response") or response.get("template")
    text = response.get("text")
    buttons = tuple(
        (str(button["title"]), str(button["payload"]))
        for button in response.get("buttons") or ()
        if button.get("title") and button.get("payload")
    )
    found = []
    if name or text:
        found.append(Said(text=text, response=name, values=values, buttons=buttons))
    return found + [
        Said(text=address, response=None, values={})
        for address in (response.get("image"), response.get("attachment"))
        if isinstance(address, str) and address
    ]
