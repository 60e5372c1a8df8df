"""Every branch of the policy, as a table; and every reason for a hand-off."""

import pytest

from bot.contract import BotState, HandoffReason, Understanding
from bot.knowledge import Hit
from bot.plans import (
    Answer,
    BotSettings,
    Facts,
    FromArticle,
    HandOver,
    NotUnderstood,
    Offer,
    Plan,
)
from bot.playbook import Playbook, ticket_kind
from bot.policy import chosen_payload, decide_turn, missed

SETTINGS = BotSettings(
    accept=0.5, suggest=0.2, article_accept=0.75, article_suggest=0.35, turn_cap=12, miss_limit=2
)
STEPS = {
    "greet": ("utter_greet",),
    "thanks": ("utter_thanks",),
    "affirm": ("utter_affirm",),
    "deny": ("utter_deny",),
    "refund": ("utter_refund",),
    "slow_line": ("utter_slow_line",),
    "ticket_status": ("action_ticket_status",),
    "out_of_scope": ("utter_out_of_scope",),
    "human_handoff": ("action_handoff",),
    "complaint": ("action_handoff",),
    "faq/hours": ("utter_faq/hours",),
}
PLAYBOOK = Playbook(
    steps=STEPS,
    articles={"refund": "refunds", "slow_line": "slow"},
    slugs=frozenset({"refunds", "slow", "printers"}),
)
NONE, PERSON = "/none_of_these", "/human_handoff"
REFUND = Answer(intent="refund", steps=("utter_refund",), article="refunds")
FOREIGN = Answer(intent="out_of_scope", steps=("utter_out_of_scope",), missed=True)


def seen(*ranking: tuple[str, float], **entities: str) -> Understanding:
    if not ranking:
        return Understanding(intent=None, confidence=0.0, entities=entities)
    return Understanding(
        intent=ranking[0][0], confidence=ranking[0][1], ranking=ranking, entities=entities
    )


def hit(slug: str, score: float) -> Hit:
    return Hit(slug=slug, title=slug, passage=slug, score=score)


def plan(
    text: str = "something",
    understanding: Understanding | None = None,
    *,
    payload: str | None = None,
    state: BotState | None = None,
    hits: tuple[Hit, ...] = (),
    titles: tuple[str, ...] = (),
) -> Plan:
    facts = Facts(
        text=text,
        payload=payload,
        state=state or BotState(),
        understanding=understanding or seen(),
        hits=hits,
        titles=titles,
    )
    return decide_turn(facts, PLAYBOOK, SETTINGS)


def wish(kind: str = "consultation") -> HandOver:
    return HandOver(reason=HandoffReason.WISH, kind=kind)


def given_up(kind: str = "consultation") -> HandOver:
    return HandOver(reason=HandoffReason.LOW_CONFIDENCE, kind=kind)


