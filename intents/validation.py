"""Judges a catalogue: what would make the bot answer wrongly, or not at all.

The loader refuses what cannot be read; this finds what reads well and is still a mistake.
Errors must be mended before a catalogue may be published, warnings should be looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator

from intents.findings import Finding, Severity, error, warning
from intents.flow_checks import check_flows
from intents.model import Article, Catalogue, Intent, ResponseVariant, Utterance
from intents.text import normalise_text

_LANGUAGES = ("zh", "en")
_LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}
_IN_CHINESE = {"zh": "中文", "en": "英文"}
_FEWEST_UTTERANCES = 2
_WORD = re.compile(r"[^\W\d_]+")
_NO_WORD = re.compile(r"[\W_]+")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PAYLOAD = re.compile(r"/(?P<intent>\w+(?:/[\w-]+)?)(?:\{.*\})?")
_SIMILAR_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


def check_catalogue(catalogue: Catalogue) -> list[Finding]:
    """Return what is wrong with a catalogue, errors first."""
    findings = [
        *_check_intents(catalogue),
        *_check_duplicates(catalogue),
        *_check_held_out(catalogue),
        *_check_responses(catalogue),
        *_check_look_alikes(catalogue),
        *_check_articles(catalogue.articles),
        *check_flows(catalogue),
        *(
            Finding(severity=Severity.NOTE, place=note.place, message=note.message, remedy="")
            for note in catalogue.notes
        ),
    ]
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))


def check_answers(catalogue: Catalogue) -> list[Finding]:
    """Return what is wrong with all but sentences: quick enough to ask while one types."""
    return [*_check_responses(catalogue), *check_flows(catalogue)]


def _check_intents(catalogue: Catalogue) -> Iterator[Finding]:
    answered = Counter(rule.intent for rule in catalogue.rules if rule.loop is None)
    answered.update(intent for tree in catalogue.trees for intent in tree.intents)
    wanted = _languages(catalogue)
    for intent in catalogue.intents:
        place = f"intent {intent.name}"
        yield from _check_sizes(intent, place, wanted)
        if answered[intent.name] == 0 and answered[intent.name.partition("/")[0]] == 0:
            yield error(
                place,
                "nothing answers it",
                "write its answer, or a rule for it",
                zh="没有规则回答它；请为它写回答或规则",
            )
        if _same_rules(catalogue, intent.name):
            yield error(
                place,
                "several rules answer it",
                "keep one rule",
                zh="有几条规则同时回答它；请只留一条",
            )
        title = f"utter_title_{intent.name}"
        if title not in catalogue.responses:
            yield warning(
                place,
                "it has no title for choices",
                f"add the response {title} in zh and en",
                zh=f"它没有供选择时显示的标题；请用中英文写回答 {title}",
            )


def _same_rules(catalogue: Catalogue, intent: str) -> bool:
    """Whether two rules would answer in the same situation."""
    own = [
        (rule.loop, rule.after, rule.starts, rule.conditions)
        for rule in catalogue.rules
        if rule.intent == intent
    ]
    return any(own.count(situation) > 1 for situation in own)


def _languages(catalogue: Catalogue) -> tuple[str, ...]:
    """The languages that the catalogue speaks: those of its utterances, in our order."""
    spoken = {each.language for intent in catalogue.intents for each in intent.utterances}
    return tuple(language for language in _LANGUAGES if language in spoken) or _LANGUAGES


def _check_sizes(intent: Intent, place: str, wanted: tuple[str, ...]) -> Iterator[Finding]:
    if len(intent.utterances) < _FEWEST_UTTERANCES:
        yield error(
            place,
            f"it has {len(intent.utterances)} utterances; it cannot be learnt",
            f"write at least {_FEWEST_UTTERANCES}, better 10 in each language",
            zh=f"只有 {len(intent.utterances)} 条例句，学不会；"
            f"请至少写 {_FEWEST_UTTERANCES} 条，最好每种语言 10 条",
            at="/utterances",
        )
        return
    for language in wanted:
        name = _LANGUAGE_NAMES[language]
        if not any(utterance.language == language for utterance in intent.utterances):
            yield warning(
                place,
                f"it has no {name} utterances",
                "add some",
                zh=f"没有{_IN_CHINESE[language]}例句；请补上",
                at="/utterances",
            )
        if not any(check.language == language for check in intent.checks):
            yield warning(
                place,
                f"it has no {name} checks, so its accuracy is unknown",
                "add two or three",
                zh=f"没有{_IN_CHINESE[language]}检验句，听得多准无从知道；请补两三条",
                at="/checks",
            )


def _check_duplicates(catalogue: Catalogue) -> Iterator[Finding]:
    """The same sentence twice: in one intent it is idle, in two it confuses the bot."""
    owners: defaultdict[str, list[tuple[str, Utterance]]] = defaultdict(list)
    for intent in catalogue.intents:
        for utterance in intent.utterances:
            owners[_bare(utterance.text)].append((intent.name, utterance))
    for found in owners.values():
        names = list(dict.fromkeys(name for name, _ in found))
        text = found[0][1].text
        for name in names if len(names) > 1 else ():
            others = [each for each in names if each != name]
            yield error(
                f"intent {name}",
                f"{text!r} also stands in {', '.join(others)}",
                "keep it where it belongs and remove the others",
                zh=f"“{text}”在 {'、'.join(others)} 里也有；请只留在该在的意图里",
                at="/utterances",
            )
        if len(names) == 1 and len(found) > 1:
            yield warning(
                f"intent {names[0]}",
                f"{text!r} stands {len(found)} times",
                "keep one of them",
                zh=f"“{text}”出现了 {len(found)} 次；请只留一条",
                at="/utterances",
            )


def _bare(text: str) -> str:
    """What makes two sentences the same: letters and digits, of either Chinese script."""
    return _NO_WORD.sub("", normalise_text(text)) or text


def _check_held_out(catalogue: Catalogue) -> Iterator[Finding]:
    """A check that is trained on, or expects two intents, measures nothing."""
    trained = {
        _bare(utterance.text): intent.name
        for intent in catalogue.intents
        for utterance in intent.utterances
    }
    expected: dict[str, str] = {}
    for intent in catalogue.intents:
        place = f"checks of {intent.name}"
        for check in intent.checks:
            text = _bare(check.text)
            if text in trained:
                yield error(
                    place,
                    f"{check.text!r} is also an utterance of {trained[text]}",
                    "write the check in other words",
                    zh=f"检验句“{check.text}”也是 {trained[text]} 的例句；请换一种说法",
                    at="/checks",
                )
            if text in expected:
                yield error(
                    place,
                    f"{check.text!r} already is a check of {expected[text]}",
                    "remove one of them",
                    zh=f"“{check.text}”已经是 {expected[text]} 的检验句；请删去一条",
                    at="/checks",
                )
            expected.setdefault(text, intent.name)


def _check_responses(catalogue: Catalogue) -> Iterator[Finding]:
    targets = catalogue.intent_names()
    targets |= {f"article/{article.slug}" for article in catalogue.articles}
    targets |= {f"tree/{tree.name}" for tree in catalogue.trees}
    spoken = {each.language for variants in catalogue.responses.values() for each in variants}
    wanted = tuple(language for language in _languages(catalogue) if language in spoken)
    for language in set(_languages(catalogue)) - spoken if spoken else ():
        yield warning(
            "responses",
            f"none is in {_LANGUAGE_NAMES[language]}, though customers write it",
            "translate them",
            zh=f"客户会用{_IN_CHINESE[language]}来问，却没有一条{_IN_CHINESE[language]}回答；请翻译",
        )
    for name, variants in catalogue.responses.items():
        place = f"response {name}"
        yield from _check_languages(variants, place, wanted)
        buttons = [
            (f"/variants/{number}/buttons/{count}/payload", button)
            for number, variant in enumerate(variants)
            for count, button in enumerate(variant.buttons)
        ]
        for at, button in buttons:
            match = _PAYLOAD.fullmatch(button.payload)
            if match is None or match["intent"] not in targets:
                yield error(
                    place,
                    f"the button {button.title!r} leads to {button.payload!r}, which is nowhere",
                    "use `/intent` or `/article/slug` of something that exists",
                    zh=f"按钮“{button.title}”指向 {button.payload}，那里什么也没有；"
                    "请写存在的 /意图 或 /article/文章",
                    at=at,
                )


def _check_languages(
    variants: tuple[ResponseVariant, ...], place: str, wanted: tuple[str, ...]
) -> Iterator[Finding]:
    for language in wanted:
        general = [
            v
            for v in variants
            if v.language == language and v.channel is None and not v.conditions
        ]
        if not general:
            yield error(
                place,
                f"it has no {_LANGUAGE_NAMES[language]} text that fits every channel",
                "add one for every channel, without conditions",
                zh=f"没有适合所有渠道的{_IN_CHINESE[language]}文字；请补一条不限渠道、没有条件的",
                at="/variants",
            )
    placeholders = {frozenset(_PLACEHOLDER.findall(v.text)) for v in variants if not v.conditions}
    if len(placeholders) > 1:
        named = sorted(frozenset.union(*placeholders))
        yield error(
            place,
            "its texts differ in placeholders",
            f"use the same in every text: {', '.join(f'{{{name}}}' for name in named)}",
            zh="各条文字里的占位符不一样；请都用：" + "、".join(f"{{{name}}}" for name in named),
            at="/variants",
        )


def _check_look_alikes(catalogue: Catalogue) -> Iterator[Finding]:
    """Letters of another script inside a Latin word: seen the same, never matched (аccount)."""
    for place, text in _texts(catalogue):
        # Most texts need no closer look, and a name for each letter takes time.
        for word in () if text.isascii() else _WORD.findall(text):
            scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
            strange = sorted(scripts.intersection(_SIMILAR_SCRIPTS))
            if "LATIN" in scripts and strange:
                yield error(
                    place,
                    f"{word!r} mixes Latin letters with look-alikes ({', '.join(strange)})",
                    "type the word again",
                    zh=f"“{word}”混有形似拉丁字母的字符（{'、'.join(strange)}）；请重新输入",
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
            yield error(
                f"article {article.slug} ({article.language})",
                "it has no title",
                "write one",
                zh="没有标题；请写一个",
            )
    for slug, found in languages.items():
        for language in _LANGUAGES:
            if found.count(language) > 1:
                yield error(
                    f"article {slug}",
                    f"it exists {found.count(language)} times in {_LANGUAGE_NAMES[language]}",
                    "keep one",
                    zh=f"有 {found.count(language)} 篇{_IN_CHINESE[language]}的；请只留一篇",
                )
            if language not in found:
                yield warning(
                    f"article {slug}",
                    f"it has no {_LANGUAGE_NAMES[language]} translation",
                    "translate it",
                    zh=f"没有{_IN_CHINESE[language]}译文；请补上",
                )
