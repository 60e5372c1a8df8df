"""Slots are filled by their mappings, as Rasa 3 fills them."""

from typing import Any

import pytest

from bot.contract import BotState, Understanding
from bot.flows import decide_flow, start_form
from bot.plans import BotSettings, Facts, Move
from bot.playbook import Playbook
from bot.slots import Heard, fill_slots
from bot.values.found import Found
from intents.model import Form, Rule, Slot, SlotCondition, SlotMapping, Source

SIZE = Slot(
    name="size",
    type="categorical",
    values=("s", "m"),
    mappings=(SlotMapping(source=Source.ENTITY, entity="size", role="wanted"),),
)
NOTE = Slot(
    name="note",
    type="text",
    mappings=(SlotMapping(source=Source.TEXT, not_intents=("stop",), loops=(("order", "note"),)),),
)
GIFT = Slot(
    name="gift",
    type="bool",
    mappings=(
        SlotMapping(source=Source.INTENT, intents=("affirm",), value=True),
        SlotMapping(source=Source.TRIGGER_INTENT, intents=("order",), value=False),
    ),
)
COUNT = Slot(
    name="count",
    type="float",
    lowest=1,
    highest=9,
    mappings=(SlotMapping(source=Source.TEXT),),
)
OWN = Slot(name="own", type="any", mappings=(SlotMapping(source=Source.CUSTOM, action="a"),))
SLOTS = (SIZE, NOTE, GIFT, COUNT, OWN)


def size(value: str, role: str | None = "wanted") -> tuple[Found, ...]:
    return (Found(entity="size", value=value, start=0, end=1, role=role),)


@pytest.mark.parametrize(
    ("heard", "where", "values", "wrong"),
    [
        (Heard(text="S", intent=None, found=size("S")), {}, {"size": "s"}, set()),
        (Heard(text="xl", intent=None, found=size("xl")), {}, {}, {"size"}),
        (Heard(text="s", intent=None, found=size("s", "had")), {}, {}, set()),
        (Heard(text="hi", intent=None), {"loop": "order", "asked": "note"}, {"note": "hi"}, set()),
        (Heard(text="hi", intent="stop"), {"loop": "order", "asked": "note"}, {}, set()),
        (Heard(text="hi", intent=None), {"loop": "order", "asked": "size"}, {}, set()),
        (Heard(text="hi", intent=None), {}, {}, set()),
        (Heard(text="yes", intent="affirm"), {}, {"gift": True}, set()),
        (Heard(text="x", intent="order"), {"starts": True}, {"gift": False}, set()),
        (Heard(text="x", intent="order"), {}, {}, set()),
        (Heard(text="三", intent=None), {"loop": "f", "asked": "count"}, {"count": 3.0}, set()),
        (Heard(text="12", intent=None), {"loop": "f", "asked": "count"}, {}, {"count"}),
        (Heard(text="many", intent=None), {"loop": "f", "asked": "count"}, {}, {"count"}),
    ],
)
def test_fill_slots(
    heard: Heard, where: dict[str, Any], values: dict[str, Any], wrong: set[str]
) -> None:
    assert fill_slots(SLOTS, heard, **where) == (values, wrong)


FORM = Form(name="order", required=("size", "note"), ignored_intents=("chat",))
BOOK = Playbook(
    steps={"chat": ("utter_chat",)},
    forms={"order": FORM},
    slots=SLOTS,
    rules=(
        Rule(name="done", intent=None, steps=("utter_done",), loop="order"),
        Rule(
            name="gift",
            intent=None,
            steps=("utter_wrapped",),
            loop="order",
            conditions=(SlotCondition(slot="gift", value=True),),
        ),
        Rule(
            name="stop", intent="stop", steps=("action_deactivate_loop", "utter_bye"), loop="order"
        ),
        Rule(name="chat", intent="chat", steps=("utter_chat",), loop="order"),
    ),
)


def facts(
    text: str,
    intent: str | None = None,
    found: tuple[Found, ...] = (),
    *,
    flow: dict[str, Any] | None = None,
    slots: dict[str, Any] | None = None,
) -> Facts:
    return Facts(
        text=text,
        payload=None,
        state=BotState(flow=flow),
        understanding=Understanding(intent=intent, confidence=0.9 if intent else 0.0),
        slots=slots or {},
        heard=Heard(text=text, intent=intent, found=found),
    )


def decide(made: Facts) -> Move:
    move = decide_flow(made, BOOK, BotSettings(), lambda _: None)
    assert isinstance(move, Move)
    return move


def test_a_form_from_start_to_end() -> None:
    begun = start_form(FORM, facts("order", "order"), BOOK)
    assert begun.flow is not None
    assert begun.flow["slot"] == "size"
    sized = decide(facts("m", found=size("m"), flow=dict(begun.flow)))
    assert sized.flow is not None
    assert (sized.slots, sized.flow["slot"], sized.flow["done"]) == (
        {"size": "m"},
        "note",
        ["size"],
    )
    done = decide(facts("be quick", flow=dict(sized.flow), slots={"size": "m"}))
    assert (done.flow, done.slots, done.steps) == (None, {"note": "be quick"}, ("utter_done",))
    wrapped = decide(facts("be quick", flow=dict(sized.flow), slots={"size": "m", "gift": True}))
    assert wrapped.steps == ("utter_wrapped",)


def test_the_rules_of_a_form_hold_within_it() -> None:
    flow = {"kind": "form", "name": "order", "slot": "note", "done": ["size"], "tries": 0}
    stopped = decide(facts("stop it", "stop", flow=flow, slots={"size": "m"}))
    assert (stopped.flow, stopped.steps) == (None, ("utter_bye",))
    chatted = decide(facts("nice day", "chat", flow=flow, slots={"size": "m"}))
    assert chatted.flow == flow
    assert chatted.inner is not None
    assert chatted.slots == {}


def test_a_flow_of_another_catalogue_is_forgotten() -> None:
    gone = {"kind": "form", "name": "gone", "slot": "x", "tries": 0}
    assert decide_flow(facts("x", flow=gone), BOOK, BotSettings(), lambda _: None) is None