COMPLAINT = HandOver(reason=HandoffReason.COMPLAINT, kind="complaint", severity="important")
CAPPED = HandOver(reason=HandoffReason.TURN_CAP, kind="consultation")
MISSED_ONCE = BotState(misses=1, turns=3)
AT_CAP = BotState(turns=12)
ASKED = BotState(misses=1, offered=("/refund", "/article/slow", NONE, PERSON))
ASKED_FRESH = BotState(offered=("/refund", NONE, PERSON))
TITLES = ("Ask for a refund", "Slow line", "None of these", "Talk to a person")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        # the wish for a person, at any point
        (plan("转人工"), wish()),
        (plan("I want to talk to a person", seen(("refund", 0.9))), wish()),
        (plan("轉人工", state=AT_CAP), wish()),
        (plan("x", seen(("human_handoff", 0.6))), wish()),
        (plan("x", seen(("human_handoff", 0.6)), state=AT_CAP), wish()),
        (plan("x", payload=PERSON, state=BotState(topic="refund", turns=40)), wish("order")),
        (plan("4", state=ASKED), wish()),
        (plan("x", seen(("human_handoff", 0.3))), NotUnderstood()),
        # complaints
        (plan("x", seen(("complaint", 0.7))), COMPLAINT),
        (plan("x", seen(("complaint", 0.7)), state=AT_CAP), COMPLAINT),
        (plan("x", payload="/complaint"), COMPLAINT),
        (plan("x", seen(("complaint", 0.4))), Offer(payloads=("/complaint", NONE, PERSON))),
        # the turn cap
        (plan("x", seen(("refund", 0.9)), state=AT_CAP), CAPPED),
        (plan("x", payload="/refund", state=AT_CAP), CAPPED),
        (plan("x", payload=NONE, state=AT_CAP), CAPPED),
        (plan("x", state=BotState(turns=11), payload="/refund"), REFUND),
        # buttons
        (plan("x", seen(("greet", 0.9)), payload="/refund"), REFUND),
        (plan("x", payload='/refund{"order": "1"}'), REFUND),
        (plan("x", payload="/faq/hours"), Answer(intent="faq/hours", steps=("utter_faq/hours",))),
        (plan("x", payload="/article/printers"), FromArticle(slug="printers")),
        (plan("x", payload=NONE), NotUnderstood()),
        (plan("x", payload=NONE, state=MISSED_ONCE), given_up()),
        (plan("x", seen(("refund", 0.9)), payload="/gone"), REFUND),
        (plan("x", seen(("refund", 0.9)), payload="/article/gone"), REFUND),
        (plan("x", seen(("refund", 0.9)), payload="no slash"), REFUND),
        # offered choices, typed
        (plan("1", state=ASKED), REFUND),
        (plan("２", state=ASKED), FromArticle(slug="slow")),
        (plan("第一个", state=ASKED), REFUND),
        (plan("ask for a REFUND", state=ASKED, titles=TITLES), REFUND),
        (plan("none of these", state=ASKED, titles=TITLES), given_up()),
        (plan("9", state=ASKED), given_up()),
        (plan("1"), NotUnderstood()),
        (plan("yes", seen(("affirm", 0.9)), state=ASKED_FRESH), REFUND),
        (plan("yes", seen(("affirm", 0.3)), state=ASKED_FRESH), REFUND),
        (
            plan("yes", seen(("affirm", 0.9)), state=ASKED),
            Answer(intent="affirm", steps=("utter_affirm",)),
        ),
        (plan("no", seen(("deny", 0.9)), state=ASKED), given_up()),
        (plan("no", seen(("deny", 0.9)), state=ASKED_FRESH), NotUnderstood()),
        (
            plan("no", seen(("deny", 0.9)), state=BotState(offered=("/refund",))),
            Answer(intent="deny", steps=("utter_deny",)),
        ),
        # sure
        (plan("x", seen(("refund", 0.5))), REFUND),
        (plan("x", seen(("refund", 0.9)), state=MISSED_ONCE), REFUND),
        (plan("x", seen(("no_rule", 0.9))), NotUnderstood()),
        # small talk is no miss, even when it is only likely
        (
            plan("x", seen(("greet", 0.3)), state=MISSED_ONCE),
            Answer(intent="greet", steps=("utter_greet",)),
        ),
        (plan("👍", state=MISSED_ONCE), Answer(intent="thanks", steps=("utter_thanks",))),
        (
            plan("x", seen(("greet", 0.3), ("refund", 0.25))),
            Offer(payloads=("/refund", NONE, PERSON)),
        ),
        (
            plan("x", seen(("greet", 0.3)), hits=(hit("printers", 0.5),)),
            Offer(payloads=("/article/printers", NONE, PERSON)),
        ),
        # articles
        (plan("x", hits=(hit("printers", 0.8),)), FromArticle(slug="printers")),
        (
            plan("x", seen(("refund", 0.4)), hits=(hit("refunds", 0.8),)),
            FromArticle(slug="refunds"),
        ),
        (
            plan("x", seen(("out_of_scope", 0.9)), hits=(hit("printers", 0.8),)),
            FromArticle(slug="printers"),
        ),
        (
            plan("x", seen(("slow_line", 0.3)), hits=(hit("refunds", 0.8),)),
            Offer(payloads=("/article/refunds", "/slow_line", NONE, PERSON)),
        ),
        (plan("x", seen(("refund", 0.9)), hits=(hit("printers", 0.99),)), REFUND),
        # a ticket number alone
        (
            plan("T-10023", seen(ticket_number="10023")),
            Answer(intent="ticket_status", steps=("action_ticket_status",)),
        ),
        (
            plan("编号10023", seen(("refund", 0.3), ticket_number="10023")),
            Answer(intent="ticket_status", steps=("action_ticket_status",)),
        ),
        (
            plan(
                "it should be 10023 I believe",
                seen(ticket_number="10023"),
                state=BotState(topic="ticket_status"),
            ),
            Answer(intent="ticket_status", steps=("action_ticket_status",)),
        ),
        (plan("my box 10023 came open", seen(ticket_number="10023")), NotUnderstood()),
        (plan("refund 10023", seen(("refund", 0.9), ticket_number="10023")), REFUND),
        # unsure
        (
            plan("x", seen(("refund", 0.3), ("slow_line", 0.06), ("greet", 0.06))),
            Offer(payloads=("/refund", "/slow_line", NONE, PERSON)),
        ),
        (
            plan(
                "x",
                seen(("refund", 0.3), ("slow_line", 0.25), ("complaint", 0.1), ("faq/hours", 0.1)),
            ),
            Offer(payloads=("/refund", "/slow_line", "/complaint", NONE, PERSON)),
        ),
        (
            plan("x", seen(("refund", 0.3)), hits=(hit("refunds", 0.5), hit("slow", 0.4))),
            Offer(payloads=("/article/slow", "/refund", NONE, PERSON)),
        ),
        (plan("x", seen(("refund", 0.19), ("slow_line", 0.1))), NotUnderstood()),
        (plan("x", seen(("out_of_scope", 0.9))), FOREIGN),
        (plan("x", seen(("out_of_scope", 0.15))), FOREIGN),
        (plan(""), NotUnderstood()),
        # a second miss in a row goes to a person
        (plan("x", seen(("refund", 0.3)), state=MISSED_ONCE), given_up()),
        (plan("x", seen(("out_of_scope", 0.9)), state=MISSED_ONCE), given_up()),
        (
            plan("x", state=BotState(misses=1, topic="device_fault")),
            given_up("fault"),
        ),
    ],
)
def test_decide_turn(made: Plan, expected: Plan) -> None:
    assert made == expected


