"""The bot of this process: its catalogue read, its model trained once for each version."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from bot.actions.runner import RasaActionRunner
from bot.encoder import Encoder, OnnxEncoder
from bot.engine import CatalogueBot
from bot.errors import ModelMissingError
from bot.knowledge import ArticleIndex
from bot.plans import BotSettings
from bot.reading import OtherRecogniser
from bot.recognise import OUT_OF_SCOPE, Recogniser, model_path
from bot.recognisers import LlmRecogniser, RasaServerRecogniser
from gateway.domain.inbox import RecogniserKind
from gateway.services.bot_data import StoreActionContext
from gateway.settings import Settings
from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from intents.model import Catalogue, Intent

log = logging.getLogger(__name__)


def catalogue_dir(settings: Settings) -> Path:
    """The catalogue in force."""
    return settings.catalogue_dir or SHIPPED_CATALOGUE


def models_dir(settings: Settings) -> Path:
    """Where trained models lie."""
    return settings.data_dir / "models"


def load_bot(
    settings: Settings, catalogue: Catalogue, context: StoreActionContext, index: ArticleIndex
) -> CatalogueBot:
    """The bot, trained first when there is no model of this catalogue yet.

    Raises:
        EncoderError: the encoder's folder cannot be used.
    """
    return CatalogueBot(
        catalogue,
        load_recogniser(catalogue, models_dir(settings), load_encoder(settings)),
        context,
        BotSettings(turn_cap=settings.turn_cap, time_zone=settings.time_zone),
        others=_other_recognisers(settings, catalogue),
        index=index,
    )


def load_encoder(settings: Settings) -> Encoder | None:
    """The encoder that the administrator named, or None.

    Raises:
        EncoderError: its folder cannot be used.
    """
    return OnnxEncoder(settings.encoder_dir) if settings.encoder_dir is not None else None


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


def load_recogniser(
    catalogue: Catalogue, folder: Path, encoder: Encoder | None = None
) -> Recogniser:
    """The catalogue's trained recogniser; trains it when missing or of an old format."""
    path = model_path(folder, catalogue.version, encoder.fingerprint if encoder else None)
    try:
        return Recogniser.load(path, encoder)
    except ModelMissingError:
        from bot.training import train

        log.info(
            "training the bot on %d intents, about half a minute; once for each catalogue",
            len(catalogue.intents),
            extra={"action": "training"},
        )
        started = time.perf_counter()
        folder.mkdir(parents=True, exist_ok=True)
        train(catalogue, folder, encoder)
        spent = round((time.perf_counter() - started) * 1000)
        log.info("trained", extra={"action": "trained", "ms": spent})
        return Recogniser.load(path, encoder)
