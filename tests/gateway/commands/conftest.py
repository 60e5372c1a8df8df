"""The command line as a person uses it, run in this process."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from gateway.__main__ import main
from gateway.commands import user

CATALOGUE = {
    "domain.yml": 'version: "3.1"\nintents:\n- greet\n- bye\nactions: [action_handoff]\n',
    "nlu/zh/all.yml": """version: "3.1"
nlu:
- intent: greet
  examples: |
    - 你好
    - 您好
    - 早上好
- intent: bye
  examples: |
    - 再见
    - 拜拜
    - 下次聊
""",
    "nlu/en/all.yml": """version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - good morning
    - hi there
- intent: bye
  examples: |
    - goodbye
    - see you later
    - bye bye
""",
    "checks/zh.yml": 'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - 你好呀\n',
    "checks/en.yml": 'version: "3.1"\nnlu:\n- intent: bye\n  examples: |\n    - bye\n',
    "responses/all.yml": """version: "3.1"
responses:
  utter_greet:
  - {text: 您好, metadata: {language: zh}}
  - {text: Hello, metadata: {language: en}}
""",
    "rules.yml": """version: "3.1"
rules:
- rule: Say hello
  steps:
  - intent: greet
  - action: utter_greet
""",
    "../articles/zh/refund.md": "---\ntitle: 退款\ncategory: billing\n---\n\n七天内可退。\n",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended; `lines` of its standard output, `complaint` the other one."""

    status: int
    lines: list[str]
    complaint: str

    @property
    def json(self) -> Any:
        assert len(self.lines) == 1
        return json.loads(self.lines[0])


class Console:
    """Runs commands on a small catalogue and a data folder with a blank database."""

    def __init__(
        self,
        folder: Path,
        blank_database: Path,
        patch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        shutil.copyfile(blank_database, self.data / "yingda.db")
        self.catalogue = folder / "catalogue" / "catalogue"
        self._patch = patch
        self._capsys = capsys
        patch.chdir(folder)
        # As in production, but quicker: how slow hashing should be is not these tests' matter.
        quick = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(user, "PasswordHasher", quick)
        self.set("DATA_DIR", str(self.data))
        self.set("CATALOGUE_DIR", str(self.catalogue))
        self.write(CATALOGUE)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.catalogue / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def set(self, name: str, value: str) -> None:
        self._patch.setenv(f"YINGDA_{name}", value)

    def run(self, *words: str) -> Ended:
        try:
            status = main(words)
        except SystemExit as end:  # how argparse says that it is done
            status = int(end.code or 0)
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ended(status, captured.out.splitlines(), captured.err)

    def fails(self, *words: str) -> str:
        """The one line of a command that could not do its work."""
        ended = self.run(*words)
        assert (ended.status, ended.lines) == (1, [])
        (line,) = ended.complaint.splitlines()
        assert line.startswith("yingda: ")
        return line


@pytest.fixture
def console(
    tmp_path: Path,
    blank_database: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    unchanged_logs: None,
) -> Console:
    """Commands as people run them."""
    return Console(tmp_path, blank_database, monkeypatch, capsys)


@pytest.fixture
def nobody() -> str:
    """An address at which nothing listens: the discard port of this machine."""
    return "127.0.0.1:9"
