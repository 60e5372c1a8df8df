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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.features import text_features
from bot.postings import invert
from intents.model import Article, Language
from intents.text import to_mainland, tokens

PASSAGE_LENGTH = 400
_TITLE, _QUESTION, _HEADING, _BODY = 3.0, 2.0, 2.0, 1.0
_K1, _B = 1.2, 0.6
# A later passage must fit this much better than an earlier one.
_BETTER = 1.2
# Constant, and what a share of words covered, a likeness and a lead over the second add.
# English words match by chance more often than pairs of Chinese characters.
_CURVES = {"zh": (-2.55, 6.1, 4.7, 3.2), "en": (-3.85, 6.1, 4.7, 3.2)}

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

_ENGLISH = """
    a about after again all also am an and any anyone anything are as at be because been before
    being but by can cannot could did do does doing done for from get got had has have he hello
    help her here hi him his how i if in into is it its just know let like long me more most my
    need no not now of off on once one only or our out over own please re same she should so some
    something tell than that the their them then there these they thing things this those to too
    under until up us very want was way we were what when where which while who why will with
    would you your don didn doesn isn won ve ll s t m d
"""
_FUNCTION_WORDS = frozenset(_ENGLISH.split())


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
        self._shelves = {
            language: _Shelf(found, _CURVES[language]) for language, found in by_language.items()
        }

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
        found = self.article(slug, language)
        return found.title if found is not None else None

    def passage(self, slug: str, text: str, language: Language) -> str | None:
        """The article's passage that fits `text` best; None when it does not exist."""
        for shelf in self._in_order(language):
            if slug in shelf.places:
                return shelf.passage(shelf.places[slug], word_set(text))
        return None

    def article(self, slug: str, language: Language) -> Article | None:
        """The article, in another language when there is none in this one."""
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

    def __init__(self, articles: Sequence[Article], curve: tuple[float, ...]) -> None:
        self.articles = articles
        self._curve = curve
        self.places = {article.slug: place for place, article in enumerate(articles)}
        self._passages = [split_passages(article.body) for article in articles]
        self._passage_words = [
            [word_set(passage) for passage in passages] for passages in self._passages
        ]
        weighted = [
            _weighted_words(article, passages)
            for article, passages in zip(articles, self._passages, strict=True)
        ]
        self._rarity, self._most = _rarities(weighted)
        self._word_places, self._words = invert(_bm25(weighted, self._rarity))
        asked = [(p, q) for p, a in enumerate(articles) for q in (a.title, *a.questions)]
        self._askers = np.array([place for place, _ in asked], dtype=np.intp)
        questions = [Counter(_topical(question)) for _, question in asked]
        self._question_rarity, self._question_most = _rarities(questions, floor=1.0)
        units = [_unit(question, self._question_rarity) for question in questions]
        self._question_places, self._questions = invert(units)

    def search(self, text: str, limit: int) -> tuple[Hit, ...]:
        """The best articles, best first; none that shares nothing with the text."""
        words = word_set(text)
        covered = self._covered(words)
        likeness = self._likeness(text)
        fused = covered + likeness
        order = [int(place) for place in np.argsort(-fused, kind="stable")[: limit + 1]]
        hits = []
        for rank, place in enumerate(order[:limit]):
            if fused[place] <= 0:
                break
            rival = order[rank + 1] if rank == 0 and len(order) > 1 else place
            lead = float(fused[place] - fused[rival])
            hits.append(
                Hit(
                    slug=self.articles[place].slug,
                    title=self.articles[place].title,
                    passage=self.passage(place, words),
                    score=_chance(
                        self._curve, (float(covered[place]), float(likeness[place]), lead)
                    ),
                )
            )
        return tuple(hits)

    def passage(self, place: int, words: frozenset[str]) -> str:
        """The passage of an article that shares most with the words; the first if none does."""
        best, most = 0, 0.0
        for number, owned in enumerate(self._passage_words[place]):
            weight = sum(self._rarity.get(word, 0.0) for word in words & owned)
            if weight > most * _BETTER:
                best, most = number, weight
        passages = self._passages[place]
        return shorten(passages[best]) if passages else self.articles[place].title

    def _covered(self, words: frozenset[str]) -> NDArray[Any]:
        """BM25 of every article, as a share of what one full of these words would get."""
        rarity = [self._rarity.get(word, self._most) for word in words]
        ceiling = sum(rarity) * (_K1 + 1)
        places = [self._word_places[word] for word in words if word in self._word_places]
        found = np.array(places, dtype=np.int32)
        gained = self._words.gained(found, np.ones(len(found), dtype=np.float32))
        return gained / max(ceiling, 1e-9)

    def _likeness(self, text: str) -> NDArray[Any]:
        """Cosine of the text to the likest question of every article."""
        counts = Counter(_topical(text))
        places, values, length = [], [], 0.0
        for feature, count in counts.items():
            place = self._question_places.get(feature)
            weight = (1 + math.log(count)) * self._question_rarity.get(
                feature, self._question_most
            )
            length += weight * weight
            if place is not None:
                places.append(place)
                values.append(weight)
        gained = self._questions.gained(
            np.array(places, dtype=np.int32),
            np.array(values, dtype=np.float32) / np.float32(math.sqrt(length) or 1.0),
        )
        best = np.zeros(len(self.articles))
        np.maximum.at(best, self._askers, gained)
        return best


