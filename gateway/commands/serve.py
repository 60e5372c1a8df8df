"""`yingda serve`: one process with some roles, all by default."""

from __future__ import annotations

import argparse
import asyncio
import sys

from bot.errors import BotError
from gateway.logs import configure_logs
from gateway.ports.store import StoreUnavailableError
from gateway.settings import Settings
from gateway.wiring.data_dir import StartError
from gateway.wiring.parts import build_parts
from gateway.wiring.process import ALL_ROLES, RoleName, parse_roles
from gateway.wiring.serving import check_port, serve
from intents.errors import CatalogueError

# The database thread gives the interpreter away at each row; with Python's own 5 ms it would then
# wait that long for a busy event loop.
SWITCH_SECONDS = 0.0005


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serves until told to stop; 1 with one line when it cannot start."""
    configure_logs(level=settings.log_level, as_json=settings.log_json)
    try:
        roles = parse_roles(arguments.role.split(","))
    except ValueError:
        known = ", ".join(sorted(RoleName))
        print(f"yingda: --role: {arguments.role!r} is wrong; roles are {known}", file=sys.stderr)
        return 2
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        check_port(settings.host, settings.port)
        parts = build_parts(
            settings, receives=RoleName.RECEIVER in roles, alone=roles == ALL_ROLES
        )
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(parts, roles))
    except (StartError, CatalogueError, BotError, StoreUnavailableError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    return 0


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where that is installed: quicker, and not needed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop
