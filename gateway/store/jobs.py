"""Long work on the catalogue."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam, delete, select

from gateway.domain.catalogue import Job, JobKind, JobState
from gateway.domain.errors import NotFoundError
from gateway.store.catalogue_tables import catalogue_jobs
from gateway.store.rows import dump_map, insert_into, load_map, pick, select_by, update_by
from gateway.store.session import Row, Session, Statement

_COLUMNS = (
    "id",
    "kind",
    "state",
    "actor_id",
    "created_at",
    "task",
    "step",
    "done",
    "started_at",
    "finished_at",
    "result",
    "error",
    "attempts",
    "holder",
    "leased_until",
)
_BY_ID = select_by(catalogue_jobs, _COLUMNS, "id")
_INSERT = insert_into(catalogue_jobs, _COLUMNS)
_UPDATE = update_by(catalogue_jobs, _COLUMNS[1:], "id")
_FORGET = Statement(
    delete(catalogue_jobs).where(catalogue_jobs.c.finished_at < bindparam("before")), "before"
)


def _job(row: Row) -> Job:
    values = dict(zip(_COLUMNS, row, strict=True))
    return Job(
        **{
            **values,
            "kind": JobKind(values["kind"]),
            "state": JobState(values["state"]),
            "task": load_map(values["task"]),
            "result": load_map(values["result"]),
        }
    )


def _row(job: Job) -> Row:
    values = {name: getattr(job, name) for name in _COLUMNS}
    values |= {"kind": job.kind.value, "state": job.state.value}
    values |= {"task": dump_map(job.task), "result": dump_map(job.result)}
    return tuple(values.values())


class SqlJobs:
    """`gateway.ports.catalogue.Jobs`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, job: Job) -> None:
        """Inserts."""
        self._session.run(_INSERT, _row(job))

    def get(self, job_id: str) -> Job:
        """One job."""
        row = self._session.row(_BY_ID, (job_id,))
        if row is None:
            raise NotFoundError("There is no such job.")
        return _job(row)

    def newest(self, limit: int) -> list[Job]:
        """Newest first."""
        columns = catalogue_jobs.c
        query = select(*pick(catalogue_jobs, _COLUMNS))
        rows = self._session.select(
            query.order_by(columns.created_at.desc(), columns.id.desc()).limit(limit)
        )
        return [_job(tuple(row)) for row in rows]

    def update(self, job: Job) -> None:
        """Writes all columns."""
        row = _row(job)
        self._session.run(_UPDATE, (*row[1:], row[0]))

    def claim(self, holder: str, *, now: int, until: int) -> Job | None:
        """Takes the oldest that waits or whose holder died; None while another one runs."""
        columns = catalogue_jobs.c
        query = select(*pick(catalogue_jobs, _COLUMNS)).where(
            columns.state.in_((JobState.WAITING.value, JobState.RUNNING.value))
        )
        rows = self._session.select(
            query.order_by(columns.created_at, columns.id).with_for_update()
        )
        open_jobs = [_job(tuple(row)) for row in rows]
        if any(j.state is JobState.RUNNING and j.leased_until > now for j in open_jobs):
            return None
        if not open_jobs:
            return None
        job = open_jobs[0]
        taken = replace(
            job,
            state=JobState.RUNNING,
            holder=holder,
            leased_until=until,
            attempts=job.attempts + 1,
            started_at=now,
        )
        self.update(taken)
        return taken

    def remove_older(self, finished_before: int) -> int:
        """Forgets ended ones."""
        return self._session.run(_FORGET, (finished_before,))
