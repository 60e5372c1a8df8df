"""`yingda kb evaluate|import|export`: the articles, from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bot.knowledge_trial import TrialError, TrialReport, read_entries, read_questions, run_trial
from gateway.settings import Settings


def evaluate(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints how well questions find their entries in a knowledge base of one's own."""
    del settings
    try:
        articles = read_entries(Path(arguments.kb))
        questions = read_questions(Path(arguments.questions))
        if arguments.unanswerable:
            questions += read_questions(Path(arguments.unanswerable))
        report = run_trial(articles, questions, _tell)
    except TrialError as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(_facts(report)))
        return 0
    for name, value in _facts(report).items():
        print(f"{name}: {value}")
    return 0


def _facts(report: TrialReport) -> dict[str, float | None]:
    return {
        "entries": report.entries,
        "questions": report.questions,
        "unanswerable": report.unanswerable,
        **{f"recall@{depth}": share for depth, share in report.recalls.items()},
        "mrr": report.mrr,
        "no_answer_auroc": report.auroc,
        "build_seconds": report.seconds_to_build,
        "ms_p50": report.ms_p50,
        "ms_p99": report.ms_p99,
    }


def _tell(done: int, total: int) -> None:
    """Counts on the error stream, where a person watches."""
    if sys.stderr.isatty() or done == total:
        end = "\n" if done == total else ""
        print(f"\r{done}/{total} questions", end=end, file=sys.stderr, flush=True)
