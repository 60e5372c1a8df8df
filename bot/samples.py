"""Reads labelled sentences for an evaluation: Rasa NLU YAML, or JSON lines.

A line of JSON is `{"text": …, "intent": …}` and may carry `lang` (`zh` or `en`), `split` and
`oos`; other fields are left alone, since data sets bring many.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from bot.recognise import OUT_OF_SCOPE
from bot.training import Row
from intents.document import Document, read_text
from intents.errors import CatalogueError
from intents.training import Training, read_training

_FOREIGN = frozenset({OUT_OF_SCOPE, "__oos__"})
_HAN = re.compile("[\u3400-\u9fff]")
_LANGUAGES = ("zh", "en")
_STRAY_SHARE = 0.1


def read_samples(
    path: Path, *, language: str | None = None, split: str | None = None
) -> list[Row]:
    """Return the sentences of a file.

    The intents `out_of_scope` and `__oos__`, and lines with `"oos": true`, become
    `out_of_scope`.

    Args:
        path: a `.yml` or `.yaml` file in Rasa 3's NLU format, or JSON lines.
        language: `zh` or `en` for all sentences; else a line's `lang`, else by its characters,
            where a language of less than a tenth of the file counts as the other.
        split: only lines with this `split`.

    Raises:
        CatalogueError: the file cannot be read, is broken, or has no sentence; it names the
            file and the line.
    """
    if path.suffix in {".yml", ".yaml"}:
        rows = list(_from_yaml(path, language, split))
    else:
        rows = list(_from_json(path, language, split))
    if language is None:
        rows = _settled(rows)
    if not rows:
        wanted = f" with `split` {split!r}" if split is not None else ""
        raise CatalogueError(f"has no sentence{wanted}; check the file", file=str(path))
    return rows


def _from_yaml(path: Path, language: str | None, split: str | None) -> Iterator[Row]:
    if split is not None:
        message = "is YAML, which has no `split`; give one file for each part"
        raise CatalogueError(message, file=str(path))
    training = Training()
    document = Document(read_text(path, str(path)), str(path))
    top = document.top(("nlu",))
    read_training(document, top.get("nlu"), language or _LANGUAGES[0], training)
    for intent, utterances in training.utterances.items():
        for utterance in utterances:
            yield _row(utterance.text, intent, language)


def _from_json(path: Path, language: str | None, split: str | None) -> Iterator[Row]:
    for number, line in enumerate(read_text(path, str(path)).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except (ValueError, RecursionError) as error:
            message = "is not JSON; each line must be one object with `text` and `intent`"
            raise CatalogueError(message, file=str(path), line=number) from error
        found = _parse(told, language, path, number)
        if split is None or told.get("split") == split:
            yield found


def _parse(told: Any, language: str | None, path: Path, number: int) -> Row:
    def refuse(message: str) -> NoReturn:
        raise CatalogueError(message, file=str(path), line=number)

    if not isinstance(told, dict):
        refuse('must be an object such as {"text": "…", "intent": "…"}')
    for name in ("text", "intent"):
        value = told.get(name)
        if not isinstance(value, str) or not value.strip():
            refuse(f"`{name}` must be text that is not empty")
    foreign = told.get("oos", False)
    if not isinstance(foreign, bool):
        refuse("`oos` must be true or false")
    spoken = told.get("lang", language)
    if spoken not in {None, *_LANGUAGES}:
        refuse("`lang` must be zh or en")
    return _row(told["text"], OUT_OF_SCOPE if foreign else told["intent"], language or spoken)


def _row(text: str, intent: str, language: str | None) -> Row:
    spoken = language or ("zh" if _HAN.search(text) else "en")
    return Row(text=text, intent=OUT_OF_SCOPE if intent in _FOREIGN else intent, language=spoken)


def _settled(rows: list[Row]) -> list[Row]:
    """The rows in one language when nearly all are: product names make no second language."""
    counts = Counter(row.language for row in rows)
    main = max(_LANGUAGES, key=lambda language: counts[language])
    if len(rows) - counts[main] < len(rows) * _STRAY_SHARE:
        return [replace(row, language=main) for row in rows]
    return rows


def sample(rows: list[Row], per_intent: int) -> list[Row]:
    """The first `per_intent` sentences of each intent of each language."""
    taken: dict[tuple[str, str], int] = {}
    kept = []
    for row in rows:
        key = (row.language, row.intent)
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= per_intent:
            kept.append(row)
    return kept
