"""One YAML file of the catalogue: its values, and the line of each for messages.

Parsing keeps no positions, because that is several times slower; when something has to be
refused, the file is composed once more with its positions.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

from typing_extensions import override

from intents.errors import CatalogueError

Place = tuple[str | int, ...]
"""The way to a value inside a file: keys and list positions."""


def read_text(path: Path, name: str) -> str:
    """Return the UTF-8 text of a catalogue file.

    Args:
        path: the file.
        name: what messages call it.

    Raises:
        CatalogueError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = "is not UTF-8; save it again with UTF-8 encoding"
        raise CatalogueError(message, file=name, line=line) from error
    except OSError as error:
        message = f"cannot be read ({error.strerror}); check that it exists and its rights"
        raise CatalogueError(message, file=name) from error


# No database and no JSON holds all of these. In YAML those that cannot stand in a file may be
# written as escapes.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPE = re.compile(r"\\[0abvfeNxuU]")


def refuse_unfit(text: str, name: str, line: int) -> None:
    """Refuse control characters and halves of surrogate pairs in a text.

    Args:
        text: what a file holds.
        name: the file's name in messages.
        line: the 1-based line at which `text` starts in that file.

    Raises:
        CatalogueError: it holds one; names line and remedy.
    """
    if found := _UNFIT.search(text):
        place = line + text.count("\n", 0, found.start())
        raise CatalogueError(_unfit(found), file=name, line=place)


def _unfit(found: re.Match[str]) -> str:
    return f"holds the control character U+{ord(found[0]):04X}; remove it"


Watch = Callable[[int], None]
"""Is told how many more bytes were read."""


class _Watched(io.StringIO):
    """A text that tells how far it was read."""

    def __init__(self, text: str, watch: Watch) -> None:
        super().__init__(text)
        self._watch = watch

    @override
    def read(self, size: int | None = -1, /) -> str:
        part = super().read(size)
        self._watch(len(part.encode()))
        return part


