"""Reads a catalogue folder: Rasa 3 training data and Markdown articles.

The folder holds `domain.yml`, `rules.yml`, `nlu/{zh,en}/*.yml`, `checks/{zh,en}.yml`,
`responses/*.yml`; articles lie beside it in `articles/{zh,en}/*.md`. What the product does not
support is refused by name: nothing that an editor wrote is left out in silence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from intents.article_files import read_article
from intents.document import Document, read_text
from intents.domain import Domain, read_domain, read_responses, read_rules
from intents.errors import CatalogueError
from intents.model import Article, Catalogue, Intent, Utterance
from intents.training import Training, read_training

SHIPPED_CATALOGUE = Path(__file__).parent / "catalogue"
"""The sample company's catalogue that comes with the product."""

_LANGUAGES = ("zh", "en")


def load_catalogue(folder: Path, *, articles: Path | None = None) -> Catalogue:
    """Read a catalogue.

    Args:
        folder: the catalogue folder.
        articles: the folder of articles; `articles` beside `folder` unless told.

    Raises:
        CatalogueError: a file is missing, broken, or holds something that is not supported;
            it names the file and, where there is one, the line.
    """
    files = _CatalogueFiles(folder, articles)
    domain = read_domain(_document(files.domain, files))
    for path in files.responses:
        read_responses(_document(path, files), domain.responses)
    training = Training()
    checks = Training()
    for language in _LANGUAGES:
        for path in files.nlu(language):
            read_training(_document(path, files), language, training)
        for path in files.checks(language):
            read_training(_document(path, files), language, checks, held_out=True)
    _check_listed(domain, training)
    _check_listed(domain, checks)
    return Catalogue(
        version=files.version(),
        intents=_intents(domain, training, checks),
        responses=domain.responses,
        rules=read_rules(_document(files.rules, files)),
        actions=tuple(domain.actions),
        articles=tuple(_articles(files)),
        synonyms=training.synonyms,
        regexes=training.regexes,
        lookups=training.lookups,
        entities=tuple(domain.entities),
        slots=tuple(domain.slots),
        session_minutes=domain.session_minutes,
    )


def catalogue_version(folder: Path, *, articles: Path | None = None) -> str:
    """Return the version that `load_catalogue` would give, without parsing anything.

    Args:
        folder: the catalogue folder.
        articles: the folder of articles; `articles` beside `folder` unless told.

    Raises:
        CatalogueError: the folder is not there or a file cannot be read.
    """
    return _CatalogueFiles(folder, articles).version()


class _CatalogueFiles:
    """Which files belong to a catalogue, and their names in messages and in the version."""

    def __init__(self, folder: Path, articles: Path | None) -> None:
        if not folder.is_dir():
            message = "is not a folder; name the folder that holds domain.yml"
            raise CatalogueError(message, file=str(folder))
        self._folder = folder
        self._articles = folder.parent / "articles" if articles is None else articles
        self.domain = folder / "domain.yml"
        self.rules = folder / "rules.yml"
        self.responses = sorted((folder / "responses").glob("*.yml"))

    def nlu(self, language: str) -> list[Path]:
        """The training files of a language."""
        return sorted((self._folder / "nlu" / language).glob("*.yml"))

    def checks(self, language: str) -> list[Path]:
        """The held-out examples of a language: one file or none."""
        path = self._folder / "checks" / f"{language}.yml"
        return [path] if path.exists() else []

    def articles(self, language: str) -> list[Path]:
        """The articles of a language."""
        return sorted((self._articles / language).glob("*.md"))

    def name(self, path: Path) -> str:
        """A file's name relative to the catalogue (articles: `articles/…`)."""
        if path.is_relative_to(self._folder):
            return path.relative_to(self._folder).as_posix()
        return f"articles/{path.relative_to(self._articles).as_posix()}"

    def version(self) -> str:
        """First 12 hex digits of SHA-256 over every file's name and bytes."""
        digest = hashlib.sha256()
        for path in self._all():
            try:
                content = path.read_bytes()
            except OSError as error:
                message = f"cannot be read ({error.strerror}); check that it exists and its rights"
                raise CatalogueError(message, file=self.name(path)) from error
            digest.update(f"{self.name(path)}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()[:12]

    def _all(self) -> Iterator[Path]:
        yield from (self.domain, self.rules, *self.responses)
        for language in _LANGUAGES:
            yield from self.nlu(language)
            yield from self.checks(language)
            yield from self.articles(language)


def _document(path: Path, files: _CatalogueFiles) -> Document:
    name = files.name(path)
    return Document(read_text(path, name), name)


def _check_listed(domain: Domain, training: Training) -> None:
    """Refuse an intent or entity that `domain.yml` does not list, as Rasa does."""
    listed = set(domain.intents)
    for name, (document, place) in training.places.items():
        if name not in listed and name.partition("/")[0] not in listed:
            document.refuse(
                place, f"the intent {name!r} is not listed in domain.yml; add it under `intents`"
            )
        for utterance in training.utterances[name]:
            for span in utterance.entities:
                if span.entity not in domain.entities:
                    document.refuse(
                        place,
                        f"the entity {span.entity!r} in {utterance.text!r} is not listed in "
                        "domain.yml; add it under `entities`",
                    )


def _intents(domain: Domain, training: Training, checks: Training) -> tuple[Intent, ...]:
    """Intents in the order of `domain.yml`; a retrieval intent gives one per key."""
    seen = dict.fromkeys((*training.utterances, *checks.utterances))
    return tuple(
        Intent(
            name=name,
            utterances=_tuple(training, name),
            checks=_tuple(checks, name),
        )
        for listed in domain.intents
        for name in [n for n in seen if n.startswith(f"{listed}/")] or [listed]
    )


def _tuple(training: Training, name: str) -> tuple[Utterance, ...]:
    return tuple(training.utterances.get(name, ()))


def _articles(files: _CatalogueFiles) -> Iterator[Article]:
    for language in _LANGUAGES:
        for path in files.articles(language):
            yield read_article(path, files.name(path), language)
