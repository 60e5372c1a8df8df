"""A Rasa 3 project's own layout, with forms, stories and conditions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from intents.errors import CatalogueError
from intents.loading import load_catalogue
from intents.model import Form, ResponseVariant, Rule, SlotCondition, SlotMapping, Source

DOMAIN = """\
version: "3.1"
intents:
- greet
- order:
    use_entities: [size]
- inform
- stop
- chat
- affirm
- deny
entities:
- size:
    roles: [wanted, had]
slots:
  size:
    type: categorical
    values: [s, m, l]
    mappings:
    - {type: from_entity, entity: size, role: wanted}
  note:
    type: text
    mappings:
    - type: from_text
      not_intent: stop
      conditions:
      - {active_loop: order_form, requested_slot: note}
  gift:
    type: bool
    mappings:
    - {type: from_intent, intent: affirm, value: true}
    - {type: from_trigger_intent, intent: order, value: false}
  price:
    type: float
    min_value: 0
    max_value: 99.5
    mappings:
    - {type: custom, action: action_price}
forms:
  order_form:
    required_slots: [size, note]
    ignored_intents: chat
actions:
- action_price: {send_domain: true}
session_config:
  session_expiration_time: 0
  carry_over_slots_to_new_session: true
"""
NLU = """\
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - 你好
- intent: order
  examples:
  - text: |
      give me [large]{"entity": "size", "role": "wanted", "value": "l"}
    metadata: {sentiment: fine}
  - text: order
- intent: inform
  examples: |
    - [small][{"entity": "size", "role": "wanted", "value": "s"}, {"entity": "size", "group": "2"}]
"""
RESPONSES = """\
version: "3.1"
responses:
  utter_greet:
  - text: Hello!
    image: https://pictures.example/wave.png
    custom: {wave: true}
    condition:
    - {type: slot, name: gift, value: true}
  - text: 您好
"""
RULES = """\
version: "3.1"
rules:
- rule: order
  steps:
  - intent: order
  - action: order_form
  - active_loop: order_form
- rule: chat in the form
  condition:
  - active_loop: order_form
  steps:
  - intent: chat
  - action: utter_chat
  - action: order_form
  - active_loop: order_form
- rule: stop
  condition:
  - active_loop: order_form
  steps:
  - intent: stop
  - action: action_deactivate_loop
  - active_loop: null
  - action: utter_stopped
- rule: done
  condition:
  - active_loop: order_form
  steps:
  - action: order_form
  - active_loop: null
  - slot_was_set:
    - requested_slot: null
  - action: action_price
  - slot_was_set:
    - gift: true
  - action: utter_wrapped
  wait_for_user_input: false
- rule: greet again
  conversation_start: true
  condition:
  - slot_was_set:
    - note: anything
  steps:
  - or:
    - intent: greet
    - intent: affirm
  - action: utter_greet
"""
STORIES = """\
version: "3.1"
stories:
- story: happy
  steps:
  - intent: inform
    entities:
    - size: l
  - action: utter_size
  - checkpoint: asked
- story: yes
  steps:
  - checkpoint: asked
  - intent: affirm
  - action: utter_yes
- story: no
  steps:
  - intent: chat
  - action: utter_chat
  - intent: affirm
  - action: utter_really
  - intent: deny
  - action: utter_no
