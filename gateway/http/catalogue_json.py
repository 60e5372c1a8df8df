"""The catalogue's values as the API's JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bot.contract import Handoff
from bot.likeness import Alike
from gateway.domain.catalogue import (
    DraftDocument,
    Job,
    RegressionTest,
    ReviewTurn,
    Version,
)
from gateway.domain.gate import GateRule
from gateway.http.serial import Json, reference, when, when_or_none
from gateway.services.bench import CatalogueView, Collisions, Tried
from gateway.services.catalogue_figures import CatalogueFigures, Use, deflection
from gateway.services.changes import Change, state_of
from gateway.services.pasting import Pasted
from gateway.services.review import Cluster, Suggestion, reasons_of
from intents.documents import SETTINGS, Kind
from intents.entity_use import EntityUse
from intents.findings import Finding, Severity
from intents.model import Intent
from intents.text import to_traditional

Names = Mapping[str, str]
_PLACE = re.compile(
    r"(?P<kind>intent|response|rule|form|tree|slot|entity|synonym|regex|lookup) (?P<name>.+)"
)
_SUMMARY = ("accuracy", "refused", "total", "foreign")


def person(names: Names, agent_id: str | None) -> Json | None:
    """An agent by name; None for the system."""
    return reference(agent_id, names.get(agent_id or "", ""))


def document_json(
    document: DraftDocument, published: Mapping[tuple[str, str], Any], names: Names
) -> Json:
    """A document of the draft."""
    return {
        "kind": document.kind.value,
        "name": document.name,
        "body": document.body,
        "revision": document.revision,
        "editor": person(names, document.editor_id),
        "changed_at": when(document.changed_at),
        "state": state_of(document.document, published),
    }


def finding_json(finding: Finding | Mapping[str, Any]) -> Json:
    """A mistake, with the document that has it where that can be told."""
    told = asdict(finding) if isinstance(finding, Finding) else dict(finding)
    kind, name = _document_of(told["place"])
    zh = told.pop("zh", "")
    return {
        **told,
        "at": told.get("at", ""),
        "words": {"zh-Hans": zh, "zh-Hant": to_traditional(zh)} if zh else {},
        "severity": Severity(told["severity"]).value,
        "kind": kind,
        "name": name,
    }


def _document_of(place: str) -> tuple[str | None, str | None]:
    """Kind and name of the document that a finding's place names."""
    if place == "people_first":
        return Kind.DIALOGUE.value, SETTINGS
    match = _PLACE.match(place.replace("checks of ", "intent ", 1))
    return (match["kind"], match["name"]) if match else (None, None)


def entity_json(use: EntityUse) -> Json:
    """An entity and its use."""
    counts = ("roles", "groups")
    return {
        **asdict(use),
        **{
            key: [{"name": n, "count": c} for n, c in sorted(getattr(use, key).items())]
            for key in counts
        },
    }


def finding_counts(view: CatalogueView) -> dict[tuple[str, str], dict[Severity, int]]:
    """How many errors and warnings each document has."""
    counts: dict[tuple[str, str], dict[Severity, int]] = {}
    for finding in view.findings:
        kind, name = _document_of(finding.place)
        if kind is not None and name is not None:
            own = counts.setdefault((kind, name), {})
            own[finding.severity] = own.get(finding.severity, 0) + 1
    return counts


def row_json(document: DraftDocument, view: CatalogueView, counts: Mapping[Severity, int]) -> Json:
    """A document in a list."""
    return {
        "kind": document.kind.value,
        "name": document.name,
        "revision": document.revision,
        "changed_at": when(document.changed_at),
        "state": state_of(document.document, view.published),
        "errors": counts.get(Severity.ERROR, 0),
        "warnings": counts.get(Severity.WARNING, 0),
    }


