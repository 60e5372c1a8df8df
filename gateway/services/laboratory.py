"""Starts `bot.lab` in a process of its own and listens to it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

QUIET = 5.0  # seconds without a word, after which the caller is told that the work goes on
Progress = Callable[[str, float], Awaitable[None]]
_LINE = 256_000_000  # bytes; the result is one line
_ROOT = Path(__file__).resolve().parents[2]


class LabError(Exception):
    """The work could not be done; the message says why, for a person."""


class LabRefusedError(LabError):
    """What was read holds mistakes; `findings` lists them."""

    def __init__(self, findings: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(findings)} mistakes; nothing was changed")
        self.findings = findings


async def run_lab(task: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Does a task of `bot.lab` and returns its result.

    When the caller is cancelled, or `progress` raises, the process is killed: it has written
    nothing but model files, and those complete or not at all.

    Raises:
        LabError: it failed, or was killed.
        LabRefusedError: what it read holds mistakes.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.lab",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_paths())},
    )
    try:
        return await _listen(process, task, progress)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()


def _paths() -> list[str]:
    """Where this process finds its packages, the checkout's own first."""
    return [
        str(_ROOT),
        *(path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path),
    ]


async def _listen(
    process: asyncio.subprocess.Process, task: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    assert process.stdin is not None  # noqa: S101 -- both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(await asyncio.to_thread(_as_line, task))
    with suppress(ConnectionError):  # what it says before it ends tells more
        await process.stdin.drain()
    step, done = "", 0.0
    while line := await _line(process.stdout, partial(progress, step, done)):
        told = await asyncio.to_thread(json.loads, line)
        if "step" in told:
            step, done = told["step"], told["done"]
            await progress(step, done)
        elif "refused" in told:
            raise LabRefusedError(told["refused"])
        elif "error" in told:
            raise LabError(told["error"])
        else:
            result: dict[str, Any] = told["result"]
            return result
    status = await process.wait()
    raise LabError(f"the process that works on it ended with status {status}; try again")


def _as_line(task: Mapping[str, Any]) -> bytes:
    return json.dumps(task, ensure_ascii=False).encode() + b"\n"


async def _line(source: asyncio.StreamReader, alive: Callable[[], Awaitable[None]]) -> bytes:
    """The next line, empty at the end; says every few seconds that the work goes on."""
    reading = asyncio.ensure_future(source.readline())
    try:
        while not (await asyncio.wait([reading], timeout=QUIET))[0]:
            await alive()
        return reading.result()
    finally:
        reading.cancel()
