"""`yingda bot train|test|versions|publish`: the bot's catalogue in the store."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from bot.knowledge import ArticleIndex
from gateway.domain.catalogue import Job, JobKind, JobState, Version
from gateway.domain.errors import GatewayError
from gateway.ports.store import StoreUnavailableError
from gateway.services import releasing
from gateway.services.draft import content_of
from gateway.services.laboratory import LabError
from gateway.services.live_bot import BotMaker
from gateway.settings import Settings
from gateway.store import SqlStore
from gateway.wiring.bot import load_articles, make_maker, plant_catalogue, train_model
from gateway.wiring.data_dir import StartError
from gateway.wiring.ids import clock, new_id
from gateway.wiring.storage import Storage, open_storage
from gateway.workers.knowledge import ArticleKeeper
from gateway.workers.workshop import Workshop, WorkshopParts
from intents.documents import from_documents, lesson_hash, pack
from intents.errors import CatalogueError

_PAUSE = 1.0  # seconds between looks at a job that another process works on
_LISTED = 100

_Work = Callable[[Storage, BotMaker], Awaitable[int]]


def train(arguments: argparse.Namespace, settings: Settings) -> int:
    """Trains the draft's model and keeps it for every process."""
    del arguments

    async def work(storage: Storage, maker: BotMaker) -> int:
        documents = await storage.store.read(lambda uow: content_of(uow, "draft"))
        catalogue = from_documents(documents)
        lessons = lesson_hash(catalogue)
        started = clock()
        await train_model(pack(documents), maker, _tell)
        await maker.files.keep(lessons)
        spent = (clock() - started) / 1000
        path = maker.files.path(lessons)
        print(f"trained {len(catalogue.intents)} intents in {spent:.1f} s: {path}")
        return 0

    return _run(settings, work)


