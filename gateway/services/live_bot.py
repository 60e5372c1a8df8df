"""The bot that answers now: replaced in one step when a version is published.

A turn that is under way finishes on the bot that it began with.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.contract import (
    ActionContext,
    BotMessage,
    Decision,
    HandoffReason,
    Turn,
)
from bot.encoder import Encoder
from bot.engine import CatalogueBot
from bot.errors import ModelMissingError
from bot.knowledge import ArticleIndex
from bot.plans import BotSettings
from bot.reading import OtherRecogniser
from bot.recognise import Recogniser
from bot.wording import Wording
from gateway.domain.catalogue import Version
from gateway.ports.store import Store
from gateway.services.model_files import ModelFiles
from intents.documents import CatalogueDocument, from_documents, lesson_hash, unpack
from intents.model import Catalogue, Language

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotMaker:
    """Builds bots from documents and trained models; blocking, for threads.

    All its bots answer from `index`, which is kept equal to what is published. `wording` words
    their answers from articles, where an administrator set up a language model.
    """

    files: ModelFiles
    settings: BotSettings
    index: ArticleIndex
    encoder: Encoder | None = None
    encoder_dir: Path | None = None
    others: Callable[[Catalogue], Mapping[str, OtherRecogniser]] = lambda _: {}
    wording: Wording | None = None

    @property
    def encoder_folder(self) -> str | None:
        """Where a laboratory finds the encoder."""
        return str(self.encoder_dir.resolve()) if self.encoder_dir is not None else None

    def catalogue(self, documents: Sequence[CatalogueDocument]) -> Catalogue:
        """The catalogue of some documents, with the articles that are there now."""
        return from_documents(documents, tuple(self.index.articles()))

    def build(self, catalogue: Catalogue, context: ActionContext) -> CatalogueBot:
        """A bot.

        Raises:
            ModelMissingError: its model is not in the folder.
        """
        found = Recogniser.load(self.files.path(lesson_hash(catalogue)), self.encoder)
        recogniser = found.serving(catalogue.version)
        others = self.others(catalogue)
        return CatalogueBot(
            catalogue,
            recogniser,
            context,
            self.settings,
            others=others,
            index=self.index,
            wording=self.wording,
        )


class NoBotError(RuntimeError):
    """The process has not started its bot yet."""


class LiveBot:
    """Implements `bot.contract.Bot` by whatever version is published.

    Args:
        store: where versions are.
        maker: builds the bots.
        context: what actions may ask.
    """

    def __init__(self, store: Store, maker: BotMaker, context: ActionContext) -> None:
        self._store = store
        self._maker = maker
        self._context = context
        self._bot: CatalogueBot | None = None
        self._version: Version | None = None
        self._loading = asyncio.Lock()

    @property
    def bot(self) -> CatalogueBot:
        """The bot that answers now."""
        if self._bot is None:
            raise NoBotError("the bot has not been loaded")
        return self._bot

    @property
    def version(self) -> Version | None:
        """The version that answers now."""
        return self._version

    @property
    def catalogue_version(self) -> str:
        """The hash of the catalogue that answers now."""
        return self.bot.catalogue_version

    async def refresh(self) -> bool:
        """Takes over the published version, if it is another; false when its model is nowhere.

        A model that cannot be read is removed, as if there were none.

        Raises:
            StoreUnavailableError: the database does not answer.
            CatalogueError: the version cannot be used by this release.
        """
        async with self._loading:
            version = await self._store.read(lambda uow: uow.versions.published())
            if version is None:
                return False
            if self._version is not None and version.number == self._version.number:
                return True
            if await self._maker.files.fetch(version.lessons) is None:
                return False
            content = await self._store.read(lambda uow: uow.versions.content(version.number))
            try:
                bot = await asyncio.to_thread(partial(self._build, content))
            except ModelMissingError as error:
                log.warning("trained anew: %s", error, extra={"action": "model_unreadable"})
                await self._maker.files.discard(version.lessons)
                return False
            if self._bot is not None:  # customers write already
                await bot.warm()
            self._bot, self._version = bot, version
        log.info(
            "the bot answers from version %d",
            version.number,
            extra={"action": "catalogue_served"},
        )
        return True

    def _build(self, content: str) -> CatalogueBot:
        return self._maker.build(self._maker.catalogue(unpack(content)), self._context)

    async def link_articles(self) -> None:
        """Links intents to articles anew, after articles came or went."""
        async with self._loading:  # a bot that is just being built may have read the old ones
            if self._bot is not None:
                await asyncio.to_thread(self._bot.link_articles)

    async def respond(self, turn: Turn) -> Decision:
        """Decide on one turn.

        Raises:
            BotError: nothing could be decided.
        """
        return await self.bot.respond(turn)

    async def warm(self) -> None:
        """Load what is loaded at first use."""
        await self.bot.warm()

    def holding_reply(self, reason: HandoffReason, turn: Turn) -> BotMessage:
        """What the customer is told when the gateway itself hands a turn over."""
        return self.bot.holding_reply(reason, turn)

    def greeting(self, language: Language) -> BotMessage:
        """The first words on a channel that can greet."""
        return self.bot.greeting(language)

    def article_title(self, slug: str, language: Language) -> str | None:
        """The title of an article that answers may name."""
        return self.bot.article_title(slug, language)
