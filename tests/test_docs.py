"""The guides name what exists, and what they link to exists."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from channels.registry import kind_names
from gateway.__main__ import build_parser
from gateway.settings import PREFIX, Settings
from scripts.notice import current_notice

ROOT = Path(__file__).parent.parent
GUIDES = [
    path
    for path in sorted(ROOT.rglob("*.md"))
    if not {"node_modules", ".venv", "articles"} & set(path.parts)
]


def text(*names: str) -> str:
    return "\n".join((ROOT / name).read_text("utf-8") for name in names)


def none(missing: list[str]) -> None:
    assert not missing, "\n".join(missing)


def commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield each command line that `yingda` understands, without its options."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                below = list(commands(child))
                yield from [f"{name} {rest}" for rest in below] or [name]


def test_every_channel_has_its_section() -> None:
    headings = re.findall(r"^#+ +`?(\w+)`?$", text("channels/README.md"), re.MULTILINE)
    none([kind for kind in kind_names() if kind not in headings])


def test_every_setting_is_described() -> None:
    guide = text("README.md", "ARCHITECTURE.md")
    names = [PREFIX + field.name.upper() for field in fields(Settings)]
    none([name for name in names if not re.search(rf"\b{name}\b", guide)])


def test_every_make_target_is_described() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE)
    assert {"run", "test", "check", "bench", "help"} <= set(targets)
    guide = text("README.md", "CONTRIBUTING.md")
    none([name for name in targets if f"make {name}" not in guide])


def test_every_command_is_described() -> None:
    guide = text("README.md", "ARCHITECTURE.md")
    none([name for name in commands(build_parser()) if f"yingda {name}" not in guide])


def test_no_guide_names_a_command_or_target_that_is_not_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    first_words = {name.split()[0] for name in commands(build_parser())}
    guide = text("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "channels/README.md")
    code = " ".join(re.findall(r"`[^`\n]+`|^ {4}.*$|```.*?```", guide, re.DOTALL | re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", code)) - targets == set()
    assert set(re.findall(r"\byingda ([a-z]+)", code)) - first_words == set()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(guide: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", guide.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", prose)
    local = [a or b for a, b in links if not re.match(r"[a-z]+:|#|/", a or b)]
    broken = [link for link in local if not (guide.parent / link.split("#")[0]).exists()]
    none(broken)


def test_notice_is_up_to_date() -> None:
    assert text("NOTICE") == current_notice(), "run: make notice"


def test_notice_says_under_what_a_bundle_is_distributed() -> None:
    notice = text("NOTICE")
    assert "GPL-3.0-or-later" in notice
    assert "distributes that bundle as a whole under the GPL" in notice
    for name, version in re.findall(
        r"^([a-z0-9-]+)==([^ \\;]+)", text("constraints.txt"), re.MULTILINE
    ):
        assert re.search(rf"^{name} {re.escape(version)}: \S", notice, re.MULTILINE), name


def test_pinned_files_carry_hashes_and_no_addresses() -> None:
    for name in ("constraints.txt", "constraints-dev.txt"):
        content = text(name)
        assert "://" not in content
        assert re.findall(r"^-.*", content, re.MULTILINE) == []
        pins = re.split(r"^(?=[a-z0-9-]+==)", content, flags=re.MULTILINE)[1:]
        assert len(pins) > 60
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
    lock = text("gateway/console/package-lock.json")
    assert '"resolved": "http' not in lock


def test_development_pins_agree_with_the_shipped_ones() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==[^ \\;]+", text(name), re.MULTILINE))

    assert pins("constraints.txt") - pins("constraints-dev.txt") == set()


def test_every_dependency_is_pinned() -> None:
    project = text("pyproject.toml")
    stated = re.findall(r'^  "([A-Za-z0-9.-]+)(?:\[\w+\])?>=', project, re.MULTILINE)
    assert len(stated) > 30
    pinned = text("constraints-dev.txt")
    names = [re.sub(r"[._]", "-", name.lower()) for name in stated]
    none([name for name in names if f"\n{name}==" not in pinned])