def intent_json(
    document: DraftDocument,
    intent: Intent,
    view: CatalogueView,
    counts: Mapping[Severity, int],
    *,
    hits: int,
    matches: Sequence[str],
) -> Json:
    """An intent in the list."""
    row = row_json(document, view, counts)
    del row["kind"]
    return {
        **row,
        "group": document.body.get("group", ""),
        "description": document.body.get("description", ""),
        "title": view.title(document.name),
        "utterances": _by_language(intent.utterances),
        "checks": _by_language(intent.checks),
        "hits": hits,
        "matches": list(matches),
    }


def _by_language(sentences: Sequence[Any]) -> Json:
    return {
        language: sum(each.language == language for each in sentences) for language in ("zh", "en")
    }


def version_json(version: Version, names: Names, newest: int) -> Json:
    """A published version."""
    return {
        "number": version.number,
        "hash": version.hash,
        "author": person(names, version.author_id),
        "reason": version.reason,
        "created_at": when(version.created_at),
        "restored": version.restored,
        "overridden": version.overridden,
        "published": version.number == newest,
        "figures": {key: version.figures[key] for key in _SUMMARY} if version.figures else None,
    }


def job_json(job: Job, names: Names, *, whole: bool = True) -> Json:
    """Long work; without its result unless `whole`."""
    return {
        "id": job.id,
        "kind": job.kind.value,
        "state": job.state.value,
        "actor": person(names, job.actor_id),
        "step": job.step,
        "done": job.done,
        "created_at": when(job.created_at),
        "started_at": when_or_none(job.started_at),
        "finished_at": when_or_none(job.finished_at),
        "error": job.error,
        "restores": job.task.get("version"),
        "result": result_json(job.result) if whole and job.result else None,
    }


def result_json(result: Mapping[str, Any]) -> Json:
    """What came of a job."""
    return {
        "report": result.get("report"),
        "refusals": [refusal_json(each) for each in result.get("refusals", ())],
        "tests": result.get("tests", []),
        "findings": [finding_json(each) for each in result.get("findings", ())],
        "version": result.get("version"),
        "intents": result.get("intents"),
    }


def change_json(change: Change) -> Json:
    """What differs in one document."""
    return {
        "kind": change.kind.value,
        "name": change.name,
        "change": change.change,
        "before": change.before,
        "after": change.after,
        "added": list(change.added),
        "removed": list(change.removed),
    }


def pasted_json(pasted: Pasted, describe: Callable[[DraftDocument], Json]) -> Json:
    """What became of each pasted line."""
    lists = ("added", "duplicates", "clashes", "wrong")
    return {
        **{name: [asdict(line) for line in getattr(pasted, name)] for name in lists},
        "document": describe(pasted.document) if pasted.document is not None else None,
    }


def alike_json(alike: Alike) -> Json:
    """A sentence with its likeness."""
    sentence = alike.sentence
    return {
        "text": sentence.text,
        "intent": sentence.intent,
        "language": sentence.language,
        "similarity": alike.similarity,
    }


def collisions_json(found: Collisions) -> Json:
    """What a sentence collides with."""
    return {
        "items": [alike_json(each) for each in found.others],
        "own": [alike_json(each) for each in found.own],
        "recognised": [
            {"version": number, "intent": seen.intent, "confidence": seen.confidence}
            for number, seen in found.recognised
        ],
        "ms": found.ms,
    }


