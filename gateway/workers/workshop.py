"""Does the long work on the catalogue: evaluates, publishes, replays, imports.

One job runs at a time in the whole installation. It works on what the draft held when it
began, in a process of its own, and changes nothing before its last step, which is one
transaction: whatever dies on the way leaves the draft and the published version as they were.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from channels.contract import Blobs
from gateway.domain.catalogue import Job, JobKind, JobState, RegressionTest
from gateway.domain.errors import GatewayError
from gateway.ports.clock import Clock
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.auditing import note
from gateway.services.draft import content_of, published_documents
from gateway.services.laboratory import LabError, LabRefusedError, run_lab
from gateway.services.live_bot import BotMaker
from gateway.services.releasing import (
    FOLDER,
    Material,
    conclude,
    gate_settings,
    may_publish,
    publish,
)
from intents.documents import from_documents, lesson_hash, pack, unpack

log = logging.getLogger(__name__)

LEASE = 30_000  # ms that a job is held without a word
TOLD_EVERY = 0.5  # seconds between words on how far it is
MOST_ATTEMPTS = 3
IMPORT_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkshopParts:
    """What the workshop needs; `published` is called when a version went out."""

    store: Store
    blobs: Blobs
    maker: BotMaker
    clock: Clock
    holder: str
    published: Callable[[], Awaitable[None]]


class _CancelledError(Exception):
    """Somebody ended the job, or another worker took it over."""


class _Reporter:
    """Writes how far a job is, and keeps its lease."""

    def __init__(self, parts: WorkshopParts, job: Job) -> None:
        self._parts = parts
        self._job = job
        self._told_at = 0.0

    async def __call__(self, step: str, done: float) -> None:
        """Notes a step, not too often.

        Raises:
            _CancelledError: the job is ours no more.
        """
        if time.monotonic() - self._told_at < TOLD_EVERY:
            return
        self._told_at = time.monotonic()
        now = self._parts.clock()

        def work(uow: UnitOfWork) -> bool:
            held = uow.jobs.get(self._job.id)
            if not _is_ours(held, self._parts.holder):
                return False
            uow.jobs.update(replace(held, step=step, done=done, leased_until=now + LEASE))
            return True

        if not await self._parts.store.write(work):
            raise _CancelledError


def _is_ours(job: Job, holder: str) -> bool:
    return job.state is JobState.RUNNING and job.holder == holder


class Workshop:
    """One process's workshop."""

    def __init__(self, parts: WorkshopParts) -> None:
        self._parts = parts
        self._kinds: Mapping[JobKind, Callable[[Job], Awaitable[None]]] = {
            JobKind.CHECK: self._examine,
            JobKind.PUBLISH: self._examine,
            JobKind.RESTORE: self._examine,
            JobKind.REPLAY: self._examine,
            JobKind.IMPORT: self._import,
        }

    async def run_next(self) -> bool:
        """Does the next job, if one waits and none runs; false when there was none.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        now = self._parts.clock()
        job = await self._parts.store.write(
            lambda uow: uow.jobs.claim(self._parts.holder, now=now, until=now + LEASE)
        )
        if job is None:
            return False
        if job.attempts > MOST_ATTEMPTS:
            told = "Whoever worked on it died three times; look at the logs, then try again."
            await self._end(job, JobState.FAILED, error=told)
            return True
        started = time.perf_counter()
        try:
            await self._kinds[job.kind](job)
        except _CancelledError:
            log.info("a job was cancelled", extra={"action": "job_cancelled"})
        except LabRefusedError as error:
            result = {"findings": error.findings}
            await self._end(job, JobState.REFUSED, result=result, error=str(error))
        except (LabError, GatewayError) as error:
            await self._end(job, JobState.FAILED, error=str(error))
        except StoreUnavailableError:
            raise
        except Exception as error:
            log.exception("a job failed", extra={"action": "job_failed"})
            await self._end(job, JobState.FAILED, error=f"It failed: {error!r}")
        spent = round((time.perf_counter() - started) * 1000)
        log.info("%s ended", job.kind.value, extra={"action": "job_ended", "ms": spent})
        return True

    async def _examine(self, job: Job) -> None:
        material, tests = await self._parts.store.read(lambda uow: _material(uow, job))
        articles = tuple(self._parts.maker.index.articles())
        findings = await asyncio.to_thread(material.findings, articles)
        reporter = _Reporter(self._parts, job)
        await reporter("fetching models", 0.0)
        files = self._parts.maker.files
        lessons = await asyncio.to_thread(_lessons, material)
        for each in lessons:
            await files.fetch(each)
        files.folder.mkdir(parents=True, exist_ok=True)
        task = await asyncio.to_thread(self._task, job, material, tests)
        result = await run_lab(task, reporter)
        for each in lessons:
            await files.keep(each)
        refusals = conclude(material, result, findings)
        told = {
            "report": _report(material, result) if job.kind is not JobKind.REPLAY else None,
            "refusals": [asdict(refusal) for refusal in refusals],
            "tests": result["tests"],
            "findings": [asdict(finding) for finding in findings],
        }
        if job.kind in {JobKind.CHECK, JobKind.REPLAY}:
            if job.kind is JobKind.REPLAY:
                told |= {"refusals": [], "findings": []}
            await self._end(job, JobState.DONE, result=told)
        elif may_publish(refusals, override=bool(job.task.get("override"))):
            await self._publish(job, material, result, told, refusals)
        else:
            await self._end(job, JobState.REFUSED, result=told)

    async def _publish(
        self,
        job: Job,
        material: Material,
        result: Mapping[str, Any],
        told: dict[str, Any],
        refusals: Sequence[Any],
    ) -> None:
        now = self._parts.clock()

        def work(uow: UnitOfWork) -> None:
            held = uow.jobs.get(job.id)
            if not _is_ours(held, self._parts.holder):
                raise _CancelledError
            version = publish(uow, held, material, result, refusals, now=now)
            ended = {**told, "version": version.number}
            uow.jobs.update(_ended(held, JobState.DONE, now, result=ended))

        await self._parts.store.write(work)
        await self._parts.published()
        await self._parts.maker.files.forget_others()

    def _task(
        self, job: Job, material: Material, tests: Sequence[RegressionTest]
    ) -> dict[str, Any]:
        maker = self._parts.maker
        compares = job.kind is not JobKind.REPLAY
        return {
            "do": "examine",
            "draft": pack(material.documents),
            "published": pack(material.published) if compares and material.published else None,
            "articles": [asdict(article) for article in maker.index.articles()],
            "encoder": maker.encoder_folder,
            "models": str(maker.files.folder),
            "folds": int(job.task.get("folds", 0)),
            "measure": compares,
            "tests": [asdict(test) for test in tests],
            "bot": asdict(maker.settings),
        }

    async def _import(self, job: Job) -> None:
        documents, revision = await self._parts.store.read(
            lambda uow: ([own.document for own in uow.draft.all()], uow.draft.revision())
        )
        with tempfile.TemporaryDirectory() as place:
            source = await self._source(job, Path(place))
            task = {
                "do": "import",
                "draft": await asyncio.to_thread(pack, documents),
                "file": str(source),
                "place": place,
                "articles": [asdict(article) for article in self._parts.maker.index.articles()],
            }
            try:
                async with asyncio.timeout(IMPORT_SECONDS):
                    result = await run_lab(task, _Reporter(self._parts, job))
            except TimeoutError as error:
                raise LabError("It was not read within 15 minutes; split the file.") from error
        imported = await asyncio.to_thread(unpack, result["documents"])
        now = self._parts.clock()

        def work(uow: UnitOfWork) -> bool:
            held = uow.jobs.get(job.id)
            if not _is_ours(held, self._parts.holder) or uow.draft.revision() != revision:
                return False
            uow.draft.replace_all(imported, editor=job.actor_id, now=now)
            if folder := job.task.get("folder"):
                uow.catalogue_state.put(FOLDER, {"version": folder["version"]})
                uow.catalogue_state.put("offer", {})
            _note_import(uow, job, result, now)
            told = {"findings": result["findings"], "intents": result["intents"]}
            uow.jobs.update(_ended(held, JobState.DONE, now, result=told))
            return True

        if not await self._parts.store.write(work):
            told = (
                "The draft was changed while the file was read; nothing was imported, try again."
            )
            await self._end(job, JobState.FAILED, error=told)

    async def _source(self, job: Job, place: Path) -> Path:
        if folder := job.task.get("folder"):
            return Path(folder["folder"])
        try:
            content = await self._parts.blobs.get(job.task["blob"])
        except KeyError as error:
            message = "The uploaded file is no longer there; upload it again."
            raise LabError(message) from error
        path = place / f"upload{Path(job.task['name']).suffix.casefold()}"
        await asyncio.to_thread(path.write_bytes, content)
        return path

    async def _end(
        self,
        job: Job,
        state: JobState,
        *,
        result: Mapping[str, Any] | None = None,
        error: str = "",
    ) -> None:
        now = self._parts.clock()

        def work(uow: UnitOfWork) -> None:
            held = uow.jobs.get(job.id)
            if _is_ours(held, self._parts.holder):
                uow.jobs.update(_ended(held, state, now, result=result, error=error))

        await self._parts.store.write(work)


def _ended(
    job: Job,
    state: JobState,
    now: int,
    *,
    result: Mapping[str, Any] | None = None,
    error: str = "",
) -> Job:
    return replace(
        job,
        state=state,
        step="",
        done=1.0 if state in {JobState.DONE, JobState.REFUSED} else job.done,
        finished_at=now,
        result=result or {},
        error=error,
        leased_until=0,
    )


def _material(uow: UnitOfWork, job: Job) -> tuple[Material, list[RegressionTest]]:
    """What the job works on, as it is now."""
    state = str(job.task.get("version") or job.task.get("state") or "draft")
    newest = uow.versions.published()
    wanted = set(job.task.get("tests", ()))
    material = Material(
        documents=tuple(content_of(uow, state)),
        published=tuple(published_documents(uow)),
        base=newest.number if newest is not None else 0,
        gate=gate_settings(uow),
        revision=uow.draft.revision() if state == "draft" else None,
    )
    return material, [t for t in uow.review.tests() if not wanted or t.id in wanted]


def _lessons(material: Material) -> list[str]:
    return [lesson_hash(from_documents(documents)) for documents in material.both()]


def _report(material: Material, result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hash": material.hash,
        "revision": material.revision,
        "draft": result["draft"],
        "published": result["published"],
        "cross": result["cross"],
        "removed_checks": [
            {key: row[key] for key in ("intent", "text", "language")} for row in result["removed"]
        ],
        "seconds": result["seconds"],
    }


def _note_import(uow: UnitOfWork, job: Job, result: Mapping[str, Any], now: int) -> None:
    note(
        uow,
        job.actor_id,
        "catalogue.imported",
        ("catalogue", "draft"),
        after={
            "file": job.task.get("name") or job.task.get("folder", {}).get("folder"),
            "hash": result["hash"],
            "intents": result["intents"],
        },
        now=now,
    )
