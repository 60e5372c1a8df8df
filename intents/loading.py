"""Reads a catalogue folder: Rasa 3 training data and Markdown articles.

The folder holds `domain.yml`, `rules.yml`, `dialogue.yml`, `nlu/{zh,en}/*.yml`,
`checks/{zh,en}.yml`, `responses/*.yml`, `trees/*.yml`; articles lie beside it in
`articles/{zh,en}/*.md`. A Rasa project's `domain/` and `data/` are read as well. What the
product does not support is refused by name: nothing that an editor wrote is left out in
silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intents.article_files import read_article
from intents.document import Document, read_text
from intents.domain import PARTS, Domain, finish_domain, read_domain
from intents.files import LANGUAGES, CatalogueFiles
from intents.flows import Flows, finish_flows, read_rules, read_stories
from intents.model import Article, Catalogue, Intent, Note, PeopleFirst, Tree, Utterance
from intents.responses import Responses, read_responses
from intents.slots import read_optional
from intents.training import Training, read_training
from intents.trees import read_people_first, read_trees

SHIPPED_CATALOGUE = Path(__file__).parent / "catalogue"
"""The sample company's catalogue that comes with the product."""

Progress = Callable[[float], None]
_OWN_KEYS = ("people_first", "optional_slots")
_KEYS = ("nlu", *PARTS, "responses", "rules", "stories", "trees", *_OWN_KEYS)


@dataclass(slots=True)
class _Gathered:
    """What the files hold, read one after another."""

    domain: Domain = field(default_factory=Domain)
    training: Training = field(default_factory=Training)
    checks: Training = field(default_factory=Training)
    responses: Responses = field(default_factory=dict)
    flows: Flows = field(default_factory=Flows)
    trees: list[Tree] = field(default_factory=list)
    people_first: PeopleFirst = field(default_factory=PeopleFirst)


def load_catalogue(
    folder: Path, *, articles: Path | None = None, progress: Progress | None = None
) -> Catalogue:
    """Read a catalogue.

    Args:
        folder: the catalogue folder, or a Rasa project's.
        articles: the folder of articles; `articles` beside `folder` unless told.
        progress: is told which share of the files was read, from 0 to 1.

    Raises:
        CatalogueError: a file is missing, broken, or holds something that is not supported;
            it names the file and, where there is one, the line.
    """
    files = CatalogueFiles(folder, articles)
    gathered = _Gathered()
    _read_all(_Reader(files, progress), gathered)
    domain, training = gathered.domain, gathered.training
    _check_listed(domain, training)
    _check_listed(domain, gathered.checks)
    return Catalogue(
        version=files.version(),
        intents=_intents(domain, training, gathered.checks),
        responses=gathered.responses,
        rules=finish_flows(gathered.flows, domain.slots),
        actions=tuple(domain.actions),
        articles=tuple(_articles(files)),
        synonyms=training.synonyms,
        regexes=training.regexes,
        lookups=training.lookups,
        entities=tuple(domain.entities),
        slots=tuple(domain.slots),
        forms=tuple(domain.forms),
        trees=tuple(gathered.trees),
        people_first=gathered.people_first,
        session_minutes=domain.session_minutes,
        notes=(
            *(Note(place=name, message=why) for name, why in files.unused()),
            *domain.notes,
            *training.notes,
        ),
    )


def catalogue_version(folder: Path, *, articles: Path | None = None) -> str:
    """Return the version that `load_catalogue` would give, without parsing anything.

    Args:
        folder: the catalogue folder.
        articles: the folder of articles; `articles` beside `folder` unless told.

    Raises:
        CatalogueError: the folder is not there or a file cannot be read.
    """
    return CatalogueFiles(folder, articles).version()


class _Reader:
    """Reads the files of a catalogue and tells how far it is."""

    def __init__(self, files: CatalogueFiles, progress: Progress | None) -> None:
        self.files = files
        self._progress = progress
        self._read = 0

    def document(self, path: Path) -> Document:
        """A file, parsed."""
        name = self.files.name(path)
        watch = self._watch if self._progress is not None else None
        return Document(read_text(path, name), name, watch=watch)

    def _watch(self, count: int) -> None:
        self._read += count
        if self._progress is not None and count:
            self._progress(min(1.0, self._read / self.files.size))


def _read_all(reader: _Reader, into: _Gathered) -> None:
    """Every file once; slots and flows last, for they name what other files list."""
    files = reader.files
    opened: list[tuple[Document, str | None]] = [
        (reader.document(path), None) for path in files.main
    ]
    for own in LANGUAGES:
        opened += [(reader.document(path), own) for path in files.nlu(own)]
    tops = [(document, language, _top(document)) for document, language in opened]
    for document, language, top in tops:
        read_domain(document, top, into.domain)
        if "nlu" in top:
            read_training(document, top["nlu"], language, into.training)
        if "responses" in top:
            read_responses(document, top["responses"], into.responses, language or "en")
        if "trees" in top:
            into.trees += read_trees(document, top["trees"])
        if "people_first" in top:
            into.people_first = read_people_first(document, top["people_first"])
    finish_domain(into.domain)
    _read_late(tops, into)
    for held_out in LANGUAGES:
        for path in files.checks(held_out):
            document = reader.document(path)
            top = document.top(("nlu",))
            read_training(document, top.get("nlu"), held_out, into.checks, held_out=True)


def _read_late(
    tops: list[tuple[Document, str | None, Mapping[str, Any]]], into: _Gathered
) -> None:
    """What names slots and forms, when all files have been read for them."""
    for document, _, top in tops:
        if "rules" in top:
            read_rules(document, top["rules"], into.flows, into.domain.slots)
        if "stories" in top:
            read_stories(document, top["stories"], into.flows)
        if "optional_slots" in top:
            into.domain.forms = read_optional(document, top["optional_slots"], into.domain.forms)


def _top(document: Document) -> Mapping[str, Any]:
    top = document.top(_KEYS)
    if not any(key in top for key in _KEYS):
        document.refuse((), "holds nothing; write `nlu:`, `rules:`, `responses:` or the like")
    return top


def _check_listed(domain: Domain, training: Training) -> None:
    """Refuse an intent or entity that the domain does not list, as Rasa does."""
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
    """Intents in the order of the domain; a retrieval intent gives one per key."""
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


def _articles(files: CatalogueFiles) -> Iterator[Article]:
    for language in LANGUAGES:
        for path in files.articles(language):
            yield read_article(path, files.name(path), language)
