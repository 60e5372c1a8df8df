"""How well the article index finds what questions are about, measured (H1.5).

Files are JSON lines. A knowledge base holds `{"id", "question"?, "similar"?: [], "answer"?}`,
questions are `{"question", "gold": [ids]}`, where no `gold` means that nothing answers it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.errors import BotError
from bot.knowledge import ArticleIndex
from intents.model import Article, Language
from intents.text import detect_language

DEPTH = 10
Progress = Callable[[int, int], None]


class TrialError(BotError):
    """A file cannot be used; the message names file and line and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with the ids of the entries that answer it; none when nothing does."""

    text: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReport:
    """What a trial gave.

    `recalls` are shares of the answerable questions whose entry is among the first 1, 3 and 10;
    `mrr` is the mean of 1 / rank among the first ten. `auroc` tells how well the index knows which
    questions it can answer, 0.5 being chance; None without unanswerable ones. Milliseconds
    are of one search, seconds of building the index.
    """

    entries: int
    questions: int
    unanswerable: int
    recalls: dict[int, float]
    mrr: float
    auroc: float | None
    seconds_to_build: float
    ms_p50: float
    ms_p99: float


def read_entries(path: Path) -> list[Article]:
    """The entries of a knowledge base file, as articles of its main language.

    Raises:
        TrialError: the file cannot be read, or a line is not an entry.
    """
    rows = list(_rows(path))
    languages: Counter[str] = Counter()
    found: dict[str, Article] = {}
    for place, row in rows:
        slug = _text(row, "id", place)
        if slug in found:
            raise TrialError(f"{place}: the id {slug!r} is there twice; give each its own")
        title, body = _text(row, "question", place, ""), _text(row, "answer", place, "")
        similar = row.get("similar", [])
        if not isinstance(similar, list) or not all(isinstance(item, str) for item in similar):
            raise TrialError(f"{place}: `similar` must be a list of texts")
        if not (title or similar or body):
            raise TrialError(f"{place}: an entry needs `question`, `similar` or `answer`")
        languages[detect_language((title or body)[:500], Language.EN).training] += 1
        found[slug] = Article(
            slug=slug, language="", title=title, category="", body=body, questions=tuple(similar)
        )
    if not found:
        raise TrialError(f"{path}: there is no entry in it")
    language = languages.most_common(1)[0][0]
    return [
        Article(
            slug=article.slug,
            language=language,
            title=article.title,
            category="",
            body=article.body,
            questions=article.questions,
        )
        for article in found.values()
    ]


def read_questions(path: Path) -> list[Asked]:
    """The questions of a file.

    Raises:
        TrialError: the file cannot be read, or a line is not a question.
    """
    found = []
    for place, row in _rows(path):
        gold = row.get("gold", [])
        if not isinstance(gold, list):
            raise TrialError(f"{place}: `gold` must be a list of ids of the knowledge base")
        found.append(
            Asked(text=_text(row, "question", place), gold=frozenset(str(one) for one in gold))
        )
    if not found:
        raise TrialError(f"{path}: there is no question in it")
    return found


def run_trial(
    articles: Sequence[Article], questions: Sequence[Asked], progress: Progress
) -> TrialReport:
    """Asks the index every question.

    Args:
        articles: of one language.
        questions: with and without an answer.
        progress: told how many of how many questions are done.

    Raises:
        TrialError: a question names an id that no article has.
    """
    known = {article.slug for article in articles}
    for question in questions:
        if missing := question.gold - known:
            raise TrialError(
                f"the question {question.text!r} names {sorted(missing)[0]!r}, which is not in "
                "the knowledge base; correct `gold` or give the other file"
            )
    started = time.perf_counter()
    index = ArticleIndex(articles)
    built = time.perf_counter() - started
    language = Language.EN if articles[0].language == "en" else Language.ZH_HANS
    index.search("…", language)
    ranks: list[int | None] = []
    beliefs: list[float] = []
    spent = []
    for number, question in enumerate(questions):
        started = time.perf_counter()
        hits = index.search(question.text, language, DEPTH, with_passages=False)
        spent.append((time.perf_counter() - started) * 1000)
        beliefs.append(hits[0].known if hits else 0.0)
        places = (n for n, hit in enumerate(hits) if hit.slug in question.gold)
        ranks.append(next(places, None))
        progress(number + 1, len(questions))
    answerable = [bool(question.gold) for question in questions]
    own = [rank for rank, can in zip(ranks, answerable, strict=True) if can]
    count = max(len(own), 1)
    return TrialReport(
        entries=len(articles),
        questions=len(own),
        unanswerable=len(questions) - len(own),
        recalls={
            depth: round(sum(rank is not None and rank < depth for rank in own) / count, 4)
            for depth in (1, 3, DEPTH)
        },
        mrr=round(sum(1 / (rank + 1) for rank in own if rank is not None) / count, 4),
        auroc=_auroc(np.array(beliefs), np.array(answerable)),
        seconds_to_build=round(built, 3),
        ms_p50=round(float(np.percentile(spent, 50)), 3),
        ms_p99=round(float(np.percentile(spent, 99)), 3),
    )


def _auroc(beliefs: Any, answerable: Any) -> float | None:
    """The chance that an answerable question is believed in more than one that is not."""
    yes, no = beliefs[answerable], beliefs[~answerable]
    if not len(yes) or not len(no):
        return None
    above = (yes[:, None] > no[None, :]).mean() + (yes[:, None] == no[None, :]).mean() / 2
    return round(float(above), 4)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a file of JSON lines, each with its place for messages."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise TrialError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    except UnicodeDecodeError as error:
        raise TrialError(f"{path}: is not UTF-8; save it as UTF-8") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise TrialError(f"{place}: is not JSON ({error}); write one object a line") from error
        if not isinstance(row, dict):
            raise TrialError(f'{place}: must be an object such as {{"question": "…"}}')
        yield place, row


def _text(row: dict[str, Any], name: str, place: str, default: str | None = None) -> str:
    value = row.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise TrialError(f"{place}: `{name}` must be a text")
    return value
