"""Old model files go from a machine's folder; what is needed, young or foreign stays."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.domain.catalogue import JobKind
from gateway.services import model_files
from gateway.wiring.ids import clock
from intents.documents import Kind
from tests.gateway.services.desk import Desk
from tests.gateway.workbench import Workbench, make_workbench, sentence


@pytest.fixture
async def bench(desk: Desk, tmp_path: Path, shop_models: Path) -> Workbench:
    made = make_workbench(desk.store, tmp_path, shop_models, clock)
    await made.plant()
    return made


def age(bench: Workbench) -> None:
    """Every file has lain there for long."""
    for path in bench.maker.files.folder.iterdir():
        os.utime(path, (1, 1))


def names(bench: Workbench) -> set[str]:
    return {path.name for path in bench.maker.files.folder.iterdir()}


async def publish(bench: Workbench, text: str) -> str:
    """A version that learnt one sentence more; the name of its model."""
    greet = await bench.find(Kind.INTENT, "greet")
    await bench.put(Kind.INTENT, "greet", utterances=[*greet.body["utterances"], sentence(text)])
    assert (await bench.do(JobKind.PUBLISH)).result["version"]
    assert bench.live.version is not None
    return bench.maker.files.key(bench.live.version.lessons)


async def test_models_of_forgotten_versions_go(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_files, "KEPT_VERSIONS", 2)
    assert bench.live.version is not None
    first = bench.maker.files.key(bench.live.version.lessons)
    kept = {await publish(bench, "yo"), await publish(bench, "hiya")}
    assert names(bench) == {first, *kept}
    age(bench)

    await bench.maker.files.sweep()

    assert names(bench) == kept
    assert bench.live.bot.recognise("hiya").intent == "greet", "it is mapped, and serves on"
    job = await bench.do(JobKind.RESTORE, version=1)
    assert job.result["version"] == 4, "an old version is trained anew"


async def test_a_draft_that_was_evaluated_keeps_its_model(bench: Workbench) -> None:
    greet = await bench.find(Kind.INTENT, "greet")
    await bench.put(Kind.INTENT, "greet", utterances=[*greet.body["utterances"], sentence("yo")])
    await bench.do(JobKind.CHECK, folds=0)
    before = names(bench)
    age(bench)

    await bench.maker.files.sweep()

    assert names(bench) == before
    assert len(before) == 2


async def test_only_what_was_left_behind_goes(bench: Workbench) -> None:
    folder = bench.maker.files.folder
    (folder / "model-under-work.77.part").write_bytes(b"")
    (folder / "readme.txt").write_bytes(b"")
    young = names(bench)
    await bench.maker.files.sweep()
    assert names(bench) == young, "another process may be at work on it"
    age(bench)

    await bench.maker.files.sweep()

    assert names(bench) == young - {"model-under-work.77.part"}


async def test_a_file_that_is_asked_for_is_young_again(bench: Workbench) -> None:
    files = bench.maker.files
    other = files.path("0123456789ab")
    other.write_bytes(b"")
    age(bench)
    assert await files.fetch("0123456789ab") == other
    await files.sweep()
    assert other.exists()


async def test_several_may_sweep_at_once(bench: Workbench) -> None:
    folder = bench.maker.files.folder
    for number in range(50):
        (folder / f"model-{number}.model").write_bytes(b"")
    age(bench)
    await asyncio.gather(*(bench.maker.files.sweep() for _ in range(4)))
    assert len(names(bench)) == 1


async def test_two_who_fetch_at_once_get_one_whole_file(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_files, "PIECE", 100_000)
    assert bench.live.version is not None
    lessons = bench.live.version.lessons
    await bench.maker.files.keep(lessons)
    there = model_files.ModelFiles(bench.store, tmp_path / "there", clock)

    async def look() -> bytes:
        while not there.path(lessons).exists():
            await asyncio.sleep(0)
        return there.path(lessons).read_bytes()

    whole = bench.maker.files.path(lessons).read_bytes()
    first, second, seen = await asyncio.gather(there.fetch(lessons), there.fetch(lessons), look())
    assert first == second == there.path(lessons)
    assert seen == there.path(lessons).read_bytes() == whole
    assert [path.name for path in there.folder.iterdir()] == [there.key(lessons)]


async def test_pieces_that_are_more_than_was_told_are_no_model(
    bench: Workbench, tmp_path: Path
) -> None:
    there = model_files.ModelFiles(bench.store, tmp_path / "there", clock)
    key = there.key("lessons")
    await bench.store.write(lambda uow: uow.models.put_piece(key, 0, b"long"))
    await bench.store.write(lambda uow: uow.models.complete(key, 2, 1))
    assert await there.fetch("lessons") is None
    assert list(there.folder.iterdir()) == []
