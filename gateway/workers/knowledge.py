"""Keeps this process's article index equal to what is published in the store.

A change is told through the hub and applied at once. Since frames may be lost, and commands
write beside the servers, the store's counter of changes is looked at now and then too; so is
the clock, for articles that expire.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.knowledge import ArticleIndex
from gateway.ports.bus import Hub
from gateway.ports.clock import Clock
from gateway.ports.knowledge import LiveArticle
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.publishing import ARTICLES
from intents.model import Article

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
_PIECE = 200  # articles that are read at one go
_BREATH = 10  # articles that are put in at one go


class ArticleKeeper:
    """Brings an index up to date and keeps it so.

    Args:
        store: where the articles are.
        index: what the bot, agents and help pages of this process read.
        clock: says what has expired.
        link: links the bot's intents to the articles anew; takes a second of another thread.
    """

    def __init__(
        self, store: Store, index: ArticleIndex, clock: Clock, link: Callable[[], Awaitable[None]]
    ) -> None:
        self._store = store
        self._index = index
        self._clock = clock
        self._link = link
        self._changed = asyncio.Event()
        self._shown: dict[tuple[str, str], LiveArticle] = {}
        self._changes = -1
        self._next_expiry: int | None = None

    async def load(self) -> None:
        """Reads everything that is published; what else the index held goes.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        held = {(a.slug, a.language) for a in self._index.articles(internal=True)}
        changed = await self._renew()
        gone = held - self._shown.keys()
        for slug, language in gone:
            self._index.take_out(slug, language)
        if changed or gone:
            await self._link()

    async def follow(self, hub: Hub) -> None:
        """Works until cancelled."""
        subscription = hub.subscribe(ARTICLES)
        linking = asyncio.create_task(self._keep_linked())
        try:
            while True:
                told = True
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        await subscription.get()
                except TimeoutError:
                    told = False
                try:
                    if (told or await self._is_stale()) and await self._renew():
                        self._changed.set()
                except StoreUnavailableError as error:
                    log.warning("the articles stay as they were: %s", error)
        finally:
            linking.cancel()
            subscription.close()

    async def _keep_linked(self) -> None:
        """Links after changes, beside the work on the next ones."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._link()

    async def _is_stale(self) -> bool:
        if self._next_expiry is not None and self._clock() >= self._next_expiry:
            return True
        return await self._store.read(lambda uow: uow.articles.changes()) != self._changes

    async def _renew(self) -> bool:
        """Whether anything changed."""
        now = self._clock()

        def look(uow: UnitOfWork) -> tuple[int, list[LiveArticle]]:
            return uow.articles.changes(), uow.articles.live(now=now)

        changes, live = await self._store.read(look)
        wanted = {(item.slug, item.language): item for item in live}
        fresh = [item for key, item in wanted.items() if self._shown.get(key) != item]
        gone = self._shown.keys() - wanted.keys()
        for slug, language in gone:
            self._index.take_out(slug, language)
            del self._shown[slug, language]
        changed = bool(gone)
        for start in range(0, len(fresh), _PIECE):
            changed |= await self._put(fresh[start : start + _PIECE])
        self._changes = changes
        self._next_expiry = min((i.expires_at for i in live if i.expires_at), default=None)
        return changed

    async def _put(self, items: list[LiveArticle]) -> bool:
        ids = [item.version_id for item in items]
        versions = await self._store.read(lambda uow: uow.articles.versions(ids))
        texts = {version.id: version.text for version in versions}
        changed = False
        for number, item in enumerate(items):
            if number % _BREATH == 0:
                await asyncio.sleep(0)  # customers' messages go between
            text = texts.get(item.version_id)
            if text is None:
                continue
            article = Article(
                slug=item.slug,
                language=item.language,
                title=text.title,
                category=item.category,
                body=text.body,
                questions=text.questions,
                audience=item.audience.value,
            )
            if self._index.held(item.slug, item.language) != article:
                self._index.put(article)
                changed = True
            self._shown[item.slug, item.language] = item
        return changed
