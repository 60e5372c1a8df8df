"""From draft to published version: what is asked for, and what a finished check leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.domain.catalogue import Job, JobKind, JobState, Version
from gateway.domain.errors import ConflictError, InvalidInputError
from gateway.domain.gate import GateRule, GateSettings, Refusal, judge
from gateway.domain.people import Agent, Right
from gateway.ports.clock import NewId
from gateway.ports.store import UnitOfWork
from gateway.services.access import require
from gateway.services.auditing import note
from intents.documents import (
    CatalogueDocument,
    content_hash,
    from_documents,
    lesson_hash,
    pack,
)
from intents.findings import Finding, Severity
from intents.model import Article
from intents.validation import check_catalogue

GATE = "gate"
FOLDER = "folder"
_OPEN = (JobState.WAITING, JobState.RUNNING)
_KEPT_FIGURES = ("accuracy", "refused", "total", "foreign", "threshold", "auroc")


def gate_settings(uow: UnitOfWork) -> GateSettings:
    """The margins in force."""
    return GateSettings(**(uow.catalogue_state.get(GATE) or {}))


def set_gate(uow: UnitOfWork, actor: Agent, settings: GateSettings, *, now: int) -> GateSettings:
    """Changes the margins.

    Raises:
        NotAllowedError: the role does not permit it.
    """
    require(actor, Right.PUBLISH_CATALOGUE)
    before = gate_settings(uow)
    uow.catalogue_state.put(GATE, asdict(settings))
    note(
        uow,
        actor.id,
        "catalogue.gate_changed",
        ("catalogue", GATE),
        before=asdict(before),
        after=asdict(settings),
        now=now,
    )
    return settings


def plant(
    uow: UnitOfWork, documents: Sequence[CatalogueDocument], folder_version: str, *, now: int
) -> bool:
    """Makes the first version, unless there is one; the draft begins as its copy."""
    if uow.versions.published() is not None:
        return False
    _add_version(uow, documents, None, "The catalogue that was there at the first start", now)
    uow.draft.replace_all(documents, editor=None, now=now)
    uow.catalogue_state.put(FOLDER, {"version": folder_version})
    return True


def ask_for(
    uow: UnitOfWork,
    actor: Agent | None,
    kind: JobKind,
    task: Mapping[str, Any],
    *,
    now: int,
    new_id: NewId,
) -> Job:
    """Queues long work; one piece of each kind at a time.

    Args:
        uow: the transaction.
        actor: who asks; None for an operator at the machine.
        kind: what is to be done.
        task: its particulars: `folds`; `reason` and `override`; `version`; `tests`; `blob`.
        now: ms since the epoch.
        new_id: gives the job's id.

    Raises:
        NotAllowedError: the role does not permit it.
        ConflictError: the same work waits or runs already, or there is nothing to publish.
        InvalidInputError: an override without a reason.
        NotFoundError: there is no such version.
    """
    if actor is not None:
        publishes = kind in {JobKind.PUBLISH, JobKind.RESTORE}
        require(actor, Right.PUBLISH_CATALOGUE if publishes else Right.EDIT_CATALOGUE)
    if any(job.kind is kind and job.state in _OPEN for job in uow.jobs.newest(50)):
        raise ConflictError("The same work is under way already; wait for it, or cancel it.")
    if task.get("override") and not task.get("reason"):
        raise InvalidInputError("An override needs a reason.", field="/reason")
    _refuse_idle(uow, kind, task)
    job = Job(
        id=new_id(),
        kind=kind,
        state=JobState.WAITING,
        actor_id=actor.id if actor is not None else None,
        created_at=now,
        task=task,
    )
    uow.jobs.add(job)
    return job


def _refuse_idle(uow: UnitOfWork, kind: JobKind, task: Mapping[str, Any]) -> None:
    published = uow.versions.published()
    if published is None:
        return
    if kind is JobKind.PUBLISH:
        draft = content_hash(own.document for own in uow.draft.all())
        if draft == published.hash:
            raise ConflictError(f"The draft is version {published.number} already.")
    if kind is JobKind.RESTORE and uow.versions.get(task["version"]).hash == published.hash:
        raise ConflictError("What that version holds is published already.")


def cancel(uow: UnitOfWork, actor: Agent, job_id: str, *, now: int) -> Job:
    """Ends a job that waits or runs; its worker learns of it within a second.

    Raises:
        NotAllowedError: the role does not permit it.
        NotFoundError: there is no such job.
        ConflictError: it has ended.
    """
    require(actor, Right.EDIT_CATALOGUE)
    job = uow.jobs.get(job_id)
    if job.state not in _OPEN:
        raise ConflictError("This work has ended already.")
    ended = replace(job, state=JobState.CANCELLED, finished_at=now)
    uow.jobs.update(ended)
    note(uow, actor.id, "catalogue.job_cancelled", ("catalogue_job", job_id), now=now)
    return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a job works on, as it was when it began."""

    documents: tuple[CatalogueDocument, ...]
    published: tuple[CatalogueDocument, ...]
    base: int
    gate: GateSettings
    revision: int | None = None

    @property
    def hash(self) -> str:
        """What names the documents."""
        return content_hash(self.documents)

    def both(self) -> list[tuple[CatalogueDocument, ...]]:
        """The documents, and those of the published version."""
        return [each for each in (self.documents, self.published) if each]

    def findings(self, articles: Sequence[Article]) -> list[Finding]:
        """What is wrong in the documents, errors first."""
        return check_catalogue(from_documents(self.documents, articles))