def tried_json(tried: Tried) -> Json:
    """A turn of the test box."""
    decision = tried.decision
    handoff = decision if isinstance(decision, Handoff) else None
    return {
        "source": "draft" if tried.version is None else "published",
        "version": tried.version,
        "trained": tried.trained,
        "language": decision.language.value,
        "ranking": [
            {
                "intent": each.intent,
                "title": each.title,
                "confidence": each.confidence,
                "reasons": [alike_json(reason) for reason in each.reasons],
                "words": each.words,
            }
            for each in tried.ranking
        ],
        "entities": [
            {"entity": name, "value": str(value)}
            for name, value in decision.understanding.entities.items()
        ],
        "articles": [
            {
                "slug": hit.slug,
                "title": hit.title,
                "passage": hit.passage,
                "score": round(hit.score, 4),
            }
            for hit in tried.articles
        ],
        "decision": "handoff" if handoff is not None else "reply",
        "reason": handoff.reason.value if handoff is not None else "",
        "messages": [
            {
                "text": message.text,
                "choices": [
                    {"title": choice.title, "payload": choice.payload}
                    for choice in message.choices
                ],
                "article": message.article,
            }
            for message in decision.messages
        ],
        "ticket": {
            "kind": handoff.kind,
            "severity": handoff.severity,
            "summary": handoff.summary,
        }
        if handoff is not None
        else None,
        "ms": tried.ms,
    }


def review_turn_json(turn: ReviewTurn) -> Json:
    """A customer's message in review."""
    return {
        "message_id": turn.message_id,
        "conversation_id": turn.conversation_id,
        "text": turn.text,
        "language": turn.language,
        "intent": turn.intent,
        "confidence": turn.confidence,
        "reasons": reasons_of(turn),
        "note": turn.filed,
        "at": when(turn.at),
    }


def cluster_json(cluster: Cluster) -> Json:
    """A group of like questions."""
    return {
        "text": cluster.leader.text,
        "language": cluster.leader.language,
        "count": len(cluster.turns),
        "reasons": dict(cluster.reasons),
        "likely": [alike_json(each) for each in cluster.likely],
        "sentences": [review_turn_json(turn) for turn in cluster.shown],
    }


def suggestion_json(suggestion: Suggestion, known: Json | None) -> Json:
    """A suggested question and answer with its evidence, and the article that is about it."""
    question = suggestion.question
    return {
        "question": question.text,
        "language": question.language,
        "answer": suggestion.answer,
        "count": len(suggestion.answers),
        "message_ids": [each.turn.message_id for each in suggestion.answers],
        "known": known,
        "evidence": [
            {
                "conversation_id": each.turn.conversation_id,
                "message_id": each.turn.message_id,
                "question": each.turn.text,
                "answer": each.answer,
                "agent": each.agent,
                "at": when(each.turn.at),
            }
            for each in suggestion.answers[:20]
        ],
    }


def test_json(test: RegressionTest) -> Json:
    """A conversation kept as a test."""
    return {
        "id": test.id,
        "name": test.name,
        "language": test.language,
        "channel": test.channel,
        "conversation_id": test.conversation_id,
        "created_at": when(test.created_at),
        "steps": [dict(step) for step in test.steps],
    }


def figures_json(figures: CatalogueFigures) -> Json:
    """Counts by intent and by day."""
    days = figures.days.values()
    return {
        "intents": [
            {"intent": name, **asdict(use)}
            for name, use in sorted(figures.intents.items(), key=_most_used)
        ],
        "days": [
            {
                "day": day,
                **asdict(use),
                "deflection": deflection(use.bot_only, use.with_people),
            }
            for day, use in figures.days.items()
        ],
        "deflection": deflection(
            sum(use.bot_only for use in days), sum(use.with_people for use in days)
        ),
    }


def _most_used(item: tuple[str | None, Use]) -> tuple[int, str]:
    return (-item[1].hits, item[0] or "")


def refusal_json(refusal: Mapping[str, Any]) -> Json:
    """A reason against publishing, its evidence under the name of its sort."""
    rule = GateRule(refusal["rule"])
    rows = list(refusal["sentences"])
    shelf = {GateRule.FINDINGS: "findings", GateRule.TESTS: "tests"}.get(rule, "sentences")
    if rule is GateRule.FINDINGS:
        rows = [finding_json(row) for row in rows]
    told = {key: refusal[key] for key in ("rule", "intent", "before", "after", "limit")}
    return {**told, "sentences": [], "tests": [], "findings": [], shelf: rows}
