"""Finds the article that answers a question (H1.5).

Two views are fused: BM25 over the weighted words of an article (title, questions, headings,
passages), and the likeness of the question to the questions that an article lists. The score
is the chance that the first hit is right, from a logistic curve fitted on Chinese service
questions, a part of which no article answers.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.features import text_features
from intents.model import Article, Language
from intents.text import tokens

PASSAGE_LENGTH = 400
_TITLE, _QUESTION, _HEADING, _BODY = 3.0, 2.0, 2.0, 1.0
_K1, _B = 1.2, 0.6
_CURVE = (-4.0, 3.0, 6.0, 2.0)

_FENCED = re.compile(r"^\s*(?:```|~~~)")
_HEADING_LINE = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"^(\s*)(?:[-*+]|(\d+)[.)])\s+")
_QUOTE = re.compile(r"^\s*(?:>\s?)+")
_RULE = re.compile(r"^\s*(?:[-*_]\s*){3,}$|^\s*\|?\s*:?-{2,}[-:|\s]*$")
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]*)[^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|~~|\*|(?<![A-Za-z0-9])_(?=\S)|(?<=\S)_(?![A-Za-z0-9])|`+)")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_SENTENCE_END = re.compile(r"[。！？；!?;](?!$)|\.(?=\s)")

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An article that may answer: `passage` is plain text, `score` a chance from 0 to 1."""

    slug: str
    title: str
    passage: str
    score: float


class ArticleIndex:
    """The public articles of a catalogue, searchable in each of its languages."""

    def __init__(self, articles: Iterable[Article]) -> None:
        by_language: dict[str, list[Article]] = defaultdict(list)
        for article in articles:
            if article.audience == "public":
                by_language[article.language].append(article)
        self._shelves = {language: _Shelf(found) for language, found in by_language.items()}

    def search(self, text: str, language: Language, limit: int = 3) -> tuple[Hit, ...]:
        """Return the best articles, best first; none that shares nothing with `text`.

        Args:
            text: the customer's question.
            language: articles written for it are searched; Traditional finds Simplified ones.
            limit: how many at most.
        """
        shelf = self._shelves.get(language.training)
        return shelf.search(text, limit) if shelf is not None else ()

    def title(self, slug: str, language: Language) -> str | None:
        """The article's title in that language, else in any; None when it does not exist."""
        found = self._find(slug, language)
        return found.title if found is not None else None

    def passage(self, slug: str, text: str, language: Language) -> str | None:
        """The article's passage that fits `text` best; None when it does not exist."""
        for shelf in self._in_order(language):
            if slug in shelf.places:
                return shelf.passage(shelf.places[slug], frozenset(tokens(text)))
        return None

    def _find(self, slug: str, language: Language) -> Article | None:
        for shelf in self._in_order(language):
            if slug in shelf.places:
                return shelf.articles[shelf.places[slug]]
        return None

    def _in_order(self, language: Language) -> list[_Shelf]:
        own = self._shelves.get(language.training)
        others = [shelf for shelf in self._shelves.values() if shelf is not own]
        return [own, *others] if own is not None else others