class Document:
    """A parsed YAML 1.2 file.

    Args:
        text: the YAML text.
        name: the file's name in messages.
        first_line: the 1-based line at which `text` starts in that file.
        watch: is told how far a large file was read.

    Raises:
        CatalogueError: the text is not YAML.
    """

    def __init__(
        self, text: str, name: str, *, first_line: int = 1, watch: Watch | None = None
    ) -> None:
        self._text = text
        self.name = name
        self._first_line = first_line
        self.data: Any = self._parse(watch)
        if _ESCAPE.search(text) or _UNFIT.search(text):
            self._refuse_unfit()

    def _parse(self, watch: Watch | None) -> Any:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        source = self._text if watch is None else _Watched(self._text, watch)
        try:
            return YAML(typ="safe", pure=True).load(source)
        except RecursionError as error:
            message = "is nested too deep; no catalogue needs more than ten levels"
            raise CatalogueError(message, file=self.name) from error
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = None if mark is None else mark.line + self._first_line
            problem = (error.problem or error.context or "unreadable").splitlines()[0]
            message = f"is not valid YAML: {problem}; check indentation, quotes and colons"
            raise CatalogueError(message, file=self.name, line=line) from error
        except (YAMLError, ValueError) as error:
            message = f"is not valid YAML: {str(error).splitlines()[0]}"
            raise CatalogueError(message, file=self.name) from error

    def _refuse_unfit(self) -> None:
        """Looks at every value once, however many aliases it has."""
        seen: set[int] = set()
        waiting: list[tuple[Place, Any]] = [((), self.data)]
        while waiting:
            place, value = waiting.pop()
            if isinstance(value, str):
                if found := _UNFIT.search(value):
                    self.refuse(place, _unfit(found))
            elif isinstance(value, dict | list) and id(value) not in seen:
                seen.add(id(value))
                if isinstance(value, dict):
                    waiting += [((*place, key), key) for key in value]
                steps = value.items() if isinstance(value, dict) else enumerate(value)
                waiting += [((*place, step), inner) for step, inner in steps]

    def line_of(self, place: Place, *, inside: int | None = None) -> int | None:
        """Return the 1-based line of the value at `place`.

        Args:
            place: keys and positions from the top of the file.
            inside: the 0-based line within a block text (`|`) at that place.
        """
        from ruamel.yaml import YAML

        node = YAML(typ="safe", pure=True).compose(self._text)
        line = None if node is None else node.start_mark.line
        for step in place:
            child = _child(node, step)
            if child is None:
                break
            key, node = child
            line = key.start_mark.line
        if line is None:
            return None
        if inside is not None:
            line = node.start_mark.line + 1 + inside
        return int(line) + self._first_line

    def refuse(self, place: Place, message: str, *, inside: int | None = None) -> NoReturn:
        """Raise a `CatalogueError` that points at `place`."""
        line = self.line_of(place, inside=inside)
        raise CatalogueError(message, file=self.name, line=line)

    def mapping(self, value: Any, place: Place, what: str) -> Mapping[str, Any]:
        """Return `value` as a mapping with text keys, or refuse it."""
        if not isinstance(value, dict):
            self.refuse(place, f"{what} must be a block of `key: value` lines")
        for key in value:
            if not isinstance(key, str):
                self.refuse(place, f"{what}: the key {key!r} must be text; put it in quotes")
        return value

    def items(self, value: Any, place: Place, what: str) -> list[Any]:
        """Return `value` as a list, or refuse it."""
        if not isinstance(value, list):
            self.refuse(place, f"{what} must be a list of `- …` lines")
        return value

    def text(self, value: Any, place: Place, what: str) -> str:
        """Return `value` as text that is not empty, or refuse it."""
        if not is_text(value):
            self.refuse(
                place, f"{what} must be text; write it, in quotes if it looks like a number"
            )
        return value

    def only(
        self, mapping: Mapping[str, Any], place: Place, what: str, allowed: tuple[str, ...]
    ) -> None:
        """Refuse keys of `mapping` that are not in `allowed`, by name."""
        for key in mapping:
            if key not in allowed:
                known = ", ".join(f"`{name}`" for name in allowed)
                self.refuse(
                    (*place, key), f"{what}: `{key}` is not supported; remove it (known: {known})"
                )

    def top(self, allowed: tuple[str, ...]) -> Mapping[str, Any]:
        """Return the file's top level after checking its keys and Rasa's format version."""
        top = self.mapping(self.data, (), "the file")
        self.only(top, (), "the file", ("version", *allowed))
        if top.get("version", "3.1") not in {"3.0", "3.1"}:
            self.refuse(("version",), 'must say `version: "3.1"` (with quotes) at the top')
        return top

    def examples(self, entry: Mapping[str, Any], place: Place) -> Iterator[tuple[int, str]]:
        """Yield the `- ` lines of a block text `examples: |` with their 0-based positions."""
        block = entry.get("examples")
        here = (*place, "examples")
        if not is_text(block):
            self.refuse(here, "`examples: |` must be followed by indented lines `- an example`")
        for number, raw in enumerate(block.split("\n")):
            line = raw.strip()
            if not line:
                continue
            if not line.startswith("- ") or not line[2:].strip():
                self.refuse(here, "each example stands on its own line `- text`", inside=number)
            yield number, line[2:].strip()


def is_text(value: Any) -> TypeGuard[str]:
    """Whether `value` is a string with something in it."""
    return isinstance(value, str) and bool(value.strip())


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:
    """The key node and value node one step down, or None when there is no such step."""
    value = getattr(node, "value", None)
    if not isinstance(value, list):
        return None
    if isinstance(step, int):
        return (value[step], value[step]) if step < len(value) else None
    for pair in value:
        if isinstance(pair, tuple) and pair[0].value == step:
            return pair
    return None
