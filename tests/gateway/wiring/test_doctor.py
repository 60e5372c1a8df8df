"""What the doctor says of a language model that answers, and of one that cannot do its work."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Settings
from gateway.wiring.doctor import Verdict, examine
from tests.chat_server import chat_server

SAID = {
    "A refund arrives within 7 days [1].": (Verdict.OK, "small answers, and cites"),
    "A refund arrives within 7 days.": (Verdict.WARNING, "a sentence cites nothing"),
    "NO_ANSWER": (Verdict.WARNING, "answers a trial with 'NO_ANSWER'"),
}


@pytest.mark.parametrize("said", SAID)
async def test_a_language_model_is_tried(said: str, tmp_path: Path) -> None:
    async with chat_server() as server:
        server.says(said)
        settings = Settings(
            data_dir=tmp_path / "none",
            catalogue_dir=tmp_path,
            llm_url=server.url,
            llm_model="small",
            llm_answers=True,
        )
        found = {each.check: each for each in await examine(settings)}["language model"]
    verdict, words = SAID[said]
    assert found.verdict is verdict
    assert words in found.found
