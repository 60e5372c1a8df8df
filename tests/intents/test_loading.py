"""Reading a catalogue folder: what is understood, and what is refused with file and line."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from intents.errors import CatalogueError
from intents.loading import catalogue_version, load_catalogue
from intents.model import (
    Article,
    Button,
    EntitySpan,
    ResponseVariant,
    Rule,
    Slot,
    SlotMapping,
    Source,
)

DOMAIN = """\
version: "3.1"
intents:
- greet
- ticket
- faq
entities:
- number
- city:
    roles: [from, to]
slots:
  number:
    type: text
    influence_conversation: false
    mappings:
    - {type: from_entity, entity: number}
actions: [action_ticket]
session_config:
  session_expiration_time: 30
  carry_over_slots_to_new_session: false
"""
NLU_ZH = r"""version: "3.1"
nlu:
- intent: greet
  examples: |
    - 你好

    - 您好
- intent: ticket
  examples: |
    - 查[10023](number)的进度
    - 从[魔都]{"entity": "city", "role": "from", "value": "上海"}寄的单
- synonym: 北京
  examples: |
    - 帝都
- regex: number
  examples: |
    - \d{5}
- lookup: city
  examples: |
    - 上海
    - 北京
"""
NLU_EN = """\
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello [there]
- intent: faq/refund
  examples: |
    - money back
"""
RESPONSES = """\
version: "3.1"
responses:
  utter_greet:
  - text: 您好
    metadata: {language: zh}
    buttons:
    - {title: 进度, payload: /ticket}
  - text: Hello
    metadata: {language: en}
  - text: 您好（网页）
    channel: webchat
    metadata: {language: zh}
"""
RULES = """\
version: "3.1"
rules:
- rule: Say hello
  steps:
  - intent: greet
  - action: utter_greet
  - action: action_ticket
"""
CHECKS = """\
version: "3.1"
nlu:
- intent: greet
  examples: |
    - 嗨
"""
ARTICLE = """\
---
title: 退款
category: billing
questions:
  - 怎么退款？
---

# 退款

