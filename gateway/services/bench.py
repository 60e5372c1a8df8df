"""The editor's workbench: the draft as a whole, collisions, the test box, what is alike.

Nothing here writes. What is costly to build is kept for the revision that it was built from.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.contract import BotState, Decision, Line, Speaker, Turn, Understanding
from bot.engine import CatalogueBot
from bot.errors import BotError, ModelMissingError
from bot.knowledge import Hit
from bot.likeness import Alike, Likeness, Sentence, shared_words
from bot.replay import NoTickets
from gateway.domain.catalogue import DraftDocument
from gateway.domain.errors import UnavailableError
from gateway.ports.store import Store, UnitOfWork
from gateway.services.draft import published_documents
from gateway.services.live_bot import BotMaker, LiveBot
from intents.documents import CatalogueDocument, Kind, lesson_hash, with_document
from intents.findings import Finding
from intents.model import Catalogue, Language
from intents.validation import check_answers, check_catalogue

_LEAST = 0.35
_COLLISIONS = 8
_REASONS = 3
_TITLE = "utter_title_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collisions:
    """Sentences of other intents and of the own one that a sentence is like.

    `recognised` are what models make of it now, by version (None: the draft's).
    """

    others: list[Alike]
    own: list[Alike]
    recognised: list[tuple[int | None, Understanding]]
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a customer would say in the test box; `earlier` is what they said before."""

    text: str
    language: str | None
    channel: str
    draft: bool
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedReason:
    """A likely intent: the examples that speak for it, and the words shared with them."""

    intent: str
    title: str
    confidence: float
    reasons: list[Alike]
    words: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A whole turn that was not written anywhere; `version` None: the draft answered."""

    decision: Decision
    ranking: list[RankedReason]
    articles: Sequence[Hit]
    version: int | None
    trained: bool
    ms: float


class CatalogueView:
    """Some documents as a whole, with what follows from them."""

    def __init__(
        self,
        revision: int,
        documents: Sequence[DraftDocument],
        published: Mapping[tuple[str, str], Any],
        catalogue: Catalogue,
    ) -> None:
        self.revision = revision
        self.documents = documents
        self.published = published
        self.catalogue = catalogue
        self.hash = catalogue.version
        self.lessons = lesson_hash(catalogue)
        self.findings: list[Finding] = check_catalogue(catalogue)

    def sentences(self) -> Iterator[Sentence]:
        """Every sentence, an intent's utterances before its checks."""
        for intent in self.catalogue.intents:
            for own in (*intent.utterances, *intent.checks):
                yield Sentence(text=own.text, intent=intent.name, language=own.language)

    def title(self, intent: str) -> str:
        """What customers read of an intent in a choice, in the first language there is."""
        variants = self.catalogue.responses.get(f"{_TITLE}{intent}", ())
        return variants[0].text if variants else ""


class Bench:
    """Looks at the draft and tries it out.

    Args:
        store: where the draft is.
        maker: builds bots.
        live: the bot that answers customers.
    """

    def __init__(self, store: Store, maker: BotMaker, live: LiveBot) -> None:
        self._store = store
        self._maker = maker
        self._live = live
        self._view: CatalogueView | None = None
        self._seen = (-1, -1)
        self._viewing = asyncio.Lock()
        self._likeness: Likeness | None = None
        self._likened: CatalogueView | None = None
        self._likening = asyncio.Lock()
        self._bots: dict[str, CatalogueBot] = {}

    async def view(self) -> CatalogueView:
        """The draft as it is now."""

        def look(uow: UnitOfWork) -> tuple[int, int]:
            newest = uow.versions.published()
            return uow.draft.revision(), newest.number if newest is not None else 0

        seen = await self._store.read(look)
        async with self._viewing:
            if self._view is None or self._seen != seen:
                self._view, self._seen = await self._read_view(), seen
            return self._view

    async def _read_view(self) -> CatalogueView:
        def read(uow: UnitOfWork) -> tuple[int, list[DraftDocument], dict[Any, Any]]:
            old = {document.key: document.body for document in published_documents(uow)}
            return uow.draft.revision(), uow.draft.all(), old

        revision, documents, published = await self._store.read(read)

        def build() -> CatalogueView:
            catalogue = self._maker.catalogue([own.document for own in documents])
            return CatalogueView(revision, documents, published, catalogue)

        return await asyncio.to_thread(build)

    async def examine(self, document: CatalogueDocument) -> list[Finding]:
        """What would be wrong with an answer, rule, form, diagnosis or slot in the draft."""
        view = await self.view()

        def look() -> list[Finding]:
            found = check_answers(with_document(view.catalogue, document))
            return [finding for finding in found if finding.place == place]

        settings = document.kind is Kind.DIALOGUE
        place = "people_first" if settings else f"{document.kind.value} {document.name}"
        return await asyncio.to_thread(look)

    async def is_trained(self) -> bool:
        """Whether there is a model of the draft's examples."""
        return await self._maker.files.exists((await self.view()).lessons)

    async def collisions(self, text: str, intent: str | None) -> Collisions:
        """Which sentences a new one collides with, and what the models make of it."""
        view = await self.view()
        likeness = await self._likeness_of(view)
        started = time.perf_counter()
        others = likeness.nearest(
            text, _COLLISIONS, least=_LEAST, wanted=lambda s: s.intent != intent
        )
        own = (
            likeness.nearest(text, 3, least=_LEAST, wanted=lambda s: s.intent == intent)
            if intent is not None
            else []
        )
        recognised: list[tuple[int | None, Understanding]] = []
        if self._live.version is not None:
            recognised.append((self._live.version.number, self._live.bot.recognise(text)))
        if (bot := self._bots.get(view.hash)) is not None:
            recognised.append((None, bot.recognise(text)))
        spent = (time.perf_counter() - started) * 1000
        return Collisions(others=others, own=own, recognised=recognised, ms=round(spent, 2))

    async def likeness(self) -> Likeness:
        """Every sentence of the draft."""
        return await self._likeness_of(await self.view())

    async def _likeness_of(self, view: CatalogueView) -> Likeness:
        """Every sentence of a view; after a change only what is new in it is read."""
        async with self._likening:
            if self._likeness is None or self._likened is not view:
                self._likeness = await asyncio.to_thread(
                    Likeness, view.sentences(), self._likeness
                )
                self._likened = view
            return self._likeness

    async def try_out(self, trial: Trial, *, now: int) -> Tried:
        """Takes a turn as a customer would see it, by the draft where that is trained.

        Raises:
            UnavailableError: the bot could not decide.
        """
        view = await self.view()
        likeness = await self._likeness_of(view)
        trained = await self.is_trained()
        bot, version = self._live.bot, self._live.version
        if trial.draft and trained:
            bot, version = await self._draft_bot(view), None
        started = time.perf_counter()
        try:
            decision = await _converse(bot, trial, now)
        except BotError as error:
            raise UnavailableError(f"The bot could not decide: {error}") from error
        spent = (time.perf_counter() - started) * 1000
        return Tried(
            decision=decision,
            ranking=_reasons(view, likeness, trial.text, decision.understanding),
            articles=self._maker.index.search(trial.text, decision.language),
            version=version.number if version is not None else None,
            trained=trained,
            ms=round(spent, 2),
        )

    async def _draft_bot(self, view: CatalogueView) -> CatalogueBot:
        found = self._bots.get(view.hash)
        if found is None:
            await self._maker.files.fetch(view.lessons)
            build = partial(self._maker.build, view.catalogue, NoTickets())
            try:
                found = await asyncio.to_thread(build)
            except ModelMissingError as error:
                await self._maker.files.discard(view.lessons)
                raise UnavailableError(
                    "The draft's model is gone; check the draft, which trains it anew."
                ) from error
            await found.warm()
            self._bots = {view.hash: found}
        return found


def _reasons(
    view: CatalogueView, likeness: Likeness, text: str, understanding: Understanding
) -> list[RankedReason]:
    found = []
    for name, confidence in understanding.ranking:
        near = likeness.nearest(text, _REASONS, wanted=partial(_belongs, name))
        words = shared_words(text, [each.sentence.text for each in near])
        found.append(
            RankedReason(
                intent=name,
                title=view.title(name),
                confidence=confidence,
                reasons=near,
                words=words[:12],
            )
        )
    return found


def _belongs(intent: str, sentence: Sentence) -> bool:
    return sentence.intent == intent


async def _converse(bot: CatalogueBot, trial: Trial, now: int) -> Decision:
    """The last decision of a conversation in which the customer says one thing after another."""
    language = {each.value: each for each in Language}.get(trial.language or "")
    state, lines = BotState(), list[Line]()
    said = (*trial.earlier, trial.text)
    for number, text in enumerate(said, 1):
        # What was said before is not asked of a language model again.
        own = bot if number == len(said) else bot.without_wording()
        turn = Turn(
            conversation_id="",
            sender="trial",
            channel=trial.channel,
            text=text,
            payload=text if text.startswith("/") else None,
            language=language,
            lines=tuple(lines),
            state=state,
            now=now + number,
        )
        decision = await own.respond(turn)
        lines.append(Line(speaker=Speaker.CUSTOMER, text=text))
        lines += [Line(speaker=Speaker.BOT, text=m.text) for m in decision.messages]
        state, language = decision.state, decision.language
    return decision
