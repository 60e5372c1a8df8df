"""Trains and measures in a process of its own: `python -m bot.lab`.

Reads one task as a line of JSON, writes lines of JSON: `{"step", "done"}` while it works, then
`{"result"}` or `{"error"}`. It is polite (niced), and ends when whoever started it ends: its
input then closes.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from bot.crossing import cross_validate
from bot.encoder import Encoder, OnnxEncoder
from bot.engine import CatalogueBot
from bot.errors import BotError, ModelMissingError
from bot.evaluation import Evaluation, measure
from bot.likeness import Likeness, Sentence
from bot.plans import BotSettings
from bot.recognise import OUT_OF_SCOPE, Recogniser, model_path
from bot.replay import NoTickets, Step, replay
from bot.training import Row, catalogue_rows, train
from intents.documents import content_hash, from_documents, lesson_hash, pack, to_documents, unpack
from intents.errors import CatalogueError
from intents.exchange import RefusedError, import_catalogue
from intents.model import Article, Catalogue
from intents.writing import write_catalogue

Tell = Callable[[str, float], None]
_NICENESS = 10
_MOST_MEMORY = 4 * 10**9  # bytes of address space, of an import; 50 MB need 1.5 GB
_TRAINING_STEPS = 18


def run(task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Do what a task says.

    Raises:
        BotError: nothing can be learnt.
        CatalogueError: the content cannot be used; it names place and remedy.
        RefusedError: a file holds mistakes.
    """
    return _import(task, tell) if task["do"] == "import" else _examine(task, tell)