"""
FILES = {
    "domain/all.yml": DOMAIN,
    "data/nlu.yml": NLU,
    "data/more/responses.yaml": RESPONSES,
    "data/rules.yml": RULES,
    "data/stories.yml": STORIES,
    "config.yml": "recipe: default.v1\n",
    "tests/test_stories.yml": 'version: "3.1"\nstories: []\n',
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the project, with some files replaced."""

    def write_files(changes: dict[str, str] | None = None) -> Path:
        folder = tmp_path / "project"
        for name, text in {**FILES, **(changes or {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return folder

    return write_files


def test_examples_of_every_form(write: Write) -> None:
    intents = {intent.name: intent for intent in load_catalogue(write()).intents}
    assert [(u.text, u.language) for u in intents["greet"].utterances] == [
        ("hello", "en"),
        ("你好", "zh"),
    ]
    asked, bare = intents["order"].utterances
    assert (asked.text, bare.text) == ("give me large", "order")
    assert [(s.role, s.value, s.start, s.end) for s in asked.entities] == [("wanted", "l", 8, 13)]
    twice = intents["inform"].utterances[0].entities
    assert [(s.role, s.group, s.value) for s in twice] == [
        ("wanted", None, "s"),
        (None, "2", "small"),
    ]


def test_slots_and_forms(write: Write) -> None:
    catalogue = load_catalogue(write())
    slots = {slot.name: slot for slot in catalogue.slots}
    assert slots["size"].values == ("s", "m", "l")
    assert slots["size"].influences
    assert slots["size"].mappings == (
        SlotMapping(source=Source.ENTITY, entity="size", role="wanted"),
    )
    assert slots["note"].mappings == (
        SlotMapping(source=Source.TEXT, not_intents=("stop",), loops=(("order_form", "note"),)),
    )
    assert slots["gift"].mappings == (
        SlotMapping(source=Source.INTENT, intents=("affirm",), value=True),
        SlotMapping(source=Source.TRIGGER_INTENT, intents=("order",), value=False),
    )
    assert (slots["price"].lowest, slots["price"].highest) == (0, 99.5)
    assert slots["price"].mappings[0].action == "action_price"
    assert catalogue.forms == (
        Form(name="order_form", required=("size", "note"), ignored_intents=("chat",)),
    )


def test_responses_with_conditions_and_pictures(write: Write) -> None:
    assert load_catalogue(write()).responses["utter_greet"] == (
        ResponseVariant(
            text="Hello!",
            language="en",
            conditions=(SlotCondition(slot="gift", value=True),),
            image="https://pictures.example/wave.png",
            custom={"wave": True},
        ),
        ResponseVariant(text="您好", language="zh"),
    )


def test_rules_of_forms_and_stories_that_look_back_one_step(write: Write) -> None:
    set_note = (SlotCondition(slot="note", any_value=True),)
    assert load_catalogue(write()).rules == (
        Rule(name="order", intent="order", steps=("order_form",)),
        Rule(name="chat in the form", intent="chat", steps=("utter_chat",), loop="order_form"),
        Rule(
            name="stop",
            intent="stop",
            steps=("action_deactivate_loop", "utter_stopped"),
            loop="order_form",
        ),
        Rule(name="done", intent=None, steps=("action_price",), loop="order_form"),
        Rule(
            name="done",
            intent=None,
            steps=("utter_wrapped",),
            conditions=(SlotCondition(slot="gift", value=True),),
            after="action_price",
        ),
        Rule(
            name="greet again",
            intent="greet",
            steps=("utter_greet",),
            conditions=set_note,
            starts=True,
        ),
        Rule(
            name="greet again",
            intent="affirm",
            steps=("utter_greet",),
            conditions=set_note,
            starts=True,
        ),
        Rule(
            name="happy",
            intent="inform",
            steps=("utter_size",),
            conditions=(SlotCondition(slot="size", value="l"),),
        ),
        Rule(name="yes", intent="affirm", steps=("utter_yes",), after="utter_size"),
        Rule(name="no", intent="affirm", steps=("utter_really",), after="utter_chat"),
        Rule(name="no", intent="chat", steps=("utter_chat",)),
        Rule(name="no", intent="deny", steps=("utter_no",)),
    )


def test_what_has_no_effect_is_told(write: Write) -> None:
    told = {note.place: note.message for note in load_catalogue(write()).notes}
    assert "not used" in told["config.yml"]
    assert "not run" in told["tests/"]
    assert "'order'" in told["domain/all.yml:4"]
    assert "slots end" in told["domain/all.yml:46"]
    assert "no effect" in told["data/nlu.yml:9"]


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [
        (
            "data/stories.yml",
            STORIES + "- story: other\n  steps:\n  - intent: chat\n  - action: utter_chat\n"
            "  - intent: affirm\n  - action: utter_else\n",
            24,
            "looks back one step only",
        ),
        (
            "data/stories.yml",
            STORIES.replace("intent: deny", "intent: order"),
            16,
            "a rule answers `order` otherwise",
        ),
        ("data/stories.yml", STORIES.replace("- checkpoint: asked", "", 1), 12, "no story ends"),
        (
            "data/stories.yml",
            STORIES.replace("- intent: chat", "- user: hi"),
            17,
            "end-to-end",
        ),
        ("data/stories.yml", STORIES.replace("size: l", "colour: red"), 5, "fills no slot"),
        (
            "data/rules.yml",
            RULES.replace("    - intent: affirm\n", "    - slot_was_set: [gift]\n"),
            43,
            "`or` over slots",
        ),
        ("data/old.md", "## intent:greet\n", None, "old format"),
        ("domain/two.yml", 'version: "3.1"\nintents: [greet]\n', 2, "twice"),
        (
            "domain/two.yml",
            'version: "3.1"\nforms:\n  order_form: {required_slots: []}\n',
            3,
            "twice",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    write: Write, name: str, text: str, line: int | None, words: str
) -> None:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(write({name: text}))
    assert caught.value.file == name
    assert words in caught.value.message
    assert caught.value.line == line
