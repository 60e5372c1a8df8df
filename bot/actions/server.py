"""Serves the actions to a real Rasa server, by the protocol of rasa-sdk's action server.

`POST /webhook`, `GET /actions`, `GET /health`; bodies may be deflated.
"""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import (
    ActionExecutionRejection,
    ActionMissingDomainException,
    ActionNotFoundException,
)

log = logging.getLogger(__name__)

_MOST_BYTES = 16 * 1024 * 1024  # Rasa sends the whole domain and all events with each call


def make_action_app(executor: ActionExecutor) -> web.Application:
    """Return the application.

    Args:
        executor: with the actions registered.
    """
    server = _ActionServer(executor)
    app = web.Application(client_max_size=_MOST_BYTES)
    app.add_routes(
        [
            web.post("/webhook", server.webhook),
            web.get("/actions", server.actions),
            web.get("/health", _health),
        ]
    )
    return app


async def _health(request: web.Request) -> web.Response:
    del request
    return web.json_response({"status": "ok"})


class _ActionServer:
    def __init__(self, executor: ActionExecutor) -> None:
        self._executor = executor

    async def actions(self, request: web.Request) -> web.Response:
        """The names of the actions."""
        del request
        names = [{"name": name} for name in self._executor.actions]
        return web.json_response(names)

    async def webhook(self, request: web.Request) -> web.Response:
        """Run one action."""
        try:
            call = await request.json()
        except ValueError:
            return web.json_response({"error": "The body must be JSON."}, status=400)
        if not isinstance(call, dict):
            return web.json_response({"error": "The body must be an object."}, status=400)
        name = str(call.get("next_action") or "")
        try:
            result = await self._executor.run(call)
        except ActionExecutionRejection as error:
            return _problem(str(error), name, 400)
        except ActionNotFoundException as error:
            return _problem(str(error), name, 404)
        except ActionMissingDomainException as error:
            return _problem(str(error), name, 449)
        except Exception:
            log.exception("the action %s failed", name, extra={"action": "rasa_action_failed"})
            return _problem("The action failed; see this server's log.", name, 500)
        body: dict[str, Any] | None = result.model_dump() if result is not None else None
        return web.json_response(body)


def _problem(error: str, name: str, status: int) -> web.Response:
    return web.json_response({"error": error, "action_name": name}, status=status)