class _Shelf:
    """The articles of one language with their inverted lists."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.articles = articles
        self.places = {article.slug: place for place, article in enumerate(articles)}
        self._passages = [split_passages(article.body) for article in articles]
        self._passage_words = [
            [frozenset(tokens(passage)) for passage in passages] for passages in self._passages
        ]
        self._words = _bm25([_weighted_words(article) for article in articles])
        self._most = math.log(1 + len(articles) / 0.5) * (_K1 + 1)
        asked = [(p, q) for p, a in enumerate(articles) for q in (a.title, *a.questions)]
        self._askers = np.array([place for place, _ in asked], dtype=np.intp)
        self._likeness, self._rarity = _cosines([text_features(q) for _, q in asked])

    def search(self, text: str, limit: int) -> tuple[Hit, ...]:
        words = frozenset(tokens(text))
        gained, ceiling = self._gained(words)
        likeness = self._like(text)
        covered = gained / max(ceiling, 1e-9)
        fused = covered + likeness
        order = np.argsort(-fused, kind="stable")[:limit]
        hits = []
        for rank, place in enumerate(order):
            if fused[place] <= 0:
                break
            rival = order[rank + 1] if rank == 0 and len(order) > 1 else None
            lead = float(fused[place] - fused[rival]) if rival is not None else 0.0
            hits.append(
                Hit(
                    slug=self.articles[place].slug,
                    title=self.articles[place].title,
                    passage=self.passage(int(place), words),
                    score=_chance(float(covered[place]), float(likeness[place]), lead),
                )
            )
        return tuple(hits)

    def passage(self, place: int, words: frozenset[str]) -> str:
        """The passage of an article that shares most with the words; the first if none does."""
        best, most = 0, 0.0
        for number, owned in enumerate(self._passage_words[place]):
            shared = words & owned
            weight = sum(self._words[word][2] for word in shared if word in self._words)
            if weight > most * 1.2:
                best, most = number, weight
        passages = self._passages[place]
        return shorten(passages[best]) if passages else self.articles[place].title

    def _gained(self, words: frozenset[str]) -> tuple[Floats, float]:
        """BM25 of every article, and what an article full of these words would get."""
        gained = np.zeros(len(self.articles), dtype=np.float32)
        ceiling = 0.0
        for word in words:
            listed = self._words.get(word)
            if listed is None:
                ceiling += self._most
                continue
            places, weights, rarity = listed
            gained[places] += weights
            ceiling += rarity * (_K1 + 1)
        return gained, ceiling

    def _like(self, text: str) -> Floats:
        """Cosine of the text to the likest question of every article."""
        likeness = np.zeros(len(self._askers), dtype=np.float32)
        length = 0.0
        for feature, count in Counter(text_features(text)).items():
            weight = 1 + math.log(count)
            listed = self._likeness.get(feature)
            if listed is None:
                length += (weight * self._rarity) ** 2
                continue
            places, shares, rarity = listed
            likeness[places] += shares * np.float32(weight * rarity)
            length += (weight * rarity) ** 2
        best = np.zeros(len(self.articles), dtype=np.float32)
        np.maximum.at(best, self._askers, likeness / np.float32(math.sqrt(length) or 1.0))
        return best


_Lists = Mapping[str, tuple[NDArray[np.intp], Floats, float]]


def _weighted_words(article: Article) -> Counter[str]:
    headings, plain = _headings(article.body)
    found: Counter[str] = Counter()
    fields = (
        (_TITLE, [article.title]),
        (_QUESTION, article.questions),
        (_HEADING, headings),
        (_BODY, plain),
    )
    for weight, texts in fields:
        for text in texts:
            for word in tokens(text):
                found[word] += weight  # type: ignore[assignment]
    return found


def _headings(body: str) -> tuple[list[str], list[str]]:
    headings = [match[1] for line in body.splitlines() if (match := _HEADING_LINE.match(line))]
    return headings, split_passages(body)


def _bm25(documents: Sequence[Mapping[str, float]]) -> _Lists:
    lengths = [sum(words.values()) for words in documents]
    average = sum(lengths) / max(len(lengths), 1) or 1.0
    holders: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for place, words in enumerate(documents):
        slack = _K1 * (1 - _B + _B * lengths[place] / average)
        for word, count in words.items():
            holders[word].append((place, count * (_K1 + 1) / (count + slack)))
    return {
        word: _listed(found, math.log(1 + (len(documents) - len(found) + 0.5) / (len(found) + 0.5)))
        for word, found in holders.items()
    }


def _listed(
    found: Sequence[tuple[int, float]], rarity: float
) -> tuple[NDArray[np.intp], Floats, float]:
    places = np.array([place for place, _ in found], dtype=np.intp)
    weights = np.array([weight * rarity for _, weight in found], dtype=np.float32)
    return places, weights, rarity


def _cosines(questions: Sequence[Sequence[str]]) -> tuple[_Lists, float]:
    """Inverted lists of unit vectors, and the rarity of a feature that none holds."""
    count = len(questions)
    spread = Counter(feature for found in questions for feature in set(found))
    rarity = {feature: math.log((1 + count) / (1 + n)) + 1 for feature, n in spread.items()}
    holders: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for place, found in enumerate(questions):
        weights = {f: (1 + math.log(n)) * rarity[f] for f, n in Counter(found).items()}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        for feature, weight in weights.items():
            holders[feature].append((place, weight / length))
    lists = {}
    for feature, entries in holders.items():
        places = np.array([place for place, _ in entries], dtype=np.intp)
        shares = np.array([share for _, share in entries], dtype=np.float32)
        lists[feature] = (places, shares, rarity[feature])
    return lists, math.log(1 + count) + 1


def _chance(covered: float, likeness: float, lead: float) -> float:
    constant, by_cover, by_likeness, by_lead = _CURVE
    total = constant + by_cover * covered + by_likeness * likeness + by_lead * lead
    return round(1.0 / (1.0 + math.exp(-total)), 4)


def split_passages(body: str) -> list[str]:
    """The paragraphs of a Markdown text as plain text; a list stays together, headings go."""
    passages: list[list[str]] = [[]]
    fenced = False
    for line in body.splitlines():
        if _FENCED.match(line):
            fenced = not fenced
        elif not fenced and (_HEADING_LINE.match(line) or not line.strip()):
            passages.append([])
        elif fenced or not _RULE.match(line):
            passages[-1].append(line.strip() if fenced else _plain_line(line))
    return _joined([[line for line in lines if line] for lines in passages])


def _joined(passages: Sequence[Sequence[str]]) -> list[str]:
    """Join lines, and a paragraph that announces (`…:`) with what it announces."""
    found: list[str] = []
    for lines in passages:
        if not lines:
            continue
        text = "\n".join(lines)
        if found and found[-1].endswith((":", "：")):
            found[-1] = f"{found[-1]}\n{text}"
        else:
            found.append(text)
    return found


def _plain_line(line: str) -> str:
    line = _QUOTE.sub("", line)
    item = _ITEM.match(line)
    mark = ""
    if item is not None:
        mark = f"{item[2]}. " if item[2] else "• "
        line = line[item.end() :]
    line = line.strip()
    if line.startswith("|"):
        line = " · ".join(cell.strip() for cell in line.strip("|").split("|"))
    line = _LINK.sub(_link_text, _IMAGE.sub(r"\1", line))
    return mark + _TAG.sub("", _EMPHASIS.sub("", line)).strip()


def _link_text(match: re.Match[str]) -> str:
    title, address = match[1], match[2]
    if address.startswith(("http://", "https://")) and address != title:
        return f"{title} ({address})"
    return title


def shorten(text: str, length: int = PASSAGE_LENGTH) -> str:
    """Cut a text to at most `length` characters, after a sentence or line where one ends."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    ends = [match.end() for match in _SENTENCE_END.finditer(head)]
    ends += [n for n, character in enumerate(head) if character == "\n"]
    cut = max(ends, default=0)
    return head[:cut].rstrip() if cut >= length // 3 else f"{head.rstrip()}…"