def _examine(task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Train what is missing; measure, compare and replay what the task asks for."""
    started = time.perf_counter()
    articles = [Article(**each) for each in task["articles"]]
    encoder = OnnxEncoder(Path(task["encoder"])) if task["encoder"] else None
    folds = int(task["folds"])
    draft = from_documents(unpack(task["draft"]), articles)
    share = 1 / (1 + folds)
    own = _recogniser(draft, task, encoder, lambda s, d: tell(s, d * share * 0.9))
    result: dict[str, Any] = {"draft": None, "published": None, "cross": None, "removed": []}
    old = None
    if task["published"] is not None:
        published = from_documents(unpack(task["published"]), articles)
        old = (published, _recogniser(published, task, encoder, lambda s, _: tell(s, share * 0.9)))
    if task["measure"]:
        tell("answering the held-out checks", share * 0.92)
        result |= _compare(draft, own, old)
    if folds:
        rows = catalogue_rows(draft, checks=False)
        found = cross_validate(
            rows, folds, encoder, lambda s, d: tell(s, share + d * (1 - share) * 0.97)
        )
        result["cross"] = _figures(found, draft, None, None)
    if task["tests"]:
        tell("replaying saved conversations", 0.98)
    bot = CatalogueBot(draft, own, NoTickets(), BotSettings(**task["bot"]))
    result["tests"] = asyncio.run(_replay(bot, task["tests"]))
    result["seconds"] = round(time.perf_counter() - started, 1)
    return result


def _recogniser(
    catalogue: Catalogue, task: Mapping[str, Any], encoder: Encoder | None, tell: Tell
) -> Recogniser:
    """The model of the catalogue's examples; trained when there is none."""
    lessons = lesson_hash(catalogue)
    mark = encoder.fingerprint if encoder is not None else None
    path = model_path(Path(task["models"]), lessons, mark)
    try:
        found = Recogniser.load(path, encoder)
    except ModelMissingError:
        steps = 0

        def said(step: str) -> None:
            nonlocal steps
            steps += 1
            tell(f"training: {step}", min(steps / _TRAINING_STEPS, 0.99))

        train(replace(catalogue, version=lessons), path.parent, encoder, said)
        found = Recogniser.load(path, encoder)
    return found.serving(catalogue.version)


def _compare(
    draft: Catalogue, own: Recogniser, old: tuple[Catalogue, Recogniser] | None
) -> dict[str, Any]:
    """Figures of both on the draft's checks, and on those that were taken out of it.

    A check that was removed though its intent is still there counts as well: a gate that could
    be opened by deleting what fails would be none.
    """
    rows = catalogue_rows(draft, checks=True)
    removed = _removed(draft, old[0]) if old is not None else []
    asked = [*rows, *removed]
    if not asked:
        return {}
    after = measure(own, asked)
    before = measure(old[1], asked) if old is not None else None
    missed = _missed(before, old[1]) if before is not None and old is not None else None
    found = {
        "draft": _figures(after, draft, own, missed),
        "removed": [asdict(row) for row in removed],
    }
    if before is not None and old is not None:
        found["published"] = _figures(before, old[0], old[1], set())
    return found


def _removed(draft: Catalogue, published: Catalogue) -> list[Row]:
    names = {intent.name for intent in draft.intents}
    rows = (*catalogue_rows(draft, checks=True), *catalogue_rows(draft, checks=False))
    texts = {row.text for row in rows}
    return [
        row
        for row in catalogue_rows(published, checks=True)
        if row.intent in names and row.text not in texts
    ]


def _missed(found: Evaluation, recogniser: Recogniser) -> set[str]:
    return {each.text for each in found.confusions if _fails(each, recogniser)}


def _fails(confusion: Any, recogniser: Recogniser | None) -> bool:
    """A sentence out of scope fails only when the bot would have answered it."""
    if confusion.expected != OUT_OF_SCOPE or recogniser is None:
        return True
    return bool(confusion.confidence >= recogniser.threshold(confusion.text))


def _figures(
    found: Evaluation, catalogue: Catalogue, recogniser: Recogniser | None, missed: set[str] | None
) -> dict[str, Any]:
    """An evaluation as JSON values; `missed` failed before (None: unknown)."""
    sentences = [
        Sentence(text=row.text, intent=row.intent, language=row.language)
        for row in catalogue_rows(catalogue, checks=False)
    ]
    likeness = Likeness(sentences)
    failures = []
    for each in found.confusions:
        if not _fails(each, recogniser):
            continue
        near = likeness.nearest(each.text, 1, wanted=partial(_belongs, each.recognised))
        failures.append(
            {
                **asdict(each),
                "new": missed is not None and each.text not in missed,
                "nearest": {**asdict(near[0].sentence), "similarity": near[0].similarity}
                if near
                else None,
            }
        )
    told = asdict(found)
    del told["confusions"]
    told["intents"] = [
        {**asdict(each), "precision": each.precision, "recall": each.recall, "f1": each.f1}
        for each in found.intents
    ]
    refused = found.at_threshold.refused if found.foreign else None
    known = sorted({intent.name for intent in catalogue.intents if intent.utterances})
    return {**told, "refused": refused, "failures": failures, "known": known}


def _belongs(intent: str | None, sentence: Sentence) -> bool:
    return sentence.intent == intent


async def _replay(bot: CatalogueBot, tests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    results = []
    for test in tests:
        steps = [Step(**step) for step in test["steps"]]
        played = await replay(bot, steps, language=test["language"], channel=test["channel"])
        results.append(
            {
                "id": test["id"],
                "name": test["name"],
                "passed": not played.differences,
                "differences": [asdict(each) for each in played.differences],
                "texts": [list(texts) for texts in played.texts],
            }
        )
    return results


def _import(task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Read a file into what the draft holds; the new documents, or nothing."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    tell("reading", 0.0)
    place = Path(task["place"])
    draft = from_documents(unpack(task["draft"]))
    folder, articles = place / "catalogue", place / "articles"
    for name, text in write_catalogue(draft).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for each in task["articles"]:
        path = articles / each["language"] / f"{each['slug']}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = json.dumps(each["title"], ensure_ascii=False)
        path.write_text(f"---\ntitle: {head}\ncategory: general\n---\n{head}\n", encoding="utf-8")
    source = Path(task["file"])
    catalogue, findings = import_catalogue(source, folder, articles=articles, tell=tell)
    tell("comparing with the draft", 0.95)
    kept = {document.key: document.body for document in unpack(task["draft"])}
    documents = [
        replace(document, body={**document.body, **_for_editors(kept.get(document.key))})
        if document.kind.value == "intent"
        else document
        for document in to_documents(catalogue)
    ]
    return {
        "documents": pack(documents),
        "hash": content_hash(documents),
        "intents": len(catalogue.intents),
        "findings": [asdict(each) for each in findings],
    }


def _for_editors(body: Mapping[str, Any] | None) -> dict[str, Any]:
    """What no file carries."""
    return {key: body[key] for key in ("group", "description") if body and key in body}


def _watch_input() -> None:
    """Nobody waits for the result any more once the input is closed."""
    while os.read(0, 4096):
        pass
    os._exit(1)


def main() -> None:
    """Read the task, work, write what came of it."""
    os.nice(_NICENESS)
    task = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_watch_input, daemon=True).start()

    def write(value: Mapping[str, Any]) -> None:
        sys.stdout.buffer.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        sys.stdout.buffer.flush()

    try:
        result = run(task, lambda step, done: write({"step": step, "done": round(done, 3)}))
    except RefusedError as error:
        write({"refused": [asdict(each) for each in error.findings]})
    except (BotError, CatalogueError) as error:
        write({"error": str(error)})
    except MemoryError:
        write(
            {"error": f"it needs more than {_MOST_MEMORY // 10**9} GB of memory; split the file"}
        )
    else:
        write({"result": result})


if __name__ == "__main__":
    main()
