"""Judges a catalogue: what would make the bot answer wrongly, or not at all.

The loader refuses what cannot be read; this finds what reads well and is still a mistake.
Errors must be mended before a catalogue may be published, warnings should be looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from intents.model import Article, Catalogue, Intent, ResponseVariant, Rule, Utterance
from intents.text import normalise_text

_LANGUAGES = ("zh", "en")
_LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}
_FEWEST_UTTERANCES = 2
_WORD = re.compile(r"[^\W\d_]+")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PAYLOAD = re.compile(r"/(?P<intent>\w+(?:/[\w-]+)?)(?:\{.*\})?")
_SIMILAR_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake: where it is, what is wrong and what an editor can do about it."""

    severity: Severity
    place: str
    message: str
    remedy: str


def check_catalogue(catalogue: Catalogue) -> list[Finding]:
    """Return what is wrong with a catalogue, errors first."""
    findings = [
        *_check_intents(catalogue),
        *_check_duplicates(catalogue),
        *_check_held_out(catalogue),
        *_check_rules(catalogue),
        *_check_responses(catalogue),
        *_check_look_alikes(catalogue),
        *_check_articles(catalogue.articles),
    ]
    return sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)


def _error(place: str, message: str, remedy: str) -> Finding:
    return Finding(severity=Severity.ERROR, place=place, message=message, remedy=remedy)


def _warning(place: str, message: str, remedy: str) -> Finding:
    return Finding(severity=Severity.WARNING, place=place, message=message, remedy=remedy)


def _check_intents(catalogue: Catalogue) -> Iterator[Finding]:
    answered = Counter(rule.intent for rule in catalogue.rules)
    for intent in catalogue.intents:
        place = f"intent {intent.name}"
        yield from _check_sizes(intent, place)
        if answered[intent.name] == 0 and answered[intent.name.partition("/")[0]] == 0:
            yield _error(place, "nothing answers it", "add a rule to rules.yml")
        if answered[intent.name] > 1:
            yield _error(place, "several rules answer it", "keep one rule in rules.yml")
        title = f"utter_title_{intent.name}"
        if title not in catalogue.responses:
            yield _warning(
                place, "it has no title for choices", f"add the response {title} in zh and en"
            )


def _check_sizes(intent: Intent, place: str) -> Iterator[Finding]:
    if len(intent.utterances) < _FEWEST_UTTERANCES:
        yield _error(
            place,
            f"it has {len(intent.utterances)} utterances; it cannot be learnt",
            f"write at least {_FEWEST_UTTERANCES}, better 10 in each language",
        )
        return
    for language in _LANGUAGES:
        name = _LANGUAGE_NAMES[language]
        if not any(utterance.language == language for utterance in intent.utterances):
            yield _warning(place, f"it has no {name} utterances", f"add some to nlu/{language}/")
        if not any(check.language == language for check in intent.checks):
            yield _warning(
                place,
                f"it has no {name} checks, so its accuracy is unknown",
                f"add two or three to checks/{language}.yml",
            )


def _check_duplicates(catalogue: Catalogue) -> Iterator[Finding]:
    """The same sentence twice: in one intent it is idle, in two it confuses the bot."""
    owners: defaultdict[str, list[tuple[str, Utterance]]] = defaultdict(list)
    for intent in catalogue.intents:
        for utterance in intent.utterances:
            owners[normalise_text(utterance.text)].append((intent.name, utterance))
    for found in owners.values():
        names = list(dict.fromkeys(name for name, _ in found))
        text = found[0][1].text
        if len(names) > 1:
            yield _error(
                f"intent {names[0]}",
                f"{text!r} also stands in {', '.join(names[1:])}",
                "keep it where it belongs and remove the others",
            )
        elif len(found) > 1:
            yield _warning(
                f"intent {names[0]}", f"{text!r} stands {len(found)} times", "keep one of them"
            )


def _check_held_out(catalogue: Catalogue) -> Iterator[Finding]:
    """A check that is trained on, or expects two intents, measures nothing."""
    trained = {
        normalise_text(utterance.text): intent.name
        for intent in catalogue.intents
        for utterance in intent.utterances
    }
    expected: dict[str, str] = {}
    for intent in catalogue.intents:
        place = f"checks of {intent.name}"
        for check in intent.checks:
            text = normalise_text(check.text)
            if text in trained:
                yield _error(
                    place,
                    f"{check.text!r} is also an utterance of {trained[text]}",
                    "write the check in other words",
                )
            if text in expected:
                yield _error(
                    place,
                    f"{check.text!r} already is a check of {expected[text]}",
                    "remove one of them",
                )
            expected.setdefault(text, intent.name)


