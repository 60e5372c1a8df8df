"""Which files of a folder belong to a catalogue: our own layout, and a Rasa project's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from intents.errors import CatalogueError

MOST_BYTES = 50_000_000
"""More than that in one catalogue is refused: it would be read for many minutes."""

LANGUAGES = ("zh", "en")
_YAML = (".yml", ".yaml")
_OWN = ("rules", "dialogue", "domain")
_OWN_FOLDERS = ("responses", "trees", "domain", "data")
_UNUSED = {
    "config.yml": "the pipeline and policies of Rasa are not used; the built-in engine trains",
    "credentials.yml": "Rasa's channels are not used; channels are inboxes of the console",
    "endpoints.yml": "Rasa's servers are not used; see the settings of the bot",
}


class CatalogueFiles:
    """The files of a catalogue, and their names in messages and in the version.

    Args:
        folder: the catalogue folder, or a Rasa project's.
        articles: the folder of articles; `articles` beside `folder` unless told.

    Raises:
        CatalogueError: the folder is not there, has no domain, or holds too much.
    """

    def __init__(self, folder: Path, articles: Path | None = None) -> None:
        if not folder.is_dir():
            message = "is not a folder; name the folder that holds domain.yml"
            raise CatalogueError(message, file=str(folder))
        self._folder = folder
        self._articles = folder.parent / "articles" if articles is None else articles
        self.main = tuple(self._main())
        self.size = self._measure()

    def nlu(self, language: str) -> list[Path]:
        """The training files of a language in our own layout."""
        return _yaml_in(self._folder / "nlu" / language)

    def checks(self, language: str) -> list[Path]:
        """The held-out examples of a language: one file or none."""
        path = self._folder / "checks" / f"{language}.yml"
        return [path] if path.exists() else []

    def articles(self, language: str) -> list[Path]:
        """The articles of a language."""
        return sorted((self._articles / language).glob("*.md"))

    def unused(self) -> Iterator[tuple[str, str]]:
        """Files of a Rasa project that have no effect here, and why."""
        for name, why in _UNUSED.items():
            if (self._folder / name).exists():
                yield name, why
        if any(_yaml_in(self._folder / "tests")):
            yield "tests/", "test stories of Rasa are not run; checks lie in checks/"
        if any((self._folder / "actions").glob("*.py")):
            yield "actions/", "Python actions are not loaded from a catalogue"

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

    def _main(self) -> Iterator[Path]:
        """Domain, rules, stories, responses and what a Rasa project has in `data`."""
        for name in _OWN:
            yield from (
                path for suffix in _YAML if (path := self._folder / f"{name}{suffix}").is_file()
            )
        if not any((self._folder / f"domain{s}").exists() for s in ("", *_YAML)):
            message = "does not exist; the catalogue's folder must hold it"
            raise CatalogueError(message, file="domain.yml")
        for name in _OWN_FOLDERS:
            yield from _yaml_in(self._folder / name)
        for path in sorted((self._folder / "data").rglob("*")):
            if path.suffix in {".md", ".json"}:
                message = (
                    "is an old format of Rasa; run `rasa data convert nlu` (Rasa 2) and keep YAML"
                )
                raise CatalogueError(message, file=self.name(path))

    def _measure(self) -> int:
        """Bytes of all files together."""
        total = 0
        for path in self._all():
            total += path.stat().st_size if path.exists() else 0
            if total > MOST_BYTES:
                message = (
                    f"the catalogue is larger than {MOST_BYTES // 1_000_000} MB; "
                    "split it, or remove what was not written for it"
                )
                raise CatalogueError(message, file=self.name(path))
        return total

    def _all(self) -> Iterator[Path]:
        yield from self.main
        for language in LANGUAGES:
            yield from self.nlu(language)
            yield from self.checks(language)
            yield from self.articles(language)


def _yaml_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in _YAML and path.is_file())
