"""`yingda doctor`: what is misconfigured, and how to mend it."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json

from gateway.settings import Settings
from gateway.wiring.doctor import Verdict, examine

_MARKS = {Verdict.OK: "ok     ", Verdict.WARNING: "warning", Verdict.ERROR: "ERROR  "}


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints every check; 1 when one is an error."""
    found = asyncio.run(examine(settings))
    if arguments.json:
        print(json.dumps([dataclasses.asdict(item) for item in found], ensure_ascii=False))
    else:
        for item in found:
            print(f"{_MARKS[item.verdict]}  {item.check}: {item.found}")
            if item.remedy:
                print(f"           → {item.remedy}")
    return 1 if any(item.verdict is Verdict.ERROR for item in found) else 0
