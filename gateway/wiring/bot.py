"""The bot of this process: its catalogue read, its model trained once for each version."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from bot.encoder import Encoder, OnnxEncoder
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
        EncoderError: the encoder's folder cannot be used.
    """
    catalogue = load_catalogue(catalogue_dir(settings))
    return CatalogueBot(
        catalogue,
        load_recogniser(catalogue, models_dir(settings), load_encoder(settings)),
        context,
        BotSettings(turn_cap=settings.turn_cap),
    )


def load_encoder(settings: Settings) -> Encoder | None:
    """The encoder that the administrator named, or None.

    Raises:
        EncoderError: its folder cannot be used.
    """
    return OnnxEncoder(settings.encoder_dir) if settings.encoder_dir is not None else None


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
            "training the bot on %d intents, half a minute at most; once for each catalogue",
            len(catalogue.intents),
            extra={"action": "training"},
        )
        started = time.perf_counter()
        folder.mkdir(parents=True, exist_ok=True)
        train(catalogue, folder, encoder)
        spent = round((time.perf_counter() - started) * 1000)
        log.info("trained", extra={"action": "trained", "ms": spent})
        return Recogniser.load(path, encoder)
