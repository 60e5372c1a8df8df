"""Finds the article that answers a question (H1.5).

One index serves the bot, the agents and the help pages. It holds published articles in shelves by
language and audience; an article is put in, replaced or taken out in a millisecond or two.
Hits carry two chances: that the first article is the right one, and that the articles know the
topic at all. Their curves were fitted on service questions, half of which no article answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from threading import RLock

from bot.askings import read
from bot.passages import Source, headings, marks, shorten, split_passages
from bot.ranking import Evidence, Ranking
from intents.model import Article, Language

AUDIENCES = ("public", "internal")

# Constant, then what a likeness, a covered question, a held question, a body and a lead over
# the next article add.
_RIGHT = {"zh": (-3.95, 1.99, 4.39, 5.47, 2.13, 0.75), "en": (-3.86, 1.32, 3.56, 2.86, 2.93, 0.64)}
_KNOWN = {"zh": (-6.63, 17.0, 0.0, 9.82, 4.11, 0.0), "en": (-4.37, 6.53, 0.0, 6.59, 5.31, 0.0)}
# A question that an article lists as it is asked needs no curve.
_THE_SAME = 0.999
_SURE = 0.99
_MOST_LEAD = 5.0
# A later passage must fit this much better than an earlier one.
_BETTER = 1.2
_CONCEPT_SHARE = 0.5
_REMEMBERED = 4096
_SOURCE_LENGTH = 700
_MOST_OF_FIRST, _MOST_OF_OTHERS = 4, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An article that may answer: `passage` is plain text.

    `score` is the chance that it is the right one, `known` that the articles know the topic;
    `marks` are the places in `passage` where words of the question stand.
    """

    slug: str
    title: str
    passage: str
    score: float
    known: float = 0.0
    audience: str = "public"
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class _Kept:
    """An article with its passages and what each is about, split at the first need."""

    article: Article
    passages: list[str] = field(default_factory=list)
    words: list[frozenset[str]] = field(default_factory=list)

    def split(self) -> None:
        """Splits it, if that was not done yet."""
        if self.words:
            return
        self.passages = split_passages(self.article.body) or [self.article.title]
        self.words = [_features(passage) for passage in self.passages]


class _Shelf:
    """The articles of one language and audience."""

    def __init__(self, language: str, audience: str) -> None:
        self.kept: dict[str, _Kept] = {}
        self._language = language
        self._audience = audience
        self._ranking = Ranking()

    def put(self, article: Article) -> None:
        """Adds or replaces an article."""
        self.kept[article.slug] = _Kept(article)
        # What a heading says counts twice.
        body = "\n".join((article.body, *headings(article.body)))
        askings = [text for text in (article.title, *article.questions) if text.strip()]
        self._ranking.add(article.slug, askings, body)

    def take_out(self, slug: str) -> None:
        """Removes an article if it is there."""
        if self.kept.pop(slug, None) is not None:
            self._ranking.remove(slug)

    def search(self, text: str, limit: int, *, with_passages: bool) -> tuple[Hit, ...]:
        """The best articles, best first."""
        asked = _features(text) if with_passages else None
        return tuple(
            self._hit(slug, text, asked, score, evidence)
            for slug, score, evidence in self.rank(text, limit)
        )

    def rank(self, text: str, limit: int) -> list[tuple[str, float, tuple[float, ...]]]:
        """Slugs of the best articles with their chance of being right, and why."""
        found = self._ranking.search(text, limit + 1)
        ranked = []
        ceiling = 1.0
        for place in range(min(limit, len(found.keys))):
            evidence = _evidence(found, place)
            if not any(evidence[:-1]):
                break
            # Ranked by more than the curve knows of; a chance must not rise on the way down.
            chance = _chance(_RIGHT[self._language], evidence)
            ceiling = min(ceiling, max(chance, _SURE) if evidence[0] > _THE_SAME else chance)
            ranked.append((found.keys[place], ceiling, evidence))
        return ranked

    def _hit(
        self,
        slug: str,
        text: str,
        asked: frozenset[str] | None,
        score: float,
        evidence: Sequence[float],
    ) -> Hit:
        passage = self.passage(slug, asked) if asked is not None else ""
        return Hit(
            slug=slug,
            title=self.kept[slug].article.title,
            passage=passage,
            score=score,
            known=_chance(_KNOWN[self._language], evidence),
            audience=self._audience,
            marks=marks(passage, text),
        )

    def passage(self, slug: str, asked: frozenset[str]) -> str:
        """The passage that shares most with the features asked for; the first if none does."""
        kept = self.kept[slug]
        kept.split()
        best, most = 0, 0.0
        for number, owned in enumerate(kept.words):
            weight = sum(self._weight(feature) for feature in asked & owned)
            if weight > most * _BETTER:
                best, most = number, weight
        return shorten(kept.passages[best])

    def sources(self, slug: str, asked: frozenset[str], limit: int) -> list[Source]:
        """The passages that share most with the features asked for, in the article's order."""
        kept = self.kept[slug]
        kept.split()
        weights = [sum(map(self._weight, asked & owned)) for owned in kept.words]
        best = sorted(range(len(weights)), key=lambda number: (-weights[number], number))[:limit]
        title = kept.article.title
        return [
            Source(slug=slug, title=title, text=shorten(kept.passages[number], _SOURCE_LENGTH))
            for number in sorted(best)
        ]

    def _weight(self, feature: str) -> float:
        kind, name = feature[0], feature[1:]
        if kind == "c":
            return _CONCEPT_SHARE * self._ranking.rarity_in_bodies(name, concept=True)
        return self._ranking.rarity_in_bodies(name)


