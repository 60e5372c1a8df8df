"""`yingda bot train|test`: the model, and what the held-out checks say about it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time

from bot.errors import BotError
from bot.evaluation import evaluate
from bot.training import train as train_model
from gateway.settings import Settings
from gateway.wiring.bot import catalogue_dir, load_recogniser, models_dir
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
        path = train_model(catalogue, folder)
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
        report = evaluate(catalogue, load_recogniser(catalogue, models_dir(settings)))
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
