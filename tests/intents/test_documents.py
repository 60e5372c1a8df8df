"""A catalogue as documents: nothing is lost on the way to Rasa's files and back."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intents.documents import (
    CatalogueDocument,
    Kind,
    check_document,
    content_hash,
    from_documents,
    lesson_hash,
    pack,
    to_documents,
    unpack,
)
from intents.errors import CatalogueError
from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from intents.model import (
    Button,
    Catalogue,
    EntitySpan,
    Form,
    Intent,
    ResponseVariant,
    Rule,
    Slot,
    SlotCondition,
    SlotMapping,
    Source,
    Utterance,
)
from intents.writing import write_catalogue
from tests.intents.test_rasa_projects import FILES

NAMES = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
WORDS = st.from_regex(r"[a-z退款发票请问']{1,8}( [a-z退款0-9]{1,6}){0,3}", fullmatch=True)


@st.composite
def utterances(draw: st.DrawFn, language: str) -> Utterance:
    text = draw(WORDS)
    spans: tuple[EntitySpan, ...] = ()
    if draw(st.booleans()):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        said = text[start:end]
        if said.strip() == said and "[" not in said:
            role = draw(st.none() | NAMES)
            spans = (EntitySpan(entity="thing", start=start, end=end, value=said, role=role),)
    return Utterance(text=text, language=language, entities=spans)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    intents = tuple(
        Intent(
            name=name,
            utterances=tuple(
                draw(utterances(language))
                for language in ("zh", "en")
                for _ in range(draw(st.integers(1, 2)))
            ),
            checks=tuple(replace(draw(utterances("en")), entities=()) for _ in range(1)),
        )
        for name in names
    )
    variants = draw(
        st.lists(
            st.builds(
                ResponseVariant,
                text=WORDS,
                language=st.sampled_from(["zh", "en"]),
                channel=st.none() | st.just("webchat"),
                buttons=st.just(()) | st.just((Button(title="Go", payload=f"/{names[0]}"),)),
                conditions=st.just(()) | st.just((SlotCondition(slot="vip", value=True),)),
            ),
            min_size=1,
            max_size=3,
        )
    )
    return Catalogue(
        version="",
        intents=intents,
        responses={"utter_one": tuple(variants)},
        rules=tuple(
            Rule(name=f"about {name}", intent=name, steps=("utter_one",)) for name in names
        ),
        entities=("thing",),
        slots=(
            Slot(
                name="vip",
                type="bool",
                mappings=(SlotMapping(source=Source.ENTITY, entity="thing"),),
            ),
        ),
        forms=(Form(name="own_form", required=("vip",), optional=("vip",)),),
        regexes={"number": ("[0-9]+",)},
        lookups={"city": ("Rome", "上海")},
    )


def through_files(documents: list[CatalogueDocument]) -> Catalogue:
    """The catalogue written as a Rasa project and read again."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "catalogue"
        for name, text in write_catalogue(from_documents(documents)).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        return load_catalogue(folder, articles=Path(place) / "none")


def keyed(documents: list[CatalogueDocument]) -> dict[tuple[str, str], Any]:
    return {document.key: document.body for document in documents}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(catalogues())
def test_a_draft_goes_to_rasa_and_back(catalogue: Catalogue) -> None:
    documents = to_documents(catalogue)
    assert keyed(to_documents(through_files(documents))) == keyed(documents)


@settings(max_examples=40, deadline=None)
@given(catalogues())
def test_documents_hold_the_whole_catalogue(catalogue: Catalogue) -> None:
    documents = to_documents(catalogue)
    assert unpack(pack(documents)) == documents
    again = from_documents(unpack(pack(documents)))
    assert replace(again, version="") == catalogue
    assert again.version == content_hash(documents)


def test_the_shipped_catalogue_and_a_rasa_project_lose_nothing(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    for folder in (SHIPPED_CATALOGUE, tmp_path):
        catalogue = replace(load_catalogue(folder), notes=())
        again = from_documents(to_documents(catalogue), catalogue.articles)
        rules = [replace(rule, name="") for rule in catalogue.rules]
        assert [replace(rule, name="") for rule in again.rules] == rules
        assert replace(again, version="", rules=()) == replace(catalogue, version="", rules=())


def test_what_is_learnt_alone_decides_about_the_model() -> None:
    catalogue = load_catalogue(SHIPPED_CATALOGUE)
    first = catalogue.intents[0]
    other_answers = replace(catalogue, responses={}, rules=())
    other_checks = replace(catalogue, intents=(replace(first, checks=()), *catalogue.intents[1:]))
    fewer = replace(first, utterances=first.utterances[1:])
    assert lesson_hash(other_answers) == lesson_hash(other_checks) == lesson_hash(catalogue)
    assert lesson_hash(replace(catalogue, intents=(fewer, *catalogue.intents[1:]))) != lesson_hash(
        catalogue
    )


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        (Kind.INTENT, {"utterances": [{"text": 1}]}, "intent x: utterances: 0/text"),
        (Kind.RESPONSE, {"variants": "none"}, "response x: variants"),
        (Kind.SLOT, {"type": "text", "mappings": [{"source": "air"}]}, "mappings/0/source"),
    ],
)
def test_a_wrong_body_is_named(kind: Kind, body: dict[str, Any], told: str) -> None:
    with pytest.raises(CatalogueError, match=told):
        check_document(CatalogueDocument(kind=kind, name="x", body=body))