def conclude(
    material: Material, result: Mapping[str, Any], findings: Sequence[Finding]
) -> list[Refusal]:
    """The reasons against publishing what was examined."""
    wrong = [f for f in findings if f.severity is Severity.ERROR]
    refusals = [
        Refusal(rule=GateRule.FINDINGS, sentences=tuple(asdict(finding) for finding in wrong))
    ]
    judged: list[Refusal] = []
    if result["draft"] is not None:
        judged = judge(
            material.gate,
            draft=result["draft"],
            published=result["published"],
            tests=result["tests"],
        )
    elif material.gate.run_tests:
        failed = tuple(test for test in result["tests"] if not test["passed"])
        judged = [Refusal(rule=GateRule.TESTS, sentences=failed)] if failed else []
    return [*(refusals if wrong else ()), *judged]


def may_publish(refusals: Sequence[Refusal], *, override: bool) -> bool:
    """Whether what was refused may go out after all; mistakes never do."""
    if any(refusal.rule is GateRule.FINDINGS for refusal in refusals):
        return False
    return override or not refusals


def publish(
    uow: UnitOfWork,
    job: Job,
    material: Material,
    result: Mapping[str, Any],
    refusals: Sequence[Refusal],
    *,
    now: int,
) -> Version:
    """Makes a version of what was examined.

    Raises:
        ConflictError: another version was published since the job began.
    """
    newest = uow.versions.published()
    if newest is not None and newest.number != material.base:
        raise ConflictError(
            f"Version {newest.number} was published meanwhile; look at it, then publish again."
        )
    figures = result["draft"] or {}
    version = _add_version(
        uow,
        material.documents,
        job.actor_id,
        str(job.task.get("reason", "")),
        now,
        figures={key: figures[key] for key in _KEPT_FIGURES if key in figures},
        restored=job.task.get("version"),
        overridden=bool(refusals),
    )
    note(
        uow,
        job.actor_id,
        "catalogue.published",
        ("catalogue_version", str(version.number)),
        before={"number": material.base},
        after={
            "number": version.number,
            "hash": version.hash,
            "reason": version.reason,
            "restored": version.restored,
            "overridden": [refusal.rule.value for refusal in refusals],
        },
        now=now,
    )
    return version


def _add_version(
    uow: UnitOfWork,
    documents: Sequence[CatalogueDocument],
    author: str | None,
    reason: str,
    now: int,
    *,
    figures: Mapping[str, Any] | None = None,
    restored: int | None = None,
    overridden: bool = False,
) -> Version:
    newest = uow.versions.published()
    version = Version(
        number=newest.number + 1 if newest is not None else 1,
        hash=content_hash(documents),
        lessons=lesson_hash(from_documents(documents)),
        author_id=author,
        reason=reason,
        created_at=now,
        figures=figures or {},
        restored=restored,
        overridden=overridden,
    )
    uow.versions.add(version, pack(documents))
    return version
