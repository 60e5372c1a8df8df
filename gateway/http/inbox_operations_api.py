"""What administrators do with inboxes beside setting them up: try out, look after, catch up."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from channels.checking import Health, Step
from channels.errors import UnavailableError, UnsupportedEventError, Words
from gateway.domain.errors import ConflictError, InvalidInputError
from gateway.domain.errors import UnavailableError as GatewayUnavailableError
from gateway.domain.people import Right
from gateway.http import letter_answers, letter_inputs
from gateway.http.call import Call
from gateway.http.registry import Endpoint
from gateway.http.serial import Json, when_or_none
from gateway.ports.store import UnitOfWork
from gateway.services import inboxes
from gateway.services.access import require
from gateway.services.auditing import note

TEST_SECONDS: Final = 60.0
FURTHEST: Final = 90 * 86_400_000  # ms back from which is caught up
_SLOW: Final = Step(
    name=Words("Answer in time", "按时响应", "按時回應"),
    ok=False,
    detail=Words(
        f"No answer within {TEST_SECONDS:.0f} seconds; check address, port and firewall.",
        f"{TEST_SECONDS:.0f} 秒内没有响应；请检查地址、端口和防火墙。",
        f"{TEST_SECONDS:.0f} 秒內沒有回應；請檢查位址、連接埠和防火牆。",
    ),
)


async def test_settings(call: Call) -> Json:
    """Tries settings out, step by step up to the first that fails; nothing is stored or sent."""
    body = call.body(letter_inputs.SettingsTrial)
    trial = inboxes.Trial(inbox_id=body.inbox_id, settings=body.settings, secrets=body.secrets)
    kind, settings = await call.read(
        lambda uow: inboxes.parse_trial(
            uow, call.agent, call.path("kind"), trial, load_kind=call.parts.load_kind
        )
    )
    if kind.test is None:
        raise InvalidInputError("Settings of this kind of channel cannot be tried out.")
    try:
        async with asyncio.timeout(TEST_SECONDS):
            steps = await kind.test(settings)
    except TimeoutError:
        steps = [_SLOW]
    return {"ok": all(step.ok for step in steps), "steps": [_step_json(step) for step in steps]}


def _step_json(step: Step) -> Json:
    return {
        "name": step.name.by_language(),
        "ok": step.ok,
        "detail": None if step.detail is None else step.detail.by_language(),
    }


async def read_inbox_health(call: Call) -> Json:
    """How an inbox does, whichever process receives for it."""
    require(call.agent, Right.SEE_TEAM)
    inbox = await call.read(lambda uow: uow.inboxes.get(call.path("id")))
    channel = call.parts.find_channel(inbox.id)
    health: Health | None = None
    if channel is not None:
        try:
            health = await channel.health()
        except UnavailableError as error:
            raise GatewayUnavailableError("What is known of the inbox cannot be read.") from error
    return {
        "running": channel is not None,
        "state": _state(health, enabled=inbox.enabled, running=channel is not None),
        "heard_at": when_or_none(health.heard_at) if health else None,
        "message_at": when_or_none(health.message_at) if health else None,
        "error": health.error.by_language() if health and health.error else None,
        "error_at": when_or_none(health.error_at) if health else None,
        "facts": dict(health.facts) if health else {},
    }


def _state(health: Health | None, *, enabled: bool, running: bool) -> str:
    if not enabled:
        return "off"
    if not running or (health is not None and health.error is not None):
        return "failing"
    return "unknown" if health is None else "ok"


async def catch_up(call: Call) -> None:
    """Asks for what came since then to be fetched again; what is known changes nothing."""
    since: datetime = call.body(letter_inputs.CatchUpInput).since
    at = round(since.timestamp() * 1000)
    if not call.now - FURTHEST <= at <= call.now:
        raise InvalidInputError("Choose a time within the last 90 days.", field="/since")
    inbox_id = call.path("id")

    def check(uow: UnitOfWork) -> None:
        require(call.agent, Right.CONFIGURE)
        inbox = uow.inboxes.get(inbox_id)
        after = {"since": since.isoformat()}
        note(uow, call.agent.id, "inbox.caught_up", ("inbox", inbox.id), after=after, now=call.now)

    await call.write(check)
    channel = call.parts.find_channel(inbox_id)
    if channel is None:
        raise ConflictError("The inbox is off or cannot start; mend that first.")
    try:
        await channel.catch_up(at)
    except UnsupportedEventError as error:
        raise ConflictError("This kind of channel cannot fetch messages again.") from error
    except UnavailableError as error:
        raise GatewayUnavailableError("The wish cannot be kept now; try again.") from error


_TAG = "Inboxes"

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/channel-kinds/{kind}/test",
        handler=test_settings,
        tag=_TAG,
        summary="Try settings out, step by step; nothing is stored or sent",
        body=letter_inputs.SettingsTrial,
        answer=letter_answers.SettingsTrialResult,
        right=Right.CONFIGURE,
    ),
    Endpoint(
        method="GET",
        path="/inboxes/{id}/health",
        handler=read_inbox_health,
        tag=_TAG,
        summary="How an inbox does: when it heard last, what is wrong",
        answer=letter_answers.ChannelHealth,
        right=Right.SEE_TEAM,
    ),
    Endpoint(
        method="POST",
        path="/inboxes/{id}/catch-up",
        handler=catch_up,
        tag=_TAG,
        summary="Fetch again what came since a time, at most 90 days ago",
        body=letter_inputs.CatchUpInput,
        status=204,
        right=Right.CONFIGURE,
        errors=("conflict",),
    ),
)
