"""Rules of the house that a reviewer would otherwise repeat."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("gateway", "channels", "bot", "intents")
NAMELESS = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "core"}
# Written in two parts, so that this file keeps its own rule.
UNFINISHED = re.compile(
    "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3 + r"\b", "Not" + "ImplementedError"])
)
FOREIGN = {".json", ".lock", ".woff2", ".png", ".svg", ".eml", ".gz"}


def modules() -> list[Path]:
    """Return every Python file of the four packages."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in found if "node_modules" not in path.parts)


def written_files() -> Iterator[Path]:
    """Yield every text that people wrote: sources, tests, data, guides, build files."""
    for top in (*PACKAGES, "tests", "scripts", ".ci"):
        for path in (ROOT / top).rglob("*"):
            hidden = {"node_modules", "dist", "__pycache__"} & set(path.parts)
            if path.is_file() and not hidden and path.suffix not in FOREIGN:
                yield path
    for path in ROOT.iterdir():
        if path.is_file() and not path.name.startswith("constraints") and path.name != "LICENSE":
            yield path


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    return {named(path): ast.parse(path.read_text("utf-8")) for path in modules()}


def test_every_public_module_says_what_it_is_for(trees: dict[str, ast.Module]) -> None:
    silent = [name for name, tree in trees.items() if not ast.get_docstring(tree)]
    assert not silent, "\n".join(silent)


def test_module_names_are_nouns_of_the_field() -> None:
    vague = [named(path) for path in modules() if {path.stem, path.parent.name} & NAMELESS]
    assert not vague, "\n".join(vague)


def test_nothing_is_left_for_later() -> None:
    left = [
        f"{named(path)}:{number} {line.strip()[:80]}"
        for path in written_files()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not left, "\n".join(left)


def test_every_package_is_typed() -> None:
    assert [name for name in PACKAGES if not (ROOT / name / "py.typed").exists()] == []
