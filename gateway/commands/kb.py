"""`yingda kb evaluate|import|export`: the articles, from the command line."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bot.knowledge_trial import TrialError, TrialReport, read_entries, read_questions, run_trial
from gateway.ports.store import StoreUnavailableError, UnitOfWork
from gateway.services.article_archive import ArchiveError, open_path
from gateway.services.article_batches import BatchRefusedError, take_in
from gateway.services.article_export import export_articles
from gateway.services.article_reading import read_files
from gateway.settings import Settings
from gateway.wiring.data_dir import StartError, require_data_dir
from gateway.wiring.ids import clock, new_id
from gateway.wiring.storage import open_storage

T = TypeVar("T")


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


def take(arguments: argparse.Namespace, settings: Settings) -> int:
    """Imports a folder, an archive or a file: all of it, or nothing."""
    path = Path(arguments.path)
    try:
        found = read_files(open_path(path), arguments.language, _tell_files)
        if found.problems:
            raise BatchRefusedError(found.problems)
        outcome = _run(
            settings,
            lambda uow: take_in(
                uow,
                found.articles,
                actor_id=None,
                reason=path.name,
                publishes=arguments.publish,
                now=clock(),
                new_id=new_id,
            ),
            writes=True,
        )
    except (ArchiveError, BatchRefusedError, StartError, StoreUnavailableError) as error:
        problems = error.problems if isinstance(error, BatchRefusedError) else (str(error),)
        for problem in problems[:-1]:
            print(f"yingda: {problem}", file=sys.stderr)
        print(f"yingda: {problems[-1]} (nothing was imported)", file=sys.stderr)
        return 1
    facts = {
        "added": outcome.added,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "published": arguments.publish,
        "skipped": found.skipped,
    }
    if arguments.json:
        print(json.dumps(facts, ensure_ascii=False))
        return 0
    for line in found.skipped:
        print(f"skipped {line}")
    state = "published" if arguments.publish else "drafts, to be published in the console"
    print(
        f"{outcome.added} added, {outcome.changed} changed, {outcome.unchanged} as before: {state}"
    )
    return 0


def give(arguments: argparse.Namespace, settings: Settings) -> int:
    """Writes what is published as Markdown files into a folder."""
    folder = Path(arguments.folder)
    try:
        files = _run(settings, lambda uow: list(export_articles(uow, now=clock())), writes=False)
        for path, text in files:
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except (StartError, StoreUnavailableError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"yingda: {error.filename}: cannot be written ({error.strerror})", file=sys.stderr)
        return 1
    print(f"{len(files)} articles written to {folder}")
    return 0


def _run(settings: Settings, work: Callable[[UnitOfWork], T], *, writes: bool) -> T:
    """Runs one piece of work on the store."""

    async def run() -> T:
        if not writes:
            require_data_dir(settings.data_dir)
        store = open_storage(settings).store
        try:
            return await (store.write(work) if writes else store.read(work))
        finally:
            await store.close()

    return asyncio.run(run())


def _tell_files(done: int, total: int) -> None:
    if sys.stderr.isatty() and (done % 20 == 0 or done == total):
        end = "\n" if done == total else ""
        print(f"\r{done}/{total} files", end=end, file=sys.stderr, flush=True)


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
