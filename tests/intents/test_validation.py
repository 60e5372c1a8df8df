"""Every kind of mistake is found, and a sound catalogue has none."""

from dataclasses import replace

import pytest

from intents.findings import Finding, Severity
from intents.model import (
    Article,
    Button,
    Catalogue,
    Intent,
    ResponseVariant,
    Rule,
    Utterance,
)
from intents.validation import check_catalogue


def utterances(**texts: list[str]) -> tuple[Utterance, ...]:
    return tuple(
        Utterance(text=text, language=language)
        for language, found in texts.items()
        for text in found
    )


def both(zh: str, en: str) -> tuple[ResponseVariant, ...]:
    return (ResponseVariant(text=zh, language="zh"), ResponseVariant(text=en, language="en"))


def article(slug: str, language: str, title: str = "Refunds") -> Article:
    return Article(slug=slug, language=language, title=title, category="billing", body="…")


GREET = Intent(
    name="greet",
    utterances=utterances(zh=["你好", "在吗"], en=["hello", "hi"]),
    checks=utterances(zh=["哈喽"], en=["hey"]),
)
REFUND = Intent(
    name="refund",
    utterances=utterances(zh=["退款", "退钱"], en=["refund", "money back"]),
    checks=utterances(zh=["想退"], en=["give it back"]),
)
SOUND = Catalogue(
    version="0",
    intents=(GREET, REFUND),
    responses={
        "utter_greet": both("您好", "Hello"),
        "utter_title_greet": both("问好", "Hello"),
        "utter_title_refund": both("退款", "Refund"),
    },
    rules=(
        Rule(name="hello", intent="greet", steps=("utter_greet",)),
        Rule(name="refund", intent="refund", steps=("action_refund",)),
    ),
    actions=("action_refund",),
    articles=(article("refunds", "zh"), article("refunds", "en")),
)


def only(catalogue: Catalogue) -> Finding:
    (finding,) = check_catalogue(catalogue)
    assert finding.remedy
    return finding


def with_intent(intent: Intent) -> Catalogue:
    return replace(SOUND, intents=(GREET, intent))


def with_responses(name: str, *variants: ResponseVariant) -> Catalogue:
    return replace(SOUND, responses={**SOUND.responses, name: variants})


def test_a_sound_catalogue_has_no_findings() -> None:
    assert check_catalogue(SOUND) == []


@pytest.mark.parametrize("text", ["你好", "在嗎", "  HELLO ", "Ｈｉ"])
def test_a_sentence_of_two_intents_is_an_error(text: str) -> None:
    stolen = utterances(zh=["退款", "退钱"], en=["refund", text])
    found = check_catalogue(with_intent(replace(REFUND, utterances=stolen)))
    assert {each.severity for each in found} == {Severity.ERROR}
    assert [each.place for each in found] == ["intent greet", "intent refund"]
    assert "also stands in refund" in found[0].message
    assert "also stands in greet" in found[1].message


@pytest.mark.parametrize("text", ["退款", " 退款 ", "REFUND", "退錢"])
def test_a_sentence_twice_in_one_intent_is_a_warning(text: str) -> None:
    twice = REFUND.utterances + utterances(zh=[text])
    finding = only(with_intent(replace(REFUND, utterances=twice)))
    assert (finding.severity, finding.place) == (Severity.WARNING, "intent refund")
    assert "2 times" in finding.message


def test_an_intent_needs_two_utterances() -> None:
    finding = only(with_intent(replace(REFUND, utterances=REFUND.utterances[:1])))
    assert finding.severity is Severity.ERROR
    assert "1 utterances" in finding.message


@pytest.mark.parametrize(("language", "name"), [("zh", "Chinese"), ("en", "English")])
def test_utterances_and_checks_are_wanted_in_both_languages(language: str, name: str) -> None:
    kept = tuple(u for u in REFUND.utterances if u.language != language)
    checked = tuple(u for u in REFUND.checks if u.language != language)
    findings = check_catalogue(with_intent(replace(REFUND, utterances=kept, checks=checked)))
    assert [finding.severity for finding in findings] == [Severity.WARNING] * 2
    assert f"no {name} utterances" in findings[0].message
    assert f"no {name} checks" in findings[1].message


def test_an_intent_needs_one_rule() -> None:
    assert "nothing answers" in only(replace(SOUND, rules=SOUND.rules[:1])).message
    twice = replace(SOUND, rules=(*SOUND.rules, replace(SOUND.rules[0], name="again")))
    assert "several rules" in only(twice).message


def test_a_retrieval_intent_is_answered_through_its_group() -> None:
    responses = {
        **SOUND.responses,
        "utter_faq/refund": both("七天内", "Within 7 days"),
        "utter_title_faq/refund": both("退款", "Refund"),
    }
    rules = (SOUND.rules[0], Rule(name="faq", intent="faq", steps=("utter_faq",)))
    catalogue = replace(
        SOUND,
        intents=(GREET, replace(REFUND, name="faq/refund")),
        responses=responses,
        rules=rules,
    )
    assert check_catalogue(catalogue) == []


