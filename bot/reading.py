"""Reads a turn: language, understanding, values, slots, article hits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bot.contract import BotState, Speaker, Turn, Understanding
from bot.entities import SELDOM, EntityFinder
from bot.errors import RecogniserError
from bot.knowledge import ArticleIndex, Hit
from bot.languages import LanguageReader
from bot.mood import mood_of
from bot.phrases import follow_up, without_refusal
from bot.plans import BotSettings, Facts
from bot.playbook import Playbook
from bot.recognise import OUT_OF_SCOPE, Recogniser
from bot.replies import Replies
from bot.slots import VALUE_LENGTH, Heard, fill_slots, initial_slots
from bot.values.found import Found, first_values
from bot.values.times import DATE
from intents.model import Catalogue, Language

UNDERSTOOD_LENGTH = 500
_REMEMBERED_TEXTS = 4096
_MISS_LASTS = 600_000  # ms; a miss before that is no part of what fails now
_PRODUCT = "product"


class OtherRecogniser(Protocol):
    """A recogniser outside of this process; see `bot.recognisers`."""

    async def understand(self, text: str, language: Language) -> Understanding:
        """Recognise a text.

        Raises:
            RecogniserError: it cannot be reached, or answers nonsense.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A turn with what the bot made of it; `turn.language` is the language to answer in."""

    turn: Turn
    language: Language
    facts: Facts
    subject: str | None

    @property
    def slots(self) -> Mapping[str, Any]:
        """What is collected, this message's values included."""
        return self.facts.slots


class Reader:
    """Makes a `View` of a turn.

    Args:
        catalogue: what the bot answers from.
        recogniser: the built-in one.
        others: other recognisers, by the names under which inboxes choose them.
        index: the articles.
        replies: for the titles of choices.
        playbook: what the catalogue prescribes.
        settings: limits of the dialogue.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        recogniser: Recogniser,
        others: Mapping[str, OtherRecogniser],
        *,
        index: ArticleIndex,
        replies: Replies,
        playbook: Playbook,
        settings: BotSettings,
    ) -> None:
        self._catalogue = catalogue
        self._others = others
        self._replies = replies
        self._playbook = playbook
        self._settings = settings
        self._zone = ZoneInfo(settings.time_zone)
        self._languages = LanguageReader(catalogue)
        self._entities = EntityFinder(catalogue)
        # Many customers send the very same words: pressed buttons, greetings, common questions.
        self._recognise = lru_cache(maxsize=_REMEMBERED_TEXTS)(recogniser.recognise)
        self._index = index

    def recognise(self, text: str) -> Understanding:
        """What the built-in recogniser makes of a text."""
        return self._recognise(text)

    async def read(self, turn: Turn, language: Language | None = None) -> View:
        """Return the turn with its facts; only another recogniser is waited for.

        Args:
            turn: the turn.
            language: of the answer, where it is known; else it is read from the text.
        """
        text = turn.text[:UNDERSTOOD_LENGTH]
        language = language or self._languages.read(turn, text)
        rest = without_refusal(text)
        text = text if rest is None else rest
        now = self._now(turn)
        found = self._entities.find(text, now=now, wanted=self._awaited(turn))
        seen = await self._understand(text, language, turn)
        seen = self._with_context(seen, text, turn.state, language)
        seen = replace(seen, entities=first_values(found), found=found)
        sure = seen.confidence >= self._settings.accept
        hits: tuple[Hit, ...] = ()
        if not sure or seen.intent == OUT_OF_SCOPE:
            hits = self._index.search(text, language, with_passages=False)
        heard = Heard(text=text, intent=seen.intent if sure else None, found=found)
        facts = Facts(
            text=text,
            payload=turn.payload,
            state=_fresh(turn),
            understanding=seen,
            hits=hits,
            titles=[self._replies.title(p, language) for p in turn.state.offered],
            declined=rest is not None,
            slots=self._slots(turn.state.slots, heard, turn.state),
            heard=heard,
            language=language.training,
            today=now.date(),
            mood=mood_of(text, self._playbook.people_first.anger),
            customer=turn.customer,
            desk=turn.desk,
        )
        return View(
            turn=replace(turn, language=language),
            language=language,
            facts=facts,
            subject=seen.entities.get(_PRODUCT, turn.state.subject),
        )

    def _now(self, turn: Turn) -> datetime:
        if not turn.now:
            return datetime.now(self._zone)
        return datetime.fromtimestamp(turn.now / 1000, UTC).astimezone(self._zone)

    def _awaited(self, turn: Turn) -> tuple[str, ...]:
        """The seldom kinds of values that the running question asks for."""
        flow = turn.state.flow or {}
        tree = self._playbook.trees.get(str(flow.get("name")))
        node = tree.nodes.get(str(flow.get("node"))) if tree is not None else None
        return (DATE,) if node is not None and node.years is not None else ()

    async def _understand(self, text: str, language: Language, turn: Turn) -> Understanding:
        """By the recogniser that the inbox chose; by the built-in one when that fails."""
        if not text:
            return Understanding(intent=None, confidence=0.0)
        if not turn.recogniser:
            return self._recognise(text)
        other = self._others.get(turn.recogniser)
        if other is None:
            note = f"{turn.recogniser}: it has no address; the built-in recogniser answered"
            return replace(self._recognise(text), note=note)
        try:
            async with asyncio.timeout(self._settings.recogniser_seconds):
                return await other.understand(text, language)
        except (RecogniserError, TimeoutError) as error:
            why = str(error) or "it took too long"
            note = f"{type(other).__name__}: {why}; the built-in recogniser answered"
            return replace(self._recognise(text), note=note)

    def _with_context(
        self, seen: Understanding, text: str, state: BotState, language: Language
    ) -> Understanding:
        """A message that leans on the one before, read with what was talked of last."""
        if seen.confidence >= self._settings.accept or state.flow is not None:
            return seen
        rest = follow_up(text)
        if rest is None:
            return seen
        topic = self._replies.title(f"/{state.topic}", language) if state.topic else None
        for about in (state.subject, topic):
            if about is None:
                continue
            whole = self._recognise(f"{about} {rest}")
            if whole.confidence >= self._settings.accept and whole.intent != OUT_OF_SCOPE:
                return replace(whole, note=seen.note)
        return seen

    def _slots(self, kept: Mapping[str, Any], heard: Heard, state: BotState) -> dict[str, Any]:
        """Initial values, what was collected before, and this message's values on top."""
        slots = initial_slots(self._catalogue.slots, kept)
        slots |= {name: value[:VALUE_LENGTH] for name, value in _kept(heard.found).items()}
        if state.flow is None:
            slots |= fill_slots(self._catalogue.slots, heard)[0]
        return slots


def _kept(found: tuple[Found, ...] | Any) -> dict[str, str]:
    """Values that are worth keeping whatever the catalogue says: numbers and contacts."""
    return {k: v for k, v in first_values(found).items() if k not in SELDOM}


def _fresh(turn: Turn) -> BotState:
    """The state without a miss that is long past, or that a colleague has answered since."""
    state = turn.state
    answered = bool(turn.lines) and turn.lines[-1].speaker is Speaker.AGENT
    if state.misses and (answered or turn.now - (state.missed_at or 0) > _MISS_LASTS):
        return replace(state, misses=0, missed_at=None)
    return state
