"""`yingda bot evaluate`: trains on one file of sentences and measures on another."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

from bot.encoder import OnnxEncoder
from bot.errors import BotError
from bot.evaluation import Evaluation, measure
from bot.samples import read_samples, sample
from bot.training import train_rows
from gateway.settings import Settings
from intents.errors import CatalogueError


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Trains on one file, recognises another, and prints how well; nothing is kept."""
    del settings
    try:
        learnt = read_samples(
            Path(arguments.train), language=arguments.lang, split=arguments.train_split
        )
        if arguments.per_intent is not None:
            learnt = sample(learnt, arguments.per_intent)
        asked = read_samples(
            Path(arguments.test), language=arguments.lang, split=arguments.test_split
        )
        encoder = OnnxEncoder(Path(arguments.encoder)) if arguments.encoder else None
        started = time.perf_counter()
        recogniser = train_rows(learnt, "evaluation", encoder, _tell)
        spent = time.perf_counter() - started
        found = measure(recogniser, asked, _tell)
    except (CatalogueError, BotError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    figures = _figures(found, spent)
    if arguments.json:
        print(json.dumps({**figures, "details": dataclasses.asdict(found)}, ensure_ascii=False))
        return 0
    for name, value in figures.items():
        shown = "-" if value is None else f"{value:.3f}" if isinstance(value, float) else value
        print(f"{name.replace('_', ' ')}: {shown}")
    return 0


def _figures(found: Evaluation, seconds: float) -> dict[str, Any]:
    """The figures that people compare; shares from 0 to 1."""
    point = found.at_threshold
    return {
        "in_scope": found.total,
        "out_of_scope": found.foreign,
        "in_scope_accuracy": found.accuracy,
        "threshold": found.threshold,
        "in_scope_right_at_threshold": point.right if found.total else None,
        "out_of_scope_recall": point.refused if found.foreign else None,
        "out_of_scope_precision": point.precision if found.foreign else None,
        "auroc": found.auroc,
        "training_seconds": round(seconds, 2),
        "p50_ms": round(found.p50_ms, 3),
        "p99_ms": round(found.p99_ms, 3),
    }


def _tell(said: str) -> None:
    print(said, file=sys.stderr, flush=True)
