"""Long work on the catalogue, with the real laboratory process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.domain.catalogue import Job, JobKind, JobState
from gateway.domain.errors import ConflictError, InvalidInputError
from gateway.domain.gate import GateSettings
from gateway.domain.people import Role
from gateway.http.catalogue_json import job_json
from gateway.services import laboratory, releasing
from gateway.wiring.ids import clock
from gateway.workers import workshop as workshop_module
from intents.documents import CatalogueDocument, Kind
from tests.gateway.services.desk import Desk
from tests.gateway.services.staff import person
from tests.gateway.workbench import Workbench, make_workbench, sentence

ADA = person("ada", Role.ADMINISTRATOR)


@pytest.fixture
async def bench(desk: Desk, tmp_path: Path, shop_models: Path) -> Workbench:
    made = make_workbench(desk.store, tmp_path, shop_models, clock)
    await made.plant()
    return made


async def spoil(bench: Workbench) -> None:
    """Refunds are learnt as complaints: their checks fail."""
    refund = await bench.find(Kind.INTENT, "refund")
    complaint = await bench.find(Kind.INTENT, "complaint")
    english = [u for u in refund.body["utterances"] if u["language"] == "en"]
    more = [sentence("can I have my money back"), sentence("I get a refund for an order")]
    await bench.put(
        Kind.INTENT, "complaint", utterances=[*complaint.body["utterances"], *english, *more]
    )
    chinese = [u for u in refund.body["utterances"] if u["language"] == "zh"]
    await bench.put(
        Kind.INTENT, "refund", utterances=[*chinese, sentence("nonsense"), sentence("blah blah")]
    )


async def numbers(bench: Workbench) -> list[int]:
    found = await bench.store.read(lambda uow: uow.versions.newest(10))
    return [version.number for version in found]


async def audit(bench: Workbench) -> Any:
    rows = await bench.store.read(lambda uow: uow.audit.page(before=None, limit=1))
    return rows[0][1]


async def test_a_good_draft_is_published_and_answers(bench: Workbench) -> None:
    greet = await bench.find(Kind.INTENT, "greet")
    await bench.put(Kind.INTENT, "greet", utterances=[*greet.body["utterances"], sentence("yo")])

    job = await bench.do(JobKind.PUBLISH, reason="says yo")

    assert (job.state, job.error, job.result["refusals"]) == (JobState.DONE, "", [])
    assert job.result["version"] == 2
    assert await numbers(bench) == [2, 1]
    version = bench.live.version
    assert version is not None
    assert (version.number, version.reason, version.overridden) == (2, "says yo", False)
    assert version.figures["accuracy"] is not None
    assert bench.live.bot.recognise("yo").intent == "greet"
    entry = await audit(bench)
    assert (entry.action, entry.after["number"]) == ("catalogue.published", 2)


async def test_answers_alone_need_no_training(bench: Workbench) -> None:
    await bench.put(Kind.INTENT, "greet", description="only for editors")
    files = sorted(bench.maker.files.folder.iterdir())

    job = await bench.do(JobKind.PUBLISH, reason="")

    assert job.state is JobState.DONE
    assert sorted(bench.maker.files.folder.iterdir()) == files


async def test_the_gate_refuses_and_lists_the_sentences(bench: Workbench) -> None:
    await spoil(bench)

    job = await bench.do(JobKind.PUBLISH, reason="worse")

    assert job.state is JobState.REFUSED
    rules = {(refusal["rule"], refusal["intent"]) for refusal in job.result["refusals"]}
    assert {("accuracy", None), ("recall", "refund")} <= rules
    recall = next(r for r in job.result["refusals"] if r["rule"] == "recall")
    assert recall["after"] < recall["limit"] <= recall["before"]
    (first, *_) = recall["sentences"]
    assert (first["expected"], first["recognised"], first["new"]) == ("refund", "complaint", True)
    assert first["nearest"]["intent"] == "complaint"
    assert await numbers(bench) == [1]
    assert bench.live.version is not None
    assert bench.live.version.number == 1


async def test_deleting_the_checks_that_fail_does_not_open_the_gate(bench: Workbench) -> None:
    await spoil(bench)
    await bench.put(Kind.INTENT, "refund", checks=[])

    job = await bench.do(JobKind.PUBLISH)

    assert job.state is JobState.REFUSED
    removed = job.result["report"]["removed_checks"]
    assert {row["intent"] for row in removed} == {"refund"}


async def test_an_override_needs_a_reason_and_is_audited(bench: Workbench) -> None:
    await spoil(bench)
    with pytest.raises(InvalidInputError):
        await bench.ask(JobKind.PUBLISH, override=True)

    job = await bench.do(JobKind.PUBLISH, override=True, reason="the lawyer says so")

    assert job.state is JobState.DONE
    version = bench.live.version
    assert version is not None
    assert (version.number, version.overridden) == (2, True)
    entry = await audit(bench)
    assert "recall" in entry.after["overridden"]
    assert entry.after["reason"] == "the lawyer says so"


async def test_mistakes_cannot_be_overridden(bench: Workbench) -> None:
    greet = await bench.find(Kind.INTENT, "greet")
    more = [*greet.body["utterances"], sentence("money back please")]
    await bench.put(Kind.INTENT, "greet", utterances=more)

    job = await bench.do(JobKind.PUBLISH, override=True, reason="because")

    assert job.state is JobState.REFUSED
    refusal = job.result["refusals"][0]
    assert refusal["rule"] == "findings"
    assert "also stands in" in refusal["sentences"][0]["message"]
    assert await numbers(bench) == [1]


async def test_an_old_version_is_published_again(bench: Workbench) -> None:
    await spoil(bench)
    await bench.do(JobKind.PUBLISH, override=True, reason="because")
    with pytest.raises(ConflictError):
        await bench.ask(JobKind.RESTORE, version=2)

    job = await bench.do(JobKind.RESTORE, version=1, reason="back")

    assert job.state is JobState.DONE
    version = bench.live.version
    assert version is not None
    assert (version.number, version.restored, version.overridden) == (3, 1, False)
    assert bench.live.bot.recognise("refund my order").intent == "refund"


async def test_a_refused_restore_can_be_overridden_with_a_reason(bench: Workbench) -> None:
    await spoil(bench)
    await bench.do(JobKind.PUBLISH, override=True, reason="because")
    await bench.do(JobKind.RESTORE, version=1, reason="back")

    refused = await bench.do(JobKind.RESTORE, version=2, reason="again")
    assert refused.state is JobState.REFUSED
    assert job_json(refused, {})["restores"] == 2
    with pytest.raises(InvalidInputError):
        await bench.ask(JobKind.RESTORE, version=2, override=True)
    job = await bench.do(JobKind.RESTORE, version=2, override=True, reason="the lawyer says so")

    assert job.state is JobState.DONE
    version = bench.live.version
    assert version is not None
    assert (version.number, version.restored, version.overridden) == (4, 2, True)


async def test_nothing_new_is_not_published(bench: Workbench) -> None:
    with pytest.raises(ConflictError, match="version 1 already"):
        await bench.ask(JobKind.PUBLISH)


async def test_margins_are_settings(bench: Workbench) -> None:
    await spoil(bench)
    wide = GateSettings(accuracy_drop=1.0, recall_drop=1.0, refusal_drop=1.0, recall_floor=0.0)
    await bench.store.write(lambda uow: releasing.set_gate(uow, ADA, wide, now=1))

    assert (await bench.do(JobKind.PUBLISH)).state is JobState.DONE


async def test_cross_validation_tells_of_each_intent(bench: Workbench) -> None:
    job = await bench.do(JobKind.CHECK, folds=2)

    cross = job.result["report"]["cross"]
    assert cross["total"] + cross["foreign"] == sum(row["total"] for row in cross["intents"])
    assert {row["intent"] for row in cross["intents"]} >= {"greet", "refund", "complaint"}
    assert cross["bins"]
    assert len(cross["curve"]) == 21


async def test_a_version_published_meanwhile_is_not_buried(bench: Workbench) -> None:
    await spoil(bench)
    job = await bench.ask(JobKind.PUBLISH, override=True, reason="mine")
    other = [
        *(own.document for own in await bench.store.read(lambda uow: uow.draft.all())),
        CatalogueDocument(kind=Kind.ENTITY, name="colour", body={}),
    ]
    working = asyncio.create_task(bench.workshop.run_next())
    while (await bench.look(job)).state is not JobState.RUNNING:
        await asyncio.sleep(0.01)
    await bench.store.write(
        lambda uow: releasing._add_version(uow, other, "ada", "theirs", clock())
    )
    await working

    ended = await bench.look(job)
    assert (ended.state, "meanwhile" in ended.error) == (JobState.FAILED, True)
    assert await numbers(bench) == [2, 1]


def laboratories() -> list[int]:
    """The laboratory processes that this process started."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    pids = [int(pid) for t in tasks.iterdir() for pid in (t / "children").read_text().split()]
    return [pid for pid in pids if b"bot.lab" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def started(bench: Workbench, job: Job, step: str = "training") -> asyncio.Task[bool]:
    """The job's laboratory is at work."""
    working = asyncio.create_task(bench.workshop.run_next())
    async with asyncio.timeout(20):
        while not (await bench.look(job)).step.startswith(step):
            await asyncio.sleep(0.01)
    return working


async def test_training_that_is_killed_leaves_everything_as_it_was(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop_module, "TOLD_EVERY", 0.0)
    await spoil(bench)
    job = await bench.ask(JobKind.PUBLISH, override=True, reason="because")
    working = await started(bench, job)
    for pid in laboratories():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await working

    ended = await bench.look(job)
    assert (ended.state, "-9" in ended.error) == (JobState.FAILED, True)
    assert await numbers(bench) == [1]
    assert not await bench.bench.is_trained()
    again = await bench.do(JobKind.PUBLISH, override=True, reason="because")
    assert again.state is JobState.DONE


async def test_a_job_that_is_cancelled_ends_its_laboratory(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop_module, "TOLD_EVERY", 0.0)
    await spoil(bench)
    job = await bench.ask(JobKind.CHECK, folds=5)
    working = await started(bench, job)
    await bench.store.write(lambda uow: releasing.cancel(uow, ADA, job.id, now=clock()))
    await working

    assert (await bench.look(job)).state is JobState.CANCELLED
    assert laboratories() == []


async def test_a_worker_that_died_is_followed_by_another(bench: Workbench, tmp_path: Path) -> None:
    job = await bench.ask(JobKind.CHECK, folds=0)
    dead = await bench.store.write(
        lambda uow: uow.jobs.claim("dead", now=clock() - 60_000, until=clock() - 30_000)
    )
    assert dead is not None

    assert await bench.workshop.run_next()

    ended = await bench.look(job)
    assert (ended.state, ended.attempts, ended.holder) == (JobState.DONE, 2, "here")


async def test_work_that_kills_its_workers_is_given_up(bench: Workbench) -> None:
    job = await bench.ask(JobKind.CHECK, folds=0)
    await bench.store.write(lambda uow: uow.jobs.update(replace(job, attempts=3)))

    assert await bench.workshop.run_next()

    assert (await bench.look(job)).state is JobState.FAILED


async def test_only_one_job_runs_at_a_time(bench: Workbench) -> None:
    await bench.ask(JobKind.CHECK, folds=0)
    now = clock()
    assert await bench.store.write(lambda uow: uow.jobs.claim("a", now=now, until=now + 9000))
    with pytest.raises(ConflictError):
        await bench.ask(JobKind.CHECK, folds=0)
    assert not await bench.workshop.run_next()


def table(rows: int) -> bytes:
    """A large table of sentences for a known intent."""
    lines = (f"utterance,greet,en,hello from customer {number}" for number in range(rows))
    return "\n".join(["kind,name,language,text", *lines]).encode()


async def upload(bench: Workbench, content: bytes) -> Job:
    blob = await bench.workshop._parts.blobs.put(content)
    return await bench.ask(JobKind.IMPORT, blob=blob, name="table.csv")


async def test_an_import_that_is_killed_or_cancelled_changes_nothing(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop_module, "TOLD_EVERY", 0.0)
    before = await bench.store.read(lambda uow: uow.draft.all())
    job = await upload(bench, table(20_000))
    working = await started(bench, job, "reading back")
    for pid in laboratories():
        os.kill(pid, signal.SIGKILL)
    await working
    ended = await bench.look(job)
    assert (ended.state, "-9" in ended.error) == (JobState.FAILED, True)

    job = await upload(bench, table(20_000))
    working = await started(bench, job, "reading back")
    await bench.store.write(lambda uow: releasing.cancel(uow, ADA, job.id, now=clock()))
    await working
    assert (await bench.look(job)).state is JobState.CANCELLED
    assert laboratories() == []
    assert await bench.store.read(lambda uow: uow.draft.all()) == before

    job = await upload(bench, table(300))
    await bench.workshop.run_next()
    ended = await bench.look(job)
    assert (ended.state, ended.error) == (JobState.DONE, "")
    greet = await bench.find(Kind.INTENT, "greet")
    assert sum(u["language"] == "en" for u in greet.body["utterances"]) == 300


async def test_large_documents_are_packed_and_read_beside_the_event_loop(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: dict[str, set[str]] = {}

    def watched(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*told: Any, **ways: Any) -> Any:
            where.setdefault(name, set()).add(threading.current_thread().name)
            return work(*told, **ways)

        return run

    for name in ("pack", "unpack", "lesson_hash"):
        monkeypatch.setattr(workshop_module, name, watched(name, getattr(workshop_module, name)))
    watched_json = {name: watched(name, getattr(json, name)) for name in ("dumps", "loads")}
    monkeypatch.setattr(laboratory, "json", SimpleNamespace(**watched_json))
    job = await upload(bench, table(300))
    await bench.workshop.run_next()
    assert (await bench.look(job)).state is JobState.DONE
    await bench.do(JobKind.CHECK, folds=0)
    assert set(where) == {"pack", "unpack", "lesson_hash", "dumps", "loads"}
    threads = {thread.split("_")[0] for found in where.values() for thread in found}
    assert threads == {"asyncio"}, "threads of `asyncio.to_thread`, no loop's and no writer's"


async def test_an_import_that_takes_too_long_is_given_up(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop_module, "IMPORT_SECONDS", 0.2)
    job = await upload(bench, table(20_000))
    await bench.workshop.run_next()
    ended = await bench.look(job)
    assert (ended.state, "split the file" in ended.error) == (JobState.FAILED, True)
    assert laboratories() == []


async def test_quiet_work_keeps_its_lease(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop_module, "TOLD_EVERY", 0.0)
    monkeypatch.setattr(laboratory, "QUIET", 0.01)
    said: list[tuple[str, float]] = []

    async def progress(step: str, done: float) -> None:
        said.append((step, done))

    task = {"do": "import", "draft": "[]", "file": "nowhere.zip", "place": "", "articles": []}
    with pytest.raises(laboratory.LabError, match="does not exist"):
        await laboratory.run_lab(task, progress)
    assert said.count(("", 0.0)) > 3, "while it starts, nothing is said"
