"""Single documents as Rasa's YAML, and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from intents.documents import CatalogueDocument, Kind, to_documents
from intents.errors import CatalogueError
from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from intents.model import Rule
from intents.sources import SOURCE_KINDS, read_source, write_source

SHIPPED = load_catalogue(SHIPPED_CATALOGUE)
DOCUMENTS = {
    document.key: document for document in to_documents(SHIPPED) if document.kind in SOURCE_KINDS
}


def test_what_is_written_reads_back() -> None:
    kinds = set()
    for document in DOCUMENTS.values():
        text = write_source(document, SHIPPED)
        assert read_source(document.kind, document.name, text, SHIPPED) == document
        kinds.add(document.kind)
    assert {Kind.RESPONSE, Kind.RULE, Kind.FORM, Kind.TREE, Kind.SLOT} <= kinds


@pytest.mark.parametrize("kind", [Kind.SYNONYM, Kind.REGEX, Kind.LOOKUP])
def test_lists_read_back(kind: Kind) -> None:
    field = "patterns" if kind is Kind.REGEX else "words"
    document = CatalogueDocument(kind=kind, name="city", body={field: ["SH", "魔都"]})
    text = write_source(document, SHIPPED)
    assert read_source(kind, "city", text, SHIPPED) == document


@pytest.mark.parametrize(
    ("kind", "text", "line", "words"),
    [
        (Kind.FORM, "forms:\n  f:\n    required_slots: [a\n", 4, "not valid YAML"),
        (Kind.FORM, "slots: {}\n", 1, "`slots` is not supported"),
        (Kind.FORM, 'version: "3.1"\n', 1, "holds no `forms:`"),
        (Kind.FORM, "forms:\n  f:\n    required: [a]\n", 3, "`required` is not supported"),
        (Kind.FORM, "forms:\n  g:\n    required_slots: [a]\n", 1, "only form 'f' belongs here"),
        (Kind.SLOT, "slots:\n  f:\n    type: colour\n    mappings: []\n", 3, "must be one of"),
        (Kind.REGEX, "nlu:\n- regex: f\n  examples: |\n    - ok\n    - (\n", 5, "regular expr"),
        (Kind.LOOKUP, "nlu:\n- intent: f\n  examples: |\n    - hi\n", 2, "edited as sentences"),
        (Kind.RULE, "rules:\n- rule: f\n  steps:\n  - user: hi\n", 4, "end-to-end"),
    ],
)
def test_mistakes_are_told_by_line(kind: Kind, text: str, line: int, words: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        read_source(kind, "f", text, SHIPPED)
    assert (caught.value.file, caught.value.line) == (f"{kind.value} f", line)
    assert words in caught.value.message


def test_a_rule_that_looks_back_has_no_source() -> None:
    rule = Rule(name="f", intent="greet", steps=("utter_greet",), after="utter_greet")
    (document,) = (
        each for each in to_documents(replace(SHIPPED, rules=(rule,))) if each.kind is Kind.RULE
    )
    with pytest.raises(CatalogueError, match="takes a story"):
        write_source(document, SHIPPED)


def test_what_may_be_skipped_stands_beside_the_form() -> None:
    body = {"required": ["a", "b"], "optional": ["b"], "ignored_intents": []}
    document = CatalogueDocument(kind=Kind.FORM, name="f", body=body)
    text = write_source(document, SHIPPED)
    assert "optional_slots:\n  f:\n  - b\n" in text
    assert read_source(Kind.FORM, "f", text, SHIPPED) == document
    for wrong, words in (("  f: [c]", "does not ask for 'c'"), ("  g: [b]", "'g' does not exist")):
        with pytest.raises(CatalogueError, match=words):
            read_source(Kind.FORM, "f", text.replace("  f:\n  - b", wrong), SHIPPED)


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ('responses:\n  utter_x:\n  - text: "a\\0b"\n', 3, "U+0000"),
        ('responses:\n  utter_x:\n  - text: "\\ud800"\n', 3, "U+D800"),
        ('responses:\n  "utter\\e":\n  - text: a\n', 2, "U+001B"),
    ],
)
def test_what_no_database_holds_is_refused_by_line(text: str, line: int, code: str) -> None:
    with pytest.raises(CatalogueError, match="remove it") as refused:
        read_source(Kind.RESPONSE, "utter_x", text, SHIPPED)
    assert refused.value.line == line
    assert code in refused.value.message


def test_escapes_of_what_can_be_stored_are_read() -> None:
    text = 'responses:\n  utter_x:\n  - text: "a\\n\\t\\u4f60\\U0001F600"\n'
    found = read_source(Kind.RESPONSE, "utter_x", text, SHIPPED)
    assert found.body["variants"][0]["text"] == "a\n\t你😀"
