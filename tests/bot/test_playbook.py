"""What a catalogue prescribes: steps of plain and retrieval intents, links to articles."""

from dataclasses import replace

import pytest

from bot.knowledge import ArticleIndex
from bot.playbook import Playbook, compile_playbook
from intents.model import Catalogue, Intent, Rule
from tests.bot.conftest import both, utterances

LINKS = {
    "password_reset": "reset-password",
    "account_locked": "account-locked",
    "invoice_request": "request-e-invoice",
    "refund_request": "refunds",
    "delivery_track": "track-order-change-address",
    "eseal_warranty": "e-seal-warranty",
    "eseal_not_recognised": "e-seal-not-recognised",
    "broadband_no_internet": "no-internet",
    "broadband_router_fault": "modem-router-faults",
    "mail_setup": "set-up-mail",
    "opening_hours": "contact-and-hours",
}


@pytest.fixture(scope="module")
def playbook(shipped: Catalogue) -> Playbook:
    return compile_playbook(shipped, ArticleIndex(shipped.articles))


def test_every_intent_of_the_shipped_catalogue_has_steps(
    shipped: Catalogue, playbook: Playbook
) -> None:
    assert set(playbook.steps) == {intent.name for intent in shipped.intents}


def test_intents_are_linked_to_the_articles_of_their_topic(
    shipped: Catalogue, playbook: Playbook
) -> None:
    assert {name: playbook.articles.get(name) for name in LINKS} == LINKS
    small_talk = {name for name in playbook.steps if playbook.is_small_talk(name)}
    assert {"greet", "thanks", "chitchat"} <= small_talk
    assert not small_talk & set(playbook.articles)
    assert "out_of_scope" not in playbook.articles


def test_topics_are_what_can_be_offered(playbook: Playbook) -> None:
    assert playbook.is_topic("refund_request")
    assert playbook.is_topic("complaint")
    for name in ("greet", "human_handoff", "out_of_scope", "gone"):
        assert not playbook.is_topic(name)


def test_retrieval_intents_follow_their_group(catalogue: Catalogue) -> None:
    asked = utterances("en", "when are you open")
    full = replace(
        catalogue,
        intents=(
            Intent(name="faq/hours", utterances=asked),
            Intent(name="loose", utterances=asked),
            Intent(name="silent", utterances=asked),
        ),
        responses={"utter_faq/hours": both("九点", "Nine"), "utter_loose": both("好", "ok")},
        rules=(Rule(name="faq", intent="faq", steps=("utter_faq", "action_log")),),
    )
    playbook = compile_playbook(full, ArticleIndex(()))
    assert playbook.steps == {
        "faq/hours": ("utter_faq/hours", "action_log"),
        "loose": ("utter_loose",),
    }
    assert playbook.articles == {}


def test_slugs_are_those_of_public_articles(catalogue: Catalogue) -> None:
    playbook = compile_playbook(catalogue, ArticleIndex(catalogue.articles))
    assert "refunds" in playbook.slugs
    assert "printers" in playbook.slugs
    assert "staff-notes" not in playbook.slugs
