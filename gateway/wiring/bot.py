"""The bot of this process: planted from a folder once, then served from the store's versions."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bot.actions.runner import RasaActionRunner
from bot.chat import ChatModel
from bot.encoder import Encoder, OnnxEncoder
from bot.knowledge import ArticleIndex
from bot.plans import BotSettings
from bot.reading import OtherRecogniser
from bot.recognise import OUT_OF_SCOPE
from bot.recognisers import LlmRecogniser, RasaServerRecogniser
from gateway.domain.exchange import Budget
from gateway.domain.inbox import RecogniserKind
from gateway.ports.bus import Hub
from gateway.ports.clock import Clock, NewId
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.article_batches import plant_articles
from gateway.services.bot_data import StoreActionContext
from gateway.services.laboratory import LabError, Progress, run_lab
from gateway.services.live_bot import BotMaker, LiveBot
from gateway.services.model_files import ModelFiles
from gateway.services.releasing import FOLDER, plant
from gateway.services.wording import GroundedWording, WordingSettings
from gateway.settings import Settings
from gateway.wiring.data_dir import StartError
from gateway.workers.knowledge import ArticleKeeper
from gateway.workers.workshop import Workshop
from intents.article_files import read_article
from intents.documents import to_documents
from intents.errors import CatalogueError
from intents.files import LANGUAGES, CatalogueFiles
from intents.loading import SHIPPED_CATALOGUE, catalogue_version, load_catalogue
from intents.model import Article, Catalogue, Intent

log = logging.getLogger(__name__)

TOPIC = "catalogue"
JOBS_TOPIC = "catalogue_jobs"
FOLLOW_SECONDS = 5.0  # between looks at the store when nobody tells
TRAINING_LEASE = 20_000  # ms
_PAUSE = 0.5
_SHARE_OF_TURN = 0.75


def catalogue_dir(settings: Settings) -> Path:
    """The folder that the first version is made of."""
    return settings.catalogue_dir or SHIPPED_CATALOGUE


def models_dir(settings: Settings) -> Path:
    """Where trained models lie."""
    return settings.data_dir / "models"


def load_encoder(settings: Settings) -> Encoder | None:
    """The encoder that the administrator named, or None.

    Raises:
        EncoderError: its folder cannot be used.
    """
    return OnnxEncoder(settings.encoder_dir) if settings.encoder_dir is not None else None


def make_wording(
    settings: Settings, store: Store, clock: Clock, new_id: NewId
) -> GroundedWording | None:
    """The language model that words answers from articles, or None without one."""
    if not settings.llm_answers:
        return None
    model = ChatModel(settings.llm_url, model=settings.llm_model, key=settings.llm_key)
    limits = WordingSettings(
        # The turn must have time left to answer without it.
        seconds=min(settings.llm_seconds, _rest_of_turn(settings.turn_seconds)),
        budget=Budget(
            tokens=settings.llm_daily_tokens,
            cost=settings.llm_daily_cost,
            price_in=settings.llm_price_in,
            price_out=settings.llm_price_out,
        ),
        time_zone=settings.time_zone,
    )
    return GroundedWording(store, model, limits, clock=clock, new_id=new_id)


def _rest_of_turn(seconds: float) -> float:
    """What a turn leaves to the model when another recogniser took all of its time (s)."""
    return max(seconds - BotSettings().recogniser_seconds, seconds / 4) * _SHARE_OF_TURN


def help_url(public_url: str) -> str:
    """Where customers read an article, with `{slug}` in it; "" when nobody said where we are."""
    return f"{public_url.rstrip('/')}/help/{{slug}}" if public_url else ""


def make_maker(
    settings: Settings,
    store: Store,
    clock: Clock,
    index: ArticleIndex,
    wording: GroundedWording | None = None,
) -> BotMaker:
    """What builds this process's bots, which answer from the articles of `index`.

    Raises:
        EncoderError: the encoder's folder cannot be used.
    """
    encoder = load_encoder(settings)
    mark = encoder.fingerprint if encoder is not None else None
    return BotMaker(
        files=ModelFiles(store, models_dir(settings), clock, mark),
        settings=BotSettings(
            turn_cap=settings.turn_cap,
            time_zone=settings.time_zone,
            help_url=help_url(settings.public_url),
        ),
        index=index,
        encoder=encoder,
        encoder_dir=settings.encoder_dir,
        others=partial(_other_recognisers, settings),
        wording=wording,
    )


def make_runner(settings: Settings, context: StoreActionContext) -> RasaActionRunner:
    """The actions alone, for a Rasa server.

    Raises:
        CatalogueError: the catalogue is wrong.
    """
    trees = {tree.name: tree for tree in load_catalogue(catalogue_dir(settings)).trees}
    return RasaActionRunner(context, zone=settings.time_zone, trees=trees)


def _other_recognisers(settings: Settings, catalogue: Catalogue) -> dict[str, OtherRecogniser]:
    """The recognisers that inboxes may choose, by the names of their kinds."""
    made: dict[str, OtherRecogniser] = {}
    if settings.rasa_url:
        made[RecogniserKind.RASA.value] = RasaServerRecogniser(
            settings.rasa_url, token=settings.rasa_token
        )
    if settings.llm_url:
        made[RecogniserKind.LLM.value] = LlmRecogniser(
            settings.llm_url,
            model=settings.llm_model,
            key=settings.llm_key,
            intents={
                intent.name: [each.text for each in intent.utterances[:: _every(intent)]]
                for intent in catalogue.intents
                if intent.name != OUT_OF_SCOPE
            },
        )
    return made


def reachable_recognisers(settings: Settings) -> frozenset[RecogniserKind]:
    """The kinds whose addresses are set, and the built-in one."""
    found = {RecogniserKind.BUILT_IN}
    found |= {RecogniserKind.RASA} if settings.rasa_url else set()
    found |= {RecogniserKind.LLM} if settings.llm_url else set()
    return frozenset(found)


def _every(intent: Intent) -> int:
    """The step that takes about six of an intent's examples, in both languages."""
    return max(1, len(intent.utterances) // 6)


async def plant_catalogue(settings: Settings, store: Store, clock: Clock) -> None:
    """Makes the first version of the folder's catalogue; offers the folder when it changed.

    Raises:
        CatalogueError: the folder cannot be read, and there is no version yet.
    """
    folder = catalogue_dir(settings)
    if await store.read(lambda uow: uow.versions.published()) is None:
        catalogue = await asyncio.to_thread(load_catalogue, folder)
        documents = to_documents(catalogue)
        await store.write(lambda uow: plant(uow, documents, catalogue.version, now=clock()))
        return
    try:
        found = await asyncio.to_thread(catalogue_version, folder)
    except CatalogueError as error:
        log.warning("the catalogue folder cannot be read: %s", error)
        return
    await store.write(lambda uow: _offer(uow, folder, found))


def _offer(uow: UnitOfWork, folder: Path, version: str) -> None:
    known = uow.catalogue_state.get(FOLDER) or {}
    changed = known.get("version") != version
    offer = {"folder": str(folder.resolve()), "version": version} if changed else {}
    uow.catalogue_state.put("offer", offer)


async def load_articles(
    settings: Settings, store: Store, clock: Clock, new_id: NewId, keeper: ArticleKeeper
) -> None:
    """Publishes the folder's articles if there are none, and reads what is published.

    Raises:
        CatalogueError: the folder cannot be read, and there are no articles yet.
        StoreUnavailableError: the database does not answer.
    """
    if not await store.read(lambda uow: uow.articles.any()):
        found = await asyncio.to_thread(_articles, catalogue_dir(settings))
        await store.write(lambda uow: plant_articles(uow, found, now=clock(), new_id=new_id))
    await keeper.load()


def _articles(folder: Path) -> tuple[Article, ...]:
    files = CatalogueFiles(folder)
    return tuple(
        read_article(path, files.name(path), language)
        for language in LANGUAGES
        for path in files.articles(language)
    )


async def start_bot(live: LiveBot, store: Store, maker: BotMaker, clock: Clock) -> None:
    """Loads the published version; trains its model when nobody has.

    Of several processes that start at once one trains, the others wait for its model.

    Raises:
        StartError: the model cannot be trained.
        CatalogueError: the version cannot be used by this release.
        StoreUnavailableError: the database does not answer.
    """
    while not await live.refresh():
        version = await store.read(lambda uow: uow.versions.published())
        if version is None:
            raise StartError("The database holds no catalogue; start the server once.")
        content = await store.read(partial(_content, number=version.number))
        await _train_once(content, version.lessons, store, maker, clock)


def _content(uow: UnitOfWork, number: int) -> str:
    return uow.versions.content(number)


async def _train_once(
    content: str, lessons: str, store: Store, maker: BotMaker, clock: Clock
) -> None:
    name, holder = f"training {maker.files.key(lessons)}", f"{os.uname().nodename}-{os.getpid()}"

    async def hold() -> bool:
        now = clock()
        return await store.write(
            lambda uow: uow.leases.take(name, holder, now=now, until=now + TRAINING_LEASE)
        )

    async def keep_hold(step: str, done: float) -> None:
        log.debug("%s", step, extra={"action": "training", "done": done})
        await hold()

    if not await hold():
        await asyncio.sleep(_PAUSE)
        return
    started = clock()
    log.info("training the bot, half a minute at most", extra={"action": "training"})
    try:
        await train_model(content, maker, keep_hold)
        await maker.files.keep(lessons)
    except LabError as error:
        raise StartError(f"The bot cannot be trained: {error}") from error
    finally:
        await store.write(lambda uow: uow.leases.release(name, holder))
    log.info("trained", extra={"action": "trained", "ms": clock() - started})


async def train_model(content: str, maker: BotMaker, progress: Progress) -> None:
    """Trains the model of some documents, in a process of its own.

    Raises:
        LabError: nothing can be learnt, or the process was killed.
    """
    task: dict[str, object] = {
        "do": "examine",
        "draft": content,
        "published": None,
        "articles": [],
        "encoder": maker.encoder_folder,
        "models": str(maker.files.folder),
        "folds": 0,
        "measure": False,
        "tests": [],
        "bot": asdict(maker.settings),
    }
    maker.files.folder.mkdir(parents=True, exist_ok=True)
    await run_lab(task, progress)


async def follow_catalogue(hub: Hub, take_over: Callable[[], Awaitable[None]]) -> None:
    """Takes over what is published, here or by another process, until cancelled.

    Args:
        hub: tells of versions.
        take_over: `start_bot` of this process; trains what another release published.
    """
    subscription = hub.subscribe(TOPIC)
    try:
        while True:
            with suppress(TimeoutError):  # a word may have been lost: the store is the truth
                async with asyncio.timeout(FOLLOW_SECONDS):
                    await subscription.get()
            try:
                await take_over()
            except (StoreUnavailableError, StartError) as error:
                log.warning("the catalogue stays as it is: %s", error)
            except CatalogueError as error:
                log.critical("the published catalogue cannot be used: %s", error)
            except Exception:  # the next version, or the next try, may be better
                log.exception("the catalogue stays as it is", extra={"action": "not_taken_over"})
    finally:
        subscription.close()


async def work_on_catalogue(workshop: Workshop, hub: Hub) -> None:
    """Does the long work on the catalogue, one job after another, until cancelled."""
    subscription = hub.subscribe(JOBS_TOPIC)
    try:
        while True:
            try:
                if await workshop.run_next():
                    continue
            except StoreUnavailableError as error:
                log.warning("work on the catalogue waits: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(FOLLOW_SECONDS):
                    await subscription.get()
    finally:
        subscription.close()
