"""The bot of this process: its catalogue read, its model trained once for each version."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from bot.engine import CatalogueBot
from bot.errors import ModelMissingError
from bot.policy import BotSettings
from bot.recognise import Recogniser, model_path
from gateway.services.bot_data import StoreActionContext
from gateway.settings import Settings
from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from intents.model import Catalogue

log = logging.getLogger(__name__)


def catalogue_dir(settings: Settings) -> Path:
    """The catalogue in force."""
    return settings.catalogue_dir or SHIPPED_CATALOGUE


def models_dir(settings: Settings) -> Path:
    """Where trained models lie."""
    return settings.data_dir / "models"


def load_bot(settings: Settings, context: StoreActionContext) -> CatalogueBot:
    """The bot, trained first when there is no model of this catalogue yet.

    Raises:
        CatalogueError: the catalogue is wrong.
    """
    catalogue = load_catalogue(catalogue_dir(settings))
    return CatalogueBot(
        catalogue,
        load_recogniser(catalogue, models_dir(settings)),
        context,
        BotSettings(turn_cap=settings.turn_cap, time_zone=settings.time_zone),
    )


def load_recogniser(catalogue: Catalogue, folder: Path) -> Recogniser:
    """The catalogue's trained recogniser; trains it when missing or of an old format."""
    path = model_path(folder, catalogue.version)
    try:
        return Recogniser.load(path)
    except ModelMissingError:
        from bot.training import train

        log.info(
            "training the bot on %d intents, half a minute at most; once for each catalogue",
            len(catalogue.intents),
            extra={"action": "training"},
        )
        started = time.perf_counter()
        folder.mkdir(parents=True, exist_ok=True)
        train(catalogue, folder)
        spent = round((time.perf_counter() - started) * 1000)
        log.info("trained", extra={"action": "trained", "ms": spent})
        return Recogniser.load(path)