def word_set(text: str) -> frozenset[str]:
    """The search words of a text that say what it is about."""
    return frozenset(word for word in tokens(to_mainland(text)) if word not in _FUNCTION_WORDS)


def _topical(text: str) -> tuple[str, ...]:
    """Features of a text without the words that every question has."""
    if not text.isascii():
        return text_features(text)
    return text_features(" ".join(w for w in tokens(text) if w not in _FUNCTION_WORDS))


def _weighted_words(article: Article, passages: Sequence[str]) -> dict[str, float]:
    lines = (_HEADING_LINE.match(line) for line in article.body.splitlines())
    fields = (
        (_TITLE, [article.title]),
        (_QUESTION, article.questions),
        (_HEADING, [line[1] for line in lines if line]),
        (_BODY, passages),
    )
    found: dict[str, float] = defaultdict(float)
    for weight, texts in fields:
        for text in texts:
            for word in tokens(to_mainland(text)):
                if word not in _FUNCTION_WORDS:
                    found[word] += weight
    return found


def _rarities(
    holders: Sequence[Mapping[str, float]], floor: float = 0.0
) -> tuple[dict[str, float], float]:
    """How much every word tells, by how few hold it; and the same of a word that none holds.

    `floor` is what a word tells that everyone holds.
    """
    count = len(holders)
    spread = Counter(word for found in holders for word in found)
    rarity = {word: floor + math.log((count + 1) / (held + 0.5)) for word, held in spread.items()}
    return rarity, floor + math.log((count + 1) / 0.5)


def _bm25(
    documents: Sequence[Mapping[str, float]], rarity: Mapping[str, float]
) -> list[dict[str, float]]:
    lengths = [sum(words.values()) for words in documents]
    average = sum(lengths) / max(len(lengths), 1) or 1.0
    scored = []
    for words, length in zip(documents, lengths, strict=True):
        slack = _K1 * (1 - _B + _B * length / average)
        scored.append(
            {
                word: rarity[word] * count * (_K1 + 1) / (count + slack)
                for word, count in words.items()
            }
        )
    return scored


def _unit(counts: Mapping[str, int], rarity: Mapping[str, float]) -> dict[str, float]:
    """A vector of length 1."""
    weights = {feature: (1 + math.log(n)) * rarity[feature] for feature, n in counts.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {feature: weight / length for feature, weight in weights.items()}


def _chance(curve: Sequence[float], evidence: Sequence[float]) -> float:
    total = curve[0] + sum(w * value for w, value in zip(curve[1:], evidence, strict=True))
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
