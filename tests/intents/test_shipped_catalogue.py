"""The sample company's catalogue: sound, and as large as promised."""

import re
from collections import Counter

import pytest

from intents.loading import SHIPPED_CATALOGUE, load_catalogue
from intents.model import Catalogue
from intents.validation import check_catalogue

BOT_RESPONSES = [
    "utter_greeting",
    "utter_did_you_mean",
    "utter_not_understood",
    "utter_none_of_these",
    "utter_talk_to_person",
    "utter_article_source",
    "utter_ticket_found",
    "utter_ticket_done",
    "utter_ticket_not_found",
    "utter_ask_ticket_number",
    *(
        f"utter_holding_{reason}"
        for reason in (
            "wish",
            "low_confidence",
            "turn_cap",
            "complaint",
            "action",
            "error",
            "timeout",
            "attachment",
            "loop",
            "anger",
            "key_customer",
            "topic",
            "ticket",
            "call_back",
        )
    ),
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(SHIPPED_CATALOGUE)


def test_nothing_is_wrong_with_it(catalogue: Catalogue) -> None:
    assert check_catalogue(catalogue) == []


def test_it_is_large_enough_in_both_languages(catalogue: Catalogue) -> None:
    assert len(catalogue.intents) >= 42
    for intent in catalogue.intents:
        least = 40 if intent.name == "out_of_scope" else 13
        utterances = Counter(utterance.language for utterance in intent.utterances)
        checks = Counter(check.language for check in intent.checks)
        assert min(utterances["zh"], utterances["en"]) >= least, intent.name
        assert min(checks["zh"], checks["en"]) >= 3, intent.name


def test_it_has_every_text_that_the_bot_says_by_itself(catalogue: Catalogue) -> None:
    assert set(BOT_RESPONSES) <= set(catalogue.responses)


def test_people_are_one_button_away_when_the_bot_is_lost(catalogue: Catalogue) -> None:
    for name in ("utter_greeting", "utter_not_understood", "utter_out_of_scope"):
        for variant in catalogue.responses[name]:
            assert "/human_handoff" in {button.payload for button in variant.buttons}


def test_what_people_must_do_goes_to_people(catalogue: Catalogue) -> None:
    steps = {rule.intent: rule.steps for rule in catalogue.rules}
    assert steps["human_handoff"] == steps["complaint"] == ("action_handoff",)
    assert steps["ticket_status"] == ("action_ticket_status",)


def test_it_promises_nothing_that_cannot_be_kept(catalogue: Catalogue) -> None:
    """Forbidden wording (H1.4, H4.6)."""
    forbidden = re.compile(r"保证|一定赔|绝对|guarantee|promise", re.IGNORECASE)
    for name, variants in catalogue.responses.items():
        for variant in variants:
            assert forbidden.search(variant.text) is None, name


def test_replies_fit_a_small_screen(catalogue: Catalogue) -> None:
    for name, variants in catalogue.responses.items():
        for variant in variants:
            assert len(variant.text) <= 480, name
            assert len(variant.buttons) <= 4, name
            assert all(len(button.title) <= 24 for button in variant.buttons), name


def test_both_languages_offer_the_same_choices(catalogue: Catalogue) -> None:
    for name, variants in catalogue.responses.items():
        offered = {tuple(button.payload for button in variant.buttons) for variant in variants}
        assert len(offered) == 1, name


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("工单10023", "10023"),
        ("查T-10023的进度", "T-10023"),
        ("ticket t10023, please", "t10023"),
        ("T-10023", "T-10023"),
    ],
)
def test_ticket_numbers_are_found_in_both_languages(
    catalogue: Catalogue, text: str, number: str
) -> None:
    found = [
        match[0]
        for pattern in catalogue.regexes["ticket_number"]
        if (match := re.search(pattern, text))
    ]
    assert found[0] == number


@pytest.mark.parametrize("text", ["400-555-0199", "订单QD202503040017", "QC20481357", "1234"])
def test_other_numbers_are_no_ticket_numbers(catalogue: Catalogue, text: str) -> None:
    assert not any(re.search(pattern, text) for pattern in catalogue.regexes["ticket_number"])