class ArticleIndex:
    """Published articles, searchable in each of their languages.

    The bot of a new catalogue is built in a thread and reads it meanwhile; a search sorts in what
    was put in since, so searches too take turns.
    """

    def __init__(self, articles: Iterable[Article] = ()) -> None:
        self._shelves = {
            (language, audience): _Shelf(language, audience)
            for language in ("zh", "en")
            for audience in AUDIENCES
        }
        self._turn = RLock()
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._search)
        for article in articles:
            self.put(article)

    def put(self, article: Article) -> None:
        """Adds an article, or replaces it in its language."""
        with self._turn:
            self.take_out(article.slug, article.language)
            self._shelves[article.language, article.audience].put(article)

    def take_out(self, slug: str, language: str) -> None:
        """Removes an article in one language (`zh`, `en`); nothing happens if it is not there."""
        with self._turn:
            self._remembered.cache_clear()
            for audience in AUDIENCES:
                self._shelves[language, audience].take_out(slug)

    def held(self, slug: str, language: str) -> Article | None:
        """The article as it was put in, in that language (`zh`, `en`) alone."""
        for audience in AUDIENCES:
            kept = self._shelves[language, audience].kept.get(slug)
            if kept is not None:
                return kept.article
        return None

    def articles(self, *, internal: bool = False) -> list[Article]:
        """Every article, by language and slug; internal ones only when asked for."""
        with self._turn:
            return [
                shelf.kept[slug].article
                for (_, audience), shelf in self._shelves.items()
                if internal or audience == "public"
                for slug in sorted(shelf.kept)
            ]

    def search(
        self,
        text: str,
        language: Language,
        limit: int = 3,
        *,
        internal: bool = False,
        with_passages: bool = True,
    ) -> tuple[Hit, ...]:
        """Return the best articles, best first; none that shares nothing with `text`.

        Args:
            text: the question.
            language: articles written for it are searched; Traditional finds Simplified ones.
            limit: how many at most.
            internal: whether staff asks, who also find internal articles.
            with_passages: whether hits carry the passage that fits best.
        """
        audiences = AUDIENCES if internal else AUDIENCES[:1]
        with self._turn:  # what is remembered too must be of the articles as they are now
            return self._remembered(
                text, language.training, limit, audiences=audiences, with_passages=with_passages
            )

    def _search(
        self,
        text: str,
        language: str,
        limit: int,
        *,
        audiences: Sequence[str],
        with_passages: bool,
    ) -> tuple[Hit, ...]:
        hits: list[Hit] = []
        for audience in audiences:
            shelf = self._shelves[language, audience]
            hits += shelf.search(text, limit, with_passages=with_passages)
        return tuple(sorted(hits, key=lambda hit: -hit.score)[:limit])

    def best(self, text: str, language: Language) -> tuple[str, float] | None:
        """The public article that fits best and the chance that it is right; no passage."""
        with self._turn:
            ranked = self._shelves[language.training, "public"].rank(text, 1)
        return ranked[0][:2] if ranked else None

    def title(self, slug: str, language: Language) -> str | None:
        """A public article's title in that language, else in any; None when there is none."""
        found = self.article(slug, language)
        return found.title if found is not None else None

    def passage(self, slug: str, text: str, language: Language) -> str | None:
        """The public article's passage that fits `text` best; None when it does not exist."""
        for shelf in self._in_order(language, ("public",)):
            if slug in shelf.kept:
                return shelf.passage(slug, _features(text))
        return None

    def sources(self, slugs: Sequence[str], text: str, language: Language) -> tuple[Source, ...]:
        """The passages of public articles of that language that fit `text`, most of the first."""
        asked = _features(text)
        found: list[Source] = []
        with self._turn:
            shelf = self._shelves[language.training, "public"]
            for number, slug in enumerate(slug for slug in slugs if slug in shelf.kept):
                most = _MOST_OF_OTHERS if number else _MOST_OF_FIRST
                found += shelf.sources(slug, asked, most)
        return tuple(found)

    def article(self, slug: str, language: Language, *, internal: bool = False) -> Article | None:
        """The article, in another language when there is none in this one."""
        for shelf in self._in_order(language, AUDIENCES if internal else ("public",)):
            if slug in shelf.kept:
                return shelf.kept[slug].article
        return None

    def __contains__(self, slug: object) -> bool:
        """Whether there is a public article with that slug."""
        return any(
            slug in shelf.kept
            for (_, audience), shelf in self._shelves.items()
            if audience == "public"
        )

    def _in_order(self, language: Language, audiences: Sequence[str]) -> list[_Shelf]:
        own = language.training
        other = "en" if own == "zh" else "zh"
        return [self._shelves[tag, audience] for tag in (own, other) for audience in audiences]


def _features(text: str) -> frozenset[str]:
    """What a passage or question is about: pairs and words, and concepts."""
    found = read(text)
    pairs = {f"p{feature}" for feature in found.pairs if len(feature) > 1}
    return frozenset(pairs | {f"c{feature}" for feature in found.concepts})


def _evidence(found: Evidence, place: int) -> tuple[float, ...]:
    """What speaks for an article: likeness, covered, held, body, and the first one's lead."""
    after = found.score[place + 1] if place + 1 < len(found.keys) else 0.0
    lead = float(found.score[place] - after) if place == 0 else 0.0
    parts = (found.likeness, found.covered, found.held, found.body)
    return (*(float(part[place]) for part in parts), min(lead, _MOST_LEAD))


def _chance(curve: Sequence[float], evidence: Sequence[float]) -> float:
    total = curve[0] + sum(w * value for w, value in zip(curve[1:], evidence, strict=True))
    return round(1.0 / (1.0 + math.exp(-total)), 4)
