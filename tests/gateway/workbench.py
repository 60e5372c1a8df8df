"""A small shop's catalogue in a store, with its bot, its bench and its workshop."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.knowledge import ArticleIndex
from bot.plans import BotSettings
from bot.replay import NoTickets
from bot.training import train
from gateway.domain.catalogue import DraftDocument, Job, JobKind
from gateway.ports.clock import Clock
from gateway.ports.store import Store
from gateway.services import releasing
from gateway.services.bench import Bench
from gateway.services.live_bot import BotMaker, LiveBot
from gateway.services.model_files import ModelFiles
from gateway.store.blobs import DirectoryBlobs
from gateway.wiring.ids import new_id
from gateway.workers.workshop import Workshop, WorkshopParts
from intents.documents import Kind, lesson_hash, to_documents
from intents.model import Catalogue, Utterance
from tests.bot.conftest import small_catalogue

CHECKS = {
    "greet": ("good morning to you", "hi"),
    "refund": ("can I get my money back", "a refund for my order"),
    "ticket_status": ("where is my ticket", "progress of my ticket"),
    "complaint": ("I want to file a complaint", "this is terrible service"),
    "out_of_scope": ("recommend me a song", "how is the weather"),
}


def shop() -> Catalogue:
    """The small catalogue, with held-out checks."""
    made = small_catalogue()
    intents = tuple(
        replace(
            intent,
            checks=tuple(Utterance(text=t, language="en") for t in CHECKS.get(intent.name, ())),
        )
        for intent in made.intents
    )
    return replace(made, intents=intents)


def train_shop(folder: Path) -> Path:
    """A folder with the shop's model."""
    made = shop()
    train(replace(made, version=lesson_hash(made)), folder)
    return folder


@dataclass
class Workbench:
    """Everything around a catalogue in one process."""

    store: Store
    maker: BotMaker
    live: LiveBot
    bench: Bench
    workshop: Workshop
    clock: Clock

    async def plant(self) -> None:
        """The shop's catalogue is version 1, and answers."""
        documents = to_documents(shop())
        await self.store.write(
            lambda uow: releasing.plant(uow, documents, "folder-1", now=self.clock())
        )
        assert await self.live.refresh()

    async def find(self, kind: Kind, name: str) -> DraftDocument:
        found = await self.store.read(lambda uow: uow.draft.find(kind, name))
        assert found is not None
        return found

    async def put(self, kind: Kind, name: str, **body: Any) -> DraftDocument:
        """Changes fields of a document behind everybody's back."""
        own = await self.find(kind, name)
        changed = replace(own.document, body={**own.body, **body})
        saved = await self.store.write(
            lambda uow: uow.draft.put(
                changed, expected=own.revision, editor=None, now=self.clock()
            )
        )
        assert saved is not None
        return saved

    async def ask(self, kind: JobKind, **task: Any) -> Job:
        return await self.store.write(
            lambda uow: releasing.ask_for(uow, None, kind, task, now=self.clock(), new_id=new_id)
        )

    async def do(self, kind: JobKind, **task: Any) -> Job:
        """Asks for long work and does it."""
        job = await self.ask(kind, **task)
        assert await self.workshop.run_next()
        return await self.look(job)

    async def look(self, job: Job) -> Job:
        return await self.store.read(lambda uow: uow.jobs.get(job.id))


def make_workbench(
    store: Store,
    folder: Path,
    models: Path | None,
    clock: Clock,
    *,
    holder: str = "here",
    published: Callable[[], Awaitable[None]] | None = None,
) -> Workbench:
    """A workbench over a store; its models begin as those in `models`."""
    if models is not None:
        shutil.copytree(models, folder / "models", dirs_exist_ok=True)
    maker = BotMaker(
        files=ModelFiles(store, folder / "models", clock),
        settings=BotSettings(),
        index=ArticleIndex(shop().articles),
    )
    live = LiveBot(store, maker, NoTickets())

    async def refresh() -> None:
        await live.refresh()

    workshop = Workshop(
        WorkshopParts(
            store=store,
            blobs=DirectoryBlobs(folder / "blobs"),
            maker=maker,
            clock=clock,
            holder=holder,
            published=published or refresh,
        )
    )
    return Workbench(store, maker, live, Bench(store, maker, live), workshop, clock)


def sentence(text: str, language: str = "en") -> Mapping[str, Any]:
    return {"text": text, "language": language, "entities": []}
