"""`yingda bot train|test|evaluate`: the model, and what held-out sentences say about it."""

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
from bot.evaluation import evaluate as check
from bot.samples import read_samples, sample
from bot.training import train as train_model
from bot.training import train_rows
from gateway.settings import Settings
from gateway.wiring.bot import catalogue_dir, load_encoder, load_recogniser, models_dir
from gateway.wiring.data_dir import StartError, prepare_data_dir
from intents.errors import CatalogueError
from intents.loading import load_catalogue


def train(arguments: argparse.Namespace, settings: Settings) -> int:
    """Trains anew, whether there is a model or not."""
    del arguments
    try:
        prepare_data_dir(settings.data_dir)
        catalogue = load_catalogue(catalogue_dir(settings))
        folder = models_dir(settings)
        folder.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        path = train_model(catalogue, folder, load_encoder(settings), _tell)
    except (CatalogueError, BotError, StartError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    spent = time.perf_counter() - started
    print(f"trained {len(catalogue.intents)} intents in {spent:.1f} s: {path}")
    return 0


def test(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints how many held-out checks are recognised, and which are not."""
    try:
        prepare_data_dir(settings.data_dir)
        catalogue = load_catalogue(catalogue_dir(settings))
        encoder = load_encoder(settings)
        report = check(catalogue, load_recogniser(catalogue, models_dir(settings), encoder))
    except (CatalogueError, BotError, StartError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(dataclasses.asdict(report), ensure_ascii=False))
        return 0
    print(f"catalogue {report.catalogue_version}, threshold {report.threshold:.2f}")
    for language, figures in report.languages.items():
        facts = ", ".join(f"{k} {v}" for k, v in dataclasses.asdict(figures).items())
        print(f"{language}: {facts}")
    for confusion in report.confusions:
        print("  " + ", ".join(f"{k} {v}" for k, v in dataclasses.asdict(confusion).items()))
    return 0


def evaluate(arguments: argparse.Namespace, settings: Settings) -> int:
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
