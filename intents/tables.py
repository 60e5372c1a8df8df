"""A catalogue's sentences and texts as a table: CSV, or XLSX by openpyxl.

Columns: `kind` (utterance, check or response), `name` (of the intent or response), `language`,
`text` (utterances in Rasa's notation), `buttons` (`Title=/payload`, one a line), `channel`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from intents.document import Document, refuse_unfit
from intents.errors import CatalogueError
from intents.model import (
    Button,
    Catalogue,
    Intent,
    ResponseVariant,
    Rule,
    Utterance,
)
from intents.training import Training, read_training
from intents.writing import LANGUAGES, annotate

COLUMNS = ("kind", "name", "language", "text", "buttons", "channel")
_KINDS = ("utterance", "check", "response")
_NEEDED = ("kind", "name", "language", "text")
_FORMULA = re.compile(r"^[=+\-@\t\r]")
_MOST_ROWS = 500_000
_MOST_UNPACKED = 500_000_000  # bytes of a workbook
_MOST_CELL = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `line` is its 1-based number in the file."""

    line: int
    cells: Mapping[str, str]


def table_rows(catalogue: Catalogue) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a catalogue, the heading first."""
    yield COLUMNS
    for intent in catalogue.intents:
        for kind, utterances in (("utterance", intent.utterances), ("check", intent.checks)):
            for each in utterances:
                yield (kind, intent.name, each.language, annotate(each), "", "")
    for name, variants in catalogue.responses.items():
        for variant in variants:
            buttons = "\n".join(f"{b.title}={b.payload}" for b in variant.buttons)
            channel = variant.channel or ""
            yield ("response", name, variant.language, variant.text, buttons, channel)


def to_csv(catalogue: Catalogue) -> bytes:
    """Return a CSV file that Excel opens in UTF-8; cells that look like formulas are quoted."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in table_rows(catalogue):
        writer.writerow([f"'{cell}" if _FORMULA.match(cell) else cell for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def to_xlsx(catalogue: Catalogue) -> bytes:
    """Return an XLSX workbook; every cell is text."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("catalogue")
    for row in table_rows(catalogue):
        sheet.append([f"'{cell}" if _FORMULA.match(cell) else cell for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_csv(content: bytes, name: str) -> list[Row]:
    """Return the rows of a CSV file.

    Raises:
        CatalogueError: it is not UTF-8, or a column is missing.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = "is not UTF-8; in Excel save it as `CSV UTF-8`"
        raise CatalogueError(message, file=name, line=line) from error
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        return _rows(((reader.line_num, row) for row in reader), name)
    except csv.Error as error:
        message = f"is not a CSV file: {error}; save it as `CSV UTF-8` again"
        raise CatalogueError(message, file=name, line=reader.line_num) from error


def read_xlsx(content: bytes, name: str) -> list[Row]:
    """Return the rows of an XLSX workbook's first sheet.

    Raises:
        CatalogueError: it is not an XLSX workbook, unpacks to too much, or a column is missing.
    """
    import zipfile
    import zlib
    from xml.etree.ElementTree import ParseError

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
                message = f"unpacks to more than {_MOST_UNPACKED // 1_000_000} MB; split it"
                raise CatalogueError(message, file=name)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        values = book.worksheets[0].iter_rows(values_only=True, max_col=len(COLUMNS) + 10)
        numbered = (
            (line, ["" if cell is None else str(cell) for cell in row])
            for line, row in enumerate(values, 1)
        )
        return _rows(numbered, name)
    except (
        zipfile.BadZipFile,
        zlib.error,
        InvalidFileException,
        ParseError,
        KeyError,
        ValueError,
        IndexError,
    ) as error:
        message = "is not an XLSX workbook; save it as .xlsx again"
        raise CatalogueError(message, file=name) from error


def _rows(numbered: Iterator[tuple[int, list[str]]], name: str) -> list[Row]:
    _, first = next(numbered, (1, []))
    heading = [cell.strip().casefold() for cell in first]
    for column in _NEEDED:
        if column not in heading:
            message = f"has no column `{column}`; the first line must hold: {', '.join(COLUMNS)}"
            raise CatalogueError(message, file=name, line=1)
    found = []
    for line, row in numbered:
        cells = dict(zip(heading, map(_cell, row), strict=False))
        for cell in cells.values():
            refuse_unfit(cell, name, line)
        if any(cells.values()):
            found.append(Row(line, cells))
        if len(found) > _MOST_ROWS:
            message = f"has more than {_MOST_ROWS:,} rows; split it"
            raise CatalogueError(message, file=name)
    return found


def _cell(value: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from reading a formula."""
    text = value.strip()
    return text[1:] if text[:1] == "'" and _FORMULA.match(text[1:]) else text


def merge_rows(catalogue: Catalogue, rows: Iterable[Row], name: str) -> Catalogue:
    """Return the catalogue with a table's sentences and texts in place of its own.

    For every intent, kind and language that the table holds, its sentences replace those of
    the catalogue, and so do its responses by name; the rest stays. A new intent whose
    response `utter_<intent>` is in the table gets the rule that says it.

    Raises:
        CatalogueError: a row is wrong; it names the line.
    """
    sentences: dict[tuple[str, str, str], list[Utterance]] = {}
    responses: dict[str, list[ResponseVariant]] = {}
    training = Training()
    document = Document("{}", name)
    for row in rows:
        kind, own, language = (_choice(row, name, *each) for each in _CHECKED)
        text = row.cells["text"]
        if not text or len(text) > _MOST_CELL:
            message = f"`text` must have 1 to {_MOST_CELL:,} characters"
            raise CatalogueError(message, file=name, line=row.line)
        if kind == "response":
            responses.setdefault(own, []).append(_variant(row, name, language))
        else:
            utterance = _utterance(row, document, language, training)
            sentences.setdefault((own, kind, language), []).append(utterance)
    synonyms = catalogue.synonyms | training.synonyms
    return replace(
        catalogue,
        intents=_merged(catalogue, sentences),
        responses=catalogue.responses | {n: tuple(found) for n, found in responses.items()},
        rules=(*catalogue.rules, *_new_rules(catalogue, sentences, responses)),
        synonyms=synonyms,
    )


_CHECKED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("kind", _KINDS),
    ("name", ()),
    ("language", LANGUAGES),
)


def _choice(row: Row, name: str, column: str, allowed: tuple[str, ...]) -> str:
    value = row.cells.get(column, "")
    if not value or (allowed and value not in allowed):
        wanted = f"must be one of {', '.join(allowed)}" if allowed else "must not be empty"
        message = f"`{column}` {wanted}"
        raise CatalogueError(message, file=name, line=row.line)
    return value


def _utterance(row: Row, document: Document, language: str, training: Training) -> Utterance:
    intent = row.cells["name"]
    text = " ".join(row.cells["text"].split())
    entry: dict[str, Any] = {"intent": intent, "examples": [{"text": text}]}
    own = Training(synonyms=training.synonyms)
    try:
        read_training(document, [entry], language, own)
    except CatalogueError as error:
        raise CatalogueError(error.message, file=document.name, line=row.line) from error
    return own.utterances[intent][0]


def _variant(row: Row, name: str, language: str) -> ResponseVariant:
    if not row.cells["name"].startswith("utter_"):
        message = f"the response {row.cells['name']!r} must be named `utter_…`"
        raise CatalogueError(message, file=name, line=row.line)
    buttons = []
    for line in row.cells.get("buttons", "").splitlines():
        title, _, payload = line.strip().rpartition("=")
        if not title or not payload.startswith("/"):
            message = f"the button {line!r} must be like `Title=/intent`"
            raise CatalogueError(message, file=name, line=row.line)
        buttons.append(Button(title=title.strip(), payload=payload))
    return ResponseVariant(
        text=row.cells["text"],
        language=language,
        buttons=tuple(buttons),
        channel=row.cells.get("channel") or None,
    )


def _merged(
    catalogue: Catalogue, sentences: Mapping[tuple[str, str, str], list[Utterance]]
) -> tuple[Intent, ...]:
    known = {intent.name: intent for intent in catalogue.intents}
    names = dict.fromkeys((*known, *(name for name, _, _ in sentences)))
    merged = []
    for name in names:
        old = known.get(name, Intent(name=name, utterances=()))
        parts = {
            kind: tuple(
                each
                for language in LANGUAGES
                for each in sentences.get(
                    (name, kind, language), [u for u in own if u.language == language]
                )
            )
            for kind, own in (("utterance", old.utterances), ("check", old.checks))
        }
        merged.append(Intent(name=name, utterances=parts["utterance"], checks=parts["check"]))
    return tuple(merged)


def _new_rules(
    catalogue: Catalogue,
    sentences: Mapping[tuple[str, str, str], list[Utterance]],
    responses: Mapping[str, Any],
) -> Iterator[Rule]:
    known = catalogue.intent_names()
    for name in dict.fromkeys(name for name, _, _ in sentences):
        if name not in known and f"utter_{name}" in responses:
            yield Rule(name=name, intent=name, steps=(f"utter_{name}",))
