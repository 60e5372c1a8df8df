"""Imports of articles: read in pieces with progress, taken in all at once or not at all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.domain.people import Agent, Right
from gateway.ports.clock import Clock, NewId
from gateway.ports.knowledge import ImportJob
from gateway.ports.store import Store, StoreUnavailableError, UnitOfWork
from gateway.services.access import require
from gateway.services.article_archive import ArchiveError, open_upload
from gateway.services.article_batches import BatchRefusedError, take_in
from gateway.services.article_reading import Progress, ReadFiles, read_files

log = logging.getLogger(__name__)

MOST_TOLD = 100  # problems and skipped files that a report lists
STALE_MS = 120_000  # a job of which nothing was heard that long died with its process
_TELL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What somebody wants to import."""

    name: str
    content: bytes
    language: str
    publishes: bool


def begin_import(
    uow: UnitOfWork, actor: Agent, name: str, *, now: int, new_id: NewId
) -> ImportJob:
    """Writes down that an import begins.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.PUBLISH_ARTICLES)
    job = ImportJob(
        id=new_id(),
        agent_id=actor.id,
        name=name,
        state="running",
        done=0,
        total=0,
        added=0,
        changed=0,
        skipped=(),
        problems=(),
        created_at=now,
        updated_at=now,
    )
    uow.articles.save_import(job)
    return job


def look_at_import(uow: UnitOfWork, actor: Agent, job_id: str, *, now: int) -> ImportJob:
    """An import as far as it is; one whose process died has failed.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is none with that id.
    """
    require(actor, Right.PUBLISH_ARTICLES)
    job = uow.articles.import_job(job_id)
    if job.state == "running" and job.updated_at < now - STALE_MS:
        told = "the server stopped meanwhile; nothing was taken in, import it again"
        return replace(job, state="failed", problems=(told,))
    return job


async def run_import(
    store: Store, job: ImportJob, upload: Upload, *, clock: Clock, new_id: NewId
) -> ImportJob:
    """Reads what was uploaded and takes it in, telling the store how far it is.

    Never raises for what is wrong with the files: the job says so.
    """
    latest = job
    progress = [0, 0]

    def note_progress(done: int, total: int) -> None:
        progress[:] = done, total
        time.sleep(0)  # the server's own thread goes first

    reading = asyncio.get_running_loop().run_in_executor(None, _read, upload, note_progress)
    try:
        while not reading.done():
            await asyncio.wait({reading}, timeout=_TELL_SECONDS)
            latest = replace(latest, done=progress[0], total=progress[1], updated_at=clock())
            await _save(store, latest)
        found = reading.result()
        latest = replace(latest, skipped=_listed(found.skipped))
        if found.problems:
            raise BatchRefusedError(found.problems)
        outcome = await store.write(
            lambda uow: take_in(
                uow,
                found.articles,
                actor_id=job.agent_id,
                reason=job.name,
                publishes=upload.publishes,
                now=clock(),
                new_id=new_id,
            )
        )
        latest = replace(latest, state="done", added=outcome.added, changed=outcome.changed)
    except (ArchiveError, BatchRefusedError) as error:
        problems = error.problems if isinstance(error, BatchRefusedError) else (str(error),)
        latest = replace(latest, state="failed", problems=_listed(problems))
    except Exception as error:
        log.exception("an import failed", extra={"action": "import_failed"})
        told = "the database did not answer" if isinstance(error, StoreUnavailableError) else ""
        told = f"{told or 'something unforeseen went wrong'}; nothing was taken in, try again"
        latest = replace(latest, state="failed", problems=(told,))
    latest = replace(latest, updated_at=clock())
    await _save(store, latest)
    return latest


def _read(upload: Upload, progress: Progress) -> ReadFiles:
    files = open_upload(upload.name, upload.content)
    return read_files(files, upload.language, progress)


async def _save(store: Store, job: ImportJob) -> None:
    try:
        await store.write(lambda uow: uow.articles.save_import(job))
    except StoreUnavailableError as error:
        log.warning("an import's progress is not told: %s", error)


def _listed(lines: Sequence[str]) -> tuple[str, ...]:
    if len(lines) <= MOST_TOLD:
        return tuple(lines)
    return (*lines[:MOST_TOLD], f"… and {len(lines) - MOST_TOLD} more")