def test_a_missing_title_is_a_warning() -> None:
    responses = {k: v for k, v in SOUND.responses.items() if k != "utter_title_refund"}
    finding = only(replace(SOUND, responses=responses))
    assert finding.severity is Severity.WARNING
    assert "utter_title_refund" in finding.remedy


def test_a_check_must_not_be_trained_on() -> None:
    leaked = REFUND.checks + utterances(en=["Money  BACK"])
    finding = only(with_intent(replace(REFUND, checks=leaked)))
    assert finding.severity is Severity.ERROR
    assert "also an utterance of refund" in finding.message


def test_a_check_must_not_expect_two_intents() -> None:
    finding = only(with_intent(replace(REFUND, checks=REFUND.checks + utterances(en=["Hey"]))))
    assert "already is a check of greet" in finding.message


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule(name="x", intent="nobody", steps=("utter_greet",)), "intent 'nobody'"),
        (Rule(name="x", intent="refund", steps=("utter_gone",)), "response 'utter_gone'"),
        (Rule(name="x", intent="refund", steps=("action_gone",)), "action 'action_gone'"),
    ],
)
def test_a_rule_names_only_what_exists(rule: Rule, words: str) -> None:
    kept = SOUND.rules if rule.intent == "nobody" else SOUND.rules[:1]
    finding = only(replace(SOUND, rules=(*kept, rule)))
    assert (finding.severity, finding.place) == (Severity.ERROR, "rule x")
    assert words in finding.message


@pytest.mark.parametrize(("language", "name"), [("zh", "Chinese"), ("en", "English")])
def test_a_response_needs_both_languages_on_every_channel(language: str, name: str) -> None:
    kept = [v for v in both("您好", "Hello") if v.language != language]
    narrow = ResponseVariant(text="…", language=language, channel="webchat")
    for variants in (kept, [*kept, narrow]):
        finding = only(with_responses("utter_new", *variants))
        assert (finding.severity, finding.place) == (Severity.ERROR, "response utter_new")
        assert name in finding.message


def test_placeholders_agree_between_the_languages() -> None:
    finding = only(with_responses("utter_new", *both("来源：{title}", "Source: {tittle}")))
    assert finding.severity is Severity.ERROR
    assert "{title}, {tittle}" in finding.remedy


@pytest.mark.parametrize("payload", ["/refund", '/refund{"a": "b"}', "/article/refunds"])
def test_buttons_may_lead_to_intents_and_articles(payload: str) -> None:
    zh, en = both("您好", "Hello")
    button = Button(title="Go", payload=payload)
    assert check_catalogue(with_responses("utter_new", replace(zh, buttons=(button,)), en)) == []


@pytest.mark.parametrize("payload", ["/gone", "/article/gone", "refund", "/refund extra"])
def test_buttons_must_not_lead_nowhere(payload: str) -> None:
    zh, en = both("您好", "Hello")
    button = Button(title="Go", payload=payload)
    finding = only(with_responses("utter_new", replace(zh, buttons=(button,)), en))
    assert finding.severity is Severity.ERROR
    assert payload in finding.message


@pytest.mark.parametrize("word", ["pаyment", "Αccount", "cοde"])
def test_look_alike_letters_of_another_script_are_errors(word: str) -> None:
    finding = only(with_intent(replace(REFUND, checks=REFUND.checks + utterances(en=[word]))))
    assert finding.severity is Severity.ERROR
    assert word in finding.message
    assert only(with_responses("utter_new", *both("您好", word))).place == "response utter_new"


@pytest.mark.parametrize("text", ["Ω-3", "café Ünal", "Привет", "USB接口", "α 测试"])
def test_whole_words_of_other_scripts_are_no_look_alikes(text: str) -> None:
    catalogue = with_intent(replace(REFUND, checks=REFUND.checks + utterances(en=[text])))
    assert check_catalogue(catalogue) == []


def test_articles_need_titles_and_translations() -> None:
    blank = only(replace(SOUND, articles=(article("refunds", "zh", " "), SOUND.articles[1])))
    assert (blank.severity, blank.place) == (Severity.ERROR, "article refunds (zh)")
    lone = only(replace(SOUND, articles=SOUND.articles[:1]))
    assert (lone.severity, lone.remedy) == (Severity.WARNING, "translate it")
    twice = only(replace(SOUND, articles=(*SOUND.articles, SOUND.articles[0])))
    assert "2 times in Chinese" in twice.message


def test_errors_come_first() -> None:
    catalogue = replace(SOUND, articles=SOUND.articles[:1], rules=SOUND.rules[:1])
    assert [finding.severity for finding in check_catalogue(catalogue)] == ["error", "warning"]