def test_what_counts_as_a_miss() -> None:
    assert missed(Offer(payloads=("/a",)))
    assert missed(NotUnderstood())
    assert missed(FOREIGN)
    assert not missed(REFUND)
    assert not missed(FromArticle(slug="refunds"))
    assert not missed(wish())


def test_a_higher_limit_asks_more_often() -> None:
    facts = Facts(text="x", payload=None, state=BotState(misses=1), understanding=seen())
    patient = BotSettings(miss_limit=3)
    assert decide_turn(facts, PLAYBOOK, patient) == NotUnderstood()


@pytest.mark.parametrize(
    ("intent", "kind"),
    [
        (None, "consultation"),
        ("opening_hours", "consultation"),
        ("complaint", "complaint"),
        ("suggestion", "suggestion"),
        ("broadband_no_internet", "fault"),
        ("broadband_modem_fault", "fault"),
        ("eseal_not_recognised", "fault"),
        ("refund_request", "order"),
        ("delivery_track", "order"),
        ("account_locked", "service"),
        ("cancel_subscription", "service"),
    ],
)
def test_ticket_kinds(intent: str | None, kind: str) -> None:
    assert ticket_kind(intent) == kind


def test_a_typed_number_without_an_offer_is_text() -> None:
    facts = Facts(text="2", payload=None, state=BotState(), understanding=seen())
    assert chosen_payload(facts) is None