七天内可退。
"""
FILES = {
    "domain.yml": DOMAIN,
    "rules.yml": RULES,
    "nlu/zh/all.yml": NLU_ZH,
    "nlu/en/all.yml": NLU_EN,
    "checks/zh.yml": CHECKS,
    "responses/all.yml": RESPONSES,
    "../articles/zh/refund.md": ARTICLE,
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a small catalogue, with some files replaced; a replacement of None removes."""

    def write_files(changes: dict[str, str | bytes | None] | None = None) -> Path:
        folder = tmp_path / "catalogue"
        for name, text in {**FILES, **(changes or {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return write_files


def refusal(folder: Path) -> CatalogueError:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(folder)
    return caught.value


def test_intents_keep_the_order_of_the_domain_and_their_languages(write: Write) -> None:
    catalogue = load_catalogue(write())
    greet, ticket, refund = catalogue.intents
    assert [(u.text, u.language) for u in greet.utterances] == [
        ("你好", "zh"),
        ("您好", "zh"),
        ("hello [there]", "en"),
    ]
    assert [check.text for check in greet.checks] == ["嗨"]
    assert ticket.name == "ticket"
    assert refund.name == "faq/refund"


def test_annotations_become_spans_of_the_bare_text(write: Write) -> None:
    first, second = load_catalogue(write()).intents[1].utterances
    assert first.text == "查10023的进度"
    assert first.entities == (EntitySpan(entity="number", start=1, end=6, value="10023"),)
    assert second.text == "从魔都寄的单"
    assert second.entities == (
        EntitySpan(entity="city", start=1, end=3, value="上海", role="from"),
    )


def test_synonyms_regexes_and_lookups(write: Write) -> None:
    catalogue = load_catalogue(write())
    assert catalogue.synonyms == {"魔都": "上海", "帝都": "北京"}
    assert catalogue.regexes == {"number": (r"\d{5}",)}
    assert catalogue.lookups == {"city": ("上海", "北京")}


def test_domain_parts(write: Write) -> None:
    catalogue = load_catalogue(write())
    assert catalogue.entities == ("number", "city")
    assert catalogue.slots == (
        Slot(
            name="number",
            type="text",
            mappings=(SlotMapping(source=Source.ENTITY, entity="number"),),
        ),
    )
    assert catalogue.actions == ("action_ticket",)
    assert catalogue.session_minutes == 30


def test_responses_and_rules(write: Write) -> None:
    catalogue = load_catalogue(write())
    assert catalogue.responses == {
        "utter_greet": (
            ResponseVariant(
                text="您好", language="zh", buttons=(Button(title="进度", payload="/ticket"),)
            ),
            ResponseVariant(text="Hello", language="en"),
            ResponseVariant(text="您好（网页）", language="zh", channel="webchat"),
        )
    }
    assert catalogue.rules == (
        Rule(name="Say hello", intent="greet", steps=("utter_greet", "action_ticket")),
    )


def test_articles_lie_beside_the_catalogue_or_where_told(write: Write, tmp_path: Path) -> None:
    folder = write()
    expected = Article(
        slug="refund",
        language="zh",
        title="退款",
        category="billing",
        body="# 退款\n\n七天内可退。",
        questions=("怎么退款？",),
    )
    assert load_catalogue(folder).articles == (expected,)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "en").mkdir(parents=True)
    (elsewhere / "en" / "refund.md").write_text(ARTICLE, "utf-8")
    (article,) = load_catalogue(folder, articles=elsewhere).articles
    assert article.language == "en"


def test_the_version_follows_the_content_of_every_file(write: Write) -> None:
    versions = {catalogue_version(write())}
    for name, text in FILES.items():
        versions.add(catalogue_version(write({name: text + "\n"})))
        write({name: text})
    assert len(versions) == len(FILES) + 1
    assert catalogue_version(write()) == load_catalogue(write()).version
    assert all(len(version) == 12 for version in versions)


def test_the_version_follows_file_names(write: Write) -> None:
    before = catalogue_version(write())
    after = catalogue_version(write({"nlu/en/all.yml": None, "nlu/en/other.yml": NLU_EN}))
    assert before != after


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [
        ("domain.yml", 'version: "3.1"\nintents: [a\n', 3, "not valid YAML"),
        ("domain.yml", 'version: "3.1"\nintents: [a]\nintents: [b]\n', 3, "not valid YAML"),
        ("domain.yml", b'version: "3.1"\nintents:\n- \xff\n', 3, "UTF-8"),
        ("domain.yml", "version: 3.1\nintents: [greet]\n", 1, 'version: "3.1"'),
        ("domain.yml", "- a\n", 1, "key: value"),
        ("domain.yml", 'version: "3.1"\nforms:\n  a: {}\n', 3, "`required_slots`"),
        ("domain.yml", DOMAIN + "forms:\n  a: {required_slots: {x: []}}\n", 21, "since Rasa 3"),
        ("domain.yml", DOMAIN + "e2e_actions: []\n", 20, "`e2e_actions`"),
        ("domain.yml", 'version: "3.1"\nintents:\n- a\n- a\n', 4, "twice"),
        ("domain.yml", 'version: "3.1"\nintents:\n- a: {triggers: action_b}\n', 3, "triggers"),
        ("domain.yml", 'version: "3.1"\nintents:\n- 5\n', 3, "must be text"),
        ("domain.yml", DOMAIN.replace("type: text", "type: number"), 12, "`type`"),
        ("domain.yml", DOMAIN.replace("from_entity", "from_text"), 15, "`entity`"),
        ("domain.yml", DOMAIN.replace("from_entity", "from_air"), 15, "from_trigger_intent"),
        ("domain.yml", DOMAIN.replace("type: text", "type: categorical"), 11, "`values`"),
        ("domain.yml", DOMAIN.replace("entity: number", "entity: date"), 15, "'date'"),
        ("domain.yml", DOMAIN.replace("influence_conversation: false", "min_value: 1"), 13, "min"),
        ("domain.yml", DOMAIN.replace("_time: 30", "_time: -1"), 18, "0 or more"),
        ("rules.yml", RULES.replace("- action: utter_greet", "- checkpoint: x"), 6, "checkpoint"),
        ("rules.yml", RULES.replace("action: utter_greet", "bot: Hi"), 6, "end-to-end"),
        (
            "rules.yml",
            RULES.replace("action: utter_greet", "action: action_back"),
            6,
            "action_back",
        ),
        ("rules.yml", RULES.replace("  - intent: greet\n", ""), 4, "before its first"),
        ("rules.yml", RULES.split("  - action", maxsplit=1)[0], 4, "must have"),
        ("rules.yml", 'version: "3.1"\n', 1, "holds nothing"),
        ("nlu/zh/all.yml", NLU_ZH.replace("- 您好", "您好"), 7, "own line"),
        ("nlu/zh/all.yml", NLU_ZH.replace("- 您好", "-"), 7, "own line"),
        ("nlu/zh/all.yml", NLU_ZH.replace("(number)", "(number:10023)"), 10, "old form"),
        ("nlu/zh/all.yml", NLU_ZH.replace('"role"', "role"), 11, "must be JSON"),
        ("nlu/zh/all.yml", NLU_ZH.replace('"role"', '"colour"'), 11, "must be JSON"),
        ("nlu/zh/all.yml", NLU_ZH.replace("(number)", '[{"entity": 5}]'), 10, "must be JSON"),
        ("nlu/zh/all.yml", NLU_ZH.replace("(number)", "(date)"), 8, "'date'"),
        ("nlu/zh/all.yml", NLU_ZH.replace("- 帝都", "- 魔都"), 14, "already stands for"),
        ("nlu/zh/all.yml", NLU_ZH.replace(r"\d{5}", "("), 17, "regular expression"),
        ("nlu/zh/all.yml", NLU_ZH.replace("- intent: greet", "- story: x"), 3, "one of"),
        ("nlu/zh/all.yml", NLU_ZH.replace("greet", "bye"), 3, "not listed in domain.yml"),
        ("nlu/zh/all.yml", NLU_ZH.replace("greet", "say hi"), 3, "letters, digits"),
        ("nlu/en/all.yml", NLU_EN.replace("examples: |", "examples:"), 5, "an example"),
        ("checks/zh.yml", CHECKS.replace("intent", "synonym"), 3, "one of: intent"),
        ("responses/all.yml", RESPONSES.replace("utter_greet", "greet"), 3, "utter_"),
        ("responses/all.yml", RESPONSES.replace("language: en", "language: fr"), 9, "language"),
        ("responses/all.yml", RESPONSES.replace("channel", "image"), 11, "web address"),
        ("responses/all.yml", RESPONSES.replace("channel", "elements"), 11, "`elements`"),
        ("responses/all.yml", RESPONSES.replace("/ticket", "ticket"), 7, "/intent"),
        ("responses/all.yml", RESPONSES.replace("text: Hello", "text: 5"), 8, "must be text"),
        ("responses/all.yml", 'version: "3.1"\n', 1, "responses"),
        ("../articles/zh/refund.md", "# No head\n", 1, "must start with"),
        ("../articles/zh/refund.md", "---\ntitle: a\n", 1, "not closed"),
        ("../articles/zh/refund.md", ARTICLE.replace("category:", "tag:"), 3, "`tag`"),
        ("../articles/zh/refund.md", ARTICLE.replace("title: 退款", "title:"), 2, "title"),
        ("../articles/zh/refund.md", ARTICLE.replace("  - 怎", "  - 5\n  - 怎"), 5, "question"),
        ("../articles/zh/refund.md", ARTICLE.replace("title", "title: [\n"), 3, "not valid YAML"),
        ("../articles/zh/refund.md", ARTICLE.split("# ", maxsplit=1)[0], 6, "no text"),
        (
            "../articles/zh/refund.md",
            ARTICLE.replace("category", "audience: all\ncategory"),
            3,
            "public, internal",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_file_line_and_remedy(
    write: Write, name: str, text: str | bytes, line: int, words: str
) -> None:
    error = refusal(write({name: text}))
    assert error.file == name.removeprefix("../")
    assert words in error.message
    assert error.line == line
    assert str(error).startswith(f"{error.file}:{line}: ")


def test_a_missing_domain_is_named(write: Write) -> None:
    assert refusal(write({"domain.yml": None})).file == "domain.yml"


def test_too_much_is_refused_before_it_is_read(write: Write) -> None:
    error = refusal(write({"nlu/en/all.yml": NLU_EN + "#" * 50_000_000}))
    assert error.file == "nlu/en/all.yml"
    assert "larger than 50 MB" in error.message


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"nowhere: is not a folder"):
        catalogue_version(tmp_path / "nowhere")


def test_yaml_is_read_by_version_1_2(write: Write) -> None:
    text = RESPONSES.replace("text: Hello", "text: yes")
    catalogue = load_catalogue(write({"responses/all.yml": text}))
    assert catalogue.responses["utter_greet"][1].text == "yes"


def test_a_byte_order_mark_and_windows_line_ends_are_read(write: Write) -> None:
    text = ("\ufeff" + NLU_ZH).replace("\n", "\r\n")
    assert load_catalogue(write({"nlu/zh/all.yml": text})).intents[0].utterances[1].text == "您好"


def test_reading_needs_no_heavy_library() -> None:
    """Start-up is budgeted: importing the loader brings in neither YAML nor OpenCC."""
    import subprocess

    code = (
        "import sys, intents.loading, intents.validation;"
        "print(sorted({'ruamel.yaml', 'opencc', 'jieba', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