def test(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints how the held-out checks are recognised, and what would keep the draft back."""

    async def work(storage: Storage, maker: BotMaker) -> int:
        job = await _do(storage, maker, JobKind.CHECK, {"folds": 0})
        if arguments.json:
            print(json.dumps(job.result, ensure_ascii=False))
            return _status(job)
        return _show(job)

    return _run(settings, work)


def versions(arguments: argparse.Namespace, settings: Settings) -> int:
    """Lists the published versions, newest first."""

    async def work(storage: Storage, maker: BotMaker) -> int:
        del maker
        found = await storage.store.read(lambda uow: uow.versions.newest(_LISTED))
        if arguments.json:
            print(json.dumps([_version(each) for each in found], ensure_ascii=False))
            return 0
        for each in found:
            told = _version(each)
            accuracy = each.figures.get("accuracy")
            figure = f", {accuracy:.1%} of the checks" if accuracy is not None else ""
            mark = ", against the gate" if each.overridden else ""
            print(f"{each.number}  {told['created_at']}  {each.hash}{figure}{mark}  {each.reason}")
        return 0

    return _run(settings, work)


def publish(arguments: argparse.Namespace, settings: Settings) -> int:
    """Publishes the draft, or an old version again, when the gate lets it pass."""
    task: dict[str, Any] = {"reason": arguments.reason, "override": arguments.override}
    kind = JobKind.PUBLISH
    if arguments.version is not None:
        kind, task = JobKind.RESTORE, {**task, "version": arguments.version}

    async def work(storage: Storage, maker: BotMaker) -> int:
        return _show(await _do(storage, maker, kind, task))

    return _run(settings, work)


def _run(settings: Settings, work: _Work) -> int:
    """Opens the store, plants the folder's catalogue where there is none, and works."""

    async def begin() -> int:
        storage = open_storage(settings)
        try:
            await plant_catalogue(settings, storage.store, clock)
            index = ArticleIndex()
            keeper = ArticleKeeper(storage.store, index, clock, _no_bot_yet)
            await load_articles(settings, storage.store, clock, new_id, keeper)
            return await work(storage, make_maker(settings, storage.store, clock, index))
        finally:
            await storage.store.close()

    try:
        return asyncio.run(begin())
    except (StartError, CatalogueError, GatewayError, LabError, StoreUnavailableError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1


async def _no_bot_yet() -> None:
    """Nothing to link: bots are built from the index as it is then."""


async def _do(storage: Storage, maker: BotMaker, kind: JobKind, task: dict[str, Any]) -> Job:
    """Queues a job and does it here, unless a server is quicker; returns it when it ended."""
    store = storage.store
    job = await store.write(
        lambda uow: releasing.ask_for(uow, None, kind, task, now=clock(), new_id=new_id)
    )
    workshop = Workshop(
        WorkshopParts(
            store=store,
            blobs=storage.blobs,
            maker=maker,
            clock=clock,
            holder=f"command-{job.id}",
            published=_nobody,
        )
    )
    told = asyncio.create_task(_follow(store, job.id))
    try:
        while not (found := await _look(store, job.id)).state.ended:
            if not await workshop.run_next():
                await asyncio.sleep(_PAUSE)
    finally:
        told.cancel()
    return found


async def _nobody() -> None:
    """Servers look into the store every few seconds."""


async def _look(store: SqlStore, job_id: str) -> Job:
    return await store.read(lambda uow: uow.jobs.get(job_id))


async def _follow(store: SqlStore, job_id: str) -> None:
    """Prints the steps of a job."""
    step = ""
    while True:
        job = await _look(store, job_id)
        if job.step != step:
            step = job.step
            await _tell(step, job.done)
        await asyncio.sleep(_PAUSE)


async def _tell(step: str, done: float) -> None:
    if step:
        print(f"{done:4.0%} {step}", file=sys.stderr, flush=True)


def _status(job: Job) -> int:
    return 0 if job.state is JobState.DONE and not job.result.get("refusals") else 1


def _show(job: Job) -> int:
    """Prints what came of a job; 1 when the gate holds it back or it failed."""
    if job.error:
        print(f"yingda: {job.error}", file=sys.stderr)
    report = job.result.get("report") or {}
    for name in ("draft", "published"):
        if figures := report.get(name):
            print(f"{name}: {_figures(figures)}")
    for refusal in job.result.get("refusals", ()):
        intent = f" of {refusal['intent']}" if refusal["intent"] else ""
        change = ""
        if refusal["after"] is not None:
            change = f": {refusal['after']:.3f}, at least {refusal['limit']:.3f} is needed"
        print(f"refused: {refusal['rule']}{intent}{change}")
        for row in refusal["sentences"]:
            print(f"  {_sentence(row)}")
    if job.state is JobState.DONE and job.result.get("version"):
        print(f"published version {job.result['version']}")
    return _status(job) if job.kind is JobKind.CHECK else int(job.state is not JobState.DONE)


def _figures(figures: dict[str, Any]) -> str:
    shown = {
        "accuracy": figures["accuracy"],
        "out of scope refused": figures["refused"],
    }
    told = [f"{k} {v:.3f}" for k, v in shown.items() if v is not None]
    return ", ".join([f"{figures['total']} checks", *told])


def _sentence(row: dict[str, Any]) -> str:
    """A failing sentence, a mistake, or a conversation that went otherwise."""
    if "expected" in row:
        return f"{row['text']}  ({row['expected']}, taken for {row['recognised']})"
    if "message" in row:
        return f"{row['place']}: {row['message']}; {row['remedy']}"
    return str(row["name"])


def _version(version: Version) -> dict[str, Any]:
    created = datetime.fromtimestamp(version.created_at / 1000, UTC)
    return {
        "number": version.number,
        "hash": version.hash,
        "created_at": created.isoformat(timespec="seconds"),
        "author": version.author_id,
        "reason": version.reason,
        "restored": version.restored,
        "overridden": version.overridden,
        "figures": dict(version.figures),
    }
