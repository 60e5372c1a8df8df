"""Imports and exports a catalogue: Rasa YAML as a folder or ZIP, CSV, XLSX.

An import is applied whole or not at all: the new catalogue is written beside the old one and
takes its place only when it reads back and holds no errors.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from intents.document import read_text
from intents.errors import CatalogueError
from intents.files import MOST_BYTES
from intents.findings import Finding, Severity
from intents.loading import Progress, load_catalogue
from intents.model import Catalogue
from intents.tables import merge_rows, read_csv, read_xlsx, to_csv, to_xlsx
from intents.validation import check_catalogue
from intents.writing import write_catalogue

Tell = Callable[[str, float], None]
_MOST_FILES = 2000


class RefusedError(Exception):
    """The import holds mistakes; nothing was applied. `findings` lists them."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(f"{len(findings)} errors; nothing was imported")


def export_catalogue(catalogue: Catalogue, target: Path) -> None:
    """Write a catalogue to `target`: by its ending a ZIP, CSV or XLSX file, a folder without one.

    Raises:
        CatalogueError: the ending is another, the folder is not empty, or something cannot
            be written.
    """
    suffix = target.suffix.casefold()
    if suffix in {".csv", ".xlsx"}:
        content = to_csv(catalogue) if suffix == ".csv" else to_xlsx(catalogue)
    elif suffix == ".zip":
        content = _zipped(write_catalogue(catalogue))
    elif suffix:
        message = "cannot be written; name a new folder, or a .zip, .csv or .xlsx file"
        raise CatalogueError(message, file=str(target))
    else:
        if target.exists() and any(target.iterdir()):
            message = "is not empty; name a new folder, or a .zip, .csv or .xlsx file"
            raise CatalogueError(message, file=str(target))
        _write(write_catalogue(catalogue), target)
        return
    half = target.with_name(f".{target.name}.part")
    half.write_bytes(content)
    half.replace(target)


def import_catalogue(
    source: Path,
    folder: Path,
    *,
    articles: Path | None = None,
    tell: Tell = lambda _step, _done: None,
) -> tuple[Catalogue, list[Finding]]:
    """Put what `source` holds into the catalogue folder.

    A Rasa project (folder or ZIP) replaces the catalogue; a table (CSV, XLSX) replaces the
    sentences and texts it names.

    Args:
        source: a folder, or a .zip, .csv or .xlsx file.
        folder: the catalogue's folder; made when it does not exist (then no table).
        articles: the folder of articles, when it does not lie beside `folder`.
        tell: is told what is being done and how far it is, from 0 to 1.

    Returns:
        The catalogue as it is now, and what should still be looked at.

    Raises:
        CatalogueError: the source cannot be read; it names file, line and remedy.
        RefusedError: it can be read and holds mistakes.
    """
    _refuse_large(source)
    _put_back(folder)
    with tempfile.TemporaryDirectory() as place:
        catalogue = _read(
            source, folder, Path(place), articles, lambda done: tell("reading", 0.45 * done)
        )
    beside = folder.parent / "articles" if articles is None else articles
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        tell("writing", 0.45)
        _write(write_catalogue(catalogue), new)
        written = load_catalogue(
            new, articles=beside, progress=lambda done: tell("reading back", 0.5 + 0.35 * done)
        )
        written = replace(written, notes=catalogue.notes)
        tell("checking", 0.85)
        findings = check_catalogue(written)
        wrong = [each for each in findings if each.severity is Severity.ERROR]
        if wrong:
            raise RefusedError(wrong)
        _take_place(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return written, findings


def _put_back(folder: Path) -> None:
    """An import that died between the two renames left the old folder aside."""
    old = folder.with_name(f".{folder.name}.old")
    if old.is_dir() and not folder.exists():
        old.rename(folder)


def _take_place(new: Path, folder: Path) -> None:
    """Swap the folders; the old one is put back when the new one cannot take its place."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _refuse_large(source: Path) -> None:
    if source.is_file() and source.stat().st_size > MOST_BYTES:
        size = source.stat().st_size / 1_000_000
        message = (
            f"has {size:.0f} MB; more than {MOST_BYTES // 1_000_000} MB is not read; split it"
        )
        raise CatalogueError(message, file=str(source))


def _read(
    source: Path, folder: Path, place: Path, articles: Path | None, progress: Progress
) -> Catalogue:
    suffix = source.suffix.casefold()
    if source.is_dir():
        return load_catalogue(source, articles=place, progress=progress)
    if not source.is_file():
        message = "does not exist; name a folder, or a .zip, .csv or .xlsx file"
        raise CatalogueError(message, file=str(source))
    if suffix == ".zip":
        project = _unzipped(source, place / "project")
        return load_catalogue(project, articles=place, progress=progress)
    if suffix not in {".csv", ".xlsx"}:
        read_text(source, source.name)
        message = "cannot be imported; name a folder, or a .zip, .csv or .xlsx file"
        raise CatalogueError(message, file=source.name)
    rows = (read_csv if suffix == ".csv" else read_xlsx)(source.read_bytes(), source.name)
    progress(0.4)
    return merge_rows(load_catalogue(folder, articles=articles), rows, source.name)


def _unzipped(source: Path, target: Path) -> Path:
    """Unpack the YAML files of a ZIP; the folder in it that holds the domain."""
    try:
        with zipfile.ZipFile(source) as archive:
            _refuse_bomb(archive, source.name)
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                if entry.is_dir() or path.is_absolute() or ".." in path.parts:
                    continue
                if path.suffix not in {".yml", ".yaml", ".md", ".json"}:
                    continue
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                (target / path).write_bytes(archive.read(entry))
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as error:
        message = f"is not a ZIP file that can be read ({error}); pack it again"
        raise CatalogueError(message, file=source.name) from error
    for found in sorted(target.rglob("domain*"), key=lambda path: len(path.parts)):
        if found.name in {"domain", "domain.yml", "domain.yaml"}:
            return found.parent
    message = "holds no domain.yml; pack the whole project"
    raise CatalogueError(message, file=source.name)


def _refuse_bomb(archive: zipfile.ZipFile, name: str) -> None:
    entries = archive.infolist()
    if len(entries) > _MOST_FILES or sum(e.file_size for e in entries) > MOST_BYTES:
        message = (
            f"unpacks to more than {_MOST_FILES} files or {MOST_BYTES // 1_000_000} MB; "
            "pack the catalogue alone"
        )
        raise CatalogueError(message, file=name)


def _zipped(files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _write(files: Mapping[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
