"""`yingda actions`: the bot's actions for a real Rasa server (rasa-sdk's webhook)."""

from __future__ import annotations

import argparse
import asyncio
import sys

from gateway.ports.store import StoreUnavailableError
from gateway.services.bot_data import StoreActionContext
from gateway.settings import Settings
from gateway.wiring.bot import make_runner
from gateway.wiring.data_dir import StartError
from gateway.wiring.ids import clock
from gateway.wiring.storage import open_storage
from intents.errors import CatalogueError


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serves until interrupted; 1 when it cannot start."""
    try:
        asyncio.run(_serve(arguments, settings))
    except (StoreUnavailableError, StartError, CatalogueError, OSError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(arguments: argparse.Namespace, settings: Settings) -> None:
    from aiohttp import web

    from bot.actions.server import make_action_app

    store = open_storage(settings).store
    try:
        actions = make_runner(settings, StoreActionContext(store, clock))
        runner = web.AppRunner(make_action_app(await actions.executor()), access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, arguments.host, arguments.port)
            await site.start()
            host, port = runner.addresses[0][:2]
            print(f"actions for Rasa at http://{host}:{port}/webhook", flush=True)
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
    finally:
        await store.close()
