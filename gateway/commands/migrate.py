"""`yingda migrate`: brings the database up to date."""

from __future__ import annotations

import argparse
import asyncio
import sys

from gateway.ports.store import StoreUnavailableError
from gateway.settings import Settings
from gateway.wiring.data_dir import StartError
from gateway.wiring.storage import open_storage


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Migrates; 1 with a reason when it cannot."""
    del arguments

    async def go() -> None:
        await open_storage(settings).store.close()

    try:
        asyncio.run(go())
    except (StoreUnavailableError, StartError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    print("the database is up to date")
    return 0
