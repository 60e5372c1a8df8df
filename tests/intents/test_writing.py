"""What is written reads back as the same, in keys that Rasa 3.6 knows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from intents.document import Document
from intents.errors import CatalogueError
from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from intents.model import Catalogue, EntitySpan, Utterance
from intents.training import Training, read_training
from intents.writing import annotate, write_catalogue
from tests.intents.test_rasa_projects import FILES

# The keys of Rasa 3.6's own schemas for what we write, by the place where they stand.
RASA_KEYS = {
    "domain": {
        "version",
        "intents",
        "entities",
        "slots",
        "forms",
        "actions",
        "session_config",
    },
    "slot": {
        "type",
        "influence_conversation",
        "initial_value",
        "values",
        "min_value",
        "max_value",
        "mappings",
    },
    "mapping": {
        "type",
        "entity",
        "role",
        "group",
        "value",
        "action",
        "intent",
        "not_intent",
        "conditions",
    },
    "form": {"required_slots", "ignored_intents"},
    "response": {
        "text",
        "condition",
        "channel",
        "image",
        "custom",
        "metadata",
        "buttons",
    },
    "rule": {"rule", "condition", "steps", "conversation_start", "wait_for_user_input"},
    "story": {"story", "steps"},
    "step": {"intent", "action", "active_loop", "slot_was_set"},
    "nlu": {"intent", "synonym", "regex", "lookup", "examples"},
}


def project(folder: Path) -> Catalogue:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return load_catalogue(folder)


def put(catalogue: Catalogue, folder: Path) -> Path:
    for name, text in write_catalogue(catalogue).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def bare(catalogue: Catalogue) -> Catalogue:
    """Without what files do not carry; rules in any order."""
    rules = sorted(catalogue.rules, key=lambda rule: (rule.name, rule.intent or "", rule.steps))
    intents = tuple(
        replace(
            intent,
            utterances=tuple(sorted(intent.utterances, key=lambda u: u.language != "zh")),
        )
        for intent in catalogue.intents
    )
    return replace(
        catalogue, version="", articles=(), notes=(), rules=tuple(rules), intents=intents
    )


@pytest.mark.parametrize("which", ["shipped", "project"])
def test_round_trip(which: str, tmp_path: Path) -> None:
    first = load_catalogue(SHIPPED_CATALOGUE) if which == "shipped" else project(tmp_path / "in")
    again = load_catalogue(put(first, tmp_path / "out"), articles=tmp_path / "none")
    assert bare(again) == bare(first)
    assert again.notes == ()


@pytest.mark.parametrize("which", ["shipped", "project"])
def test_every_key_is_one_of_rasas(which: str, tmp_path: Path) -> None:
    first = load_catalogue(SHIPPED_CATALOGUE) if which == "shipped" else project(tmp_path)
    files = {name: YAML(typ="safe").load(text) for name, text in write_catalogue(first).items()}
    domain = files["domain.yml"]
    within("domain", [domain])
    within("slot", domain.get("slots", {}).values())
    within("mapping", [m for s in domain.get("slots", {}).values() for m in s["mappings"]])
    within("form", domain.get("forms", {}).values())
    within(
        "response",
        [v for found in files["responses/responses.yml"]["responses"].values() for v in found],
    )
    rules = files["rules.yml"]["rules"]
    stories = files.get("data/stories.yml", {"stories": []})["stories"]
    within("rule", rules)
    within("story", stories)
    within("step", [step for each in (*rules, *stories) for step in each["steps"]])
    for name, content in files.items():
        if name.startswith(("nlu", "checks")):
            within("nlu", content["nlu"])


def within(what: str, found: Any) -> None:
    for entry in found:
        assert entry.keys() <= RASA_KEYS[what], what


words = st.text("ab 你好[](){}:\"'", min_size=1, max_size=12).filter(lambda t: t.strip() == t)


@given(
    before=st.text("ab 你", max_size=5),
    said=st.text("ab你 ", min_size=1, max_size=5),
    after=words,
    role=st.none() | st.just("from"),
    value=st.none() | st.text("xyz值", min_size=1, max_size=4),
)
def test_annotations_read_back(
    before: str, said: str, after: str, role: str | None, value: str | None
) -> None:
    text = f"x{before}{said}{after}"
    start = 1 + len(before)
    span = EntitySpan(
        entity="city", start=start, end=start + len(said), value=value or said, role=role
    )
    utterance = Utterance(text=text, language="en", entities=(span,))
    try:
        written = annotate(utterance)
    except CatalogueError:
        return
    into = Training()
    document = Document("{}", "nlu.yml")
    entry = {"intent": "a", "examples": [{"text": written}]}
    read_training(document, [entry], "en", into)
    assert into.utterances["a"] == [utterance]


@pytest.mark.parametrize(
    "utterance",
    [
        Utterance(text="see [this](link)", language="en"),
        Utterance(text="two\nlines", language="en"),
        Utterance(
            text="abc",
            language="en",
            entities=(
                EntitySpan(entity="a", start=0, end=2, value="ab"),
                EntitySpan(entity="b", start=1, end=3, value="bc"),
            ),
        ),
    ],
)
def test_what_rasas_notation_cannot_say_is_refused(utterance: Utterance) -> None:
    with pytest.raises(CatalogueError):
        annotate(utterance)