def _check_rules(catalogue: Catalogue) -> Iterator[Finding]:
    intents = _intent_names(catalogue)
    for rule in catalogue.rules:
        place = f"rule {rule.name}"
        if rule.intent not in intents:
            yield _error(
                place, f"the intent {rule.intent!r} does not exist", "correct it or add the intent"
            )
        yield from _check_steps(rule, place, catalogue)


def _check_steps(rule: Rule, place: str, catalogue: Catalogue) -> Iterator[Finding]:
    for step in rule.steps:
        if step.startswith("utter_"):
            keyed = any(name.startswith(f"{step}/") for name in catalogue.responses)
            if step not in catalogue.responses and not keyed:
                yield _error(place, f"the response {step!r} does not exist", "write its texts")
        elif step not in catalogue.actions:
            yield _error(
                place,
                f"the action {step!r} is not listed",
                "correct it or add it to `actions` in domain.yml",
            )


def _intent_names(catalogue: Catalogue) -> set[str]:
    """Intents, and the groups of retrieval intents: rules and buttons may name either."""
    names = {intent.name for intent in catalogue.intents}
    return names | {name.partition("/")[0] for name in names}


def _check_responses(catalogue: Catalogue) -> Iterator[Finding]:
    targets = _intent_names(catalogue)
    targets |= {f"article/{article.slug}" for article in catalogue.articles}
    for name, variants in catalogue.responses.items():
        place = f"response {name}"
        yield from _check_languages(variants, place)
        for button in (button for variant in variants for button in variant.buttons):
            match = _PAYLOAD.fullmatch(button.payload)
            if match is None or match["intent"] not in targets:
                yield _error(
                    place,
                    f"the button {button.title!r} leads to {button.payload!r}, which is nowhere",
                    "use `/intent` or `/article/slug` of something that exists",
                )


def _check_languages(variants: tuple[ResponseVariant, ...], place: str) -> Iterator[Finding]:
    for language in _LANGUAGES:
        general = [v for v in variants if v.language == language and v.channel is None]
        if not general:
            yield _error(
                place,
                f"it has no {_LANGUAGE_NAMES[language]} text that fits every channel",
                f"add a text with `metadata: {{language: {language}}}` and no `channel`",
            )
    placeholders = {frozenset(_PLACEHOLDER.findall(variant.text)) for variant in variants}
    if len(placeholders) > 1:
        named = sorted(frozenset.union(*placeholders))
        yield _error(
            place,
            "its texts differ in placeholders",
            f"use the same in every text: {', '.join(f'{{{name}}}' for name in named)}",
        )


def _check_look_alikes(catalogue: Catalogue) -> Iterator[Finding]:
    """Letters of another script inside a Latin word: seen the same, never matched (аccount)."""
    for place, text in _texts(catalogue):
        for word in _WORD.findall(text):
            scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
            strange = sorted(scripts.intersection(_SIMILAR_SCRIPTS))
            if "LATIN" in scripts and strange:
                yield _error(
                    place,
                    f"{word!r} mixes Latin letters with look-alikes ({', '.join(strange)})",
                    "type the word again",
                )


def _texts(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for intent in catalogue.intents:
        for utterance in intent.utterances + intent.checks:
            yield f"intent {intent.name}", utterance.text
    for name, variants in catalogue.responses.items():
        for variant in variants:
            yield f"response {name}", variant.text
            for button in variant.buttons:
                yield f"response {name}", button.title
    for article in catalogue.articles:
        for text in (article.title, *article.questions):
            yield f"article {article.slug} ({article.language})", text


def _check_articles(articles: tuple[Article, ...]) -> Iterator[Finding]:
    languages: defaultdict[str, list[str]] = defaultdict(list)
    for article in articles:
        languages[article.slug].append(article.language)
        if not article.title.strip():
            yield _error(
                f"article {article.slug} ({article.language})", "it has no title", "write one"
            )
    for slug, found in languages.items():
        for language in _LANGUAGES:
            if found.count(language) > 1:
                yield _error(
                    f"article {slug}",
                    f"it exists {found.count(language)} times in {_LANGUAGE_NAMES[language]}",
                    "keep one",
                )
            if language not in found:
                yield _warning(
                    f"article {slug}",
                    f"it has no {_LANGUAGE_NAMES[language]} translation",
                    f"add articles/{language}/{slug}.md",
                )
